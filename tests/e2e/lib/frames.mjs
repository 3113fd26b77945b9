// frames: a WebSocket client whose every bit is the test's own: frames are made by hand, nothing is checked
// on the way out, everything on the way in.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import zlib from 'node:zlib';
import { dial } from './raw.mjs';

export const CONT = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * One frame as bytes. `length` overrides what the header says, `wide` (2 or 8) the size of the length
 * field, `rsv` sets bits (4 is RSV1), mask: null sends it unmasked.
 */
export function frame(op, payload = '', { fin = true, rsv = 0, mask = crypto.randomBytes(4), length, wide } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? body.length;
  const bytes = wide ?? (size < 126 ? 0 : size < 65536 ? 2 : 8);
  const head = Buffer.alloc(2 + bytes);
  head[0] = (fin ? 0x80 : 0) | rsv << 4 | op;
  head[1] = (mask ? 0x80 : 0) | (bytes === 0 ? size : bytes === 2 ? 126 : 127);
  if (bytes === 2) head.writeUInt16BE(size, 2);
  if (bytes === 8) head.writeBigUInt64BE(BigInt(size), 2);
  if (!mask) return Buffer.concat([head, body]);
  const masked = Buffer.alloc(body.length);
  for (let i = 0; i < body.length; i++) masked[i] = body[i] ^ mask[i & 3];
  return Buffer.concat([head, mask, masked]);
}

/** The payload of a close frame. */
export function closing(code, reason = '') {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return Buffer.concat([payload, Buffer.from(reason)]);
}

/** A message cut into frames of at most `size` bytes. */
export function fragments(op, payload, size, { rsv = 0, mask } = {}) {
  const body = Buffer.from(payload);
  const frames = [];
  for (let at = 0; at < body.length || at === 0; at += size) {
    frames.push(frame(at === 0 ? op : CONT, body.subarray(at, at + size),
      { fin: at + size >= body.length, rsv: at === 0 ? rsv : 0, ...(mask ? { mask } : {}) }));
  }
  return frames;
}

/** permessage-deflate without context: raw deflate, sync-flushed, without the last four bytes. */
export function deflate(payload, options = {}) {
  const bytes = zlib.deflateRawSync(Buffer.from(payload), { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options });
  return bytes.subarray(0, bytes.length - 4);
}

export function inflate(payload) {
  return zlib.inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]),
    { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

export function handshake(path, fields = {}, { key = crypto.randomBytes(16).toString('base64') } = {}) {
  const all = {
    Host: '127.0.0.1', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13', ...fields,
  };
  let head = `GET ${path} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(all)) if (value !== null) head += `${name}: ${value}\r\n`;
  return `${head}\r\n`;
}

export class Socket {
  constructor(wire, extensions) {
    this.wire = wire;
    this.extensions = extensions;
  }

  write(bytes) {
    this.wire.write(bytes);
    return this;
  }

  send(op, payload, options) {
    return this.write(frame(op, payload, options));
  }

  /** The next frame: { fin, rsv, op, payload }; null when the connection ended instead. */
  async frame(within = 5000) {
    const { wire } = this;
    if (!await wire.when(() => wire.bytes.length >= 2, within)) {
      assert.ok(wire.closed, `waited ${within} ms for a frame`);
      return null;
    }
    const head = await wire.take(2, within);
    assert.equal(head[1] & 0x80, 0, 'a server does not mask');
    let size = head[1] & 127;
    if (size === 126) {
      size = (await wire.take(2, within)).readUInt16BE();
      assert.ok(size >= 126, 'lengths are minimal');
    } else if (size === 127) {
      size = Number((await wire.take(8, within)).readBigUInt64BE());
      assert.ok(size > 65535, 'lengths are minimal');
    }
    return { fin: (head[0] & 0x80) !== 0, rsv: head[0] >> 4 & 7, op: head[0] & 15, payload: await wire.take(size, within) };
  }

  /** The next whole message { op, payload }, inflated when it was compressed; control frames come alone. */
  async message(within = 5000) {
    const first = await this.frame(within);
    if (!first || first.op >= CLOSE) return first;
    assert.ok(first.op === TEXT || first.op === BINARY, `a message does not begin with opcode ${first.op}`);
    const pieces = [first.payload];
    let last = first;
    while (!last.fin) {
      last = await this.frame(within);
      assert.equal(last?.op, CONT);
      pieces.push(last.payload);
    }
    assert.equal(first.rsv & 3, 0);
    if (first.rsv) assert.ok(this.extensions, 'compressed only when that was agreed');
    const payload = Buffer.concat(pieces);
    return { op: first.op, payload: first.rsv ? inflate(payload) : payload, compressed: first.rsv !== 0 };
  }

  /** Reads until the server has closed: { code, reason } of its close frame, null without one. */
  async end(within = 5000) {
    let said = null;
    for (;;) {
      const one = await this.frame(within);
      if (!one) return said;
      if (one.op === CLOSE) {
        said = one.payload.length ? { code: one.payload.readUInt16BE(), reason: one.payload.subarray(2).toString() }
          : { code: 1005, reason: '' };
      }
    }
  }

  destroy() {
    this.wire.destroy();
  }
}

/** Opens a WebSocket and checks the server's half of the handshake. */
export async function open(port, path, { fields = {}, tls = null, protocol = null, localAddress } = {}) {
  const key = crypto.randomBytes(16).toString('base64');
  const wire = await dial(port, { tls, localAddress });
  if (protocol) fields = { ...fields, 'Sec-WebSocket-Protocol': protocol };
  wire.write(handshake(path, fields, { key }));
  const head = await wire.takeUntil('\r\n\r\n');
  const lines = head.split('\r\n');
  if (!/^HTTP\/1\.1 101 /.test(lines[0])) {
    wire.destroy();
    const refusal = new Error(`the upgrade was refused: ${lines[0]}`);
    refusal.status = Number(lines[0].split(' ')[1]);
    refusal.head = head;
    throw refusal;
  }
  const got = Object.fromEntries(lines.slice(1).map((line) => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  }));
  assert.equal(got.upgrade.toLowerCase(), 'websocket');
  assert.equal(got.connection.toLowerCase(), 'upgrade');
  assert.equal(got['sec-websocket-accept'], crypto.createHash('sha1').update(key + GUID).digest('base64'));
  if (protocol) assert.equal(got['sec-websocket-protocol'], protocol);
  return new Socket(wire, got['sec-websocket-extensions'] ?? null);
}
