// poll: the same topics over plain HTTP, for networks that let no WebSocket through.

import { under } from './base';
import { isObject } from './fold';
import type { Frame } from './socket';
import type { Topics } from './topics';

const WAIT_S = 25;
const PAUSE_MS = 250;
const FAILED_PAUSE_MS = 3000;

/** One long poll per topic. The answers become the frames a socket would have brought. */
export class Poller {
  private running = new Map<string, AbortController>();
  private timer = 0;
  private aliases = new Map<string, number>();

  constructor(private topics: Topics, private isHidden: () => boolean) {}

  start(): void {
    if (this.timer !== 0) return;
    this.look();
    this.timer = window.setInterval(() => this.look(), 1000);
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    for (const abort of this.running.values()) abort.abort();
    this.running.clear();
  }

  private look(): void {
    const names = new Set(this.topics.names());
    for (const [name, abort] of this.running) {
      if (!names.has(name)) {
        abort.abort();
        this.running.delete(name);
      }
    }
    for (const name of names) if (!this.running.has(name)) void this.run(name);
  }

  private async run(name: string): Promise<void> {
    const abort = new AbortController();
    this.running.set(name, abort);
    while (!abort.signal.aborted) {
      const ok = await this.once(name, abort.signal);
      if (abort.signal.aborted) return;
      const pause = ok ? (this.isHidden() ? 30_000 : PAUSE_MS) : FAILED_PAUSE_MS;
      await new Promise((done) => window.setTimeout(done, pause));
    }
  }

  private async once(name: string, signal: AbortSignal): Promise<boolean> {
    const from = this.topics.position(name);
    const query = new URLSearchParams({ topic: name });
    if (from) {
      query.set('since', `${from.e}.${from.s}`);
      query.set('wait', String(WAIT_S));
    }
    try {
      const response = await fetch(under(`api/v1/state?${query}`), { credentials: 'same-origin', cache: 'no-store', signal });
      if (response.status === 304) return true;
      const body: unknown = await response.json();
      if (!isObject(body)) return false;
      this.topics.receive([this.frame(name, body, from)]);
      return response.ok;
    } catch {
      return false;
    }
  }

  private frame(name: string, body: Record<string, unknown>, from: { e: string; s: number } | null): Frame {
    const k = this.aliases.get(name) ?? -1 - this.aliases.size;
    this.aliases.set(name, k);
    if (isObject(body.error)) return { t: 'sub', topic: name, error: body.error };
    const same = from !== null && body.e === from.e && body.s === from.s;
    const mode = 'v' in body ? 'snapshot' : 'ev' in body ? 'tail' : same ? 'same' : 'resumed';
    return { ...body, t: 'sub', topic: name, k, mode };
  }
}
