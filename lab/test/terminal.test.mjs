// Terminals: a real shell behind termproxy, its protocol, who gets an OK in which version, serial ports, shells of nodes.

import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { openLab, startLab } from '../lib.mjs';
import { ask, eventually, root } from './raw.mjs';
import { begin, greet, open, proxy, socketPath, upgrade } from './viewer.mjs';

const LONG = 60_000; // ms on a busy machine
const guests = [
  { vmid: 100, type: 'qemu', status: 'running', name: 'plain' }, { vmid: 101, type: 'lxc', status: 'stopped', name: 'off' },
  { vmid: 102, type: 'lxc', status: 'running', name: 'box' }, { vmid: 103, type: 'qemu', status: 'running', name: 'tty', serial: true },
  { vmid: 104, type: 'lxc', status: 'running', console: 'echo' }, { vmid: 105, type: 'lxc', status: 'running', console: { kind: 'source', size: 100, every: 5 } },
].map((guest) => ({ node: 'pve1', ...guest }));

let lab;
let control;
let now;
let old;
before(async () => {
  lab = await openLab({
    scenario: { clusters: [{ name: 'now', version: '9.2', nodes: 1, guests }, { name: 'old', version: '7.4', nodes: 1, guests }] },
    timing: { tasks: 0.1, console: 120_000, denied: 50 },
  });
  control = lab.control;
  [now, old] = lab.servers;
});
after(() => lab.stop());

const BOX = '/nodes/pve1/lxc/102';
const taskPath = (upid) => `/nodes/${upid.split(':')[1]}/tasks/${encodeURIComponent(upid)}`;
const ended = (upid, server = now) => eventually(async () => {
  const { data } = await ask(server, 'GET', `${taskPath(upid)}/status`);
  return data.status === 'stopped' && data.exitstatus;
}, upid, LONG);
const firstLine = async (upid, server = now) => (await ask(server, 'GET', `${taskPath(upid)}/log`)).data[0].t;
const keys = (socket, text) => socket.send(`0:${Buffer.byteLength(text)}:${text}`);
const size = (socket, columns, rows) => socket.send(`1:${columns}:${rows}:`);

// A terminal that has said OK.
async function enter(server, path) {
  const { told, socket } = await open(server, path, 'termproxy');
  socket.send(`${told.user}:${told.ticket}\n`);
  assert.equal((await socket.read(2)).toString(), 'OK');
  return { told, socket };
}

// What a login answers, as headers.
async function session(server) {
  const { data } = await ask(server, 'POST', '/access/ticket', { token: null, body: 'username=root%40pam&password=lab-root' });
  const headers = { Cookie: `PVEAuthCookie=${encodeURIComponent(data.ticket)}`, CSRFPreventionToken: data.CSRFPreventionToken };
  return { ...server, token: null, headers };
}

test('a container: a shell on a terminal of its own', async () => {
  const { told, socket } = await enter(now, BOX);
  assert.deepEqual(Object.keys(told).sort(), ['port', 'ticket', 'upid', 'user'], 'no password, no certificate');
  assert.match(told.ticket, /^PVEVNC:/);
  keys(socket, 'stty size; echo $TERM\n');
  assert.ok(await socket.says('20 80\r\nxterm-256color'), 'the size of the real one before the first resize');
  size(socket, 132, 43);
  keys(socket, 'stty size\n');
  assert.ok(await socket.says('43 132'));
  keys(socket, 'echo a$((40 + 2))b\n');
  assert.ok(await socket.says('a42b'));
  socket.send('2');
  keys(socket, 'exit\n');
  assert.ok(await socket.closes(), 'its end is the end of the connection');
  assert.equal(socket.controls.length, 0, 'no close frame');
  assert.equal(await ended(told.upid), 'OK');
});

test('output is cut anywhere, inside a character too', async () => {
  const { socket } = await enter(now, BOX);
  keys(socket, "printf 'G\\303\\274\\303\\237e \\342\\202\\254 %s\\n' end; echo $((1 + 1))two\n");
  assert.ok(await socket.says('2two'));
  assert.match(socket.text(), /Gü\u00dfe € end/);
  let cut = 0;
  const bytes = socket.all();
  let at = -'OK'.length; // which is read already
  for (const { length } of socket.frames) {
    at += length;
    if (at >= 0 && at < bytes.length && (bytes[at] & 0xc0) === 0x80) cut++;
  }
  assert.ok(cut > 0, 'no frame ended inside a character');
  socket.close();
});

