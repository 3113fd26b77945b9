// Every fault: what a client sees while it holds, and that it is gone afterwards.

import assert from 'node:assert/strict';
import net from 'node:net';
import { test, before, after } from 'node:test';
import { openLab } from '../lib.mjs';
import { KINDS } from '../src/faults.mjs';
import { ask, connect, eventually, requestText, root } from './raw.mjs';

const DENIED = 100;
const EXPIRY = 3000;
const SOON = 300; // ms a mute connection is watched

let lab;
let control;
let one;
let two;
before(async () => {
  lab = await openLab({
    scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 3, guests: 4 }, { name: 'solo', standalone: true, version: '8.4', nodes: ['solo'], guests: 2 }] },
    timing: { tick: 400, cache: 50, expiry: EXPIRY, corosync: 0, denied: DENIED, proxy: 200, tasks: 0.1, idle: 2000 },
  });
  control = lab.control;
  [one, two] = [root(lab.servers[0]), root(lab.servers[1])];
});
after(() => lab.stop());

const seen = new Set();

async function during(kind, target, more, run) {
  seen.add(kind);
  const { id } = await control.fault(kind, target, more);
  try {
    return await run();
  } finally {
    assert.deepEqual(await control.clear({ id }), { cleared: 1 });
  }
}

const version = (server = one, more = {}) => ask(server, 'GET', '/version', more);
const works = async (server = one) => assert.equal((await version(server)).status, 200);
const refusal = (server, options) => connect(server, options).then(() => null, (error) => error.code);
const rows = async (server = one) => (await ask(server, 'GET', '/cluster/resources')).data;
const byId = async (id, server) => (await rows(server)).find((row) => row.id === id);

// Bytes that come within a while after a request.
async function bytesWithin(server, ms, path = '/api2/json/version') {
  const connection = await connect(server);
  connection.socket.write(requestText('GET', path, server));
  await connection.until(() => false, ms);
  connection.socket.destroy();
  return connection;
}

test('refused: nobody listens, then the same port again', async () => {
  await during('refused', 'alpha/pve1', {}, async () => {
    assert.equal(await refusal(one), 'ECONNREFUSED');
    await works(two);
    assert.equal((await ask(two, 'GET', '/nodes/pve1/status')).status, 595, 'its neighbours notice');
  });
  await works();
});

test('refused cuts what is open', async () => {
  const connection = await connect(one);
  await during('refused', 'alpha/pve1', {}, async () => assert.ok(await connection.closes()));
});

function silence(host, port, ms) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const timer = setTimeout(() => { socket.destroy(); resolve('nothing'); }, ms);
    const say = (word) => () => { clearTimeout(timer); socket.destroy(); resolve(word); };
    socket.once('connect', say('connected')).once('error', say('refused'));
  });
}

test('unreachable: no SYN is answered', async () => {
  await during('unreachable', 'alpha/pve1', {}, async () => {
    assert.equal(await silence(one.host, one.port, SOON * 3), 'nothing');
    const status = await ask(two, 'GET', '/nodes/pve1/status');
    assert.deepEqual([status.status, status.reason], [595, 'Connection timed out']);
  });
  await works();
});

test('a list of targets is one fault', async () => {
  await during('unreachable', ['alpha/pve1', 'alpha/pve2'], {}, async () => {
    assert.deepEqual(await Promise.all([one, two].map((server) => silence(server.host, server.port, SOON))), ['nothing', 'nothing']);
    await works(root(lab.servers[2]));
  });
  await works(two);
});

test('blackhole: accepted, never answered', async () => {
  await during('blackhole', 'alpha/pve1', {}, async () => {
    assert.equal(await silence(one.host, one.port, SOON), 'connected');
    const connection = await connect(one, { plain: true });
    connection.socket.write('GET / HTTP/1.1\r\n\r\n');
    assert.equal(await connection.closes(SOON), false);
    assert.equal(connection.bytes.length, 0);
    connection.socket.destroy();
  });
  await works();
});

