// viewer: the other side of a console: a WebSocket by hand, so that rules can be broken, an RFB client and a terminal.

import crypto from 'node:crypto';
import { ask, connect, parseHead, requestText } from './raw.mjs';

const PATIENCE = 60_000; // ms on a busy machine

const reversed = (byte) => parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2);

// DES by OpenSSL, with a key schedule of RFB; written again here, so that no mistake stands on both sides.
export function answerTo(challenge, password) {
  const key = Buffer.alloc(8);
  for (let i = 0; i < Math.min(8, password.length); i++) key[i] = reversed(password.charCodeAt(i));
  const cipher = crypto.createCipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), Buffer.alloc(8)).setAutoPadding(false);
  const first = cipher.update(challenge.subarray(0, 8));
  const again = crypto.createCipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), Buffer.alloc(8)).setAutoPadding(false);
  return Buffer.concat([first, again.update(challenge.subarray(8, 16))]);
}

// A frame of a client. Every rule can be broken: { opcode, fin, rsv, masked, mask, length }.
export function clientFrame(payload, { opcode = 2, fin = true, rsv = 0, masked = true, mask = crypto.randomBytes(4), length = payload.length } = {}) {
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const bit = masked ? 0x80 : 0;
  let head = Buffer.from([first, bit | length]);
  if (length > 0xffff) {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = bit | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  } else if (length > 125) head = Buffer.from([first, bit | 126, length >> 8, length & 255]);
  const body = Buffer.from(payload);
  if (masked) for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
  return Buffer.concat([head, masked ? mask : Buffer.alloc(0), body]);
}

// Asks for a console; the answer's data. A server may have headers of its own: a cookie.
export async function proxy(server, path, kind, body = kind === 'termproxy' ? '' : 'websocket=1') {
  const answer = await ask(server, 'POST', `${path}/${kind}`, { body, wait: PATIENCE, headers: server.headers });
  if (answer.status !== 200) throw Object.assign(new Error(`${answer.status} ${answer.reason}`), { answer });
  return answer.data;
}

export const socketPath = (path, { port, ticket }) => `${path}/vncwebsocket?port=${port}&vncticket=${encodeURIComponent(ticket)}`;

export const UPGRADE = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol': 'binary' };

// The frames in what has arrived: { bytes, frames: [{ first, length }], rest }.
function unframe(own) {
  for (;;) {
    const { raw } = own;
    if (raw.length < 2) return;
    let length = raw[1] & 127;
    let at = 2;
    if (length === 126) {
      if (raw.length < 4) return;
      length = raw.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (raw.length < 10) return;
      length = Number(raw.readBigUInt64BE(2));
      at = 10;
    }
    if (raw.length < at + length) return;
    const payload = raw.subarray(at, at + length);
    own.frames.push({ first: raw[0], masked: (raw[1] & 128) !== 0, length });
    own.raw = raw.subarray(at + length);
    if ((raw[0] & 15) < 8) own.parts.push(payload);
    else own.controls.push({ opcode: raw[0] & 15, payload: Buffer.from(payload) });
  }
}

// An upgraded connection: send, read, frames. `status` other than 101: it was refused.
export async function upgrade(server, path, { headers = UPGRADE, wait = PATIENCE } = {}) {
  const connection = await connect(server);
  connection.socket.write(requestText('GET', `/api2/json${path}`, { token: server.token, headers: { ...headers, ...server.headers } }));
  const headEnd = () => connection.bytes.indexOf('\r\n\r\n');
  await connection.until(() => headEnd() >= 0, wait);
  if (headEnd() < 0) return { status: 0, ended: connection.ended, connection };
  const head = parseHead(connection.bytes.toString('latin1', 0, headEnd()));
  const own = { ...head, connection, raw: Buffer.alloc(0), parts: [], frames: [], controls: [], taken: headEnd() + 4 };
  if (head.status !== 101) return own;
  const look = () => {
    if (connection.bytes.length > own.taken) {
      own.raw = Buffer.concat([own.raw, connection.bytes.subarray(own.taken)]);
      connection.bytes = Buffer.alloc(0);
      own.taken = 0;
      unframe(own);
    }
  };
  const have = () => own.parts.reduce((sum, part) => sum + part.length, 0);
  own.until = (done, ms = PATIENCE) => connection.until(() => { look(); return done(); }, ms);
  own.send = (bytes, how) => connection.socket.write(clientFrame(Buffer.from(bytes), how));
  // Exactly so many bytes, or what there was when it ended.
  own.read = async (count, ms) => {
    await own.until(() => have() >= count, ms);
    const all = Buffer.concat(own.parts);
    own.parts = [all.subarray(count)];
    return all.subarray(0, count);
  };
  own.all = () => { look(); return Buffer.concat(own.parts); };
  own.text = () => own.all().toString('utf8');
  own.says = (text, ms) => own.until(() => own.text().includes(text), ms);
  own.closes = async (ms = PATIENCE) => { await own.until(() => connection.ended, ms); return connection.ended; };
  own.close = () => connection.socket.destroy();
  return own;
}

