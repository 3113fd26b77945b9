// The live protocol under load: the checks of REALTIME 9 against a server of loop, hub and web alone, whose
// synthetic source changes as fast as it is told to.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { EventStream } from './lib/events.mjs';
import { Ear, Knowledge, difference, disturb, fold, randomizer, startLab, swarm } from './lib/lab.mjs';
import { measured, percentile, sleep, until } from './lib/server.mjs';

const MIB = 1 << 20;
const STATES = ['meter.host', 'self'];

test('1: 200 listeners that vanish, return and stop reading all end up knowing what the server knows', async (t) => {
  const lab = await startLab(t, ['--chaos', '--rows', '6']);
  const ears = [];
  for (let i = 0; i < 200; i++) ears.push(new Ear(lab, STATES, { deflate: i % 4 === 0 }).open());
  await Promise.all(ears.map((ear) => ear.subscribed()));
  await lab.source({ hz: 40 });
  const { dropped, paused } = await disturb(ears, randomizer(7), performance.now() + 10000);
  await until('all to be back', () => ears.every((ear) => !ear.away && ear.isReady), { within: 10000 });
  await lab.quiet(ears, STATES);
  const modes = new Map();
  for (const ear of ears) for (const reply of ear.at('meter.host').replies) modes.set(reply.mode, (modes.get(reply.mode) ?? 0) + 1);
  assert.ok(dropped > 50 && paused > 50);
  assert.ok(modes.get('resumed') > 50, `resumed: ${JSON.stringify([...modes])}`);
  t.diagnostic(`measured ${dropped} drops, ${paused} pauses; replies ${JSON.stringify(Object.fromEntries(modes))}`);
});

test('2: 100 listeners that stop reading for 10 s at 1,000 changes a second cost nothing and catch up in one step', async (t) => {
  const lab = await startLab(t, ['--chaos', '--rows', '8', '--warm', '1100']);
  const ears = [];
  for (let i = 0; i < 100; i++) ears.push(new Ear(lab, STATES).open());
  await Promise.all(ears.map((ear) => ear.subscribed()));
  for (const ear of ears) ear.socket.pause();
  const before = lab.rss;
  await lab.source({ hz: 1000 });
  await sleep(10000);
  const grown = lab.rss - before;
  await lab.source({ hz: 0 });
  const conflated = await lab.metric('live_conflated_total');
  for (const ear of ears) ear.knows.leaps = 0;
  for (const ear of ears) ear.socket.resume();
  await lab.quiet(ears, STATES);
  const leaps = ears.map((ear) => ear.knows.leaps);
  const { s } = await lab.state('meter.host');
  t.diagnostic(`measured ${Math.round(grown / 1024)} KiB more for 100 stalled listeners, ${Math.max(...leaps)} messages each over ${s - 1100} changes of two topics`);
  assert.ok(s > 3000, `${s} changes`);
  assert.ok(grown <= MIB, `grew by ${grown} bytes`);
  assert.ok(leaps.every((n) => n > 0 && n <= STATES.length), `one step per topic: ${leaps}`);
  assert.ok(await lab.metric('live_conflated_total') > conflated, 'what was merged is counted');
});

test('3: of a log everything is either told or said to be gone, and nothing twice', async (t) => {
  const lab = await startLab(t);
  const ears = [];
  for (let i = 0; i < 20; i++) ears.push(new Ear(lab, ['self.log'], { wishes: [['self.log', { tail: 5 }]] }).open());
  await Promise.all(ears.map((ear) => ear.subscribed()));
  for (const ear of ears) ear.wishes = undefined;
  await lab.source({ events_hz: 1000, event_bytes: 500 });
  await sleep(500);
  for (const ear of ears.slice(0, 10)) ear.socket.pause();
  for (const ear of ears.slice(10, 15)) ear.drop();
  await sleep(7000); // 1,000 events and 512 KiB are kept: both rings have turned over by now
  for (const ear of ears.slice(0, 10)) ear.socket.resume();
  for (const ear of ears.slice(10, 15)) ear.open();
  await Promise.all(ears.slice(10, 15).map((ear) => ear.subscribed()));
  await sleep(500);
  await lab.quiet(ears, ['self.log']);
  const { s } = await lab.state('self.log');
  assert.ok(s > 3000, `${s} events`);
  for (const ear of ears) {
    const log = ear.at('self.log');
    const seen = new Set(log.events.keys());
    for (const [from, to] of log.gaps) for (let i = from; i <= to; i++) assert.ok(!seen.has(i) && seen.add(i), `${i} twice`);
    const first = Math.min(...seen);
    assert.equal(seen.size, s - first + 1, 'received and gaps together are everything');
    for (const [seq, line] of log.events) assert.equal(line.id, String(seq));
  }
  assert.ok(ears.slice(0, 10).some((ear) => ear.at('self.log').gaps.length > 0), 'somebody was too slow');
  for (const ear of ears.slice(10, 15)) assert.equal(ear.at('self.log').gaps.length, 1);
  for (const ear of ears.slice(15)) assert.equal(ear.at('self.log').gaps.length, 0, 'who reads misses nothing');
  assert.ok(await lab.metric('live_gap_events_total') > 0);
});

