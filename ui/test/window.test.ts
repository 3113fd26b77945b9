import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepOf, windowOf } from '../src/state/window';

test('the drawn rows and the room of the others are the whole, wherever one is', () => {
  for (const count of [1, 7, 100, 20_000]) {
    for (const top of [600, 0, -1, -47, -48, -49, -4000, -959_990, -5_000_000]) {
      const w = windowOf(count, 48, top, 900);
      assert.equal(w.before + (w.last - w.first) * 48 + w.after, count * 48, `${count} at ${top}`);
      assert.ok(w.first >= 0 && w.last <= count && w.last > w.first, `${count} at ${top}: ${w.first} to ${w.last}`);
      assert.ok(w.last - w.first <= 900 / 48 + 14, 'few are drawn');
    }
  }
});

test('every row in sight is drawn, with some more on both sides', () => {
  const w = windowOf(20_000, 48, -48_010, 900);
  assert.ok(w.first <= 1000 - 5 && w.last >= Math.ceil((48_010 + 900) / 48) + 5);
  assert.deepEqual(windowOf(0, 48, 0, 900), { first: 0, last: 0, before: 0, after: 0 });
  assert.deepEqual(windowOf(10, 0, 0, 900), { first: 0, last: 0, before: 0, after: 0 });
});

test('keys lead from row to row and stop at the ends', () => {
  assert.equal(stepOf('ArrowDown', -1, 5, 3), 0);
  assert.equal(stepOf('ArrowDown', 4, 5, 3), 4);
  assert.equal(stepOf('ArrowUp', 0, 5, 3), 0);
  assert.equal(stepOf('ArrowUp', -1, 5, 3), null);
  assert.equal(stepOf('PageDown', 0, 100, 12), 12);
  assert.equal(stepOf('PageUp', 5, 100, 12), 0);
  assert.equal(stepOf('End', 0, 20_000, 12), 19_999);
  assert.equal(stepOf('Home', 99, 100, 12), 0);
  assert.equal(stepOf('ArrowDown', 1, 100, 12, 4), 5);
  assert.equal(stepOf('ArrowRight', 1, 100, 12, 4), 2);
  assert.equal(stepOf('ArrowRight', 1, 100, 12), null);
  assert.equal(stepOf('x', 1, 100, 12), null);
  assert.equal(stepOf('ArrowDown', -1, 0, 12), null);
});
