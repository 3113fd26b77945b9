// console: screens and terminals through the real server, with the lab's Proxmox VE behind it (SECURITY A43).

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ask, clientFrame, join, request } from './lib/console.mjs';
import { startFleet } from './lib/fleet.mjs';
import { measured, sleep, until } from './lib/server.mjs';

const GUESTS = [
  { vmid: 100, type: 'qemu', node: 'pve1', name: 'echo', status: 'running', console: 'echo' },
  { vmid: 101, type: 'qemu', node: 'pve1', name: 'source', status: 'running', console: { kind: 'source', size: 65536 } },
  { vmid: 102, type: 'lxc', node: 'pve1', name: 'shell', status: 'running' },
  { vmid: 103, type: 'qemu', node: 'pve1', name: 'off', status: 'stopped', console: 'echo' },
];
const SCENE = {
  clusters: [
    { name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: GUESTS },
    { name: 'old', standalone: true, version: '8.4', nodes: ['pve1'], guests: GUESTS },
  ],
};
const MIB = 1 << 20;
const BYTES = 1024 * MIB;
const CLOSE_MS = 2000;

const theRecord = (fleet, id) => until('the end of the record', async () => {
  const { consoles } = await fleet.api('GET', '/api/v1/consoles');
  const it = consoles.find((console) => console.id === id);
  return it?.ended_at && it;
});
const upstreams = (fleet) => fleet.lab.control.consoles();
const isFree = (fleet) => until('the guest\'s side to close', async () => !(await upstreams(fleet)).some((one) => one.state === 'open'));

/** Its client takes no more: what the buffers between hold has been sent. */
async function held(fleet) {
  let last = -1;
  await until('the guest to be held', async () => {
    const [one] = await upstreams(fleet);
    const stands = one.held && one.out === last;
    last = one.out;
    return stands;
  }, { within: 20000, every: 500 });
}

async function screen(fleet, vmid = 100, options = {}) {
  const asked = await ask(fleet, 'alpha', vmid, options);
  const it = await join(fleet.server, options.as ?? fleet.admin, asked);
  await it.greet();
  return Object.assign(it, { id: asked.id });
}

