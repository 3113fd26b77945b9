// pipe: between the WebSocket of a client and what stands behind its console: bytes to frames and back, slowly if one side is
// slow, cut anywhere, and broken in the ways of a fault.

import { BINARY, FrameReader, MAX_PAYLOAD, PONG, TEXT, frame, header } from './websocket.mjs';

const OVERSIZE = MAX_PAYLOAD + 1;
const CLOSES_WITHIN = 1000; // ms for a client that does not read
const SMALL = 4096; // bytes up to which a piece is cut at random

// Where to cut a piece: text inside its first long character, anything else anywhere.
function cutOf(chunk, random, text) {
  if (chunk.length > SMALL || chunk.length < 2) return Math.min(chunk.length, MAX_PAYLOAD);
  const long = text ? chunk.findIndex((byte, i) => i > 0 && (byte & 0xc0) === 0x80) : -1;
  return long > 0 ? long : 1 + random.int(chunk.length - 1);
}

export class Pipe {
  // fault: of kind console, or null; idle: ms without a byte of the client; text: of a terminal; closed(): once.
  constructor(socket, { fault = null, random, idle = 0, text = false, closed }) {
    Object.assign(this, { socket, fault, random, idle, text, closed });
    this.reader = new FrameReader();
    this.upstream = null;
    this.taken = 0; // bytes of the client
    this.sent = 0; // bytes to it
    this.frames = 0;
    this.held = false; // the client does not read
    this.stalled = fault?.how === 'stall' && !fault.after;
    this.over = false;
    socket.pause();
    socket.setTimeout?.(0);
    socket.on('close', () => this.close());
    socket.on('error', () => this.close());
    socket.on('end', () => this.close());
    if (fault?.how === 'close' && !fault.after) setImmediate(() => this.close());
  }

  // What stands behind is there: a stream of bytes. `rest`: what the client sent with its request already.
  attach(upstream, rest) {
    if (this.over) return void upstream.destroy();
    this.upstream = upstream;
    upstream.on('data', (chunk) => this.#down(chunk));
    upstream.on('end', () => this.close());
    upstream.on('close', () => this.close());
    upstream.on('error', () => this.close());
    upstream.on('drain', () => this.socket.resume());
    this.socket.on('drain', () => this.#drained());
    this.socket.on('data', (chunk) => this.#up(chunk));
    this.#heard();
    if (rest.length > 0) this.#up(rest);
    this.socket.resume();
  }

  #heard() {
    if (!this.idle) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.close(), this.idle);
    this.timer.unref();
  }

  #up(chunk) {
    if (this.over) return;
    this.#heard();
    try {
      for (const { opcode, payload } of this.reader.push(chunk)) this.#frame(opcode, payload);
    } catch (error) {
      this.wrong = error.message;
      this.close();
    }
  }

  #frame(opcode, payload) {
    if (this.over) return;
    if (opcode === 8) {
      // No close frame comes back: both directions end.
      this.upstream.end();
      this.socket.end();
    } else if (opcode === 9) this.socket.write(frame(payload, PONG));
    else if (opcode !== 10) {
      this.taken += payload.length;
      if (!this.upstream.write(payload)) this.socket.pause();
    }
  }

  #down(chunk) {
    if (this.over || this.stalled) return;
    const cut = cutOf(chunk, this.random, this.text);
    for (let at = 0; at < chunk.length && !this.over && !this.stalled;) {
      const end = at === 0 ? cut : Math.min(at + MAX_PAYLOAD, chunk.length);
      this.#send(chunk.subarray(at, end));
      at = end;
    }
    // The real one gives up at a limit, which a fault may set; this one waits.
    if (this.fault?.how === 'overflow' && this.socket.writableLength > (this.fault.limit ?? 5 * MAX_PAYLOAD)) return void this.close();
    if (this.socket.writableNeedDrain && this.fault?.how !== 'overflow') {
      this.held = true;
      this.upstream.pause();
    }
  }

  #drained() {
    this.held = false;
    if (!this.stopped) this.upstream.resume();
  }

  #send(payload) {
    const { fault } = this;
    const after = fault?.after ?? 0;
    if (!fault || this.sent + payload.length <= after) return void this.#write(payload);
    if (fault.how === 'close' || fault.how === 'stall') {
      if (after > this.sent) this.#write(payload.subarray(0, after - this.sent));
      this.stalled = true;
      if (fault.how === 'close') this.close();
    } else if (!this.#broken(fault, payload)) this.#write(payload);
  }

  #write(payload, first = BINARY) {
    if (this.socket.destroyed) return;
    this.sent += payload.length;
    this.frames++;
    this.socket.cork();
    this.socket.write(header(payload.length, first));
    this.socket.write(payload);
    this.socket.uncork();
  }

  // Frames that no pveproxy sends. True if the payload has gone this way.
  #broken(fault, payload) {
    if (fault.how === 'text') this.#write(payload, TEXT);
    else if (fault.how === 'fragment') {
      const half = payload.length >> 1;
      this.#write(payload.subarray(0, half), 0x02);
      this.#write(payload.subarray(half), 0x80);
    } else if (fault.how === 'oversize' && !this.oversized) {
      this.oversized = true;
      const big = Buffer.alloc(fault.bytes ?? OVERSIZE);
      payload.copy(big);
      this.#write(big);
    } else return false;
    return true;
  }

  // From outside, on an open console: stall (nothing comes any more) and go on.
  stop(wanted) {
    this.stopped = wanted;
    if (wanted) this.upstream?.pause();
    else if (!this.held) this.upstream?.resume();
  }

  // No close frame: TCP ends, after what was written has gone.
  close() {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.socket.resume();
    this.socket.end();
    setTimeout(() => this.socket.destroy(), CLOSES_WITHIN).unref();
    this.upstream?.destroy();
    this.closed(this.wrong);
  }
}
