// host: everything this machine measures of itself, now and over a range.

import { computed } from '@preact/signals';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import { openFeed } from '../state/feed';
import { chartedMounts, cores, disks, host, hostTopic, nics, rows } from '../state/store';
import { Since } from '../parts/num';
import { Failure, Forbidden, Skeleton, Stale } from '../parts/panel';
import { Ranges, useRange } from './range';
import { HostCharts } from './host-charts';
import { Instruments } from './host-now';
import { Cores } from './host-cores';
import { Disks, Mounts, Nics, Processes, Tcp, Units } from './host-tables';

const HEAT_CORES_MAX = 64;

/** Every series the page draws, of what this machine has. */
function seriesNames(): string[] {
  if (!host.value) return [];
  const list = (ids: { id: string }[], kind: string, fields: string[]) => ids.flatMap(({ id }) => fields.map((f) => `${kind}/${id}.${f}`));
  const coreRows = rows(cores.value);
  return [
    ...['cpu_pct', 'system_pct', 'iowait_pct', 'steal_pct', 'load1', 'load5', 'load15', 'mem_used_bytes', 'mem_cached_bytes',
      'swap_used_bytes', 'cpu_pressure_pct', 'memory_pressure_pct', 'io_pressure_pct', 'tcp_established', 'tcp_time_wait']
      .map((f) => `host/local.${f}`),
    ...(coreRows.length <= HEAT_CORES_MAX ? list(coreRows, 'core', ['busy_pct']) : []),
    ...list(rows(nics.value), 'nic', ['rx_bps', 'tx_bps']),
    ...list(rows(disks.value), 'disk', ['read_bps', 'write_bps', 'busy_pct']),
    ...list(chartedMounts.value, 'mount', ['used_pct']),
  ];
}

export function HostPage() {
  const range = useRange();
  const feed = useMemo(() => {
    let last: string[] = [];
    // The same list stays the same array, or every sample would look like a new question.
    const names = computed(() => {
      const next = seriesNames();
      if (next.join('\n') !== last.join('\n')) last = next;
      return last;
    });
    return openFeed(range, names, host);
  }, []);
  useLayoutEffect(() => feed.stop, [feed]);

  if (hostTopic.phase.value === 'refused') return <div class="page"><section class="panel"><Forbidden what="Seeing this machine" role="viewer" isPage /></section></div>;
  return (
    <div class="page host">
      <div class="page-head">
        <div>
          <h1>{host.value?.name ?? 'This machine'} <Stale /></h1>
          <Facts />
        </div>
        <Ranges of={range} />
      </div>
      {host.value === undefined ? <section class="panel"><Skeleton lines={8} label="Waiting for the first sample" /></section> : (
        <>
          <Instruments />
          {feed.error.value && <section class="panel"><Failure error={feed.error.value} retry={feed.retry} /></section>}
          <HostCharts feed={feed} />
          <Cores feed={feed} />
          <div class="columns">
            <div class="column"><Mounts /><Disks /></div>
            <div class="column"><Units /><Tcp /><Nics /></div>
          </div>
          <Processes />
        </>
      )}
    </div>
  );
}

function Facts() {
  const h = host.value;
  if (!h) return <p class="page-facts"><span class="skeleton-line w2" /></p>;
  const facts = [
    h.os,
    h.kernel && `Linux ${h.kernel}`,
    h.cpu_model && `${h.core_count ? h.core_count + ' × ' : ''}${h.cpu_model}`,
    h.arch,
    h.virtualization && `virtualised: ${h.virtualization}`,
  ].filter(Boolean);
  return (
    <p class="page-facts">
      {facts.map((f) => <span key={f}>{f}</span>)}
      <span>up <Since at={h.booted_at} /></span>
    </p>
  );
}