test('stall: the handshake of TLS starts and never ends', async () => {
  await during('stall', 'alpha/pve1', {}, async () => {
    const over = await Promise.race([connect(one).catch(() => 'ended'), new Promise((resolve) => { setTimeout(resolve, SOON, 'waiting'); })]);
    assert.equal(over, 'waiting');
  });
  await works();
});

test('deny: closed right after accept; nottls: another protocol', async () => {
  await during('deny', 'alpha/pve1', {}, async () => assert.equal(await refusal(one), 'ECONNRESET'));
  await during('nottls', 'alpha/pve1', {}, async () => assert.match(await refusal(one), /^ERR_SSL/));
  await works();
});

test('silent: the request is taken and never answered', async () => {
  await during('silent', 'alpha/pve1', { path: 'version' }, async () => {
    assert.equal((await bytesWithin(one, SOON)).bytes.length, 0);
    assert.equal((await ask(one, 'GET', '/nodes')).status, 200, 'other paths are as before');
  });
});

test('slow: late by so much', async () => {
  await during('slow', 'alpha/pve1', { ms: 200 }, async () => {
    const answer = await version();
    assert.equal(answer.status, 200);
    assert.ok(answer.ms >= 199, `${answer.ms}`);
  });
  await during('slow', 'alpha/pve1', { ms: 900, jitter: 100, count: 1 }, async () => {
    assert.ok((await version()).ms >= 799);
    assert.ok((await version()).ms < 799, 'count: only once');
  });
});

test('drip: one byte after the other', async () => {
  await during('drip', 'alpha/pve1', { bytesPerSecond: 20 }, async () => {
    const { bytes } = await bytesWithin(one, 600);
    const body = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
    assert.ok(body.length >= 2 && body.length <= 16, `${body.length} bytes`);
  });
  await during('drip', 'alpha/pve1', { bytesPerSecond: 1, head: true }, async () => {
    assert.ok((await bytesWithin(one, 1500)).bytes.length <= 2, 'also the head');
  });
  await during('drip', 'alpha/pve1', { bytesPerSecond: 2000 }, async () => assert.equal((await version()).status, 200, 'in the end it is whole'));
});

test('truncated, reset: the end comes too early', async () => {
  await during('truncated', 'alpha/pve1', {}, async () => {
    const answer = await version();
    assert.equal(answer.complete, false);
    assert.equal(answer.body.length, Math.floor(Number(answer.header('Content-Length')[0]) / 2));
  });
  await during('reset', 'alpha/pve1', {}, async () => {
    const connection = await bytesWithin(one, SOON);
    assert.deepEqual([connection.bytes.length, connection.ended], [0, true]);
  });
});

test('length: too many, too few', async () => {
  await during('length', 'alpha/pve1', { by: 50 }, async () => assert.equal((await version()).complete, false));
  await during('length', 'alpha/pve1', { by: -10 }, async () => {
    const connection = await bytesWithin(one, SOON);
    const text = connection.bytes.toString();
    const [, length] = /Content-Length: (\d+)/.exec(text);
    assert.equal(text.split('\r\n\r\n')[1].length, Number(length) + 10);
  });
  await during('length', 'alpha/pve1', { by: 50, keep: true }, async () => {
    const connection = await connect(one);
    connection.socket.write(requestText('GET', '/api2/json/version', one));
    assert.equal(await connection.closes(SOON), false, 'and stays open');
    connection.socket.destroy();
  });
});

