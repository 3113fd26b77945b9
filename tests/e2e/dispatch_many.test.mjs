// dispatch_many: what many operations over SSH at once take; tests/bench/dispatch.mjs measures the same with 200.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMany, treeOf, treeRss } from './lib/many.mjs';
import { measured, percentile, startServer } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const COUNT = 60;
const EACH = 350e3; // of memory: 200 of them beside a server of 80 MB are the 150 MB that are its budget

test('sixty operations at once: memory within its budget, and neither a start nor a live connection waits for them', { timeout: 240000, ...measured }, async (t) => {
  const sshd = await startSshd(t);
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const many = await startMany(server, await server.setup(), sshd, COUNT);
  await many.ask(40);
  const idle = treeRss(server.serverPid);
  const none = await many.ask(100);
  await many.begin(COUNT);
  const busy = await many.ask(100);
  const rss = treeRss(server.serverPid);
  const processes = treeOf(server.serverPid).length;
  assert.ok(await many.active() >= COUNT, 'all run to the end of it');
  await many.end();
  const p99 = [none.answers, busy.answers, none.pings, busy.pings].map((list) => percentile(list, 0.99));
  t.diagnostic(`measured ${COUNT} at once: ${(rss / 1e6).toFixed(1)} MB in ${processes} processes, ${(idle / 1e6).toFixed(1)} before; ` +
    `POST p99 ${p99[1].toFixed(1)} ms (${p99[0].toFixed(1)} with none), ping p99 ${p99[3].toFixed(1)} ms (${p99[2].toFixed(1)} with none)`);
  assert.equal(processes, 3, 'the server, its forker and one process that speaks SSH');
  assert.ok(rss - idle <= COUNT * EACH, `${COUNT} operations took ${rss - idle} bytes`);
  assert.ok(rss <= 150e6, `${rss} bytes`);
  // The bars are those of a calm machine; this one may be shared: ten times as much, or three times what it takes with none.
  assert.ok(p99[1] <= Math.max(200, 3 * p99[0]), `a POST took ${p99[1]} ms, ${p99[0]} with none`);
  assert.ok(p99[3] <= Math.max(200, 3 * p99[2]), `a ping took ${p99[3]} ms, ${p99[2]} with none`);
});