test('Ctrl+C gets through while nobody reads', async () => {
  const { socket } = await enter(now, BOX);
  keys(socket, 'yes\n');
  assert.ok(await socket.says('y\r\ny\r\n'));
  socket.connection.socket.pause();
  const mine = async () => (await control.consoles()).find((each) => each.vmid === 102);
  await eventually(async () => (await mine()).held, 'it waits', LONG);
  keys(socket, '\x03echo a$((4 + 3))b\n');
  socket.connection.socket.resume();
  assert.ok(await socket.says('a7b'));
  socket.close();
});

test('much is typed at once, long messages and many in one frame', async () => {
  const { socket } = await enter(now, BOX);
  // The line itself is echoed before the shell reads it: only what it prints says that the terminal is raw.
  keys(socket, 'stty raw -echo; echo ra$((1 + 1))w; head -c 300000 | cksum; stty sane\n');
  assert.ok(await socket.says('ra2w'));
  const sent = Buffer.alloc(300_000, 'x');
  for (let at = 0; at < sent.length; at += 100_000) socket.send(Buffer.concat([Buffer.from('0:100000:'), sent.subarray(at, at + 100_000)]));
  assert.ok(await socket.says('2685198886 300000'), socket.text().slice(-200));
  socket.send(`0:5:echo 1:90:30:0:8:1$((1))\n`);
  assert.ok(await socket.says('11'));
  keys(socket, 'stty size\n');
  assert.ok(await socket.says('30 90'));
  socket.close();
});

test('a head of a message that is cut is lost, as with the real one', async () => {
  const { socket } = await enter(now, '/nodes/pve1/lxc/102');
  socket.send('0:1');
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  socket.send(':x');
  keys(socket, 'echo a$((2 + 3))b\n');
  assert.ok(await socket.says('a5b'));
  assert.doesNotMatch(socket.text(), /xecho/);
  socket.close();
});

