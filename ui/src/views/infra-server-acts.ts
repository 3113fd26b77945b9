// infra-server-acts: what can be done with servers, from the list, their pages and their menus alike.

import { computed, signal, type ReadonlySignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { go, href } from '../link/route';
import type { RowAct } from '../parts/rowmenu';
import { servers, type ServerRow } from '../state/fleet';
import { wantsFresh } from '../state/servers';
import { act, local, may, toast, who } from '../state/store';

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
  | { kind: 'edit' | 'delete' | 'connect' | 'trust'; id: string }
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
      toast('ok', `Connected to ${s.name}. ${found.nodes === null ? '' : `Found ${found.nodes} ${found.nodes === 1 ? 'node' : 'nodes'}.`}`.trim());
    } else {
      toast('error', `${s.name}: ${found?.error ?? 'the check was ended before it had a result'}`);
    }
  });
  mark(s.id, false);
}

export function setActive(s: ServerRow, isActive: boolean): void {
  void act(() => api('PATCH', pathOf(s), { is_active: isActive }),
    isActive ? `${s.name} is enabled and checked again` : `${s.name} is disabled: no checks, no guests, not in totals`,
    () => setActive(s, !isActive));
}

/** What the menu of a server offers to the one who looks. */
export function actsOf(s: ServerRow): (RowAct | false)[] {
  const mayAct = may('operate');
  const isOn = s.is_active !== false;
  return [
    mayAct && isOn && { label: 'Test', icon: 'refresh-cw', run: () => void testOne(s) },
    mayAct && { label: 'Connectivity test', icon: 'activity', run: () => (open.value = { kind: 'connect', id: s.id }) },
    { label: 'Details', icon: 'chart', run: () => go(href(`servers/${encodeURIComponent(s.id)}`)) },
    mayAct && { label: 'Edit', icon: 'settings', run: () => (open.value = { kind: 'edit', id: s.id }) },
    mayAct && (isOn ? { label: 'Disable', icon: 'pause', run: () => setActive(s, false) } : { label: 'Enable', icon: 'play', run: () => setActive(s, true) }),
    may('admin') && { label: 'Delete', icon: 'trash-2', run: () => (open.value = { kind: 'delete', id: s.id }) },
  ];
}

// --- all servers ------------------------------------------------------------------------------------

interface Run {
  before: Map<string, string>; // id to the time of its last check when the run began
  total: number;
}

/** The run this page started; servers of it show Checking until their own result is there (B13). */
export const run = signal<Run | null>(null);

/** It belongs to the run and its result is not there yet. */
export function isAwaited(s: ServerRow): boolean {
  return run.value?.before.get(s.id) === (s.last_health_check_at ?? '') && s.is_active !== false;
}

/** How far the run is, counted by the results that came. */
export const progress: ReadonlySignal<{ done: number; total: number } | null> = computed(() => {
  const r = run.value;
  if (!r) return null;
  let left = 0;
  for (const s of servers.value ?? []) if (isAwaited(s)) left += 1;
  return { done: r.total - left, total: r.total };
});

const active = () => (servers.peek() ?? []).filter((s) => s.is_active !== false);

/** Checks all (B12). `how` quiet: nobody pressed a button, so nothing is said unless it is news. */
export async function checkAll(how: 'asked' | 'quiet'): Promise<void> {
  const list = active();
  if (run.peek() || list.length === 0) return;
  lastRun = serverNow();
  run.value = { before: new Map(list.map((s) => [s.id, s.last_health_check_at ?? ''])), total: list.length };
  if (how === 'asked') toast('info', 'Health check started');
  try {
    const { results } = await api<{ results: CheckResult[] }>('POST', 'api/v1/servers/health-check?wait=1');
    const online = results.filter((r) => r.status === 'online').length;
    const offline = results.filter((r) => r.status === 'offline').length;
    if (how === 'asked') toast(offline > 0 ? 'info' : 'ok', `${online} online, ${offline} offline`);
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