test('4: who was away for 2 s is told what changed and no more; another epoch gets everything', async (t) => {
  const lab = await startLab(t, ['--hz', '20', '--rows', '4']);
  const ear = await lab.listen(['meter.host']);
  await sleep(300);
  ear.drop();
  const before = structuredClone(ear.at('meter.host'));
  await sleep(2000);
  ear.open();
  await ear.subscribed();
  const reply = ear.at('meter.host').replies.at(-1);
  assert.equal(reply.mode, 'resumed');
  assert.equal(reply.from, before.s);
  assert.ok(reply.s - reply.from > 20);
  const least = JSON.stringify(difference(before.value, fold(structuredClone(before.value), reply.p))).length;
  assert.ok(JSON.stringify(reply.p).length <= 2 * least, `${JSON.stringify(reply.p).length} bytes for ${least}`);
  await lab.quiet([ear], ['meter.host']);
  ear.drop();
  ear.open();
  await ear.subscribed();
  assert.equal(ear.at('meter.host').replies.at(-1).mode, 'same');
  const { e, s } = await lab.state('meter.host');
  for (const wrong of [{ e: 'elsewhere', s }, { e, s: s + 1 }, { e: 7, s }, { s }]) {
    const other = await lab.listen(['meter.host'], { wishes: [['meter.host', wrong]] });
    assert.equal(other.at('meter.host').replies[0].mode, 'snapshot', JSON.stringify(wrong));
    other.drop();
  }
});

test('5: a change is the same bytes for everybody', async (t) => {
  const lab = await startLab(t, ['--chaos', '--rows', '5']);
  const ears = [];
  for (let i = 0; i < 5; i++) ears.push(await lab.listen(['meter.host']));
  for (const ear of ears) ear.raw = [];
  await lab.source({ hz: 20 });
  await until('100 changes', () => ears.every((ear) => ear.raw.length >= 100), { within: 15000 });
  await lab.quiet(ears, ['meter.host']);
  const singles = ears.map((ear) => new Map(ear.raw.map((text) => [JSON.parse(text), text])
    .filter(([message]) => message.t === 'd' && !('from' in message)).map(([message, text]) => [message.s, text])));
  let same = 0;
  for (const [s, text] of singles[0]) {
    for (const other of singles.slice(1)) {
      if (!other.has(s)) continue;
      assert.equal(other.get(s), text);
      same++;
    }
  }
  assert.ok(same >= 300, `${same} compared`);
});

test('6: a socket, an event stream and a request show the same', async (t) => {
  const lab = await startLab(t, ['--chaos', '--rows', '5', '--hz', '30']);
  const ear = await lab.listen(STATES);
  const stream = await EventStream.open(lab.port, '/api/v1/events?topic=meter.host&topic=self',
    { Authorization: `Bearer ${lab.key}` });
  const over = new Knowledge();
  let taken = 0;
  const hear = () => { for (; taken < stream.events.length; taken++) over.hear(JSON.parse(stream.events[taken].data)); };
  await sleep(2000);
  await lab.quiet([ear], STATES);
  await until('the stream to be there', () => { hear(); return STATES.every((name) => over.at(name)?.s === ear.at(name).s); });
  for (const name of STATES) {
    const { e, s, v } = await lab.state(name);
    assert.deepEqual(over.at(name).value, v);
    assert.equal(over.at(name).e, e);
    assert.equal(over.at(name).s, s);
  }
  stream.close();
});

test('7: one too many is refused with a reason, disturbs nobody, and an administrator still gets in', async (t) => {
  const lab = await startLab(t, ['--max-listeners', '10', '--hz', '20']);
  const ears = [];
  for (let i = 0; i < 10; i++) ears.push(await lab.listen(['meter.host'], { key: lab.reader }));
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  for (const [target, headers] of [['/api/v1/live', upgrade], ['/api/v1/events?topic=meter.host', {}]]) {
    const rejected = await lab.metric('live_rejected_total');
    const answer = await lab.request(target, { key: lab.reader, headers });
    assert.equal(answer.status, 503, target);
    assert.equal(answer.json.error.code, 'unavailable');
    assert.equal(answer.json.limit, 10);
    assert.equal(answer.json.in_use, 10);
    assert.match(answer.headers['retry-after'], /^[0-9]+$/);
    assert.equal(await lab.metric('live_rejected_total'), rejected + 1);
  }
  const admin = await lab.listen(['meter.host']);
  const heard = ears.map((ear) => ear.knows.messages);
  await sleep(500);
  ears.forEach((ear, i) => assert.ok(ear.code === null && ear.knows.messages > heard[i], 'undisturbed'));
  ears[0].drop();
  await until('a place to be free', async () => await lab.metric('live_connections') === 10);
  admin.drop();
  await until('another to be free', async () => await lab.metric('live_connections') === 9);
  await lab.listen(['meter.host'], { key: lab.reader });
});

