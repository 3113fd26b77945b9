import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curl, json, markdown } from '../src/state/record';

test('a command quotes what a name may hold', () => {
  assert.equal(curl('https://h:1', "/api/v1/history?series=mount//it's.used_pct"),
    `curl -sS -H "Authorization: Bearer $BINNACLE_KEY" 'https://h:1/api/v1/history?series=mount//it%27s.used_pct'`);
});

test('markdown keeps its columns whatever a value holds, and leaves rows inside to JSON', () => {
  assert.equal(markdown('a|b', { name: '<img|x>', note: 'one\n two', off: null, none: undefined, cores: { 0: {} }, tags: ['x'] }),
    '### a\\|b\n\n| field | value |\n|---|---|\n| name | &lt;img\\|x> |\n| note | one two |\n| off |  |\n| tags | ["x"] |\n');
});

test('JSON is the record as it came', () => {
  assert.deepEqual(JSON.parse(json({ a: 1, b: { c: null } })), { a: 1, b: { c: null } });
});
