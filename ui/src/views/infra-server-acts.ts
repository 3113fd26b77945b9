// infra-server-acts: what can be done with servers, from the list, their pages and their menus alike.

import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { go, href } from '../link/route';
import type { RowAct } from '../parts/rowmenu';
import { nodes, servers, type NodeRow, type ServerRow } from '../state/fleet';
import { active as underWay, isActive, operations, type Operation } from '../state/operations';
import { silences } from '../state/silence';
import { homeOf, wantsFresh } from '../state/servers';
import { act, local, may, now, toast, who } from '../state/store';
import { own } from '../state/own';
import { silence, silencedUntil } from './silence';

export const pathOf = (s: { id: string }, tail = '') => `api/v1/servers/${encodeURIComponent(s.id)}${tail}`;

/** One attempt with the time of each phase; version and limits only where the server told them. */
export interface Tested {
  success: boolean;
  error: string | null;
  error_class: string | null;
  error_phase: string | null;
  nodes: number | null;
  version?: string | null;
  path?: 'direct' | 'vpn';
  resolved_ip: string | null;
  dns_ms: number | null;
  tcp_ms: number | null;
  tls_ms: number | null;
  wait_ms: number | null;
  total_ms: number | null;
  timeout_ms?: number | null;
  recommended_timeout_ms?: number | null;
  fingerprint: string | null;
  cert_expires_at: string | null;
}

// --- which dialog is open ---------------------------------------------------------------------------

export type Open =
  | { kind: 'add' }
  | { kind: 'edit' | 'delete' | 'connect' | 'trust' | 'confirm'; id: string }
  | { kind: 'demo' };

export const open = signal<Open | null>(null);

// --- why a button is off ----------------------------------------------------------------------------

export const NEEDS_MANAGER = 'This needs the role manager; somebody with the role admin can give it to you under Settings, Users';
export const NEEDS_ADMIN = 'Deleting a server needs the role admin';

/** Why no server can be added now, or null. */
export const whyNoMore: ReadonlySignal<string | null> = computed(() => {
  if (!may('operate')) return NEEDS_MANAGER;
  const [used, max] = [servers.value?.length ?? 0, who.value?.servers_max];
  return max !== undefined && used >= max ? `All ${max} server slots are used. Delete a server, or start Binnacle with a larger --max-servers` : null;
});

// --- one server -------------------------------------------------------------------------------------

/** Servers this page is testing; their button turns, no other. */
export const testing = signal<ReadonlySet<string>>(new Set());

interface CheckResult {
  server_id: string;
  server_name: string;
  status: 'online' | 'offline' | 'unknown';
  error: string | null;
  nodes: number | null;
}

function mark(id: string, isOn: boolean): void {
  const next = new Set(testing.peek());
  if (isOn) next.add(id);
  else next.delete(id);
  testing.value = next;
}

/** Checks one server and says what it found (A17). */
export async function testOne(s: ServerRow): Promise<void> {
  if (testing.peek().has(s.id)) return;
  mark(s.id, true);
  await act(async () => {
    const { results } = await api<{ results: CheckResult[] }>('POST', 'api/v1/servers/health-check?wait=1', { server_ids: [s.id] });
    const found = results[0];
    if (found?.status === 'online') {
      toast('ok', `Connected to ${own(s.name ?? '')}. ${found.nodes === null ? '' : `Found ${found.nodes} ${found.nodes === 1 ? 'node' : 'nodes'}.`}`.trim());
    } else {
      toast('error', `${own(s.name ?? '')}: ${found?.error ?? 'the check was ended before it had a result'}`);
    }
  });
  mark(s.id, false);
}

export function setActive(s: ServerRow, isActive: boolean): void {
  void act(() => api('PATCH', pathOf(s), { is_active: isActive }),
    isActive ? `${own(s.name ?? '')} is enabled and checked again` : `${own(s.name ?? '')} is disabled: no checks, no guests, not in totals`,
    () => setActive(s, !isActive));
}

/** What the menu of a server offers to the one who looks. */
const SHELLS = 4; // in a menu; more stand on the server's page

export const shellHref = (n: Pick<NodeRow, 'node' | 'server_id'>): string => href(`console/${encodeURIComponent(n.node ?? '')}/shell`, { serverId: n.server_id ?? '' });

/** Shells of its nodes, for administrators. */
function shellActs(s: ServerRow): RowAct[] {
  const all = may('admin') && s.is_active !== false ? nodes.peek().filter((n) => n.server_id === homeOf(s) && n.status === 'online') : [];
  return all.length > SHELLS ? [] : all.map((n) => ({ label: `Shell of ${own(n.node ?? '?')}`, icon: 'terminal', run: () => void window.open(shellHref(n), '_blank', 'noopener') }));
}

