import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayOf, jumpChoices, jumpsOf, keyStateOf, matches, placeOf, sortTargets, tagsOf } from '../src/state/targetwords';

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
