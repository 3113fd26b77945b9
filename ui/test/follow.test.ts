import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { signal } from '@preact/signals';
import { ApiError } from '../src/link/api';
import { follow } from '../src/state/follow';
import { rangeById, ranges, Track, type Range } from '../src/state/history';
import { Clock, settle } from './fake';

const AGAIN_MS = 60_000;
const FAILED_MS = 5000;

/** Questions in the order they were asked, to be answered by hand; a page whose clock stands still. */
function desk(t: TestContext) {
  const clock = new Clock();
  const page = { visibilityState: 'visible' };
  const real = { window: Reflect.get(globalThis, 'window'), document: Reflect.get(globalThis, 'document') };
  Object.assign(globalThis, { window: { setTimeout: (run: () => void, ms: number) => clock.after(ms, run), clearTimeout: clock.cancel }, document: page });
  t.after(() => Object.assign(globalThis, real));
  const asked: { range: Range; abort: AbortSignal; answer: (name: string) => void; fail: (cause: unknown) => void }[] = [];
  const range = signal(rangeById('24h'));
  const about = signal<string | null>('cpu');
  const ends: string[] = [];
  const feed = follow<string>(range, {
    about: () => about.value,
    ask: (r, abort) => new Promise((answer, fail) => asked.push({ range: r, abort, answer, fail })),
    take: (name, r) => new Track([name], 1000, r.span_ms, 0),
    again_ms: (_, track) => (track ? AGAIN_MS : FAILED_MS),
    stop: () => ends.push('stopped'),
  });
  return { clock, page, asked, range, about, ends, feed };
}

test('it is asked at once, answered, and asked again when the answer is old', async (t) => {
  const { clock, asked, feed } = desk(t);
  assert.equal(asked.length, 1);
  assert.equal(feed.phase.value, 'loading');
  assert.equal(feed.isAsking, true);
  asked[0]!.answer('cpu');
  await settle();
  assert.equal(feed.phase.value, 'ready');
  assert.equal(feed.isAsking, false);
  assert.equal(feed.version.value, 1);
  await clock.pass(AGAIN_MS - 1);
  assert.equal(asked.length, 1);
  await clock.pass(1);
  assert.equal(asked.length, 2);
});

test('another range is another past; something else to ask about leaves the old one on screen', async (t) => {
  const { asked, range, about, feed } = desk(t);
  asked[0]!.answer('cpu');
  await settle();
  about.value = 'cpu\nmemory';
  assert.equal(asked.length, 2);
  assert.equal(feed.phase.value, 'ready');
  assert.ok(feed.track);
  range.value = ranges.find((r) => r.id === '7d')!;
  assert.equal(asked[1]!.abort.aborted, true);
  assert.equal(asked[2]!.range.id, '7d');
  assert.equal(feed.phase.value, 'loading');
  assert.equal(feed.track, null);
  asked[1]!.answer('late'); // to a question nobody has any more
  await settle();
  assert.equal(feed.track, null);
  about.value = null;
  assert.equal(asked.length, 3);
});

test('a failure is said while nothing is there, and tried again soon', async (t) => {
  const { clock, asked, feed } = desk(t);
  const error = new ApiError(503, 'unavailable', 'the server is busy', null, null, null, 'GET api/v1/history');
  asked[0]!.fail(error);
  await settle();
  assert.equal(feed.phase.value, 'failed');
  assert.equal(feed.error.value, error);
  await clock.pass(FAILED_MS);
  asked[1]!.answer('cpu');
  await settle();
  assert.equal(feed.phase.value, 'ready');
  assert.equal(feed.error.value, null);
  feed.retry();
  asked[2]!.fail(error);
  await settle();
  assert.equal(feed.phase.value, 'ready'); // what was there stays
  assert.equal(feed.error.value, error);
});

test('a hidden tab does not ask until it is seen, and nobody after the end', async (t) => {
  const { clock, page, asked, ends, feed } = desk(t);
  asked[0]!.answer('cpu');
  page.visibilityState = 'hidden';
  await clock.pass(3 * AGAIN_MS);
  assert.equal(asked.length, 1);
  page.visibilityState = 'visible';
  await clock.pass(1000);
  assert.equal(asked.length, 2);
  feed.stop();
  assert.deepEqual(ends, ['stopped']);
  assert.equal(asked[1]!.abort.aborted, true);
  await clock.pass(3 * AGAIN_MS);
  assert.equal(asked.length, 2);
});
