import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Vm } from '../src/model.gen';
import { actionsOf, filterOf, groupOf, GuestIndex, natural, NO_FILTER, queryOf, statusWord, whyIdle, type PowerAction } from '../src/state/guests';

const NAMES = new Map([['a', 'alpha'], ['b', 'beta']]);

function vm(server: string, vmid: number, more: Partial<Vm> = {}): Vm {
  return { server_id: server, vmid, node: 'pve1', type: 'qemu', name: `web-${vmid}`, status: 'running', cpu: 0.1, maxcpu: 2, mem: 1, maxmem: 4, ...more };
}

function section(...list: Vm[]): Record<string, Vm> {
  return Object.fromEntries(list.map((v) => [`${v.server_id}/${v.vmid}`, v]));
}

function made(...list: Vm[]): GuestIndex {
  const index = new GuestIndex();
  index.take(section(...list), NAMES);
  return index;
}

const ids = (index: GuestIndex, filter = {}) => index.view({ ...NO_FILTER, ...filter }).rows.map((r) => r.id);

test('each status belongs to one group, and paused includes suspended', () => {
  for (const [status, group] of [['running', 'running'], ['stopped', 'stopped'], ['paused', 'paused'], ['suspended', 'paused'], ['io-error', 'paused'], ['unknown', 'unknown'], ['', 'unknown']] as const) {
    assert.equal(groupOf({ status }), group, status);
  }
  assert.equal(groupOf({ status: 'stopped', lock: 'suspended' }), 'paused');
  assert.equal(statusWord({ status: 'stopped', lock: 'suspended' }), 'suspended');
  assert.equal(statusWord({}), 'unknown');
});

test('what can be done follows from the status, and from nothing else', () => {
  const cases: [Partial<Vm>, PowerAction[]][] = [
    [{ status: 'running' }, ['shutdown', 'stop', 'reset', 'reboot', 'suspend']],
    [{ status: 'running', type: 'lxc' }, ['shutdown', 'stop', 'reboot']],
    [{ status: 'stopped' }, ['start']],
    [{ status: 'stopped', type: 'lxc' }, ['start']],
    [{ status: 'paused' }, ['resume', 'stop', 'reset']],
    [{ status: 'suspended', type: 'lxc' }, ['resume', 'stop']],
    [{ status: 'stopped', lock: 'suspended' }, ['resume']],
    [{ status: 'unknown' }, []],
    [{ status: 'running', is_stale: true }, []],
    [{ status: 'stopped', template: true }, []],
  ];
  for (const [more, actions] of cases) {
    const it = vm('a', 1, more);
    assert.deepEqual(actionsOf(it), actions, JSON.stringify(more));
    assert.equal(whyIdle(it) === '', actions.length > 0, 'it says why, where nothing can be done');
  }
});

test('server, status, text and templates narrow together', () => {
  const index = made(vm('a', 100, { tags: 'prod;db', node: 'rack7' }), vm('b', 100, { status: 'stopped' }), vm('a', 101, { status: 'suspended', name: 'mail' }),
    vm('b', 102, { status: 'paused' }), vm('a', 900, { template: true, status: 'stopped', name: 'golden' }));
  assert.deepEqual(ids(index), ['a/101', 'a/100', 'b/100', 'b/102']);
  assert.deepEqual(ids(index, { server: 'a' }), ['a/101', 'a/100']);
  assert.deepEqual(ids(index, { status: 'paused' }), ['a/101', 'b/102']);
  assert.deepEqual(ids(index, { status: 'paused', server: 'b' }), ['b/102']);
  for (const text of ['rack7', 'PROD', 'db prod', 'web-100 alpha', '100 rack']) assert.deepEqual(ids(index, { text }), ['a/100'], text);
  assert.deepEqual(ids(index, { text: 'beta' }), ['b/100', 'b/102']);
  assert.deepEqual(ids(index, { text: 'beta', status: 'running' }), []);
  assert.deepEqual(ids(index, { templates: true, text: 'gold' }), ['a/900']);
  // The tiles count what is left when only the status is not asked for.
  assert.deepEqual(index.view({ ...NO_FILTER, server: 'a', status: 'paused' }).counts, { total: 2, running: 1, stopped: 0, paused: 1, unknown: 0 });
});

