// hostile_upstream: a matrix of servers that answer in bad faith or not at all, each way when it is checked and when its
// guests are listed (SECURITY A20): an error within its time, no memory kept, nothing lost, and the good servers beside
// them are asked as ever. What each sentence says is in fleet_faults; consoles come with theirs.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { measured, sleep, startServer, until } from './lib/server.mjs';

const CHECK = '/api/v1/servers/health-check?wait=1';
const TIMEOUT_S = 5;
const POLL_S = 10;
const BUSY_S = 5; // what a busy machine may add
const GOOD = 6;
const GUESTS = 3;
const MiB = 1 << 20;

/** kind, more, what it is called when checked; a new certificate is there for whole connections only. */
const MODES = [
  ['slow', { ms: 60000 }, /^timeout$/],
  ['drip', { bytesPerSecond: 1 }, /^timeout$/],
  ['drip', { bytesPerSecond: 20, head: true }, /^timeout$/],
  ['silent', {}, /^timeout$/],
  ['stall', {}, /^timeout$/, 'connection'],
  ['blackhole', {}, /^timeout$/, 'connection'],
  ['garbage', { as: 'bytes', bytes: 24 * MiB }, /^(too_big|protocol)$/],
  ['garbage', { as: 'bytes', bytes: 15 * MiB }, /^protocol$/],
  ['garbage', { as: 'html' }, /^protocol$/],
  ['garbage', { as: 'shape' }, /^protocol$/],
  ['deep', { depth: 1_000_000 }, /^protocol$/],
  ['truncated', {}, /^(reset|protocol)$/],
  ['length', { by: 100 }, /^(reset|timeout|protocol)$/],
  ['length', { by: -20 }, /^(reset|protocol)$/],
  ['nothttp', {}, /^(protocol|reset)$/],
  ['nottls', {}, /^(tls|protocol|reset)$/, 'connection'],
  ['redirect', {}, /^redirect$/],
  ['reset', {}, /^reset$/],
  ['deny', {}, /^reset$/, 'connection'],
  ['certificate', {}, /^cert_changed$/, 'connection'],
];

const only = (name) => ({ name, standalone: true, version: '9.2', nodes: ['pve'], guests: GUESTS });

