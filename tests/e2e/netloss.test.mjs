// netloss: the whole fleet is away at once and comes back (SECURITY A19): what the API and the page say meanwhile, that
// nothing is invented, nobody is hammered and nobody alerted twice, and that all of it heals without a restart.
//
// Twice at the same time: in a network namespace whose cable is pulled, and on loopback where no SYN is answered (the
// only one where namespaces are not allowed). 45 s are lost; NETLOSS_S=600 loses the ten minutes of A19, with the
// intervals as shipped.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startLab } from '../../lab/lib.mjs';
import { startBrowser } from './lib/browser.mjs';
import { listen } from './lib/live.mjs';
import { login, args as pageArgs } from './lib/page.mjs';
import { percentile, root, sleep, startServer, until } from './lib/server.mjs';

const LOST_S = Number(process.env.NETLOSS_S ?? 45);
const isFull = LOST_S >= 600;
const EVERY_S = isFull ? 120 : 20;  // --check-interval
const ALERT_S = isFull ? 60 : 10;   // --offline-alert
const POLL_S = 10;                  // BN_POLL_EVERY_MS
const TIMEOUT_S = 5;                // of an attempt
const FIRST_S = 10;                 // BN_CHECK_BACKOFF_MS
const WAKE_S = 5;                   // BN_CHECK_WAKE_MS
const BUSY_S = 15;                  // what a busy machine may add to any of them
const COUNT = 30;
const GUESTS = 4;
const HERE = fileURLToPath(import.meta.url);
const inside = process.env.NETLOSS_INSIDE === '1';
const limit = (LOST_S + 4 * EVERY_S + 150) * 1000;

const scenario = (address) => ({
  certificates: 4,
  clusters: Array.from({ length: COUNT }, (_, i) => ({ name: `n${i}`, standalone: true, version: '9.2', nodes: [{ name: 'pve', ...(address ? { address } : {}) }], guests: GUESTS })),
});
const TIMING = { denied: 50, tick: 1000, cache: 200 };

