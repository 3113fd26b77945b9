// The live protocol word by word: what clients may say and what becomes of it, paces and pauses,
// compression, event streams, requests that wait, and how a connection ends.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { EventStream } from './lib/events.mjs';
import { Ear, Knowledge, startLab } from './lib/lab.mjs';
import { dial } from './lib/raw.mjs';
import { sleep, until } from './lib/server.mjs';

const HOST = ['meter.host'];
const HELLO = '{"t":"hello","v":1}\n';

/** A socket that says `first` and remembers what it hears. */
async function speak(lab, ...first) {
  const socket = new WebSocket(`ws://127.0.0.1:${lab.port}/api/v1/live`, 'live.1', {
    headers: { Authorization: `Bearer ${lab.key}` }, perMessageDeflate: false,
  });
  socket.heard = [];
  socket.on('message', (data) => {
    for (const line of data.toString().split('\n')) if (line) socket.heard.push(JSON.parse(line));
  });
  socket.ended = new Promise((resolve) => { socket.on('close', (code) => resolve(socket.code = code)); });
  await new Promise((resolve, reject) => { socket.on('open', resolve).on('error', reject); });
  for (const words of first) socket.send(words);
  return socket;
}

async function endsWith(socket, code, within = 3000) {
  await until(`an end with ${code}`, () => socket.code !== undefined, { within });
  assert.equal(socket.code, code);
  const bye = socket.heard.at(-1);
  assert.equal(bye.t, 'bye', 'it is said before it is done');
  assert.equal(bye.code, code);
  return bye;
}

function stream(lab, target, headers = {}) {
  return EventStream.open(lab.port, target, { Authorization: `Bearer ${lab.key}`, ...headers });
}

test('the first word is answered with what can be expected here', async (t) => {
  const lab = await startLab(t);
  const socket = await speak(lab, HELLO);
  await until('a welcome', () => socket.heard.length > 0);
  const [welcome] = socket.heard;
  assert.equal(welcome.t, 'welcome');
  assert.equal(welcome.v, 1);
  assert.match(welcome.sid, /^.+$/);
  assert.match(welcome.node, /^.+$/);
  assert.ok(Math.abs(welcome.now - Date.now()) < 2000);
  assert.equal(welcome.hb, 15000);
  assert.deepEqual(welcome.max, { topics: 200, in: 65536 });
  socket.terminate();
});

test('what is no message of the protocol ends the connection with its reason', async (t) => {
  const lab = await startLab(t);
  for (const [code, ...words] of [
    [4101, 'hello'],
    [4101, '{"t":"sub","id":1,"topics":[["meter.host"]]}\n'],
    [4101, '[{"t":"hello","v":1}]\n'],
    [4101, '{"v":1}\n'],
    [4101, '{"t":1}\n'],
    [4101, HELLO, Buffer.from(HELLO)],
    [4101, HELLO, '{"t":"sub","topics":["meter.host"]}\n'],
    [4101, HELLO, '{"t":"sub","topics":[[]]}\n'],
    [4101, HELLO, '{"t":"sub","topics":[[1]]}\n'],
    [4101, HELLO, '{"t":"sub","topics":[["meter.host"],["meter.host"]]}\n'],
    [4101, HELLO, `{"t":"x","deep":${'['.repeat(40)}${']'.repeat(40)}}\n`],
    [4106, '{"t":"hello"}\n'],
    [4106, '{"t":"hello","v":2}\n'],
    [4106, '{"t":"hello","v":"1"}\n'],
    [4104, HELLO, `${JSON.stringify({ t: 'sub', topics: Array.from({ length: 201 }, (_, i) => [`t${i}`]) })}\n`],
    [4008, HELLO, ...Array(150).fill('{"t":"pong"}\n')],
    [4008, HELLO + '{"t":"pong"}\n'.repeat(150)],
  ]) {
    const socket = await speak(lab, ...words);
    await endsWith(socket, code);
  }
});

