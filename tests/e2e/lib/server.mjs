// server: a real server for one test file, in a folder of its own, and what its log said.
//
//   const server = await startServer(t, { args: ['--max-listeners', '5'] });
//   const admin = await server.setup();            // { cookie, user }
//   const key = await server.makeKey(admin, 'all');
//   await server.api('GET', '/api/v1/keys', { cookie: admin.cookie });
//
// When the test ends the server gets SIGTERM and must leave with 0 within 5 s; a `warn` or `error` line in
// its log that was not announced (`server.expectLog(/pattern/)`) fails the test. Only the process started
// here is ever ended, by its id.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const binary = process.env.BINNACLE ?? path.join(root, 'build/release/binnacle');
export const asanBinary = process.env.BINNACLE_ASAN ?? path.join(root, 'build/asan/binnacle');
/** Of tests that measure: programs that count their own lines ($COUNTED) are not what they measure. */
export const measured = process.env.COUNTED ? { skip: 'measures' } : {};
export const PASSWORD = 'a harbour pilot 9';

const STOP_MS = 5000; // FIXED-POINTS 1: SIGTERM drains and exits 0 within 5 s
const START_MS = 10000;

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Until check() answers something true, which is returned; says what was waited for when it never does. */
export async function until(what, check, { within = 5000, every = 20 } = {}) {
  const end = performance.now() + within;
  for (;;) {
    const got = await check();
    if (got) return got;
    if (performance.now() > end) assert.fail(`waited ${within} ms for ${what}`);
    await sleep(every);
  }
}

/** The value below which `share` of the numbers lie. */
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function makeFolder(prefix = 'binnacle-e2e-') {
  return fs.mkdtempSync(path.join(os.tmpdir(), prefix));
}

/** Runs the binary to its end: { code, out, err }. */
export function runBinary(args, { input, env, program = binary, timeout = 10000 } = {}) {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { ...process.env, ...env }, timeout }, (error, out, err) => {
      resolve({ code: error ? error.code ?? error.signal : 0, out, err });
    });
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input ?? '');
  });
}

const started = new Set();
const leftFolders = new Set();

/** Those that no server works in any more: a second one may have been started on the folder of the first. */
function removeFolders() {
  for (const folder of leftFolders) {
    if ([...started].some((server) => server.data === folder && !server.isOver && server.exitCode === undefined)) continue;
    fs.rmSync(path.dirname(folder), { recursive: true, force: true });
    leftFolders.delete(folder);
  }
}

export class Server {
  constructor(options) {
    this.options = options;
    this.data = options.data ?? path.join(makeFolder(), 'data');
    this.ownsData = !options.data;
    this.out = '';
    this.log = '';
    this.announced = [...(options.expectLog ?? [])];
    this.exited = null;
  }

