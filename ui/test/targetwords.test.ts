import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deedOf, displayOf, jumpChoices, jumpsOf, keyStateOf, laterOf, matches, placeOf, sortTargets, tagsOf } from '../src/state/targetwords';

test('a target is called by its name, and stands where one logs in', () => {
  assert.deepEqual(displayOf({ id: 'x', name: 'web3', username: 'root', host: 'web3.lan', port: 2222 }), { name: 'web3', place: 'root@web3.lan:2222' });
  assert.deepEqual(displayOf({ id: 'x', username: 'ops', host: 'web3.lan' }), { name: 'web3.lan', place: 'ops@web3.lan:22' });
  assert.deepEqual(displayOf({ id: 'x' }), { name: 'x', place: '?@?:22' });
  assert.equal(placeOf({ host: '2001:db8::1', port: 22 }), '[2001:db8::1]:22');
});

test('by name, numbers by their value', () => {
  const names = (list: string[]) => sortTargets(list.map((name) => ({ id: name, name }))).map((t) => t.name);
  assert.deepEqual(names(['web10', 'Web2', 'db']), ['db', 'Web2', 'web10']);
});

test('a host key is unknown, seen, confirmed or changed', () => {
  assert.equal(keyStateOf({}), 'unknown');
  assert.equal(keyStateOf({ seen_host_key: 'SHA256:a' }), 'seen');
  assert.equal(keyStateOf({ host_key: 'SHA256:a' }), 'confirmed');
  assert.equal(keyStateOf({ host_key: 'SHA256:a', seen_host_key: 'SHA256:a' }), 'confirmed');
  assert.equal(keyStateOf({ host_key: 'SHA256:a', seen_host_key: 'SHA256:b' }), 'changed');
});

test('every word must be somewhere, whatever its case', () => {
  const t = { name: 'web3', host: '10.0.0.3', service: 'nginx.service', tags: 'prod, edge', site: 'Frankfurt', platform: 'vos' as const };
  assert.ok(matches(t, 'WEB frank'));
  assert.ok(matches(t, 'cisco edge'));
  assert.ok(matches(t, ''));
  assert.ok(!matches(t, 'web berlin'));
  assert.deepEqual(tagsOf(t), ['prod', 'edge']);
  assert.deepEqual(tagsOf({ tags: 'a,,a , b' }), ['a', 'b']);
  assert.deepEqual(tagsOf({}), []);
});

test('the way to it is told from us on, and never goes in a circle', () => {
  const all = [{ id: 'a' }, { id: 'b', jump_id: 'a' }, { id: 'c', jump_id: 'b' }, { id: 'x', jump_id: 'y' }, { id: 'y', jump_id: 'x' }, { id: 'lost', jump_id: 'gone' }];
  const find = (id: string) => all.find((t) => t.id === id);
  const way = (id: string) => jumpsOf<{ id: string; jump_id?: string }>(find(id)!, find).map((t) => t.id);
  assert.deepEqual(way('a'), []);
  assert.deepEqual(way('c'), ['a', 'b']);
  assert.deepEqual(way('x'), ['y']);
  assert.deepEqual(way('lost'), []);
  const choices = (id?: string) => jumpChoices<{ id: string; jump_id?: string }>(all, id, find).map((t) => t.id);
  assert.deepEqual(choices('b'), ['a', 'x', 'y', 'lost'], 'what is reached through it cannot lead to it');
  assert.equal(choices(undefined).length, all.length);
});

test('of what was done on each the last is known, and of one operation what was told last', () => {
  const op = (id: string, target_id: string, started_at: string, more: object = {}) => ({ id, target_id, started_at, ...more });
  let had = laterOf(new Map(), [op('1', 'a', '2026-01-01'), op('2', 'a', '2026-01-03'), op('3', 'b', '2026-01-02'), { id: '4', started_at: '2026-02-01' }]);
  assert.deepEqual([...had.values()].map((o) => o.id), ['2', '3']);
  assert.equal(laterOf(had, [op('1', 'a', '2026-01-01')]), had, 'nothing new, nothing drawn');
  had = laterOf(had, [op('2', 'a', '2026-01-03', { updated_at: '2026-01-04', status: 'completed' })]);
  assert.equal(had.get('a')?.status, 'completed');
  assert.equal(laterOf(had, [op('2', 'a', '2026-01-03', { updated_at: '2026-01-03', status: 'in_progress' })]).get('a')?.status, 'completed', 'an older answer changes nothing');
});

test('an end in the same millisecond as the step before it is the later one', () => {
  const op = (status: string) => ({ id: '1', target_id: 'a', started_at: '2026-01-01', updated_at: '2026-01-02', status });
  const ended = laterOf(laterOf(new Map(), [op('in_progress')]), [op('completed')]);
  assert.equal(ended.get('a')?.status, 'completed');
  assert.equal(laterOf(ended, [op('in_progress')]), ended);
});

test('what was done is said in few words, by sign and word', () => {
  const of = (more: object) => { const d = deedOf({ id: '1', subject: 'nginx.service on web3', type: 'service_restart', ...more }, 'web3'); return `${d.glyph} ${d.text}`; };
  assert.equal(of({ status: 'completed', subject: 'web3' }), '✓ restarted', 'a custom restart names no service');
  assert.equal(of({ status: 'completed', subject: 'nginx.service on web3' }), '✓ restarted nginx.service');
  assert.equal(of({ status: 'failed', subject: 'nginx.service on web3' }), '✖ restart failed: nginx.service');
  assert.equal(of({ status: 'in_progress', subject: 'nginx.service on web3', progress: 50 }), '⟳ restarting nginx.service 50 %');
  assert.equal(of({ status: 'cancelled', subject: 'nginx.service on web3' }), '‖ restarting nginx.service, cancelled');
  assert.equal(of({ type: 'ssh_test', status: 'completed', subject: 'web3' }), '✓ tested');
  assert.equal(of({ type: 'ssh_test', status: 'failed', subject: 'web3' }), '✖ test failed');
  assert.equal(of({ status: 'completed', subject: 'nginx.service on web3', has_warnings: true }), '! restarted nginx.service, with warnings');
});
