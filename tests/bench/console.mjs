// console: what passing a console on costs: beside a raw TCP relay between the same viewer and the same Proxmox
// VE in the same run (then the viewer does the TLS that Binnacle does otherwise), and what many consoles take.
//
// `console.mjs [MEBIBYTES]`, 256 when not said. Needs build/release/binnacle and build/release/tests/relay.
// Exit code 1 when a bar is missed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import tls from 'node:tls';
import { startLab } from '../../lab/lib.mjs';
import { answerTo, proxy, socketPath } from '../../lab/test/viewer.mjs';
import { Console, ask, join } from '../e2e/lib/console.mjs';
import { handshake } from '../e2e/lib/frames.mjs';
import { Server, percentile, root, sleep, until } from '../e2e/lib/server.mjs';

const BYTES = Number(process.argv[2] ?? 256) * (1 << 20);
const ROUNDS = 5;
const ECHOES = 3000;
const WINDOW = 500; // of them; the calmest counts
const MANY = 20;
const FRAME = 32768; // a third of a screen of 1024 by 768 that changed, in tight encoding
const SECONDS = 10;
const GUESTS = [
  { vmid: 100, type: 'qemu', node: 'pve1', name: 'echo', status: 'running', console: 'echo' },
  { vmid: 101, type: 'qemu', node: 'pve1', name: 'source', status: 'running', console: { kind: 'source', size: 65536 } },
  { vmid: 102, type: 'qemu', node: 'pve1', name: 'film', status: 'running', console: { kind: 'source', size: FRAME, every: 33 } },
];
let isMissed = false;

function say(what, got, bar = '', isMet = true) {
  isMissed ||= !isMet;
  console.log(`console: ${what.padEnd(58)} ${got.padStart(12)}${bar ? `   bar ${bar}${isMet ? '' : '   MISSED'}` : ''}`);
}


const lab = await startLab({ scenario: { clusters: [{ name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: GUESTS }] }, timing: { denied: 50, tick: 500, cache: 200 } });
const [pve] = lab.servers;
const relay = spawn(process.env.RELAY ?? path.join(root, 'build/release/tests/relay'), [String(pve.port)], { stdio: ['ignore', 'pipe', 'inherit'] });
const relayPort = await new Promise((resolve) => { relay.stdout.once('data', (line) => resolve(Number(line))); });
const server = await new Server({ args: ['--allow-target', '127.0.0.0/8'] }).start();
const admin = await server.setup();
const added = await server.api('POST', '/api/v1/servers', { cookie: admin.cookie, body: { name: 'alpha', host: pve.host, port: pve.port, api_token: pve.token, fingerprint: pve.fingerprint, verify_ssl: false } });
const fleet = { server, admin, ids: { alpha: added.id } };
await server.api('POST', '/api/v1/servers/health-check?wait=1', { cookie: admin.cookie, body: {} });
await until('its guests', async () => (await server.api('GET', '/api/v1/vms', { cookie: admin.cookie })).vms.length >= GUESTS.length, { within: 20000 });

/** Through Binnacle. */
async function ours(vmid, as = admin) {
  const it = await join(server, as, await ask(fleet, 'alpha', vmid, { as }));
  await it.greet();
  return it;
}

/** The same viewer at the same Proxmox VE, through the raw relay. */
async function raw(vmid) {
  const place = `/nodes/pve1/qemu/${vmid}`;
  const told = await proxy(pve, place, 'vncproxy');
  const socket = tls.connect({ port: relayPort, host: '127.0.0.1', rejectUnauthorized: false });
  socket.setNoDelay(true);
  socket.write(handshake(`/api2/json${socketPath(place, told)}`, { Authorization: `PVEAPIToken=${pve.token}`, 'Sec-WebSocket-Protocol': 'binary' }));
  let head = Buffer.alloc(0);
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', function hear(piece) {
      head = Buffer.concat([head, piece]);
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', hear);
      socket.pause();
      resolve();
    });
  });
  assert.match(head.toString('latin1'), /^HTTP\/1\.1 101 /);
  const it = new Console(socket);
  const rest = head.subarray(head.indexOf('\r\n\r\n') + 4);
  if (rest.length) it.feed(rest);
  socket.resume();
  await it.read(12);
  it.send('RFB 003.008\n');
  assert.deepEqual([...await it.read(2)], [1, 2]);
  it.send([2]);
  it.send(answerTo(await it.read(16), told.password));
  assert.deepEqual([...await it.read(4)], [0, 0, 0, 0]);
  return it;
}

