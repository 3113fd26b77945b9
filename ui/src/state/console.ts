// console: a console as a state that events change: which step it is at, how it ended, what comes next.
// Knows no page and no socket.

import type { ApiError } from '../link/api';
import type { Vm } from '../model.gen';

// --- which guest ------------------------------------------------------------------------------------

export type Kind = 'vnc' | 'terminal';

export interface Address {
  node: string;
  vmid: number;
  type: 'qemu' | 'lxc';
  serverId: string | null;
  kind: Kind | null;   // chosen; null: what is usual for such a guest
  isLook: boolean;     // nothing is sent to it
}

/** What is opened when nothing was chosen. */
export const usualKind = (type: string | undefined): Kind => (type === 'lxc' ? 'terminal' : 'vnc');

/** "console/NODE/VMID?type=…&serverId=…"; null: the number is none. */
export function addressOf(page: string, query: URLSearchParams): Address | null {
  const [, node, vmid, ...rest] = page.split('/');
  if (!node || !vmid || rest.length > 0 || !/^[1-9]\d{0,8}$/.test(vmid)) return null;
  const type = query.get('type') === 'lxc' ? 'lxc' : 'qemu';
  const kind = query.get('kind');
  return {
    node: decoded(node), vmid: Number(vmid), type, serverId: query.get('serverId') || null,
    kind: kind === 'vnc' || kind === 'terminal' ? kind : null, isLook: query.get('look') === '1',
  };
}

/** "console/NODE/shell?serverId=…": the shell of a node; null: another address. */
export function shellOf(page: string, query: URLSearchParams): { node: string; serverId: string } | null {
  const [, node, shell, ...rest] = page.split('/');
  const serverId = query.get('serverId');
  return node && shell === 'shell' && rest.length === 0 && serverId ? { node: decoded(node), serverId } : null;
}