test('what is too long or no text ends as RFC 6455 has it', async (t) => {
  const lab = await startLab(t);
  const long = await speak(lab, HELLO, `{"t":"pong","x":"${'x'.repeat(70000)}"}\n`);
  assert.equal(await long.ended, 1009);
  const closing = await speak(lab, HELLO);
  closing.close(1000, 'enough');
  assert.equal(await closing.ended, 1000);
});

test('unknown words and members are passed over, empty lines too', async (t) => {
  const lab = await startLab(t);
  const socket = await speak(lab, `${HELLO}\n\n`, '{"t":"dance","with":[1,{"a":null}]}\n{"t":"pong","extra":1}\n',
    '{"t":"sub","id":7,"topics":[["meter.host",{"colour":"red"}]],"whatever":true}');
  await until('a reply', () => socket.heard.length > 1);
  assert.equal(socket.heard[1].t, 'sub');
  assert.equal(socket.heard[1].id, 7);
  assert.equal(socket.heard[1].mode, 'snapshot');
  socket.terminate();
});

test('members that are something else count as absent', async (t) => {
  const lab = await startLab(t, ['--hz', '20', '--events-hz', '100']);
  await until('events a tail could have', async () => (await lab.state('self.log')).s > 10);
  const socket = await speak(lab, HELLO, '{"t":"sub","id":"seven","min":"fast","topics":[["meter.host",{"e":1,"s":"2"}]]}\n',
    '{"t":"sub","min":-1,"topics":[["self.log",{"tail":"all"}]]}\n{"t":"sub","min":null,"topics":[["self.log",{"e":"x","s":-1}]]}\n');
  const replies = () => socket.heard.filter((message) => message.t === 'sub');
  await until('three replies', () => replies().length === 3);
  assert.deepEqual(replies().map(({ mode, id, ev }) => ({ mode, id, ev })), [{ mode: 'snapshot', id: 0, ev: undefined },
    { mode: 'tail', id: 0, ev: [] }, { mode: 'tail', id: 0, ev: [] }]);
  const began = socket.heard.length;
  await until('changes at full pace', () => socket.heard.length > began + 10, { within: 3000 });
  socket.terminate();
});

test('a topic that is not there, or not for everybody, is refused and the others are not', async (t) => {
  const lab = await startLab(t);
  const socket = new Ear(lab, HOST, { key: lab.reader, wishes: [['nothing'], ['self'], ['meter.host'], ['no "such']] }).open();
  await socket.subscribed();
  await until('three refusals', () => socket.said.filter((message) => message.error).length === 3);
  const [nothing, self, such] = socket.said.filter((message) => message.error);
  assert.deepEqual([nothing.topic, nothing.error.code], ['nothing', 'not_found']);
  assert.deepEqual([self.topic, self.error.code], ['self', 'forbidden']);
  assert.equal(such.topic, 'no "such');
  assert.match(nothing.error.message, /no such topic/);
  socket.drop();
});

test('who is not let in gets no socket', async (t) => {
  const lab = await startLab(t);
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  const ask = (headers, key) => lab.request('/api/v1/live', { headers: { ...upgrade, ...headers }, key });
  assert.equal((await ask({})).status, 101);
  assert.equal((await ask({}, 'bnk_key_wrong')).status, 401);
  assert.equal((await ask({ 'Sec-WebSocket-Version': '8' })).status, 426);
  assert.equal((await ask({ 'Sec-WebSocket-Key': 'short' })).status, 400);
  assert.equal((await ask({ 'Sec-WebSocket-Protocol': 'mqtt' })).status, 400);
  assert.equal((await lab.request('/api/v1/live')).status, 400);
  for (const target of ['/api/v1/events?topic=meter.host', '/api/v1/state?topic=meter.host']) {
    assert.equal((await lab.request(target, { key: 'bnk_key_wrong' })).status, 401);
  }
});

