// operations: what Binnacle does for people, live; who asked, how far it is, how it ended. The same in every tab.

import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import { api, ApiError } from '../link/api';
import { topics } from '../link/live';
import type { Topic } from '../link/topics';
import { href } from '../link/route';
import type { PowerAction, GuestRow } from './guests';
import { askAssigned, isRestricted, mayDo } from './assigned';
import { isActive } from './deedwords';
import { duration, time } from './format';
import { own, ownSubject } from './own';
import { may, toast, who } from './store';

export { isActive };

export interface Operation {
  id: string;
  type?: string;
  action?: string | null;
  server_id?: string | null;
  node?: string | null;
  vm_type?: 'qemu' | 'lxc' | null;
  vmid?: number | null;
  target_id?: string | null;
  object?: string | null;    // of a target: the service it is about
  command?: string | null;   // what runs there, as it is sent
  sent_at?: string | null;   // since when it may have begun
  timed_out?: boolean | null;
  parent_id?: string | null; // the batch it belongs to
  children?: number | null;  // of a batch: how many it began, and of these …
  children_done?: number | null;
  children_failed?: number | null;
  children_refused?: number | null; // targets on which none could begin
  concurrency?: number | null;
  subject?: string;
  status?: 'pending' | 'in_progress' | 'completed' | 'failed' | 'cancelled';
  progress?: number | null;
  phase?: string | null;
  message?: string | null;
  error?: string | null;
  hint?: string | null;
  upid?: string | null;
  created_by?: string | null;
  created_by_kind?: string | null;
  started_at?: string | null;
  updated_at?: string | null;
  completed_at?: string | null;
  has_warnings?: boolean | null;
}

export const operationsTopic: Topic = topics.join('work.operations'); // for as long as the page lives: results are told wherever one looks

type Section = Record<string, Omit<Operation, 'id'>>;

/** What the topic would tell; asked for again and again by who sees assigned guests only. */
const polled = signal<Section | undefined>(undefined);

const section = computed(() => isRestricted() ? polled.value : (operationsTopic.value.value as { operations?: Section } | undefined)?.operations);

/** Newest first. */
export const operations: ReadonlySignal<Operation[]> = computed(() =>
  Object.entries(section.value ?? {}).map(([id, op]) => ({ ...op, id }))
    .sort((a, b) => (b.started_at ?? '').localeCompare(a.started_at ?? '') || b.id.localeCompare(a.id)));

export const active: ReadonlySignal<Operation[]> = computed(() => operations.value.filter(isActive));

/** The row of a guest that an operation is about: its server and number, never the number alone. */
export function guestOf(op: Pick<Operation, 'server_id' | 'vmid'>): string | null {
  return op.server_id && op.vmid != null ? `${op.server_id}/${op.vmid}` : null;
}

/** What is under way on guests, by the id of their row. */
export const activeByGuest: ReadonlySignal<Map<string, Operation>> = computed(() => {
  const map = new Map<string, Operation>();
  for (const op of active.value) {
    const id = op.type === 'vm_power' ? guestOf(op) : null;
    if (id) map.set(id, op);
  }
  return map;
});

// --- words ------------------------------------------------------------------------------------------

export const verbs: Record<PowerAction, { label: string; doing: string; done: string }> = {
  start: { label: 'Start', doing: 'Starting', done: 'Started' },
  shutdown: { label: 'Shut down', doing: 'Shutting down', done: 'Shut down' },
  reboot: { label: 'Reboot', doing: 'Rebooting', done: 'Rebooted' },
  stop: { label: 'Stop', doing: 'Stopping', done: 'Stopped' },
  reset: { label: 'Reset', doing: 'Resetting', done: 'Reset' },
  suspend: { label: 'Suspend', doing: 'Suspending', done: 'Suspended' },
  resume: { label: 'Resume', doing: 'Resuming', done: 'Resumed' },
};

const verbOf = (op: Operation) => verbs[op.action as PowerAction] as { label: string; doing: string; done: string } | undefined;

const kinds: Record<string, string> = { health_check: 'Check of the servers', import: 'Import of servers', batch: 'Batch' };

/** What is done over SSH: before what it is about, while it goes on, and when it is done. */
const deeds: Record<string, [label: string, doing: string, done: string]> = {
  service_restart: ['Restart', 'Restarting', 'Restarted'], service_status: ['Status of', 'Asking for the status', 'Status of'],
  logs: ['Journal of', 'Reading the journal', 'Journal of'], ssh_test: ['SSH test of', 'Testing SSH', 'SSH test of'], command: ['Command on', 'Running a command', 'Command on'],
};

