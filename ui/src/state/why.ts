// why: what the server says about a connection that fails or flaps, and what ten attempts in a row say; pure.

import type { Server } from '../model.gen';
import { failedIn, msText, phasesOf, rank, timeLimit, type PhaseName, type Timed } from './attempts';

export interface Why {
  state: 'ok' | 'failing' | 'flapping' | 'early';
  headline: string;
  since: string | null;
  attempts: number;
  changes: number;
  flap_pct: number | null;
  flap_limit: number;
  success_rate: number | null;
  median_ms: number | null;
  p95_ms: number | null;
  tasks?: 'known' | 'asking' | 'unknown';
  findings: { kind: string; title: string; evidence: string; verdict: string; confidence: number; is_cause: boolean; task?: Task }[];
  not: { kind: string; title: string }[];
  phases: { name: string; ms: number | null; typical_ms: number | null; is_slow: boolean }[];
  errors: { error_class: string; count: number }[];
  strip: { from: string; to: string; state: string; error_class?: string; error_phase?: string; failures?: number }[];
  changed: { at: string; text: string }[];
  advice: Advice[];
}

/** What Proxmox VE did meanwhile; `to` is null while it runs. */
export interface Task {
  upid: string;
  type: string;
  node: string;
  id: string;
  from: string;
  to: string | null;
}

export interface Advice {
  kind: string;
  text: string;
  timeout_ms?: number | null;
  fail_after?: number; // of wait_for_failures
}

/** What POST /api/v1/servers/{id}/test answers. */
export interface TestResult extends Timed {
  success: boolean;
  error: string | null;
  error_class: string | null;
  error_phase: string | null;
  timeout_ms?: number | null;
  recommended_timeout_ms?: number | null;
}

// --- the strip ---------------------------------------------------------------------------------------

export type Stretch = 'up' | 'mixed' | 'down' | 'none';

export function stretchOf(state: string): Stretch {
  if (state === 'up' || state === 'ok' || state === 'online') return 'up';
  if (state === 'down' || state === 'failing' || state === 'offline') return 'down';
  return state === 'mixed' ? 'mixed' : 'none';
}

export interface Piece {
  state: Stretch;
  x: number; // 0 to 1 of the day
  w: number;
  failed?: string; // how and where, of what failed
  failures?: number;
}

const DAY_MS = 86_400_000;

/** The day that ends at `end`, in its pieces; what lies outside of it is cut off. */
export function piecesOf(strip: Why['strip'], end: number): Piece[] {
  const start = end - DAY_MS;
  const out: Piece[] = [];
  for (const s of strip) {
    const from = Math.max(start, Date.parse(s.from));
    const to = Math.min(end, Date.parse(s.to));
    if (!(to > from)) continue;
    const piece: Piece = { state: stretchOf(s.state), x: (from - start) / DAY_MS, w: (to - from) / DAY_MS };
    const failed = failureWords(s);
    out.push(failed ? { ...piece, failed, failures: s.failures ?? 0 } : piece);
  }
  return out;
}

const phaseWords: Record<string, string> = { dns: 'name lookup', tcp: 'connecting', tls: 'TLS handshake', answer: 'first byte', body: 'answer' };

/** "timeout, TLS handshake": what failed and how far it had come; '' where nothing failed. */
export function failureWords(run: { error_class?: string; error_phase?: string }): string {
  if (!run.error_class) return '';
  const word = run.error_class.replaceAll('_', ' ');
  const phase = phaseWords[run.error_phase ?? ''];
  return phase ? `${word}, ${phase}` : word;
}

/** How often each way of failing is in the strip, the commonest first; what is rare is one number. */
export function failuresOf(strip: Why['strip'], most = 3): { text: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const s of strip) {
    const text = failureWords(s);
    if (text) counts.set(text, (counts.get(text) ?? 0) + (s.failures ?? 0));
  }
  const all = [...counts].map(([text, count]) => ({ text, count })).sort((a, b) => b.count - a.count);
  const rest = all.slice(most);
  return rest.length === 0 ? all : [...all.slice(0, most), { text: 'in other ways', count: rest.reduce((sum, one) => sum + one.count, 0) }];
}

/** What a piece of the strip says to the pointer. */
export function pieceWords(piece: Piece, start: number, timeOf: (ms: number) => string): string {
  const [from, to] = [start + piece.x * DAY_MS, start + (piece.x + piece.w) * DAY_MS];
  const what = { up: 'answered', mixed: 'now and then', down: 'failed', none: 'not tried' }[piece.state];
  const failed = piece.failed ? `: ${piece.failed}${piece.failures ? ` (${piece.failures})` : ''}` : '';
  return `${timeOf(from)} to ${timeOf(to)}: ${what}${failed}`;
}

