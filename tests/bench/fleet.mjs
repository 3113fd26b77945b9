// fleet: what a thousand Proxmox VE servers cost: a round from cold, a round with what is remembered, the
// steady polling of their guests, and a prober everybody knows at the same endpoints in the same run.
//
// `fleet.mjs [SERVERS [SECONDS]]`, 1000 and 30 when not said. The lab has one core, what is measured the
// other one. Needs build/release/binnacle; without Debian's prometheus-blackbox-exporter the comparison is
// left out, and said so. Exit code 1 when a bar is missed.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { startLab } from '../../lab/lib.mjs';
import { PING, PONG, TEXT, open } from '../e2e/lib/frames.mjs';
import { listen } from '../e2e/lib/live.mjs';
import { Server, makeFolder, percentile, sleep, until } from '../e2e/lib/server.mjs';

const COUNT = Number(process.argv[2] ?? 1000);
const SECONDS = Number(process.argv[3] ?? 30);
const GUESTS = 20;
const PROBER = '/usr/bin/prometheus-blackbox-exporter';
const PROBES_AT_ONCE = 32;
const ROUNDS = 3;
const DARK_MS = 25_000;
const LATE_MS = 12_000; // asked every 10 s, a tenth more or less, and the moment a host takes
const hasTwoCores = os.availableParallelism() > 1;
const OURS = hasTwoCores ? ['taskset', '-c', '0'] : []; // "one core for Binnacle"
let isMissed = false;

function say(what, got, bar = '', isMet = true) {
  isMissed ||= !isMet;
  console.log(`fleet: ${what.padEnd(58)} ${got.padStart(12)}${bar ? `   bar ${bar}${isMet ? '' : '   MISSED'}` : ''}`);
}

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mib = (bytes) => `${(bytes / 1048576).toFixed(0)} MiB`;

function cpuOf(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function inLanes(list, lanes, run) {
  let next = 0;
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next < list.length) await run(list[next++]);
  }));
}

/** How long a live connection waits for the answer to a ping, every 5 ms, until the returned stop() is called. */
async function pinging(server, key) {
  const socket = await open(server.port, '/api/v1/live', { protocol: 'live.1', fields: { Host: `127.0.0.1:${server.port}`, Authorization: `Bearer ${key}` } });
  socket.send(TEXT, `${JSON.stringify({ t: 'hello', v: 1 })}\n`);
  const took = [];
  const sent = [];
  const reading = (async () => {
    for (;;) {
      const one = await socket.message(1e6).catch(() => null);
      if (!one) return;
      if (one.op === PONG) took.push(performance.now() - sent.shift());
    }
  })();
  const timer = setInterval(() => {
    sent.push(performance.now());
    socket.send(PING, '');
  }, 5);
  return async () => {
    clearInterval(timer);
    await sleep(50);
    socket.destroy();
    await reading;
    return took;
  };
}

/** The moment at which every server of the list is online, as a listener hears it. */
async function allOnline(server, key, count, within) {
  const live = await listen(server, { key }, ['infra.servers']);
  const online = new Set();
  let seen = 0;
  const look = () => {
    for (; seen < live.messages.length; seen++) {
      const one = live.messages[seen];
      const rows = one.t === 'sub' ? one.v?.servers : one.t === 'd' ? one.p.servers : null;
      for (const [id, row] of Object.entries(rows ?? {})) if (row?.connection_status === 'online') online.add(id);
    }
    return online.size >= count;
  };
  await until(`${count} servers to be online (${online.size})`, look, { within, every: 5 });
  live.destroy();
  return performance.now();
}

/** A fifth of the servers is silent: the longest time any other one was not asked, in ms. */
async function darkened(lab) {
  const nameOf = (it) => `${it.cluster}/${it.name}`;
  const dark = new Set(lab.servers.slice(0, COUNT / 5).map(nameOf));
  await lab.control.fault('blackhole', [...dark]);
  await sleep(5000);
  await lab.control.forget();
  const from = Date.now();
  await sleep(DARK_MS);
  const asked = new Map(lab.servers.map(nameOf).filter((name) => !dark.has(name)).map((name) => [name, [from]]));
  for (const one of await lab.control.requests({})) asked.get(one.node)?.push(one.at);
  await lab.control.clear();
  return Math.max(...[...asked.values()].map((times) => Math.max(...times.map((at, i) => (times[i + 1] ?? from + DARK_MS) - at))));
}

const formOf = (it, i) => ({ name: `server ${i}`, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint });

