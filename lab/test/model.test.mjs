// The model: versions and their types, privileges and filtered lists, data that moves, history, the
// same seed twice, the programs around it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { test, before, after } from 'node:test';
import { openLab, startLab } from '../lib.mjs';
import { encode, number } from '../src/json.mjs';
import { Random } from '../src/random.mjs';
import { ask, eventually, root } from './raw.mjs';

let lab;
const at = {};
before(async () => {
  lab = await openLab({ scenario: 'versions', timing: { tick: 300, cache: 50, denied: 50 } });
  for (const server of lab.servers) if (server.name === 'pve1') at[server.version] = root(server);
});
after(() => lab.stop());

const get = async (server, where) => {
  const answer = await ask(server, 'GET', where);
  assert.equal(answer.status, 200, `${where}: ${answer.reason}`);
  return answer.data;
};
const find = (rows, vmid) => rows.find((row) => Number(row.vmid) === vmid);

test('each version says which it is', async () => {
  const found = {};
  for (const [name, server] of Object.entries(at)) found[name] = (await get(server, '/version')).version;
  assert.deepEqual(found, { 6.2: '6.2-4', 7.4: '7.4-16', 8.4: '8.4.1', '9.0': '9.0.3', 9.2: '9.2.2' });
  assert.equal((await get(at['6.2'], '/version')).keyboard, 'en-us');
});

test('6.2 writes whole numbers of lists as text, and nothing as ""', async () => {
  const running = find(await get(at['6.2'], '/nodes/pve1/qemu'), 100);
  for (const key of ['vmid', 'pid', 'disk', 'maxdisk', 'template']) assert.equal(typeof running[key], 'string', key);
  assert.equal(running.template, '');
  assert.equal(find(await get(at['6.2'], '/nodes/pve2/qemu'), 102).pid, null);
  assert.equal(find(await get(at['6.2'], '/nodes/pve1/lxc'), 101).lock, '');
  const [nic] = Object.values((await get(at['6.2'], '/nodes/pve1/qemu/100/status/current')).nics);
  assert.equal(typeof nic.netin, 'string');
});

test('7.4 keeps the vmid of containers as text, later ones do not', async () => {
  assert.equal(find(await get(at['7.4'], '/nodes/pve1/lxc'), 101).vmid, '101');
  assert.equal(find(await get(at['7.4'], '/nodes/pve1/qemu'), 100).vmid, 100);
  assert.equal(find(await get(at['8.4'], '/nodes/pve1/lxc'), 101).vmid, 101);
});

test('9.x: pressure as text for containers, as numbers for machines; memhost', async () => {
  for (const version of ['9.0', '9.2']) {
    assert.match(find(await get(at[version], '/nodes/pve1/lxc'), 101).pressurecpusome, /^\d+\.\d\d$/);
    const machine = find(await get(at[version], '/nodes/pve1/qemu'), 100);
    assert.deepEqual([typeof machine.pressurecpusome, typeof machine.memhost], ['number', 'number']);
    const rows = await get(at[version], '/cluster/resources');
    assert.equal(find(rows, 101).memhost, 0);
    assert.equal(typeof (await get(at[version], '/nodes/pve1/status')).memory.available, 'number');
  }
  assert.equal('memhost' in find(await get(at['8.4'], '/cluster/resources'), 100), false);
});

test('what came with which version', async () => {
  const has = async (where, test_) => {
    const found = [];
    for (const [version, server] of Object.entries(at)) if (test_(await get(server, where))) found.push(version);
    return found.sort();
  };
  const type = (name) => (rows) => rows.some((row) => row.type === name);
  assert.deepEqual(await has('/cluster/resources', type('sdn')), ['8.4', '9.0']);
  assert.deepEqual(await has('/cluster/resources', type('network')), ['9.2']);
  assert.deepEqual(await has('/cluster/resources', (rows) => rows.some((row) => row['host-arch'])), ['9.2']);
  assert.deepEqual(await has('/nodes/pve1/status', (status) => 'current-kernel' in status), ['8.4', '9.0', '9.2']);
  const metrics = [];
  for (const [version, server] of Object.entries(at)) metrics.push([version, (await ask(server, 'GET', '/cluster/metrics/export')).status]);
  assert.deepEqual(Object.fromEntries(metrics), { 6.2: 501, 7.4: 501, 8.4: 200, '9.0': 200, 9.2: 200 });
  assert.equal((await ask(at['9.0'], 'GET', '/cluster/metrics/export?node-list=pve1')).status, 400);
  assert.equal((await ask(at['9.2'], 'GET', '/cluster/metrics/export?node-list=pve1')).status, 200);
});

