// console-session: one console of this page: asks for it, joins it, comes back after losses, and leaves nothing behind.

import { signal } from '@preact/signals';
import { api, ApiError } from '../link/api';
import { next, openedOf, START, waitOf, type Event, type Kind, type State } from '../state/console';
import type { Far, OpenFar } from './console-far';

export interface Where {
  path: string;        // of the guest or node: api/v1/servers/…/qemu/100
  label: string;       // for who hears the page
  guess: Kind;         // what will likely be answered
  wish?: { kind?: Kind; view_only?: boolean }; // asked for
  isShell?: boolean;   // of a node: it ends with its connection, and what runs in it
}

const OPENS_WITHIN_MS = 15_000; // the browser's own patience has no end people would wait for
const ASKS_WITHIN_MS = 25_000;  // Binnacle itself gives up after ten seconds, and may ask twice
const STUCK_MS = 2000;          // a question asked so long before the way was back hangs in a connection of before
const QUIET_AFTER = 2;          // questions without an answer, one after the other
const SHAPE = 24;

const parts: Record<Kind, () => Promise<{ openFar: OpenFar }>> = {
  vnc: () => import('./console-screen'),
  terminal: () => import('./console-terminal'),
};

/** What this page calls itself: a ticket is good for it alone. Kept nowhere. */
const tab = Array.from(crypto.getRandomValues(new Uint8Array(SHAPE)), (n) => n.toString(16).padStart(2, '0')).join('');

function addressOf(url: string): string {
  const at = new URL(url, location.href);
  at.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  at.searchParams.set('tab', tab);
  return at.href;
}

export class Session {
  readonly state = signal<State>(START);
  readonly far = signal<Far | null>(null);
  readonly id = signal<string | null>(null); // of the open one, as lists know it
  readonly retryAt = signal(0);
  private old: Far[] = [];       // with what was seen last
  private socket: WebSocket | null = null;
  private abort: AbortController | null = null;
  private timer = 0;
  private round = 0;
  private askedAt = 0;
  private misses = 0;
  private isLeft = false; // nobody looks any more
  private isSeen = false; // what is there now showed something

  constructor(private stage: HTMLElement, private where: () => Where) {}

  tell(e: Event): void {
    const was = this.state.peek();
    const now = next(was, e);
    if (this.isLeft || now === was) return;
    this.state.value = now;
    window.clearTimeout(this.timer);
    this.far.peek()?.hold(now.isQuiet);
    if (now.at === 'connecting' && was.at !== 'connecting') void this.begin();
    else if (now.at !== 'connecting' && now.at !== 'live') this.drop();
    if (now.at === 'waiting') {
      const ms = waitOf(now.tries, Math.random());
      this.retryAt.value = Date.now() + ms;
      this.timer = window.setTimeout(() => this.tell({ t: 'again' }), ms);
    }
  }

  /** Binnacle did not answer. */
  missed(): void {
    this.misses += 1;
    if (this.misses >= QUIET_AFTER) this.tell({ t: 'quiet' });
  }

  /** It answered. After a silence what was lost with the way there is back with it. */
  heard(): void {
    if (this.misses > 0) this.back();
    this.misses = 0;
  }

  back(): void {
    const { at, step, tries } = this.state.peek();
    const isStuck = at === 'connecting' && step === 'ask' && tries > 0 && Date.now() - this.askedAt > STUCK_MS;
    if (isStuck && !this.isLeft) void this.begin();
    else this.tell({ t: 'heard', keeps: this.where().isShell === true });
  }

  /** By a person: what is open is left first. */
  reopen(): void {
    this.isLeft = false;
    this.drop();
    this.state.value = { ...this.state.peek(), at: 'idle' };
    this.tell({ t: 'open' });
  }

  end(): void {
    this.isLeft = true;
    window.clearTimeout(this.timer);
    this.drop();
    for (const far of this.old.splice(0)) far.close();
  }

  // What is under way ends; its last picture stays.
  private drop(): void {
    this.round += 1;
    this.abort?.abort();
    this.abort = null;
    this.freeze();
    const socket = this.socket;
    this.socket = null;
    if (socket && socket.readyState <= WebSocket.OPEN) socket.close(1000);
  }

  private freeze(): void {
    const far = this.far.peek();
    if (!far) return;
    far.freeze();
    this.far.value = null;
    this.id.value = null;
    if (this.isSeen) this.old.push(far);
    else far.close();
    this.isSeen = false;
  }

  private async begin(): Promise<void> {
    this.drop();
    const round = this.round;
    const { path, label, guess, wish, isShell } = this.where();
    const isOver = () => round !== this.round;
    parts[guess]().catch(() => {}); // meanwhile; whether it came is seen below
    const abort = this.abort = new AbortController();
    const late = window.setTimeout(() => abort.abort(), ASKS_WITHIN_MS);
    this.askedAt = Date.now();
    let answer: unknown;
    try {
      answer = await api<unknown>('POST', `${path}/console`, { tab, ...wish }, abort.signal);
    } catch (cause) {
      if (isOver()) return;
      if (abort.signal.aborted) return this.tell({ t: 'refused', error: new ApiError(0, 'offline', `Binnacle did not answer within ${ASKS_WITHIN_MS / 1000} s.`, null, null, null, `POST ${path}/console`) });
      // An answer that is no JSON is none.
      this.tell(cause instanceof ApiError ? { t: 'refused', error: cause } : { t: 'empty' });
      return;
    } finally {
      window.clearTimeout(late);
    }
    if (isOver()) return;
    const opened = openedOf(answer);
    if (!opened) return this.tell({ t: 'empty' });
    this.tell({ t: 'answered', kind: opened.kind });
    let open: OpenFar;
    try {
      open = (await parts[opened.kind]()).openFar;
    } catch {
      if (!isOver()) this.tell({ t: 'refused', error: new ApiError(0, 'offline', 'A part of this page could not be fetched from the server. It may be restarting, or have been updated since this tab was opened.', null, null, null, 'GET assets') });
      return;
    }
    if (isOver()) return;
    const { id, view_only } = answer as { id?: unknown; view_only?: unknown };
    this.id.value = typeof id === 'string' ? id : null;
    this.join(opened.url, open, { label, isLook: view_only === true, isShell: isShell === true });
  }

  private join(url: string, open: OpenFar, of: { label: string; isLook: boolean; isShell: boolean }): void {
    const round = this.round;
    const isOver = () => round !== this.round;
    const socket = new WebSocket(addressOf(url), 'binary');
    const host = document.createElement('div');
    let trouble = '';
    host.className = 'console-far is-coming';
    this.socket = socket;
    this.timer = window.setTimeout(() => socket.close(), OPENS_WITHIN_MS);
    socket.addEventListener('open', () => isOver() || window.clearTimeout(this.timer));
    // Before noVNC hears of it, which takes its picture away.
    socket.addEventListener('close', (e) => {
      if (isOver()) return;
      this.freeze();
      this.socket = null;
      this.tell({ t: 'down', code: trouble ? 1002 : e.code, reason: trouble || e.reason, now: Date.now(), isShell: of.isShell });
    });
    this.stage.append(host);
    this.far.value = open(host, socket, of, {
      joined: () => isOver() || this.tell({ t: 'joined' }),
      picture: () => {
        if (isOver()) return;
        host.classList.remove('is-coming');
        this.isSeen = true;
        for (const far of this.old.splice(0)) far.close();
        this.tell({ t: 'picture', now: Date.now() });
      },
      trouble: (reason) => {
        trouble = reason;
      },
    });
  }
}
