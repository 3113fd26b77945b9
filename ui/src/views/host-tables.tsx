// host-tables: file systems, disks, interfaces, connections, processes, units.

import { go, href, route, withQuery } from '../link/route';
import type { Disk, Host, Mount, Nic, Proc, Unit } from '../model.gen';
import { bitRate, byteRate, bytes, count, dateTime, millis, percent, perSecond, time } from '../state/format';
import { copy, disks, host, hostTopic, nics, procs, realMounts, rows, unitName, units } from '../state/store';
import { Meter } from '../parts/gauge';
import { Num, Since } from '../parts/num';
import { Empty, Panel } from '../parts/panel';
import { Table, type Column } from '../parts/table';

type Row<T> = T & { id: string };
const plain = count();
const ROWS = 12; // then «show all»

/** Where a program finds the past of a row. */
const pastOf = (...series: string[]) => `${href('api/v1/history')}?${new URLSearchParams([['range', '1h'], ...series.map((s) => ['series', s])])}`;
const nowOfAll = () => href('api/v1/state', { topic: 'meter.host' });
const chartOf = (kind: string, id: string) => ({ label: 'Show its chart', icon: 'chart' as const, run: () => go(withQuery(kind, id)) });
const byId = (row: { id: string }) => row.id;

// --- file systems -----------------------------------------------------------------------------------

const mountColumns: Column<Row<Mount>>[] = [
  { id: 'id', head: 'Mounted on', sort: byId, cell: (m) => <span class="cell-name" data-tip={`${m.device ?? 'unknown device'}, ${m.type ?? 'unknown type'}${m.read_only ? ', read-only' : ''}`}>{m.id}</span> },
  { id: 'used_pct', head: 'Used', sort: (m) => m.used_pct, isNumber: true, cell: (m) => <Meter pct={m.used_pct} label={`${m.id} used`} /> },
  { id: 'avail', head: 'Left', sort: (m) => m.available_bytes, isNumber: true, cell: (m) => <Num of={bytes(m.available_bytes)} /> },
  { id: 'total', head: 'Size', minor: 2, sort: (m) => m.total_bytes, isNumber: true, cell: (m) => <Num of={bytes(m.total_bytes)} /> },
  { id: 'inodes', head: 'Inodes', isNumber: true, minor: 2, tip: 'Share of file entries in use: when none is left, nothing can be created',
    sort: (m) => inodePct(m), cell: (m) => <Num of={percent(inodePct(m), 'this file system does not count inodes')} /> },
  { id: 'type', head: 'Type', minor: 1, sort: (m) => m.type, cell: (m) => <span class="dim" data-tip={m.read_only ? 'mounted read-only' : undefined}>{m.type ?? '–'}{m.read_only ? ' ro' : ''}</span> },
];

function inodePct(m: Mount): number | undefined {
  return m.inodes_total && m.inodes_used !== undefined ? (m.inodes_used / m.inodes_total) * 100 : undefined;
}

export function Mounts() {
  return (
    <Panel title="File systems" icon="hard-drive" id="mounts" topic={hostTopic}>
      {realMounts.value.length === 0 ? <Empty title="No file system with a size is mounted" />
        : <Table label="File systems" columns={mountColumns} rows={realMounts.value} keyOf={byId} sort="id" limit={ROWS}
            menu={(m) => ({ title: m.id, record: m, path: pastOf(`mount/${m.id}.used_pct`, `mount/${m.id}.used_bytes`) })} />}
    </Panel>
  );
}

// --- disks ------------------------------------------------------------------------------------------