/** "console/target/ID": a shell on a target; null: another address. A node may be called target: its machines have short numbers. */
export function targetAt(page: string): string | null {
  return /^console\/target\/([\w-]{16,64})$/.exec(page)?.[1] ?? null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export type Found = { at: 'one'; id: string } | { at: 'many'; ids: string[] } | { at: 'none' };

/** The row it means. `home`: under which server the guests of a cluster's member stand. */
export function guestAt(address: Address, vms: Record<string, Vm>, home: (serverId: string) => string): Found {
  if (address.serverId !== null) {
    const id = `${home(address.serverId)}/${address.vmid}`;
    return vms[id] ? { at: 'one', id } : { at: 'none' };
  }
  const ids = Object.keys(vms).filter((id) => vms[id]!.vmid === address.vmid && vms[id]!.node === address.node);
  return ids.length === 1 ? { at: 'one', id: ids[0]! } : ids.length > 1 ? { at: 'many', ids } : { at: 'none' };
}

/** Has it a screen now? What Proxmox VE opens a console of. */
export const isOn = (vm: Pick<Vm, 'status'>): boolean => vm.status === 'running' || vm.status === 'paused';

// --- how it goes ------------------------------------------------------------------------------------

export interface Opened {
  url: string;
  kind: Kind;
}

/** What was answered, if it is what was asked for: "No connection data received" otherwise (FEATURES G17). */
export function openedOf(answer: unknown): Opened | null {
  const { url, kind } = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  return typeof url === 'string' && url.startsWith('/') && !url.startsWith('//') && (kind === 'vnc' || kind === 'terminal') ? { url, kind } : null;
}

export const STEPS = ['ask', 'open', 'picture'] as const;
export type Step = (typeof STEPS)[number];

export interface State {
  /** idle: nothing was begun. off: the guest does not run. waiting: for the next try. closed: over, and not by mistake. */
  at: 'idle' | 'off' | 'connecting' | 'live' | 'waiting' | 'closed' | 'failed';
  step: Step;
  kind: Kind | null;
  tries: number;             // to get back after a loss; 0: the first time
  hasFrame: boolean;         // there was a picture, and it is still on screen
  why: string;               // closed, failed, waiting: in words
  isEmpty: boolean;          // failed: nothing was answered
  isLost: boolean;           // failed: the way there broke, and may be back any moment
  isAway: boolean;           // waiting: all tries are used up, and nobody answers at all
  isBlocked: boolean;        // failed: the answer to the question came through, and no WebSocket did
  isQuiet: boolean;          // live: as far as the connection says; but nobody answers
  error: ApiError | null;    // failed: what was refused
  liveAt: number;
}

export const START: State = { at: 'idle', step: 'ask', kind: null, tries: 0, hasFrame: false, why: '', isEmpty: false, isLost: false, isAway: false, isBlocked: false, isQuiet: false, error: null, liveAt: 0 };

export type Event =
  | { t: 'open' }                                     // a person wants it, or the guest runs again
  | { t: 'again' }                                    // the wait is over
  | { t: 'answered'; kind: Kind }
  | { t: 'empty' }
  | { t: 'refused'; error: ApiError }
  | { t: 'joined' }
  | { t: 'picture'; now: number }
  | { t: 'down'; code: number; reason: string; now: number; isShell?: boolean } // isShell: nobody would find again what ended
  | { t: 'quiet' }                                    // Binnacle does not answer
  | { t: 'heard'; keeps: boolean }                    // it does again; keeps: what a new connection would end must not be ended
  | { t: 'off' }                                      // the guest does not run (any more)
  | { t: 'gone' };                                    // there is no such guest any more

export const TRIES = 5;
const WAITS_MS = [250, 1000, 2000, 4000, 8000];
const STOOD_MS = 5000; // what held so long was good: the next loss begins to count anew

/** How long until the next try; `chance` 0..1 spreads those of many pages. */
export const waitOf = (tries: number, chance: number): number => (WAITS_MS[Math.min(tries, TRIES) - 1] ?? 0) * (1 + chance / 4);

/** Codes with which Binnacle ends a console on purpose. */
const MEANT: Record<number, string> = {
  1000: 'It was closed', 4401: 'Your session ended, or the right to this console was taken away', 4403: 'An administrator ended it',
  4408: 'Nothing was typed for 30 minutes', 4410: 'A console is open for 8 hours at most',
};

const LOST: Record<number, string> = { 1001: 'Binnacle is being restarted', 4411: 'The other end closed the connection' };
const BROKEN = new Set([1002, 1003, 1007, 1008, 1009]); // trying again would end the same way

const words = (reason: string, otherwise: string): string => {
  const text = reason || otherwise;
  return `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
};

const lost = (s: State, why: string, isNobody = false): State => {
  const tries = s.tries + 1;
  if (tries <= TRIES) return { ...s, at: 'waiting', tries, why, isQuiet: false };
  return isNobody ? { ...s, at: 'waiting', why, isAway: true } : { ...s, at: 'failed', why, isLost: true, isAway: false };
};

function down(s: State, e: Extract<Event, { t: 'down' }>): State {
  const wasLive = s.at === 'live';
  const meant = MEANT[e.code] ?? (e.isShell && wasLive && e.code === 4411 ? 'The shell ended' : undefined);
  if (meant !== undefined) return { ...s, at: 'closed', why: words(e.code === 1000 ? '' : e.reason, meant) };
  if (BROKEN.has(e.code)) return { ...s, at: 'failed', why: words(e.reason, 'The two ends did not understand each other') };
  const why = words(e.reason, LOST[e.code] ?? 'The connection was lost');
  if (!wasLive && s.tries === 0) {
    const isBlocked = s.step === 'open' && !e.reason && !LOST[e.code];
    return { ...s, at: 'failed', why: isBlocked ? 'Binnacle opened the console, and the WebSocket to it was refused on its way. A proxy between here and Binnacle that does not pass WebSockets does this.' : why, isBlocked, isLost: true };
  }
  return lost({ ...s, tries: wasLive && e.now - s.liveAt >= STOOD_MS ? 0 : s.tries }, why);
}

/** The number under which the manual explains a refusal. */
export const conOf = (error: ApiError): string | null => (typeof error.said.con === 'string' ? error.said.con : null);

export interface Holder {
  id: string;
  user_name: string | null;
  subject: string | null;
  kind: Kind | null;
  since: string | null; // null: it is being opened
}

/** Who has those that leave no room for another one, as far as one may know. */
export function holdersOf(error: ApiError): Holder[] {
  const list = error.said.held_by;
  const text = (x: unknown) => (typeof x === 'string' && x !== '' ? x : null);
  return !Array.isArray(list) ? [] : list.filter((x) => typeof x === 'object' && x !== null && typeof x.id === 'string')
    .map((x) => ({ id: x.id, user_name: text(x.user_name), subject: text(x.subject), kind: x.kind === 'vnc' || x.kind === 'terminal' ? x.kind : null, since: text(x.since) }));
}

/** Not a word of ours: the network's silence, or a gateway that speaks for who does not. */
const isNobody = (error: ApiError): boolean => error.status === 0 || (error.status >= 502 && error.code.startsWith('http_'));

/** Refusals that may be over in a moment: nobody answered, a gateway's, and those of a guest that moves; not that it has no serial port. */
const passes = (error: ApiError): boolean => conOf(error) !== 'CON-06' && (error.status === 0 || error.status >= 500 || error.status === 404 || error.status === 409 || error.status === 429);

const clear = { why: '', isEmpty: false, isLost: false, isAway: false, isBlocked: false, isQuiet: false, error: null } as const;

const again = (s: State): State =>
  s.at === 'waiting' || (s.at === 'failed' && s.isLost) ? { ...s, ...clear, isAway: s.isAway, at: 'connecting', step: 'ask', tries: s.at === 'failed' ? 1 : Math.max(1, s.tries) } : s;

export function next(s: State, e: Event): State {
  const isBusy = s.at === 'connecting';
  switch (e.t) {
    case 'open': return { ...s, ...clear, at: 'connecting', step: 'ask', tries: 0 };
    case 'again': return again(s);
    case 'answered': return isBusy ? { ...s, step: 'open', kind: e.kind, isAway: false } : s;
    case 'joined': return isBusy ? { ...s, step: 'picture' } : s;
    case 'picture': return isBusy ? { ...s, at: 'live', hasFrame: true, isQuiet: false, liveAt: e.now } : s;
    case 'quiet': return s.at === 'live' && !s.isQuiet ? { ...s, isQuiet: true } : s;
    case 'heard':
      if (s.at !== 'live') return again(s) === s ? s : { ...again(s), tries: 1 };
      if (!s.isQuiet) return s;
      // What lies unsent on either side comes when TCP tries again, which may take as long as the silence took.
      return e.keeps ? { ...s, isQuiet: false } : lost({ ...s, tries: 0 }, 'Nothing came through for a while.');
    case 'empty': return isBusy ? { ...s, at: 'failed', isEmpty: true, why: 'No connection data received.' } : s;
    case 'refused':
      if (!isBusy) return s;
      if (conOf(e.error) === 'CON-01') return { ...s, at: 'off', tries: 0 };
      if (s.tries > 0 && passes(e.error)) {
        const after = lost(s, e.error.message, isNobody(e.error));
        return after.at === 'failed' ? { ...after, error: e.error } : after;
      }
      return { ...s, at: 'failed', isAway: false, error: e.error, why: e.error.message, isLost: e.error.status === 0 };
    case 'down': return isBusy || s.at === 'live' ? down(s, e) : s;
    case 'off': return s.at === 'live' || s.at === 'off' || s.at === 'closed' ? s : { ...s, ...clear, at: 'off', tries: 0 };
    case 'gone': return s.at === 'live' || s.at === 'closed' ? s : { ...s, ...clear, at: 'failed', isLost: true, why: 'There is no such machine any more, or you may not see it any more.' };
  }
}

/** For the dot beside the name: colour, and the word that says the same. */
export function signOf(s: State): { level: 'ok' | 'busy' | 'bad' | 'idle'; word: string } {
  switch (s.at) {
    case 'live': return s.isQuiet ? { level: 'busy', word: 'No answer' } : { level: 'ok', word: 'Connected' };
    case 'connecting':
    case 'waiting':
      if (s.isAway) return { level: 'bad', word: 'No connection' };
      return { level: 'busy', word: s.tries > 0 ? `Reconnecting ${s.tries}/${TRIES}` : 'Connecting' };
    case 'off': return { level: 'idle', word: 'Not running' };
    case 'failed': return { level: 'bad', word: 'Not connected' };
    case 'closed': return { level: 'bad', word: 'Closed' };
    case 'idle': return { level: 'idle', word: 'Not connected' };
  }
}