export function actsOf(s: ServerRow): (RowAct | false)[] {
  const mayAct = may('operate');
  const isOn = s.is_active !== false;
  return [
    mayAct && isOn && { label: 'Test', icon: 'refresh-cw', run: () => void testOne(s) },
    mayAct && { label: 'Connectivity test', icon: 'activity', run: () => (open.value = { kind: 'connect', id: s.id }) },
    { label: 'Details', icon: 'chart', run: () => go(href(`servers/${encodeURIComponent(s.id)}`)) },
    mayAct && Boolean(s.is_pin_auto && s.fingerprint) && { label: 'Confirm certificate', icon: 'shield-check', run: () => (open.value = { kind: 'confirm', id: s.id }) },
    mayAct && { label: 'Edit', icon: 'settings', run: () => (open.value = { kind: 'edit', id: s.id }) },
    mayAct && (isOn ? { label: 'Disable', icon: 'pause', run: () => setActive(s, false) } : { label: 'Enable', icon: 'play', run: () => setActive(s, true) }),
    mayAct && (silencedUntil(s, now.peek()) !== null ? { label: 'End silence', icon: 'bell', run: () => silence(s, null) }
      : { label: 'Silence for 1 hour', icon: 'bell', run: () => silence(s, silences(now.peek())[0]!.until) }),
    ...shellActs(s),
    may('admin') && { label: 'Delete', icon: 'trash-2', run: () => (open.value = { kind: 'delete', id: s.id }) },
  ];
}

/** How long its alerts shall keep still, as a menu. */
export function silenceActs(s: ServerRow): RowAct[] {
  return silences(now.peek()).map(({ label, until }) => ({ label, icon: 'clock', run: () => silence(s, until) }));
}

// --- all servers ------------------------------------------------------------------------------------

interface Run {
  before: Map<string, string>; // id to the time of its last check when the run began
  id: string | null; // of its operation, once that is known
}

/** The run this tab asked for. */
export const run = signal<Run | null>(null);

const active = () => (servers.value ?? []).filter((s) => s.is_active !== false);

/** The operation that checks all, whoever asked for it and in whichever tab. */
export const fullRun: ReadonlySignal<Operation | null> = computed(() => underWay.value.find((op) =>
  op.type === 'health_check' && (op.id === run.value?.id || (op.subject !== '1 server' && parseInt(op.subject ?? '', 10) === active().length))) ?? null);

const since = computed(() => fullRun.value?.started_at ?? null); // the same while it goes on: no card is drawn for its steps

/** It belongs to a run and its result is not there yet: it shows Checking until then (B13). */
export function isAwaited(s: ServerRow): boolean {
  if (s.is_active === false) return false;
  if (run.value) return run.value.before.get(s.id) === (s.last_health_check_at ?? '');
  return since.value !== null && (s.last_health_check_at ?? '') < since.value;
}

/** How the operation ended; undefined when the topic never told. */
function ended(id: string): Promise<Operation | undefined> {
  return new Promise((done) => {
    const finish = (op?: Operation) => {
      window.clearTimeout(late);
      queueMicrotask(() => stop());
      done(op);
    };
    const late = window.setTimeout(() => finish(), LATE_MS);
    const stop = effect(() => {
      const op = operations.value.find((o) => o.id === id);
      if (op && !isActive(op)) finish(op);
    });
  });
}

const LATE_MS = 600_000; // longer than 1,000 servers that say nothing

/** Checks all (B12). `how` quiet: nobody pressed a button, so nothing is said. */
export async function checkAll(how: 'asked' | 'quiet'): Promise<void> {
  const list = active();
  if (run.peek() || list.length === 0) return;
  lastRun = serverNow();
  run.value = { before: new Map(list.map((s) => [s.id, s.last_health_check_at ?? ''])), id: null };
  if (how === 'asked') toast('info', 'Health check started');
  try {
    const { operation_id: id } = await api<{ operation_id?: string }>('POST', 'api/v1/servers/health-check');
    if (!id) return; // no server is enabled any more
    run.value = { ...run.value, id };
    const op = await ended(id);
    if (how === 'asked' && op) toast(op.status === 'failed' ? 'error' : / 0 offline/.test(op.message ?? '') ? 'ok' : 'info', op.error ?? op.message ?? 'Health check ended');
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw cause;
    if (how === 'asked' && cause.status !== 401) toast('error', cause.message, { error: cause });
  } finally {
    run.value = null; // whoever has no result shows what was known before
  }
}

let lastRun = 0; // by the clock of the server, as its rows are

const serverNow = () => Date.now() - local(0);

/** B15: back at the tab, one check starts at once. */
export function useFreshOnReturn(): void {
  useEffect(() => {
    const back = () => {
      if (document.visibilityState === 'visible' && may('operate') && wantsFresh(servers.peek() ?? [], serverNow(), lastRun)) void checkAll('quiet');
    };
    document.addEventListener('visibilitychange', back);
    return () => document.removeEventListener('visibilitychange', back);
  }, []);
}
