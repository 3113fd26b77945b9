import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALIVE, binaryOf, inputOf, sizeOf } from '../src/state/termproxy';

const text = (b: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(b);

/** As termproxy reads it: a length in bytes, and so many of them. */
function read(message: Uint8Array): Uint8Array {
  const head = /^0:(\d+):/.exec(new TextDecoder('latin1').decode(message.subarray(0, 12)))!;
  const body = message.subarray(head[0].length);
  assert.equal(body.length, Number(head[1]));
  return body;
}

test('input is counted in bytes, not in letters', () => {
  assert.deepEqual(inputOf('ls\r').map(text), ['0:3:ls\r']);
  assert.deepEqual(inputOf('ü').map(text), ['0:2:ü']);
  assert.deepEqual(inputOf('🚀:0').map(text), ['0:6:🚀:0']);
  assert.deepEqual(inputOf(''), []);
});

test('what is long goes in pieces that cut no letter, and nothing of it is lost', () => {
  for (const char of ['a', 'ü', '日', '🚀']) {
    for (const shift of ['', 'x', 'xy', 'xyz']) {
      const whole = shift + char.repeat(9000);
      const pieces = inputOf(whole).map(read);
      assert.ok(pieces.length > 1);
      assert.ok(pieces.every((p) => p.length > 0 && p.length <= 8192));
      assert.equal(pieces.map(text).join(''), whole, `${char} ${shift}`);
    }
  }
});

test('bytes that are no letters stay bytes', () => {
  assert.deepEqual([...read(binaryOf('\x1b[M \xe1\xff'))], [0x1b, 0x5b, 0x4d, 0x20, 0xe1, 0xff]);
});

test('its size and its sign of life', () => {
  assert.equal(text(sizeOf(132, 43)), '1:132:43:');
  assert.equal(text(ALIVE), '2');
});