/** Loses the network of that fleet and finds it again. `look(phase)` may look at a page. */
async function lose(t, { servers, cut, mend, allow, look = async () => {} }) {
  const server = await startServer(t, { args: ['--allow-target', allow, '--check-interval', `${EVERY_S}s`, '--offline-alert', `${ALERT_S}s`, ...pageArgs] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const api = (method, target, body) => server.api(method, target, { key, body, timeout: 60000 });
  const rows = async () => (await api('GET', '/api/v1/servers')).servers;
  const vms = async () => (await api('GET', '/api/v1/vms')).vms;
  const alerts = async (state) => (await api('GET', `/api/v1/alerts?state=${state}`)).alerts;
  const soon = (what, fits, within) => until(what, fits, { within: within * 1000, every: 200 });
  for (const it of servers) {
    await api('POST', '/api/v1/servers', { name: it.cluster, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, verify_ssl: false, connection_timeout_ms: TIMEOUT_S * 1000 });
  }
  // One that is being checked again says `checking` meanwhile, and keeps the error it had.
  const is = { online: (s) => s.connection_status === 'online' || (s.connection_status === 'checking' && !s.error_class), offline: (s) => ['offline', 'checking'].includes(s.connection_status) && s.error_class };
  const all = (status) => async () => { const now = await rows(); return now.length === COUNT && now.every(is[status]) && now; };
  await soon('all of them to be online', all('online'), 60);
  await soon('their guests', async () => (await vms()).length === COUNT * GUESTS, 60);
  const known = (await vms()).map((vm) => `${vm.id} ${vm.name} ${vm.status}`).sort();
  const live = await listen(server, admin, ['infra.servers', 'summary', 'alerts']);
  await look('before', server);
  const before = { rss: server.rss, fds: server.fds, threads: server.procStatus('Threads') };

  // What anybody sees who asks meanwhile.
  const took = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const begun = performance.now();
      assert.equal((await server.request('GET', '/api/v1/servers', { key, timeout: 60000 })).status, 200);
      assert.equal((await server.request('GET', '/healthz', { timeout: 60000 })).status, 200);
      took.push(performance.now() - begun);
      await sleep(200);
    }
  })();
  t.after(() => { isOver = true; });
  asking.catch(() => {}); // awaited below
  const lostAt = Date.now();
  await cut();
  await soon('its guests to be the last known ones', async () => (await vms()).every((vm) => vm.is_stale), 2 * POLL_S + TIMEOUT_S + BUSY_S);
  const stale = (Date.now() - lostAt) / 1000;
  const dark = await soon('all of them to be offline', all('offline'), 2 * POLL_S + TIMEOUT_S + BUSY_S);
  const offline = (Date.now() - lostAt) / 1000;
  for (const one of dark) {
    assert.match(one.error_class, /^(timeout|unreachable)$/, JSON.stringify(one));
    assert.ok(one.health_check_error.length > 10);
  }
  await soon('the numbers to follow', async () => {
    const sum = await api('GET', '/api/v1/summary');
    return sum.servers_online === 0 && sum.servers_offline === COUNT;
  }, BUSY_S);
  assert.deepEqual((await vms()).map((vm) => `${vm.id} ${vm.name} ${vm.status}`).sort(), known, 'no guest is gone, renamed or stopped for want of an answer');
  const firing = await soon('each to alert', async () => { const now = await alerts('firing'); return now.length === COUNT && now; }, ALERT_S + 2 * POLL_S + BUSY_S);
  await look('dark', server);
  await sleep(Math.max(0, lostAt + LOST_S * 1000 - Date.now()));
  assert.deepEqual((await alerts('firing')).map((a) => a.id).sort(), firing.map((a) => a.id).sort(), 'an alert fires once');
  assert.deepEqual(await alerts('resolved'), []);
  assert.ok(await all('offline')(), 'they stay offline');

  const foundAt = Date.now();
  await mend();
  await soon('all of them to be online again', all('online'), EVERY_S * 1.1 + WAKE_S + TIMEOUT_S + BUSY_S);
  const back = (Date.now() - foundAt) / 1000;
  await soon('their guests to be as they are', async () => (await vms()).every((vm) => !vm.is_stale), 2 * POLL_S + BUSY_S);
  await soon('every alert to be over', async () => (await alerts('firing')).length === 0 && (await alerts('resolved')).length === COUNT, BUSY_S);
  isOver = true;
  await asking;
  await look('after', server);

  // Nobody was hammered: between two attempts a back-off, which grows up to the interval.
  let most = 0;
  for (const { id, name } of await rows()) {
    const { history: { raw } } = await api('GET', `/api/v1/servers/${id}/history?range=1h&raw=1`);
    const at = raw.filter((one) => one.success === false && one.at !== null).map((one) => Date.parse(one.at)).filter((ms) => ms >= lostAt - TIMEOUT_S * 1000).sort((a, b) => a - b);
    const gaps = at.slice(1).map((ms, i) => (ms - at[i]) / 1000);
    most = Math.max(most, at.length);
    assert.ok(at.length >= 1, `${name}: nothing was tried`);
    for (const [i, gap] of gaps.entries()) assert.ok(gap >= 0.85 * Math.min(FIRST_S * 2 ** i, Math.max(EVERY_S, FIRST_S)), `${name}: asked again after ${gaps} s`);
  }
  // A line for each alert and each end of one, and none that asks for a person.
  const lines = server.log.split('\n');
  for (const event of ['alert.firing', 'alert.resolved']) assert.equal(lines.filter((line) => line.includes(` ${event} `)).length, COUNT, event);
  assert.ok(lines.length < 2 * COUNT + 100, `${lines.length} lines of log`);
  assert.equal(live.close, null, 'who listened goes on listening');
  live.destroy();
  await soon('nothing to be left open', () => server.fds <= before.fds + 8 && server.procStatus('Threads') <= before.threads + 2, 30);
  const grown = (server.rss - before.rss) / 1048576;
  t.diagnostic(`measured: ${COUNT} servers without a network for ${LOST_S} s: said to be stale after ${stale.toFixed(1)} s and offline after ${offline.toFixed(1)} s, at most ${most} attempts each, an answer within ${percentile(took, 0.95).toFixed(0)} ms (p95); all back ${back.toFixed(1)} s after it (interval ${EVERY_S} s); ${grown.toFixed(1)} MiB more`);
  assert.ok(grown <= 16, `${grown} MiB`);
  assert.ok(percentile(took, 0.95) < 2000, `p95 ${percentile(took, 0.95)} ms`);
}

