// console: a browser's half of a console, by hand: asks for one, joins it, and speaks RFB up to the picture.
//
//   const asked = await ask(fleet, 'alpha', 100);                 // { id, url, kind, expires_at, tab }
//   const it = await join(fleet.server, fleet.admin, asked);
//   await it.greet();                                             // of a screen
//   it.send(bytes); await it.read(5);

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { handshake } from './frames.mjs';

const GREETING = 'RFB 003.008\n';
const WITHIN = 20000;

/** A whole binary frame of a client. Its mask is nought: allowed, and nothing to count. */
export function clientFrame(bytes, op = 2) {
  const size = bytes.length;
  const head = Buffer.alloc(size < 126 ? 6 : size < 65536 ? 8 : 14);
  head[0] = 0x80 | op;
  head[1] = 0x80 | (size < 126 ? size : size < 65536 ? 126 : 127);
  if (size >= 65536) head.writeBigUInt64BE(BigInt(size), 2);
  else if (size >= 126) head.writeUInt16BE(size, 2);
  return Buffer.concat([head, bytes]);
}

/** Asks as that person; the answer, whatever it is. */
export function request(fleet, cluster, vmid, { node = 'pve1', type = 'qemu', as = fleet.admin, body = {} } = {}) {
  const path = `/api/v1/servers/${fleet.ids[cluster]}/nodes/${node}/${type}/${vmid}/console`;
  return fleet.server.request('POST', path, { cookie: as.cookie, body, timeout: 30000 });
}

/** The same for the shell of a node. */
export function requestShell(fleet, cluster, { node = 'pve1', as = fleet.admin, body = {} } = {}) {
  return fleet.server.request('POST', `/api/v1/servers/${fleet.ids[cluster]}/nodes/${node}/console`, { cookie: as.cookie, body, timeout: 30000 });
}

export async function ask(fleet, cluster, vmid, options = {}) {
  const tab = crypto.randomBytes(12).toString('hex');
  const answer = await request(fleet, cluster, vmid, { ...options, body: { tab, ...options.body } });
  assert.equal(answer.status, 201, answer.text);
  return { ...answer.json, tab };
}

export class Console {
  constructor(socket) {
    this.socket = socket;
    this.parts = [];
    this.size = 0; // of parts
    this.total = 0; // payload bytes so far
    this.raw = Buffer.alloc(0); // of a header that is not whole
    this.left = 0; // of the frame
    this.sink = null; // takes what comes, instead of parts
    this.code = null;
    this.reason = '';
    this.closedAt = null;
    this.changed = new Set();
    socket.on('data', (piece) => this.feed(piece));
    socket.on('error', () => {});
    socket.on('close', () => { this.closedAt = performance.now(); this.tell(); });
  }

  tell() {
    for (const look of this.changed) look();
  }

