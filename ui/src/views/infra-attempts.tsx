// infra-attempts: the last attempts to reach a server as they come, each with its phases.

import { useMemo } from 'preact/hooks';
import type { Check } from '../model.gen';
import { useAsk } from '../state/ask';
import { failedIn, msText, newestChecks, type ConnectionAnswer } from '../state/attempts';
import { CHECKS_TAIL } from '../state/connection';
import { useTopic } from '../state/fleet';
import { clockTime, dateTime, time, zone } from '../state/format';
import { local, now } from '../state/store';
import { Failure, Skeleton, Empty } from '../parts/panel';
import { Table, type Column } from '../parts/table';
import { PhaseBar, PhaseLegend } from './infra-phases';

const HALF_DAY_MS = 43_200_000;

export function Attempts({ id }: { id: string }) {
  const topic = useTopic(`infra.checks/${id}`, CHECKS_TAIL);
  // The topic remembers only while somebody listens; the store knows what was before.
  const before = useAsk<ConnectionAnswer>(`api/v1/servers/${encodeURIComponent(id)}/history?range=1h&raw=1`);
  const told = topic.events.value;
  const kept = before.value.value?.history.raw;
  const checks = useMemo(() => newestChecks([kept ?? [], told.flatMap((e) => (e.data ? [e.data as Check] : []))], CHECKS_TAIL), [told, kept]);
  if (checks.length === 0) {
    if (before.error.value) return <div class="panel-body"><Failure error={before.error.value} retry={() => void before.again()} /></div>;
    if (kept === undefined) return <Skeleton lines={5} label="Loading the attempts" />;
    return <Empty icon="activity" title="No attempt in the last hour">A server that is checked appears here with each attempt, as it ends.</Empty>;
  }
  const full = Math.max(1, ...checks.map((c) => c.response_time_ms ?? sum(c)));
  const columns: Column<Check>[] = [
    { id: 'at', head: 'When', cell: (c) => <When at={c.at} /> },
    { id: 'result', head: 'Result', isWide: true, cell: (c) => <Result of={c} /> },
    { id: 'ms', head: 'Response', isNumber: true, cell: (c) => <span class="num" data-tip={c.response_time_ms === undefined ? 'only of attempts that succeeded' : `${c.response_time_ms} ms`}>{msText(c.response_time_ms)}</span> },
    { id: 'phases', head: 'Phases', minor: 2, cell: (c) => <PhaseBar of={c} full={full} failed={c.success ? undefined : c.error_phase} /> },
    { id: 'limit', head: 'Limit', isNumber: true, minor: 1, tip: 'How long the attempt might take', cell: (c) => <span class="num" data-tip={c.timeout_used_ms === undefined ? 'not known' : `${c.timeout_used_ms} ms`}>{msText(c.timeout_used_ms)}</span> },
    { id: 'path', head: 'Path', minor: 1, cell: (c) => (c.used_vpn ? 'VPN' : 'direct') },
    { id: 'retry', head: 'Retry', isNumber: true, minor: 1, tip: 'Attempts before this one in the same check', cell: (c) => <span class="num" data-tip="attempts before this one in the same check">{c.retry_count ?? '–'}</span> },
  ];
  return (
    <>
      <div class="panel-body"><PhaseLegend /></div>
      <Table label="Last attempts" columns={columns} rows={checks} keyOf={(c) => c.id ?? c.at ?? ''} class="attempts" />
    </>
  );
}

function sum(c: Check): number {
  return (c.dns_ms ?? 0) + (c.tcp_ms ?? 0) + (c.tls_ms ?? 0) + (c.wait_ms ?? 0);
}

function When({ at }: { at: string | undefined }) {
  const ms = time(at);
  if (ms === null) return <span class="num" data-tip="not known">–</span>;
  const mine = local(ms);
  return <time class="num" dateTime={new Date(ms).toISOString()} data-tip={`${dateTime(mine)}, ${zone}`}>{now.peek() - mine < HALF_DAY_MS ? clockTime(mine) : dateTime(mine)}</time>;
}

function Result({ of: c }: { of: Check }) {
  if (c.success) return <span class="outcome ok"><span aria-hidden="true">✓</span> answered</span>;
  const where = failedIn(c.error_phase);
  const text = c.error ?? c.error_class ?? 'failed';
  return <span class="outcome crit" data-tip={where ? `${text}\nin ${where}` : text}><span aria-hidden="true">✖</span> {text}</span>;
}