test('a topic left is heard no more, and can be joined again where it was left', async (t) => {
  const lab = await startLab(t, ['--hz', '50']);
  const ear = await lab.listen(HOST);
  await until('a change', () => ear.knows.messages > 5);
  ear.say({ t: 'unsub', id: 2, topics: ['meter.host', 'nothing', 3] });
  ear.say({ t: 'sub', id: 3, topics: [['nothing']] }); // answered in order: after it nothing may come
  await until('the refusal', () => ear.said.some((message) => message.id === 3));
  const { s } = ear.at('meter.host');
  await sleep(300);
  assert.equal(ear.at('meter.host').s, s);
  ear.say({ t: 'sub', id: 4, topics: ear.knows.positions(HOST) });
  await until('more changes', () => ear.at('meter.host').s > s + 3);
  assert.equal(ear.at('meter.host').replies.at(-1).mode, 'resumed');
  await lab.quiet([ear], HOST);
});

test('who subscribes in the very turn of a change hears of it, though nothing follows', async (t) => {
  const lab = await startLab(t);
  const source = await dial(lab.port); // two sockets written to at once are read in one turn, most times
  for (let i = 0; i < 40; i++) {
    const ear = new Ear(lab, HOST, { wishes: [] }).open();
    await until('a welcome', () => ear.said.length > 0);
    ear.say({ t: 'sub', id: 1, topics: [HOST] });
    source.write(`GET /lab/source?ticks=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${lab.key}\r\n\r\n`);
    await ear.subscribed();
    const now = await lab.state('meter.host');
    await until(`the change of round ${i}`, () => ear.at('meter.host').s >= now.s, { within: 1000 });
    ear.drop();
  }
  source.destroy();
});

test('a pace is kept: at most one message per interval, the last change not forgotten', async (t) => {
  const lab = await startLab(t, ['--hz', '50']);
  const slow = await lab.listen(HOST, { min: 400 });
  const fast = await lab.listen(HOST);
  const from = slow.knows.messages;
  await sleep(2400);
  const told = slow.knows.messages - from;
  assert.ok(told >= 4 && told <= 7, `${told} messages in 2.4 s at 400 ms`);
  assert.ok(fast.knows.messages > 60, 'the others hear everything');
  await lab.quiet([slow, fast], HOST, 2000);
});

test('a paused topic is silent; back at full pace one step brings everything', async (t) => {
  const lab = await startLab(t, ['--hz', '50', '--events-hz', '20']);
  const ear = await lab.listen(['meter.host', 'self.log']);
  await until('a change', () => ear.knows.messages > 5);
  ear.say({ t: 'rate', k: ear.at('meter.host').k, min: 0 });
  await sleep(200);
  const { s } = ear.at('meter.host');
  const lines = ear.at('self.log').s;
  await sleep(800);
  assert.equal(ear.at('meter.host').s, s, 'paused');
  assert.ok(ear.at('self.log').s > lines + 5, 'the other topic is not');
  const { leaps } = ear.knows;
  ear.say({ t: 'rate', k: ear.at('meter.host').k, min: 1 });
  await until('changes again', () => ear.at('meter.host').s > s + 20);
  assert.equal(ear.knows.leaps, leaps + 1);
  ear.say({ t: 'rate', k: 999, min: 1 }); // not ours: nothing happens
  ear.say({ t: 'rate', k: ear.at('meter.host').k, min: -5 });
  await lab.quiet([ear], HOST);
});

test('a slow pace on one topic is kept while another never rests', async (t) => {
  const lab = await startLab(t, ['--events-hz', '50']);
  const ear = await lab.listen(HOST, { min: 300 });
  await lab.listen(['self.log']);
  await lab.source({ hz: 20 });
  await until('a first change', () => ear.knows.messages > 1);
  await sleep(120);
  await lab.source({ hz: 0 }); // what changed within the pace must come by itself, log or no log
  const now = await lab.state('meter.host');
  assert.ok(ear.at('meter.host').s < now.s, 'something was held back');
  await until('the last change', () => ear.at('meter.host').s === now.s, { within: 1500 });
});