test('the first line: user and ticket as told, or no OK', async () => {
  const lines = [
    [({ user }) => `${user}:PVEVNC:00000000::AAAA\n`, 'invalid authentication - 401 permission denied - invalid PVEVNC ticket'],
    [({ ticket }) => `root@pam:${ticket}\n`, 'invalid authentication - 401 permission denied - invalid PVEVNC ticket'],
    [() => 'nonsense\n', 'authentication data is invalid'],
    [() => 'x'.repeat(5000), 'authentication data is incomplete'],
  ];
  for (const [line, why] of lines) {
    const { told, socket } = await open(now, BOX, 'termproxy');
    socket.send(line(told));
    assert.ok(await socket.closes());
    assert.equal(socket.all().length, 0);
    assert.match(await ended(told.upid), /^command '\/usr\/bin\/termproxy .* failed: exit code 1$/);
    assert.equal(await firstLine(told.upid), why);
  }
});

test('a token in an old version: OK never comes; a login gets one', async () => {
  const { told, socket } = await open(old, BOX, 'termproxy');
  assert.equal(socket.status, 101);
  socket.send(`${told.user}:${told.ticket}\n`);
  assert.ok(await socket.closes());
  assert.equal(socket.all().length, 0);
  assert.equal(await firstLine(told.upid, old), 'invalid authentication - 401 authentication failure');
  const { socket: own } = await enter(await session(old), BOX);
  assert.ok(await own.says('root@box:~# '));
  own.close();
});

test('the serial port of a machine, and of one that has none', async () => {
  const { socket } = await enter(now, '/nodes/pve1/qemu/103');
  // What is typed before it listens is lost.
  await eventually(async () => (await control.screen('now', 103)).serial?.endsWith('login-free prompt> '), 'it boots', LONG);
  keys(socket, 'sum 20 22\r');
  assert.ok(await socket.says('sum 20 22\r\n42\r\nbinnacle guest tty login-free prompt> '));
  assert.match((await control.screen('now', 103)).serial, /sum 20 22\r\n42/);
  socket.close();
  const none = await enter(now, '/nodes/pve1/qemu/100');
  assert.ok(await none.socket.closes());
  assert.equal(none.socket.text(), 'unable to find a serial interface\r\n');
  const off = await enter(now, '/nodes/pve1/lxc/101');
  assert.ok(await off.socket.closes());
  assert.match(off.socket.text(), /101 is not running/);
});

test('shells of nodes: a login of root, a token since 9.0.13, never one in vncshell', async () => {
  const node = '/nodes/pve1';
  const post = (server, path) => ask(server, 'POST', path, { body: '' });
  const mayNot = await post(now, `${node}/termproxy`);
  assert.deepEqual([mayNot.status, mayNot.reason], [403, 'Permission check failed (/nodes/pve1, Sys.Console)']);
  for (const [server, kind] of [[old, 'termproxy'], [old, 'vncshell'], [now, 'vncshell']]) {
    const answer = await post(root(server), `${node}/${kind}`);
    assert.deepEqual([answer.status, answer.reason], [500, "value 'root@pam!all' does not look like a valid user name"]);
  }
  const { told, socket } = await enter(root(now), node);
  assert.match(told.upid, /:vncshell::root@pam!all:$/);
  assert.ok(await socket.says('pve1 login: '));
  keys(socket, 'root\n');
  assert.ok(await socket.says('Password: '));
  keys(socket, 'secret\n');
  assert.ok(await socket.says('Login incorrect'));
  keys(socket, 'root\n');
  assert.ok(await socket.until(() => socket.text().split('Password: ').length === 3), 'once more');
  keys(socket, 'lab-root\n');
  assert.ok(await socket.says('root@pve1:~# '), 'a real shell');
  keys(socket, 'echo "sum=$((40 + 2))"\n');
  assert.ok(await socket.says('sum=42'));
  assert.doesNotMatch(socket.text(), /secret|lab-root/);
  socket.close();
  const { socket: own } = await enter(await session(now), node);
  assert.ok(await own.says('root@pve1:~# '));
  own.close();
  const { told: seen, socket: picture } = await open(await session(now), node, 'vncshell');
  assert.equal((await greet(picture, seen.password)).result, 0);
  assert.equal((await begin(picture)).name, 'QEMU (pve1)');
  picture.close();
});

test('echo and source behind a terminal', async () => {
  const { socket } = await enter(now, '/nodes/pve1/lxc/104');
  socket.send('0:3:abc');
  assert.equal((await socket.read(7)).toString(), '0:3:abc', 'every byte, whatever it means');
  socket.close();
  const { socket: source } = await enter(now, '/nodes/pve1/lxc/105');
  for (let i = 0; i < 3; i++) assert.equal(Number((await source.read(100)).readBigUInt64BE()), i);
  source.close();
});

test('nothing typed, nobody there: five minutes, and ten seconds for the first line', async () => {
  const hasty = await openLab({ scenario: { clusters: [{ name: 'now', version: '9.2', nodes: 1, guests }] }, timing: { terminal: 1000, console: 2000 } });
  const [server] = hasty.servers;
  const { socket } = await enter(server, BOX);
  const start = Date.now();
  while (Date.now() - start < 2500) {
    socket.send('2');
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    assert.equal(socket.connection.ended, false, 'it is kept alive');
  }
  assert.ok(await socket.closes());
  await hasty.stop();
  const silent = await openLab({ scenario: { clusters: [{ name: 'now', version: '9.2', nodes: 1, guests }] }, timing: { console: 2000 } });
  const { told, socket: mute } = await open(silent.servers[0], BOX, 'termproxy');
  assert.ok(await mute.closes());
  assert.equal(await firstLine(told.upid, silent.servers[0]), 'failed reading ticket: timed out');
  await silent.stop();
});

test('without --shell a terminal can do no harm', async () => {
  const own = await startLab({ scenario: { clusters: [{ name: 'now', version: '9.2', nodes: 1, guests }] }, shell: false });
  const { socket } = await enter(own.servers[0], BOX);
  keys(socket, 'size\n');
  assert.ok(await socket.says('80 columns, 20 rows'));
  keys(socket, 'echo $HOME; id\n');
  assert.ok(await socket.says('\n$HOME; id\r\n'), socket.text());
  keys(socket, '/bin/sh\n');
  assert.ok(await socket.says('/bin/sh: not in this shell'));
  keys(socket, 'exit\n');
  assert.ok(await socket.closes());
  await own.stop();
});

test('the listener of a terminal is at the machine that was asked', async () => {
  const told = await proxy(now, BOX, 'termproxy');
  assert.equal((await upgrade(old, socketPath(BOX, told))).status, 401, 'another cluster knows no such ticket');
  assert.equal((await control.consoles()).find((each) => each.port === told.port && each.node === 'now/pve1').state, 'waiting');
});