test('garbage: noise, pages of proxies, broken JSON, 16 MiB', async () => {
  const get = (more) => during('garbage', 'alpha/pve1', more, () => version());
  const noise = await get({});
  assert.deepEqual([noise.status, noise.body.length], [200, 4096]);
  assert.match((await get({ as: 'html' })).text, /^<!DOCTYPE html>/);
  assert.throws(() => JSON.parse('{"data":[{"id":"node/pve","cpu":0.1,,}'));
  assert.equal((await get({ as: 'json' })).text, '{"data":[{"id":"node/pve","cpu":0.1,,}');
  assert.deepEqual((await get({ as: 'shape' })).data.id, [[]]);
  assert.ok((await get({ as: 'nul' })).body.includes(Buffer.from('qemu/1\0')));
  const huge = await get({ bytes: 16 * 1024 * 1024 });
  assert.equal(huge.body.length, 16 * 1024 * 1024);
  await works();
});

test('deep: JSON as deep as asked', async () => {
  const answer = await during('deep', 'alpha/pve1', { depth: 5000 }, () => version());
  assert.equal(answer.text, `{"data":${'['.repeat(5000)}${']'.repeat(5000)}}`);
});

test('nothttp: noise instead of an answer', async () => {
  const connection = await during('nothttp', 'alpha/pve1', { bytes: 500 }, () => bytesWithin(one, SOON));
  assert.equal(connection.bytes.length, 500);
  assert.notEqual(connection.bytes.toString('latin1', 0, 5), 'HTTP/');
});

test('status, 401, 403, 500: answers without the code behind', async () => {
  const odd = await during('status', 'alpha/pve1', { status: 503, reason: 'Service Unavailable' }, () => version());
  assert.deepEqual([odd.status, odd.reason, odd.closed], [503, 'Service Unavailable', true]);
  const bare = await during('status', 'alpha/pve1', { status: 500, reason: '' }, () => version());
  assert.deepEqual([bare.status, bare.reason], [500, ''], 'as behind a proxy of HTTP/2');
  const denied = await during('401', 'alpha/pve1', {}, () => version());
  assert.deepEqual([denied.status, denied.reason, denied.text], [401, 'Authentication failed!', '']);
  assert.ok(denied.ms >= DENIED - 2);
  const no = await during('403', 'alpha/pve1', { where: '/vms/100', privilege: 'VM.Audit' }, () => version());
  assert.equal(no.reason, 'Permission check failed (/vms/100, VM.Audit)');
  const died = await during('500', 'alpha/pve1', { reason: 'got timeout' }, () => version());
  assert.deepEqual([died.status, died.reason], [500, 'got timeout']);
});

test('595, 596, 597, 599: the way between two nodes', async () => {
  for (const kind of ['595', '596', '597', '599']) {
    await during(kind, 'alpha/pve2', {}, async () => {
      const answer = await ask(one, 'GET', '/nodes/pve2/status');
      assert.deepEqual([answer.status, answer.text], [Number(kind), '']);
      assert.equal((await ask(one, 'GET', '/nodes/pve3/status')).status, 200);
      await works(two);
    });
  }
});

test('redirect: to somewhere else', async () => {
  const answer = await during('redirect', 'alpha/pve1', { to: 'https://127.0.0.1:9/secret' }, () => version());
  assert.deepEqual([answer.status, answer.header('Location')[0]], [302, 'https://127.0.0.1:9/secret']);
});

test('dead: offline with its last numbers, its guests as they were', async () => {
  await during('dead', 'alpha/pve2', {}, async () => {
    assert.equal(await refusal(two), 'ECONNREFUSED');
    const node = await byId('node/pve2');
    assert.deepEqual(Object.keys(node).sort(), ['id', 'level', 'maxcpu', 'maxdisk', 'maxmem', 'node', 'status', 'type']);
    assert.equal(node.status, 'offline');
    const guest = (await rows()).find((row) => row.node === 'pve2' && row.type === 'qemu');
    assert.ok(['running', 'stopped'].includes(guest.status) && guest.name);
    assert.equal((await byId('storage/pve2/local')).status, 'available');
    const status = (await ask(one, 'GET', '/cluster/status')).data;
    assert.deepEqual(status.filter((row) => row.type === 'node').map((row) => [row.name, row.online]).sort(), [['pve1', 1], ['pve2', 0], ['pve3', 1]]);
  });
  assert.equal((await byId('node/pve2')).status, 'online');
});