const diskColumns: Column<Row<Disk>>[] = [
  { id: 'id', head: 'Disk', sort: byId, cell: (d) => <a class="cell-name" href={withQuery('disk', d.id)} data-tip={[d.model, d.size_bytes ? bytes(d.size_bytes).exact : ''].filter(Boolean).join(', ') || 'Show its chart'}>{d.id}</a> },
  { id: 'busy', head: 'Busy', sort: (d) => d.busy_pct, isNumber: true, cell: (d) => <Meter pct={d.busy_pct} label={`${d.id} busy`} /> },
  { id: 'read', head: 'Read', sort: (d) => d.read_bps, isNumber: true, cell: (d) => <Num of={byteRate(d.read_bps)} /> },
  { id: 'write', head: 'Write', sort: (d) => d.write_bps, isNumber: true, cell: (d) => <Num of={byteRate(d.write_bps)} /> },
  { id: 'iops', head: 'Requests', isNumber: true, minor: 2, sort: (d) => (d.read_iops ?? 0) + (d.write_iops ?? 0),
    cell: (d) => <Num of={perSecond(d.read_iops === undefined ? undefined : d.read_iops + (d.write_iops ?? 0))} /> },
  { id: 'await', head: 'Answer', isNumber: true, minor: 2, tip: 'Mean time a request took', sort: (d) => d.await_ms, cell: (d) => <Num of={millis(d.await_ms, 'no request in this second')} /> },
  { id: 'size', head: 'Size', isNumber: true, minor: 1, sort: (d) => d.size_bytes, cell: (d) => <Num of={bytes(d.size_bytes)} /> },
];

export function Disks() {
  const list = rows(disks.value);
  return (
    <Panel title="Disks" icon="hard-drive" id="disks" topic={hostTopic}>
      {list.length === 0 ? <Empty title="No block device is visible">Containers often hide them; file systems are measured all the same.</Empty>
        : <Table label="Disks" columns={diskColumns} rows={list} keyOf={byId} sort="id" limit={ROWS} marked={(d) => d.id === route.value.query.get('disk')}
            menu={(d) => ({ title: d.id, record: d, path: pastOf(`disk/${d.id}.read_bps`, `disk/${d.id}.write_bps`), acts: [chartOf('disk', d.id)] })} />}
    </Panel>
  );
}

// --- interfaces -------------------------------------------------------------------------------------

const nicColumns: Column<Row<Nic>>[] = [
  { id: 'id', head: 'Interface', sort: byId, cell: (n) => <a class="cell-name" href={withQuery('nic', n.id)} data-tip={[n.mac, n.speed_mbps ? `${n.speed_mbps} Mbit/s` : ''].filter(Boolean).join(', ') || 'Show its chart'}>{n.id}</a> },
  { id: 'up', head: 'Link', sort: (n) => (n.is_up ? 1 : 0), cell: (n) => n.is_up ? <span class="state ok">● up</span> : <span class="state dim">○ down</span> },
  { id: 'address', head: 'Address', minor: 2, sort: (n) => n.address, cell: (n) => <span class="mono">{n.address || <span class="dim" data-tip="no address">–</span>}</span> },
  { id: 'rx', head: 'In', sort: (n) => n.rx_bps, isNumber: true, cell: (n) => <Num of={bitRate(n.rx_bps)} /> },
  { id: 'tx', head: 'Out', sort: (n) => n.tx_bps, isNumber: true, cell: (n) => <Num of={bitRate(n.tx_bps)} /> },
  { id: 'err', head: 'Errors', isNumber: true, minor: 1, tip: 'Errors and drops, both ways', sort: (n) => (n.rx_errors_ps ?? 0) + (n.tx_errors_ps ?? 0),
    cell: (n) => <Num of={perSecond(n.rx_errors_ps === undefined ? undefined : n.rx_errors_ps + (n.tx_errors_ps ?? 0))} /> },
  { id: 'rx_bytes', head: 'In since boot', isNumber: true, minor: 1, sort: (n) => n.rx_bytes, cell: (n) => <Num of={bytes(n.rx_bytes)} /> },
  { id: 'tx_bytes', head: 'Out since boot', isNumber: true, minor: 1, sort: (n) => n.tx_bytes, cell: (n) => <Num of={bytes(n.tx_bytes)} /> },
];

