// store: what the page knows; views read it, only link/ and the few functions here write it.

import { batch, computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import { api, ApiError, whenUnauthorized } from '../link/api';
import { link, linkStatus, topics, whenLinkUnauthorized } from '../link/live';
import type { Topic } from '../link/topics';
import type { Core, Disk, Host, Mount, Nic, Proc, Self, Unit } from '../model.gen';
import { offlineSince, servers } from './fleet';
import { bytes, duration, line, load, percent } from './format';
import { settledOf } from './servers';

// --- who is here ------------------------------------------------------------------------------------

export type Role = 'viewer' | 'manager' | 'admin';

export interface Who {
  user: { id: string; name: string; role: Role } | null;
  tenants: { id: string; name: string }[];
  session_id: string | null;
  key_id: string | null;
  rights: string[];
  version: string;
  server_time: string;
  host_name: string;
  servers_max: number; // slots of this tenant
  operations?: boolean; // false: nothing is begun on targets over SSH
}

export interface Setup {
  needed: boolean;
  done_at: string | null;
  done_by: string | null;
}

export type Door =
  | { at: 'asking' }
  | { at: 'setup'; setup: Setup }
  | { at: 'login'; note: string }
  | { at: 'inside'; who: Who }
  | { at: 'broken'; error: ApiError };

export const door = signal<Door>({ at: 'asking' });
export const who: ReadonlySignal<Who | null> = computed(() => (door.value.at === 'inside' ? door.value.who : null));

export function may(right: string): boolean {
  return who.value?.rights.includes(right) ?? false;
}

const FLAG = 'binnacle.signed-in';

// Whether to ask for a session at all: asking without one is a 401 in every visitor's console. Holds no secret.
function flag(set?: boolean): boolean {
  try {
    if (set === true) localStorage.setItem(FLAG, '1');
    if (set === false) localStorage.removeItem(FLAG);
    return localStorage.getItem(FLAG) === '1';
  } catch {
    return true; // no storage: asking is the only way to know
  }
}

const ENDED = 'Your session ended. Log in to go on where you were.';

/** Finds out who is here and shows the right door. */
export async function enter(): Promise<void> {
  try {
    const wasHere = flag();
    const found = wasHere ? await whoIsHere() : null;
    if (found) return inside(found);
    flag(false);
    const setup = await api<Setup>('GET', 'api/v1/setup');
    door.value = setup.needed ? { at: 'setup', setup } : { at: 'login', note: wasHere ? ENDED : '' };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    door.value = { at: 'broken', error };
  }
}

async function whoIsHere(): Promise<Who | null> {
  try {
    return await api<Who>('GET', 'api/v1/session');
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** After login or setup: the cookie is there. */
export async function entered(): Promise<void> {
  flag(true);
  inside(await api<Who>('GET', 'api/v1/session'));
}

function inside(found: Who): void {
  flag(true);
  selfTopic.value ??= found.rights.includes('admin') ? topics.join('self') : null;
  door.value = { at: 'inside', who: found };
  link.start();
}

/** The session is over: nothing of it stays in memory; the address stays, so the next login lands there. */
export function outside(note: string): void {
  flag(false);
  if (door.value.at !== 'inside') return;
  batch(() => {
    door.value = { at: 'login', note };
    link.stop();
    if (selfTopic.value) topics.leave(selfTopic.value);
    selfTopic.value = null;
    topics.forget();
  });
}

export async function leave(): Promise<void> {
  await api('DELETE', 'api/v1/session');
  outside('You are signed out.');
}

whenUnauthorized(() => outside(ENDED));
whenLinkUnauthorized(() => outside(ENDED));

// --- time -------------------------------------------------------------------------------------------

/** Our clock, once a second; relative times hang on it. */
export const now = signal(Date.now());

function tick(): void {
  now.value = Date.now();
  // On the second, so that the clock in the header does not drift against the wall.
  window.setTimeout(tick, 1000 - (Date.now() % 1000) + 5);
}
tick();

/** A server time on our clock. */
export function local(serverMs: number): number {
  return serverMs - linkStatus.value.skewMs;
}

// --- this machine -----------------------------------------------------------------------------------

export type HostValue = Host & {
  cores?: Record<string, Core>;
  mounts?: Record<string, Mount>;
  disks?: Record<string, Disk>;
  nics?: Record<string, Nic>;
  procs?: Record<string, Proc>;
  units?: Record<string, Unit>;
};

export const hostTopic: Topic = topics.join('meter.host'); // for as long as the page lives: title and indicator need it

// Whoever may read was shown this machine; refused now, the rights have changed while they looked.
effect(() => {
  if (hostTopic.phase.value !== 'refused' || !who.peek()?.rights.includes('read')) return;
  whoIsHere().then((found) => {
    if (found && door.peek().at === 'inside') door.value = { at: 'inside', who: found };
  }, () => {}); // whatever is asked for next says what is wrong
});
const selfTopic = signal<Topic | null>(null);

export const host: ReadonlySignal<HostValue | undefined> = computed(() => hostTopic.value.value as HostValue | undefined);
export const self: ReadonlySignal<Self | undefined> = computed(() => selfTopic.value?.value.value as Self | undefined);

// Sections keep their identity while nothing in them changes, so these fire only for their own news.
export const cores = computed(() => host.value?.cores);
export const mounts = computed(() => host.value?.mounts);
export const disks = computed(() => host.value?.disks);
export const nics = computed(() => host.value?.nics);
export const procs = computed(() => host.value?.procs);
export const units = computed(() => host.value?.units); // those that failed

/** Rows of a section with their ids, in a stable order: numbers by value, the rest by name. */
export function rows<T extends object>(section: Record<string, T> | undefined): (T & { id: string })[] {
  return Object.entries(section ?? {})
    .map(([id, row]) => ({ ...row, id }))
    .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

/** File systems worth a line: those that hold something. */
export const realMounts = computed(() => rows(mounts.value).filter((m) => (m.total_bytes ?? 0) > 0));

const VIRTUAL = /^(lo|veth|docker|br-|virbr|vnet|tap|tun|ifb|cni|flannel|cali|fwbr|fwpr|fwln|kube|dummy|podman|lxc)/;

/** Interfaces whose sum is this machine's traffic: a packet to a container passes its virtual ones too
 *  and must not count twice. Where there is nothing else, all but the loopback. */
export const countedNics = computed(() => {
  const all = rows(nics.value).filter((n) => n.id !== 'lo');
  const real = all.filter((n) => !VIRTUAL.test(n.id));
  return real.length > 0 ? real : all;
});

const MOUNT_LINES = 6; // as many as one chart keeps apart

/** File systems that fill up over days: the fullest, without memory and read-only images. */
export const chartedMounts = computed(() =>
  realMounts.value.filter((m) => !m.read_only && !/tmpfs$/.test(m.type ?? ''))
    .sort((a, b) => (b.total_bytes ?? 0) - (a.total_bytes ?? 0)).slice(0, MOUNT_LINES));

const NAMED = 3; // failed units in a sentence

/** "smartd", as people say it; other kinds keep their ending. */
export function unitName(u: { id: string; name?: string }): string {
  return (u.name || u.id).replace(/(.)\.service$/, '$1');
}

/** The failed units of a sentence: the first few by name, and how many there are besides. */
export const failedUnits = computed(() => {
  const named = rows(units.value).map(unitName).slice(0, NAMED);
  return { named, more: Math.max(0, (host.value?.units_failed ?? 0) - named.length) };
});

// --- how it stands ----------------------------------------------------------------------------------

export type Level = 'ok' | 'warn' | 'crit' | 'unknown';

export function levelOf(pct: number | null | undefined): Level {
  if (pct == null || !Number.isFinite(pct)) return 'unknown';
  return pct >= 90 ? 'crit' : pct >= 70 ? 'warn' : 'ok';
}

export interface Concern {
  id: string;
  level: 'warn' | 'crit';
  text: string;
  page: string; // and the part of it that shows more
  count?: number; // of how many things it speaks; 1
}

const LOAD_PER_CORE = 4; // a build keeps one or two busy; with four for minutes everything answers late

/** What wants attention now, worst first; empty when nothing does. */
export const concerns: ReadonlySignal<Concern[]> = computed(() => {
  const out: Concern[] = [];
  const s = self.value;
  if (s?.degraded) {
    out.push({ id: 'store', level: 'crit', text: `The store refuses writes${s.degraded_why ? ': ' + s.degraded_why : ''}`, page: 'diagnostics' });
  }
  for (const m of realMounts.value) {
    // A read-only image is always full.
    if (!m.read_only && (m.used_pct ?? 0) >= 90) {
      out.push({ id: `mount ${m.id}`, level: 'crit', text: `${m.id} is ${line(percent(m.used_pct))} full, ${line(bytes(m.available_bytes))} left`, page: 'host#mounts' });
    }
  }
  const h = host.value;
  const mem = memoryPct(h);
  if (mem !== null && mem >= 90) {
    out.push({ id: 'memory', level: 'crit', text: `Memory is ${line(percent(mem))} used, ${line(bytes(h?.mem_available_bytes))} available`, page: 'host' });
  }
  const perCore = h?.load5 !== undefined && h.core_count ? h.load5 / h.core_count : 0;
  if (perCore >= LOAD_PER_CORE) {
    out.push({ id: 'load', level: 'warn', text: `Load over 5 minutes is ${line(load(h?.load5))}, ${perCore.toFixed(1)} for each ${h?.core_count === 1 ? 'core' : `of ${h?.core_count} cores`}: everything waits`, page: 'host' });
  }
  if (h?.units_failed) {
    out.push({ id: 'units', level: 'warn', text: h.units_failed === 1 ? '1 systemd unit failed' : `${h.units_failed} systemd units failed`, page: 'host#units' });
  }
  out.push(...fleetConcerns());
  return out.sort((a, b) => (a.level === b.level ? 0 : a.level === 'crit' ? -1 : 1));
});

/** Our clock in steps of ten seconds: what says for how long is not drawn anew each second. */
const lately = computed(() => Math.floor(now.value / 10_000) * 10_000);

// A server that is away shows it at once where it stands; attention it wants when it alerts (FEATURES B20).
function fleetConcerns(): Concern[] {
  const isMeant = (id: string, state: 'offline' | 'flapping') => state === 'flapping' || offlineSince.value.has(id);
  const those = (state: 'offline' | 'flapping') => (servers.value ?? []).filter((s) => settledOf(s) === state && isMeant(s.id, state));
  const of = (state: 'offline' | 'flapping', level: Concern['level'], verb: string): Concern[] => {
    const names = those(state).map((s) => s.name ?? s.id);
    const since = state === 'offline' && names.length === 1 ? offlineSince.value.get(those(state)[0]!.id) : undefined;
    const long = since === undefined ? '' : ` for ${duration(Math.max(0, lately.value - local(since)))}`;
    const what = names.length === 1 ? `Server ${names[0]} is ${verb}${long}` : `${names.length} servers are ${verb}: ${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ''}`;
    return names.length === 0 ? [] : [{ id: `servers ${state}`, level, text: what, page: `servers?state=${state}`, count: names.length }];
  };
  return [...of('offline', 'crit', 'offline'), ...of('flapping', 'warn', 'flapping')];
}

export const worst: ReadonlySignal<Level> = computed(() =>
  host.value === undefined ? 'unknown' : (concerns.value[0]?.level ?? 'ok'));

function share(part: number | undefined, whole: number | undefined): number | null {
  return part === undefined || !whole ? null : (part / whole) * 100;
}

export function memoryPct(h: Host | undefined): number | null {
  return share(h?.mem_used_bytes, h?.mem_total_bytes);
}

export function swapPct(h: Host | undefined): number | null {
  return share(h?.swap_used_bytes, h?.swap_total_bytes);
}

// --- the connection, as people are told --------------------------------------------------------------

export interface Indicator {
  kind: 'live' | 'cached' | 'reconnecting' | 'offline';
  label: string;
  detail: string;
}

const STALE_MS = 10_000;  // ten missed samples
const OFFLINE_MS = 30_000;

/** live: samples arrive. cached: the last values stay, with their age. reconnecting: nothing to show yet.
 *  offline: gone for longer than half a minute. */
export const indicator: ReadonlySignal<Indicator> = computed(() => {
  const s = linkStatus.value;
  const t = now.value;
  const at = hostTopic.at.value;
  const age = at === 0 ? null : Math.max(0, t - at);
  const next = s.retryAt !== null && s.retryAt > t ? `next try in ${Math.ceil((s.retryAt - t) / 1000)} s` : 'trying now';
  const tries = s.attempt > 0 ? `attempt ${s.attempt}, ${next}` : next;
  if (s.phase === 'live' || s.phase === 'polling') {
    if (hostTopic.phase.value === 'refused') {
      return { kind: 'live', label: 'Live', detail: 'Connected; you may not see this machine.' };
    }
    if (age !== null && age > STALE_MS) {
      return { kind: 'cached', label: `Cached ${duration(age)}`, detail: 'Connected, but no new sample has arrived. The values shown are the last known.' };
    }
    const how = s.phase === 'polling' ? 'Live by HTTP polling: WebSockets do not get through here.' : 'Live updates active.';
    return { kind: 'live', label: s.phase === 'polling' ? 'Live (polling)' : 'Live', detail: how };
  }
  const lost = s.lostAt === null ? 0 : t - s.lostAt;
  const why = s.reason ? `${s.reason[0]!.toUpperCase()}${s.reason.slice(1)}. ` : '';
  if (s.phase === 'refused') return { kind: 'offline', label: 'Offline', detail: `${why}Not trying again by itself.` };
  if (lost > OFFLINE_MS) {
    return { kind: 'offline', label: age === null ? 'Offline' : `Offline ${duration(lost)}`, detail: `${why}Reconnecting: ${tries}.` };
  }
  if (age !== null) return { kind: 'cached', label: `Cached ${duration(age)}`, detail: `${why}Using the last values. Reconnecting: ${tries}.` };
  return { kind: 'reconnecting', label: s.attempt > 1 ? 'Reconnecting' : 'Connecting', detail: `${why}${tries[0]!.toUpperCase()}${tries.slice(1)}.` };
});

// --- theme ------------------------------------------------------------------------------------------

export type Theme = 'system' | 'light' | 'dark';

function storedTheme(): Theme {
  try {
    const t = localStorage.getItem('binnacle.theme');
    return t === 'light' || t === 'dark' ? t : 'system';
  } catch {
    return 'system';
  }
}

const systemDark = window.matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(systemDark.matches);
systemDark.addEventListener('change', (e) => {
  systemIsDark.value = e.matches;
});

export const theme = signal<Theme>(storedTheme());
/** What is on screen; charts redraw when it changes. */
export const isDark = computed(() => (theme.value === 'system' ? systemIsDark.value : theme.value === 'dark'));

effect(() => {
  document.documentElement.classList.toggle('is-dark', isDark.value);
  const t = theme.value;
  if (t === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = t;
  try {
    if (t === 'system') localStorage.removeItem('binnacle.theme');
    else localStorage.setItem('binnacle.theme', t);
  } catch {
    // The choice then lasts as long as the page.
  }
});

// --- small notes ------------------------------------------------------------------------------------

export interface Toast {
  id: number;
  kind: 'ok' | 'info' | 'error';
  text: string;
  error?: ApiError;
  hint?: string; // what to do about it
  link?: { text: string; href: string };
  undo?: () => void;
  forMs?: number | undefined; // how long it stays by itself
}

export const toasts = signal<Toast[]>([]);
let nextToast = 1;

const TOAST_MS = 5000;
const UNDO_MS = 12_000;

export function toast(kind: Toast['kind'], text: string, more: Omit<Toast, 'id' | 'kind' | 'text'> = {}): void {
  const id = nextToast++;
  toasts.value = [...toasts.value.slice(-3), { id, kind, text, ...more }];
  // Errors stay until dismissed, unless it is said how long: they carry what support would ask for.
  if (kind !== 'error' || more.forMs) window.setTimeout(() => fade(id), more.forMs ?? (more.undo ? UNDO_MS : TOAST_MS));
}

// Not from under a pointer or a finger on the key.
function fade(id: number): void {
  if (document.querySelector('.toasts:hover, .toasts:focus-within')) window.setTimeout(() => fade(id), 1000);
  else dismiss(id);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

/** Runs an action of the user; a refusal becomes a toast. True when it worked. */
export async function act(run: () => Promise<unknown>, done?: string, undo?: () => void): Promise<boolean> {
  try {
    await run();
    if (done) toast('ok', done, undo ? { undo } : {});
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 401) toast('error', error.message, { error });
    return false;
  }
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast('ok', `${what} copied`);
  } catch {
    toast('info', 'The browser allows copying only over HTTPS or localhost. Select the text and copy it by hand.');
  }
}

/** Errors of our own scripts since the page was loaded; the self-check shows them. */
export const scriptErrors = signal<string[]>([]);
window.addEventListener('error', (e) => {
  scriptErrors.value = [...scriptErrors.value.slice(-19), e.message];
});
window.addEventListener('unhandledrejection', (e) => {
  scriptErrors.value = [...scriptErrors.value.slice(-19), String(e.reason)];
});
