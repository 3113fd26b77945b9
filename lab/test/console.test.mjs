// Consoles: a real QEMU behind vncproxy whose screen is read and whose keys are typed, its serial port, its power; tickets,
// ports, listeners; the rules of frames.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { test, before, after } from 'node:test';
import { openLab, startLab } from '../lib.mjs';
import { hasQemu } from '../src/screen.mjs';
import { vncAnswer } from '../src/rfb.mjs';
import { ask, eventually, root } from './raw.mjs';
import { UPGRADE, answerTo, begin, clientFrame, colour, greet, key, open, proxy, request, socketPath, type, update, upgrade } from './viewer.mjs';

const WAITS = 120_000; // ms a listener waits here: nobody is late by accident
const LONG = 60_000; // ms a machine under emulation may take on a busy one
const guests = [
  { vmid: 100, type: 'qemu', status: 'running', name: 'web' }, { vmid: 101, type: 'qemu', status: 'stopped', name: 'off' },
  { vmid: 102, type: 'lxc', status: 'running', name: 'box' }, { vmid: 103, type: 'qemu', status: 'running', name: 'tty', serial: true },
  { vmid: 104, type: 'qemu', status: 'running', console: 'echo' }, { vmid: 105, type: 'qemu', status: 'running', console: { kind: 'source', size: 50_000 } },
].map((guest) => ({ node: 'pve1', ...guest }));

let lab;
let control;
let one;
let two;
let seven;
let six;
before(async () => {
  lab = await openLab({
    scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 2, guests }, { name: 'seven', version: '7.4', nodes: ['pve1'], guests },
      { name: 'six', version: '6.2', nodes: ['pve1'], guests }] },
    timing: { tasks: 0.1, tick: 500, cache: 50, console: WAITS, denied: 50 },
  });
  control = lab.control;
  const at = (cluster, name) => lab.servers.find((server) => server.cluster === cluster && server.name === name);
  [one, two, seven, six] = [at('alpha', 'pve1'), at('alpha', 'pve2'), at('seven', 'pve1'), at('six', 'pve1')];
});
after(() => lab.stop());

const VM = '/nodes/pve1/qemu/100';
const taskPath = (upid) => `/nodes/${upid.split(':')[1]}/tasks/${encodeURIComponent(upid)}`;
const ended = (upid, server = one) => eventually(async () => {
  const { data } = await ask(server, 'GET', `${taskPath(upid)}/status`);
  return data.status === 'stopped' && data.exitstatus;
}, upid, LONG);
const logOf = async (upid, server = one) => (await ask(server, 'GET', `${taskPath(upid)}/log`)).data.map((line) => line.t);
const serial = async (vmid) => (await control.screen('alpha', vmid)).serial ?? '';
const says = (vmid, text) => eventually(async () => (await serial(vmid)).endsWith(text), `${text} on the serial port`, LONG);
const power = async (vmid, verb) => ended((await ask(one, 'POST', `/nodes/pve1/qemu/${vmid}/status/${verb}`, { body: '' })).data);
const prompt = (name) => `binnacle guest ${name} login-free prompt> `;

// A console with its greeting done.
async function look(server, path, kind = 'vncproxy') {
  const { told, socket } = await open(server, path, kind);
  assert.equal(socket.status, 101);
  assert.equal((await greet(socket, told.password ?? told.ticket)).result, 0);
  return { told, socket, screen: await begin(socket) };
}

// Updates until the screen looks as wanted.
async function shows(socket, screen, wanted) {
  request(socket, screen);
  for (const end = Date.now() + LONG; Date.now() < end;) {
    await update(socket, screen);
    if (wanted(screen)) return;
    request(socket, screen, 1);
  }
  assert.fail('the screen does not come to look so');
}

test('QEMU is here: without it nothing below is what it says', () => {
  assert.ok(hasQemu(), 'qemu-system-x86_64: apt-get install --no-install-recommends qemu-system-x86');
});

