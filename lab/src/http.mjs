// http: reads requests from a socket and writes answers byte for byte as pveproxy does.

import zlib from 'node:zlib';

const MAX_LINES = 64;
const MAX_HEAD = 8192;
const MAX_REQUESTS = 100;
const ZIP_ABOVE = 1024;
const LINGER = 2000; // ms in which the rest of a refused body is swallowed, so that its answer arrives
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];

const REASONS = { 200: 'OK', 301: 'Moved Permanently', 308: 'Permanent Redirect' };

// The head of an answer; `answer`: { status, reason, body, type, proxied, location, zip }.
export function head(answer, { keep, date, length }) {
  const own = keep ? 'Keep-Alive' : 'close';
  const lines = [`HTTP/1.1 ${answer.status} ${answer.reason ?? REASONS[answer.status] ?? ''}`, 'Cache-Control: max-age=0'];
  // What another daemon said stands before what this one says.
  if (answer.proxied) lines.push(`Connection: ${answer.proxied === 'node' && keep ? 'Keep-Alive' : 'close'}`);
  lines.push(`Connection: ${own}`, `Date: ${date}`, 'Pragma: no-cache');
  if (answer.location) lines.push(`Location: ${answer.location}`);
  lines.push('Server: pve-api-daemon/3.0');
  if (answer.encoding) lines.push(`Content-Encoding: ${answer.encoding}`);
  if (length !== null) lines.push(`Content-Length: ${length}`, `Content-Type: ${answer.type ?? 'application/json;charset=UTF-8'}`);
  lines.push(`Expires: ${date}`, '', '');
  return lines.join('\r\n');
}

function zipped(answer, request) {
  const accepts = request?.headers['accept-encoding'] ?? '';
  if (answer.body.length <= ZIP_ABOVE || answer.noZip) return answer;
  if (/gzip/.test(accepts)) return { ...answer, body: zlib.gzipSync(answer.body, { level: 6 }), encoding: 'gzip' };
  if (/deflate/.test(accepts)) return { ...answer, body: zlib.deflateSync(answer.body, { level: 6 }), encoding: 'deflate' };
  return answer;
}

// One connection after TLS, or without it.
export class Connection {
  // handle(request) → answer, null to leave it open or { cut } to close it; spoil(connection, request, answer, bytes) → true
  // if it took over.
  constructor(socket, { idle, date, bodyLimit, handle, spoil, complain, plain = null }) {
    Object.assign(this, { socket, idle, date, bodyLimit, handle, spoil, complain, plain });
    this.buffer = Buffer.alloc(0);
    this.left = MAX_REQUESTS;
    this.busy = false;
    this.over = false;
    this.closing = false;
    socket.setNoDelay(true);
    this.ours = { data: (chunk) => this.#data(chunk), end: () => { this.over = true; if (!this.busy) socket.end(); } };
    for (const [event, heard] of Object.entries(this.ours)) socket.on(event, heard);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => { this.over = true; clearTimeout(this.timer); });
    this.#wait();
  }

