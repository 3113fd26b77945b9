import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rrdRange, rrdRanges, trackOf } from '../src/state/rrd';

const HOUR = 3_600_000;

test('points stand on a grid; what was not measured is a gap, and stays one', () => {
  const at = (s: number) => new Date(1_790_000_000_000 + s * 1000).toISOString();
  const track = trackOf({ range: 'hour', step_s: 60, points: [
    { time: at(180), cpu: 0.5, mem: 7, net_in_bps: null },
    { time: at(0), cpu: 0.25, mem: 5 },
    { time: at(60), cpu: null, mem: null },
  ] }, HOUR);
  assert.equal(track.size, 4);
  assert.equal(track.step, 60_000);
  assert.deepEqual(track.get('cpu').avg, [25, null, null, 50]);
  assert.deepEqual(track.get('mem').avg, [5, null, null, 7]);
  assert.deepEqual(track.get('net_in_bps').avg, [null, null, null, null]);
  assert.equal(track.times()[0], 1_790_000_000);
});

test('nothing measured is an empty track, and numbers that are none are gaps', () => {
  assert.equal(trackOf({ range: 'day', step_s: 1800, points: [] }, HOUR).size, 0);
  const odd = trackOf({ range: 'day', step_s: 1800, points: [{ time: 'nonsense', cpu: 1 }, { time: 1_790_000_000, cpu: Number.NaN }] }, HOUR);
  assert.deepEqual(odd.get('cpu').avg, [null]);
});

test('the hour is asked for each minute, the others each five; an unknown range is the hour', () => {
  assert.deepEqual(rrdRanges.map((r) => [r.id, r.refetch_ms / 1000]), [['hour', 60], ['day', 300], ['week', 300], ['month', 300], ['year', 300]]);
  assert.equal(rrdRange('decade').id, 'hour');
  assert.equal(rrdRange('year').id, 'year');
});