// Both steps: the ticket and the connection.
export async function open(server, path, kind, body) {
  const told = await proxy(server, path, kind, body);
  const socket = await upgrade(server, socketPath(path, told));
  return { told, socket };
}

// The greeting of RFB up to the first picture: { result, reason, width, height, name }.
export async function greet(socket, password) {
  const banner = (await socket.read(12)).toString();
  socket.send('RFB 003.008\n');
  const [count] = await socket.read(1);
  const types = [...await socket.read(count)];
  socket.send([2]);
  socket.send(answerTo(await socket.read(16), password));
  const result = (await socket.read(4)).readUInt32BE();
  if (result !== 0) {
    const length = (await socket.read(4)).readUInt32BE();
    return { banner, types, result, reason: (await socket.read(length)).toString() };
  }
  return { banner, types, result };
}

export async function begin(socket) {
  socket.send([1]);
  const head = await socket.read(24);
  const name = (await socket.read(head.readUInt32BE(20))).toString();
  // 32 bits of red, green and blue, and raw rectangles that may change their size.
  const format = [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
  socket.send([...format, 2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21]);
  return { width: head.readUInt16BE(0), height: head.readUInt16BE(2), name };
}

const u16 = (n) => [n >> 8, n & 255];

export const request = (socket, { width, height }, incremental = 0) => socket.send([3, incremental, ...u16(0), ...u16(0), ...u16(width), ...u16(height)]);

// One update, put into `screen.pixels`; its rectangles.
export async function update(socket, screen) {
  const head = await socket.read(4);
  if (head.length < 4) throw new Error('the console has ended');
  if (head[0] === 2) return [];
  if (head[0] !== 0) throw new Error(`message ${head[0]}`);
  const rectangles = [];
  for (let i = head.readUInt16BE(2); i > 0; i--) {
    const r = await socket.read(12);
    const [x, y, width, height] = [0, 2, 4, 6].map((at) => r.readUInt16BE(at));
    const encoding = r.readInt32BE(8);
    if (encoding === -223) Object.assign(screen, { width, height, pixels: Buffer.alloc(4 * width * height) });
    else {
      screen.pixels ??= Buffer.alloc(4 * screen.width * screen.height);
      const bytes = await socket.read(4 * width * height);
      for (let row = 0; row < height; row++) bytes.copy(screen.pixels, 4 * ((y + row) * screen.width + x), 4 * row * width, 4 * (row + 1) * width);
    }
    rectangles.push({ x, y, width, height, encoding });
  }
  return rectangles;
}

// The colour of a point as rrggbb.
export const colour = (screen, x, y) => (screen.pixels.readUInt32LE(4 * (y * screen.width + x)) & 0xffffff).toString(16).padStart(6, '0');

const SHIFT = 0xffe1;

export const key = (socket, down, code) => socket.send([4, down, 0, 0, 0, 0, ...u16(code)]);

// Presses and lets go, with Shift where an American keyboard wants it; a line end is Enter.
export function type(socket, text) {
  for (const char of text) {
    const code = char === '\n' ? 0xff0d : char.codePointAt(0);
    const shifted = /[A-Z~!@#$%^&*()_+{}|:"<>?]/.test(char);
    if (shifted) key(socket, 1, SHIFT);
    key(socket, 1, code);
    key(socket, 0, code);
    if (shifted) key(socket, 0, SHIFT);
  }
}
