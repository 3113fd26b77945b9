import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arcsOf, bySlowness, chosenOf, figuresOf, toggled } from '../src/state/monitoring';

const row = (id: string, more: object = {}) => ({ id, name: id, is_active: true, connection_status: 'online' as const, ...more });

test('means are of what was measured, and of nothing there is none', () => {
  const empty = figuresOf([], new Map());
  assert.deepEqual([empty.total, empty.avgSuccess, empty.avgMs], [0, null, null]);
  const fresh = figuresOf([row('a', { connection_status: 'unknown' })], new Map());
  assert.deepEqual([fresh.total, fresh.online, fresh.offline, fresh.avgSuccess], [1, 0, 0, null]);
  const f = figuresOf([
    row('a', { success_rate: 100, avg_response_time_ms: 20 }), row('b', { connection_status: 'offline', success_rate: 50 }),
    row('c', { is_active: false, success_rate: 1, avg_response_time_ms: 9000, vpn_enabled: true }), row('d', { connection_status: 'unknown' }),
  ], new Map());
  assert.deepEqual([f.total, f.disabled, f.online, f.offline, f.avgSuccess, f.avgMs, f.measured, f.vpn], [4, 1, 1, 1, 75, 20, 2, 1]);
});

test('a flapping server is online or offline by its last check, and flapping in the ring', () => {
  const f = figuresOf([row('a', { is_flapping: true, connection_status: 'offline' }), row('b'), row('c')], new Map([['c', 1]]));
  assert.deepEqual([f.online, f.offline], [2, 1]);
  assert.deepEqual(f.states, [['flapping', 1], ['degraded', 1], ['online', 1]]);
});

test('the ring is whole', () => {
  const arcs = arcsOf([['offline', 1], ['online', 3]]);
  assert.deepEqual(arcs, [{ state: 'offline', from: 0, to: 0.25 }, { state: 'online', from: 0.25, to: 1 }]);
  assert.deepEqual(arcsOf([]), []);
});

test('the slowest stand first, those never timed last', () => {
  const list = [row('b'), row('x', { avg_response_time_ms: 5 }), row('a'), row('y', { avg_response_time_ms: 50 })];
  assert.deepEqual(bySlowness(list).map((s) => s.id), ['y', 'x', 'a', 'b']);
});

test('four are compared until others are chosen, and the address says which', () => {
  const list = ['a', 'b', 'c', 'd', 'e'].map((id) => row(id));
  const ids = (asked: string | null) => chosenOf(list, asked).map((s) => s.id);
  assert.deepEqual(ids(null), ['a', 'b', 'c', 'd']);
  assert.deepEqual(ids('e,gone,a'), ['a', 'e']);
  assert.deepEqual(ids(''), []);
  assert.equal(toggled(list, chosenOf(list, null), 'e'), 'a,b,c,d,e');
  assert.equal(toggled(list, chosenOf(list, 'a,b,c,d,e'), 'e'), null);
  assert.equal(toggled(list, chosenOf(list, 'a'), 'a'), '');
});