test('compressed messages say the same as plain ones', async (t) => {
  const lab = await startLab(t, ['--chaos', '--rows', '20']);
  const topics = ['meter.host', 'self', 'self.log'];
  const plain = await lab.listen(topics);
  const small = await lab.listen(topics, { deflate: true });
  assert.match(small.socket.extensions, /permessage-deflate/);
  assert.equal(plain.socket.extensions, '');
  const again = await lab.listen(topics, { deflate: { serverNoContextTakeover: true, clientNoContextTakeover: true } });
  await lab.source({ hz: 30, events_hz: 40 });
  small.socket.pause(); // several changes in one message, some deflated, some not
  await sleep(1500);
  small.socket.resume();
  await sleep(500);
  small.say(`${JSON.stringify({ t: 'sub', id: 5, topics: [['meter.host']], padding: 'x'.repeat(2000) })}\n`); // inflated here
  await until('a snapshot', () => small.at('meter.host').replies.length === 2);
  await lab.quiet([plain, small, again], topics);
  assert.deepEqual(small.at('self.log').events, plain.at('self.log').events);
  const late = await new Ear(lab, ['self.log'], { deflate: true, wishes: [['self.log', { tail: 30 }]] }).open().subscribed();
  const { events } = late.at('self.log');
  assert.equal(events.size, 30); // one long reply, deflated for itself
  for (const [s, d] of events) assert.deepEqual(d, plain.at('self.log').events.get(s));
  const wire = (ear) => ear.socket._socket.bytesRead;
  assert.ok(wire(again) < wire(plain) * 0.7, `${wire(again)} of ${wire(plain)} bytes`);
});

test('an event stream begins, counts and resumes like a socket', async (t) => {
  const lab = await startLab(t, ['--chaos', '--hz', '40', '--events-hz', '40']);
  const target = '/api/v1/events?topic=meter.host&topic=self.log';
  const knows = new Knowledge();
  let id;
  for (let i = 0; i < 5; i++) {
    const events = await stream(lab, target, id ? { 'Last-Event-ID': id } : {});
    assert.equal(events.status, 200);
    assert.match(events.headers['content-type'], /^text\/event-stream/);
    assert.equal(events.headers['x-accel-buffering'], 'no');
    assert.equal(events.headers['cache-control'], 'no-store');
    await until('events', () => events.events.length > 30);
    assert.equal(events.retry, 2000);
    // It breaks off somewhere: what came last is where the next one goes on, without loss or repetition.
    const cut = 10 + i * 4;
    for (const event of events.events.slice(0, cut)) {
      const message = JSON.parse(event.data);
      assert.equal(event.event, message.t);
      knows.hear(message);
      id = event.id;
    }
    events.close();
  }
  const modes = knows.at('meter.host').replies.map((reply) => reply.mode);
  assert.deepEqual(modes.slice(0, 1), ['snapshot']);
  assert.ok(modes.slice(1).every((mode) => mode === 'resumed' || mode === 'same'), modes.join());
  await lab.source({ hz: 0, events_hz: 0 });
  const last = await stream(lab, `${target}&since=${id}`);
  await until('both topics', () => last.events.length >= 2);
  for (const event of last.events) knows.hear(JSON.parse(event.data));
  const now = await lab.state('meter.host');
  assert.deepEqual(knows.at('meter.host').value, now.v);
  assert.equal(knows.at('self.log').s, (await lab.state('self.log')).s);
  last.close();
});

test('an event stream for nothing, or for what is not there, says so', async (t) => {
  const lab = await startLab(t);
  for (const [target, field] of [['/api/v1/events', 'topic'], ['/api/v1/events?topic=meter.host&colour=red', 'query']]) {
    const answer = await lab.request(target);
    assert.equal(answer.status, 400);
    assert.equal(answer.json.error.field, field);
  }
  const events = await stream(lab, '/api/v1/events?topic=nothing');
  await until('a refusal', () => events.events.length === 1);
  assert.equal(JSON.parse(events.events[0].data).error.code, 'not_found');
  const nonsense = await stream(lab, '/api/v1/events?topic=meter.host', { 'Last-Event-ID': '!!!not base64!!!' });
  await until('a snapshot', () => nonsense.events.length === 1);
  assert.equal(JSON.parse(nonsense.events[0].data).mode, 'snapshot');
  events.close();
  nonsense.close();
});

