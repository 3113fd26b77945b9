// Actions: requests that start tasks, tasks that change guests, logs that grow, what the list shows later.

import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { openLab } from '../lib.mjs';
import { ask, eventually, root } from './raw.mjs';

const UPID = /^UPID:([a-zA-Z0-9-]+):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/;
const guests = [
  { vmid: 100, type: 'qemu', status: 'running' }, { vmid: 101, type: 'qemu', status: 'stopped' }, { vmid: 102, type: 'lxc', status: 'running' },
  { vmid: 103, type: 'lxc', status: 'stopped' }, { vmid: 104, type: 'qemu', template: true }, { vmid: 105, type: 'qemu', status: 'running', ha: true },
  { vmid: 106, type: 'qemu', status: 'running', lock: 'backup' }, { vmid: 107, type: 'qemu', status: 'running' },
  { vmid: 108, type: 'lxc', template: true }, { vmid: 109, type: 'qemu', status: 'stopped' },
].map((guest) => ({ node: 'pve1', ...guest }));

let lab;
let control;
let one;
before(async () => {
  lab = await openLab({
    scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 2, guests }, { name: 'seven', version: '7.4', nodes: 1, guests: 2 }] },
    timing: { tasks: 0.2, tick: 500, cache: 50, ha: 1000, console: 300, reboot: 500, corosync: 0, denied: 50 },
  });
  control = lab.control;
  one = lab.servers[0];
});
after(() => lab.stop());

const post = (path, body = '', server = one) => ask(server, 'POST', path, { body });
const verb = (type, vmid, name, body, server) => post(`/nodes/pve1/${type}/${vmid}/status/${name}`, body, server);
const taskPath = (upid) => `/nodes/${upid.split(':')[1]}/tasks/${encodeURIComponent(upid)}`;
const current = async (type, vmid) => (await ask(one, 'GET', `/nodes/pve1/${type}/${vmid}/status/current`)).data;

async function ended(upid, server = one) {
  return eventually(async () => {
    const { data } = await ask(server, 'GET', `${taskPath(upid)}/status`);
    return data.status === 'stopped' && data;
  }, upid);
}

async function does(type, vmid, name, body) {
  const answer = await verb(type, vmid, name, body);
  assert.equal(answer.status, 200, answer.reason);
  assert.match(answer.data, UPID);
  return ended(answer.data);
}

test('a task: its UPID, its state, its log', async () => {
  const { data: upid } = await verb('qemu', 101, 'start');
  const [, node, , , , type, id, user] = UPID.exec(upid);
  assert.deepEqual([node, type, id, user], ['pve1', 'qmstart', '101', 'binnacle@pve!operator']);
  const running = (await ask(one, 'GET', `${taskPath(upid)}/status`)).data;
  assert.equal(running.status, 'running');
  assert.equal('exitstatus' in running, false);
  assert.deepEqual([running.user, running.tokenid], ['binnacle@pve', 'operator']);
  assert.equal((await ask(one, 'GET', '/cluster/tasks')).data.find((row) => row.upid === upid).status, undefined);
  const live = (await ask(one, 'GET', '/nodes/pve1/tasks?source=active')).json;
  assert.equal(live.data.find((row) => row.upid === upid).status, 'RUNNING');
  const done = await ended(upid);
  assert.equal(done.exitstatus, 'OK');
  const log = (await ask(one, 'GET', `${taskPath(upid)}/log?start=0&limit=500`)).json;
  assert.equal(log.total, log.data.length);
  assert.equal(log.data.at(-1).t, 'TASK OK');
  assert.deepEqual(log.data.map((line) => line.n), log.data.map((_, i) => i + 1));
  assert.deepEqual((await ask(one, 'GET', `${taskPath(upid)}/log?start=1&limit=1`)).data, [log.data[1]]);
  assert.deepEqual((await ask(one, 'GET', `${taskPath(upid)}/log?limit=0`)).data, log.data);
  const beyond = (await ask(one, 'GET', `${taskPath(upid)}/log?start=${log.total}`)).data;
  assert.deepEqual(beyond, [{ n: log.total + 1, t: 'no content' }]);
  assert.equal((await ask(one, 'GET', '/nodes/pve1/tasks?vmid=101')).data[0].status, 'OK');
});

test('an empty log is one line that says so', async () => {
  const answer = await post('/nodes/pve1/qemu/100/vncproxy', 'websocket=1');
  const log = (await ask(one, 'GET', `${taskPath(answer.data.upid)}/log`)).json;
  assert.deepEqual(log, { data: [{ n: 1, t: 'no content' }], total: 1 });
  assert.equal((await ended(answer.data.upid)).exitstatus, 'connection timed out');
});

