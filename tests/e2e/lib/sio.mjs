// sio: Engine.IO and Socket.IO spoken by hand, and the conformance server to speak them with.

import { spawn } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import WebSocket from 'ws';
import { root, until } from './server.mjs';

const program = process.env.CONFORMANCE_SERVER ?? path.join(root, 'build/release/tests/conformance_server');

// The conformance server: {url, port, stop()}; stop resolves with its exit code and what it said.
export async function startConformance(args = [], port = 0) {
  let out = '';
  let log = '';
  const child = spawn(program, ['--listen', `127.0.0.1:${port}`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise((resolve) => { child.on('exit', resolve); });
  child.stdout.on('data', (piece) => { out += piece; });
  child.stderr.on('data', (piece) => { log += piece; });
  await until('the conformance server', () => /:(\d+)\/\n/.exec(out), { within: 10000 });
  const taken = Number(/:(\d+)\/\n/.exec(out)[1]);
  return {
    port: taken,
    url: `http://127.0.0.1:${taken}`,
    pid: child.pid,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return { code: await exited, log };
    },
  };
}

/* --- long polling ------------------------------------------------------------------------------- */

export const RS = '\x1e';

// One request, whole: {status, headers, text}. `signal` cuts it; `sent` is called when it has left.
export function ask(url, { method = 'GET', body, headers = {}, signal, agent, sent } = {}) {
  return new Promise((resolve, reject) => {
    const req = http.request(url, { method, headers, signal, agent }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (piece) => { text += piece; });
      res.on('end', () => { resolve({ status: res.statusCode, headers: res.headers, text }); });
      res.on('error', reject);
    });
    req.on('error', reject);
    if (sent) req.on('finish', sent);
    req.end(body);
  });
}

// A session that polls: its packets one by one, with polls made as they are needed.
export class Polling {
  constructor(base, headers = {}) { this.base = base; this.headers = headers; this.queue = []; }

  async open() {
    const answer = await ask(`${this.base}?EIO=4&transport=polling`, { headers: this.headers });
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
    this.queue = answer.text.split(RS);
    this.hello = JSON.parse(this.queue.shift().slice(1));
    this.url = `${this.base}?EIO=4&transport=polling&sid=${this.hello.sid}`;
    return this;
  }

  // What was sent before has been heard: the server, one thread, has answered others meanwhile.
  async settle() {
    for (let i = 0; i < 3; i += 1) await ask(this.url, { method: 'PUT' });
  }

  // A poll that waits at the server: {answer}, a promise.
  async hold(options = {}) {
    let answer;
    await new Promise((resolve) => { answer = this.get({ ...options, sent: resolve }); });
    answer.catch(() => {}); // whoever holds it looks at it later
    await this.settle();
    return { answer };
  }

  get(options = {}) { return ask(this.url, { headers: this.headers, ...options }); }

  post(body, options = {}) {
    const headers = { 'Content-Type': 'text/plain;charset=UTF-8', ...this.headers, ...options.headers };
    return ask(this.url, { method: 'POST', body, ...options, headers });
  }

  // The next packet but pings, which are answered.
  async next() {
    for (;;) {
      if (this.queue.length === 0) {
        const answer = await this.get();
        if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
        this.queue = answer.text.split(RS);
      }
      const packet = this.queue.shift();
      if (packet !== '2') return packet;
      await this.post('3');
    }
  }
}

/* --- WebSocket ---------------------------------------------------------------------------------- */

// A WebSocket whose messages are waited for one by one; pings of Engine.IO are answered.
export class Socket {
  constructor(url, { pongs = true, headers = {} } = {}) {
    this.ws = new WebSocket(url.replace(/^http/, 'ws'), { headers, perMessageDeflate: false });
    this.messages = [];
    this.waiting = [];
    this.ws.on('message', (data, isBinary) => {
      if (!isBinary && pongs && data.toString() === '2') { this.ws.send('3'); return; }
      this.messages.push(isBinary ? data : data.toString());
      this.waiting.shift()?.();
    });
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code) => { resolve(code); this.isClosed = true; for (const wake of this.waiting) wake(); });
    });
    this.failed = new Promise((resolve) => { this.ws.on('error', resolve); });
    this.opened = new Promise((resolve) => { this.ws.on('open', resolve); });
  }

  send(data) { this.ws.send(data); }

  async next() {
    while (this.messages.length === 0) {
      if (this.isClosed) throw new Error('the connection ended');
      await new Promise((resolve) => { this.waiting.push(resolve); });
    }
    return this.messages.shift();
  }
}

export function openSocket(base, options) {
  return new Socket(`${base}?EIO=4&transport=websocket`, options);
}

// Past the opening: {socket, hello}.
export async function openSession(base, options) {
  const socket = openSocket(base, options);
  const first = await socket.next();
  return { socket, hello: JSON.parse(first.slice(1)) };
}