test('a request for a state waits for the next change and folds like all others', async (t) => {
  const lab = await startLab(t, ['--chaos', '--hz', '10']);
  const knows = new Knowledge();
  const first = await lab.request('/api/v1/state?topic=meter.host');
  assert.equal(first.headers.etag, `"${first.json.e}.${first.json.s}"`);
  knows.hear({ t: 'sub', k: 1, topic: 'meter.host', mode: 'snapshot', ...first.json });
  for (let i = 0; i < 20; i++) {
    const { e, s } = knows.at('meter.host');
    const next = await lab.request(`/api/v1/state?topic=meter.host&since=${e}.${s}&wait=5`);
    assert.equal(next.status, 200, next.text);
    assert.equal(next.json.from, s);
    knows.hear({ t: 'sub', k: 1, topic: 'meter.host', mode: 'resumed', ...next.json });
  }
  await lab.source({ hz: 0 });
  const now = await lab.state('meter.host');
  const { e, s } = knows.at('meter.host');
  if (s < now.s) {
    const last = await lab.request(`/api/v1/state?topic=meter.host&since=${e}.${s}`);
    knows.hear({ t: 'sub', k: 1, topic: 'meter.host', mode: 'resumed', ...last.json });
  }
  assert.deepEqual(knows.at('meter.host').value, now.v);
  const unchanged = await lab.request('/api/v1/state?topic=meter.host', { headers: { 'If-None-Match': `"${now.e}.${now.s}"` } });
  assert.equal(unchanged.status, 304);
  const begun = performance.now();
  const waited = await lab.request(`/api/v1/state?topic=meter.host&since=${now.e}.${now.s}&wait=1`);
  assert.ok(performance.now() - begun > 900, 'it waited');
  assert.deepEqual(waited.json, { e: now.e, s: now.s, from: now.s, p: {} });
  const other = await lab.request(`/api/v1/state?topic=meter.host&since=elsewhere.${now.s}&wait=5`);
  assert.deepEqual(other.json.v, now.v, 'another epoch: everything, at once');
});

test('a log asked by request names what is gone', async (t) => {
  const lab = await startLab(t, ['--events-hz', '1000']);
  const begin = await lab.state('self.log');
  await until('more events than are kept', async () => (await lab.state('self.log')).s > 1200, { within: 10000, every: 200 });
  await lab.source({ events_hz: 0 });
  const { json } = await lab.request(`/api/v1/state?topic=self.log&since=${begin.e}.${begin.s}`);
  assert.equal(json.gap[0], begin.s + 1);
  assert.equal(json.ev[0][0], json.gap[1] + 1);
  assert.equal(json.ev.length, 1000);
  assert.equal(json.ev.at(-1)[0], json.s);
  const waiting = lab.request(`/api/v1/state?topic=self.log&since=${json.e}.${json.s}&wait=10`);
  await lab.source({ events_hz: 10 });
  const next = (await waiting).json;
  assert.equal(next.gap, undefined);
  assert.equal(next.ev[0][0], json.s + 1);
});

test('requests for a state are refused by name', async (t) => {
  const lab = await startLab(t);
  for (const [query, status, field] of [['', 400, 'topic'], ['topic=nothing', 404], ['topic=meter.host&wait=61', 400, 'wait'],
    ['topic=meter.host&wait=x', 400, 'wait'], ['topic=meter.host&x=1', 400, 'query']]) {
    const answer = await lab.request(`/api/v1/state?${query}`);
    assert.equal(answer.status, status, query);
    assert.equal(answer.json.error.field, field, query);
  }
  assert.equal((await lab.request('/api/v1/state?topic=self', { key: lab.reader })).status, 403);
});