test('tickets of consoles: a password before it since April 2026', async () => {
  const ticket = async (version, more = '') => (await ask(at[version], 'POST', '/nodes/pve1/qemu/100/vncproxy', { body: `websocket=1${more}` })).data;
  const [old, now] = [await ticket('9.0'), await ticket('9.2')];
  assert.match(old.ticket, /^PVEVNC:[0-9A-F]{8}::[A-Za-z0-9+/]{342}==$/);
  assert.equal('password' in old, false);
  assert.ok(now.ticket.startsWith(`${now.password}:PVEVNC:`) && now.password.length === 8);
  const look = (port) => ask(at['9.2'], 'GET', `/nodes/pve1/qemu/100/vncwebsocket?port=${port}&vncticket=${encodeURIComponent(now.ticket)}`);
  assert.deepEqual((await look(now.port)).data, { port: String(now.port) });
  assert.equal((await look(now.port === 5999 ? 5998 : now.port + 1)).status, 401, 'the ticket belongs to its port');
  assert.equal(typeof (await ticket('7.4')).port, 'string');
  const fresh = await ticket('9.2');
  const upgrade = await ask(at['9.2'], 'GET', `/nodes/pve1/qemu/100/vncwebsocket?port=${fresh.port}&vncticket=${encodeURIComponent(fresh.ticket)}`,
    { headers: { Upgrade: 'websocket', Connection: 'Upgrade' } });
  assert.deepEqual([upgrade.status, upgrade.reason], [501, "unsupported websocket-version ''"]);
});

test('lists are filtered without a word', async () => {
  const as = (id) => ({ ...at['9.2'], token: at['9.2'].tokens[id] });
  const types = async (id) => [...new Set((await get(as(id), '/cluster/resources')).map((row) => row.type))].sort();
  assert.deepEqual(await types('binnacle@pve!monitor'), ['lxc', 'network', 'node', 'pool', 'qemu', 'storage']);
  assert.deepEqual(await types('binnacle@pve!empty'), ['node']);
  assert.deepEqual(await types('binnacle@pve!guests'), ['lxc', 'node', 'qemu']);
  const [node] = await get(as('binnacle@pve!empty'), '/nodes');
  assert.deepEqual(Object.keys(node).sort(), ['id', 'level', 'node', 'ssl_fingerprint', 'status', 'type']);
  assert.deepEqual(await get(as('binnacle@pve!empty'), '/access/permissions'), {});
  const own = await get(as('binnacle@pve!operator'), '/access/permissions');
  assert.equal(own['/vms']['VM.PowerMgmt'], 1);
  assert.equal('VM.PowerMgmt' in own['/'], false);
  assert.equal((await ask(as('binnacle@pve!monitor'), 'POST', '/nodes/pve1/qemu/100/status/start', { body: '' })).reason,
    'Permission check failed (/vms/100, VM.PowerMgmt)');
});

test('cookies win over tokens; a login renews itself', async () => {
  const server = at['9.2'];
  const login = (password) => ask(server, 'POST', '/access/ticket', { token: null, body: `username=root%40pam&password=${encodeURIComponent(password)}` });
  const { ticket, CSRFPreventionToken } = (await login('lab-root')).data;
  assert.match(ticket, /^PVE:root@pam:[0-9A-F]{8}::[A-Za-z0-9+/]{342}==$/);
  assert.match(CSRFPreventionToken, /^[0-9A-F]{8}:[A-Za-z0-9+/]{43}$/);
  const cookie = `PVEAuthCookie=${encodeURIComponent(ticket)}`;
  assert.equal((await ask(server, 'GET', '/version', { headers: { Cookie: 'PVEAuthCookie=nonsense' } })).status, 401, 'although the token is good');
  assert.equal((await ask(server, 'GET', '/version', { token: null, headers: { Cookie: cookie } })).status, 200);
  assert.equal((await ask(server, 'POST', '/nodes/pve1/qemu/105/status/stop', { token: null, body: '', headers: { Cookie: cookie, CSRFPreventionToken } })).status, 200);
  assert.equal((await login(ticket)).status, 200);
  assert.deepEqual((await ask(server, 'GET', '/access/domains', { token: null })).data.map((realm) => realm.realm), ['pam', 'pve']);
});

test('data moves with the tick, and only then', async () => {
  const cpu = async () => (await get(at['9.2'], '/cluster/resources?type=node')).find((row) => row.node === 'pve1');
  const first = await cpu();
  await eventually(async () => (await cpu()).uptime > first.uptime, 'the next tick');
  const counters = async () => find(await get(at['9.2'], '/cluster/resources?type=vm'), 100);
  const a = await counters();
  await eventually(async () => (await counters()).netin > a.netin, 'traffic');
  assert.ok((await counters()).diskwrite >= a.diskwrite);
});

