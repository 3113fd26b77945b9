// console-session: one console of this page: asks for it, joins it, comes back after losses, and leaves nothing behind.

import { signal } from '@preact/signals';
import { api, ApiError } from '../link/api';
import { next, openedOf, START, waitOf, type Event, type Kind, type State } from '../state/console';
import type { Far, OpenFar } from './console-far';

export interface Where {
  path: string;        // of the guest: api/v1/servers/…/qemu/100
  label: string;       // for who hears the page
  guess: Kind;         // what will likely be answered
}

const OPENS_WITHIN_MS = 15_000; // the browser's own patience has no end people would wait for
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
  private isLeft = false; // nobody looks any more
  private isSeen = false; // what is there now showed something

  constructor(private stage: HTMLElement, private where: () => Where) {}

  tell(e: Event): void {
    const was = this.state.peek();
    const now = next(was, e);
    if (this.isLeft || now === was) return;
    this.state.value = now;
    window.clearTimeout(this.timer);
    if (now.at === 'connecting' && was.at !== 'connecting') void this.begin();
    else if (now.at !== 'connecting' && now.at !== 'live') this.drop();
    if (now.at === 'waiting') {
      const ms = waitOf(now.tries, Math.random());
      this.retryAt.value = Date.now() + ms;
      this.timer = window.setTimeout(() => this.tell({ t: 'again' }), ms);
    }
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
    const { path, label, guess } = this.where();
    const isOver = () => round !== this.round;
    parts[guess]().catch(() => {}); // meanwhile; whether it came is seen below
    this.abort = new AbortController();
    let answer: unknown;
    try {
      answer = await api<unknown>('POST', `${path}/console`, { tab }, this.abort.signal);
    } catch (cause) {
      if (isOver()) return;
      // An answer that is no JSON is none.
      this.tell(cause instanceof ApiError ? { t: 'refused', error: cause } : { t: 'empty' });
      return;
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
    if (!isOver()) this.join(opened.url, label, open, (answer as { id?: unknown }).id);
  }

  private join(url: string, label: string, open: OpenFar, id: unknown): void {
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
      this.tell({ t: 'down', code: trouble ? 1002 : e.code, reason: trouble || e.reason, now: Date.now() });
    });
    this.stage.append(host);
    this.id.value = typeof id === 'string' ? id : null;
    this.far.value = open(host, socket, label, {
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