describe('consoles', () => {
  let fleet;
  const ends = [];
  before(async () => { fleet = await startFleet({ after: (end) => ends.push(end) }, { scenario: SCENE }); });
  after(async () => { for (const end of ends.reverse()) await end(); });

  /** With that fault at work. */
  async function during(fault, run, kind = 'console', target = 'alpha/100') {
    const { id } = await fleet.lab.control.fault(kind, target, fault);
    try {
      return await run();
    } finally {
      await fleet.lab.control.clear({ id });
    }
  }

  test('a screen answers without a password, and a record says what was', async () => {
    const it = await screen(fleet);
    it.send('hello');
    assert.equal((await it.read(5)).toString(), 'hello');
    const { consoles } = await fleet.api('GET', '/api/v1/consoles?open=1');
    assert.deepEqual(consoles.map((console) => [console.user_name, console.vmid, console.kind, console.ended_at]), [['ada', 100, 'vnc', null]]);
    it.send([3, 232], 8);
    await it.closed();
    assert.equal(it.code, 1000);
    const record = await theRecord(fleet, it.id);
    assert.deepEqual([record.bytes_in, record.bytes_out, record.reason], [5, 5, 'closed by the person']);
    await isFree(fleet);
    assert.doesNotMatch(fleet.server.log, /PVEVNC|vncticket/);
  });

  test('a terminal is a real shell', async () => {
    const asked = await ask(fleet, 'alpha', 102, { type: 'lxc' });
    assert.equal(asked.kind, 'terminal');
    const it = await join(fleet.server, fleet.admin, asked);
    const type = (text) => it.send(`0:${Buffer.byteLength(text)}:${text}`);
    it.send('1:100:30:');
    type('echo "sum=$((40 + 2))"\n');
    await it.until('sum=42');
    type('exit\n');
    await it.closed();
    assert.equal(it.code, 4411);
  });

  test('where terminals know no tokens the screen is shown, or the step is said', async () => {
    const asked = await ask(fleet, 'old', 102, { type: 'lxc' });
    assert.equal(asked.kind, 'vnc');
    (await join(fleet.server, fleet.admin, asked)).destroy();
    const answer = await request(fleet, 'old', 102, { type: 'lxc', body: { kind: 'terminal' } });
    assert.equal(answer.status, 502, answer.text);
    assert.equal(answer.json.error.con, 'CON-03');
    assert.equal(answer.json.error.step, 'login');
  });

  test('a ticket is of one use, one session, one tab', async () => {
    await fleet.server.addUser(fleet.admin, 'max', 'manager');
    const max = await fleet.server.login('max');
    const again = await fleet.server.login('ada');
    const asked = await ask(fleet, 'alpha', 100);
    const refused = (who, options, status = 404) => assert.rejects(join(fleet.server, who, asked, options), { status });
    await refused(max, {});
    await refused(again, {});
    await refused(fleet.admin, { tab: 'another-tab-of-mine' });
    await refused(fleet.admin, { tab: null });
    await refused(fleet.admin, { url: asked.url.slice(0, -2) });
    await refused(fleet.admin, { origin: 'http://evil.example' }, 403);
    await refused({ cookie: '' }, {}, 401);
    const it = await join(fleet.server, fleet.admin, asked);
    await refused(fleet.admin, {});
    it.destroy();
    await isFree(fleet);
  });

  test('a gigabyte goes there and back while each side is slow in turn, in little memory', { timeout: 300000, ...measured }, async (t) => {
    const block = crypto.randomBytes(65536);
    const first = await screen(fleet); // what the process needs once is not a console's
    first.sink = () => {};
    for (let i = 0; i < 256; i++) if (!first.send(block)) await new Promise((resolve) => { first.socket.once('drain', resolve); });
    await first.when(() => first.total >= 256 * block.length, 'sixteen megabytes');
    first.destroy();
    await isFree(fleet);
    const before = fleet.server.rss;
    const it = await screen(fleet);
    const sent = crypto.createHash('sha256');
    const came = crypto.createHash('sha256');
    let peak = before;
    let count = 0;
    let got = 0;
    it.sink = (bytes) => { came.update(bytes); got += bytes.length; };
    const watch = setInterval(() => { peak = Math.max(peak, fleet.server.rss); }, 50);
    const begun = performance.now();
    const pauses = [
      [0.2, async () => { it.socket.pause(); await sleep(1500); it.socket.resume(); }],
      [0.5, async () => {
        await fleet.lab.control.console('alpha', 100, 'stall');
        await sleep(1500);
        await fleet.lab.control.console('alpha', 100, 'go');
      }],
    ];
    while (count < BYTES) {
      block.writeUInt32BE(count / 65536, 0);
      sent.update(block);
      const fits = it.socket.write(clientFrame(block));
      count += block.length;
      if (pauses.length && count >= BYTES * pauses[0][0]) pauses.shift()[1]();
      if (!fits) await new Promise((resolve) => { it.socket.once('drain', resolve); });
    }
    await it.when(() => got >= BYTES, 'a gigabyte', 240000);
    clearInterval(watch);
    const seconds = (performance.now() - begun) / 1000;
    assert.equal(got, BYTES);
    assert.equal(came.digest('hex'), sent.digest('hex'));
    t.diagnostic(`measured: a gigabyte through a console and back: ${seconds.toFixed(1)} s, ${((peak - before) / MIB).toFixed(2)} MiB more at its worst`);
    assert.ok(peak - before <= 2 * MIB, `${(peak - before) / MIB} MiB`);
    it.destroy();
    const record = await theRecord(fleet, it.id);
    assert.deepEqual([record.bytes_in, record.bytes_out], [BYTES, BYTES]);
    await isFree(fleet);
  });

  test('a browser that stops reading stops the guest, and loses nothing', async () => {
    const it = await screen(fleet, 101);
    const before = fleet.server.rss;
    it.socket.pause();
    await held(fleet);
    const [was] = await upstreams(fleet);
    await sleep(1000);
    const [is] = await upstreams(fleet);
    assert.equal(is.out, was.out);
    assert.ok(fleet.server.rss - before < 2 * MIB, `${(fleet.server.rss - before) / MIB} MiB`);
    let expected = 0n;
    let at = 0;
    let head = Buffer.alloc(0);
    it.sink = (bytes) => { // each piece of 64 KiB begins with its number
      while (bytes.length) {
        if (at < 8) {
          const part = bytes.subarray(0, 8 - at);
          head = Buffer.concat([head, part]);
          at += part.length;
          bytes = bytes.subarray(part.length);
          if (at === 8) assert.equal(head.readBigUInt64BE(), expected++);
        } else {
          const part = bytes.subarray(0, 65536 - at);
          at += part.length;
          bytes = bytes.subarray(part.length);
          if (at === 65536) { at = 0; head = Buffer.alloc(0); }
        }
      }
    };
    const early = it.parts;
    it.parts = [];
    for (const part of early) it.sink(part);
    it.socket.resume();
    await it.when(() => expected > 1000n, 'a thousand pieces', 60000);
    it.destroy();
    await isFree(fleet);
  });

  test('an abrupt end of one side is the other\'s within two seconds', async () => {
    const one = await screen(fleet);
    one.socket.resetAndDestroy();
    let begun = performance.now();
    await isFree(fleet);
    assert.ok(performance.now() - begun < CLOSE_MS);
    const two = await screen(fleet);
    begun = performance.now();
    await fleet.lab.control.console('alpha', 100, 'close');
    await two.closed();
    assert.ok(two.closedAt - begun < CLOSE_MS);
    assert.equal(two.code, 4411);
    const three = await screen(fleet, 101); // while it reads nothing and much waits
    three.socket.pause();
    await held(fleet);
    begun = performance.now();
    three.socket.resetAndDestroy();
    await isFree(fleet);
    assert.ok(performance.now() - begun < CLOSE_MS);
  });

  test('frames no Proxmox VE sends are bytes all the same, and silence is no end', async () => {
    await during({ how: 'fragment' }, async () => {
      const it = await screen(fleet);
      it.send('A'.repeat(1000));
      assert.equal((await it.read(1000)).toString(), 'A'.repeat(1000));
      it.destroy();
    });
    await during({ how: 'oversize', bytes: 300000, after: 34 }, async () => {
      const it = await screen(fleet);
      it.send('A');
      assert.equal((await it.read(300000))[0], 65);
      it.destroy();
    });
    const it = await screen(fleet);
    await fleet.lab.control.console('alpha', 100, 'stall');
    it.send('late');
    await sleep(2000); // a network cut of two seconds
    assert.equal(it.size, 0);
    await fleet.lab.control.console('alpha', 100, 'go');
    assert.equal((await it.read(4)).toString(), 'late');
    it.destroy();
    await isFree(fleet);
  });

  test('what is refused says the step and what to do', async () => {
    const cases = [
      [{ how: 'close' }, 'login', 'closed the connection'],
      [{ how: 'text' }, 'login', 'UTF-8'],
      [{ how: 'greeting', text: 'HTTP/1.1 400' }, 'login', ''],
      [{ how: 'password', text: 'no way' }, 'login', 'no way'],
    ];
    for (const [fault, step, text] of cases) {
      const { status, json } = await during(fault, () => request(fleet, 'alpha', 100));
      assert.equal(status, 502);
      assert.equal(json.error.step, step);
      assert.ok(json.error.message.includes(text), json.error.message);
    }
    const off = await request(fleet, 'alpha', 103);
    assert.deepEqual([off.status, off.json.error.con], [409, 'CON-01']);
    const far = await during({ status: 595, reason: 'No route to host', path: 'vncwebsocket' }, () => request(fleet, 'alpha', 100), 'status', 'alpha/pve1');
    assert.deepEqual([far.status, far.json.error.con, far.json.error.step], [502, 'CON-04', 'upgrade']);
    await isFree(fleet);
  });

  test('a right, a session and a running guest are needed to the end', async () => {
    const vera = await fleet.server.addUser(fleet.admin, 'vera').then(() => fleet.server.login('vera'));
    const place = `/api/v1/users/${vera.user.id}/assignments`;
    await fleet.server.api('POST', place, { cookie: fleet.admin.cookie, body: { server_id: fleet.ids.alpha, vmid: 100 } });
    const one = await screen(fleet, 100, { as: vera });
    let begun = performance.now();
    await fleet.server.api('DELETE', `${place}/${fleet.ids.alpha}/100`, { cookie: fleet.admin.cookie });
    await one.closed();
    assert.ok(one.closedAt - begun < 1000, 'within a second');
    assert.deepEqual([one.code, one.reason], [4401, 'the right to this console was taken away']);
    assert.equal((await request(fleet, 'alpha', 100, { as: vera })).status, 403);
    const other = await fleet.server.login('ada');
    const two = await screen(fleet, 100, { as: other });
    begun = performance.now();
    await fleet.server.api('DELETE', '/api/v1/session', { cookie: other.cookie });
    await two.closed();
    assert.ok(two.closedAt - begun < 1000);
    assert.equal(two.code, 4401);
    const three = await screen(fleet);
    await fleet.api('DELETE', `/api/v1/consoles/${three.id}`);
    await three.closed();
    assert.equal(three.code, 4403);
    await isFree(fleet);
  });

  test('a restart tells everybody, and a crash is noted by the next start', async () => {
    const one = await screen(fleet);
    await fleet.server.stop();
    await one.closed();
    assert.deepEqual([one.code, one.reason], [1001, 'Binnacle is being restarted']);
    await fleet.server.start();
    assert.equal((await theRecord(fleet, one.id)).reason, 'Binnacle is being restarted');
    await until('its guests', async () => (await fleet.vms()).some((vm) => vm.vmid === 100), { within: 20000 });
    const two = await screen(fleet);
    await fleet.server.crash();
    await two.closed();
    await fleet.server.start();
    assert.equal((await theRecord(fleet, two.id)).reason, 'Binnacle ended without noting when');
    await isFree(fleet);
  });
});

