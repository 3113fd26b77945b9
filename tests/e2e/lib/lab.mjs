// lab: build/release/tests/live_lab (or $LIVE_LAB) for one test, and listeners that judge all they hear.
//
//   const lab = await startLab(t, ['--chaos']);
//   await lab.source({ hz: 50, rows: 6 });
//   const ear = await lab.listen(['meter.host', 'self']);
//   await lab.quiet([ear]);                        // the source stops; everybody knows what the server knows
//
// A listener folds deltas and collects events, and fails when a sequence goes back, comes twice, or jumps
// without a `from` that is where it stood.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { WebSocket } from 'ws';
import { root, sleep, until } from './server.mjs';

const program = process.env.LIVE_LAB ?? path.join(root, 'build/release/tests/live_lab');
export const swarm = process.env.SWARM ?? path.join(root, 'build/release/tests/swarm');

/** RFC 7396, on values that hold no null. */
export function fold(value, patch) {
  for (const [name, part] of Object.entries(patch)) {
    if (part === null) delete value[name];
    else if (typeof part === 'object' && !Array.isArray(part)) value[name] = fold(isObject(value[name]) ? value[name] : {}, part);
    else value[name] = part;
  }
  return value;
}

/** The least patch that makes `from` into `to`. */
export function difference(from, to) {
  const patch = {};
  for (const name of Object.keys(from)) if (!(name in to)) patch[name] = null;
  for (const [name, part] of Object.entries(to)) {
    if (isObject(part) && isObject(from[name])) {
      const inner = difference(from[name], part);
      if (Object.keys(inner).length > 0) patch[name] = inner;
    } else if (JSON.stringify(part) !== JSON.stringify(from[name])) {
      patch[name] = part;
    }
  }
  return patch;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a listener knows of its topics; every message is judged before it is believed. */
export class Knowledge {
  constructor() {
    this.topics = new Map(); // by name
    this.aliases = new Map(); // k to topic
    this.leaps = 0; // merged deltas, and whole values while connected
    this.messages = 0;
  }

  at(name) {
    return this.topics.get(name);
  }

  /** [[name, {e, s}], …] to go on from. */
  positions(names) {
    return names.map((name) => {
      const topic = this.topics.get(name);
      return topic ? [name, { e: topic.e, s: topic.s }] : [name];
    });
  }

  hear(message) {
    this.messages++;
    const topic = 'k' in message ? this.aliases.get(message.k) : undefined;
    if (message.t === 'sub' && !message.error) this.subscribed(message);
    else if (message.t === 'd') this.changed(topic, message);
    else if (message.t === 'e') this.happened(topic, message);
    else if (message.t === 'gap') this.lost(topic, message.from, message.to);
    else if (message.t === 'snap') this.replaced(topic, message);
  }

  subscribed(message) {
    const known = this.topics.get(message.topic);
    const topic = known && known.e === message.e ? known
      : { name: message.topic, e: message.e, s: 0, value: {}, events: new Map(), gaps: [], replies: [] };
    this.topics.set(message.topic, topic);
    this.aliases.set(message.k, topic);
    topic.k = message.k;
    topic.replies.push(message);
    if (message.mode === 'snapshot') topic.value = message.v;
    if (message.mode === 'same') assert.equal(message.s, topic.s, 'same is where it stood');
    if (message.mode === 'resumed' && message.p) {
      assert.equal(message.from, topic.s, 'resumed from where it stood');
      fold(topic.value, message.p);
    }
    if (!message.ev && message.mode !== 'tail') {
      topic.s = message.s;
      return;
    }
    if (message.mode === 'tail') topic.s = message.ev.length > 0 ? message.ev[0][0] - 1 : message.s;
    if (message.gap) this.lost(topic, ...message.gap);
    for (const [s, d] of message.ev) this.happened(topic, { s, d });
    assert.equal(topic.s, message.s, 'the events of a reply lead to its position');
  }

  changed(topic, message) {
    if ('from' in message) {
      this.leaps++;
      assert.ok(message.s > message.from + 1, `from ${message.from} to ${message.s} is no range`);
    }
    assert.equal(message.from ?? message.s - 1, topic.s, `${topic.name}: a step from where it stood`);
    topic.s = message.s;
    fold(topic.value, message.p);
  }

  replaced(topic, message) {
    this.leaps++;
    assert.ok(message.e !== topic.e || message.s > topic.s, 'a whole value is news');
    Object.assign(topic, { e: message.e, s: message.s, value: message.v });
  }

  happened(topic, message) {
    assert.equal(message.s, topic.s + 1, `${topic.name}: the next event, or a gap before it`);
    assert.ok(!topic.events.has(message.s));
    topic.s = message.s;
    topic.events.set(message.s, message.d);
  }

  lost(topic, from, to) {
    assert.equal(from, topic.s + 1, `${topic.name}: a gap begins where it stood`);
    assert.ok(to >= from);
    topic.gaps.push([from, to]);
    topic.s = to;
  }
}

/** A live/1 listener over npm ws. `knows` is kept over reconnects. */
export class Ear {
  constructor(lab, names, { key = lab.key, deflate = false, min, knows = new Knowledge(), wishes } = {}) {
    Object.assign(this, { lab, names, key, deflate, min, knows, wishes });
    this.raw = null; // set to [] to keep the messages as they came
    this.said = []; // messages that are of no topic: welcome, hb, bye, off
    this.failure = null;
    this.code = null;
  }

  open() {
    this.code = null;
    this.ready = new Set();
    const socket = this.socket = new WebSocket(`ws://127.0.0.1:${this.lab.port}/api/v1/live`, 'live.1', {
      headers: { Authorization: `Bearer ${this.key}` },
      perMessageDeflate: this.deflate,
    });
    socket.on('message', (data) => { if (socket === this.socket) this.heard(data); }); // not of one before
    socket.on('error', (error) => { this.error = error; });
    socket.on('close', (code) => { if (socket === this.socket) this.code = code; });
    socket.on('open', () => this.greet());
    return this;
  }

  greet() {
    this.say({ t: 'hello', v: 1 });
    const topics = this.wishes ?? this.knows.positions(this.names);
    if (topics.length > 0) this.say({ t: 'sub', id: 1, topics, ...(this.min === undefined ? {} : { min: this.min }) });
  }

  say(message) {
    this.socket.send(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`);
  }

  heard(data) {
    const text = data.toString();
    if (this.raw) this.raw.push(text);
    if (this.failure) return;
    try {
      assert.ok(text.endsWith('\n'), 'every object ends its line');
      for (const line of text.slice(0, -1).split('\n')) {
        const message = JSON.parse(line);
        if (!('k' in message) || message.t === 'off') this.said.push(message);
        if (message.t !== 'off') this.knows.hear(message);
        if (message.t === 'sub') this.ready.add(message.topic);
      }
    } catch (error) {
      this.failure = error;
    }
  }

  get isReady() {
    return this.names.every((name) => this.ready.has(name));
  }

  async subscribed() {
    await until(`${this.names} to be subscribed`, () => this.isReady || this.failure || this.code, { within: 15000 });
    this.check();
    assert.equal(this.code, null, `closed with ${this.code}`);
    return this;
  }

  async closed(within = 5000) {
    await until('the socket to close', () => this.code !== null, { within });
    return this.code;
  }

  check() {
    if (this.failure) throw this.failure;
  }

  at(name) {
    return this.knows.at(name);
  }

  drop() {
    this.socket.terminate();
  }
}

export class Lab {
  async start(args) {
    let out = '';
    this.log = '';
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.child.pid;
    this.child.stdout.on('data', (piece) => { out += piece; });
    this.child.stderr.on('data', (piece) => { this.log += piece; });
    this.exited = new Promise((resolve) => { this.child.on('close', (code, signal) => resolve(this.exit = code ?? signal)); });
    await until('the lab to say its keys', () => /^reader .+\n/m.test(out) || this.exit !== undefined, { within: 10000, every: 5 });
    const word = (name) => new RegExp(`^${name} (.+)$`, 'm').exec(out)[1];
    this.port = Number(word('port'));
    this.key = word('key');
    this.reader = word('reader');
    return this;
  }

  request(target, { key = this.key, headers = {}, method = 'GET' } = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: '127.0.0.1', port: this.port, path: target, method, agent: false,
        headers: { Authorization: `Bearer ${key}`, ...headers },
      }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece) => { text += piece; });
        answer.on('error', reject);
        answer.on('end', () => resolve({
          status: answer.statusCode, headers: answer.headers, text,
          json: /json/.test(answer.headers['content-type'] ?? '') && text ? JSON.parse(text) : null,
        }));
      });
      request.on('upgrade', (answer, socket) => { socket.destroy(); resolve({ status: 101, headers: answer.headers, text: '' }); });
      request.on('error', reject);
      request.end();
    });
  }

  async source(words) {
    const answer = await this.request(`/lab/source?${new URLSearchParams(words)}`, { key: this.reader });
    assert.equal(answer.status, 200, answer.text);
  }

  async state(topic) {
    const answer = await this.request(`/api/v1/state?topic=${topic}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  /** The sum over all labels. */
  async metric(name) {
    const { text } = await this.request('/metrics');
    const all = [...text.matchAll(new RegExp(`^binnacle_${name}(?:{.*})? (.*)$`, 'gm'))];
    assert.ok(all.length > 0, `there is no ${name}`);
    return all.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  async listen(names, options) {
    return new Ear(this, names, options).open().subscribed();
  }

  /** Stops the source and waits until every listener stands where the server does, and knows what it knows. */
  async quiet(ears, topics, within = 15000) {
    await this.source({ hz: 0, events_hz: 0 });
    for (const topic of topics) {
      const now = await this.state(topic);
      for (const ear of ears) {
        await until(`${topic} at ${now.s}`, () => ear.failure || ear.at(topic).s === now.s, { within });
        ear.check();
        assert.equal(ear.at(topic).e, now.e);
        if (now.v) assert.deepEqual(ear.at(topic).value, now.v);
      }
    }
  }

  get rss() {
    return Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]) * 1024;
  }

  async stop() {
    if (this.exit === undefined) this.child.kill('SIGTERM');
    return this.exited;
  }
}

/** A lab that ends with the test, with exit code 0 and nothing on stderr. */
export async function startLab(t, args = []) {
  const lab = new Lab();
  t.after(async () => {
    assert.equal(await lab.stop(), 0, lab.log);
    assert.equal(lab.log, '');
  });
  return lab.start(args);
}

/** The same numbers for every run. */
export function randomizer(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** Until then listeners vanish and return, or stop reading for a while, a hundred a second. */
export async function disturb(ears, random, end) {
  let dropped = 0;
  let paused = 0;
  while (performance.now() < end) {
    const ear = ears[random(ears.length)];
    if (ear.away) continue;
    ear.away = true;
    if (random(2) === 0) {
      dropped++;
      ear.drop();
      setTimeout(() => { ear.open(); ear.away = false; }, random(500));
    } else {
      paused++;
      ear.socket.pause();
      setTimeout(() => { ear.socket.resume(); ear.away = false; }, 200 + random(1500));
    }
    await sleep(10);
  }
  return { dropped, paused };
}