export function Nics() {
  return (
    <Panel title="Network interfaces" icon="network" id="nics" topic={hostTopic}>
      <Table label="Network interfaces" columns={nicColumns} rows={rows(nics.value)} keyOf={byId} sort="id" limit={ROWS} marked={(n) => n.id === route.value.query.get('nic')}
        menu={(n) => ({ title: n.id, record: n, path: pastOf(`nic/${n.id}.rx_bps`, `nic/${n.id}.tx_bps`), acts: [chartOf('nic', n.id)] })} />
    </Panel>
  );
}

// --- connections ------------------------------------------------------------------------------------

const states: { field: keyof Host; label: string; color: number; tip: string }[] = [
  { field: 'tcp_established', label: 'established', color: 3, tip: 'open in both directions' },
  { field: 'tcp_listen', label: 'listening', color: 1, tip: 'sockets waiting for callers' },
  { field: 'tcp_time_wait', label: 'time wait', color: 6, tip: 'closed, kept a minute against late packets' },
  { field: 'tcp_close_wait', label: 'close wait', color: 4, tip: 'the other side closed, the program here has not: many of them are a leak' },
  { field: 'tcp_syn_sent', label: 'SYN sent', color: 5, tip: 'calling, not answered yet' },
  { field: 'tcp_syn_recv', label: 'SYN received', color: 5, tip: 'called, handshake not finished: many of them may be a flood' },
  { field: 'tcp_fin_wait', label: 'FIN wait', color: 2, tip: 'closed here, waiting for the other side' },
  { field: 'tcp_other', label: 'other', color: 6, tip: 'closing, last ACK' },
];

export function Tcp() {
  const h = host.value;
  const values = states.map((s) => ({ ...s, n: h?.[s.field] as number | undefined }));
  const sum = values.reduce((a, v) => a + (v.n ?? 0), 0);
  let x = 0;
  return (
    <Panel title="TCP connections" icon="network" id="tcp" topic={hostTopic} aside={<span class="num dim" data-tip={plain(sum).exact}>{plain(sum).text} in all</span>}>
      <div class="tcp">
        <svg class="tcp-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
          <rect class="meter-track" width="1000" height="10" />
          {sum > 0 && values.map((v) => {
            const w = ((v.n ?? 0) / sum) * 1000;
            const at = x;
            x += w;
            return w > 0 && <rect key={v.field} class={`fill-c${v.color}`} x={at} width={Math.max(1, w - 2)} height="10" />;
          })}
        </svg>
        <dl class="tcp-states">
          {values.map((v) => (
            <div key={v.field} class={v.n ? '' : 'is-none'} data-tip={v.tip}>
              <dt><i class={`swatch c${v.color}`} />{v.label}</dt>
              <dd><Num of={plain(v.n)} /></dd>
            </div>
          ))}
        </dl>
      </div>
    </Panel>
  );
}

// --- processes --------------------------------------------------------------------------------------

const stateWords: Record<string, string> = {
  R: 'running', S: 'sleeping', D: 'waiting for a disk', Z: 'zombie: ended, not collected by its parent', T: 'stopped', t: 'traced', I: 'idle kernel thread', X: 'dead',
};

const procColumns: Column<Row<Proc>>[] = [
  { id: 'name', head: 'Process', sort: (p) => p.name, cell: (p) => <span class="cell-name" data-tip={p.command || 'a kernel thread: no command line'}>{p.name ?? '–'}</span> },
  { id: 'cpu', head: 'CPU', isNumber: true, tip: 'Of one core: 200 % keeps two cores busy', sort: (p) => p.cpu_pct, then: (p) => p.memory_bytes ?? 0, cell: (p) => <Num of={percent(p.cpu_pct, 'first seen in this second')} /> },
  { id: 'memory', head: 'Memory', isNumber: true, sort: (p) => p.memory_bytes, cell: (p) => <Num of={bytes(p.memory_bytes)} /> },
  { id: 'pid', head: 'PID', isNumber: true, sort: (p) => p.pid, cell: (p) => <span class="num" data-tip={`process number ${p.pid ?? 'unknown'}`}>{p.pid ?? '–'}</span> },
  { id: 'user', head: 'User', sort: (p) => p.user, minor: 2, cell: (p) => <span>{p.user ?? '–'}</span> },
  { id: 'state', head: 'State', sort: (p) => p.state, minor: 2, cell: (p) => <span class="dim" data-tip={stateWords[p.state ?? ''] ?? 'unknown'}>{p.state ?? '–'}</span> },
  { id: 'threads', head: 'Threads', isNumber: true, minor: 2, sort: (p) => p.thread_count, cell: (p) => <Num of={plain(p.thread_count)} /> },
  { id: 'started', head: 'Running for', isNumber: true, minor: 2, sort: (p) => -(time(p.started_at) ?? 0), cell: (p) => <Since at={p.started_at} /> },
  { id: 'command', head: 'Command', minor: 1, sort: (p) => p.command, isWide: true, cell: (p) => <span class="cell-command mono" data-tip={p.command}>{p.command || <span class="dim" data-tip="a kernel thread: no command line">–</span>}</span> },
];

