import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIncluded, OFFERED, permissionsOf, PERMISSIONS, withPermission } from '../src/state/assignments';

test('view is part of every assignment, and words keep their order', () => {
  assert.deepEqual([...permissionsOf('')], ['view']);
  assert.deepEqual([...permissionsOf(null)], ['view']);
  assert.deepEqual([...permissionsOf('stop, start,fly')], ['view', 'start', 'stop']);
});

test('one more, one less, never without view', () => {
  assert.equal(withPermission('view,restart', 'start', true), 'view,start,restart');
  assert.equal(withPermission('view,start,restart', 'start', false), 'view,restart');
  assert.equal(withPermission('view,start', 'view', false), 'view,start');
  assert.equal(withPermission('view,start', 'start', true), 'view,start');
});

test('what another permission has is no choice: looking, where typing is allowed', () => {
  const of = (text: string) => OFFERED.filter((p) => isIncluded(p, permissionsOf(text)));
  assert.deepEqual(of('view'), ['view']);
  assert.deepEqual(of('view,console_view'), ['view']);
  assert.deepEqual(of('view,console'), ['view', 'console_view']);
  assert.equal(withPermission('view,stop', 'console_view', true), 'view,stop,console_view', 'in the order of the server');
  assert.deepEqual([...OFFERED].sort(), [...PERMISSIONS].sort());
});
