import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strength } from '../src/state/strength';

test('short is not enough, whatever is in it', () => {
  assert.equal(strength('aB3$xY9!', '').score, 0);
  assert.match(strength('aB3$xY9!', '').text, /4 more characters/);
});

test('length in code points, so an emoji counts once', () => {
  assert.equal(strength('😀'.repeat(11), '').score, 0);
  assert.notEqual(strength('😀🐟🚢⚓🌊🧭🐋🦀🐙🌙⭐🔔', '').score, 0);
});

test('repeats and runs are weak, however long', () => {
  assert.equal(strength('aaaaaaaaaaaaaaaa', '').score, 1);
  assert.equal(strength('abcdefghijklmnop', '').score, 1);
});

test('the user name inside is weak', () => {
  assert.equal(strength('vera-and-the-boat-42', 'Vera').score, 1);
});

test('unrelated words are good, more of them strong', () => {
  assert.ok(strength('correct horse battery', '').score >= 3);
  assert.equal(strength('correct Horse battery staple 9', '').score, 4);
});

test('beyond the limit it says so', () => {
  assert.equal(strength('x1'.repeat(65), '').score, 0);
  assert.match(strength('x1'.repeat(65), '').text, /2 too many/);
});