// --- guests that change ---------------------------------------------------------------------------

describe('a console whose guest changes', () => {
  const LEFT = 'the guest\'s side closed the console';
  const guests = [100, 101, 102, 103, 104].map((vmid) => ({ vmid, type: 'qemu', node: 'pve1', name: `m${vmid}`, status: 'running', console: 'echo' }));
  guests.push({ vmid: 200, type: 'lxc', node: 'pve1', name: 'box', status: 'running' });
  let fleet;
  const ends = [];
  before(async () => {
    const scenario = { clusters: [{ name: 'alpha', version: '9.2', nodes: ['pve1', 'pve2'], listen: 1, guests }] };
    fleet = await startFleet({ after: (end) => ends.push(end) }, { scenario, timing: { tasks: 0.3 } });
  });
  after(async () => { for (const end of ends.reverse()) await end(); });

  const act = (vmid, action, type = 'qemu') =>
    fleet.server.api('POST', `/api/v1/servers/${fleet.ids.alpha}/nodes/pve1/${type}/${vmid}/${action}`, { cookie: fleet.admin.cookie });
  /** In the list, which is asked for each ten seconds. */
  const seen = (vmid, what, check) => until(what, async () => check((await fleet.vms()).find((vm) => vm.vmid === vmid)), { within: 120000 });
  /** It ends with that code and sentence, and so says its record; `begun`: within two seconds of that. */
  async function endsWith(it, reason, begun) {
    await it.closed();
    assert.deepEqual([it.code, it.reason], [4411, reason]);
    if (begun) assert.ok(it.closedAt - begun < CLOSE_MS, `${it.closedAt - begun} ms`);
    assert.equal((await theRecord(fleet, it.id)).reason, reason);
  }
  const echoes = async (it, text) => {
    it.send(text);
    assert.equal((await it.read(text.length)).toString(), text);
  };
  const opensAgain = async (vmid, options) => {
    const it = await screen(fleet, vmid, options);
    await echoes(it, 'back');
    it.destroy();
    await isFree(fleet);
  };

  test('stopped here: who asked for it is the reason, and it opens again when it runs', async () => {
    const it = await screen(fleet, 100);
    await act(100, 'stop');
    await endsWith(it, `${LEFT}: ada asked it to stop`);
    await isFree(fleet);
    await seen(100, 'it to be known as stopped', (vm) => vm.status === 'stopped');
    const off = await request(fleet, 'alpha', 100);
    assert.deepEqual([off.status, off.json.error.con], [409, 'CON-01']);
    await until('the stop to be over', async () => (await act(100, 'start').catch(() => null)) !== null);
    await seen(100, 'it to run', (vm) => vm.status === 'running');
    await opensAgain(100);
  });

  test('stopped at its Proxmox VE: the guest\'s side closed it', async () => {
    const it = await screen(fleet, 101);
    const begun = performance.now();
    await fleet.lab.control.guest('alpha', 101, { status: 'stopped' });
    await endsWith(it, LEFT, begun);
  });

  test('reset: the machine begins anew and the console goes on', async () => {
    const it = await screen(fleet, 102);
    await echoes(it, 'before');
    const { operation_id: id } = await act(102, 'reset');
    await until('the reset to be over', async () => (await fleet.api('GET', `/api/v1/operations/${id}`)).status === 'completed');
    await echoes(it, 'after');
    assert.equal(it.code, null);
    it.destroy();
    await isFree(fleet);
  });

  test('rebooted: another machine, and who asked for it is the reason', async () => {
    const it = await screen(fleet, 102);
    const asked = await ask(fleet, 'alpha', 200, { type: 'lxc' });
    const terminal = Object.assign(await join(fleet.server, fleet.admin, asked), { id: asked.id });
    await terminal.until('root@box:~# ');
    await act(102, 'reboot');
    await endsWith(it, `${LEFT}: ada asked it to reboot`);
    assert.equal(terminal.code, null, 'another guest\'s');
    await act(200, 'reboot', 'lxc');
    await endsWith(terminal, `${LEFT}: ada asked it to reboot`);
    await opensAgain(102);
  });

  test('moved to another node: closed, and found there', async () => {
    const it = await screen(fleet, 103);
    const begun = performance.now();
    await fleet.lab.control.fault('migrated', 'alpha/103', { node: 'pve2' });
    await endsWith(it, LEFT, begun);
    await seen(103, 'it to be on the other node', (vm) => vm.node === 'pve2');
    const old = await request(fleet, 'alpha', 103);
    assert.equal(old.status, 404);
    assert.match(old.json.error.message, /guest 103 is on node pve2 now, not on pve1/);
    await opensAgain(103, { node: 'pve2' });
  });

  test('deleted: closed, and it is not there', async () => {
    const it = await screen(fleet, 104);
    const begun = performance.now();
    await fleet.lab.control.fault('deleted', 'alpha/104');
    await endsWith(it, LEFT, begun);
    await seen(104, 'it to be gone', (vm) => vm === undefined);
    const gone = await request(fleet, 'alpha', 104);
    assert.equal(gone.status, 404);
    assert.match(gone.json.error.message, /has no guest 104/);
  });

  test('the web server of its Proxmox VE is restarted: every console of it ends', async () => {
    const it = await screen(fleet, 102);
    const begun = performance.now();
    await fleet.lab.control.fault('restart', 'alpha/pve1');
    await it.closed();
    assert.equal(it.code, 4411);
    assert.ok(it.reason.length > 0);
    assert.ok(it.closedAt - begun < CLOSE_MS);
    await isFree(fleet);
  });
});
