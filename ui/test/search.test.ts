import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Index, verbOf, wordsOf } from '../src/state/search';

const names = (list: string[], query: string, limit = 40) => new Index(list, (text) => ({ text, rest: '' })).find(wordsOf(query), limit).map((h) => h.of);

test('a name that begins so comes before one that has a word so, and that before any other', () => {
  assert.deepEqual(names(['cobweb', 'my-web', 'web-1', 'web'], 'web'), ['web', 'web-1', 'my-web', 'cobweb']);
});

test('every word must be found, in any order; signs are text', () => {
  assert.deepEqual(names(['web one', 'one', 'web'], 'one web'), ['web one']);
  assert.deepEqual(names(['a.b', 'axb'], 'A.B'), ['a.b']);
  assert.deepEqual(names(['a'], '['), []);
});

test('a whole number or node beside the name counts more than a part of one', () => {
  const index = new Index([{ id: 'x', rest: '1100 pve10' }, { id: 'y', rest: '100 pve1' }], (o) => ({ text: o.id, rest: o.rest }));
  assert.deepEqual(index.find(['100'], 9).map((h) => h.of.id), ['y', 'x']);
  assert.deepEqual(index.find(['pve1'], 9).map((h) => h.of.id), ['y', 'x']);
});

test('a verb before something is one, alone it is a word', () => {
  const verbs = ['start', 'stop', 'shutdown'] as const;
  assert.deepEqual(verbOf(['sta', 'web', '1'], verbs), { verb: 'start', words: ['web', '1'] });
  assert.equal(verbOf(['start'], verbs), null);
  assert.equal(verbOf(['st', 'web'], verbs), null);
  assert.equal(verbOf(['web', 'start'], verbs), null);
});

test('20,000 objects: built once, then each key is answered well within 80 ms', (t) => {
  const vms = Array.from({ length: 20_000 }, (_, i) => ({ name: `guest-${(i * 7919) % 20_000}-${['web', 'db', 'mail', 'build'][i % 4]}`, vmid: 100 + i, node: `pve${i % 400}`, server: `server-${i % 50}` }));
  // Processor time, so that what else this machine does is not measured with it.
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  const begun = used();
  const index = new Index(vms, (v) => ({ text: v.name, rest: `${v.vmid} ${v.node} ${v.server}` }));
  const built = used() - begun;
  assert.equal(index.size, 20_000);
  const took: number[] = [];
  for (const query of ['g', 'gu', 'gue', 'e', 'web', 'web 19', 'pve7 mail', 'server-3 db', 'zzz', '20099', '1 2 3 4 5', 'guest-1999']) {
    for (let i = 0; i < 5; i++) {
      const at = used();
      const found = index.find(wordsOf(query), 40);
      took.push(used() - at);
      assert.ok(found.length <= 40);
    }
  }
  took.sort((a, b) => a - b);
  const p95 = took[Math.floor(took.length * 0.95)]!;
  t.diagnostic(`measured building ${built.toFixed(1)} ms, a key median ${took[took.length >> 1]!.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
  assert.ok(p95 < 80, `p95 is ${p95} ms`);
  assert.equal(index.find(['20099'], 1)[0]!.of.vmid, 20_099);
});