test('history: the steps and numbers of rows of each version, ascending', async () => {
  const frames = { old: { hour: [60, 70], day: [1800, 70], week: [10800, 70], month: [43200, 70], year: [604800, 70] },
    new: { hour: [60, 60], day: [60, 1440], week: [1800, 336], month: [1800, 1440], year: [21600, 1460], decade: [604800, 520] } };
  for (const [version, which] of [['8.4', frames.old], ['9.2', frames.new]]) {
    for (const [frame, [step, rows]] of Object.entries(which)) {
      const found = await get(at[version], `/nodes/pve1/qemu/100/rrddata?timeframe=${frame}&cf=AVERAGE`);
      assert.equal(found.length, rows, `${version} ${frame}`);
      assert.ok(found.every((row, i) => i === 0 || row.time - found[i - 1].time === step));
      assert.ok(found.at(-1).time + step <= Date.now() / 1000, 'the incomplete bucket is left out');
    }
  }
  assert.equal((await ask(at['8.4'], 'GET', '/nodes/pve1/rrddata?timeframe=decade')).status, 400);
  const year = await get(at['9.2'], '/nodes/pve1/rrddata?timeframe=year');
  assert.deepEqual(Object.keys(year[0]), ['time'], 'before its first boot a node has no samples');
  const storage = (await get(at['9.2'], '/nodes/pve1/storage/local/rrddata?timeframe=hour'));
  assert.deepEqual(Object.keys(storage.at(-1)), ['time'], 'the last minute has not arrived');
  assert.deepEqual(Object.keys(storage.at(-2)).sort(), ['time', 'total', 'used']);
});

test('counters beyond 2^53 are written whole', async () => {
  const other = await openLab({ scenario: { clusters: [{ name: 'a', standalone: true, nodes: 1, guests: [{ vmid: 100, type: 'qemu', status: 'running', huge: true }] }] } });
  const { text } = await ask(other.servers[0], 'GET', '/cluster/resources?type=vm');
  const [, digits] = /"netin":(\d+)/.exec(text);
  assert.ok(BigInt(digits) > 2n ** 60n && BigInt(digits) % 2n ** 10n !== 0n, digits);
  assert.equal((await ask(other.servers[0], 'GET', '/nodes/pve1/qemu/100/status/current')).status, 200);
  await other.stop();
});

test('metrics: ten-second samples with a start', async () => {
  const all = (await get(at['9.2'], '/cluster/metrics/export?history=1&local-only=1')).data;
  const times = [...new Set(all.filter((row) => row.metric === 'net_in' && row.id === 'node/pve1').map((row) => row.timestamp))];
  assert.ok(times.length > 10);
  const late = (await get(at['9.2'], `/cluster/metrics/export?history=1&local-only=1&start-time=${times.at(-1)}`)).data;
  assert.ok(late.length < all.length && late.every((row) => row.timestamp >= times.at(-1)));
});

test('a scenario from a file: addresses, versions of nodes, own access lists, which members listen', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'lab-'));
  const file = path.join(dir, 'fleet.json');
  fs.writeFileSync(file, JSON.stringify({
    clusters: [{
      name: 'mixed', version: '9.2', nodes: ['one', { name: 'two', version: '8.4', address: '127.0.0.2' }, 'three'], listen: ['one', 'two'], pools: ['web'],
      guests: [{ vmid: 100, node: 'one', pool: 'web' }, { vmid: 101, node: 'one', pool: null }],
      acls: [{ path: '/pool/web', who: 'binnacle@pve!empty', role: 'PVEVMUser' }, { path: '/vms/101', who: 'binnacle@pve!guests', role: 'NoAccess' }],
    }],
    faults: [{ kind: 'slow', target: 'mixed/one', ms: 50 }],
  }));
  const other = await openLab({ scenario: file });
  const [first, second] = other.servers;
  assert.deepEqual(other.servers.map((server) => [server.name, server.host]), [['one', '127.0.0.1'], ['two', '127.0.0.2']]);
  assert.deepEqual([(await get(first, '/version')).release, (await get(second, '/version')).release], ['9.2', '8.4']);
  assert.equal((await get(first, '/nodes/two/version')).release, '8.4', 'proxied to the node that owns it');
  const guestsOf = async (id) => (await get({ ...first, token: first.tokens[id] }, '/cluster/resources?type=vm')).map((row) => row.vmid).sort();
  assert.deepEqual(await guestsOf('binnacle@pve!empty'), [100], 'what its pool gives');
  assert.deepEqual(await guestsOf('binnacle@pve!guests'), [100], 'what a list takes away');
  assert.equal((await other.control.faults()).length, 1);
  await other.stop();
  await assert.rejects(openLab({ scenario: { clusters: [{ name: 'a' }, { name: 'a' }] } }), /two clusters are called a/);
  await assert.rejects(openLab({ scenario: 'small', timing: { nonsense: 1 } }), /no timing nonsense/);
  fs.rmSync(dir, { recursive: true });
});

