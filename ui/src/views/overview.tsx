// overview: how everything stands, on one screen: this machine, and the fleet once there is one.

import { computed, signal } from '@preact/signals';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import { href } from '../link/route';
import { openFeed } from '../state/feed';
import { bitRate, byteRate, bytes, count, line, load, percent, type Format, type Shown } from '../state/format';
import { rangeById, sum, type Cell } from '../state/history';
import { concerns, countedNics, disks, failedUnits, host, hostTopic, indicator, memoryPct, realMounts, rows, type Level } from '../state/store';
import { Dial, Spark } from '../parts/gauge';
import { Icon, type IconName } from '../parts/icon';
import { Since } from '../parts/num';
import { countLine, type Fleet } from '../state/summary';
import { FleetPanel, useFleet } from './overview-fleet';
import { Start } from './overview-start';
import { lazy } from '../parts/lazy';
import { Failure, Forbidden, Panel, Skeleton } from '../parts/panel';

const QuickVms = lazy(() => import('./infra-vm-parts').then((m) => m.QuickVms),
  () => <section class="panel"><Skeleton lines={6} label="Machines" /></section>);

export function total(values: (number | undefined)[]): number | undefined {
  const known = values.filter((v): v is number => v !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
}

const plain = count();
const SPAN = rangeById('5m');

export function Overview() {
  const feed = useMemo(() => {
    const names = computed(() => [
      'host/local.cpu_pct', 'host/local.mem_used_bytes',
      ...countedNics.value.flatMap((n) => [`nic/${n.id}.rx_bps`, `nic/${n.id}.tx_bps`]),
      ...rows(disks.value).flatMap((d) => [`disk/${d.id}.read_bps`, `disk/${d.id}.write_bps`]),
    ]);
    // Before the first value the parts of the machine are not known; asking then would ask twice.
    const whenKnown = computed(() => (host.value ? names.value : []));
    return openFeed(signal(SPAN), whenKnown, host);
  }, []);
  useLayoutEffect(() => feed.stop, [feed]);
  const fleet = useFleet().value;
  const hasFleet = fleet !== undefined && fleet.servers > 0;

  return (
    <div class="page overview">
      <h1 class="visually-hidden">Overview</h1>
      <Standing fleet={fleet} />
      {hasFleet && <FleetPanel fleet={fleet} />}
      <div class="overview-grid">
        <Machine feed={feed} />
        <div class="column">
          {hasFleet && <QuickVms />}
          <Start />
        </div>
      </div>
    </div>
  );
}

const glyph: Record<Level, string> = { ok: '●', warn: '▲', crit: '◆', unknown: '?' };

function Standing({ fleet }: { fleet: Fleet | undefined }) {
  const list = concerns.value;
  const isLive = indicator.value.kind === 'live';
  const level: Level = host.value === undefined || (!isLive && list.length === 0) ? 'unknown' : (list[0]?.level ?? 'ok');
  const need = isLive ? 'needs' : 'needed';
  return (
    <section class={`standing ${level}`} aria-label="How it stands">
      <p class="standing-line">
        <span class="standing-glyph" aria-hidden="true">{glyph[level]}</span>
        {host.value === undefined ? 'Waiting for the first sample'
          : list.length === 0 ? `Nothing ${need} attention` : list.length === 1 ? `One thing ${need} attention` : `${list.length} things ${isLive ? 'need' : 'needed'} attention`}
        {host.value !== undefined && !isLive && ' when last seen'}
        <span class="standing-count num" data-tip={fleet?.guests ? 'This machine, the Proxmox servers, their virtual machines and containers' : 'This machine'}>{fleet ? countLine(fleet) : '1 host'}</span>
      </p>
      {list.length > 0 && (
        <ul class="concerns">
          {list.map((c) => (
            <li key={c.id}><a class={`concern ${c.level}`} href={href(c.page)}><span aria-hidden="true">{glyph[c.level]}</span> {c.text}<Icon name="chevron-right" size={14} /></a></li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Machine({ feed }: { feed: ReturnType<typeof openFeed> }) {
  const h = host.value;
  if (hostTopic.phase.value === 'refused') {
    return <section class="panel"><Forbidden what="Seeing this machine" role="viewer" /></section>;
  }
  if (!h) return <section class="panel machine"><Skeleton lines={8} label="Waiting for the first sample" /></section>;
  void feed.version.value;
  const track = feed.track;
  // After a restart the server knows the past in coarser steps than seconds: fewer points, the same width.
  const room = Math.round(SPAN.span_ms / (track?.step ?? 1000));
  const cells = (names: string[]): Cell[] => (track ? sum(names.map((n) => track.last(n, room))) : []);
  const fullest = realMounts.value.filter((m) => !m.read_only).sort((a, b) => (b.used_pct ?? 0) - (a.used_pct ?? 0))[0];
  const nicList = countedNics.value;
  const diskList = rows(disks.value);
  return (
    <Panel title={<><a href={href('host')}>{h.name ?? 'This machine'}</a> <span class="tag">this machine</span></>} icon="server" topic={hostTopic} class="machine"
      aside={<a class="button small" href={href('host')}>Open <Icon name="chevron-right" size={14} /></a>}>
      <p class="machine-facts">
        {[h.os, h.kernel && `Linux ${h.kernel}`, h.core_count && `${h.core_count} ${h.core_count === 1 ? 'core' : 'cores'}`].filter(Boolean).join(' · ')}
        {' · up '}<Since at={h.booted_at} />
      </p>
      <div class="machine-dials">
        <Dial label="CPU" pct={h.cpu_pct}><span class="num" data-tip={load(h.load1).exact}>load {line(load(h.load1))}</span></Dial>
        <Dial label="Memory" pct={memoryPct(h)}><span class="num" data-tip={bytes(h.mem_used_bytes).exact}>{line(bytes(h.mem_used_bytes))} of {line(bytes(h.mem_total_bytes))}</span></Dial>
        <Dial label={fullest ? `Disk ${fullest.id}` : 'Disk'} pct={fullest?.used_pct}><span class="num" data-tip={bytes(fullest?.available_bytes).exact}>{line(bytes(fullest?.available_bytes))} left</span></Dial>
      </div>
      <div class="strips">
        <Strip label="CPU" icon="cpu" room={room} cells={cells(['host/local.cpu_pct'])} max={100} shown={percent(h.cpu_pct)} color={1} />
        <Strip label="Memory" icon="memory-stick" room={room} cells={cells(['host/local.mem_used_bytes'])} max={h.mem_total_bytes} shown={bytes(h.mem_used_bytes)} color={2} />
        <Pair label="Network" icon="network" room={room} feedCells={cells} format={bitRate} signs={['in', 'out']}
          names={[nicList.map((n) => `nic/${n.id}.rx_bps`), nicList.map((n) => `nic/${n.id}.tx_bps`)]}
          values={[total(nicList.map((n) => n.rx_bps)), total(nicList.map((n) => n.tx_bps))]} color={3} />
        <Pair label="Disk" icon="hard-drive" room={room} feedCells={cells} format={byteRate} signs={['read', 'write']}
          names={[diskList.map((d) => `disk/${d.id}.read_bps`), diskList.map((d) => `disk/${d.id}.write_bps`)]}
          values={[total(diskList.map((d) => d.read_bps)), total(diskList.map((d) => d.write_bps))]} color={5} />
      </div>
      {feed.error.value && <Failure error={feed.error.value} retry={feed.retry} />}
      <p class="machine-units">
        <UnitsLine />
        <span class="num dim" data-tip={`${plain(h.process_count).exact} processes, ${plain(h.running_count).exact} of them running`}>{plain(h.process_count).text} processes</span>
        <span class="num dim" data-tip={`${plain(h.tcp_established).exact} established TCP connections`}>{plain(h.tcp_established).text} connections</span>
      </p>
    </Panel>
  );
}

/** "132 units ok, 1 failed: smartd" */
function UnitsLine() {
  const h = host.value!;
  const { named, more } = failedUnits.value;
  if (h.units_ok === undefined) return <a class="units-line dim" href={href('host#units')} data-tip={h.units_why}>systemd units: not known here</a>;
  if (!h.units_failed) return <a class="units-line num" href={href('host#units')}><span class="ok-text" aria-hidden="true">● </span>{h.units_ok} units ok, none failed</a>;
  return (
    <a class="units-line num" href={href('host#units')}>
      <span class="warn-text" aria-hidden="true">▲ </span>{h.units_ok} units ok, <strong class="warn-text">{h.units_failed} failed</strong>
      {named.map((name, i) => <>{i === 0 ? ': ' : ', '}<bdi key={name}>{name}</bdi></>)}
      {named.length > 0 && more > 0 && ` and ${more} more`}
    </a>
  );
}

interface StripProps {
  label: string;
  icon: IconName;
  cells: Cell[];
  room: number;
  shown: Shown;
  max?: number | undefined;
  color: 1 | 2 | 3 | 4 | 5;
}

function Strip({ label, icon, cells, room, shown, max, color }: StripProps) {
  return (
    <div class="strip">
      <span class="strip-label"><Icon name={icon} />{label}</span>
      <Spark cells={cells} room={room} {...(max ? { max } : {})} color={color} label={`${label}, last 5 minutes`} />
      <span class="strip-value num" data-tip={shown.exact}>{shown.text}<span class="unit"> {shown.unit}</span></span>
    </div>
  );
}

function Pair({ label, icon, room, feedCells, names, values, signs, format, color }: {
  label: string; icon: IconName; room: number; feedCells: (names: string[]) => Cell[]; names: [string[], string[]];
  values: [number | undefined, number | undefined]; signs: [string, string]; format: Format; color: 3 | 5;
}) {
  return (
    <div class="strip">
      <span class="strip-label"><Icon name={icon} />{label}</span>
      <Spark cells={feedCells(names[0])} more={feedCells(names[1])} room={room} color={color} label={`${label}, last 5 minutes`} />
      <span class="strip-value two num">
        {values.map((v, i) => {
          const shown = format(v);
          return <span key={i} class="num" data-tip={shown.exact}><i class="sign">{signs[i]}</i>{shown.text}<span class="unit"> {shown.unit}</span></span>;
        })}
      </span>
    </div>
  );
}