test('status/current knows at once, the list with the next tick', async () => {
  assert.equal((await current('qemu', 107)).status, 'running');
  assert.equal((await does('qemu', 107, 'stop')).exitstatus, 'OK');
  assert.deepEqual([(await current('qemu', 107)).status, (await current('qemu', 107)).uptime], ['stopped', 0]);
  const status = async () => (await ask(one, 'GET', '/cluster/resources?type=vm')).data.find((row) => row.vmid === 107).status;
  await eventually(async () => (await status()) === 'stopped', 'the list');
  await does('qemu', 107, 'start');
  await eventually(async () => (await status()) === 'running', 'the list again');
});

test('qemu: each verb does what it says', async () => {
  assert.equal((await does('qemu', 100, 'suspend')).exitstatus, 'OK');
  assert.equal((await current('qemu', 100)).qmpstatus, 'paused');
  await eventually(async () => (await ask(one, 'GET', '/cluster/resources')).data.find((row) => row.vmid === 100).status === 'paused', 'the list says paused');
  assert.equal((await verb('qemu', 100, 'shutdown')).reason, 'VM is paused - cannot shutdown');
  await does('qemu', 100, 'resume');
  assert.equal((await current('qemu', 100)).qmpstatus, 'running');
  const reset = await does('qemu', 100, 'reset');
  assert.deepEqual([reset.type, reset.exitstatus], ['qmreset', 'OK']);
  assert.equal((await does('qemu', 100, 'reboot')).type, 'qmreboot');
  assert.ok((await current('qemu', 100)).uptime < 5, 'a reboot starts the uptime again');
  const toDisk = await does('qemu', 100, 'suspend', 'todisk=1');
  assert.equal(toDisk.type, 'qmsuspend');
  assert.deepEqual([(await current('qemu', 100)).status, (await current('qemu', 100)).lock], ['stopped', 'suspended']);
  await does('qemu', 100, 'resume');
  assert.deepEqual([(await current('qemu', 100)).status, (await current('qemu', 100)).lock], ['running', undefined]);
  await does('qemu', 100, 'shutdown');
  assert.equal((await current('qemu', 100)).status, 'stopped');
  assert.equal((await does('qemu', 100, 'stop')).exitstatus, 'OK', 'stop of a stopped one is a good task');
  await does('qemu', 100, 'start');
  assert.equal((await does('qemu', 100, 'start')).exitstatus, 'VM 100 already running', 'the task fails, not the request');
});

test('lxc: each verb does what it says', async () => {
  await does('lxc', 103, 'start');
  assert.equal((await verb('lxc', 103, 'start')).reason, 'CT 103 already running');
  assert.equal((await does('lxc', 103, 'reboot')).type, 'vzreboot');
  assert.equal((await does('lxc', 103, 'shutdown')).type, 'vzshutdown');
  assert.equal((await verb('lxc', 103, 'stop')).reason, 'CT 103 not running');
  assert.equal((await verb('lxc', 103, 'reboot')).reason, 'VM 103 not running');
  assert.equal((await verb('lxc', 102, 'resume')).reason, 'CT 102 already running');
  const reset = await verb('lxc', 102, 'reset');
  assert.deepEqual([reset.status, reset.reason], [501, "Method 'POST /nodes/pve1/lxc/102/status/reset' not implemented"]);
  assert.match((await does('lxc', 102, 'suspend')).exitstatus, /CRIU/);
});

test('templates and locked guests: the task fails and says why', async () => {
  assert.equal((await does('qemu', 104, 'start')).exitstatus, "you can't start a vm if it's a template");
  assert.equal((await does('lxc', 108, 'start')).exitstatus, "you can't start a CT if it's a template");
  assert.equal((await does('qemu', 106, 'stop')).exitstatus, 'VM is locked (backup)');
  assert.equal((await current('qemu', 106)).status, 'running');
});

test('options of root@pam alone, unknown ones, those of later versions', async () => {
  const skip = await verb('qemu', 106, 'stop', 'skiplock=1', root(one));
  assert.deepEqual(skip.json.errors, { skiplock: 'Only root may use this option.' });
  assert.deepEqual(Object.keys((await verb('qemu', 106, 'stop', 'nonsense=1')).json.errors), ['nonsense']);
  assert.equal((await verb('qemu', 109, 'stop', 'overrule-shutdown=1')).status, 200);
});

