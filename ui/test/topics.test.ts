import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HIDDEN_RATE_MS, RATE_MS, Topics } from '../src/link/topics';
import { Clock } from './fake';

interface Sent {
  t: string;
  topics?: [string, Record<string, unknown>?][];
  [k: string]: unknown;
}

function make(): { topics: Topics; sent: Sent[]; clock: Clock; world: { hidden: boolean; settled: number } } {
  const sent: Sent[] = [];
  const clock = new Clock();
  const world = { hidden: false, settled: 0 };
  const topics = new Topics({
    now: clock.now, after: clock.after, cancel: clock.cancel,
    isHidden: () => world.hidden,
    send: (frames) => {
      sent.push(...(frames as Sent[]));
      return true;
    },
    settled: () => {
      world.settled += 1;
    },
  });
  return { topics, sent, clock, world };
}

const snapshot = (k: number, topic: string, v: object, s = 10, e = 'x') => ({ t: 'sub', id: 1, k, topic, mode: 'snapshot', e, s, v });

test('a snapshot, then deltas, make one value', () => {
  const { topics, world } = make();
  const t = topics.join('meter.host');
  topics.receive([snapshot(7, 'meter.host', { a: 1, m: { '/': { used: 1 } } })]);
  assert.equal(t.phase.value, 'live');
  assert.equal(world.settled, 1);
  topics.receive([{ t: 'd', k: 7, s: 11, p: { m: { '/': { used: 2 } } } }, { t: 'd', k: 7, s: 12, p: { a: null } }]);
  assert.deepEqual(t.value.value, { m: { '/': { used: 2 } } });
});

test('a merged range is taken, and what is already known is not taken twice', () => {
  const { topics } = make();
  const t = topics.join('meter.host');
  topics.receive([snapshot(7, 'meter.host', { n: 0 })]);
  topics.receive([{ t: 'd', k: 7, s: 20, from: 10, p: { n: 20 } }]);
  topics.receive([{ t: 'd', k: 7, s: 15, p: { n: 15 } }]);
  assert.deepEqual(t.value.value, { n: 20 });
});

test('a hole is never guessed over: the whole is asked for', () => {
  const { topics, sent } = make();
  const t = topics.join('meter.host');
  topics.receive([snapshot(7, 'meter.host', { n: 0 })]);
  sent.length = 0;
  topics.receive([{ t: 'd', k: 7, s: 12, p: { n: 12 } }]);
  assert.deepEqual(t.value.value, { n: 0 });
  assert.deepEqual(sent.map((f) => f.t), ['unsub', 'sub']);
  assert.deepEqual(sent[1]!.topics, [['meter.host']]);
  topics.receive([{ t: 'd', k: 7, s: 13, p: { n: 13 } }]); // still of the old subscription
  assert.deepEqual(t.value.value, { n: 0 });
  topics.receive([snapshot(7, 'meter.host', { n: 14 }, 14)]);
  assert.deepEqual(t.value.value, { n: 14 });
});

test('a reconnection claims every position in one message', () => {
  const { topics } = make();
  topics.join('meter.host');
  topics.join('self.log', 200);
  topics.receive([snapshot(1, 'meter.host', { n: 1 }, 5, 'e1')]);
  topics.receive([{ t: 'sub', id: 2, k: 2, topic: 'self.log', mode: 'tail', e: 'e2', s: 9, ev: [[8, { id: '8' }], [9, { id: '9' }]] }]);
  topics.lost();
  const [frame] = topics.opening() as Sent[];
  assert.deepEqual(frame!.topics, [['meter.host', { e: 'e1', s: 5 }], ['self.log', { e: 'e2', s: 9, tail: 200 }]]);
});

test('resumed and same continue the value that was kept', () => {
  const { topics } = make();
  const t = topics.join('meter.host');
  topics.receive([snapshot(1, 'meter.host', { n: 1, m: 1 }, 5)]);
  topics.lost();
  assert.equal(t.phase.value, 'cached');
  assert.deepEqual(t.value.value, { n: 1, m: 1 });
  topics.opening();
  topics.receive([{ t: 'sub', id: 2, k: 4, topic: 'meter.host', mode: 'resumed', e: 'x', s: 9, from: 5, p: { n: 9 } }]);
  assert.deepEqual(t.value.value, { n: 9, m: 1 });
  assert.equal(t.phase.value, 'live');
  topics.lost();
  topics.opening();
  topics.receive([{ t: 'sub', id: 3, k: 5, topic: 'meter.host', mode: 'same', e: 'x', s: 9 }]);
  assert.equal(t.phase.value, 'live');
  topics.receive([{ t: 'd', k: 5, s: 10, p: { n: 10 } }]);
  assert.deepEqual(t.value.value, { n: 10, m: 1 });
});

test('frames of the last connection have no effect on the next', () => {
  const { topics } = make();
  const t = topics.join('meter.host');
  topics.receive([snapshot(1, 'meter.host', { n: 1 }, 5)]);
  topics.lost();
  topics.opening();
  topics.receive([{ t: 'd', k: 1, s: 6, p: { n: 6 } }]);
  assert.deepEqual(t.value.value, { n: 1 });
});

test('a new epoch while connected replaces the value', () => {
  const { topics } = make();
  const t = topics.join('meter.host');
  topics.receive([snapshot(1, 'meter.host', { n: 1 }, 500, 'old')]);
  topics.receive([{ t: 'snap', k: 1, e: 'new', s: 1, v: { n: 2 } }]);
  assert.deepEqual(t.value.value, { n: 2 });
  topics.receive([{ t: 'd', k: 1, s: 2, p: { n: 3 } }]);
  assert.deepEqual(t.value.value, { n: 3 });
  assert.deepEqual(topics.position('meter.host'), { e: 'new', s: 2 });
});