const ofBatches: Record<string, string> = { restart: 'service_restart', status: 'service_status', logs: 'logs', test: 'ssh_test' };

/** It is done on a machine over SSH. */
export const isDeed = (op: Pick<Operation, 'type'>): boolean => (op.type ?? '') in deeds;

const deedOf = (op: Operation) => deeds[op.type === 'batch' ? ofBatches[op.action ?? ''] ?? '' : op.type ?? ''];

/** What it is, for a list: "Stop web-1 (100) on alpha", "Restart nginx.service on web3". */
export function titleOf(op: Operation): string {
  const verb = deedOf(op)?.[0] ?? verbOf(op)?.label;
  if (verb) return `${verb} ${ownSubject(op.subject ?? '')}`.trim();
  const kind = kinds[op.type ?? ''];
  if (op.type === 'import' && op.subject) return `Import of ${own(op.subject)}`;
  return op.type === 'health_check' && op.subject ? `Check of ${own(op.subject)}` : ownSubject(op.subject ?? '') || kind || op.type || 'Operation';
}

/** What is going on, in a few words. */
export function phaseOf(op: Operation): string {
  const doing = deedOf(op)?.[1] ?? verbOf(op)?.doing ?? (op.status === 'pending' ? 'Waiting' : 'Working');
  if (op.status === 'pending' && op.phase && op.parent_id) return op.phase; // waiting for its turn in a batch
  return op.phase ? `${doing}: ${op.phase}` : doing;
}

