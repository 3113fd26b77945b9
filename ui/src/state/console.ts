// console: the console of one guest as a state that events change: which step it is at, how it ended, what comes next.
// Knows no page and no socket.

import type { ApiError } from '../link/api';
import type { Vm } from '../model.gen';

// --- which guest ------------------------------------------------------------------------------------

export interface Address {
  node: string;
  vmid: number;
  type: 'qemu' | 'lxc';
  serverId: string | null;
}

/** "console/NODE/VMID?type=…&serverId=…"; null: the number is none. */
export function addressOf(page: string, query: URLSearchParams): Address | null {
  const [, node, vmid, ...rest] = page.split('/');
  if (!node || !vmid || rest.length > 0 || !/^[1-9]\d{0,8}$/.test(vmid)) return null;
  return { node: decoded(node), vmid: Number(vmid), type: query.get('type') === 'lxc' ? 'lxc' : 'qemu', serverId: query.get('serverId') || null };
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

export type Kind = 'vnc' | 'terminal';

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
  error: ApiError | null;    // failed: what was refused
  liveAt: number;
}

export const START: State = { at: 'idle', step: 'ask', kind: null, tries: 0, hasFrame: false, why: '', isEmpty: false, isLost: false, error: null, liveAt: 0 };

export type Event =
  | { t: 'open' }                                     // a person wants it, or the guest runs again
  | { t: 'again' }                                    // the wait is over
  | { t: 'answered'; kind: Kind }
  | { t: 'empty' }
  | { t: 'refused'; error: ApiError }
  | { t: 'joined' }
  | { t: 'picture'; now: number }
  | { t: 'down'; code: number; reason: string; now: number }
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

const lost = (s: State, why: string): State => {
  const tries = s.tries + 1;
  return tries > TRIES ? { ...s, at: 'failed', why, isLost: true } : { ...s, at: 'waiting', tries, why };
};

function down(s: State, e: Extract<Event, { t: 'down' }>): State {
  const wasLive = s.at === 'live';
  const meant = MEANT[e.code];
  if (meant !== undefined) return { ...s, at: 'closed', why: words(e.code === 1000 ? '' : e.reason, meant) };
  if (BROKEN.has(e.code)) return { ...s, at: 'failed', why: words(e.reason, 'The two ends did not understand each other') };
  const why = words(e.reason, LOST[e.code] ?? 'The connection was lost');
  if (!wasLive && s.tries === 0) return { ...s, at: 'failed', why: e.reason || LOST[e.code] ? why : 'The connection was refused or lost before the first picture. A proxy between here and Binnacle that does not pass WebSockets does this.', isLost: true };
  return lost({ ...s, tries: wasLive && e.now - s.liveAt >= STOOD_MS ? 0 : s.tries }, why);
}

/** Refusals that may be over in a moment: nobody answered, a gateway's, and those of a guest that moves. */
const passes = (error: ApiError): boolean => error.status === 0 || error.status >= 500 || error.status === 404 || error.status === 409 || error.status === 429;

const clear = { why: '', isEmpty: false, isLost: false, error: null } as const;

export function next(s: State, e: Event): State {
  const isBusy = s.at === 'connecting';
  switch (e.t) {
    case 'open': return { ...s, ...clear, at: 'connecting', step: 'ask', tries: 0 };
    case 'again': return s.at === 'waiting' || (s.at === 'failed' && s.isLost) ? { ...s, ...clear, at: 'connecting', step: 'ask', tries: Math.max(1, s.at === 'failed' ? 1 : s.tries) } : s;
    case 'answered': return isBusy ? { ...s, step: 'open', kind: e.kind } : s;
    case 'joined': return isBusy ? { ...s, step: 'picture' } : s;
    case 'picture': return isBusy ? { ...s, at: 'live', hasFrame: true, liveAt: e.now } : s;
    case 'empty': return isBusy ? { ...s, at: 'failed', isEmpty: true, why: 'No connection data received.' } : s;
    case 'refused':
      if (!isBusy) return s;
      if (e.error.con === 'CON-01') return { ...s, at: 'off', tries: 0 };
      if (s.tries > 0 && passes(e.error)) {
        const after = lost(s, e.error.message);
        return after.at === 'failed' ? { ...after, error: e.error } : after;
      }
      return { ...s, at: 'failed', error: e.error, why: e.error.message, isLost: e.error.status === 0 };
    case 'down': return isBusy || s.at === 'live' ? down(s, e) : s;
    case 'off': return s.at === 'live' || s.at === 'off' || s.at === 'closed' ? s : { ...s, ...clear, at: 'off', tries: 0 };
    case 'gone': return s.at === 'live' || s.at === 'closed' ? s : { ...s, ...clear, at: 'failed', isLost: true, why: 'There is no such machine any more, or you may not see it any more.' };
  }
}

/** For the dot beside the name: colour, and the word that says the same. */
export function signOf(s: State): { level: 'ok' | 'busy' | 'bad' | 'idle'; word: string } {
  switch (s.at) {
    case 'live': return { level: 'ok', word: 'Connected' };
    case 'connecting': return { level: 'busy', word: s.tries > 0 ? `Reconnecting ${s.tries}/${TRIES}` : 'Connecting' };
    case 'waiting': return { level: 'busy', word: `Reconnecting ${s.tries}/${TRIES}` };
    case 'off': return { level: 'idle', word: 'Not running' };
    case 'failed': return { level: 'bad', word: 'Not connected' };
    case 'closed': return { level: 'bad', word: 'Closed' };
    case 'idle': return { level: 'idle', word: 'Not connected' };
  }
}
