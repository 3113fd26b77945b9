// attempts: what was measured of a server's connection, as charts and words need it; pure.

import type { Check, Server } from '../model.gen';
import { UNKNOWN } from './format';
import type { Cell } from './history';

/** A row of GET /api/v1/servers/{id}/history: an interval in which there were attempts. */
export interface HourRow {
  time: string;
  successRate: number | null;
  avgResponseTime: number | null;
  attempts: number;
}

export interface HistorySummary {
  totalAttempts: number;
  successCount: number;
  avgResponseTime: number | null;
}

export interface ConnectionAnswer {
  history: { hourly: HourRow[]; summary: HistorySummary; raw?: Check[] };
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface Span {
  id: string;
  label: string;
  words: string;
  span_ms: number;
  step_ms: number; // one interval of the chart
}

export const spans: readonly Span[] = [
  { id: '24h', label: '24 h', words: 'last 24 hours', span_ms: DAY, step_ms: HOUR },
  { id: '7d', label: '7 d', words: 'last 7 days', span_ms: 7 * DAY, step_ms: HOUR },
  { id: '30d', label: '30 d', words: 'last 30 days', span_ms: 30 * DAY, step_ms: 6 * HOUR },
  { id: '1y', label: '1 y', words: 'last year', span_ms: 365 * DAY, step_ms: DAY },
];

export function spanById(id: string | null | undefined): Span {
  return spans.find((s) => s.id === id) ?? spans[0]!;
}

/** Columns of one chart; equal steps, and null where nobody tried. */
export interface Grid {
  times: number[]; // seconds, as uPlot wants them
  rate: Cell[];
  ms: Cell[];
  attempts: number[];
}

interface Bin {
  tries: number;
  won: number;
  timed: number;
  sum: number;
}

/** Hours at their places between `now` less the span and `now`. A step without a row stays a gap; several
 *  rows in one step are weighed by their attempts. */
export function gridOf(rows: readonly HourRow[], span: Span, now: number): Grid {
  const newest = rows.reduce((last, r) => Math.max(last, Date.parse(r.time) || 0), 0);
  const end = Math.floor(Math.max(now, newest) / span.step_ms);
  const first = Math.floor((Math.max(now, newest) - span.span_ms) / span.step_ms);
  const size = end - first + 1;
  const bins = new Array<Bin | undefined>(size).fill(undefined);
  for (const row of rows) {
    const at = Math.floor(Date.parse(row.time) / span.step_ms) - first;
    if (!(at >= 0 && at < size) || row.attempts <= 0) continue;
    const bin = (bins[at] ??= { tries: 0, won: 0, timed: 0, sum: 0 });
    bin.tries += row.attempts;
    const won = ((row.successRate ?? 0) / 100) * row.attempts;
    bin.won += won;
    if (row.avgResponseTime !== null) {
      // An hour's mean counts as often as there were answers in it.
      const answers = Math.max(1, Math.round(won));
      bin.timed += answers;
      bin.sum += row.avgResponseTime * answers;
    }
  }
  return {
    times: bins.map((_, i) => ((first + i) * span.step_ms) / 1000),
    rate: bins.map((b) => (b ? Math.round((100 * b.won) / b.tries) : null)),
    ms: bins.map((b) => (b && b.timed > 0 ? Math.round(b.sum / b.timed) : null)),
    attempts: bins.map((b) => b?.tries ?? 0),
  };
}

/** Those a line cannot show: measured between two gaps. */
export function lonely(cells: readonly (number | null | undefined)[]): number[] {
  const out: number[] = [];
  cells.forEach((v, i) => {
    if (v != null && cells[i - 1] == null && cells[i + 1] == null) out.push(i);
  });
  return out;
}

// --- judging -----------------------------------------------------------------------------------------

export type Grade = 'good' | 'fair' | 'poor' | 'none';

export const RATE_GOOD = 95;
export const RATE_FAIR = 80;
export const MS_GOOD = 500;
export const MS_FAIR = 1500;

export function gradeOfRate(pct: number | null | undefined): Grade {
  if (pct == null || !Number.isFinite(pct)) return 'none';
  return pct >= RATE_GOOD ? 'good' : pct >= RATE_FAIR ? 'fair' : 'poor';
}

export function gradeOfMs(ms: number | null | undefined): Grade {
  if (ms == null || !Number.isFinite(ms)) return 'none';
  return ms <= MS_GOOD ? 'good' : ms <= MS_FAIR ? 'fair' : 'poor';
}

export const gradeWords: Record<Grade, string> = { good: 'good', fair: 'worth a look', poor: 'poor', none: 'not measured' };

/** Share of the attempts that succeeded, rounded; null when there were none. */
export function ratePct(summary: HistorySummary | undefined): number | null {
  return summary && summary.totalAttempts > 0 ? Math.round((100 * summary.successCount) / summary.totalAttempts) : null;
}

/** How many attempts, as the foot of the chart says it. */
export function attemptWords(n: number, words: string): string {
  return `${n.toLocaleString('en')} connection ${n === 1 ? 'attempt' : 'attempts'} in the ${words}`;
}

// --- words of the pointer ----------------------------------------------------------------------------

const dayOf = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });
const minuteOf = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** "Nov 28, 14:00" in local time, whatever the language of the browser. */
export function pointTime(ms: number): string {
  return `${dayOf.format(ms)}, ${minuteOf.format(ms)}`;
}

