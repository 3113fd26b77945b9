// live: a client of live/1 over lib/frames.mjs, for tests that are about the connection and not the page.

import assert from 'node:assert/strict';
import { CLOSE, PING, PONG, TEXT, open } from './frames.mjs';

export class Live {
  constructor(socket) {
    this.socket = socket;
    this.messages = []; // every JSON object that came
    this.times = [];
    this.close = null; // { code, reason } once the server closed
    this.waiters = new Set();
    this.reading = this.read();
  }

  async read() {
    for (;;) {
      const one = await this.socket.message(1e9).catch(() => null);
      if (!one) break;
      if (one.op === PING) this.socket.send(PONG, one.payload);
      if (one.op === CLOSE) {
        this.close = { code: one.payload.length ? one.payload.readUInt16BE() : 1005, reason: one.payload.subarray(2).toString() };
        this.closedAt = performance.now();
        this.socket.send(CLOSE, one.payload);
      }
      if (one.op === CLOSE) this.wake();
      if (one.op !== TEXT) continue;
      for (const line of one.payload.toString().split('\n')) {
        if (!line) continue;
        this.messages.push(JSON.parse(line));
        this.times.push(performance.now());
      }
      this.wake();
    }
    this.gone = true;
    this.wake();
  }

  wake() {
    for (const waiter of this.waiters) waiter();
  }

  /** True as soon as check() is; false when that took longer or the connection ended first. */
  when(check, within) {
    return new Promise((resolve) => {
      const look = () => {
        const yes = Boolean(check());
        if (!yes && !this.gone) return;
        this.waiters.delete(look);
        clearTimeout(late);
        resolve(yes);
      };
      const late = setTimeout(() => { this.waiters.delete(look); resolve(false); }, within);
      this.waiters.add(look);
      look();
    });
  }

  say(object) {
    this.socket.send(TEXT, `${JSON.stringify(object)}\n`);
    return this;
  }

  /** The first message that fits, now or later. */
  async heard(fits, within = 5000) {
    await this.when(() => this.messages.some(fits), within);
    const found = this.messages.find(fits);
    assert.ok(found, `waited for ${fits}; heard ${JSON.stringify(this.messages).slice(0, 500)}, close ${JSON.stringify(this.close)}`);
    return found;
  }

  /** The server's close frame: { code, reason }. */
  async ended(within = 5000) {
    await this.when(() => this.close, within);
    assert.ok(this.close, `${this.gone ? 'gone without a close frame' : 'still open'} after ${within} ms`);
    return this.close;
  }

  destroy() {
    this.socket.destroy();
  }
}

/** Connects, says hello and subscribes; topics may be none. */
export async function listen(server, who, topics = [], { fields = {}, hello = true, deflate = false, localAddress } = {}) {
  const auth = who.cookie ? { Cookie: who.cookie, Origin: server.origin } : who.key ? { Authorization: `Bearer ${who.key}` } : {};
  const socket = await open(server.port, '/api/v1/live', {
    protocol: 'live.1',
    tls: server.isTls ? {} : null,
    localAddress,
    fields: { Host: `127.0.0.1:${server.port}`, ...auth, ...(deflate ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {}), ...fields },
  });
  const live = new Live(socket);
  if (!hello) return live;
  live.say({ t: 'hello', v: 1 });
  await live.heard((one) => one.t === 'welcome');
  if (topics.length) {
    live.say({ t: 'sub', id: 1, topics: topics.map((topic) => [topic]) });
    for (const topic of topics) await live.heard((one) => one.t === 'sub' && one.topic === topic);
  }
  return live;
}
