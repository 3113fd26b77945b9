// console_kinds: what a console can be of: a screen, a serial port, a container, a node; and who may only look.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ask, join, request, requestShell } from './lib/console.mjs';
import { startFleet } from './lib/fleet.mjs';
import { until } from './lib/server.mjs';

const GUESTS = [
  { vmid: 100, type: 'qemu', node: 'pve1', name: 'echo', status: 'running', console: 'echo' },
  { vmid: 101, type: 'qemu', node: 'pve1', name: 'tty', status: 'running', serial: true },
  { vmid: 102, type: 'lxc', node: 'pve1', name: 'shell', status: 'running' },
  { vmid: 103, type: 'lxc', node: 'pve1', name: 'letters', status: 'running', console: 'echo' },
];
const one = (name, version, more = {}) => ({ name, standalone: true, version, nodes: ['pve1'], guests: GUESTS, ...more });
const SCENE = { clusters: [one('alpha', '9.2'), one('root', '9.2', { token: 'root@pam!all' }), one('older', '8.4', { token: 'root@pam!all' })] };

const typed = (it, text) => it.send(`0:${Buffer.byteLength(text)}:${text}`);

describe('kinds of consoles', () => {
  let fleet;
  const ends = [];
  before(async () => { fleet = await startFleet({ after: (end) => ends.push(end) }, { scenario: SCENE }); });
  after(async () => { for (const end of ends.reverse()) await end(); });
  afterEach(() => until('every console to be over', async () => (await fleet.api('GET', '/api/v1/consoles?open=1')).consoles.length === 0));

  async function open(cluster, vmid, options = {}) {
    const asked = await ask(fleet, cluster, vmid, options);
    const it = await join(fleet.server, options.as ?? fleet.admin, asked);
    if (asked.kind === 'vnc') await it.greet();
    return Object.assign(it, { asked });
  }

  const records = async () => (await fleet.api('GET', '/api/v1/consoles')).consoles;

  test('the serial port of a machine is its terminal', async () => {
    const it = await open('alpha', 101, { body: { kind: 'terminal' } });
    assert.equal(it.asked.kind, 'terminal');
    // What is typed before it listens is lost.
    await until('the machine to boot', async () => (await fleet.lab.control.screen('alpha', 101)).serial?.endsWith('prompt> '), { within: 60000 });
    typed(it, 'sum 20 22\r');
    await it.until('42\r\n', 60000);
    it.destroy();
  });

  test('a machine without one is told which command adds it', async () => {
    const { status, json } = await request(fleet, 'alpha', 100, { body: { kind: 'terminal' } });
    assert.equal(status, 409);
    assert.deepEqual([json.error.con, json.error.step, json.error.hint], ['CON-06', 'proxy', 'qm set 100 --serial0 socket']);
    assert.match(json.error.message, /has no serial port/);
  });

  test('a container shows its screen to whoever asks for it', async () => {
    const it = await open('alpha', 103, { type: 'lxc', body: { kind: 'vnc' } });
    assert.equal(it.asked.kind, 'vnc');
    it.send([1]);
    assert.deepEqual([...await it.read(1)], [1]);
    it.destroy();
  });

  test('a node has a shell: a login, and what is behind it', async () => {
    const asked = await requestShell(fleet, 'root');
    assert.equal(asked.status, 201, asked.text);
    assert.equal(asked.json.kind, 'terminal');
    const it = await join(fleet.server, fleet.admin, asked.json, { tab: null });
    await it.until('pve1 login: ');
    typed(it, 'root\n');
    await it.until('Password: ');
    typed(it, 'lab-root\n');
    await it.until('root@pve1:~# ');
    typed(it, 'echo "sum=$((40 + 2))"\n');
    await it.until('sum=42');
    const record = (await records()).find((console) => console.id === asked.json.id);
    assert.deepEqual([record.vmid, record.vm_type, record.node, record.kind, record.subject], [null, null, 'pve1', 'terminal', 'node pve1 of root']);
    typed(it, 'exit\n');
    await it.closed();
    assert.equal(it.code, 4411);
    assert.doesNotMatch(fleet.server.log, /PVEVNC|vncticket|lab-root/);
  });

  test('why a node gives none is said with what to grant', async () => {
    const denied = await requestShell(fleet, 'alpha');
    assert.deepEqual([denied.status, denied.json.error.con], [502, 'CON-02']);
    assert.equal(denied.json.error.hint, "pveum acl modify /nodes/pve1 --tokens 'binnacle@pve!operator' --roles PVESysAdmin");
    const old = await requestShell(fleet, 'older');
    assert.deepEqual([old.status, old.json.error.con], [502, 'CON-03']);
    assert.match(old.json.error.message, /9\.0\.13/);
    const max = await fleet.server.addUser(fleet.admin, 'max', 'manager').then(() => fleet.server.login('max'));
    assert.equal((await requestShell(fleet, 'root', { as: max })).status, 403);
    assert.equal((await requestShell(fleet, 'root', { node: 'pve9' })).status, 404);
  });

  // --- who may only look ---------------------------------------------------------------------------

  const KEY = Buffer.from([4, 1, 0, 0, 0, 0, 0, 0x61]);
  const POINTER = Buffer.from([5, 1, 0, 9, 0, 9]);
  const QEMU_KEY = Buffer.from([255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 0x1e]);
  const CLIPBOARD = Buffer.concat([Buffer.from([6, 0, 0, 0, 0, 0, 0, 8]), KEY]);
  const UPDATE = Buffer.from([3, 1, 0, 0, 0, 0, 4, 0, 3, 0]);

  test('a person with the right to look types nothing: what arrives is what keeps the picture coming', async () => {
    const vera = await fleet.server.addUser(fleet.admin, 'vera').then(() => fleet.server.login('vera'));
    const place = `/api/v1/users/${vera.user.id}/assignments`;
    const assign = (permissions) => fleet.server.api('POST', place, { cookie: fleet.admin.cookie, body: { server_id: fleet.ids.alpha, vmid: 100, permissions } });
    await assign('view,console_view');
    assert.equal((await request(fleet, 'alpha', 100, { as: vera, body: { view_only: false } })).status, 403);
    const it = await open('alpha', 100, { as: vera });
    assert.equal(it.asked.view_only, true);
    it.send(Buffer.concat([Buffer.from([0]), KEY, POINTER, UPDATE, QEMU_KEY, CLIPBOARD]));
    for (const part of KEY) it.send([part]);
    it.send(UPDATE);
    const wanted = Buffer.concat([Buffer.from([1]), UPDATE, UPDATE]);
    assert.deepEqual(await it.read(wanted.length), wanted, 'the guest, which says back all it hears');
    const record = (await records()).find((console) => console.id === it.asked.id);
    assert.equal(record.view_only, true);
    assert.equal(it.size, 0);
    const full = await open('alpha', 100);
    assert.equal(full.asked.view_only, false);
    full.destroy();
    await assign('view');
    await it.closed();
    assert.deepEqual([it.code, it.reason], [4401, 'the right to this console was taken away']);
    const ended = await until('the end of the record', async () => (await records()).find((console) => console.id === it.asked.id && console.ended_at));
    assert.equal(ended.bytes_in, wanted.length);
  });

  test('a real machine hears nothing of who may only look', async () => {
    const serial = async () => (await fleet.lab.control.screen('alpha', 101)).serial ?? '';
    const type = (it, text) => it.send(Buffer.concat([...text].flatMap((letter) => [1, 0].map((down) => {
      const event = Buffer.from(KEY);
      event[1] = down;
      event.writeUInt32BE(letter === '\n' ? 0xff0d : letter.charCodeAt(0), 4);
      return event;
    }))));
    const watcher = await open('alpha', 101, { body: { view_only: true } });
    const typist = await open('alpha', 101);
    for (const it of [watcher, typist]) it.send([1]);
    await until('the machine to boot', async () => (await serial()).endsWith('prompt> '), { within: 60000 });
    type(watcher, 'sum 1 2\n');
    watcher.send(UPDATE); // a picture of it comes all the same
    await watcher.when(() => watcher.total > 1000, 'a picture');
    type(typist, 'sum 30 4\n');
    await until('what was typed', async () => (await serial()).includes('sum 30 4\r\n34'), { within: 60000 });
    assert.ok(!(await serial()).includes('sum 1'), await serial());
    watcher.destroy();
    typist.destroy();
  });

  test('in a terminal that is only watched nothing is typed, and it follows the window', async () => {
    const it = await open('alpha', 102, { type: 'lxc', body: { view_only: true } });
    await it.until('root@shell:~# ');
    it.send('1:99:33:');
    typed(it, 'echo "sum=$((40 + 2))"\n');
    it.send('2');
    typed(it, 'exit\n');
    const other = await open('alpha', 102, { type: 'lxc' });
    typed(other, 'echo "sum=$((41 + 2))"\n');
    await other.until('sum=43');
    assert.ok(!Buffer.concat(it.parts).includes('sum'), Buffer.concat(it.parts).toString());
    assert.equal(it.code, null, 'it is still open: nobody typed exit');
    other.destroy();
    it.send('x');
    await it.closed();
    assert.equal(it.code, 1003);
  });

  test('a terminal\'s head that comes in pieces arrives whole', async () => {
    const it = await open('alpha', 102, { type: 'lxc' });
    await it.until('root@shell:~# ');
    const line = 'echo "sum=$((50 + 2))"\n';
    for (const letter of `0:${line.length}:${line}`) it.send(letter);
    await it.until('sum=52');
    it.destroy();
  });

  test('whoever finds no room is told who has it', async () => {
    const max = await fleet.server.login('max');
    const mine = [];
    for (let i = 0; i < 8; i++) mine.push(await open('alpha', 100, { as: fleet.admin }));
    const { status, json } = await request(fleet, 'alpha', 100);
    assert.equal(status, 429);
    assert.equal(json.error.held_by.length, 8);
    for (const one of json.error.held_by) assert.deepEqual([one.user_name, one.subject, one.kind], ['ada', 'echo (100) on alpha', 'vnc']);
    assert.ok(Date.parse(json.error.held_by[0].since) <= Date.now());
    assert.deepEqual(new Set(json.error.held_by.map((one) => one.id)), new Set(mine.map((one) => one.asked.id)));
    (await open('alpha', 100, { as: max })).destroy();
    for (const one of mine) one.destroy();
  });
});
