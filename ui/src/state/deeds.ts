// deeds: operations over SSH as this tab takes part in them: begun or joined here, watched here, and told here once how they ended.

import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import { api, ApiError } from '../link/api';
import { href } from '../link/route';
import { keyOf, VERIFY, type ButtonState, type DeedType } from './deedwords';
import { ago, time } from './format';
import { operations, operationsTopic, isActive, isDeed, isMine, resultOf, titleOf, type Operation } from './operations';
import { own } from './own';
import { local, now, toast } from './store';
import type { Target } from './targets';

const SEEN_WITHIN_MS = 3000;  // the topic tells what the answer named
const COMPLETED_MS = 10_000;  // FEATURES J22
const OK_MS = 5000;
const ERROR_MS = 10_000;      // FEATURES J23

// --- what is open -------------------------------------------------------------------------------------

export type Open = { ask: Target; type: DeedType; command?: string } | { operation: string };

/** The sheet over the page: the question before something is done, or how it goes. */
export const sheet = signal<Open | null>(null);

// --- how a target's service is getting on ---------------------------------------------------------------

const asked = signal<Record<string, true>>({});     // in this tab, and not told by the topic yet
const completed = signal<Record<string, true>>({}); // seen to end well, for ten seconds

function mark(of: typeof asked, key: string, isSet: boolean): void {
  const next = { ...of.value };
  if (isSet) next[key] = true;
  else delete next[key];
  of.value = next;
}

const activeByKey: ReadonlySignal<Map<string, Operation>> = computed(() => {
  const map = new Map<string, Operation>();
  for (const op of operations.value) if (isDeed(op) && isActive(op)) map.set(keyOf(op.target_id, op.type, op.object), op);
  return map;
});

type Place = Pick<Target, 'id' | 'platform' | 'service'>;

/** What a restart of it is about: on the platform custom no service is named. */
export const serviceOf = (target: Place): string => (target.platform === 'custom' ? '' : target.service ?? '');

export function restartOf(target: Place): Operation | undefined {
  return activeByKey.value.get(keyOf(target.id, 'service_restart', serviceOf(target)));
}

export function buttonOf(target: Place): ButtonState {
  const key = keyOf(target.id, 'service_restart', serviceOf(target));
  const op = activeByKey.value.get(key);
  if (op) return { is: 'running', progress: op.progress ?? null };
  if (asked.value[key]) return { is: 'starting' };
  return completed.value[key] ? { is: 'completed' } : { is: 'idle' };
}

// --- beginning one --------------------------------------------------------------------------------------

const mine = new Set<string>(); // begun or joined in this tab

/** Begun elsewhere on this page: its end is told here. */
export function joined(id: string): void {
  mine.add(id);
}

function about(target: Pick<Target, 'name'>, service: string): string {
  return service ? `${service} on ${own(target.name ?? '')}` : own(target.name ?? '');
}

/** Who began what runs already, and when: "started by ada 4 s ago". */
function since(id: string): string {
  const op = operations.peek().find((it) => it.id === id);
  const at = time(op?.started_at);
  return op && at !== null ? `, started by ${op.created_by ?? 'somebody'} ${ago(local(at), now.peek())}` : '';
}

/** Begins it, or joins the one that does the same already; the operation's id, or null when it was refused. */
export async function begin(target: Target, type: DeedType, service: string, command = ''): Promise<string | null> {
  const key = keyOf(target.id, type, service);
  const title = titleOf({ id: '', type, subject: about(target, service) });
  if (asked.value[key]) return null;
  mark(asked, key, true);
  try {
    const { operation_id } = await api<{ operation_id: string }>('POST', `api/v1/targets/${encodeURIComponent(target.id)}/operations`,
      { type, ...(service || command ? { params: { ...(service ? { service } : {}), ...(command ? { command } : {}) } } : {}) });
    mine.add(operation_id);
    toast('info', type === 'service_restart' ? `Restart initiated: ${about(target, service)}` : `Begun: ${title}`);
    holdUntilTold(key, operation_id);
    return operation_id;
  } catch (cause) {
    mark(asked, key, false);
    if (!(cause instanceof ApiError)) throw cause;
    if (cause.operationId) {
      mine.add(cause.operationId);
      toast('info', `${title} is already running${since(cause.operationId)}. You joined it: its result is told here too.`);
      return cause.operationId;
    }
    if (cause.status === 0) toast('error', `Network error: the server did not answer, so it is not known whether this began: ${title}. If it did, it is shown here as soon as the connection is back.`, { error: cause, forMs: ERROR_MS });
    else if (cause.status !== 401) toast('error', `${title} failed: ${cause.message}`, { error: cause, forMs: ERROR_MS });
    return null;
  }
}

