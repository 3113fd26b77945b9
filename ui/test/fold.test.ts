import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold, type Value } from '../src/link/fold';

test('a patch changes what it names and nothing else', () => {
  assert.deepEqual(fold({ a: 1, b: 2 }, { b: 3, c: 4 }), { a: 1, b: 3, c: 4 });
});

test('null removes, also what is not there', () => {
  assert.deepEqual(fold({ a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: null }, z: null }), { b: { d: 2 } });
});

test('a patch on a missing member creates it without its nulls', () => {
  assert.deepEqual(fold({}, { procs: { '1.2': { pid: 1, name: null } } }), { procs: { '1.2': { pid: 1 } } });
});

test('an object replaces a number and a number an object', () => {
  assert.deepEqual(fold({ a: 1, b: { c: 1 } }, { a: { x: 1 }, b: 2 }), { a: { x: 1 }, b: 2 });
});

test('an array is a value, not a collection', () => {
  assert.deepEqual(fold({ a: [1, 2, 3] }, { a: [4] }), { a: [4] });
});

test('what a patch does not touch stays the same object', () => {
  const before: Value = { cores: { '0': { busy_pct: 1 } }, mounts: { '/': { used_pct: 2 } } };
  const after = fold(before, { cores: { '0': { busy_pct: 9 } } });
  assert.equal(after.mounts, before.mounts);
  assert.notEqual(after.cores, before.cores);
  assert.deepEqual(before.cores, { '0': { busy_pct: 1 } }); // the old value is untouched
});

test('a member called __proto__ changes no prototype', () => {
  const patch = JSON.parse('{"__proto__":{"polluted":1},"ok":1}') as Value;
  const out = fold({}, patch);
  assert.equal((out as { polluted?: number }).polluted, undefined);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
  assert.equal(out.ok, 1);
});

test('two patches after each other equal their composition', () => {
  const start: Value = { a: { x: 1, y: 2 }, b: 1 };
  const one: Value = { a: { x: 2, y: null } };
  const two: Value = { a: { y: 5 }, b: null };
  const both: Value = { a: { x: 2, y: 5 }, b: null };
  assert.deepEqual(fold(fold(start, one), two), fold(start, both));
});