/** "3.2 s", "2 min"; null while it runs. */
export function tookOf(op: Operation): string | null {
  const from = time(op.started_at);
  const to = time(op.completed_at);
  if (from === null || to === null) return null;
  const ms = Math.max(0, to - from);
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

/** One sentence about how it ended. */
export function resultOf(op: Operation): string {
  const took = tookOf(op);
  const behind = took ? `, ${took}` : '';
  const subject = ownSubject(op.subject ?? '');
  const verb = deedOf(op) ? undefined : verbOf(op);
  if (op.status === 'failed') return `${titleOf(op)} failed${took ? ` after ${took}` : ''}`;
  if (op.status === 'cancelled') return `${titleOf(op)} was cancelled${took ? ` after ${took}` : ''}`;
  if (verb) return `${verb.done} ${subject}${op.has_warnings ? ' with warnings' : ''}${behind}`;
  if (op.type === 'batch') return `${titleOf(op)}: ${op.message || 'done'}${behind}`;
  return op.type === 'service_restart' ? `Restarted ${subject}${behind}` : `${op.message || titleOf(op)}${behind}`;
}

// --- asking for one ---------------------------------------------------------------------------------

/** Asked for in this tab and not answered yet, by the id of the guest's row. */
export const asked = signal<Record<string, PowerAction>>({});
const mine = new Set<string>(); // operations this tab began or joined

function setAsked(id: string, action: PowerAction | null): void {
  const next = { ...asked.value };
  if (action) next[id] = action;
  else delete next[id];
  asked.value = next;
}

/** What a guest is busy with: words for people, or null. */
export function busyOf(id: string): { words: string; progress: number | null; operation: Operation | null } | null {
  const op = activeByGuest.value.get(id);
  if (op) return { words: phaseOf(op), progress: op.progress ?? null, operation: op };
  const action = asked.value[id];
  return action ? { words: verbs[action].doing, progress: null, operation: null } : null;
}

export function powerPath(vm: Pick<GuestRow, 'server_id' | 'node' | 'type' | 'vmid'>, action: PowerAction): string {
  const part = (v: string | number | undefined) => encodeURIComponent(String(v ?? ''));
  return `api/v1/servers/${part(vm.server_id)}/nodes/${part(vm.node)}/${part(vm.type)}/${part(vm.vmid)}/${action}`;
}

const SEEN_WITHIN_MS = 3000; // the topic tells what the answer named

// What failed while its request is not answered yet, and a moment after it was refused, by the guest: the refusal
// itself says it in this tab, and must not be said twice.
interface Doubt {
  failed: Operation[];
}
const doubts = new Map<string, Doubt>();

/** Begins it; what comes of it is told by the topic, here and in every other tab. */
export async function power(vm: GuestRow, name: string, action: PowerAction): Promise<void> {
  if (busyOf(vm.id)) return;
  setAsked(vm.id, action);
  const doubt: Doubt = { failed: [] };
  doubts.set(vm.id, doubt);
  try {
    const { operation_id } = await api<{ operation_id: string }>('POST', powerPath(vm, action));
    doubts.delete(vm.id);
    began(vm.id, operation_id);
    for (const op of doubt.failed) tell(op);
  } catch (cause) {
    setAsked(vm.id, null);
    window.setTimeout(() => doubts.get(vm.id) === doubt && doubts.delete(vm.id), SEEN_WITHIN_MS);
    if (!(cause instanceof ApiError)) throw cause;
    if (cause.operationId) {
      mine.add(cause.operationId);
      toast('info', `Something is already under way for ${name}; its result is told here too.`);
    } else if (cause.status !== 401) {
      toast('error', `${verbs[action].label} ${name} was refused: ${cause.message}`, { error: cause });
    }
  }
}

// Busy until the topic knows it, so that the buttons do not come back for a moment in between.
function began(guest: string, operation: string): void {
  mine.add(operation);
  const free = () => {
    stop();
    window.clearTimeout(timer);
    setAsked(guest, null);
  };
  const timer = window.setTimeout(() => free(), SEEN_WITHIN_MS);
  const stop = effect(() => {
    if (section.value?.[operation]) queueMicrotask(free);
  });
  follow();
}

/** A manager any; others what they may do to that guest themselves. */
export function mayCancel(op: Operation): boolean {
  const guest = guestOf(op);
  return may('operate') || (guest !== null && mayDo(guest, op.action as PowerAction));
}

export async function cancel(op: Operation): Promise<void> {
  await api('POST', `api/v1/operations/${encodeURIComponent(op.id)}/cancel`);
}

// --- for who is restricted: the topic is not theirs ---------------------------------------------------

const FOLLOW_MS = 1000; // while something is under way
const LOOK_MS = 10_000; // what others began
const SETTLED_MS = [0, 1500, 4000]; // after an end, until the guest itself is told as it is now

let follow: () => void = () => {};

/** Asks for operations for as long as such a person is here; returns what ends it. */
export function followOperations(): () => void {
  let timer = 0;
  let isAsking = false;
  async function ask(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    window.clearTimeout(timer);
    const before = active.peek().length;
    try {
      const page = await api<{ operations: Operation[] }>('GET', 'api/v1/operations');
      polled.value = Object.fromEntries(page.operations.map(({ id, ...op }) => [id, op]));
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause; // the next one is soon
    }
    isAsking = false;
    if (active.peek().length < before) for (const ms of SETTLED_MS) window.setTimeout(() => isRestricted() && void askAssigned(), ms);
    timer = window.setTimeout(() => void look(), active.peek().length > 0 || Object.keys(asked.peek()).length > 0 ? FOLLOW_MS : LOOK_MS);
  }
  const look = () => {
    if (isRestricted() && document.visibilityState === 'visible') return ask();
    timer = window.setTimeout(() => void look(), LOOK_MS);
    return undefined;
  };
  follow = () => isRestricted() && void ask();
  void look();
  return () => {
    window.clearTimeout(timer);
    follow = () => {};
    polled.value = undefined;
  };
}

// --- telling how it ended ---------------------------------------------------------------------------

const TOLD_BY_THEIR_PAGE = new Set(['import', 'health_check']);
const told = new Set<string>();
let isFirst = true;

export function isMine(op: Operation): boolean {
  const me = who.peek()?.user;
  return mine.has(op.id) || (me != null && (op.created_by === me.id || op.created_by === me.name));
}

function tell(op: Operation): void {
  const doubt = op.status === 'failed' ? doubts.get(guestOf(op) ?? '') : undefined;
  if (doubt) return void doubt.failed.push(op);
  const link = { text: 'What happened', href: href('operations', { id: op.id }) };
  if (op.status === 'failed') {
    toast('error', op.error ? `${resultOf(op)}. ${op.error}` : `${resultOf(op)}.`, { link, ...(op.hint ? { hint: op.hint } : {}) });
  } else if (op.status === 'cancelled' || op.has_warnings) toast('info', resultOf(op), { link });
  else toast('ok', resultOf(op));
}

/** Each of one's own operations that ends is told once in each tab; what ended before the page came is history. */
export function watchResults(): () => void {
  return effect(() => {
    const all = section.value;
    if (!all) return;
    for (const [id, op] of Object.entries(all)) {
      if (isActive(op as Operation) || told.has(id)) continue;
      told.add(id);
      const row = { ...op, id } as Operation;
      if (isFirst && !mine.has(id)) continue;
      if (!TOLD_BY_THEIR_PAGE.has(row.type ?? '') && !isDeed(row) && row.type !== 'batch' && isMine(row)) queueMicrotask(() => tell(row)); // what it writes is not waited for here
    }
    isFirst = false;
  });
}