async function ours(lab, data) {
  const args = ['--allow-target', '127.0.0.0/8', '--max-servers', String(COUNT)];
  const first = await new Server({ data, args }).start();
  const admin = await first.setup();
  const key = await first.makeKey(admin, 'all');
  await inLanes(lab.servers.map(formOf), 16, (body) => first.api('POST', '/api/v1/servers', { key, body }));
  await allOnline(first, key, COUNT, 120_000);
  await first.stop();

  const server = await new Server({ data, args, wrap: OURS }).start();
  const stopCold = await pinging(server, key);
  const cold = await allOnline(server, key, COUNT, 60_000) - server.startedAt;
  const coldCpu = server.cpuSeconds;
  const coldPings = await stopCold();
  await sleep(12_000); // every guest listed once, every connection of the round closed
  const rounds = [];
  const cpus = [];
  const stopRounds = await pinging(server, key);
  for (let i = 0; i < ROUNDS; i++) {
    const cpu = server.cpuSeconds;
    const begun = performance.now();
    const { results } = await server.api('POST', '/api/v1/servers/health-check?wait=1', { key, timeout: 60_000 });
    rounds.push(performance.now() - begun);
    cpus.push(server.cpuSeconds - cpu);
    const failed = results.filter((r) => r.status !== 'online').length;
    if (results.length !== COUNT || failed > 0) say(`round ${i}: ${failed} of ${results.length} did not answer`, '', '0', false);
    await sleep(5000);
  }
  const roundPings = await stopRounds();
  const stopIdle = await pinging(server, key);
  const cpu = server.cpuSeconds;
  await sleep(SECONDS * 1000);
  const share = (server.cpuSeconds - cpu) / SECONDS;
  const steadyPings = await stopIdle();
  const rss = server.rss;
  const late = await darkened(lab);
  const listed = (await server.api('GET', '/api/v1/vms', { key, timeout: 30_000 })).vms.length;
  await server.stop();
  return { cold, coldCpu, coldPings, rounds, cpus, roundPings, share, steadyPings, rss, listed, late };
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** The same question at the same endpoints by prometheus-blackbox-exporter: seconds of processor a probe. */
async function theirs(lab, folder) {
  if (!fs.existsSync(PROBER)) return null;
  const modules = lab.servers.map((it, i) => `  m${i}:\n    prober: http\n    timeout: 20s\n    http:\n      headers:\n        Authorization: "PVEAPIToken=${it.token}"\n      tls_config:\n        insecure_skip_verify: true\n`);
  const file = path.join(folder, 'blackbox.yml');
  fs.writeFileSync(file, `modules:\n${modules.join('')}`, { mode: 0o600 });
  const port = await freePort();
  const words = [...OURS, PROBER, `--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'];
  const child = spawn(words[0], words.slice(1), { stdio: 'ignore' });
  const agent = new http.Agent({ keepAlive: true, maxSockets: PROBES_AT_ONCE });
  const get = (target) => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path: target, agent }, (answer) => {
      let text = '';
      answer.on('data', (piece) => { text += piece; });
      answer.on('end', () => resolve(text));
    }).on('error', reject);
  });
  try {
    await until('the prober', () => get('/-/healthy').catch(() => null), { within: 10_000 });
    const before = cpuOf(child.pid);
    const begun = performance.now();
    let failed = 0;
    await inLanes(lab.servers.map((it, i) => ({ it, i })), PROBES_AT_ONCE, async ({ it, i }) => {
      const text = await get(`/probe?module=m${i}&target=${encodeURIComponent(`${it.url}/api2/json/nodes`)}`);
      if (!/^probe_success 1$/m.test(text)) failed++;
    });
    return { cpu: cpuOf(child.pid) - before, took: performance.now() - begun, failed };
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
  }
}

const folder = makeFolder('binnacle-bench-');
const lab = await startLab({ scenario: `servers:${COUNT}:${GUESTS}` });
if (hasTwoCores) spawn('taskset', ['-a', '-p', '-c', '1', String(lab.pid)], { stdio: 'ignore' });
try {
  const us = await ours(lab, path.join(folder, 'data'));
  const scale = COUNT / 1000;
  const warm = percentile(us.rounds, 0.5);
  const warmCpu = percentile(us.cpus, 0.5);
  say(`${COUNT} servers, from the start of the process, cold`, ms(us.cold), `${5000 * scale} ms`, us.cold <= 5000 * scale);
  say(`${COUNT} servers, a round when they are known`, ms(warm), `${2000 * scale} ms`, warm <= 2000 * scale);
  say('p99 of a live connection meanwhile: cold', ms(percentile(us.coldPings, 0.99)));
  say('p99 of a live connection meanwhile: round', ms(percentile(us.roundPings, 0.99)));
  say('p99 of a live connection while only polling', ms(percentile(us.steadyPings, 0.99)));
  say(`steady: ${COUNT} servers, ${us.listed} guests every 10 s`, `${us.share.toFixed(3)} core`, '1 core', us.share < 1);
  say('steady: memory', mib(us.rss), '250 MiB', us.rss <= 250 * 1048576);
  say(`${COUNT / 5} servers silent: the others are asked at least every`, ms(us.late), `${LATE_MS} ms`, us.late <= LATE_MS);
  const them = await theirs(lab, folder);
  if (!them) {
    say('compared with prometheus-blackbox-exporter', 'not installed');
  } else {
    const each = (cpu) => `${(cpu * 1000 / COUNT).toFixed(2)} ms`;
    say(`prometheus-blackbox-exporter: ${COUNT} probes (${them.failed} failed)`, ms(them.took), '0 failed', them.failed === 0);
    say('processor a check: prometheus-blackbox-exporter', each(them.cpu));
    say('processor a check: ours, cold, the start and guests included', each(us.coldCpu));
    say('processor a check: ours, known', each(warmCpu));
    // A round that takes long has more of the polling in it, which is no check.
    const polling = us.share * warm / 1000;
    say('processor a check: ours, known, without the polling meanwhile', each(warmCpu - polling));
    say('ours cold / theirs', (us.coldCpu / them.cpu).toFixed(2), '0.50', us.coldCpu / them.cpu <= 0.5);
    say('ours known / theirs', (warmCpu / them.cpu).toFixed(2), '0.50', warmCpu / them.cpu <= 0.5);
    say('ours known without the polling / theirs', ((warmCpu - polling) / them.cpu).toFixed(2));
  }
} finally {
  await lab.stop();
  fs.rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isMissed ? 1 : 0;