// "Starting…" until the topic knows it, so that the button does not come back for a moment in between.
function holdUntilTold(key: string, id: string): void {
  const free = () => {
    stop();
    window.clearTimeout(timer);
    mark(asked, key, false);
  };
  const timer = window.setTimeout(() => free(), SEEN_WITHIN_MS);
  const stop = effect(() => {
    if (operations.value.some((op) => op.id === id)) queueMicrotask(free);
  });
}

// --- how they end ---------------------------------------------------------------------------------------

const shown = new Map<string, number>(); // parts of this page that show a target, by its id
const running = new Map<string, Operation>(); // seen under way in this tab
const watched = new Set<string>();       // of those, while something here showed its target or itself
const told = new Set<string>();

const isWatched = (op: Operation): boolean => watched.has(op.id) || mine.has(op.id) || (isMine(op) && !op.parent_id);

function look(op: Operation): void {
  running.set(op.id, op);
  if (shown.has(op.target_id ?? '') || shown.has(op.id)) watched.add(op.id);
}

/** A part that shows a target, or one operation, for as long as it is on the page; whoever watches is told how it ends. */
export function watch(id: string): () => void {
  shown.set(id, (shown.get(id) ?? 0) + 1);
  for (const op of running.values()) if (op.target_id === id || op.id === id) watched.add(op.id);
  return () => {
    const left = shown.get(id)! - 1;
    if (left > 0) shown.set(id, left);
    else shown.delete(id);
  };
}

/** Whatever shows it here says itself how it ends. */
export function toldHere(id: string): void {
  told.add(id);
}

function tell(op: Operation): void {
  const link = { text: 'What happened', href: href('operations', { id: op.id }) };
  if (op.status === 'completed' && op.type === 'service_restart' && !op.timed_out) {
    const key = keyOf(op.target_id, op.type, op.object);
    mark(completed, key, true);
    window.setTimeout(() => mark(completed, key, false), COMPLETED_MS);
  }
  if (!isTold(op)) return;
  if (op.status === 'failed') {
    toast('error', op.error ? `${resultOf(op)}. ${op.error}` : `${resultOf(op)}.`, { link, forMs: ERROR_MS, ...(op.hint && !/ below\.$/.test(op.hint) ? { hint: op.hint } : {}) });
  } else if (op.status === 'cancelled') toast('info', `${resultOf(op)}${op.message ? `. ${op.message}` : ''}`, { link });
  else if (op.timed_out) toast('info', `${titleOf(op)} timed out. ${VERIFY}.`, { link, forMs: ERROR_MS });
  else if (op.has_warnings) toast('info', resultOf(op), { link, forMs: ERROR_MS });
  else toast('ok', resultOf(op), { forMs: OK_MS });
}

function ended(op: Operation): void {
  running.delete(op.id);
  if (told.has(op.id)) return;
  told.add(op.id);
  if (isWatched(op)) tell(op);
}

// What a batch does is told by the batch, once; of its operations only the buttons show it.
const isTold = (op: Operation): boolean => !op.parent_id || mine.has(op.id);

// It ended so long ago that the topic does not know it any more: this page was cut off for minutes.
async function find(op: Operation): Promise<void> {
  running.delete(op.id);
  if (!isWatched(op)) return;
  try {
    const found = await api<Operation>('GET', `api/v1/operations/${encodeURIComponent(op.id)}`);
    if (!isActive(found)) ended(found);
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw cause; // deleted meanwhile, or no answer: the history has it
  }
}

/** Each that was seen under way here, or begun here, is told once in this tab. What ended before the page came is history. */
export function watchDeeds(): () => void {
  return effect(() => {
    const all = operations.value;
    const isLive = operationsTopic.phase.value === 'live';
    const ids = new Set<string>();
    const over: Operation[] = [];
    for (const op of all) {
      if (!isDeed(op) && op.type !== 'batch') continue;
      ids.add(op.id);
      if (isActive(op)) look(op);
      else if (running.has(op.id) || (mine.has(op.id) && !told.has(op.id))) over.push(op);
    }
    const gone = isLive ? [...running.values()].filter((op) => !ids.has(op.id)) : [];
    if (over.length + gone.length === 0) return;
    queueMicrotask(() => { // what is written is not waited for here
      over.forEach(ended);
      gone.forEach((op) => void find(op));
    });
  });
}