  /** Starts it and waits for the URL it prints. Fails with its own words when it does not come up. */
  async start() {
    const { args = [], program = binary, wrap = [], env = {}, listen = '127.0.0.1:0', within = START_MS } = this.options;
    const words = [...wrap, program, 'serve', '--listen', listen, '--data', this.data, ...args];
    this.startedAt = performance.now();
    this.exitCode = undefined;
    started.add(this);
    this.child = spawn(words[0], words.slice(1), {
      // No bus unless the test brings one: a unit that failed on the machine that tests would be on its pages.
      env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.child.pid;
    this.out = '';
    this.child.stdout.on('data', (piece) => { this.out += piece; });
    this.child.stderr.on('data', (piece) => { this.log += piece; });
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.exitCode = code ?? signal;
        resolve(this.exitCode);
      });
    });
    await until('the server to say its URL', () => {
      if (this.exitCode !== undefined) assert.fail(`the server ended with ${this.exitCode}: ${this.log}`);
      return /^Open +\S+\n/m.test(this.out);
    }, { within, every: 2 });
    const url = new URL(/^Open +(\S+)$/m.exec(this.out)[1]);
    this.isTls = url.protocol === 'https:';
    this.port = Number(url.port);
    this.host = url.hostname;
    this.origin = url.origin;
    this.code = url.hash.startsWith('#c=') ? url.hash.slice(3) : null;
    return this;
  }

  /** The pid of the server itself: a wrapper (prlimit, faketime) may stand before it, and its SSH forker behind it. */
  get serverPid() {
    const program = (pid) => path.basename(fs.readlinkSync(`/proc/${pid}/exe`));
    const wanted = path.basename(this.options.program ?? binary);
    let pid = this.pid;
    while (program(pid) !== wanted) {
      const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      if (!children) return this.pid;
      pid = Number(children.split(' ')[0]);
    }
    return pid;
  }

  /** Lines of this kind are expected and do not fail the test. */
  expectLog(...patterns) {
    this.announced.push(...patterns);
  }

  /** The `warn` and `error` lines nobody announced. */
  surprises() {
    return this.log.split('\n').filter((line) => line !== '' &&
      !/^(\S+Z|\{"time":"[^"]*","level":") ?(debug|info)[ "]/.test(line) && !this.announced.some((pattern) => pattern.test(line)));
  }

  kill(signal) {
    if (this.exitCode === undefined) process.kill(this.pid, signal);
  }

  /** Ends it as an operator would and returns its exit code; kills it, and says so, when it does not go. */
  async stop() {
    if (!this.child || this.exitCode !== undefined) return this.exitCode;
    const begun = performance.now();
    this.kill('SIGTERM');
    const late = setTimeout(() => { this.killed = true; this.kill('SIGKILL'); }, this.options.stopWithin ?? STOP_MS);
    await this.exited;
    clearTimeout(late);
    this.stoppedInMs = performance.now() - begun;
    return this.exitCode;
  }

  async crash() {
    this.kill('SIGKILL');
    await this.exited;
  }

  /** What every test asks of its server at the end. */
  async finish() {
    const was = this.exitCode;
    const code = await this.stop();
    if (this.ownsData) leftFolders.add(this.data);
    this.isOver = true;
    removeFolders();
    assert.ok(!this.killed, `the server did not stop within its time:\n${this.log}`);
    if (was === undefined) assert.equal(code, 0, `the server ended with ${code}:\n${this.log}`);
    assert.deepEqual(this.surprises(), [], 'log lines nobody announced');
  }

  /** One request by an ordinary client: { status, headers, text, json }. `origin: false` sends none. */
  request(method, target, { body, cookie, key, origin, headers = {}, timeout = 15000, agent } = {}) {
    const fields = { ...headers };
    let bytes = null;
    if (body !== undefined) {
      bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      fields['Content-Type'] ??= 'application/json';
      fields['Content-Length'] = bytes.length;
    }
    if (cookie) fields.Cookie = cookie;
    if (key) fields.Authorization = `Bearer ${key}`;
    if (origin === undefined && cookie) fields.Origin = this.origin;
    else if (origin) fields.Origin = origin;
    return new Promise((resolve, reject) => {
      const request = (this.isTls ? https : http).request({
        host: this.host.replace(/^\[|\]$/g, ''), port: this.port, method, path: target, headers: fields, timeout,
        agent, rejectUnauthorized: false,
      });
      request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${target} in ${timeout} ms`)));
      request.on('error', reject);
      request.on('response', (answer) => {
        const pieces = [];
        answer.on('data', (piece) => pieces.push(piece));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(pieces).toString();
          let json = null;
          if (/json/.test(answer.headers['content-type'] ?? '') && text) json = JSON.parse(text);
          resolve({ status: answer.statusCode, headers: answer.headers, text, json });
        });
      });
      request.end(bytes);
    });
  }

  /** As request, and any status above 299 fails the test. */
  async api(method, target, options) {
    const answer = await this.request(method, target, options);
    assert.ok(answer.status < 300, `${method} ${target} answered ${answer.status}: ${answer.text}`);
    return answer.json;
  }

  /** Makes the first administrator with the code of the printed URL. */
  async setup(username = 'ada', password = PASSWORD) {
    const answer = await this.request('POST', '/api/v1/setup', { body: { code: this.code, username, password } });
    assert.equal(answer.status, 201, answer.text);
    return { cookie: cookieOf(answer), user: answer.json.user, username, password };
  }

  async login(username, password = PASSWORD) {
    const answer = await this.request('POST', '/api/v1/session', { body: { username, password } });
    assert.equal(answer.status, 200, answer.text);
    return { cookie: cookieOf(answer), user: answer.json.user, username, password };
  }

  async addUser(admin, username, role = 'viewer', password = PASSWORD) {
    return this.api('POST', '/api/v1/users', { cookie: admin.cookie, body: { username, password, role } });
  }

  /** A key of that person; returns its text. */
  async makeKey(person, scopes = 'all', name = `key for ${scopes}`) {
    return (await this.api('POST', '/api/v1/keys', { cookie: person.cookie, body: { name, scopes } })).key;
  }

  /** One line of /proc/PID/status, in bytes for the ones in kB. */
  procStatus(field) {
    const line = new RegExp(`^${field}:\\s+(\\d+)( kB)?`, 'm').exec(fs.readFileSync(`/proc/${this.serverPid}/status`, 'utf8'));
    return Number(line[1]) * (line[2] ? 1024 : 1);
  }

  get rss() { return this.procStatus('VmRSS'); }

  get fds() { return fs.readdirSync(`/proc/${this.serverPid}/fd`).length; }

  /** Seconds of processor the server has used. */
  get cpuSeconds() {
    const fields = fs.readFileSync(`/proc/${this.serverPid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
}

/** "name=value" of the session cookie an answer sets. */
export function cookieOf(answer) {
  return answer.headers['set-cookie'][0].split(';')[0];
}

/** A running server that ends with the test (or the suite) `t`. */
export async function startServer(t, options = {}) {
  const server = new Server(options);
  t.after(() => server.finish());
  return server.start();
}