test('dead with its host: nothing answers, and its neighbours wait', async () => {
  await during('dead', 'alpha/pve2', { how: 'timeout' }, async () => {
    assert.equal(await silence(two.host, two.port, SOON), 'nothing');
    const answer = await ask(one, 'GET', '/nodes/pve2/status');
    assert.deepEqual([answer.status, answer.reason], [595, 'Connection timed out']);
    assert.ok(answer.ms >= 198);
  });
  await works(two);
  const hour = (await ask(two, 'GET', '/nodes/pve2/rrddata?timeframe=hour')).data;
  assert.equal(hour.length, 60);
});

test('dead for long: names and numbers are gone', async () => {
  await during('dead', 'alpha/pve2', { since: EXPIRY / 1000 + 1 }, async () => {
    assert.deepEqual(await byId('node/pve2'), { id: 'node/pve2', node: 'pve2', type: 'node', status: 'offline' });
    const guests = (await rows()).filter((row) => row.node === 'pve2' && row.vmid);
    assert.ok(guests.length > 0);
    for (const guest of guests) assert.deepEqual([guest.status, 'name' in guest, 'maxmem' in guest], ['unknown', false, false]);
    const storage = await byId('storage/pve2/local');
    assert.deepEqual([storage.status, 'maxdisk' in storage], ['unknown', false]);
  });
});

test('frozen: numbers stand still, then vanish', async () => {
  await during('frozen', 'alpha/pve1', {}, async () => {
    await eventually(async () => {
      const before_ = (await byId('node/pve1')).uptime;
      await new Promise((resolve) => { setTimeout(resolve, 1100); });
      return (await byId('node/pve1')).uptime === before_;
    }, 'standing still');
    assert.equal((await byId('node/pve1')).status, 'online');
  });
  await during('frozen', 'alpha/pve1', { since: EXPIRY / 1000 + 1 }, async () => {
    assert.deepEqual(await byId('node/pve1'), { id: 'node/pve1', node: 'pve1', type: 'node', status: 'unknown' });
  });
  await eventually(async () => (await byId('node/pve1')).status === 'online', 'back');
});

test('noquorum: reads work, writes do not', async () => {
  await during('noquorum', 'alpha', {}, async () => {
    assert.equal((await ask(one, 'GET', '/cluster/status')).data.find((row) => row.type === 'cluster').quorate, 0);
    assert.equal((await ask(one, 'POST', '/nodes/pve1/qemu/100/status/start', { body: '' })).reason, 'cluster not ready - no quorum?');
    assert.equal((await ask(one, 'POST', '/access/ticket', { token: null, body: 'username=root%40pam&password=lab-root' })).status, 200);
  });
});

test('isolated: each side sees the other offline, the minor one has no quorum', async () => {
  const three = root(lab.servers[2]);
  await during('isolated', 'alpha/pve3', {}, async () => {
    const seen_ = async (server) => {
      const status = (await ask(server, 'GET', '/cluster/status')).data;
      const online = status.filter((row) => row.online).map((row) => row.name).sort();
      return [status.find((row) => row.type === 'cluster').quorate, online];
    };
    assert.deepEqual(await seen_(one), [1, ['pve1', 'pve2']]);
    assert.deepEqual(await seen_(three), [0, ['pve3']]);
    assert.equal((await byId('node/pve3')).status, 'offline');
    assert.equal((await byId('node/pve1', three)).status, 'offline');
    assert.equal((await byId('node/pve3', three)).status, 'online');
    assert.equal((await ask(one, 'GET', '/nodes/pve3/status')).reason, 'No route to host');
    assert.equal((await ask(three, 'POST', '/nodes/pve3/status', { body: 'command=reboot' })).reason, 'cluster not ready - no quorum?');
  });
  assert.equal((await byId('node/pve3')).status, 'online');
});

