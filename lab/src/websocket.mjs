// websocket: frames by hand, with exactly the rules of pveproxy (pve-http-server, APIServer/AnyEvent.pm): what
// it sends is whole, binary and not masked; what it takes must be masked and whole, and anything else ends it.

import crypto from 'node:crypto';
import { ApiError } from './errors.mjs';

export const MAX_PAYLOAD = 128 * 1024;
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const BINARY = 0x82;
export const TEXT = 0x81;
export const PONG = 0x8a;

// The head of a frame, as a server sends it; `first` is its first byte.
export function header(length, first = BINARY) {
  if (length <= 125) return Buffer.from([first, length]);
  if (length <= 0xffff) return Buffer.from([first, 126, length >> 8, length & 255]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

export const frame = (payload, first = BINARY) => Buffer.concat([header(payload.length, first), payload]);

// The lines of the 101, or an error in the words of the real one. Old ones insist on the sub-protocol.
export function switching(request, { strict = false } = {}) {
  const { headers } = request;
  const refused = (text) => new ApiError(501, text, { empty: true });
  const wanted = headers.upgrade.toLowerCase();
  if (wanted !== 'websocket') throw refused(`unable to upgrade to protocol '${wanted}'`);
  const version = headers['sec-websocket-version'] ?? '';
  if (version !== '13') throw refused(`unsupported websocket-version '${version}'`);
  const protocol = headers['sec-websocket-protocol'];
  if (strict && !protocol) throw refused('missing websocket-protocol header');
  const key = headers['sec-websocket-key'];
  if (!key) throw refused('missing websocket-key');
  const accept = crypto.createHash('sha1').update(key + MAGIC).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: upgrade', `Sec-WebSocket-Accept: ${accept}`];
  if (protocol) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function unmask(data, mask) {
  const out = Buffer.from(data);
  if (mask.readUInt32BE(0) === 0) return out;
  for (let i = 0; i < out.length; i++) out[i] ^= mask[i & 3];
  return out;
}

// Bytes of a client in, whole frames out: { opcode, payload }. Throws what the real one dies of.
export class FrameReader {
  constructor() {
    this.buffer = Buffer.alloc(0);
  }

  * push(chunk) {
    this.buffer = this.buffer.length > 0 ? Buffer.concat([this.buffer, chunk]) : chunk;
    for (;;) {
      const found = this.#one();
      if (found === null) return;
      yield found;
    }
  }

  #one() {
    const { buffer } = this;
    if (buffer.length < 2) return null;
    const opcode = buffer[0] & 15;
    if (!(buffer[0] & 0x80)) throw new Error('received fragmented websocket frame');
    if (buffer[0] & 0x70) throw new Error('received websocket frame with RSV flags');
    if (!(buffer[1] & 0x80)) throw new Error('received unmasked websocket frame from client');
    let length = buffer[1] & 0x7f;
    let at = 2;
    if (length === 126) {
      if (buffer.length < 4) return null;
      length = buffer.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (buffer.length < 10) return null;
      length = Number(buffer.readBigUInt64BE(2));
      at = 10;
    }
    if (length > MAX_PAYLOAD) throw new Error(`received too large websocket frame (len = ${length})`);
    if (buffer.length < at + 4 + length) return null;
    if (![1, 2, 8, 9, 10].includes(opcode)) throw new Error(`received unhandled websocket opcode ${opcode}`);
    const payload = unmask(buffer.subarray(at + 4, at + 4 + length), buffer.subarray(at, at + 4));
    this.buffer = buffer.subarray(at + 4 + length);
    return { opcode, payload };
  }
}
