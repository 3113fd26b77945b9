// Faults of consoles: what a fault does to the connection behind vncwebsocket, and what a test does to an open one.

import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { openLab } from '../lib.mjs';
import { eventually } from './raw.mjs';
import { greet, open, proxy, socketPath, upgrade } from './viewer.mjs';

const MAX = 128 * 1024;
const guests = [
  { vmid: 100, type: 'qemu', status: 'running', console: 'echo' }, { vmid: 101, type: 'qemu', status: 'running', console: { kind: 'source', size: 1000 } },
  { vmid: 102, type: 'lxc', status: 'running', console: 'echo' },
].map((guest) => ({ node: 'pve1', ...guest }));

let lab;
let control;
let one;
before(async () => {
  lab = await openLab({ scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 2, guests }] }, timing: { console: 120_000, denied: 50 } });
  control = lab.control;
  [one] = lab.servers;
});
after(() => lab.stop());

const ECHO = '/nodes/pve1/qemu/100';
const SOURCE = '/nodes/pve1/qemu/101';
const SMALL = 12 + 2 + 16 + 4; // bytes of the greeting

async function during(how, run, { target = ['alpha/100', 'alpha/101', 'alpha/102'], kind = 'console', ...more } = {}) {
  const { id } = await control.fault(kind, target, { how, ...more });
  try {
    await run();
  } finally {
    await control.clear({ id });
  }
}

// The greeting is done, and what follows is the echo's or the source's.
async function begun(path) {
  const { told, socket } = await open(one, path, 'vncproxy');
  assert.equal(socket.status, 101);
  assert.equal((await greet(socket, told.password)).result, 0);
  return socket;
}

test('close: at once, and after so many bytes', async () => {
  await during('close', async () => {
    const { socket } = await open(one, ECHO, 'vncproxy');
    assert.equal(socket.status, 101);
    assert.ok(await socket.closes());
    assert.equal(socket.controls.length, 0);
  });
  await during('close', async () => {
    const socket = await begun(SOURCE);
    assert.ok(await socket.closes());
    assert.equal(socket.all().length, 5000 - SMALL);
  }, { after: 5000 });
});

test('stall: nothing comes, or nothing more', async () => {
  await during('stall', async () => {
    const { socket } = await open(one, ECHO, 'vncproxy');
    assert.equal((await socket.read(1, 300)).length, 0);
    assert.equal(socket.connection.ended, false);
    socket.close();
  });
  await during('stall', async () => {
    const socket = await begun(SOURCE);
    await socket.read(5000 - SMALL);
    assert.equal((await socket.read(1, 300)).length, 0);
    socket.close();
  }, { after: 5000 });
});

test('frames that no pveproxy sends: text, fragments, more than 128 KiB', async () => {
  const firsts = async () => {
    const socket = await begun(ECHO);
    socket.send('hello');
    assert.equal((await socket.read(5)).toString(), 'hello', 'the bytes are the same');
    socket.close();
    return [...new Set(socket.frames.map(({ first }) => first))].sort();
  };
  await during('text', async () => assert.deepEqual(await firsts(), [0x81]));
  await during('fragment', async () => assert.deepEqual(await firsts(), [0x02, 0x80].sort()));
  assert.deepEqual(await firsts(), [0x82]);
  await during('oversize', async () => {
    const socket = await begun(ECHO);
    socket.send('hello');
    assert.equal((await socket.read(MAX + 1)).length, MAX + 1);
    assert.ok(socket.frames.some(({ length }) => length === MAX + 1));
    socket.close();
  }, { after: SMALL });
});

