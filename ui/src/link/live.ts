// live: the one connection of this page, made of socket, topics and poller, with the browser as its world.

import { signal } from '@preact/signals';
import { under } from './base';
import { Poller } from './poll';
import { Link, type LinkStatus, type SocketLike } from './socket';
import { Topics } from './topics';

function random(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}

async function status(path: string): Promise<number> {
  const abort = new AbortController();
  const timer = window.setTimeout(() => abort.abort(), 3000);
  try {
    const response = await fetch(under(path), { credentials: 'same-origin', cache: 'no-store', signal: abort.signal });
    return response.status;
  } catch {
    return 0;
  } finally {
    window.clearTimeout(timer);
  }
}

let onUnauthorized: () => void = () => {};
export function whenLinkUnauthorized(run: () => void): void {
  onUnauthorized = run;
}

const isHidden = () => document.visibilityState === 'hidden';
const clock = {
  now: () => Date.now(),
  after: (ms: number, run: () => void) => window.setTimeout(run, ms),
  cancel: (timer: number) => window.clearTimeout(timer),
};

export const topics: Topics = new Topics({
  ...clock,
  isHidden,
  send: (frames) => link.send(frames),
  settled: () => link.settled(),
});

const poller = new Poller(topics, isHidden);

export const link: Link = new Link(
  {
    ...clock,
    random,
    isHidden,
    open: () => {
      const url = new URL(under('api/v1/live'), location.href);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      return new WebSocket(url.href, 'live.1') as SocketLike;
    },
    askSession: () => status('api/v1/session'),
    knock: async () => (await status('healthz')) === 200,
  },
  {
    opening: () => topics.opening(),
    receive: (frames) => topics.receive(frames),
    lost: () => topics.lost(),
    hidden: (hidden) => topics.hidden(hidden),
    unauthorized: () => onUnauthorized(),
    startPolling: () => poller.start(),
    stopPolling: () => poller.stop(),
    status: (s) => {
      linkStatus.value = s;
    },
  },
);

export const linkStatus = signal<LinkStatus>(link.status);

document.addEventListener('visibilitychange', () => link.visibility());
window.addEventListener('online', () => link.hurry());
window.addEventListener('pageshow', () => link.visibility());