test('a matrix of hostile servers: each its error in its time, the others undisturbed', { timeout: 180000 }, async (t) => {
  const listed = MODES.map((mode, i) => [mode, i]).filter(([mode]) => mode[3] !== 'connection');
  const clusters = [...MODES.map((_, i) => only(`c${i}`)), ...listed.map(([, i]) => only(`l${i}`)), ...Array.from({ length: GOOD }, (_, i) => only(`g${i}`))];
  const lab = await startLab({ scenario: { clusters, certificates: 4 }, timing: { denied: 50, tick: 1000, cache: 200 } });
  t.after(() => lab.stop());
  let strangers = 0;
  const canary = http.createServer((request, response) => { strangers++; response.end(); }).listen(0, '127.0.0.1');
  canary.on('connection', () => { strangers++; });
  t.after(() => canary.close());
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const api = (method, target, body) => server.api(method, target, { key, body, timeout: 60000 });
  const rows = async () => (await api('GET', '/api/v1/servers')).servers;
  const vms = async () => (await api('GET', '/api/v1/vms')).vms;
  const ids = {};
  for (const it of lab.servers) {
    ids[it.cluster] = (await api('POST', '/api/v1/servers', { name: it.cluster, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, verify_ssl: false, connection_timeout_ms: TIMEOUT_S * 1000 })).id;
  }
  const soon = (what, fits, seconds) => until(what, fits, { within: seconds * 1000, every: 200 });
  await soon('all to be online', async () => (await rows()).every((s) => s.connection_status === 'online'), 60);
  await soon('all guests', async () => (await vms()).length === clusters.length * GUESTS, 60);
  const known = (await vms()).map((vm) => `${vm.id} ${vm.name} ${vm.status}`).sort();
  await sleep(2000);
  const before = { rss: server.rss, fds: server.fds };

  const faultOf = ([kind, more]) => [kind, kind === 'redirect' ? { to: `http://127.0.0.1:${canary.address().port}/` } : more];
  for (const [i, mode] of MODES.entries()) {
    const [kind, more] = faultOf(mode);
    await lab.control.fault(kind, kind === 'certificate' ? `c${i}/pve` : `c${i}`, more);
  }
  for (const [mode, i] of listed) {
    const [kind, more] = faultOf(mode);
    await lab.control.fault(kind, `l${i}`, { ...more, path: 'cluster/resources' });
  }
  await lab.control.forget();
  const from = Date.now();

  const begun = performance.now();
  const { results } = await api('POST', CHECK, { server_ids: MODES.map((_, i) => ids[`c${i}`]) });
  const took = (performance.now() - begun) / 1000;
  for (const [i, [kind, more, word]] of MODES.entries()) {
    const result = results.find((one) => one.server_id === ids[`c${i}`]);
    const what = `${kind} ${JSON.stringify(more)}: ${JSON.stringify(result)}`;
    assert.equal(result.status, 'offline', what);
    assert.match(result.error_class, word, what);
    assert.ok(result.error.length > 10, what);
  }
  assert.ok(took <= TIMEOUT_S + 1 + BUSY_S, `${took} s`);

  // Three listings of each, as long as the others are watched.
  const WATCHED_S = 3 * POLL_S + 5;
  await sleep(Math.max(0, from + WATCHED_S * 1000 - Date.now()));
  const asked = new Map(Array.from({ length: GOOD }, (_, i) => [`g${i}/pve`, [from]]));
  for (const one of await lab.control.requests({})) asked.get(one.node)?.push(one.at);
  const until_ = Date.now();
  const gap = Math.max(...[...asked.values()].map((times) => Math.max(...times.map((at, i) => ((times[i + 1] ?? until_) - at) / 1000))));
  assert.ok(gap <= POLL_S * 1.1 + 1 + BUSY_S, `a good server was not asked for ${gap} s`);
  const now = await rows();
  for (let i = 0; i < GOOD; i++) assert.equal(now.find((s) => s.id === ids[`g${i}`]).connection_status, 'online');
  for (const [[kind, more], i] of listed) assert.match(now.find((s) => s.id === ids[`l${i}`]).connection_status, /^(online|checking)$/, `${kind} ${JSON.stringify(more)}, when its guests are listed`);
  assert.deepEqual((await vms()).map((vm) => `${vm.id} ${vm.name} ${vm.status}`).sort(), known, 'no guest is lost or invented');
  assert.equal(strangers, 0, 'no redirect is followed');
  for (const one of await lab.control.faults()) assert.ok(one.hits > 0 || MODES.some(([kind, , , at]) => kind === one.kind && at), `nobody met ${JSON.stringify(one)}`);

  await lab.control.clear();
  for (const [i, [kind]] of MODES.entries()) if (kind === 'certificate') await api('DELETE', `/api/v1/servers/${ids[`c${i}`]}`);
  await api('POST', CHECK, {});
  await soon('all to be online again', async () => (await rows()).every((s) => s.connection_status === 'online'), 30 + BUSY_S);
  await soon('nothing to be left open', () => server.fds <= before.fds + 8, 30);
  const grown = (server.rss - before.rss) / MiB;
  for (const it of lab.servers) assert.ok(!server.log.includes(it.token.split('=')[1]), 'a token in the log');
  t.diagnostic(`measured: ${MODES.length} ways to fail a check, ${listed.length} to fail a listing: errors within ${took.toFixed(1)} s (timeout ${TIMEOUT_S}), a good server not asked for ${gap.toFixed(1)} s at most (every ${POLL_S}), ${grown.toFixed(1)} MiB more after it`);
  assert.ok(grown <= 16, `${grown} MiB`);
});

test('one answer of 15 MiB costs its size for a moment', { timeout: 60000, ...measured }, async (t) => {
  const lab = await startLab({ scenario: { clusters: [only('huge')] }, timing: { denied: 50 } });
  t.after(() => lab.stop());
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const key = await server.makeKey(await server.setup(), 'all');
  const [it] = lab.servers;
  await server.api('POST', '/api/v1/servers', { key, body: { name: 'huge', host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, verify_ssl: false } });
  const check = async () => (await server.api('POST', CHECK, { key, body: {} })).results[0];
  assert.equal((await check()).status, 'online');
  await sleep(1000);
  await lab.control.fault('garbage', 'huge', { as: 'bytes', bytes: 15 * MiB });
  fs.writeFileSync(`/proc/${server.serverPid}/clear_refs`, '5'); // its peak begins anew
  const rss = server.rss;
  assert.equal((await check()).error_class, 'protocol');
  const peak = (server.procStatus('VmHWM') - rss) / MiB;
  await until('it to be given back', () => server.rss - rss <= 4 * MiB, { within: 10000 });
  t.diagnostic(`measured: 15 MiB of garbage: ${peak.toFixed(1)} MiB for a moment`);
  assert.ok(peak <= 33, `${peak} MiB`); // a buffer that doubles
});
