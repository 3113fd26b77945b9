import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptWords, axisTime, gradeOfMs, gradeOfRate, gridOf, lonely, meanOf, msText, newestChecks, phasesOf, pointTime, rank, ratePct, spanById, spans, timeLimit, tipOf, type HourRow } from '../src/state/attempts';
import { Pace } from '../src/state/pace';
import { Clock, settle } from './fake';

const now = Date.parse('2026-11-28T15:20:00Z');
const day = spanById('24h');
const row = (time: string, successRate: number | null, avgResponseTime: number | null, attempts = 30): HourRow =>
  ({ time: `2026-11-${time}:00:00Z`, successRate, avgResponseTime, attempts });

test('a day is 25 hours on a grid, and hours nobody tried in are gaps', () => {
  const grid = gridOf([row('27T15', 100, 20), row('28T14', 50, null), row('28T15', 97, 245)], day, now);
  assert.equal(grid.times.length, 25);
  assert.equal(grid.times[0], Date.parse('2026-11-27T15:00:00Z') / 1000);
  assert.equal(grid.times.at(-1), Date.parse('2026-11-28T15:00:00Z') / 1000);
  assert.deepEqual(grid.rate.slice(0, 3), [100, null, null]);
  assert.deepEqual(grid.rate.slice(-3), [null, 50, 97]);
  assert.deepEqual(grid.ms.slice(-2), [null, 245]);
  assert.equal(grid.attempts[1], 0);
  assert.ok(grid.times.every((t, i) => i === 0 || t - grid.times[i - 1]! === 3600), 'equal steps');
});

test('rows outside the span, broken times and hours of nothing draw nothing', () => {
  const grid = gridOf([row('20T15', 100, 20), { time: 'soon', successRate: 1, avgResponseTime: 1, attempts: 1 }, row('28T13', null, null, 0)], day, now);
  assert.ok(grid.rate.every((v) => v === null));
  assert.ok(grid.attempts.every((v) => v === 0));
});

test('a clock of ours that is behind cuts nothing off', () => {
  const grid = gridOf([row('28T15', 100, 20)], day, now - 3 * 3_600_000);
  assert.equal(grid.rate.at(-1), 100);
});

test('several hours of one step are weighed by their attempts', () => {
  const month = spanById('30d');
  const grid = gridOf([row('28T12', 100, 100, 10), row('28T13', 0, null, 30), row('28T14', 50, 400, 20)], month, now);
  assert.equal(grid.rate.at(-1), Math.round((100 * 20) / 60));
  assert.equal(grid.ms.at(-1), 250);
  assert.equal(grid.attempts.at(-1), 60);
});

test('a year is drawn by days', () => {
  const year = spanById('1y');
  assert.equal(gridOf([], year, now).times.length, 366);
  assert.equal(spanById('nonsense'), spans[0]);
});

test('a point between two gaps is found, and one with a neighbour is not', () => {
  assert.deepEqual(lonely([1, null, 2, 3, null, null, 4]), [0, 6]);
  assert.deepEqual(lonely([null, 0, null]), [1]);
  assert.deepEqual(lonely([]), []);
});

test('95 and 80 per cent, 500 and 1500 ms are the borders, and unknown is none of them', () => {
  assert.deepEqual([100, 95, 94.9, 80, 79.99, 0, null, undefined, NaN].map(gradeOfRate),
    ['good', 'good', 'fair', 'fair', 'poor', 'poor', 'none', 'none', 'none']);
  assert.deepEqual([0, 500, 501, 1500, 1501, null].map(gradeOfMs), ['good', 'good', 'fair', 'fair', 'poor', 'none']);
});

test('the pointer says rate, time and attempts, and N/A where no answer was timed', () => {
  const grid = gridOf([row('28T14', 0, null, 3), row('28T15', 97, 245)], day, now);
  assert.deepEqual(tipOf(grid, 24).lines.map((l) => `${l.label} ${l.value}`), ['Success Rate 97%', 'Avg Response 245ms', 'Attempts 30']);
  assert.deepEqual(tipOf(grid, 23).lines.map((l) => `${l.label} ${l.value}`), ['Success Rate 0%', 'Avg Response N/A', 'Attempts 3']);
  assert.deepEqual(tipOf(grid, 3).lines.map((l) => l.value), ['–', 'N/A', '0']);
  assert.match(tipOf(grid, 24).time, /^Nov 2[89], \d\d:\d\d$/);
  assert.equal(pointTime(new Date(2026, 4, 7, 9, 5).getTime()), 'May 7, 09:05');
});

