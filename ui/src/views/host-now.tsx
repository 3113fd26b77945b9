// host-now: the instruments: four dials and the figures that have no natural full scale.

import { bytes, celsius, count, line, load, percent, perSecond, type Shown } from '../state/format';
import { host, memoryPct, realMounts, swapPct } from '../state/store';
import { Dial } from '../parts/gauge';
import { Num } from '../parts/num';

const plainCount = count();

function Figure({ label, tip, of, also, alsoTip = also }: { label: string; tip?: string; of: Shown; also?: string; alsoTip?: string }) {
  return (
    <div class="figure">
      <dt data-tip={tip}>{label}</dt>
      <dd><Num of={of} />{also && <span class="also num" data-tip={alsoTip}>{also}</span>}</dd>
    </div>
  );
}

export function Instruments() {
  const h = host.value!;
  const n = h.core_count;
  const fullest = realMounts.value.filter((m) => !m.read_only).sort((a, b) => (b.used_pct ?? 0) - (a.used_pct ?? 0))[0];
  const noPsi = 'this kernel does not measure pressure';
  const noSwap = h.swap_total_bytes === 0 ? 'this machine has no swap' : undefined;
  return (
    <section class="panel instruments" data-topic="meter.host" aria-label="Instruments">
      <div class="dials">
        <Dial label="CPU" pct={h.cpu_pct}>
          <span class="num" data-tip={`user ${percent(h.user_pct).exact}, system ${percent(h.system_pct).exact}`}>user {line(percent(h.user_pct))} · system {line(percent(h.system_pct))}</span>
        </Dial>
        <Dial label="Memory" pct={memoryPct(h)}>
          <span class="num" data-tip={`${bytes(h.mem_used_bytes).exact} of ${bytes(h.mem_total_bytes).exact}`}>{line(bytes(h.mem_used_bytes))} of {line(bytes(h.mem_total_bytes))}</span>
        </Dial>
        <Dial label="Swap" pct={swapPct(h)} shown={percent(swapPct(h), noSwap)}>
          <span class="num" data-tip={noSwap ?? `${bytes(h.swap_used_bytes).exact} of ${bytes(h.swap_total_bytes).exact}`}>{noSwap ? 'no swap' : `${line(bytes(h.swap_used_bytes))} of ${line(bytes(h.swap_total_bytes))}`}</span>
        </Dial>
        <Dial label={fullest ? `Disk ${fullest.id}` : 'Disk'} pct={fullest?.used_pct}>
          <span class="num" data-tip={bytes(fullest?.available_bytes).exact}>{line(bytes(fullest?.available_bytes))} left</span>
        </Dial>
      </div>
      <dl class="figures">
        <Figure label="Load 1 · 5 · 15 min" of={load(h.load1)} also={`${line(load(h.load5))} · ${line(load(h.load15))}`}
          alsoTip={`over 5 minutes ${h.load5 ?? 'not measured'}, over 15 minutes ${h.load15 ?? 'not measured'}`} />
        <Figure label="Load per core" tip="Above 1, processes wait for a core or a disk" of={load(h.load1 !== undefined && n ? h.load1 / n : undefined)} />
        <Figure label="Disk wait" tip="Share of the processors that stood idle while a disk was awaited" of={percent(h.iowait_pct)} />
        <Figure label="Stolen" tip="Share of the processors that the hypervisor gave to others" of={percent(h.steal_pct)} />
        <Figure label="CPU pressure" tip="Share of the last 10 s in which some process waited for a processor" of={percent(h.cpu_pressure_pct, noPsi)} />
        <Figure label="Memory pressure" tip="Share of the last 10 s in which some process waited for memory" of={percent(h.memory_pressure_pct, noPsi)} />
        <Figure label="Disk pressure" tip="Share of the last 10 s in which some process waited for a disk" of={percent(h.io_pressure_pct, noPsi)} />
        <Figure label="Cached" tip="Memory that holds files and can be given back" of={bytes(h.mem_cached_bytes)} />
        <Figure label="Processes" of={plainCount(h.process_count)} also={h.running_count === undefined ? '' : `${h.running_count} running`} />
        <Figure label="Threads" of={plainCount(h.thread_count)} also={h.blocked_count ? `${h.blocked_count} blocked` : ''} />
        <Figure label="Context switches" of={perSecond(h.context_switches_ps)} />
        <Figure label="Interrupts" of={perSecond(h.interrupts_ps)} />
        <Figure label="Open files" of={plainCount(h.fd_used)} />
        <Figure label="Temperature" of={celsius(h.temperature_c)} />
        <Figure label="Units ok" of={plainCount(h.units_ok, h.units_why)} />
        <Figure label="Units failed" of={plainCount(h.units_failed, h.units_why)} />
      </dl>
    </section>
  );
}