/** At the axis: the minute of the local day, and from two days on the day. */
export function axisTime(ms: number, span: Span): string {
  return span.span_ms <= DAY ? minuteOf.format(ms) : dayOf.format(ms);
}

export interface TipLine {
  label: string;
  value: string;
  kind: 'rate' | 'ms' | 'plain';
}

/** What the pointer says of one step. */
export function tipOf(grid: Grid, i: number): { time: string; lines: TipLine[] } {
  const rate = grid.rate[i] ?? null;
  const ms = grid.ms[i] ?? null;
  const lines: TipLine[] = [
    { label: 'Success Rate', value: rate === null ? UNKNOWN : `${rate}%`, kind: 'rate' },
    { label: 'Avg Response', value: ms === null ? 'N/A' : `${ms}ms`, kind: 'ms' },
    { label: 'Attempts', value: String(grid.attempts[i] ?? 0), kind: 'plain' },
  ];
  return { time: pointTime((grid.times[i] ?? 0) * 1000), lines };
}

// --- one attempt -------------------------------------------------------------------------------------

export type PhaseName = 'dns' | 'tcp' | 'tls' | 'wait' | 'body';

export interface Phase {
  name: PhaseName;
  ms: number;
}

export const phaseWords: Record<PhaseName, string> = {
  dns: 'name lookup', tcp: 'connect', tls: 'TLS handshake', wait: 'first byte', body: 'rest of the answer',
};

export interface Timed {
  dns_ms?: number | null;
  tcp_ms?: number | null;
  tls_ms?: number | null;
  wait_ms?: number | null;
  total_ms?: number | null;
  response_time_ms?: number | null;
}

/** The phases that were measured, in their order; what the total holds beyond them is the body. */
export function phasesOf(t: Timed): Phase[] {
  const out: Phase[] = [];
  const add = (name: PhaseName, ms: number | null | undefined) => {
    if (ms != null && Number.isFinite(ms) && ms >= 0) out.push({ name, ms });
  };
  add('dns', t.dns_ms);
  add('tcp', t.tcp_ms);
  add('tls', t.tls_ms);
  add('wait', t.wait_ms);
  const total = t.total_ms ?? t.response_time_ms;
  const known = out.reduce((sum, p) => sum + p.ms, 0);
  if (total != null && t.wait_ms != null && total - known > 0.5) add('body', total - known);
  return out;
}

/** The word of the record for where it failed, as people say it. */
export function failedIn(phase: string | null | undefined): string {
  return { dns: 'the name lookup', tcp: 'the connection phase', tls: 'the TLS handshake', answer: 'the wait for the answer', body: 'the rest of the answer' }[phase ?? ''] ?? '';
}

export function msText(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return UNKNOWN;
  if (ms >= 999.5) return `${(ms / 1000).toFixed(1)} s`;
  return ms > 0 && ms < 1 ? '< 1 ms' : `${Math.round(ms)} ms`;
}

/** The value below which `share` of the numbers lie, by rank; null of none. */
export function rank(numbers: readonly number[], share: number): number | null {
  if (numbers.length === 0) return null;
  const order = [...numbers].sort((a, b) => a - b);
  return order[Math.min(order.length - 1, Math.max(0, Math.ceil(order.length * share) - 1))]!;
}

/** Newest first; a check that came twice counts once. */
export function newestChecks(of: readonly (readonly Check[])[], most: number): Check[] {
  const byId = new Map<string, Check>();
  for (const list of of) for (const c of list) byId.set(c.id ?? `${c.server_id}/${c.at}`, c);
  return [...byId.values()].sort((a, b) => (b.at ?? '').localeCompare(a.at ?? '')).slice(0, most);
}

// --- the time limit ----------------------------------------------------------------------------------

const LEARNED_ABOVE = 80; // per cent: FEATURES B7

/** Which limit the next attempt has (B7): the learned one once most attempts succeed, else the configured. */
export function timeLimit(s: Server): { ms: number | null; isLearned: boolean } {
  const learned = s.learned_timeout_ms;
  if (learned !== undefined && (s.success_rate ?? 0) > LEARNED_ABOVE) return { ms: learned, isLearned: true };
  return { ms: s.connection_timeout_ms ?? null, isLearned: false };
}

/** Mean of what is known; null of nothing. */
export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((v): v is number => v != null && Number.isFinite(v));
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
}