test('the axis says the minute of the local day, and days over longer spans', () => {
  const at = new Date(2026, 10, 28, 7, 0).getTime();
  assert.equal(axisTime(at, day), '07:00');
  assert.equal(axisTime(at, spanById('7d')), 'Nov 28');
  assert.equal(axisTime(new Date(2026, 10, 28, 0, 0).getTime(), day), '00:00');
});

test('the share of a summary is rounded, and of no attempts it is unknown', () => {
  assert.equal(ratePct({ totalAttempts: 3, successCount: 2, avgResponseTime: null }), 67);
  assert.equal(ratePct({ totalAttempts: 0, successCount: 0, avgResponseTime: null }), null);
  assert.equal(ratePct(undefined), null);
  assert.equal(attemptWords(1, 'last 24 hours'), '1 connection attempt in the last 24 hours');
  assert.equal(attemptWords(1418, 'last 24 hours'), '1,418 connection attempts in the last 24 hours');
});

test('phases stand in their order, and what the total holds beyond them is the body', () => {
  assert.deepEqual(phasesOf({ dns_ms: 2, tcp_ms: 1, tls_ms: 14, wait_ms: 20, total_ms: 40 }).map((p) => [p.name, p.ms]),
    [['dns', 2], ['tcp', 1], ['tls', 14], ['wait', 20], ['body', 3]]);
  assert.deepEqual(phasesOf({ dns_ms: 2, tcp_ms: 1, tls_ms: null, total_ms: 5000 }).map((p) => p.name), ['dns', 'tcp']);
  assert.deepEqual(phasesOf({}), []);
});

test('times below a millisecond, and of many seconds, read well', () => {
  assert.deepEqual([0, 0.4, 5.4, 999.6, 2900, 12_345, null].map(msText), ['0 ms', '< 1 ms', '5 ms', '1.0 s', '2.9 s', '12.3 s', '–']);
});

test('rank and mean know only what is known', () => {
  assert.equal(rank([], 0.5), null);
  assert.equal(rank([5, 1, 3], 0.5), 3);
  assert.equal(rank(Array.from({ length: 100 }, (_, i) => i + 1), 0.95), 95);
  assert.equal(meanOf([null, undefined, NaN]), null);
  assert.equal(meanOf([100, null, 50]), 75);
});

test('checks of the topic and of the store are one list, newest first', () => {
  const a = { id: 's/1', at: '2026-11-28T10:00:00Z', success: true };
  const b = { id: 's/2', at: '2026-11-28T11:00:00Z', success: false };
  const c = { id: 's/3', at: '2026-11-28T12:00:00Z', success: true };
  assert.deepEqual(newestChecks([[a, b], [b, c]], 2).map((x) => x.id), ['s/3', 's/2']);
});

test('the learned limit counts from a rate above 80 per cent', () => {
  assert.deepEqual(timeLimit({ connection_timeout_ms: 10_000 }), { ms: 10_000, isLearned: false });
  assert.deepEqual(timeLimit({ connection_timeout_ms: 10_000, learned_timeout_ms: 5000, success_rate: 80 }), { ms: 10_000, isLearned: false });
  assert.deepEqual(timeLimit({ connection_timeout_ms: 10_000, learned_timeout_ms: 5000, success_rate: 80.01 }), { ms: 5000, isLearned: true });
});

test('a burst of pokes is one run at once and one at the end of the interval', async () => {
  const clock = new Clock();
  let runs = 0;
  const pace = new Pace(async () => {
    runs += 1;
  }, 1000, clock);
  for (let i = 0; i < 50; i++) pace.poke();
  await settle();
  assert.equal(runs, 1);
  await clock.pass(999);
  assert.equal(runs, 1);
  await clock.pass(1);
  assert.equal(runs, 2);
  await clock.pass(5000);
  assert.equal(runs, 2, 'nothing runs by itself');
});

test('a poke during a run that takes long becomes one more, never two at once', async () => {
  const clock = new Clock();
  let runs = 0;
  let finish = () => {};
  const pace = new Pace(() => {
    runs += 1;
    return new Promise((done) => {
      finish = done;
    });
  }, 1000, clock);
  pace.poke();
  await clock.pass(5000);
  pace.poke();
  pace.poke();
  await clock.pass(5000);
  assert.equal(runs, 1);
  finish();
  await settle();
  assert.equal(runs, 2);
  pace.poke();
  pace.stop();
  finish();
  await clock.pass(5000);
  assert.equal(runs, 2, 'stopped is stopped');
});