  when(check, what, within = WITHIN) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => { this.changed.delete(look); reject(new Error(`waited ${within} ms for ${what}`)); }, within);
      const look = () => {
        const yes = check();
        if (!yes && this.closedAt === null) return;
        this.changed.delete(look);
        clearTimeout(late);
        if (yes) resolve(yes);
        else reject(new Error(`closed (${this.code} ${this.reason}) before ${what}`));
      };
      this.changed.add(look);
      look();
    });
  }

  take(op, bytes) {
    if (op === 2) {
      this.total += bytes.length;
      if (this.sink) this.sink(bytes);
      else { this.parts.push(bytes); this.size += bytes.length; }
    } else if (op === 8) {
      this.code = bytes.length >= 2 ? bytes.readUInt16BE() : 1005;
      this.reason = bytes.subarray(2).toString();
    } else if (op === 9) {
      this.socket.write(clientFrame(bytes, 10));
    }
  }

  feed(piece) {
    let rest = this.raw.length ? Buffer.concat([this.raw, piece]) : piece;
    this.raw = Buffer.alloc(0);
    while (rest.length) {
      if (this.left === 0) {
        const short = rest.length < 2 ? 0 : rest[1] & 127;
        const need = rest.length < 2 ? 2 : short < 126 ? 2 : short === 126 ? 4 : 10;
        const isControl = (rest[0] & 8) !== 0;
        if (rest.length < need || (isControl && rest.length < need + short)) { this.raw = rest; break; }
        assert.equal(rest[0] & 0x70, 0);
        this.op = rest[0] & 15;
        assert.ok(rest[0] & 0x80, 'whole frames');
        this.left = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
        rest = rest.subarray(need);
        if (isControl) { this.take(this.op, rest.subarray(0, this.left)); rest = rest.subarray(this.left); this.left = 0; }
        continue;
      }
      const part = rest.subarray(0, this.left);
      this.take(this.op, part);
      this.left -= part.length;
      rest = rest.subarray(part.length);
    }
    this.tell();
  }

  /** Those bytes, whole. */
  async read(count, what = `${count} bytes`) {
    await this.when(() => this.size >= count, what);
    const all = Buffer.concat(this.parts);
    this.parts = [all.subarray(count)];
    this.size = all.length - count;
    return all.subarray(0, count);
  }

  /** Until what has come holds that text. */
  async until(text, within) {
    await this.when(() => Buffer.concat(this.parts).includes(text), `"${text}" in ${JSON.stringify(Buffer.concat(this.parts).toString())}`, within);
  }

  send(bytes, op) {
    return this.socket.write(clientFrame(Buffer.from(bytes), op));
  }

  async greet() {
    assert.equal((await this.read(12)).toString(), GREETING);
    this.send(GREETING);
    assert.deepEqual([...await this.read(2)], [1, 1], 'no security: the password is not ours');
    this.send([1]);
    assert.deepEqual([...await this.read(4)], [0, 0, 0, 0]);
    return this;
  }

  closed(within = WITHIN) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`open after ${within} ms`)), within);
      const look = () => {
        if (this.closedAt === null) return;
        clearTimeout(late);
        this.changed.delete(look);
        resolve(this);
      };
      this.changed.add(look);
      look();
    });
  }

  destroy() {
    this.socket.destroy();
  }
}

/** From now on what comes must be the pieces of a guest that is a source, none missing: how many there were. */
export function countPieces(it, size) {
  const seen = { count: 0 };
  let at = 0;
  let head = Buffer.alloc(0);
  it.sink = (bytes) => { // each begins with its number
    while (bytes.length) {
      const part = bytes.subarray(0, (at < 8 ? 8 : size) - at);
      if (at < 8) head = Buffer.concat([head, part]);
      at += part.length;
      bytes = bytes.subarray(part.length);
      if (at === 8 && head.length === 8) {
        assert.equal(head.readBigUInt64BE(), BigInt(seen.count++));
        head = Buffer.alloc(0);
      }
      if (at === size) at = 0;
    }
  };
  const early = it.parts;
  it.parts = [];
  it.size = 0;
  for (const part of early) it.sink(part);
  return seen;
}

/** The WebSocket of what was asked for; a refusal is thrown with its `status`. */
export async function join(server, person, asked, { tab = asked.tab, origin = server.origin, url = asked.url } = {}) {
  const socket = server.dial?.() ?? net.connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  const target = `${url}${tab === null ? '' : `&tab=${tab}`}`;
  socket.write(handshake(target, { Host: server.authority ?? `127.0.0.1:${server.port}`, Cookie: person.cookie, 'Sec-WebSocket-Protocol': 'binary', ...(origin ? { Origin: origin } : {}) }));
  let head = Buffer.alloc(0);
  await new Promise((resolve, reject) => {
    const hear = (piece) => {
      head = Buffer.concat([head, piece]);
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', hear);
      socket.pause();
      resolve();
    };
    socket.on('data', hear);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before the answer')));
  });
  const at = head.indexOf('\r\n\r\n') + 4;
  const line = head.subarray(0, head.indexOf('\r\n')).toString();
  if (!line.startsWith('HTTP/1.1 101 ')) {
    socket.destroy();
    throw Object.assign(new Error(line), { status: Number(line.split(' ')[1]), text: head.toString() });
  }
  assert.match(head.toString('latin1', 0, at), /\r\nSec-WebSocket-Protocol: binary\r\n/i);
  const it = new Console(socket);
  if (head.length > at) it.feed(head.subarray(at));
  socket.resume();
  return it;
}
