// overview-fleet: the servers, nodes and guests of all in a row of figures, each leading to its list.

import { computed, type ReadonlySignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { href } from '../link/route';
import type { Summary } from '../model.gen';
import { nodes, nodesDown, servers, serversTopic, useTopic } from '../state/fleet';
import { bytes, count, line, percent } from '../state/format';
import { STATES, type ServerState } from '../state/servers';
import { fleetOf, type Fleet } from '../state/summary';
import { Meter } from '../parts/gauge';
import { Icon } from '../parts/icon';
import { Panel } from '../parts/panel';
import { StateSign } from './infra-server-parts';

const plain = count();

/** Everything the overview says about the fleet; undefined until the registry is known. */
export function useFleet(): ReadonlySignal<Fleet | undefined> {
  const topic = useTopic('summary');
  return useMemo(() => computed(() => {
    const list = servers.value;
    return list && fleetOf(list, nodes.value, nodesDown.value, topic.value.value as Summary | undefined);
  }), [topic]);
}

const named: readonly ServerState[] = ['offline', 'flapping', 'degraded', 'unknown', 'disabled'];

function Tile({ label, to, children }: { label: string; to: string; children: ComponentChildren }) {
  return (
    <a class="tile" href={to}>
      <span class="tile-label">{label}</span>
      {children}
    </a>
  );
}

export function FleetPanel({ fleet }: { fleet: Fleet }) {
  const { states } = fleet;
  const demos = servers.value?.filter((s) => s.is_demo).length ?? 0;
  return (
    <Panel title={<>Fleet{demos > 0 && <> <span class="tag demo" data-tip={`${demos} of ${fleet.servers} servers belong to the demo fleet; no machines of yours`}>DEMO</span></>}</>} icon="boxes" topic={serversTopic} class="fleet" aside={<a class="button small" href={href('servers')}>Servers <Icon name="chevron-right" size={14} /></a>}>
      <div class="tiles">
        <Tile label="Servers" to={href('servers')}>
          <strong class="tile-value num">{fleet.online}<span class="unit"> of {fleet.servers} online</span></strong>
        </Tile>
        <Tile label="Nodes" to={href('servers')}>
          {fleet.nodesOnline + fleet.nodesOffline + fleet.nodesUnknown === 0 && fleet.servers > 0
            ? <strong class="tile-value num dim" data-tip="No server has listed its nodes yet">–</strong>
            : <strong class="tile-value num">{fleet.nodesOnline}<span class="unit"> online</span></strong>}
          <span class={`tile-note num ${fleet.nodesOffline > 0 ? 'crit-text' : ''}`}>{fleet.nodesOffline > 0 ? `✖ ${fleet.nodesOffline} offline` : fleet.nodesUnknown > 0 ? `? ${fleet.nodesUnknown} not known` : fleet.nodesOnline > 0 ? 'none offline' : 'not known'}</span>
        </Tile>
        <Tile label="Virtual machines" to={href('vms', { status: 'running' })}>
          {fleet.running === undefined
            ? <><strong class="tile-value num dim" data-tip="No server that answers lists a guest">–</strong><span class="tile-note">not known what runs</span></>
            : <>
                <strong class="tile-value num">{plain(fleet.running).text}<span class="unit"> running</span></strong>
                <span class="tile-note num">{fleet.stopped === undefined ? 'not known what is stopped' : `${plain(fleet.stopped).text} stopped`}</span>
              </>}
        </Tile>
        <Share label="CPU" pct={fleet.cpuPct} note={fleet.cpuPct === undefined ? 'not reported' : 'of all processors'} />
        <Share label="Memory" pct={share(fleet.memUsed, fleet.memTotal)} note={part(fleet.memUsed, fleet.memTotal)} />
        <Share label="Storage" pct={share(fleet.storageUsed, fleet.storageTotal)} note={part(fleet.storageUsed, fleet.storageTotal)} />
      </div>
      {named.some((id) => states[id]) && (
        <p class="fleet-states">
          {named.map((id) => states[id] && (
            <a key={id} class="fleet-state" href={href('servers', { state: id })}><span class={`server-status ${id}`}><StateSign state={id} /></span> <span class="num">{states[id]}</span> {STATES[id].word.toLowerCase()}</a>
          ))}
        </p>
      )}
    </Panel>
  );
}

const share = (used: number | undefined, all: number | undefined) => (used === undefined || !all ? undefined : (used / all) * 100);
const part = (used: number | undefined, all: number | undefined) => (used === undefined || all === undefined ? 'not reported' : `${line(bytes(used))} of ${line(bytes(all))}`);

function Share({ label, pct, note }: { label: string; pct: number | undefined; note: string }) {
  return (
    <div class="tile">
      <span class="tile-label">{label}</span>
      {pct === undefined ? <strong class="tile-value num dim" data-tip={percent(undefined, 'not reported').exact}>–</strong> : <Meter pct={pct} label={`${label} of the fleet`} />}
      <span class="tile-note num">{note}</span>
    </div>
  );
}