test('DES as RFB wants it, from a vector made with the openssl command', () => {
  const challenge = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  assert.equal(answerTo(challenge, 'password').toString('hex'), vncAnswer('password', challenge).toString('hex'));
  assert.equal(vncAnswer('password', challenge).toString('hex'), 'b866924125c8eebb9debc1db61c538e2');
});

test('a machine boots behind vncproxy: keys in, pixels and serial port out', async () => {
  const { socket, screen, told } = await look(one, VM);
  assert.deepEqual(Object.keys(told).sort(), ['cert', 'password', 'port', 'ticket', 'upid', 'user']);
  await says(100, prompt('web'));
  type(socket, 'sum 2 3\n');
  await says(100, `sum 2 3\r\n5\r\n${prompt('web')}`);
  type(socket, 'Hello!\n');
  await says(100, `Hello!\r\n!olleH\r\n${prompt('web')}`);
  // Red is colour 4 of a text screen: the last line, where nothing is written.
  type(socket, 'paint 4\n');
  await shows(socket, screen, (s) => colour(s, s.width - 4, s.height - 4) === 'a80000' || colour(s, s.width - 4, s.height - 4) === 'aa0000');
  assert.equal((await control.screen('alpha', 100)).viewers, 1);
  socket.close();
  assert.equal(await ended(told.upid), 'OK');
});