test('managed guests: the task is a wish, the change follows', async () => {
  const task = await does('qemu', 105, 'stop');
  assert.deepEqual([task.type, task.exitstatus], ['hastop', 'OK']);
  const log = (await ask(one, 'GET', `${taskPath(task.upid)}/log`)).data;
  assert.equal(log[0].t, 'Requesting HA stop for VM 105');
  assert.equal((await current('qemu', 105)).status, 'running', 'not yet');
  await eventually(async () => (await current('qemu', 105)).status === 'stopped', 'the manager');
  assert.deepEqual((await current('qemu', 105)).ha.state, 'stopped');
  const own = (await ask(one, 'GET', '/cluster/tasks')).data.find((row) => row.type === 'qmstop' && row.id === '105');
  assert.equal(own.user, 'root@pam', 'the manager acts as root');
  assert.equal((await verb('qemu', 105, 'suspend', 'todisk=1')).reason, 'VM 105 not running');
});

test('failures of tasks: error, warnings, killed, endless', async () => {
  const during = async (kind, more, run) => {
    const { id } = await control.fault(kind, 'alpha/109', more);
    try {
      return await run();
    } finally {
      await control.clear({ id });
    }
  };
  assert.equal((await during('taskfail', { text: 'no space left on device' }, () => does('qemu', 109, 'start'))).exitstatus, 'no space left on device');
  assert.equal((await current('qemu', 109)).status, 'stopped');
  assert.equal((await during('taskkilled', {}, () => does('qemu', 109, 'start'))).exitstatus, 'unexpected status');
  const warned = await during('taskwarn', { warnings: 3 }, () => does('qemu', 109, 'start'));
  assert.equal(warned.exitstatus, 'WARNINGS: 3');
  assert.equal((await current('qemu', 109)).status, 'running');
  await during('taskhang', {}, async () => {
    const { data: upid } = await verb('qemu', 109, 'stop');
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    assert.equal((await ask(one, 'GET', `${taskPath(upid)}/status`)).data.status, 'running');
    assert.equal((await ask(one, 'DELETE', taskPath(upid))).data, null);
    assert.equal((await ended(upid)).exitstatus, 'received interrupt');
  });
});

test('two orders for one guest: one after the other', async () => {
  const first = await verb('qemu', 107, 'stop');
  const second = await verb('qemu', 107, 'start');
  assert.deepEqual([(await ended(first.data)).exitstatus, (await ended(second.data)).exitstatus], ['OK', 'OK']);
  assert.equal((await current('qemu', 107)).status, 'running');
});

test('who sees a task: an auditor all, a token its own', async () => {
  const blind = { ...one, token: one.tokens['binnacle@pve!guests'] };
  const { data: upid } = await verb('qemu', 107, 'reboot');
  assert.equal((await ask(blind, 'GET', '/cluster/tasks')).data.find((row) => row.upid === upid), undefined);
  assert.equal((await ask(blind, 'GET', `${taskPath(upid)}/status`)).status, 403);
  await ended(upid);
  const { data: own } = await verb('qemu', 107, 'reboot', '', blind);
  assert.equal((await ended(own, blind)).exitstatus, 'OK');
});

test('a node that reboots goes and comes back', async () => {
  const two = root(lab.servers[1]);
  assert.equal((await ask(one, 'POST', '/nodes/pve2/status', { body: 'command=reboot' })).status, 403);
  assert.equal((await ask(two, 'POST', '/nodes/pve2/status', { body: 'command=reboot' })).data, null);
  const row = async () => (await ask(one, 'GET', '/nodes')).data.find((node) => node.node === 'pve2');
  await eventually(async () => (await row()).status === 'offline', 'the node goes');
  await eventually(async () => (await row()).status === 'online', 'the node comes back');
  assert.ok((await ask(two, 'GET', '/nodes/pve2/status')).data.uptime < 10);
});

test('all guests of a node at once', async () => {
  const seven = root(lab.servers.find((server) => server.cluster === 'seven'));
  const { data: upid } = await post('/nodes/pve1/stopall', '', seven);
  assert.equal((await ended(upid, seven)).exitstatus, 'OK');
  const list = (await ask(seven, 'GET', '/nodes/pve1/qemu')).data.concat((await ask(seven, 'GET', '/nodes/pve1/lxc')).data);
  assert.deepEqual(new Set(list.map((guest) => guest.status)), new Set(['stopped']));
});
