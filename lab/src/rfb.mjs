// rfb: the servers behind a console that are no QEMU: the greeting of RFB with its password, then a still picture,
// an echo of every byte, or bytes without an end. They also play what a fault wants of a greeting.

import crypto from 'node:crypto';
import { Duplex } from 'node:stream';

const BANNER = Buffer.from('RFB 003.008\n');
const PIECE = 64 * 1024;
const WIDTH = 320;
const HEIGHT = 200;

const reversed = (byte) => {
  let out = 0;
  for (let i = 0; i < 8; i++) if (byte & (1 << i)) out |= 0x80 >> i;
  return out;
};

// What a client must answer: DES of the challenge, the bits of every byte of the password reversed.
export function vncAnswer(password, challenge) {
  const key = Buffer.alloc(8);
  Buffer.from(password, 'latin1').copy(key, 0, 0, 8);
  const once = Buffer.from(key.map(reversed));
  // Three times the same key is DES once; OpenSSL 3 keeps DES itself elsewhere.
  const cipher = crypto.createCipheriv('des-ede3-ecb', Buffer.concat([once, once, once]), null).setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}

const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const u16 = (n) => Buffer.from([n >> 8, n & 255]);

// Takes bytes in order: waits for so many, hands them on.
export class Exact extends Duplex {
  constructor() {
    super({ highWaterMark: PIECE });
    this.held = Buffer.alloc(0);
    this.steps = this.script();
    this.wanted = this.steps.next().value;
    this.on('error', () => this.destroy());
  }

  // A generator: yields how many bytes it wants and gets them; when it is over, rest() gets what comes.
  * script() {
    yield 0;
  }

  rest(_chunk, done) {
    done();
  }

  say(...parts) {
    this.push(Buffer.concat(parts));
  }

  hangUp() {
    if (!this.over) this.push(null);
    this.over = true;
  }

  _read() {
    this.more?.();
  }

  _write(chunk, _encoding, done) {
    if (this.over) return void done();
    if (this.wanted === undefined) return void this.rest(chunk, done);
    this.held = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    while (this.wanted !== undefined && this.held.length >= this.wanted && !this.over) {
      const piece = this.held.subarray(0, this.wanted);
      this.held = this.held.subarray(this.wanted);
      this.wanted = this.steps.next(piece).value;
    }
    if (this.wanted !== undefined || this.held.length === 0 || this.over) return void done();
    const { held } = this;
    this.held = Buffer.alloc(0);
    this.rest(held, done);
  }
}

// A server of RFB. `after`: picture, echo or source; `fault`: greeting or password.
export class RfbServer extends Exact {
  constructor({ password, after = { kind: 'picture' }, fault = null, name = 'lab' }) {
    super();
    Object.assign(this, { password, after, fault, name });
    this.say(fault?.how === 'greeting' ? Buffer.from(fault.text ?? 'HTTP/1.1 400 Bad Request\r\n\r\n') : BANNER);
  }

  * script() {
    yield 12;
    this.say(Buffer.from([1, 2]));
    yield 1;
    const challenge = crypto.randomBytes(16);
    this.say(challenge);
    const answer = yield 16;
    const right = answer.equals(vncAnswer(this.password, challenge));
    if (!right || this.fault?.how === 'password') {
      const reason = Buffer.from(this.fault?.text ?? 'Authentication failed');
      this.say(u32(1), u32(reason.length), reason);
      return void this.hangUp();
    }
    this.say(u32(0));
    if (this.after.kind !== 'picture') return void endless(this, this.after);
    yield 1;
    const format = Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    this.say(u16(WIDTH), u16(HEIGHT), format, u32(this.name.length), Buffer.from(this.name));
    for (;;) yield* this.#message();
  }

  * #message() {
    const [type] = yield 1;
    if (type === 0) yield 19;
    else if (type === 2) {
      const head = yield 3;
      yield 4 * head.readUInt16BE(1);
    } else if (type === 3) {
      const [incremental] = yield 9;
      if (!incremental) this.#paint();
    } else if (type === 4) yield 7;
    else if (type === 5) yield 5;
    else if (type === 6) {
      const head = yield 7;
      yield head.readUInt32BE(3);
    } else this.hangUp();
    if (this.over) yield 1;
  }

  // One picture: red grows to the right, green downwards.
  #paint() {
    const pixels = Buffer.alloc(4 * WIDTH * HEIGHT);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const at = 4 * (y * WIDTH + x);
        pixels[at] = 0x60;
        pixels[at + 1] = y;
        pixels[at + 2] = x * 255 / WIDTH;
      }
    }
    this.say(Buffer.from([0, 0, 0, 1]), u16(0), u16(0), u16(WIDTH), u16(HEIGHT), u32(0), pixels);
  }

  rest(chunk, done) {
    if (this.after.kind === 'echo') echo(this, chunk, done);
    else done();
  }
}

// Every byte comes back; a reader who stands still stops the writer.
export function echo(stream, chunk, done) {
  if (stream.push(chunk)) return void done();
  stream.more = () => {
    stream.more = null;
    done();
  };
}

// { kind: source, size, every }: so many bytes each so many milliseconds; without `every` as fast as they are read. Each
// piece begins with its number, 8 bytes, and goes on with its low byte.
export function endless(stream, { kind, size = PIECE, every = 0 }) {
  if (kind !== 'source') return;
  let number = 0;
  const piece = () => {
    const bytes = Buffer.alloc(size, number & 255);
    if (size >= 8) bytes.writeBigUInt64BE(BigInt(number));
    number++;
    return stream.push(bytes);
  };
  if (every > 0) {
    let room = true;
    const timer = setInterval(() => { if (room) room = piece(); }, every);
    stream.more = () => { room = true; };
    stream.on('close', () => clearInterval(timer));
    return;
  }
  let waiting = false;
  const fill = () => {
    for (let i = 0; i < 16 && !stream.destroyed; i++) {
      waiting = !piece();
      if (waiting) return;
    }
    if (!stream.destroyed) setImmediate(fill);
  };
  stream.more = () => {
    if (waiting) setImmediate(fill);
    waiting = false;
  };
  setImmediate(fill);
}
