import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleOf, splitSeries } from '../src/state/split';
import { pixels, plan, rangeById, ranges, sum, summary, Track, type HistoryAnswer } from '../src/state/history';

const T0 = 1_700_000_000_000;
const X = 'host/local.cpu_pct';

function answer(avg: (number | null)[], step = 1000): HistoryAnswer {
  return { from: new Date(T0).toISOString(), to: new Date(T0 + avg.length * step).toISOString(), step_ms: step, series: { [X]: { avg, min: avg, max: avg } } };
}

const one = (v: number | undefined) => () => v;

test('an answer becomes a grid, its gaps stay gaps', () => {
  const t = Track.of(answer([1, null, 3]), [X], 300_000);
  assert.deepEqual(t.get(X).avg, [1, null, 3]);
  assert.deepEqual(t.times(), [T0 / 1000, T0 / 1000 + 1, T0 / 1000 + 2]);
  assert.equal(t.end, T0 + 2000);
});

test('a series the answer lacks is all unknown, as long as the others', () => {
  const t = Track.of(answer([1, 2]), [X, 'nic/eth0.rx_bps'], 300_000);
  assert.deepEqual(t.get('nic/eth0.rx_bps').avg, [null, null]);
});

test('a sample of the next second is the next point', () => {
  const t = Track.of(answer([1, 2]), [X], 300_000);
  t.push(T0 + 2020, one(7));
  assert.deepEqual(t.get(X).avg, [1, 2, 7]);
});

test('seconds without a sample are null, not zero and not joined', () => {
  const t = Track.of(answer([1]), [X], 300_000);
  t.push(T0 + 4000, one(5));
  assert.deepEqual(t.get(X).avg, [1, null, null, null, 5]);
});

test('an unknown value is a gap although a sample came', () => {
  const t = Track.of(answer([1]), [X], 300_000);
  t.push(T0 + 1000, one(undefined));
  t.push(T0 + 2000, one(NaN));
  assert.deepEqual(t.get(X).avg, [1, null, null]);
});

test('a coarse step folds its samples into mean, least and greatest', () => {
  const t = new Track([X], 10_000, 3_600_000, T0);
  for (const [s, v] of [[0, 10], [1, 20], [2, 30]] as const) t.push(T0 + s * 1000, one(v));
  assert.deepEqual([t.get(X).avg[0], t.get(X).min[0], t.get(X).max[0]], [20, 10, 30]);
  t.push(T0 + 10_000, one(4));
  assert.deepEqual([t.get(X).avg[1], t.get(X).min[1], t.get(X).max[1]], [4, 4, 4]);
});

test('a sample older than the newest step changes nothing', () => {
  const t = Track.of(answer([1, 2, 3]), [X], 300_000);
  t.push(T0 + 500, one(99));
  assert.deepEqual(t.get(X).avg, [1, 2, 3]);
});

test('what leaves the range is forgotten', () => {
  const t = new Track([X], 1000, 5000, T0);
  for (let i = 0; i < 20; i++) t.push(T0 + i * 1000, one(i));
  assert.ok(t.size <= 6, `${t.size} points for 5 s`);
  assert.equal(t.get(X).avg.at(-1), 19);
  assert.equal(t.get(X).avg.length, t.times().length);
  assert.equal(t.times().at(-1), T0 / 1000 + 19);
});

test('after a night away the grid starts over instead of growing', () => {
  const t = new Track([X], 1000, 5000, T0);
  t.push(T0, one(1));
  t.push(T0 + 86_400_000, one(2));
  assert.ok(t.size <= 6);
  assert.equal(t.end, T0 + 86_400_000);
  assert.equal(t.get(X).avg.at(-1), 2);
  assert.equal(t.get(X).avg.filter((v) => v !== null).length, 1);
});

test('a sum is unknown only where all of it is', () => {
  assert.deepEqual(sum([[1, null, null], [2, 5, null]]), [3, 5, null]);
  assert.deepEqual(sum([]), []);
});

test('the summary looks at what was measured only', () => {
  const s = summary({ avg: [null, 2, 4], min: [null, 1, 3], max: [null, 5, 9] });
  assert.deepEqual(s, { now: 4, min: 1, max: 9, avg: 3 });
  assert.deepEqual(summary({ avg: [null], min: [null], max: [null] }), { now: null, min: null, max: null, avg: null });
});

test('series names are cut at the first slash and the last dot', () => {
  assert.deepEqual(splitSeries('mount//var/lib.d.used_pct'), { kind: 'mount', id: '/var/lib.d', field: 'used_pct' });
  assert.deepEqual(splitSeries('nic/eth0.100.rx_bps'), { kind: 'nic', id: 'eth0.100', field: 'rx_bps' });
});

test('a topic value is a sample by the names of its series', () => {
  const s = sampleOf({ at: '2026-11-20T10:00:00.020Z', cpu_pct: 4, name: 'vega', mounts: { '/': { used_pct: 41 } } })!;
  assert.equal(s.at, Date.parse('2026-11-20T10:00:00.020Z'));
  assert.equal(s.read('host/local.cpu_pct'), 4);
  assert.equal(s.read('mount//.used_pct'), 41);
  assert.equal(s.read('mount//gone.used_pct'), undefined);
  assert.equal(s.read('host/local.name'), undefined);
  assert.equal(sampleOf({ cpu_pct: 1 }), null);
  assert.equal(sampleOf(undefined), null);
});

test('the ranges are those the server knows, and an unknown one is the first', () => {
  assert.deepEqual(ranges.map((r) => r.id), ['5m', '1h', '24h', '7d', '30d', '1y']);
  assert.equal(rangeById('2w').id, '5m');
  assert.equal(rangeById(null).id, '5m');
});

test('an hour is asked for by the second, as long as that is not too much for one browser', () => {
  const hour = rangeById('1h');
  assert.deepEqual(plan(hour, 30), { points: 3602, names: 27, finest_ms: 1000 });
  assert.deepEqual(plan(hour, 200), { points: 1500, names: 50, finest_ms: 10_000 });
  assert.deepEqual(plan(rangeById('5m'), 200), { points: 1500, names: 50, finest_ms: 1000 });
  assert.deepEqual(plan(rangeById('24h'), 30), { points: 1500, names: 50, finest_ms: 0 });
  for (const r of ranges) for (const n of [1, 60, 500]) assert.ok(plan(r, n).points * plan(r, n).names <= 100_000);
});

test('the first measurement of a range is known', () => {
  assert.equal(Track.of(answer([null, null, 3, null]), [X], 300_000).first, T0 + 2000);
  assert.equal(Track.of(answer([null, null]), [X], 300_000).first, 0);
  assert.equal(Track.of(answer([]), [X], 300_000).first, 0);
});

test('points that share a pixel are drawn as their mean, gaps as nothing', () => {
  assert.deepEqual(pixels([10, null, 30], 6, 2), [[0, 10], [4, 30]]);
  assert.deepEqual(pixels([10, 20, 30, null, 50, 70], 3, 0.5), [[0, 15], [1, 30], [2, 60]]);
});