test('a greeting that is no RFB, a password that is wrong, none at all', async () => {
  await during('greeting', async () => {
    const { socket } = await open(one, ECHO, 'vncproxy');
    assert.match((await socket.read(12)).toString(), /^HTTP\/1\.1 400/);
    socket.close();
    const { told, socket: terminal } = await open(one, '/nodes/pve1/lxc/102', 'termproxy');
    terminal.send(`${told.user}:${told.ticket}\n`);
    assert.equal((await terminal.read(2)).toString(), 'NO');
    terminal.close();
  });
  await during('password', async () => {
    const { told, socket } = await open(one, ECHO, 'vncproxy');
    assert.deepEqual((({ result, reason }) => [result, reason])(await greet(socket, told.password)), [1, 'too many attempts']);
    assert.ok(await socket.closes());
    const { told: line, socket: terminal } = await open(one, '/nodes/pve1/lxc/102', 'termproxy');
    terminal.send(`${line.user}:${line.ticket}\n`);
    assert.ok(await terminal.closes());
    assert.equal(terminal.all().length, 0);
  }, { text: 'too many attempts' });
  await during(undefined, async () => {
    const { told, socket } = await open(one, ECHO, 'vncproxy');
    assert.equal('password' in told, false);
    assert.equal((await greet(socket, told.ticket)).result, 0, 'it stands before the ticket all the same');
    socket.close();
  }, { kind: 'nopassword' });
});

test('a reader who stands still is dropped at a limit', async () => {
  await during('overflow', async () => {
    const socket = await begun(SOURCE);
    socket.connection.socket.pause();
    await eventually(async () => !(await control.consoles()).some(({ vmid }) => vmid === 101), 'dropped', 60_000);
    socket.close();
  });
});

test('an upgrade that is refused, and one that is never answered', async () => {
  for (const [status, reason] of [[403, 'Permission check failed (/vms/100, VM.Console)'], [500, 'no such thing'], [595, 'Connection refused']]) {
    await during(undefined, async () => {
      const told = await proxy(one, ECHO, 'vncproxy');
      const answer = await upgrade(one, socketPath(ECHO, told));
      assert.deepEqual([answer.status, answer.reason], [status, reason]);
    }, { kind: 'status', target: 'alpha/pve1', status, reason, path: 'vncwebsocket' });
  }
  await during(undefined, async () => {
    const told = await proxy(one, ECHO, 'vncproxy');
    const answer = await upgrade(one, socketPath(ECHO, told), { wait: 300 });
    assert.deepEqual([answer.status, answer.ended], [0, false]);
    answer.connection.socket.destroy();
  }, { kind: 'silent', target: 'alpha/pve1', path: 'vncwebsocket' });
});

test('an open console: stall, go, close; a guest that moves, a proxy that restarts, a node that dies', async () => {
  const socket = await begun(ECHO);
  const comes = async (text, ms) => { socket.send(text); return (await socket.read(text.length, ms)).toString(); };
  assert.equal(await comes('one'), 'one');
  assert.deepEqual(await control.console('alpha', 100, 'stall'), { consoles: 1 });
  socket.send('two');
  assert.equal(await socket.until(() => socket.all().length >= 3, 300), false);
  await control.console('alpha', 100, 'go');
  assert.equal((await socket.read(3)).toString(), 'two');
  const [shown] = (await control.consoles()).filter(({ vmid, state }) => vmid === 100 && state === 'open');
  assert.ok(shown.in >= 6 && shown.out >= SMALL + 6);
  await control.console('alpha', 100, 'close');
  assert.ok(await socket.closes());
  await assert.rejects(control.console('alpha', 100, 'burn'), /no way to burn/);

  const moved = await begun(ECHO);
  await during(undefined, async () => assert.ok(await moved.closes()), { kind: 'migrated', target: 'alpha/100', node: 'pve2' });
  const cut = await begun(ECHO);
  await during(undefined, async () => assert.ok(await cut.closes()), { kind: 'restart', target: 'alpha/pve1' });
  const dead = await begun(ECHO);
  await during(undefined, async () => assert.ok(await dead.closes()), { kind: 'dead', target: 'alpha/pve1' });
  const gone = await begun(ECHO);
  await during(undefined, async () => assert.ok(await gone.closes()), { kind: 'deleted', target: 'alpha/100' });
});