test('from vncproxy to the first frame of a machine that runs', async (t) => {
  const times = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    const { socket, screen } = await look(one, VM);
    request(socket, screen);
    await update(socket, screen);
    times.push(performance.now() - start);
    socket.close();
  }
  t.diagnostic(`vncproxy to the first frame: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
});

test('Ctrl+Alt+Del, reset, pause, stop, start, off: the machine follows, and the guest it', async () => {
  const path = '/nodes/pve1/qemu/103';
  const { socket, screen } = await look(one, path);
  await says(103, prompt('tty'));
  const greetings = async () => (await serial(103)).split('binnacle guest').length - 1;
  const { pid } = await control.screen('alpha', 103);
  for (const down of [1, 0]) for (const code of [0xffe3, 0xffe9, 0xffff]) key(socket, down, code);
  await eventually(async () => (await greetings()) === 2, 'Ctrl+Alt+Del', LONG);
  await power(103, 'reset');
  await eventually(async () => (await greetings()) === 3, 'reset', LONG);
  await power(103, 'suspend');
  type(socket, 'lost\n');
  request(socket, screen);
  await update(socket, screen);
  await power(103, 'resume');
  type(socket, 'sum 40 2\n');
  await says(103, `${prompt('tty')}sum 40 2\r\n42\r\n${prompt('tty')}`);
  assert.equal((await control.screen('alpha', 103)).pid, pid, 'one machine all the time');
  request(socket, screen);
  await update(socket, screen);
  await power(103, 'stop');
  assert.ok(await socket.closes(), 'a machine that is off has no screen');
  assert.equal((await control.screen('alpha', 103)).running, false);
  assert.equal(socket.controls.length, 0, 'no close frame');
  await power(103, 'start');
  const again = await look(one, path);
  await says(103, prompt('tty'));
  assert.notEqual((await control.screen('alpha', 103)).pid, pid);
  type(again.socket, 'off\n');
  assert.ok(await again.socket.closes());
  const current = async () => (await ask(one, 'GET', `${path}/status/current`)).data.status;
  await eventually(async () => (await current()) === 'stopped', 'off from inside');
  await power(103, 'start');
});

test('the screen changes its size, and moves by itself', async () => {
  const { socket, screen } = await look(one, VM);
  await says(100, prompt('web'));
  type(socket, 'mode 19\n');
  await shows(socket, screen, (s) => s.width === 640 && s.height === 400);
  type(socket, 'mode 3\n');
  await shows(socket, screen, (s) => s.width === 720 && s.height === 400);
  type(socket, 'run\n');
  for (let i = 0; i < 5; i++) {
    request(socket, screen, 1);
    const rectangles = await update(socket, screen);
    assert.ok(rectangles.length > 0);
  }
  type(socket, 'x');
  await eventually(async () => (await serial(100)).endsWith(`run\r\n${prompt('web')}`), 'a key ends it', LONG);
  socket.close();
});

test('a wrong password is refused with its reason; the first eight characters of the ticket are that of old ones', async () => {
  const wrong = await open(one, VM, 'vncproxy');
  const { result, reason } = await greet(wrong.socket, 'nonsense');
  assert.equal(result, 1);
  assert.match(reason, /^Authentication failed\0?$/, 'QEMU 7 counts the end of its string');
  assert.ok(await wrong.socket.closes());
  const old = await open(seven, VM, 'vncproxy');
  assert.equal('password' in old.told, false);
  assert.equal((await greet(old.socket, old.told.ticket)).result, 0);
  old.socket.close();
  const made = await open(seven, VM, 'vncproxy', 'websocket=1&generate-password=1');
  assert.equal(made.told.password.length, 8);
  assert.equal((await greet(made.socket, made.told.password)).result, 0);
  made.socket.close();
  const container = await look(one, '/nodes/pve1/lxc/102');
  assert.equal(container.screen.name, 'QEMU (box)');
  container.socket.close();
});

test('who may: VM.Console, an account, a guest that is there', async () => {
  const as = (name) => ({ ...one, token: one.tokens[`binnacle@pve!${name}`] });
  const post = (server, path, body = 'websocket=1') => ask(server, 'POST', path, { body });
  for (const kind of ['vncproxy', 'termproxy']) {
    const answer = await post(as('monitor'), `${VM}/${kind}`, '');
    assert.deepEqual([answer.status, answer.reason], [403, 'Permission check failed (/vms/100, VM.Console)']);
  }
  assert.equal((await post(one, '/nodes/pve1/qemu/999/vncproxy')).reason, "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist");
  const told = await proxy(one, VM, 'vncproxy');
  const bare = await upgrade({ ...one, token: null }, socketPath(VM, told));
  assert.deepEqual([bare.status, bare.reason], [401, 'No ticket']);
  const other = await upgrade(as('guests'), socketPath(VM, told));
  assert.deepEqual([other.status, other.reason], [401, 'permission denied - invalid PVEVNC ticket'], 'the ticket of somebody else');
  const elsewhere = await upgrade(one, socketPath('/nodes/pve1/qemu/103', told));
  assert.equal(elsewhere.status, 401, 'the ticket of another guest');
  const mayNot = await upgrade(as('monitor'), socketPath(VM, told));
  assert.equal(mayNot.status, 403);
  assert.equal((await upgrade(one, socketPath(VM, told))).status, 101, 'none of these was a connection');
});

test('a listener to which nobody comes', async () => {
  const hasty = await openLab({ scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 1, guests }] }, timing: { console: 200 } });
  const [server] = hasty.servers;
  const path = '/nodes/pve1/qemu/104';
  const late = await proxy(server, path, 'vncproxy');
  assert.equal(await ended(late.upid, server), 'connection timed out');
  const dead = await upgrade(server, socketPath(path, late));
  assert.deepEqual([dead.status, dead.ended], [0, true], 'nobody listens: closed without a word');
  const terminal = await proxy(server, path, 'termproxy');
  assert.match(await ended(terminal.upid, server), /^command '\/usr\/bin\/termproxy 59\d\d --path \/vms\/104 --perm VM.Console --' failed: exit code 1$/);
  assert.equal((await logOf(terminal.upid, server))[0], 'failed waiting for client: timed out');
  await hasty.stop();
});

test('the listener: one connection, this machine; a look without an upgrade leaves it', async () => {
  const told = await proxy(one, VM, 'vncproxy');
  const seen = await ask(one, 'GET', socketPath(VM, told));
  assert.deepEqual([seen.status, seen.data], [200, { port: String(told.port) }]);
  assert.equal((await upgrade(two, socketPath(VM, told))).status, 0, 'the other machine of the cluster');
  const first = await upgrade(one, socketPath(VM, told));
  assert.equal(first.status, 101);
  assert.equal((await upgrade(one, socketPath(VM, told))).status, 0, 'a second one');
  first.close();

  // The machine that was asked reaches the other by ssh.
  const { socket } = await look(two, VM);
  assert.equal((await control.consoles()).find((each) => each.node === 'alpha/pve2').state, 'open');
  socket.close();
});

test('ports: from 5900 on, each once; when all are taken there is none', async () => {
  const all = [];
  for (let i = 0; i < 100; i++) all.push(proxy(six, '/nodes/pve1/qemu/104', 'vncproxy'));
  const ports = (await Promise.all(all)).map((told) => told.port);
  assert.equal(new Set(ports).size, 100);
  assert.deepEqual([ports[0], typeof ports[0]], ['5900', 'string']);
  await assert.rejects(proxy(six, VM, 'vncproxy'), /500 unable to find free port/);
});

test('a ticket holds for forty seconds', async () => {
  const told = await proxy(one, VM, 'vncproxy');
  await control.forward(41_000);
  const old = await upgrade(one, socketPath(VM, told));
  assert.deepEqual([old.status, old.reason], [401, 'permission denied - invalid PVEVNC ticket']);
});

test('a stopped guest: the request is good, its task says what is wrong', async () => {
  const { told, socket } = await open(one, '/nodes/pve1/qemu/101', 'vncproxy');
  assert.equal(socket.status, 101);
  assert.ok(await socket.closes());
  assert.equal(socket.all().length, 0);
  assert.equal(await ended(told.upid), 'Failed to run vncproxy.');
  assert.deepEqual(await logOf(told.upid), ['VM 101 not running', 'TASK ERROR: Failed to run vncproxy.']);
});

test('without websocket=1 there is nothing for this end', async () => {
  const old = await open(seven, VM, 'vncproxy', '');
  assert.ok(await old.socket.closes());
  assert.match((await logOf(old.told.upid, seven))[0], /^LC_PVE_TICKET not set/);
  const now = await open(one, VM, 'vncproxy', '');
  assert.equal((await now.socket.read(12, 500)).length, 0, 'it waits for TLS');
  now.socket.close();
});

test('the upgrade: what is refused, and what is echoed', async () => {
  const { ...headers } = UPGRADE;
  const attempt = async (server, change) => {
    const told = await proxy(server, '/nodes/pve1/qemu/104', 'vncproxy');
    const { status, reason, header, connection } = await upgrade(server, socketPath('/nodes/pve1/qemu/104', told), { headers: change });
    connection.socket.destroy();
    return [status, status === 101 ? header('Sec-WebSocket-Protocol')[0] : reason];
  };
  assert.deepEqual(await attempt(one, headers), [101, 'binary']);
  assert.deepEqual(await attempt(one, { ...headers, 'Sec-WebSocket-Protocol': 'base64' }), [101, 'base64']);
  const { 'Sec-WebSocket-Protocol': _protocol, ...without } = headers;
  assert.deepEqual(await attempt(one, without), [101, undefined]);
  assert.deepEqual(await attempt(one, { ...headers, Upgrade: 'h2c' }), [501, "unable to upgrade to protocol 'h2c'"]);
  assert.deepEqual(await attempt(one, { ...headers, 'Sec-WebSocket-Version': '8' }), [501, "unsupported websocket-version '8'"]);
  const { 'Sec-WebSocket-Key': _key, ...keyless } = headers;
  assert.deepEqual(await attempt(one, keyless), [501, 'missing websocket-key']);
});

// A console that gives back what it gets, after its greeting.
async function echoing() {
  const { told, socket } = await open(one, '/nodes/pve1/qemu/104', 'vncproxy');
  assert.equal((await greet(socket, told.password)).result, 0);
  return { told, socket };
}

test('frames to it: masked, whole, at most 128 KiB; pings are answered', async () => {
  const { socket } = await echoing();
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 131_072]) {
    const bytes = Buffer.alloc(size, size & 255);
    socket.send(bytes);
    assert.ok((await socket.read(size)).equals(bytes), `${size} bytes`);
  }
  socket.send('text', { opcode: 1 });
  assert.equal((await socket.read(4)).toString(), 'text');
  socket.send('null', { mask: Buffer.alloc(4) });
  assert.equal((await socket.read(4)).toString(), 'null');
  socket.send('ping', { opcode: 9 });
  socket.send('nobody', { opcode: 10 });
  await socket.until(() => socket.controls.length > 0);
  assert.deepEqual(socket.controls.map(({ opcode, payload }) => [opcode, payload.toString()]), [[10, 'ping']]);
  const bytes = clientFrame(Buffer.from('byte by byte'));
  for (const byte of bytes) socket.connection.socket.write(Buffer.from([byte]));
  assert.equal((await socket.read(12)).toString(), 'byte by byte');
  assert.ok(socket.frames.every(({ first, masked, length }) => (first === 0x82 || first === 0x8a) && !masked && length <= 131_072));
  socket.send([0x03, 0xe8], { opcode: 8 });
  assert.ok(await socket.closes());
  assert.equal(socket.controls.length, 1, 'no close frame comes back');
});

const BAD = {
  'not masked': { masked: false }, 'a fragment': { fin: false }, 'a continuation': { opcode: 0 }, 'compressed': { rsv: 4 }, 'opcode 3': { opcode: 3 },
  'more than 128 KiB': { length: 131_073 }, 'a length beyond 2^53': { length: 2 ** 60 },
};
for (const [name, how] of Object.entries(BAD)) {
  test(`a frame that is ${name} ends it`, async () => {
    const { socket, told } = await echoing();
    socket.send('x', how);
    assert.ok(await socket.closes());
    assert.equal(socket.all().length, 0);
    assert.equal(await ended(told.upid), 'OK');
  });
}

test('bytes without an end: cut anywhere, none lost; a reader who stands still stops them', async () => {
  const { told, socket } = await open(one, '/nodes/pve1/qemu/105', 'vncproxy');
  assert.equal((await greet(socket, told.password)).result, 0);
  for (let i = 0; i < 20; i++) assert.equal(Number((await socket.read(50_000)).readBigUInt64BE()), i);
  socket.connection.socket.pause();
  const out = async () => (await control.consoles()).find((each) => each.vmid === 105);
  await eventually(async () => (await out()).held, 'the writer waits', LONG);
  socket.connection.socket.resume();
  for (let i = 20; i < 60; i++) assert.equal(Number((await socket.read(50_000)).readBigUInt64BE()), i);
  socket.close();
  await eventually(async () => !(await control.consoles()).some((each) => each.vmid === 105), 'its end');
});

test('a lab that is killed takes its machines along', async () => {
  const own = await startLab({ scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 1, guests }] } });
  await look(own.servers[0], VM);
  const { pid } = await own.control.screen('alpha', 100);
  process.kill(own.pid, 'SIGKILL');
  const there = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await eventually(async () => !there(), 'its end', LONG);
  const left = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith(`binnacle-lab-${own.pid}-`)).length;
  assert.equal(left(), 1);
  const next = await openLab({ scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 1, guests }] } });
  (await look(next.servers[0], VM)).socket.close();
  assert.equal(left(), 0, 'the next one tidies up');
  await next.stop();
  assert.equal(fs.existsSync(next.lab.consoles.dir), false);
});

test('so many machines at once: the one not looked at makes room, and when all are looked at there is none', async () => {
  const own = await openLab({ scenario: { screens: 1, clusters: [{ name: 'alpha', version: '9.2', nodes: 1, guests }] } });
  const [server] = own.servers;
  const first = await look(server, VM);
  const full = await open(server, '/nodes/pve1/qemu/103', 'vncproxy');
  assert.ok(await full.socket.closes());
  assert.match((await logOf(full.told.upid, server))[0], /^the lab runs 1 machines at most/);
  first.socket.close();
  await eventually(async () => (await own.control.screen('alpha', 100)).viewers === 0, 'nobody looks');
  const second = await look(server, '/nodes/pve1/qemu/103');
  assert.equal((await own.control.screen('alpha', 100)).running, false);
  second.socket.close();
  await own.stop();
});