test('a listener that asks for everything again and again and does not read costs little, and is heard later', async (t) => {
  const lab = await startLab(t, ['--chaos', '--rows', '100', '--warm', '50']);
  const ear = await lab.listen(HOST);
  const size = JSON.stringify((await lab.state('meter.host')).v).length;
  await sleep(200);
  const before = lab.rss;
  ear.socket.pause();
  const end = performance.now() + 5000;
  let asked = 0;
  while (performance.now() < end) {
    ear.say({ t: 'sub', id: 2, topics: [['meter.host']] });
    asked++; // fewer than a burst, for they are heard all at once in the end
    await sleep(60);
  }
  const grown = lab.rss - before;
  t.diagnostic(`measured ${Math.round(grown / 1024)} KiB more for ${asked} values of ${size} bytes not read`);
  assert.ok(grown < 8 << 20, `${grown} bytes for ${asked} times ${size}`);
  ear.socket.resume();
  await until('all answers', () => ear.at('meter.host').replies.length === asked + 1 || ear.code, { within: 10000 });
  assert.equal(ear.code, null);
  ear.check();
});

test('a server that leaves says so, tells when to return, and closes', async (t) => {
  const lab = await startLab(t, ['--hz', '50']);
  const ears = [];
  for (let i = 0; i < 20; i++) ears.push(await lab.listen(HOST));
  const events = await stream(lab, '/api/v1/events?topic=meter.host');
  const log = await lab.state('self.log');
  const waiting = lab.request(`/api/v1/state?topic=self.log&since=${log.e}.${log.s}&wait=30`);
  await sleep(100);
  assert.equal(await lab.stop(), 0);
  for (const ear of ears) {
    assert.equal(await ear.closed(), 4001);
    const bye = ear.said.at(-1);
    assert.equal(bye.t, 'bye');
    assert.ok(bye.retry >= 500 && bye.retry < 2000);
  }
  assert.ok(new Set(ears.map((ear) => ear.said.at(-1).retry)).size > 5, 'not all at once');
  await until('the stream to end', () => events.ended);
  assert.equal(JSON.parse(events.events.at(-1).data).t, 'bye');
  assert.deepEqual((await waiting).json, { e: log.e, s: log.s, ev: [] });
});

describe('what takes its time', { concurrency: true }, () => {
  test('who does not say hello within 5 s is sent away', async (t) => {
    const lab = await startLab(t);
    const begun = performance.now();
    const socket = await speak(lab);
    await endsWith(socket, 4105, 8000);
    const took = performance.now() - begun;
    assert.ok(took > 4900 && took < 7500, `${took} ms`);
  });

  test('a silent topic shows signs of life, as a ping and as a word, and streams as a comment', async (t) => {
    const lab = await startLab(t);
    const ear = await lab.listen(HOST);
    let pings = 0;
    ear.socket.on('ping', () => { pings++; });
    const events = await stream(lab, '/api/v1/events?topic=meter.host');
    await until('a sign of life', () => pings > 0 && events.comments > 0 && ear.said.some((message) => message.t === 'hb'),
      { within: 18000, every: 100 });
    const hb = ear.said.find((message) => message.t === 'hb');
    assert.ok(Math.abs(hb.now - Date.now()) < 32000);
    events.close();
    ear.drop();
  });

  test('who takes nothing for 30 s is cut, and counted', async (t) => {
    const lab = await startLab(t, ['--chaos', '--rows', '20', '--hz', '100']);
    const ear = await lab.listen(HOST);
    const events = await stream(lab, '/api/v1/events?topic=meter.host');
    const reader = await lab.listen(HOST);
    ear.socket.pause();
    events.request.socket.pause();
    const begun = performance.now();
    await until('both to be cut', async () => await lab.metric('live_slow_closed_total') === 2, { within: 45000, every: 500 });
    assert.ok(performance.now() - begun > 29000);
    assert.equal(await lab.metric('live_connections'), 1);
    assert.equal(reader.code, null);
    await lab.quiet([reader], HOST);
    events.close();
    ear.drop();
  });

  test('who answers no ping for 40 s is gone', async (t) => {
    const lab = await startLab(t);
    const ear = new Ear(lab, HOST);
    ear.open();
    ear.socket._autoPong = false;
    await ear.subscribed();
    assert.equal(await ear.closed(50000), 4003);
  });
});