test('the same seed is the same fleet', async () => {
  const fleet = async (seed) => {
    const other = await openLab({ scenario: 'small', seed });
    const text = JSON.stringify([other.servers.map((server) => server.tokens), (await other.control.state()).clusters.map((c) => c.guests)]);
    await other.stop();
    return text;
  };
  assert.equal(await fleet(7), await fleet(7));
  assert.notEqual(await fleet(7), await fleet(8));
});

test('JSON is written as Perl writes it', () => {
  assert.deepEqual([0, 1, -5, 0.5, 5.63781757807018e-05, -5.75e-05, 1e15, 123456789012345.6, 9007199254740991].map(number),
    ['0', '1', '-5', '0.5', '5.63781757807018e-05', '-5.75e-05', '1e+15', '123456789012346', '9.00719925474099e+15']);
  const random = new Random(3);
  assert.equal(encode({ a: undefined, b: '\b"\u0000é' }, random), '{"b":"\\b\\"\\u0000é"}');
  assert.deepEqual(JSON.parse(encode({ a: [1, null, true, { b: 'x' }], c: {} }, random)), { a: [1, null, true, { b: 'x' }], c: {} });
});

test('startLab is a process of its own that ends with its standard input', async () => {
  const own = await startLab({ scenario: 'small', timing: { denied: 20 } });
  assert.notEqual(own.pid, process.pid);
  assert.equal((await ask(own.servers[0], 'GET', '/version')).status, 200);
  assert.equal((await ask({ ...own.servers[0], token: 'a@b!cc=d' }, 'GET', '/version')).ms < 1000, true);
  await own.stop();
  assert.throws(() => process.kill(own.pid, 0), { code: 'ESRCH' });
});

test('main.mjs: the demo, its port file, an unknown option', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'lab-'));
  const file = path.join(dir, 'ports.json');
  const main = new URL('../main.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, '--scenario', 'demo', '--port-file', file, '--quiet']);
  const { servers, control } = await eventually(async () => fs.existsSync(file) && JSON.parse(fs.readFileSync(file, 'utf8')), 'the port file', 10_000);
  assert.equal(servers.length, 6);
  assert.ok(servers.every((server) => server.cluster.startsWith('DEMO')));
  assert.equal(servers.reduce((sum, server) => sum + server.guests, 0), 80);
  assert.equal((await ask(servers.find((server) => server.cluster === 'DEMO-home'), 'GET', '/version')).status, 200);
  const faults = await (await fetch(`${control.url}/fault`)).json();
  assert.ok(faults.some((fault) => fault.on && fault.kind === 'refused'), 'one flaps');
  assert.match(servers.find((server) => server.cluster === 'DEMO-old').token, /=00000000-/);
  const code = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGTERM');
  assert.equal(await code, 0);
  const short = spawn(process.execPath, [main, '--scenario', 'servers:300:1', '--until-closed'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let line = '';
  for await (const part of short.stdout) line += part;
  assert.equal(JSON.parse(line).servers.length, 300, 'the line is whole although nobody waited');
  const wrong = spawn(process.execPath, [main, '--nonsense']);
  assert.equal(await new Promise((resolve) => { wrong.once('exit', resolve); }), 2);
  fs.rmSync(dir, { recursive: true });
});

test('a thousand servers, and 75,000 guests, from one process', async () => {
  const many = await startLab({ scenario: 'thousand' });
  assert.equal(many.servers.length, 1000);
  assert.equal(new Set(many.servers.map((server) => server.port)).size, 1000);
  assert.equal((await ask(many.servers[999], 'GET', '/cluster/resources')).status, 200);
  await many.stop();
  const large = await startLab({ scenario: 'scale' });
  const rows = await get(root(large.servers[0]), '/cluster/resources');
  assert.equal(rows.filter((row) => row.vmid).length, 1500);
  assert.equal(rows.filter((row) => row.type === 'node').length, 20);
  assert.equal(large.servers.length, 50);
  await large.stop();
});
