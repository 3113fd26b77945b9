// A console on which nothing happens for 24 hours, in a minute: the server's clock jumps five seconds at a time, and
// each time everything that must follow is waited for before the next: pings both ways and what answers them.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { ask, join } from './lib/console.mjs';
import { startFleet } from './lib/fleet.mjs';
import { makeFolder, percentile, until } from './lib/server.mjs';
import { startTap } from './lib/tap.mjs';

const STEP_S = 5;
const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const BEAT_S = 15; // to the browser
const GUEST_BEAT_S = 20; // to Proxmox VE
const SETTLED = 4; // hours: by then the rings of an hour and the tail of points are full
const GROWTH_KIB = 32; // in an hour, usually; 20 bytes for each ping and pong would be more
const BLOCK = 65536;
const CONSOLES = 4;
const SCENE = {
  clusters: [{ name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: [{ vmid: 100, type: 'qemu', node: 'pve1', name: 'echo', status: 'running', console: 'echo' }] }],
};
const library = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`).find((file) => fs.existsSync(file));

/** A clock for a server: its wall and its monotonic clock are that many seconds ahead. */
function makeClock(t) {
  assert.ok(library, 'apt-get install faketime');
  const folder = makeFolder();
  const file = path.join(folder, 'offset');
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const clock = {
    seconds: 0,
    env: { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' },
    set(seconds) {
      clock.seconds = seconds;
      fs.writeFileSync(`${file}.new`, `+${seconds}\n`);
      fs.renameSync(`${file}.new`, file);
    },
  };
  clock.set(0);
  return clock;
}

/** Everything a console that nobody uses is told, counted. */
async function open(fleet, tap) {
  const asked = await ask(fleet, 'alpha', 100);
  const it = await join(fleet.server, fleet.admin, asked);
  await it.greet();
  const take = it.take.bind(it);
  Object.assign(it, { id: asked.id, pings: 0, pingedAt: 0 });
  it.take = (op, bytes) => { it.pings += op === 9; take(op, bytes); };
  if (tap) { // its connection to Proxmox VE is the one that carries this
    it.send(Buffer.alloc(BLOCK - 1));
    await it.read(BLOCK - 1);
    it.wire = tap.find(BLOCK);
    it.wire.up.bytes = 0;
    it.from = { up: it.wire.up.records.count, down: it.wire.down.records.count };
  }
  return it;
}

test('twenty-four idle hours of a console', { timeout: 600000 }, async (t) => {
  const clock = makeClock(t);
  let tap;
  const fleet = await startFleet(t, {
    scenario: SCENE, env: clock.env, args: ['--console-idle', '0', '--console-longest', '0', '--check-interval', '24h'],
    via: async (it) => { tap = await startTap(t, it); return tap.port; },
  });
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const all = [];
  for (let i = 0; i < CONSOLES; i++) all.push(await open(fleet, tap));
  const records = (it, way) => it.wire[way].records.count - it.from[way];
  const answered = (it) => it.wire.isOver || records(it, 'down') >= records(it, 'up');

  /** The clock goes on, and the server has seen it. */
  const step = async (seconds) => {
    clock.set(seconds);
    await fleet.server.request('GET', '/healthz', { agent });
    for (const it of all) {
      if (seconds - it.pingedAt >= BEAT_S) {
        const before = it.counted ?? 0;
        await it.when(() => it.pings > before, `a ping ${seconds} s in`);
        assert.ok(it.pings <= before + 2, `${it.pings - before} pings in ${seconds - it.pingedAt} s`);
        it.counted = it.pings;
        it.pingedAt = seconds;
      }
    }
    await tap.when('what Proxmox VE answers', () => all.every(answered));
    for (const it of all) assert.equal(it.closedAt, null, `${seconds} s in: ${it.code} ${it.reason}`);
  };

  const hours = []; // the least of each: what folds of history take for a while is not looked for
  const begun = performance.now();
  for (let seconds = STEP_S; seconds <= DAY_S; seconds += STEP_S) {
    await step(seconds);
    const hour = Math.ceil(seconds / HOUR_S) - 1;
    if (seconds % 120 === 0) hours[hour] = Math.min(hours[hour] ?? Infinity, fleet.server.rss / 1024);
  }
  const steps = hours.slice(SETTLED).map((least, i) => least - hours[SETTLED + i - 1]);
  const growth = percentile(steps, 0.5);
  t.diagnostic(`measured: ${CONSOLES} consoles idle for 24 h: ${growth.toFixed(0)} KiB more each hour, ${((hours.at(-1) - hours[SETTLED - 1]) / 1024).toFixed(2)} MiB in all after ${SETTLED}; ` +
    `${all[0].pings} pings to a browser, ${records(all[0], 'up')} to Proxmox VE, in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  for (const it of all) {
    assert.ok(Math.abs(it.pings - DAY_S / BEAT_S) <= DAY_S / BEAT_S / 50, `${it.pings} pings to the browser`);
    assert.ok(Math.abs(records(it, 'up') - DAY_S / GUEST_BEAT_S) <= DAY_S / GUEST_BEAT_S / 50, `${records(it, 'up')} to Proxmox VE`);
    it.send('\x04\x01\0\0\0\0\0a'); // a key, as RFB has it
    assert.equal((await it.read(8)).toString(), '\x04\x01\0\0\0\0\0a');
  }
  assert.equal(hours.length, 24);
  assert.ok(growth <= GROWTH_KIB, `${growth} KiB an hour: ${hours.map((one) => one.toFixed(0))}`);
  assert.ok(hours.at(-1) - hours[SETTLED - 1] <= 4096, `${hours.map((one) => one.toFixed(0))} KiB`);
  const { consoles } = await fleet.api('GET', '/api/v1/consoles?open=1');
  assert.equal(consoles.length, CONSOLES);
  assert.equal((await fleet.server.request('GET', '/api/v1/session', { cookie: fleet.admin.cookie })).status, 200, 'its session counts as used');
  for (const it of all) it.destroy();
  await until('the records to be closed', async () => (await fleet.api('GET', '/api/v1/consoles')).consoles.every((one) => one.ended_at));
});