test('certificate: another fingerprint, known to the neighbours', async () => {
  const presented = async () => {
    const connection = await connect(one);
    const { fingerprint256 } = connection.socket.getPeerX509Certificate();
    connection.socket.destroy();
    return fingerprint256;
  };
  assert.equal(await presented(), one.fingerprint);
  const now = await during('certificate', 'alpha/pve1', {}, presented);
  assert.notEqual(now, one.fingerprint);
  assert.equal((await ask(two, 'GET', '/nodes')).data.find((node) => node.node === 'pve1').ssl_fingerprint, now);
  assert.equal(await presented(), now, 'the old one does not come back');
  assert.equal((await control.servers())[0].fingerprint, now);
});

test('restart: connections are cut, tickets still hold', async () => {
  const { ticket } = (await ask(one, 'POST', '/access/ticket', { token: null, body: 'username=root%40pam&password=lab-root' })).data;
  const connection = await connect(one);
  await during('restart', 'alpha/pve1', {}, async () => assert.ok(await connection.closes()));
  assert.equal((await version(one, { token: null, headers: { Cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` } })).status, 200);
});

test('skew: another clock', async () => {
  await during('skew', 'alpha/pve1', { seconds: -60 }, async () => {
    const off = Date.parse((await version()).header('Date')[0]) - Date.now();
    assert.ok(off < -58_000 && off > -62_000, `${off}`);
  });
});

test('revoked, expired, disabled: 401, and again 200', async () => {
  const solo = lab.servers.find((server) => server.cluster === 'solo');
  const token = 'binnacle@pve!operator';
  for (const [kind, more, reason] of [['revoked', { token }, "no such token 'operator' for user 'binnacle@pve'"],
    ['expired', { token }, "token 'operator' access expired"], ['disabled', { user: 'binnacle@pve' }, "user 'binnacle@pve' is disabled"]]) {
    const answer = await during(kind, 'solo', more, () => version(solo));
    assert.deepEqual([answer.status, answer.reason], [401, reason]);
    await works(solo);
  }
});

test('privilege: 403 on its path, filtered from lists', async () => {
  const solo = lab.servers.find((server) => server.cluster === 'solo');
  await during('privilege', 'solo', { privilege: 'Sys.Audit' }, async () => {
    assert.equal((await ask(solo, 'GET', '/nodes/solo/status')).reason, 'Permission check failed (/nodes/solo, Sys.Audit)');
    assert.equal('maxmem' in await byId('node/solo', solo), false);
  });
  await during('privilege', 'solo', { privilege: 'VM.Audit' }, async () => assert.deepEqual((await rows(solo)).filter((row) => row.vmid), []));
  assert.equal((await rows(solo)).filter((row) => row.vmid).length, 2);
});

test('deleted, renamed, migrated, locked: guests change behind our back', async () => {
  const guest = (await rows()).find((row) => row.node === 'pve1' && row.type === 'qemu');
  const target = `alpha/${guest.vmid}`;
  const path = `/nodes/pve1/qemu/${guest.vmid}/status/current`;
  await during('deleted', target, {}, async () => {
    assert.equal(await byId(guest.id), undefined);
    assert.match((await ask(one, 'GET', path)).reason, /^Configuration file .* does not exist$/);
  });
  await during('renamed', target, { name: 'other-name' }, async () => assert.equal((await byId(guest.id)).name, 'other-name'));
  await during('migrated', target, { node: 'pve3' }, async () => {
    assert.equal((await byId(guest.id)).node, 'pve3');
    assert.equal((await ask(one, 'GET', path)).status, 500);
    assert.equal((await ask(one, 'GET', path.replace('pve1', 'pve3'))).status, 200);
  });
  await during('locked', target, { lock: 'migrate' }, async () => assert.equal((await byId(guest.id)).lock, 'migrate'));
  assert.equal((await ask(one, 'GET', path)).data.lock, undefined);
});

test('hungstorage: only the storages of a node hang', async () => {
  await during('hungstorage', 'alpha/pve1', { ms: 900 }, async () => {
    const slow = await ask(one, 'GET', '/nodes/pve1/storage');
    assert.ok(slow.ms >= 899 && slow.data.every((row) => row.active === 0));
    assert.ok((await version()).ms < 899);
  });
});

test('on/off: a fault that comes and goes', async () => {
  await during('refused', 'solo', { on: 200, off: 200 }, async () => {
    const solo = lab.servers.find((server) => server.cluster === 'solo');
    const state = async () => (await refusal(solo)) === null;
    assert.equal(await state(), false);
    await eventually(state, 'up');
    await eventually(async () => !(await state()), 'down again');
  });
});

test('probability: now and then', async () => {
  await during('status', 'alpha/pve1', { status: 500, probability: 0.5 }, async () => {
    const found = new Set();
    for (let i = 0; i < 40 && found.size < 2; i++) found.add((await version()).status);
    assert.deepEqual([...found].sort(), [200, 500]);
  });
});

test('the control port says what it does not know', async () => {
  await assert.rejects(control.fault('nonsense'), /no fault nonsense/);
  await assert.rejects(control.fault('refused', 'beta'), /no cluster beta/);
  await assert.rejects(control.fault('refused', 'alpha/pve9'), /no node alpha\/pve9/);
  await assert.rejects(control.fault('revoked', 'alpha', { token: 'no@pve!body' }), /no token/);
  assert.deepEqual(await control.faults(), []);
  const state = await control.state();
  assert.equal(state.clusters[0].guests.length, 12);
  await control.guest('solo', 900, { name: 'new-one', type: 'qemu', status: 'running' });
  const solo = root(lab.servers.find((server) => server.cluster === 'solo'));
  assert.equal((await byId('qemu/900', solo)).name, 'new-one');
});

test('the control port knows who asked what', async () => {
  await control.forget();
  await works(two);
  await ask({ ...two, token: 'root@pam!all=wrong' }, 'GET', '/nodes/pve1/qemu/100/vncwebsocket?port=5900&vncticket=secret');
  const found = await control.requests({ node: 'alpha/pve2' });
  assert.deepEqual(found.map(({ at, ...rest }) => rest), [
    { node: 'alpha/pve2', method: 'GET', target: '/api2/json/version', who: 'root@pam!all', status: 200 },
    { node: 'alpha/pve2', method: 'GET', target: '/api2/json/nodes/pve1/qemu/100/vncwebsocket?port=5900&vncticket=…', who: 'root@pam!all', status: 401 },
  ]);
  const { count } = (await control.state()).clusters[0].nodes[1];
  assert.ok(count.connections >= count.handshakes && count.handshakes >= 2);
  assert.deepEqual(await control.requests({ node: 'alpha/pve3' }), []);
});

test('the clock can be moved: a ticket runs out', async () => {
  const { ticket } = (await ask(one, 'POST', '/access/ticket', { token: null, body: 'username=root%40pam&password=lab-root' })).data;
  const cookie = { token: null, headers: { Cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` } };
  assert.equal((await version(one, cookie)).status, 200);
  await control.forward(2 * 3600 * 1000 + 1000);
  assert.equal((await version(one, cookie)).status, 401);
  await assert.rejects(control.forward(-1), /only goes forward/);
});

test('every fault has its test', () => {
  const elsewhere = ['taskfail', 'taskwarn', 'taskkilled', 'taskhang', 'console', 'nopassword'];
  assert.deepEqual(KINDS.filter((kind) => !seen.has(kind) && !elsewhere.includes(kind)), []);
});
