// dispatch_kill: Binnacle killed at each of five phases of an operation: the target is never stuck, the end never lost,
// and nothing is done twice. Once each, or $KILLS times: `make e2e T=dispatch_kill KILLS=20`, six minutes.
//
// Each kill falls at a moment by chance within its phase; $SEED makes the same chances again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startDispatch } from './lib/dispatch.mjs';
import { sleep, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const KILLS = Number(process.env.KILLS ?? 1);
const SEED = Number(process.env.SEED ?? Date.now() % 1000000);
const OUTPUT = 'Stopping nginx.service\nStarted nginx.service\n';
const INTERRUPTED = 'interrupted by a restart of Binnacle';
const NOT_STARTED = /^It was not started, so nothing was changed/;

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function makeChance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** When it is killed: once `until` holds, and up to `spread` milliseconds later. */
const PHASES = [
  { name: 'before it is reached', spread: 40, until: async () => {} },
  { name: 'before it is sent', spread: 120, until: (it) => until('the login', async () => (await it.one()).progress >= 30, { within: 10000, every: 2 }) },
  { name: 'while it runs', spread: 2000, until: (it) => until('it to run', () => it.restarts() === 1, { within: 10000 }) },
  { name: 'while the service is watched', spread: 10500, until: (it) => until('90 %', async () => (await it.one()).progress >= 90, { within: 15000 }) },
  { name: 'at its end', spread: 300, until: (it) => until('its end', async () => (await it.one()).completed_at, { within: 30000, every: 2 }) },
];

describe('Binnacle is killed', { concurrency: true }, () => {
  PHASES.forEach((phase, number) => test(phase.name, { timeout: 60000 + KILLS * 60000 }, async (t) => {
    const chance = makeChance(SEED + number);
    const sshd = await startSshd(t);
    sshd.set('slow', 2);
    const { server, begin, one, ended, output, call } = await startDispatch(t, sshd);
    const restarts = () => sshd.calls().filter((line) => line === 'restart nginx.service').length;
    const counts = {};
    let slowest = 0;
    for (let round = 0; round < KILLS; round++) {
      const when = `round ${round} of seed ${SEED}`;
      sshd.set('calls', null);
      const answer = await begin('service_restart');
      assert.equal(answer.status, 202, `${when}: the target is free: ${answer.text}`);
      const operation = answer.json.operation_id;
      await phase.until({ one: () => one(operation), restarts });
      await sleep(chance() * phase.spread);
      const known = await one(operation); // what was told may not be taken back
      await server.crash();
      const begun = performance.now();
      await server.start();
      slowest = Math.max(slowest, performance.now() - begun);
      const end = await ended(operation);
      const told = `${when}: ${JSON.stringify(end)}`;
      if (known.completed_at) assert.deepEqual(end, known, told);
      assert.ok(end.progress >= known.progress, told);
      if (end.status === 'completed') {
        assert.equal(restarts(), 1, told);
        assert.match(end.message, /^nginx\.service is active/, told);
        assert.equal(await output(operation), OUTPUT, told);
      } else {
        assert.equal(end.status, 'failed', told);
        assert.ok(end.error === INTERRUPTED || NOT_STARTED.test(end.error), told);
        assert.ok(number < 2, told);
        await sleep(200);
        assert.equal(restarts(), 0, told);
      }
      counts[end.status] = (counts[end.status] ?? 0) + 1;
      const left = (await call('GET', '/api/v1/operations')).json.operations.filter((it) => !it.completed_at);
      assert.deepEqual(left, [], told);
    }
    t.diagnostic(`measured killed ${KILLS} times ${phase.name}, seed ${SEED}: ${JSON.stringify(counts)}, up again after ${slowest.toFixed(0)} ms at most`);
    assert.ok(slowest <= 5000, `${slowest} ms`);
  }));
});
