import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endText, silences } from '../src/state/silence';

test('tomorrow at nine is by the wall, whatever the hour', () => {
  for (const hour of [0, 8, 9, 23]) {
    const at = new Date(2026, 10, 28, hour, 30).getTime();
    const [hourLater, eight, morning, week] = silences(at).map((s) => s.until);
    assert.deepEqual([hourLater! - at, eight! - at, week! - at], [3_600_000, 8 * 3_600_000, 7 * 86_400_000]);
    assert.equal(morning, new Date(2026, 10, 29, 9, 0).getTime());
  }
});

test('the end is said by its hour, and another day is named', () => {
  const at = new Date(2026, 10, 28, 12, 0).getTime();
  assert.match(endText(at + 3_600_000, at), /^13:00$/);
  assert.match(endText(new Date(2026, 10, 29, 9, 0).getTime(), at), /29.*09:00/);
});
