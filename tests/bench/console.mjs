// console: what passing a console on costs, beside a raw relay between the same viewer and the same Proxmox VE in the
// same run, and what many consoles take. Twice:
//
// * the browser without TLS, beside a relay of TCP: then the viewer does the TLS that Binnacle does otherwise;
// * the browser with TLS, beside a relay that ends TLS on one side and begins it on the other, as Binnacle must.
//   Neither relay reads frames, asks who is there or answers a VNC challenge: what is over them is that.
//
// `console.mjs [MEBIBYTES]`, 256 when not said. Needs build/release/binnacle and build/release/tests/relay, relay_tls.
// Exit code 1 when a bar is missed.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { startLab } from '../../lab/lib.mjs';
import { answerTo, proxy, socketPath } from '../../lab/test/viewer.mjs';
import { Console, ask, join } from '../e2e/lib/console.mjs';
import { handshake } from '../e2e/lib/frames.mjs';
import { Server, makeFolder, percentile, root, sleep, until } from '../e2e/lib/server.mjs';

const BYTES = Number(process.argv[2] ?? 256) * (1 << 20);
const ROUNDS = 5;
const ECHOES = 3000;
const WINDOW = 500; // of them; the calmest counts
const MANY = 20;
const FRAME = 32768; // a third of a screen of 1024 by 768 that changed, in tight encoding
const SECONDS = 10;
const LOOKS = 20; // at a machine that runs
const PICTURE_MS = 2000;
const GUESTS = [
  { vmid: 100, type: 'qemu', node: 'pve1', name: 'echo', status: 'running', console: 'echo' },
  { vmid: 101, type: 'qemu', node: 'pve1', name: 'source', status: 'running', console: { kind: 'source', size: 65536 } },
  { vmid: 102, type: 'qemu', node: 'pve1', name: 'film', status: 'running', console: { kind: 'source', size: FRAME, every: 33 } },
  { vmid: 103, type: 'qemu', node: 'pve1', name: 'screen', status: 'running' },
];
let isMissed = false;

function say(what, got, bar = '', isMet = true) {
  isMissed ||= !isMet;
  console.log(`console: ${what.padEnd(58)} ${got.padStart(12)}${bar ? `   bar ${bar}${isMet ? '' : '   MISSED'}` : ''}`);
}


const folder = makeFolder('binnacle-bench-');
const cert = path.join(folder, 'cert.pem');
const key = path.join(folder, 'key.pem');
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
const lab = await startLab({ scenario: { clusters: [{ name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: GUESTS }] }, timing: { denied: 50, tick: 500, cache: 200 } });
const [pve] = lab.servers;
const ends = [];

async function startRelay(name, args) {
  const relay = spawn(path.join(root, 'build/release/tests', name), [String(pve.port), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => relay.kill());
  const port = await new Promise((resolve) => { relay.stdout.once('data', (line) => resolve(Number(line))); });
  return { port, get cpu() { return cpuSeconds(relay.pid); } };
}

async function startOurs(args) {
  const server = await new Server({ args: ['--allow-target', '127.0.0.0/8', ...args] }).start();
  ends.push(() => server.stop());
  if (server.isTls) server.dial = () => secure(server.port);
  const admin = await server.setup();
  const added = await server.api('POST', '/api/v1/servers', { cookie: admin.cookie, body: { name: 'alpha', host: pve.host, port: pve.port, api_token: pve.token, fingerprint: pve.fingerprint, verify_ssl: false } });
  await server.api('POST', '/api/v1/servers/health-check?wait=1', { cookie: admin.cookie, body: {} });
  await until('its guests', async () => (await server.api('GET', '/api/v1/vms', { cookie: admin.cookie })).vms.length >= GUESTS.length, { within: 20000 });
  return { server, admin, ids: { alpha: added.id } };
}

/** All threads, to the nanosecond where a tick of the clock would be a hundredth of a second. */
function cpuSeconds(pid) {
  return fs.readdirSync(`/proc/${pid}/task`).reduce((sum, id) => sum + Number(fs.readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]) / 1e9, 0);
}

function secure(port) {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.setNoDelay(true);
  return socket;
}

/** Through Binnacle. */
async function ours(fleet, vmid, as = fleet.admin) {
  const it = await join(fleet.server, as, await ask(fleet, 'alpha', vmid, { as }));
  await it.greet();
  return it;
}