/** "vzdump on pve1, 02:00 to 03:10". */
export function taskSpan(task: Task, timeOf: (ms: number) => string): string {
  const guest = task.id ? ` of ${task.id}` : '';
  return `${task.type}${guest} on ${task.node}, ${timeOf(Date.parse(task.from))} to ${task.to === null ? 'now, still running' : timeOf(Date.parse(task.to))}`;
}

/** The strip for those who hear it. */
export function stripWords(pieces: readonly Piece[], durationOf: (ms: number) => string): string {
  const sum = (state: Stretch) => pieces.filter((p) => p.state === state).reduce((total, p) => total + p.w * DAY_MS, 0);
  const [up, mixed, down] = [sum('up'), sum('mixed'), sum('down')];
  if (up + mixed + down === 0) return 'nothing was measured in the last 24 hours';
  const times = pieces.filter((p) => p.state === 'down').length;
  return [
    `the last 24 hours: up for ${durationOf(up)}`,
    mixed > 0 ? `up and down for ${durationOf(mixed)}` : '',
    down > 0 ? `down for ${durationOf(down)} in ${times} ${times === 1 ? 'stretch' : 'stretches'}` : 'never all down',
  ].filter(Boolean).join(', ');
}

// --- what can be done --------------------------------------------------------------------------------

export const TIMEOUT_MAX_MS = 120_000;

/** What to raise the configured limit to; null where that changes nothing, because the learned one counts or the
 *  limit is as long as may be. */
export function raiseTo(server: Server, advice: Pick<Advice, 'timeout_ms'>): number | null {
  const now = server.connection_timeout_ms;
  if (now === undefined || timeLimit(server).isLearned) return null;
  const wanted = advice.timeout_ms ?? now * 2;
  const whole = Math.min(TIMEOUT_MAX_MS, Math.ceil(wanted / 1000) * 1000);
  return whole > now ? whole : null;
}

// --- ten in a row ------------------------------------------------------------------------------------

const spentOn: Record<PhaseName, string> = {
  dns: 'the name lookup', tcp: 'connecting', tls: 'the TLS handshake', wait: 'waiting for the first byte', body: 'reading the answer',
};

/** Where most of the time of the answered attempts went, and its share. */
function slowest(results: readonly TestResult[]): { name: PhaseName; share: number } | null {
  const sums = new Map<PhaseName, number>();
  let total = 0;
  for (const r of results) {
    for (const p of phasesOf(r)) {
      sums.set(p.name, (sums.get(p.name) ?? 0) + p.ms);
      total += p.ms;
    }
  }
  const first = [...sums].sort((a, b) => b[1] - a[1])[0];
  return first && total > 0 ? { name: first[0], share: first[1] / total } : null;
}

function most(words: readonly string[]): { word: string; count: number } | null {
  const counts = new Map<string, number>();
  for (const w of words) if (w) counts.set(w, (counts.get(w) ?? 0) + 1);
  const first = [...counts].sort((a, b) => b[1] - a[1])[0];
  return first ? { word: first[0], count: first[1] } : null;
}

/** What the attempts say together, in one or two sentences. */
export function diagnosis(results: readonly TestResult[]): string {
  if (results.length === 0) return '';
  const won = results.filter((r) => r.success);
  const lost = results.filter((r) => !r.success);
  const parts: string[] = [];
  if (won.length === results.length) parts.push(`All ${results.length} attempts succeeded.`);
  else if (won.length === 0) parts.push(`None of ${results.length} attempts succeeded.`);
  else parts.push(`${won.length} of ${results.length} attempts succeeded.`);
  const totals = won.map((r) => r.total_ms).filter((v): v is number => v != null);
  if (totals.length > 0) {
    const at = slowest(won);
    const where = at && at.share >= 0.5 ? `; ${Math.round(at.share * 100)} % of it went into ${spentOn[at.name]}` : '';
    parts.push(`Median ${msText(rank(totals, 0.5))}, slowest ${msText(Math.max(...totals))}${where}.`);
  }
  const phase = most(lost.map((r) => failedIn(r.error_phase)));
  if (phase) parts.push(`${phase.count === lost.length ? (lost.length === 1 ? 'It failed' : 'All failures were') : `${phase.count} of ${lost.length} failures were`} in ${phase.word}.`);
  const said = most(lost.map((r) => r.error ?? ''));
  if (said) parts.push(said.word.charAt(0).toUpperCase() + said.word.slice(1) + (/[.!?]$/.test(said.word) ? '' : '.'));
  return parts.join(' ');
}