const ways = { ours, raw };

async function speed(open) {
  const it = await open(101);
  it.sink = () => {};
  const from = it.total;
  const begun = performance.now();
  await it.when(() => it.total - from >= BYTES, 'all bytes', 120_000);
  const took = performance.now() - begun;
  it.destroy();
  await sleep(300);
  return BYTES / (1 << 20) / (took / 1000);
}

async function delays(open) {
  const it = await open(100);
  const took = [];
  for (let i = 0; i < ECHOES + 200; i++) {
    const begun = performance.now();
    it.send('\x04\x01\0\0\0\0\0a'); // a key, as RFB has it
    await it.read(8);
    if (i >= 200) took.push(performance.now() - begun);
  }
  it.destroy();
  return took;
}

async function inTurn(run) {
  const all = { ours: [], raw: [] };
  for (let i = 0; i < ROUNDS; i++) for (const [name, open] of Object.entries(ways)) all[name].push(await run(open));
  return all;
}

try {
  const fast = await inTurn(speed);
  const usual = { ours: percentile(fast.ours, 0.5), raw: percentile(fast.raw, 0.5) };
  const ratio = usual.ours / usual.raw;
  say('bytes of a guest to the viewer, raw relay', `${usual.raw.toFixed(0)} MiB/s`);
  say('bytes of a guest to the viewer, Binnacle', `${usual.ours.toFixed(0)} MiB/s`);
  say('of the raw relay\'s', ratio.toFixed(2), '0.90', ratio >= 0.9);

  const late = await inTurn(delays);
  const windows = (list) => list.flatMap((one) => Array.from({ length: one.length / WINDOW }, (_, i) => one.slice(i * WINDOW, (i + 1) * WINDOW)));
  const calmest = (list, share) => Math.min(...windows(list).map((one) => percentile(one, share)));
  const p99 = (list) => calmest(list, 0.99);
  const p50 = (list) => calmest(list, 0.5);
  const more = p99(late.ours) - p99(late.raw);
  say('a key there and back, p50 raw relay, Binnacle', `${p50(late.raw).toFixed(2)}, ${p50(late.ours).toFixed(2)} ms`);
  say('a key there and back, p99 raw relay, Binnacle', `${p99(late.raw).toFixed(2)}, ${p99(late.ours).toFixed(2)} ms`);
  say('more than the raw relay, p99', `${more.toFixed(2)} ms`, '1 ms', more <= 1);

  const people = [admin];
  for (const name of ['max', 'mia']) {
    await server.addUser(admin, name, 'manager');
    people.push(await server.login(name));
  }
  const openMany = async (vmid) => {
    const all = [];
    for (let i = 0; i < MANY; i++) all.push(await ours(vmid, people[i % people.length]));
    return all;
  };
  const close = async (all) => {
    for (const one of all) one.destroy();
    await until('all to close', async () => !(await lab.control.consoles()).some((one) => one.state === 'open'), { within: 20000 });
  };
  await close([await ours(100)]); // what the process needs once
  await sleep(2500);
  const before = server.rss;
  const idle = await openMany(100);
  await sleep(1500);
  const each = (server.rss - before) / MANY / 1024;
  say('memory of an idle console', `${each.toFixed(0)} KiB`, '128 KiB', each <= 128);
  await close(idle);

  const films = await openMany(102);
  for (const one of films) one.sink = () => {};
  await sleep(1000);
  const from = films.reduce((sum, one) => sum + one.total, 0);
  const cpu = server.cpuSeconds;
  const begun = performance.now();
  await sleep(SECONDS * 1000);
  const seconds = (performance.now() - begun) / 1000;
  const cores = (server.cpuSeconds - cpu) / seconds;
  const frames = (films.reduce((sum, one) => sum + one.total, 0) - from) / FRAME / seconds / MANY;
  say(`${MANY} consoles, frames of 32 KiB a second each`, `${frames.toFixed(1)} of 30`); // what the lab could make
  say(`${MANY} consoles at that`, `${(cores * 100).toFixed(0)} % of a core`, '100 %', cores < 1);
  await close(films);
} finally {
  relay.kill();
  await server.stop();
  await lab.stop();
}
process.exit(isMissed ? 1 : 0);
