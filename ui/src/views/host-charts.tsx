import { go, route, withQuery } from '../link/route';
import type { Feed } from '../state/follow';
import { bitRate, byteRate, bytes, count, load, percent } from '../state/format';
import { chartedMounts, countedNics, disks, host, nics, rows } from '../state/store';
import { Chart, type Line } from '../parts/chart';
import { Select } from '../parts/form';

const local = (field: string) => [`host/local.${field}`];
const connections = count('', 'connections');

export function HostCharts({ feed }: { feed: Feed }) {
  const h = host.value;
  const nicRows = rows(nics.value);
  const diskRows = rows(disks.value);
  const nic = route.value.query.get('nic') ?? 'all';
  const disk = route.value.query.get('disk') ?? 'all';
  const nicIds = nic !== 'all' && nicRows.some((n) => n.id === nic) ? [nic] : countedNics.value.map((n) => n.id);
  const diskIds = disk !== 'all' && diskRows.some((d) => d.id === disk) ? [disk] : diskRows.map((d) => d.id);
  const hasPsi = h?.cpu_pressure_pct !== undefined;
  const colours = [1, 2, 3, 4, 5, 6] as const;
  const mountLines: Line[] = chartedMounts.value
    .map((m, i) => ({ label: m.id, series: [`mount/${m.id}.used_pct`], color: colours[i % 6]! }));
  return (
    <div class="charts">
      <Chart title="CPU" feed={feed} format={percent} max={100} lines={[
        { label: 'busy', series: local('cpu_pct'), color: 1, isFilled: true },
        { label: 'system', series: local('system_pct'), color: 2 },
        { label: 'disk wait', series: local('iowait_pct'), color: 5 },
      ]} />
      <Chart title="Memory" feed={feed} format={bytes} base={1024} {...(h?.mem_total_bytes ? { max: h.mem_total_bytes } : {})} lines={[
        { label: 'used', series: local('mem_used_bytes'), color: 2, isFilled: true },
        { label: 'cached', series: local('mem_cached_bytes'), color: 6 },
        { label: 'swap', series: local('swap_used_bytes'), color: 4 },
      ]} />
      <Chart title="Network" feed={feed} format={bitRate} factor={8} atLeast={1250} lines={[
        { label: 'in', series: nicIds.map((n) => `nic/${n}.rx_bps`), color: 3, isFilled: true },
        { label: 'out', series: nicIds.map((n) => `nic/${n}.tx_bps`), color: 2 },
      ]} aside={nicRows.length > 1 && (
        <Select label="Interface" value={nic} onChange={(id) => go(withQuery('nic', id === 'all' ? null : id), 'replace')} options={[{ id: 'all', label: countedNics.value.length < nicRows.length ? 'Physical' : 'All' }, ...nicRows.map((n) => ({ id: n.id, label: n.id }))]} />
      )} />
      <Chart title="Disk" feed={feed} format={byteRate} atLeast={10_000} lines={[
        { label: 'read', series: diskIds.map((d) => `disk/${d}.read_bps`), color: 1, isFilled: true },
        { label: 'write', series: diskIds.map((d) => `disk/${d}.write_bps`), color: 5 },
      ]} aside={diskRows.length > 1 && (
        <Select label="Disk" value={disk} onChange={(id) => go(withQuery('disk', id === 'all' ? null : id), 'replace')} options={[{ id: 'all', label: 'All disks' }, ...diskRows.map((d) => ({ id: d.id, label: d.id }))]} />
      )} />
      <Chart title="Load" feed={feed} format={load} atLeast={1} lines={[
        { label: '1 min', series: local('load1'), color: 1, isFilled: true },
        { label: '5 min', series: local('load5'), color: 3 },
        { label: '15 min', series: local('load15'), color: 6 },
      ]} />
      <Chart title="TCP connections" feed={feed} format={connections} atLeast={5} lines={[
        { label: 'established', series: local('tcp_established'), color: 3, isFilled: true },
        { label: 'time wait', series: local('tcp_time_wait'), color: 6 },
      ]} />
      {mountLines.length > 0 && <Chart title="File systems" feed={feed} format={percent} max={100} lines={mountLines} />}
      {hasPsi && (
        <Chart title="Pressure" feed={feed} format={percent} atLeast={5} lines={[
          { label: 'CPU', series: local('cpu_pressure_pct'), color: 1 },
          { label: 'memory', series: local('memory_pressure_pct'), color: 2 },
          { label: 'disk', series: local('io_pressure_pct'), color: 5 },
        ]} />
      )}
    </div>
  );
}