  #wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#close(), this.idle());
    this.timer.unref();
  }

  #close() {
    this.closing = true;
    this.socket.end();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket.destroy(), LINGER);
    this.timer.unref();
  }

  #data(chunk) {
    if (this.closing) return;
    this.buffer = this.buffer.length ? Buffer.concat([this.buffer, chunk]) : chunk;
    if (!this.busy) {
      this.#wait();
      this.#next();
    }
  }

  #next() {
    const end = this.buffer.indexOf('\r\n\r\n');
    if (end < 0) {
      // The real one dies without a word here.
      if (this.buffer.length >= MAX_HEAD) this.socket.destroy();
      return;
    }
    const text = this.buffer.toString('latin1', 0, end);
    const lines = text.split('\r\n');
    if (end + 4 > MAX_HEAD || lines.length - 1 >= MAX_LINES) {
      this.socket.destroy();
      return;
    }
    const request = { headers: Object.create(null), body: Buffer.alloc(0) };
    const wrong = this.#parse(lines, request);
    if (wrong) {
      this.buffer = Buffer.alloc(0);
      this.#answer(request, wrong);
      return;
    }
    const length = Number(request.headers['content-length'] ?? 0);
    if (this.buffer.length < end + 4 + length) return;
    request.body = this.buffer.subarray(end + 4, end + 4 + length);
    this.buffer = this.buffer.subarray(end + 4 + length);
    this.#serve(request);
  }

  // Fills the request; the answer if it is refused before anybody looks at its path.
  #parse(lines, request) {
    const refused = (status, reason) => ({ status, reason, body: null });
    const match = /^(\S+)\s+(\S+)\s+HTTP\/(\d+)\.(\d+)$/.exec(lines[0]);
    if (!match) return refused(506, 'unable to parse request');
    const [, method, target, major, minor] = match;
    Object.assign(request, { method, target, minor: Number(minor) });
    if (major !== '1') return refused(506, `http protocol version '${major}.${minor}' not supported`);
    for (const line of lines.slice(1)) {
      const field = /^([^:\s]+)\s*:\s*(.*)$/.exec(line);
      if (!field) return refused(506, 'unable to parse request header');
      const name = field[1].toLowerCase();
      request.headers[name] = name in request.headers ? `${request.headers[name]}, ${field[2]}` : field[2];
    }
    if (this.plain) return null;
    if (!METHODS.includes(method)) return refused(501, `method '${method}' not available`);
    if ('transfer-encoding' in request.headers) return refused(501, 'chunked transfer encoding not supported');
    const length = Number(request.headers['content-length'] ?? 0);
    if (!Number.isInteger(length) || length < 0) return refused(506, 'unable to parse request header');
    if (length > 0 && (method === 'GET' || method === 'DELETE')) return refused(501, `Unexpected content for method '${method}'`);
    if (length > this.bodyLimit) return refused(501, 'for data too large');
    return null;
  }

  async #serve(request) {
    this.busy = true;
    clearTimeout(this.timer);
    try {
      this.#answer(request, this.plain ? this.plain(request) : await this.handle(request, this));
    } catch (error) {
      this.complain(error);
      this.socket.destroy();
    }
  }

  #answer(request, answer) {
    this.busy = false;
    if (!answer || this.socket.destroyed) return;
    if (answer.cut) return void this.socket.destroy();
    if (answer.upgrade) return void this.#upgrade(answer.upgrade);
    this.left--;
    const asked = (request.headers.connection ?? '').toLowerCase();
    const wants = request.minor >= 1 ? !/close/.test(asked) : /keep-alive/.test(asked);
    const keep = wants && answer.status < 400 && !answer.location && this.left > 0;
    const sent = answer.body === null ? answer : zipped({ ...answer, body: Buffer.from(answer.body) }, request);
    const length = sent.body === null ? null : sent.body.length;
    const bytes = { head: head(sent, { keep, date: this.date(), length }), body: sent.body ?? Buffer.alloc(0), keep };
    if (this.spoil?.(this, request, sent, bytes)) return;
    this.write(bytes);
  }

  // Another protocol from here on: the connection belongs to somebody else.
  #upgrade({ head: text, take }) {
    this.closing = true;
    clearTimeout(this.timer);
    for (const [event, heard] of Object.entries(this.ours)) this.socket.off(event, heard);
    this.socket.pause();
    this.socket.write(text);
    take(this.socket, this.buffer);
  }

  // Writes an answer and goes on, or closes.
  write({ head: text, body, keep }) {
    if (this.socket.destroyed) return;
    this.socket.write(body.length < 65536 ? Buffer.concat([Buffer.from(text), body]) : Buffer.from(text));
    if (body.length >= 65536) this.socket.write(body);
    if (!keep || this.over) {
      this.#close();
      return;
    }
    this.#wait();
    if (this.buffer.length) this.#next();
  }
}