/* --- a cable that is pulled --------------------------------------------------------------------- */

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });

/** A lab in a namespace of its own at the other end of a cable. */
async function startFarLab(t) {
  ip('link', 'set', 'lo', 'up');
  const main = path.join(root, 'lab/main.mjs');
  const far = spawn('unshare', ['-n', 'sh', '-c', 'read go; ip link set lo up; ip addr add 10.87.0.2/24 dev far; ip link set far up; exec "$@"', 'lab',
    process.execPath, main, '--scenario-json', JSON.stringify(scenario('10.87.0.2')), '--timing', JSON.stringify(TIMING)], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => far.kill('SIGTERM'));
  let out = '';
  far.stdout.on('data', (piece) => { out += piece; });
  ip('link', 'add', 'name', 'near', 'type', 'veth', 'peer', 'name', 'far');
  await until('the other namespace', () => fs.readlinkSync(`/proc/${far.pid}/ns/net`) !== fs.readlinkSync('/proc/self/ns/net'), { within: 10000 });
  ip('link', 'set', 'far', 'netns', String(far.pid));
  ip('addr', 'add', '10.87.0.1/24', 'dev', 'near');
  ip('link', 'set', 'near', 'up');
  far.stdin.write('go\n');
  await until('the lab', () => out.includes('\n'), { within: 30000 });
  return JSON.parse(out.slice(0, out.indexOf('\n')));
}

if (inside) {
  test('the cable is pulled', { timeout: limit }, async (t) => {
    const { servers } = await startFarLab(t);
    await lose(t, {
      servers, allow: '10.87.0.0/24',
      cut: () => ip('link', 'set', 'near', 'down'),
      mend: () => ip('link', 'set', 'near', 'up'),
    });
  });
} else {
  const may = spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link add name near type veth peer name far'], { encoding: 'utf8' });
  const why = may.error?.message ?? may.stderr.trim();

  test('the network is lost and found again', { concurrency: true, timeout: limit }, async (t) => {
    await Promise.all([
      t.test('a cable pulled, in a network namespace', { timeout: limit, skip: may.status !== 0 && `NOT TRIED: no network namespaces here: ${why}` }, async (t2) => {
        const { NODE_TEST_CONTEXT: _, ...env } = process.env;
        const child = spawn('unshare', ['-rn', process.execPath, '--test', '--test-reporter=spec', HERE], { env: { ...env, NETLOSS_INSIDE: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '';
        child.stdout.on('data', (piece) => { out += piece; });
        child.stderr.on('data', (piece) => { out += piece; });
        const code = await new Promise((resolve) => { child.on('close', resolve); });
        assert.equal(code, 0, out);
        assert.match(out, /^ℹ pass 1$/m);
        for (const line of out.match(/measured: .*/g) ?? []) t2.diagnostic(line);
      }),

      t.test('no answer to a SYN, on loopback; and the page meanwhile', { timeout: limit }, async (t2) => {
        const lab = await startLab({ scenario: scenario(), timing: TIMING });
        t2.after(() => lab.stop());
        const browser = await startBrowser(t2);
        let page;
        await lose(t2, {
          servers: lab.servers, allow: '127.0.0.0/8',
          cut: () => lab.control.fault('blackhole', '*'),
          mend: () => lab.control.clear(),
          look: async (phase, server) => {
            const has = (status) => page.waitForFunction((s) => {
              const shown = [...document.querySelectorAll('main .server-status')]; // as many rows as fit
              return shown.length > 5 && shown.some((e) => e.classList.contains(s)) && shown.every((e) => e.classList.contains(s) || e.classList.contains('checking'));
            }, status, { timeout: 20000 });
            if (phase === 'before') {
              page = await browser.open(server.origin, { path: '/login' });
              await page.waitForSelector('input[name=username]');
              await login(page);
              await page.goto(`${server.origin}/servers`);
              await has('online');
            } else if (phase === 'dark') {
              await has('offline'); // without a reload
              assert.equal(await page.locator('.indicator.live').count(), 1, 'the page itself is live: it is the fleet that is away');
              await page.shot('netloss-servers');
            } else {
              await has('online');
              await page.clean();
              await page.context().close();
            }
          },
        });
      }),
    ]);
  });
}
