import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gapBefore, HEAD_CHARS, TAIL_CHARS, Transcript, type Piece } from '../src/state/output';

const piece = (at: number, text: string): Piece => ({ at, bytes: text.length, text });
const textOf = (t: Transcript): string => t.blocks.map((b, i) => `${gapBefore(t.blocks, i) > 0 ? `<${gapBefore(t.blocks, i)}${b.isCut ? '' : '?'}>` : ''}${b.text}`).join('');

test('pieces told twice, by the topic and by asking, stand there once', () => {
  const t = new Transcript();
  t.take(0, [piece(0, 'one\n'), piece(4, 'two\n')]);
  for (const p of [piece(0, 'one\n'), piece(4, 'two\n'), piece(8, 'three\n'), piece(8, 'three\n')]) t.tell(p);
  assert.equal(textOf(t), 'one\ntwo\nthree\n');
  assert.equal(t.hole, null);
  assert.equal(t.end, 14);
});

test('what the topic left out is a hole until it was asked for; what is gone then was cut', () => {
  const t = new Transcript();
  t.tell(piece(0, 'a'));
  t.tell(piece(5, 'f'));
  t.tell(piece(6, 'g'));
  assert.equal(textOf(t), 'a<4?>fg');
  assert.equal(t.hole, 1);
  t.take(1, [piece(1, 'bc'), piece(5, 'f')]);
  assert.equal(textOf(t), 'abc<2>f', 'the server has no d and e any more');
  assert.equal(t.hole, null);
  t.tell(piece(6, 'g'));
  assert.equal(textOf(t), 'abc<2>fg');
});

test('what came meanwhile stays behind an older answer', () => {
  const t = new Transcript();
  t.tell(piece(0, 'a'));
  t.tell(piece(3, 'd'));
  t.take(1, [piece(1, 'b')]);
  assert.equal(textOf(t), 'ab<1?>d');
  assert.equal(t.hole, 2, 'and the rest is asked for again');
});

test('the first piece that is told may not be the first that was written', () => {
  const t = new Transcript();
  t.tell(piece(10, 'k'));
  assert.equal(t.hole, 0);
  t.take(0, [piece(0, 'abcdefghij'), piece(10, 'k')]);
  assert.equal(textOf(t), 'abcdefghijk');
});

test('a flood leaves head and tail, however long it is', () => {
  const t = new Transcript();
  const line = 'x'.repeat(1000);
  for (let i = 0; i < 5000; i++) t.tell(piece(i * 1000, line));
  const chars = t.blocks.reduce((sum, b) => sum + b.text.length, 0);
  assert.ok(chars <= HEAD_CHARS + TAIL_CHARS, `${chars}`);
  assert.ok(chars > HEAD_CHARS + TAIL_CHARS - 10_000);
  assert.equal(t.blocks.filter((_, i) => gapBefore(t.blocks, i) > 0).length, 1);
  const at = t.blocks.findIndex((_, i) => gapBefore(t.blocks, i) > 0);
  assert.ok(t.blocks[at]!.isCut, 'dropped here, not asked for again');
  assert.equal(gapBefore(t.blocks, at), 5_000_000 - chars);
  assert.ok(t.blocks[at - 1]!.end <= HEAD_CHARS && t.blocks[at - 1]!.end > HEAD_CHARS - 5000);
  assert.equal(t.end, 5_000_000);
  assert.ok(t.blocks.length < 400);
});

test('no block is left of a text that is all hole', () => {
  const t = new Transcript();
  t.tell(piece(3, 'x'));
  t.take(0, []);
  assert.equal(textOf(t), '<3?>x');
});

test('what the server cut and what is cut here is one cut, behind a whole head', () => {
  const t = new Transcript();
  const all: Piece[] = [];
  for (let at = 0; at < 256 * 1024; at += 2000) all.push(piece(at, 'h'.repeat(2000)));
  for (let at = 5_000_000; at < 6_000_000; at += 2000) all.push(piece(at, 't'.repeat(2000)));
  for (let i = 0; i < all.length; i += 64) t.take(i === 0 ? 0 : all[i]!.at, all.slice(i, i + 64));
  const cuts = t.blocks.flatMap((_, i) => (gapBefore(t.blocks, i) > 0 ? [i] : []));
  assert.equal(cuts.length, 1);
  const head = t.blocks[cuts[0]! - 1]!.end;
  assert.ok(head > HEAD_CHARS - 5000 && head <= HEAD_CHARS, `${head} of the beginning`);
  assert.equal(t.end, 6_000_000);
});