test('log events come once each and gaps are marked', () => {
  const { topics } = make();
  const t = topics.join('self.log', 20);
  topics.receive([{ t: 'sub', id: 1, k: 3, topic: 'self.log', mode: 'tail', e: 'x', s: 2, ev: [[1, { id: 'a' }], [2, { id: 'b' }]] }]);
  topics.receive([{ t: 'e', k: 3, s: 3, d: { id: 'c' } }, { t: 'e', k: 3, s: 3, d: { id: 'c' } }]);
  topics.receive([{ t: 'gap', k: 3, from: 4, to: 9, why: 'slow' }, { t: 'e', k: 3, s: 10, d: { id: 'j' } }]);
  assert.deepEqual(t.events.value.map((e) => e.gap ?? e.seq), [1, 2, 3, [4, 9], 10]);
});

test('what was missed while away is told, and the first tail is not called a gap', () => {
  const { topics } = make();
  const t = topics.join('self.log', 2);
  topics.receive([{ t: 'sub', id: 1, k: 3, topic: 'self.log', mode: 'tail', e: 'x', s: 50, gap: [40, 48], ev: [[49, { id: 'a' }], [50, { id: 'b' }]] }]);
  assert.deepEqual(t.events.value.map((e) => e.gap ?? e.seq), [49, 50]);
  topics.lost();
  topics.opening();
  topics.receive([{ t: 'sub', id: 2, k: 3, topic: 'self.log', mode: 'resumed', e: 'x', s: 90, gap: [51, 80], ev: [[90, { id: 'z' }]] }]);
  assert.deepEqual(t.events.value.map((e) => e.gap ?? e.seq), [49, 50, [51, 80], 90]);
});

test('a log of a new epoch starts over', () => {
  const { topics } = make();
  const t = topics.join('self.log', 2);
  topics.receive([{ t: 'sub', id: 1, k: 3, topic: 'self.log', mode: 'tail', e: 'x', s: 50, ev: [[50, { id: 'a' }]] }]);
  topics.lost();
  topics.opening();
  topics.receive([{ t: 'sub', id: 2, k: 3, topic: 'self.log', mode: 'tail', e: 'y', s: 1, ev: [[1, { id: 'n' }]] }]);
  assert.deepEqual(t.events.value.map((e) => e.seq), [1]);
});

test('a refused topic says why and does not hold the others up', () => {
  const { topics, world } = make();
  const t = topics.join('self');
  topics.receive([{ t: 'sub', id: 1, topic: 'self', error: { code: 'forbidden', message: 'for administrators' } }]);
  assert.equal(t.phase.value, 'refused');
  assert.deepEqual(t.refusal.value, { code: 'forbidden', message: 'for administrators' });
  assert.equal(world.settled, 1);
});

test('a right withdrawn clears the value; a code from 2500 subscribes anew', () => {
  const { topics, sent } = make();
  const t = topics.join('self');
  topics.receive([snapshot(2, 'self', { n: 1 })]);
  topics.receive([{ t: 'off', k: 2, code: 2403, msg: 'permission revoked' }]);
  assert.equal(t.value.value, undefined);
  assert.equal(t.phase.value, 'refused');
  topics.receive([snapshot(2, 'self', { n: 1 })]);
  sent.length = 0;
  topics.receive([{ t: 'off', k: 2, code: 2500, msg: 'moved' }]);
  assert.equal(sent[0]!.t, 'sub');
});

test('a hidden tab slows every topic down and a shown one speeds it up', () => {
  const { topics, sent, world } = make();
  topics.join('a');
  topics.join('b');
  topics.receive([snapshot(1, 'a', {}), snapshot(2, 'b', {})]);
  sent.length = 0;
  topics.hidden(true);
  assert.deepEqual(sent, [{ t: 'rate', k: 1, min: HIDDEN_RATE_MS }, { t: 'rate', k: 2, min: HIDDEN_RATE_MS }]);
  sent.length = 0;
  topics.hidden(false);
  assert.deepEqual(sent.map((f) => f.min), [RATE_MS, RATE_MS]);
  world.hidden = true;
  assert.equal((topics.opening()[0] as Sent).min, HIDDEN_RATE_MS); // reconnected while hidden
});

test('two views share one subscription; it ends a while after the last has left', async () => {
  const { topics, sent, clock } = make();
  const a = topics.join('self');
  const b = topics.join('self');
  assert.equal(a, b);
  assert.equal(sent.filter((f) => f.t === 'sub').length, 1);
  topics.receive([snapshot(1, 'self', {})]);
  topics.leave(a);
  topics.leave(b);
  await clock.pass(4000);
  assert.equal(sent.filter((f) => f.t === 'unsub').length, 0);
  topics.join('self');
  await clock.pass(10_000);
  assert.equal(sent.filter((f) => f.t === 'unsub').length, 0);
  topics.leave(a);
  await clock.pass(5000);
  assert.equal(sent.filter((f) => f.t === 'unsub').length, 1);
  assert.deepEqual(topics.names(), []);
});

test('after forget nothing of the last user is left', () => {
  const { topics } = make();
  const t = topics.join('meter.host');
  topics.receive([snapshot(1, 'meter.host', { secret: 1 })]);
  topics.forget();
  assert.equal(t.value.value, undefined);
  assert.equal(topics.position('meter.host'), null);
  topics.receive([{ t: 'd', k: 1, s: 11, p: { secret: 2 } }]);
  assert.equal(t.value.value, undefined);
});
