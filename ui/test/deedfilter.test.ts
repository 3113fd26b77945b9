import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvPath, fitsOf, searchOf } from '../src/state/deedfilter';
import { isAutomatic, noticesOf } from '../src/state/notices';
import type { Operation } from '../src/state/operations';
import { median } from '../src/state/ping';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const op = (id: string, more: Partial<Operation> = {}): Operation => ({ id, type: 'service_restart', status: 'completed', started_at: `2026-11-29T10:00:${id.padStart(2, '0')}Z`, ...more });

test('the address narrows the question, and a span counts back from now', () => {
  const wanted = searchOf(new URLSearchParams('status=failed&since=24h&id=x&target_id=t'), {}, NOW);
  assert.equal(wanted.toString(), 'status=failed&target_id=t&since=2026-11-28T12%3A00%3A00Z');
  assert.equal(searchOf(new URLSearchParams('since=2026-11-01T00:00:00Z'), { vmid: '100' }, NOW).toString(), 'vmid=100&since=2026-11-01T00%3A00%3A00Z');
  assert.equal(csvPath(searchOf(new URLSearchParams('page=3&status=failed'), {}, NOW)), 'api/v1/operations.csv?status=failed');
  assert.equal(csvPath(new URLSearchParams()), 'api/v1/operations.csv');
});

test('what the topic tells belongs to a list only if the question would have found it', () => {
  const fits = (query: string) => fitsOf(searchOf(new URLSearchParams(query), {}, NOW));
  const one = op('1', { status: 'in_progress', target_id: 't', created_by: 'ada' });
  for (const query of ['', 'status=active', 'status=in_progress', 'type=service_restart', 'target_id=t', 'created_by=ada', 'since=24h']) assert.ok(fits(query)(one), query);
  for (const query of ['status=failed', 'type=logs', 'target_id=u', 'server_id=s', 'created_by=max', 'since=1h', 'vmid=100']) assert.ok(!fits(query)(one), query);
});

test('notices are the last ten that nobody began, without those dismissed; one under way comes back', () => {
  assert.deepEqual(['schedule', 'auto', 'rule', 'user', 'key', undefined].map((kind) => isAutomatic({ created_by_kind: kind ?? null })), [true, true, true, false, false, false]);
  const asked = Array.from({ length: 14 }, (_, i) => op(String(i + 1), { created_by_kind: 'schedule' }));
  const live = [op('14', { created_by_kind: 'schedule', status: 'failed' }), op('15', { created_by_kind: 'user' })];
  const found = noticesOf(live, asked, '');
  assert.deepEqual(found.map((o) => o.id), ['14', '13', '12', '11', '10', '9', '8', '7', '6', '5']);
  assert.equal(found[0]!.status, 'failed', 'the topic knows better');
  assert.deepEqual(noticesOf(live, asked, asked[12]!.started_at!).map((o) => o.id), ['14']);
  assert.deepEqual(noticesOf([op('2', { created_by_kind: 'auto', status: 'in_progress' })], [], '2026-12-01').map((o) => o.id), ['2']);
});

test('the middle of some times', () => {
  assert.equal(median([5, 1, 9]), 5);
  assert.equal(median([4, 1, 2, 9]), 3);
});