/** The same viewer at the same Proxmox VE, through a raw relay at that port. */
async function raw(port, vmid) {
  const place = `/nodes/pve1/qemu/${vmid}`;
  const told = await proxy(pve, place, 'vncproxy');
  const socket = secure(port);
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

async function speed(open, spent) {
  const it = await open(101);
  it.sink = () => {};
  const from = it.total;
  const cpu = spent();
  const begun = performance.now();
  await it.when(() => it.total - from >= BYTES, 'all bytes', 120_000);
  const took = performance.now() - begun;
  const mebibytes = (it.total - from) / (1 << 20);
  const each = (spent() - cpu) * 1000 / mebibytes;
  it.destroy();
  await sleep(300);
  return { speed: mebibytes / (took / 1000), each };
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

async function inTurn(ways, run) {
  const all = { ours: [], raw: [] };
  for (let i = 0; i < ROUNDS; i++) for (const [name, way] of Object.entries(ways)) all[name].push(await run(way.open, way.spent));
  return all;
}

async function besideRaw(relay, ways) {
  const fast = await inTurn(ways, speed);
  const median = (list, what) => percentile(list.map((one) => one[what]), 0.5);
  const usual = { ours: median(fast.ours, 'speed'), raw: median(fast.raw, 'speed') };
  const ratio = usual.ours / usual.raw;
  say(`bytes of a guest to the viewer, ${relay}`, `${usual.raw.toFixed(0)} MiB/s`);
  say('bytes of a guest to the viewer, Binnacle', `${usual.ours.toFixed(0)} MiB/s`);
  say(`of the ${relay}'s`, ratio.toFixed(2), '0.90', ratio >= 0.9);
  say(`processor for a MiB, ${relay}, Binnacle`, `${median(fast.raw, 'each').toFixed(2)}, ${median(fast.ours, 'each').toFixed(2)} ms`);

  const late = await inTurn(ways, delays);
  const windows = (list) => list.flatMap((one) => Array.from({ length: one.length / WINDOW }, (_, i) => one.slice(i * WINDOW, (i + 1) * WINDOW)));
  const calmest = (list, share) => Math.min(...windows(list).map((one) => percentile(one, share)));
  const p99 = (list) => calmest(list, 0.99);
  const p50 = (list) => calmest(list, 0.5);
  const more = p99(late.ours) - p99(late.raw);
  say(`a key there and back, p50 ${relay}, Binnacle`, `${p50(late.raw).toFixed(2)}, ${p50(late.ours).toFixed(2)} ms`);
  say(`a key there and back, p99 ${relay}, Binnacle`, `${p99(late.raw).toFixed(2)}, ${p99(late.ours).toFixed(2)} ms`);
  say(`more than the ${relay}, p99`, `${more.toFixed(2)} ms`, '1 ms', more <= 1);
}

/** From asking for a console of a machine that runs to the first rectangle of its picture. */
async function pictures(fleet) {
  const took = [];
  for (let i = 0; i < LOOKS + 1; i++) {
    const begun = performance.now();
    const it = await ours(fleet, 103);
    it.send([1]);
    await it.read((await it.read(24)).readUInt32BE(20));
    it.send([2, 0, 0, 1, 0, 0, 0, 0]); // raw
    it.send([3, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    assert.equal((await it.read(4))[0], 0);
    if (i > 0) took.push(performance.now() - begun); // the first started the machine
    it.destroy();
    await sleep(50);
  }
  const worst = Math.max(...took);
  say('asked to first picture, a machine that runs, p50', `${percentile(took, 0.5).toFixed(0)} ms`);
  say('asked to first picture, a machine that runs, worst', `${worst.toFixed(0)} ms`, `${PICTURE_MS} ms`, worst <= PICTURE_MS);
}

async function many(fleet) {
  const { server, admin } = fleet;
  const people = [admin];
  for (const name of ['max', 'mia']) {
    await server.addUser(admin, name, 'manager');
    people.push(await server.login(name));
  }
  const openMany = async (vmid) => {
    const all = [];
    for (let i = 0; i < MANY; i++) all.push(await ours(fleet, vmid, people[i % people.length]));
    return all;
  };
  const close = async (all) => {
    for (const one of all) one.destroy();
    await until('all to close', async () => !(await lab.control.consoles()).some((one) => one.state === 'open'), { within: 20000 });
  };
  await close([await ours(fleet, 100)]); // what the process needs once
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
}

async function measure(title, name, relay, args) {
  console.log(`console: ${title}`);
  const fleet = await startOurs(args);
  await many(fleet); // before others leave it memory to use again
  await besideRaw(name, {
    ours: { open: (vmid) => ours(fleet, vmid), spent: () => cpuSeconds(fleet.server.pid) },
    raw: { open: (vmid) => raw(relay.port, vmid), spent: () => relay.cpu },
  });
  await pictures(fleet);
}

try {
  await measure('the browser without TLS', 'relay of TCP', await startRelay('relay', []), []);
  await measure('the browser with TLS', 'relay of TLS', await startRelay('relay_tls', [cert, key]), ['--tls-cert', cert, '--tls-key', key]);
} finally {
  for (const end of ends.reverse()) await end();
  await lab.stop();
  fs.rmSync(folder, { recursive: true });
}
process.exit(isMissed ? 1 : 0);
