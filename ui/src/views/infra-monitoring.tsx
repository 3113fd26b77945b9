// infra-monitoring: all servers side by side: how they stand, compared, over time, and as a table.

import { useComputed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { go, href, route, withQuery } from '../link/route';
import { gradeOfMs, gradeOfRate, gradeWords, msText, spanById, spans, timeLimit, type Grade, type Span } from '../state/attempts';
import { nodesDown, servers, serversTopic, type ServerRow } from '../state/fleet';
import { arcsOf, byName, bySlowness, chosenOf, figuresOf, toggled, type FleetFigures } from '../state/monitoring';
import { settledOf, STATES } from '../state/servers';
import { Choice } from '../parts/form';
import { Icon, type IconName } from '../parts/icon';
import { Ago } from '../parts/num';
import { Empty, Forbidden, Panel, Skeleton, Stale } from '../parts/panel';
import { Table, type Column } from '../parts/table';
import { History, Rate } from './infra-history';
import { DemoTag, ServerStatus, StateSign } from './infra-server-parts';

const tabs = [
  { id: 'overview', label: 'Overview' },
  { id: 'comparison', label: 'Comparison' },
  { id: 'history', label: 'History' },
  { id: 'details', label: 'Server Details' },
] as const;

export function MonitoringPage() {
  const tab = tabs.find((t) => t.id === route.value.query.get('tab'))?.id ?? 'overview';
  const list = servers.value;
  const figures = useComputed(() => figuresOf(servers.value ?? [], nodesDown.value));
  if (serversTopic.phase.value === 'refused') return <div class="page"><section class="panel"><Forbidden what="Seeing servers" role="viewer" isPage /></section></div>;
  return (
    <div class="page monitoring">
      <div class="page-head">
        <div>
          <h1>Monitoring <Stale topic={serversTopic} /></h1>
          <p class="page-facts"><span>Proxmox servers side by side, from their last 100 attempts each</span></p>
        </div>
      </div>
      {list === undefined ? <section class="panel"><Skeleton lines={6} label="Waiting for the servers" /></section>
        : list.length === 0 ? (
          <section class="panel">
            <Empty icon="chart" title="Nothing to monitor yet">
              Add a Proxmox server, and its checks draw their lines here.
              <a class="button primary" href={href('servers')}>Servers</a>
            </Empty>
          </section>
        ) : (
          <>
            <Tiles of={figures.value} />
            <nav class="tabs" aria-label="Views of the servers">
              {tabs.map((t) => <a key={t.id} href={href('monitoring', t.id === 'overview' ? {} : { tab: t.id })} aria-current={t.id === tab ? 'page' : undefined}>{t.label}</a>)}
            </nav>
            {tab === 'overview' && <OverviewTab list={list} figures={figures.value} />}
            {tab === 'comparison' && <Comparison list={list} />}
            {tab === 'history' && <Histories list={list} />}
            {tab === 'details' && <DetailsTab list={list} />}
          </>
        )}
    </div>
  );
}

// --- tiles -------------------------------------------------------------------------------------------

function Tile({ label, icon, children, note }: { label: string; icon: IconName; children: ComponentChildren; note?: string }) {
  return (
    <div class="mon-tile">
      <dt><Icon name={icon} /> {label}</dt>
      <dd>{children}{note && <span class="mon-note">{note}</span>}</dd>
    </div>
  );
}

function Tiles({ of: f }: { of: FleetFigures }) {
  const n = (value: number, tip: string) => <span class="num" data-tip={tip}>{value.toLocaleString('en')}</span>;
  const behind = `mean of ${f.measured} ${f.measured === 1 ? 'server' : 'servers'} with attempts`;
  return (
    <dl class="panel mon-tiles">
      <Tile label="Servers" icon="server" note={f.disabled > 0 ? `${f.disabled} disabled` : ''}>{n(f.total, 'servers in the registry')}</Tile>
      <Tile label="Online" icon="circle-check">{n(f.online, 'the last attempt succeeded')}</Tile>
      <Tile label="Offline" icon="circle-alert">{n(f.offline, 'the last check failed')}</Tile>
      <Tile label="Average success" icon="activity"><span data-tip={f.avgSuccess === null ? 'no attempt yet' : behind}><Rate pct={f.avgSuccess === null ? null : Math.round(f.avgSuccess * 10) / 10} /></span></Tile>
      <Tile label="Average latency" icon="clock"><span class={`num grade ${gradeOfMs(f.avgMs)}`} data-tip={f.avgMs === null ? 'no attempt succeeded yet' : behind}>{msText(f.avgMs)}</span></Tile>
      <Tile label="By VPN" icon="network">{n(f.vpn, 'servers that are called by VPN')}</Tile>
    </dl>
  );
}

// --- overview ----------------------------------------------------------------------------------------

const R = 40;
const TURN = 2 * Math.PI * R;

function Donut({ of: f }: { of: FleetFigures }) {
  const words = f.states.map(([state, n]) => `${n} ${STATES[state].word.toLowerCase()}`).join(', ');
  const gap = f.states.length > 1 ? 1.5 : 0;
  return (
    <div class="donut">
      <svg viewBox="0 0 100 100" role="img" aria-label={`${f.total} servers: ${words}`}>
        {arcsOf(f.states).map((a) => (
          <circle key={a.state} class={`donut-arc ${a.state}`} cx="50" cy="50" r={R} pathLength={TURN}
            stroke-dasharray={`${Math.max(0.5, (a.to - a.from) * TURN - gap)} ${TURN}`} stroke-dashoffset={-a.from * TURN} transform="rotate(-90 50 50)" />
        ))}
        <text x="50" y="50" class="donut-number">{f.total}</text>
        <text x="50" y="62" class="donut-word">{f.total === 1 ? 'server' : 'servers'}</text>
      </svg>
      <ul class="donut-legend">
        {f.states.map(([state, n]) => (
          <li key={state}><ServerStatus state={state} /><span class="num" data-tip={`${n} of ${f.total}`}>{n}</span></li>
        ))}
      </ul>
    </div>
  );
}

/** A bar with its judgement in words for those who do not see colours. */
function Bar({ value, top, grade, text, label, sign = '▲' }: { value: number | null | undefined; top: number; grade: Grade; text: string; label: string; sign?: string }) {
  return (
    <span class={`bar ${grade}`} data-tip={value == null ? 'not measured' : `${label}: ${text}, ${gradeWords[grade]}`}>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="meter-track" width="100" height="8" />
        {value != null && <rect class="bar-fill" width={Math.max(0.8, Math.min(100, (value / Math.max(top, 1e-9)) * 100))} height="8" />}
      </svg>
      <span class="num bar-text">{grade === 'poor' && <span aria-hidden="true">{sign} </span>}{text}<span class="visually-hidden">, {gradeWords[grade]}</span></span>
    </span>
  );
}

const SHOWN = 20;

function OverviewTab({ list, figures }: { list: ServerRow[]; figures: FleetFigures }) {
  const [isAll, showAll] = useState(false);
  const slow = bySlowness(list.filter((s) => s.is_active !== false));
  const top = Math.max(500, ...slow.map((s) => s.avg_response_time_ms ?? 0));
  const shown = isAll ? slow : slow.slice(0, SHOWN);
  return (
    <div class="monitoring-overview">
      <Panel title="State" icon="activity"><Donut of={figures} /></Panel>
      <Panel title="Response, the slowest first" icon="clock">
        <ul class="bars">
          {shown.map((s) => (
            <li key={s.id}>
              <a href={href(`servers/${encodeURIComponent(s.id)}`)} class="bars-name">{s.name}</a>
              <Bar value={s.avg_response_time_ms} top={top} grade={gradeOfMs(s.avg_response_time_ms)} text={msText(s.avg_response_time_ms)} label={`mean response of ${s.name}`} />
            </li>
          ))}
        </ul>
        {slow.length > SHOWN && <div class="table-foot"><button type="button" class="link" onClick={() => showAll(!isAll)}>{isAll ? 'Show fewer' : `Show all ${slow.length}`}</button></div>}
      </Panel>
    </div>
  );
}

// --- comparison --------------------------------------------------------------------------------------

const FILTER_FROM = 13; // servers; fewer are seen at once

function Comparison({ list }: { list: ServerRow[] }) {
  const [text, setText] = useState('');
  const chosen = chosenOf(list, route.value.query.get('servers'));
  const ids = new Set(chosen.map((s) => s.id));
  const wanted = text.trim().toLowerCase();
  const seen = wanted === '' ? list : list.filter((s) => (s.name ?? '').toLowerCase().includes(wanted) || ids.has(s.id));
  const top = Math.max(500, ...chosen.map((s) => s.avg_response_time_ms ?? 0));
  return (
    <>
      <Panel title="Servers to compare" icon="server" aside={list.length >= FILTER_FROM && (
        <input class="picks-filter" type="search" aria-label="Find a server" placeholder="Find a server" value={text} onInput={(e) => setText(e.currentTarget.value)} />
      )}>
        <div class="picks" role="group" aria-label="Servers to compare">
          {seen.map((s) => (
            <label key={s.id} class={ids.has(s.id) ? 'is-on' : ''}>
              <input type="checkbox" checked={ids.has(s.id)} onChange={() => go(withQuery('servers', toggled(list, chosen, s.id)), 'replace')} />
              <span>{s.name}</span>
            </label>
          ))}
        </div>
      </Panel>
      <Panel title="Compared" icon="chart">
        {chosen.length === 0 ? <Empty icon="chart" title="No server is chosen">Tick two or more above to see them side by side.</Empty> : (
          <div class="compare" role="table" aria-label="Servers compared">
            <div role="row" class="compare-head"><span role="columnheader">Server</span><span role="columnheader">Success</span><span role="columnheader">Response</span></div>
            {chosen.map((s) => (
              <div role="row" key={s.id}>
                <span role="rowheader"><StateSign state={stateOfRow(s)} /> <a href={href(`servers/${encodeURIComponent(s.id)}`)}>{s.name}</a></span>
                <span role="cell"><Bar value={s.success_rate} top={100} grade={gradeOfRate(s.success_rate)} text={s.success_rate === undefined ? '–' : `${Math.round(s.success_rate)} %`} label={`success of ${s.name}`} sign="▼" /></span>
                <span role="cell"><Bar value={s.avg_response_time_ms} top={top} grade={gradeOfMs(s.avg_response_time_ms)} text={msText(s.avg_response_time_ms)} label={`mean response of ${s.name}`} /></span>
              </div>
            ))}
          </div>
        )}
        <p class="compare-foot">Success: good from 95 %, worth a look from 80 %. Response: good to 500 ms, worth a look to 1.5 s.</p>
      </Panel>
    </>
  );
}

function stateOfRow(s: ServerRow) {
  return settledOf(s, nodesDown.value.get(s.id) ?? 0);
}

// --- all histories -----------------------------------------------------------------------------------

const NEAR = '300px';

function Histories({ list }: { list: ServerRow[] }) {
  const span = spanById(route.value.query.get('range'));
  return (
    <>
      <div class="row">
        <Choice label="Range of the histories" class="spans" value={span.id} onChange={(id) => go(withQuery('range', id === spans[0]!.id ? null : id), 'replace')}
          options={spans.map((s) => ({ id: s.id, label: s.label, words: s.words }))} />
        <span class="dim">{list.length === 1 ? '1 server' : `${list.length} servers`}, by name</span>
      </div>
      <div class="charts">{[...list].sort(byName).map((s) => <Lazily key={s.id} server={s} span={span} />)}</div>
    </>
  );
}

/** Asks and draws only while it is on the screen or next to it; before and after it keeps its place. */
function Lazily({ server, span }: { server: ServerRow; span: Span }) {
  const box = useRef<HTMLElement>(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => setNear(seen.at(-1)!.isIntersecting), { rootMargin: `${NEAR} 0px` });
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return (
    <section class="panel history-panel" ref={box} aria-label={`History of ${server.name}`}>
      {isNear && <History id={server.id} name={server.name ?? server.id} span={span} heading="h2" />}
    </section>
  );
}

// --- the table ---------------------------------------------------------------------------------------

function DetailsTab({ list }: { list: ServerRow[] }) {
  const columns: Column<ServerRow>[] = [
    { id: 'name', head: 'Server', isWide: true, sort: (s) => s.name, cell: (s) => <><a class="cell-name" href={href(`servers/${encodeURIComponent(s.id)}`)}>{s.name}</a> <DemoTag server={s} /></> },
    { id: 'state', head: 'State', sort: (s) => stateOfRow(s), cell: (s) => <ServerStatus server={s} /> },
    { id: 'rate', head: 'Success', isNumber: true, sort: (s) => s.success_rate, cell: (s) => <Rate pct={s.success_rate ?? null} /> },
    { id: 'ms', head: 'Mean response', isNumber: true, sort: (s) => s.avg_response_time_ms, cell: (s) => <span class={`num grade ${gradeOfMs(s.avg_response_time_ms)}`} data-tip={s.avg_response_time_ms === undefined ? 'no attempt succeeded yet' : `${s.avg_response_time_ms} ms, ${gradeWords[gradeOfMs(s.avg_response_time_ms)]}`}>{msText(s.avg_response_time_ms)}</span> },
    { id: 'limit', head: 'Time limit', isNumber: true, minor: 1, sort: (s) => timeLimit(s).ms, cell: (s) => <Limit server={s} /> },
    { id: 'connected', head: 'Last connected', minor: 2, sort: (s) => s.last_connected_at, cell: (s) => <Ago at={s.last_connected_at} /> },
  ];
  return <Panel title="Server Details" icon="list"><Table label="Servers" columns={columns} rows={list} keyOf={(s) => s.id} sort="name" limit={100} /></Panel>;
}

function Limit({ server }: { server: ServerRow }) {
  const { ms, isLearned } = timeLimit(server);
  if (ms === null) return <span class="num dim" data-tip="not known">–</span>;
  const how = isLearned ? 'learned from the last attempts' : 'as configured';
  return <span class="num" data-tip={`${ms} ms, ${how}`}>{(ms / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} s{isLearned && <span class="unit"> learned</span>}</span>;
}
