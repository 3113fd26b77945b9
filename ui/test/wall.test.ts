import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallAt, wallOf, wallQuery } from '../src/state/wall';

const pages = ['', 'host', 'diagnostics'];
const ask = (search: string, may = pages) => wallOf(new URLSearchParams(search), may);

test('no wall is asked for', () => {
  assert.equal(ask('range=1h'), null);
});

test('the word alone shows the overview and this machine in turn', () => {
  assert.deepEqual(ask('kiosk'), { every_s: 20, views: [{ page: '', range: '' }, { page: 'host', range: '5m' }, { page: 'host', range: '24h' }] });
});

test('with a fleet its servers take their turn', () => {
  assert.deepEqual(wallOf(new URLSearchParams('kiosk'), [...pages, 'servers'], true)?.views.map((v) => v.page), ['', 'servers', 'host', 'host']);
  assert.deepEqual(wallOf(new URLSearchParams('kiosk=host'), [...pages, 'servers'], true)?.views.map((v) => v.page), ['host'], 'what is asked for is shown');
});

test('views are named with their range, and only those one may see are shown', () => {
  assert.deepEqual(ask('kiosk=host:7d, diagnostics,nowhere&every=60'), { every_s: 60, views: [{ page: 'host', range: '7d' }, { page: 'diagnostics', range: '' }] });
  assert.deepEqual(ask('kiosk=diagnostics', ['', 'host'])?.views.length, 3);
});

test('the pace has bounds, and what is no number is the usual pace', () => {
  assert.equal(ask('kiosk&every=0.1')?.every_s, 5);
  assert.equal(ask('kiosk&every=1e9')?.every_s, 3600);
  assert.equal(ask('kiosk&every=soon')?.every_s, 20);
});

test('the address of a view keeps the wall, so that a reload goes on where it was', () => {
  const query = new URLSearchParams('kiosk=overview,host:24h&every=30&range=5m');
  const wall = wallOf(query, pages)!;
  assert.deepEqual(wallQuery(query, wall.views[1]!), { kiosk: 'overview,host:24h', every: '30', range: '24h' });
  assert.deepEqual(wallQuery(query, wall.views[0]!), { kiosk: 'overview,host:24h', every: '30' });
  assert.equal(wallAt(wall, 'host', '24h'), 1);
  assert.equal(wallAt(wall, 'host', ''), 1);
  assert.equal(wallAt(wall, 'audit', ''), 0);
});