test('letter by letter, forth and back, passes what the whole word passes', () => {
  const all = Array.from({ length: 200 }, (_, i) => vm(i % 3 ? 'a' : 'b', 100 + i, { status: i % 5 ? 'running' : 'stopped', node: `pve${i % 4}`, template: i % 11 === 0 }));
  const typed = made(...all);
  const words = ['', 'w', 'we', 'web', 'web-1', 'web-1 ', 'web-1 p', 'web-1 pve2', 'web-1 pve', 'eb', 'eb alpha', 'EB ALPHA', 'x', ''];
  for (const text of words) {
    for (const more of [{}, { status: 'stopped' }, { server: 'a' }, { templates: true }] as const) {
      const [a, b] = [typed, made(...all)].map((index) => index.view({ ...NO_FILTER, ...more, text }));
      assert.deepEqual([a!.rows.map((r) => r.id), a!.counts], [b!.rows.map((r) => r.id), b!.counts], `${text} ${JSON.stringify(more)}`);
    }
    typed.view({ ...NO_FILTER, text, status: 'running' });
  }
});

test('the filter goes into the address and comes back', () => {
  const filter = { server: 'b', status: 'paused', text: 'web 1', templates: true } as const;
  const query = queryOf(filter, '-cpu');
  assert.deepEqual(query, { server: 'b', status: 'paused', q: 'web 1', templates: '1', sort: '-cpu' });
  assert.deepEqual(filterOf(new URLSearchParams(query)), filter);
  assert.deepEqual(queryOf(NO_FILTER, 'name'), {});
  assert.deepEqual(filterOf(new URLSearchParams('status=nonsense')), NO_FILTER);
});

test('numbers in names sort by value; unknown is last both ways; the same number on two servers are two', () => {
  assert.ok(natural('web-2') < natural('web-10'));
  const index = made(vm('a', 10), vm('a', 9), vm('b', 9, { cpu: 0.9 }), vm('a', 11, { status: 'stopped', cpu: undefined }));
  assert.deepEqual(ids(index), ['a/9', 'b/9', 'a/10', 'a/11']);
  index.sortBy('-cpu');
  assert.deepEqual(ids(index)[0], 'b/9');
  assert.deepEqual(ids(index).at(-1), 'a/11');
  index.sortBy('cpu');
  assert.deepEqual(ids(index).at(-1), 'a/11');
});

