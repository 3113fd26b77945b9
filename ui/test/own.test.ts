import assert from 'node:assert/strict';
import { test } from 'node:test';
import { own, ownSubject } from '../src/state/own';

/** How deep one is after it, and the least on the way. */
function depth(text: string): [number, number] {
  let at = 0;
  let least = 0;
  for (const c of text) {
    if (c === '\u2069') at -= 1;
    else if (c >= '\u2066' && c <= '\u2068') at += 1;
    least = Math.min(least, at);
  }
  return [at, least];
}

test('ordinary names come back as they are', () => {
  for (const name of ['', 'web-1', 'größe', '名前', '👩‍👩‍👧‍👦', '<b>', 'a\u200Bb']) assert.equal(own(name), name);
  assert.equal(ownSubject('web (100) on alpha'), 'web (100) on alpha');
});

test('what turns text is isolated, however its own marks are closed', () => {
  for (const name of ['שרת', 'خادم 1', 'a\u202Eb', '\u2066\u2067a', 'a\u2069\u2069b', '\u2066a\u2069\u2069\u2068b', '\u{1E900}']) {
    const text = own(name);
    assert.ok(text.startsWith('\u2068') && text.endsWith('\u2069'), name);
    assert.deepEqual(depth(text), [0, 0], name);
    assert.deepEqual(depth(`${text.slice(0, -1)}`), [1, 0], 'its own mark is open until the end');
    assert.equal(text.replace(/[\u2066-\u2069]/g, ''), name.replace(/[\u2066-\u2069]/g, ''), 'no letter is lost');
  }
});

test('what an operation is about: both names for themselves', () => {
  assert.equal(ownSubject('a\u202Eb (1) on c (100) on שרת'), '\u2068a\u202Eb (1) on c\u2069 (100) on \u2068שרת\u2069');
  assert.equal(ownSubject('\u202Ex'), '\u2068\u202Ex\u2069');
});