test('8: who may hear less hears no more of it at once', async (t) => {
  const lab = await startLab(t, ['--chaos', '--hz', '50']);
  const ear = await lab.listen(STATES);
  await lab.request('/lab/role?role=viewer', { key: lab.reader });
  await until('off', () => ear.said.some((message) => message.t === 'off'), { within: 1000 });
  const off = ear.said.find((message) => message.t === 'off');
  assert.equal(off.k, ear.at('self').k);
  assert.equal(off.code, 2403);
  const { s } = ear.at('self');
  const heard = ear.at('meter.host').s;
  await sleep(500);
  assert.equal(ear.at('self').s, s, 'nothing more of what was revoked');
  assert.ok(ear.at('meter.host').s > heard, 'the other topic goes on');
  ear.check();
  ear.say({ t: 'sub', id: 9, topics: [['self']] });
  const refused = await until('a refusal', () => ear.said.find((message) => message.id === 9));
  assert.equal(refused.error.code, 'forbidden');
});

test('1,000 listeners of 4 KiB a second have each change within 250 ms, encoded once', { timeout: 60000, ...measured }, async (t) => {
  const lab = await startLab(t, ['--hz', '1', '--rows', '28', '--bytes', '4096', '--warm', '10']);
  const encoded = await lab.metric('live_encoded_total');
  const begin = (await lab.state('meter.host')).s;
  const { stdout } = await promisify(execFile)(swarm, ['--port', lab.port, '--pid', lab.pid, '--key', lab.reader,
    '--count', 1000, '--seconds', 10].map(String), { timeout: 50000 });
  const figures = Object.fromEntries(stdout.trim().split(' ').map((word) => word.split('=')));
  const changes = (await lab.state('meter.host')).s - begin;
  t.diagnostic(`measured ${figures.frames} messages of ${figures.bytes_per_frame} bytes: delay p50 ${figures.delay_p50_ms} ms, p99 ${figures.delay_p99_ms} ms, ${figures.rss_kib_per_client} KiB each`);
  assert.ok(figures.bytes_per_frame > 3900 && figures.bytes_per_frame < 4300);
  assert.ok(figures.frames >= 9000 && figures.frames <= 11000, `${figures.frames} messages`);
  assert.ok(figures.delay_p99_ms <= 250, `p99 ${figures.delay_p99_ms} ms`);
  assert.ok(figures.rss_kib_per_client <= 64);
  // One delta per change, and whole values: two for us, and one for each change while they subscribed.
  assert.ok(await lab.metric('live_encoded_total') - encoded <= changes + 4, 'once per topic and change');
});

test('10: 10,000 come back at once and each value is encoded once', { timeout: 120000, ...measured }, async (t) => {
  const lab = await startLab(t, ['--rows', '128', '--bytes', '20000']);
  const run = promisify(execFile);
  const args = ['--port', lab.port, '--pid', lab.pid, '--key', lab.reader, '--count', 10000, '--burst', 10000, '--seconds', 0].map(String);
  const encoded = await lab.metric('live_encoded_total');
  const value = JSON.stringify((await lab.state('meter.host')).v).length;
  const times = [];
  let kib = 0;
  for (let i = 0; i < 2; i++) {
    const { stdout } = await run(swarm, args, { timeout: 60000 });
    const figures = Object.fromEntries(stdout.trim().split(' ').map((word) => word.split('=')));
    assert.equal(figures.clients, '10000');
    times.push(Number(figures.ready_ms));
    kib = Math.max(kib, Number(figures.rss_kib_per_client));
  }
  t.diagnostic(`measured 10,000 listeners back in ${times.join(' and ')} ms, ${kib} KiB each, with a value of ${value} bytes`);
  assert.ok(value > 15000);
  assert.ok(kib <= 4, `${kib} KiB resident each`);
  assert.ok(percentile(times, 0) < 10000, `${times} ms`);
  assert.equal(await lab.metric('live_encoded_total'), encoded + 1, 'one value, for 20,000 subscriptions');
});