test('a change that no filter looks at keeps the places and the rows that did not change', () => {
  const first = section(vm('a', 1), vm('a', 2), vm('a', 3));
  const index = new GuestIndex();
  index.take(first, NAMES);
  const before = index.view(NO_FILTER).rows;
  index.take({ ...first, 'a/2': { ...first['a/2']!, cpu: 0.5 } }, NAMES);
  const after = index.view(NO_FILTER).rows;
  assert.equal(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
  assert.equal(after[1]!.cpu, 0.5);
  assert.equal(after[2], before[2]);
});

test('guests come, go, change their name; servers are renamed and switched off', () => {
  const index = made(vm('a', 1), vm('b', 2));
  index.take(section(vm('a', 1, { name: 'zeta' }), vm('b', 2), vm('b', 3)), NAMES);
  assert.deepEqual(ids(index), ['b/2', 'b/3', 'a/1']);
  index.take(section(vm('a', 1), vm('b', 3)), NAMES);
  assert.deepEqual(ids(index), ['a/1', 'b/3']);
  index.take(section(vm('a', 1), vm('b', 3)), new Map([['a', 'omega'], ['b', 'beta']]));
  assert.deepEqual(ids(index, { text: 'omega' }), ['a/1']);
  index.take(section(vm('a', 1), vm('b', 3)), new Map([['a', 'omega']]));
  assert.deepEqual(ids(index), ['a/1']);
  assert.equal(index.size, 1);
});

test('held rows stay where they are while their numbers move, and go to their places afterwards', () => {
  const index = made(vm('a', 1, { cpu: 0.9 }), vm('a', 2, { cpu: 0.5 }));
  index.sortBy('-cpu');
  assert.deepEqual(ids(index), ['a/1', 'a/2']);
  index.hold(true);
  index.take(section(vm('a', 1, { cpu: 0.1 }), vm('a', 2, { cpu: 0.5 }), vm('a', 3, { cpu: 1 })), NAMES);
  assert.deepEqual(ids(index), ['a/1', 'a/2', 'a/3']);
  assert.equal(index.view(NO_FILTER).rows[0]!.cpu, 0.1, 'the value is the new one');
  index.hold(false);
  assert.deepEqual(ids(index), ['a/3', 'a/2', 'a/1']);
});

test('merged in steps or sorted at once, the order is the same (1,000 random changes)', () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  let now: Record<string, Vm> = {};
  const index = new GuestIndex();
  index.sortBy('-cpu');
  for (let round = 0; round < 100; round++) {
    now = { ...now };
    for (let i = 0; i < 10; i++) {
      const id = Math.floor(random() * 60);
      const key = `${random() < 0.5 ? 'a' : 'b'}/${id}`;
      if (random() < 0.2) delete now[key];
      else now[key] = vm(key[0]!, id, { cpu: random() < 0.2 ? undefined : Math.floor(random() * 9) / 10, status: random() < 0.8 ? 'running' : 'stopped' });
    }
    index.take(now, NAMES);
    const fresh = new GuestIndex();
    fresh.take(now, NAMES);
    fresh.sortBy('-cpu');
    assert.deepEqual(ids(index), ids(fresh));
    assert.deepEqual(ids(index, { status: 'stopped' }), ids(fresh, { status: 'stopped' }));
  }
});

test('20,000 guests: a keystroke and a change of 200 rows are answered without reading and sorting all anew', (t) => {
  const now: Record<string, Vm> = {};
  for (let i = 0; i < 20_000; i++) {
    const it = vm(i % 2 ? 'a' : 'b', i, { cpu: (i * 37 % 100) / 100, tags: 'prod;web', node: `pve${i % 20}` });
    now[`${it.server_id}/${i}`] = it;
  }
  const ids = Object.keys(now);
  const least = (runs: number, prepare: (round: number) => () => void) => {
    let best = Infinity;
    for (let round = 0; round < runs; round++) {
      const run = prepare(round);
      const from = performance.now();
      run();
      best = Math.min(best, performance.now() - from);
    }
    return best;
  };
  const whole = least(5, () => {
    const fresh = new GuestIndex();
    return () => {
      fresh.sortBy('-cpu');
      fresh.take(now, NAMES);
      fresh.view(NO_FILTER);
    };
  });
  const index = new GuestIndex();
  index.sortBy('-cpu');
  index.take(now, NAMES);
  const texts = ['w', 'we', 'web', 'web-1', 'web-19', 'web-199', 'nothing'];
  const key = least(14, (round) => () => void index.view({ ...NO_FILTER, text: texts[round % 7]! }));
  index.view(NO_FILTER);
  const delta = least(15, (round) => {
    const next = { ...now };
    for (let i = 0; i < 200; i++) {
      const id = ids[(round * 977 + i * 89) % 20_000]!;
      next[id] = { ...now[id]!, cpu: (i + round) / 300 };
    }
    return () => {
      index.take(next, NAMES);
      index.view(NO_FILTER);
    };
  });
  t.diagnostic(`measured 20,000 guests: all read and sorted ${whole.toFixed(1)} ms, a keystroke ${key.toFixed(1)} ms, 200 changed rows ${delta.toFixed(1)} ms`);
  // Ratios, because machines differ.
  assert.ok(key < whole / 2, `${key} ms for a keystroke, ${whole} ms for all`);
  assert.ok(delta < whole / 2, `${delta} ms for 200 rows, ${whole} ms for all`);
});