export function Processes() {
  const list = rows(procs.value);
  const h = host.value;
  const at = time(h?.at);
  return (
    <Panel title="Top processes" icon="list" id="procs" topic={hostTopic}
      aside={<span class="dim num" data-tip={at === null ? '' : `sampled ${dateTime(at)}`}>{list.length} of {h?.process_count ?? '–'}, by CPU and memory</span>}>
      <Table label="Top processes" columns={procColumns} rows={list} keyOf={byId} sort="-cpu" limit={15}
        marked={(p) => String(p.pid) === route.value.query.get('proc')}
        menu={(p) => ({ title: `${p.name ?? 'process'} ${p.pid ?? ''}`.trim(), record: p, path: nowOfAll(), acts: [
          p.pid !== undefined && { label: 'Copy PID', icon: 'copy', run: () => void copy(String(p.pid), 'PID') },
          !!p.command && { label: 'Copy command line', icon: 'copy', run: () => void copy(p.command!, 'Command line') },
        ] })} />
    </Panel>
  );
}

// --- units ------------------------------------------------------------------------------------------

const unitColumns: Column<Row<Unit>>[] = [
  { id: 'name', head: 'Unit', sort: unitName, cell: (u) => <bdi class="cell-name" data-tip={u.name}>{unitName(u)}</bdi> },
  { id: 'state', head: 'State', sort: (u) => u.sub_state, cell: (u) => <span class="state warn">▲ {u.sub_state && u.sub_state !== 'failed' ? `failed: ${u.sub_state}` : 'failed'}</span> },
  { id: 'for', head: 'For', isNumber: true, sort: (u) => -(time(u.failed_at) ?? 0), cell: (u) => <Since at={u.failed_at} /> },
  { id: 'description', head: 'What it is', minor: 2, sort: (u) => u.description, cell: (u) => <bdi class="cell-words" data-tip={u.description}>{u.description ?? '–'}</bdi> },
];

export function Units() {
  const h = host.value;
  const list = rows(units.value);
  const failed = h?.units_failed;
  const more = (failed ?? 0) - list.length;
  return (
    <Panel title="systemd units" icon="boxes" id="units" topic={hostTopic}
      aside={failed === undefined ? undefined
        : <span class="dim num">{plain(h?.units_ok).text} ok · {failed} failed · {plain(h?.units_changing).text} changing · {plain(h?.units_inactive).text} not running</span>}>
      {failed === undefined ? (
        <Empty title={h?.units_why ? 'Not known here' : 'Asking systemd'}>
          {h?.units_why && <><bdi>{h.units_why[0]!.toUpperCase() + h.units_why.slice(1)}.</bdi> Units are asked for over the system bus. In a container, bring in the host’s socket, /run/dbus/system_bus_socket.</>}
        </Empty>
      ) : failed === 0 ? <p class="panel-body"><span class="state ok">● {plain(h?.units_ok).text} units ok</span>, none failed</p>
        : <>
            <Table label="Units that failed" columns={unitColumns} rows={list} keyOf={byId} sort="name" limit={ROWS} />
            {more > 0 && <p class="units-more dim num">and {more} more that failed, not named here</p>}
          </>}
    </Panel>
  );
}
