// raw: bytes over a socket that are the test's own, and a strict reader of HTTP/1.1 answers.

import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';

const wires = new Set();

/** Ends every connection of this file that is still open: a paused one would keep the test alive. */
export function hangUp() {
  for (const wire of wires) wire.destroy();
}

/** A connection that remembers what came: bytes, whether it ended, and how. */
export class Wire {
  constructor(socket) {
    this.socket = socket;
    this.bytes = Buffer.alloc(0);
    this.ended = false; // the peer said goodbye (FIN)
    this.closed = false;
    this.error = null;
    this.openedAt = performance.now();
    this.waiters = new Set();
    wires.add(this);
    socket.on('data', (piece) => { this.bytes = Buffer.concat([this.bytes, piece]); this.wake(); });
    socket.on('end', () => { this.ended = true; this.wake(); });
    socket.on('error', (error) => { this.error = error; this.wake(); });
    socket.on('close', () => { this.closed = true; this.closedAt = performance.now(); wires.delete(this); this.wake(); });
  }

  wake() {
    for (const waiter of this.waiters) waiter();
  }

  /** True as soon as check() is, false when that took longer than `within` ms or the socket closed first. */
  when(check, within = 5000) {
    return new Promise((resolve) => {
      const look = () => {
        const yes = check();
        if (!yes && !this.closed) return;
        this.waiters.delete(look);
        clearTimeout(late);
        resolve(Boolean(yes));
      };
      const late = setTimeout(() => { this.waiters.delete(look); resolve(false); }, within);
      this.waiters.add(look);
      look();
    });
  }

  write(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
    return this;
  }

  /** Until the connection is over; false when it is still open after `within` ms. */
  gone(within = 5000) {
    return this.when(() => this.closed, within);
  }

  /** Takes n bytes from the front of what came, waiting for them. */
  async take(n, within = 5000) {
    const came = await this.when(() => this.bytes.length >= n, within);
    assert.ok(came, `waited for ${n} bytes, got ${this.bytes.length}${this.closed ? ' and the end' : ''}`);
    const taken = this.bytes.subarray(0, n);
    this.bytes = this.bytes.subarray(n);
    return taken;
  }

  /** Reads up to and with `mark`; the text before it. */
  async takeUntil(mark, within = 5000) {
    await this.when(() => this.bytes.includes(mark), within);
    const at = this.bytes.indexOf(mark);
    assert.ok(at >= 0, `waited for ${JSON.stringify(mark)}, got ${JSON.stringify(this.bytes.toString('latin1').slice(0, 300))}`);
    const text = this.bytes.subarray(0, at).toString('latin1');
    this.bytes = this.bytes.subarray(at + mark.length);
    return text;
  }

  reset() {
    this.socket.resetAndDestroy ? this.socket.resetAndDestroy() : this.socket.destroy();
  }

  destroy() {
    this.socket.destroy();
  }
}

/** Connected to a port of 127.0.0.1. `tls` holds options for a TLS client. */
export function dial(port, { host = '127.0.0.1', tls: secure = null, within = 5000, localAddress } = {}) {
  return new Promise((resolve, reject) => {
    const at = { host, port, localAddress, noDelay: true };
    const socket = secure ? tls.connect({ ...at, rejectUnauthorized: false, ...secure }) : net.connect(at);
    const late = setTimeout(() => socket.destroy(new Error(`no connection to ${host}:${port} in ${within} ms`)), within);
    socket.once('error', (error) => { clearTimeout(late); reject(error); });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(late);
      socket.removeAllListeners('error');
      resolve(new Wire(socket));
    });
  });
}

/** Sends bytes and returns everything that came back until the server closed, or until it was silent. */
export async function exchange(port, bytes, { quiet = 0, within = 5000, tls: secure = null, answers = 0, methods = ['GET'] } = {}) {
  const wire = await dial(port, { tls: secure });
  wire.write(bytes);
  let size = -1;
  const enough = () => answers > 0 && parseAnswers(wire.bytes, methods, { partial: true }).length >= answers;
  if (quiet > 0) {
    while (!wire.closed && size !== wire.bytes.length) {
      size = wire.bytes.length;
      await wire.when(() => wire.closed || wire.bytes.length > size, quiet);
    }
  } else {
    await wire.when(enough, within);
  }
  const hung = !wire.closed && quiet === 0 && !enough();
  wire.destroy();
  return { bytes: wire.bytes, closed: wire.closed, ended: wire.ended, error: wire.error, hung };
}

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?[ \t]*$/;
const STATUS = /^HTTP\/1\.1 ([1-5][0-9][0-9]) ([\t\x20-\x7e]*)$/;

/**
 * Every answer in the bytes, read as strictly as RFC 9112 allows: CR LF only, token names, exactly one
 * Content-Length of digits, no body where there may be none, nothing between answers. methods[i] is what
 * the i-th answer is to ('HEAD' has no body). With `partial` what is not yet complete is left out;
 * `closed` says that the connection ended, which ends a body without a length.
 */
export function parseAnswers(bytes, methods = [], { partial = false, closed = !partial } = {}) {
  const answers = [];
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) {
      if (partial) return answers;
      assert.fail(`an answer's head does not end: ${JSON.stringify(bytes.subarray(at, at + 200).toString('latin1'))}`);
    }
    const lines = bytes.subarray(at, end).toString('latin1').split('\r\n');
    const status = STATUS.exec(lines[0]);
    assert.ok(status, `no status line: ${JSON.stringify(lines[0].slice(0, 200))}`);
    const answer = { status: Number(status[1]), reason: status[2], fields: [], headers: {}, body: Buffer.alloc(0) };
    for (const line of lines.slice(1)) {
      const field = FIELD.exec(line);
      assert.ok(field, `no header field: ${JSON.stringify(line.slice(0, 200))}`);
      const name = field[1].toLowerCase();
      assert.ok(!(name in answer.headers) || name === 'set-cookie', `${field[1]} comes twice`);
      answer.fields.push([field[1], field[2] ?? '']);
      answer.headers[name] = field[2] ?? '';
    }
    at = end + 4;
    if (answer.status === 101) {
      answer.rest = bytes.subarray(at);
      answers.push(answer);
      return answers;
    }
    if (answer.status >= 100 && answer.status < 200) {
      answers.push(answer);
      continue;
    }
    const final = answers.filter((one) => one.status >= 200).length;
    const isBodiless = methods[final] === 'HEAD' || answer.status === 204 || answer.status === 304;
    const length = answer.headers['content-length'];
    assert.ok(length === undefined || /^(0|[1-9][0-9]*)$/.test(length), `Content-Length: ${length}`);
    assert.ok(!('transfer-encoding' in answer.headers), 'no answer of ours is chunked');
    if (answer.status === 204) assert.equal(length, undefined, '204 has no Content-Length (RFC 9110 section 8.6)');
    if (!isBodiless) {
      if (length === undefined) {
        assert.equal(answer.headers.connection, 'close', 'a body without a length ends with the connection');
        if (!closed) return answers;
        answer.body = bytes.subarray(at);
        at = bytes.length;
      } else {
        const size = Number(length);
        if (bytes.length - at < size) {
          if (partial) return answers;
          assert.fail(`the body has ${bytes.length - at} bytes of ${size}`);
        }
        answer.body = bytes.subarray(at, at + size);
        at += size;
      }
    }
    answers.push(answer);
  }
  return answers;
}
