// power: actions on guests from the request to their real end, against the lab, with nothing canned.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { listen } from './lib/live.mjs';
import { startServer, until } from './lib/server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];
const FAST = { denied: 50, tick: 300, cache: 50, ha: 1500, tasks: 0.3 };
const GUESTS = [
  { vmid: 100, type: 'qemu', node: 'pve1', name: 'web-1', status: 'running' },
  { vmid: 101, type: 'lxc', node: 'pve1', name: 'mail-1', status: 'running' },
  { vmid: 102, type: 'qemu', node: 'pve2', name: 'db-1', status: 'running', ha: true },
  { vmid: 103, type: 'qemu', node: 'pve1', name: 'mould', template: true },
  { vmid: 104, type: 'qemu', node: 'pve1', name: 'locked-1', status: 'stopped', lock: 'backup' },
  { vmid: 105, type: 'qemu', node: 'pve2', name: 'far-1', status: 'stopped' },
];
const SCENE = {
  clusters: [
    { name: 'alpha', version: '9.2', nodes: ['pve1', 'pve2'], listen: 1, guests: GUESTS },
    { name: 'beta', standalone: true, version: '8.4', nodes: ['pve1'], guests: GUESTS.filter((g) => g.node === 'pve1') },
  ],
};

async function openLab(t, timing = {}) {
  const lab = await startLab({ scenario: SCENE, timing: { ...FAST, ...timing } });
  t.after(() => lab.stop());
  return lab;
}

const formOf = (it, more = {}) => ({ name: it.cluster, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, ...more });
const clusterOf = (lab, id) => lab.control.state().then((s) => s.clusters.find((c) => c.id === id));

/** A server that knows the guests of the first servers of the lab. */
async function start(t, lab, { count = 1, token } = {}) {
  const server = await startServer(t, { args: OPEN });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, target, body, as = { key }) => server.request(method, target, { ...as, body });
  const ids = [];
  for (const it of lab.servers.slice(0, count)) {
    const added = await call('POST', '/api/v1/servers', formOf(it, token ? { api_token: it.tokens[token] } : {}));
    assert.equal(added.status, 201, added.text);
    ids.push(added.json.id);
  }
  const seen = (server_id, vmid) => call('GET', '/api/v1/vms').then((a) => a.json.vms.find((vm) => vm.server_id === server_id && vm.vmid === vmid));
  for (const id of ids) await until('its guests', () => seen(id, 100), { within: 15000 });
  const act = (vmid, action, { id = ids[0], type = GUESTS.find((g) => g.vmid === vmid).type, node = GUESTS.find((g) => g.vmid === vmid).node, as } = {}) =>
    call('POST', `/api/v1/servers/${id}/nodes/${node}/${type}/${vmid}/${action}`, undefined, as);
  const one = async (id) => (await call('GET', `/api/v1/operations/${id}`)).json;
  const ended = (id, within = 20000) => until('its end', async () => {
    const it = await one(id);
    return it.completed_at && it;
  }, { within, every: 50 });
  /** Acts and waits for the end. */
  const done = async (vmid, action, more) => {
    const answer = await act(vmid, action, more);
    assert.equal(answer.status, 202, answer.text);
    assert.match(answer.json.upid, /^UPID:.*:$/);
    return ended(answer.json.operation_id);
  };
  const guest = async (cluster, vmid) => (await clusterOf(lab, cluster)).guests.find((g) => g.vmid === vmid);
  return { server, admin, key, call, ids, seen, act, one, ended, done, guest };
}

const posts = async (lab) => (await lab.control.requests()).filter((r) => r.method === 'POST' && /\/status\//.test(r.target));

test('each action on a virtual machine and on a container ends as it did in Proxmox VE', { timeout: 120000 }, async (t) => {
  const lab = await openLab(t);
  const { done, guest, act, call, ids, seen } = await start(t, lab);
  const steps = [
    [100, 'suspend', /^suspended after \d+ s$/, { qmp: 'paused' }],
    [100, 'resume', /^resumed after \d+ s$/, { qmp: 'running' }],
    [100, 'reset', /^reset after \d+ s$/, { status: 'running' }],
    [100, 'reboot', /^rebooted after \d+ s$/, { status: 'running' }],
    [100, 'shutdown', /^shut down after \d+ s$/, { status: 'stopped' }],
    [100, 'start', /^started after \d+ s$/, { status: 'running' }],
    [100, 'stop', /^stopped after \d+ s$/, { status: 'stopped' }],
    [101, 'reboot', /^rebooted after \d+ s$/, { status: 'running' }],
    [101, 'shutdown', /^shut down after \d+ s$/, { status: 'stopped' }],
    [101, 'start', /^started after \d+ s$/, { status: 'running' }],
    [101, 'stop', /^stopped after \d+ s$/, { status: 'stopped' }],
  ];
  for (const [vmid, action, message, state] of steps) {
    const it = await done(vmid, action);
    assert.equal(it.status, 'completed', JSON.stringify(it));
    assert.match(it.message, message);
    assert.equal(it.progress, 100);
    assert.equal(it.error, null);
    assert.equal(it.has_warnings, false);
    assert.equal(it.subject, `${vmid === 100 ? 'web-1 (100)' : 'mail-1 (101)'} on alpha`);
    assert.deepEqual([it.type, it.action, it.server_id, it.node, it.vmid, it.created_by_kind, typeof it.created_by_id], ['vm_power', action, ids[0], 'pve1', vmid, 'key', 'string']);
    assert.equal(it.log.at(-1).t, 'TASK OK');
    for (const [name, value] of Object.entries(state)) assert.equal((await guest('alpha', vmid))[name], value, `${action}: ${name}`);
  }
  assert.equal((await posts(lab)).length, steps.length, 'each was sent once');
  await until('the list to know', async () => (await seen(ids[0], 100)).status === 'stopped');
  const noReset = await act(101, 'reset');
  assert.equal(noReset.status, 400);
  assert.equal(noReset.json.error.message, 'a container has no reset: reboot it, or stop and start it');
  const history = (await call('GET', '/api/v1/operations')).json;
  assert.equal(history.total, steps.length);
  assert.equal(history.pages, 1);
  assert.deepEqual(history.operations.map((o) => o.action), steps.map((s) => s[1]).reverse());
  const audit = (await call('GET', '/api/v1/audit')).json.audit.filter((entry) => entry.action.startsWith('vm.'));
  assert.equal(audit.length, steps.length);
  assert.equal(audit.at(-1).object, 'web-1 (100) on alpha');
});

test('an answer that is lost: its task is found, followed to its end, and nothing is sent twice', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { act, ended, done, guest } = await start(t, lab);
  await done(100, 'stop'); // a task of the same kind that must not be taken for the lost one
  await done(100, 'start');
  for (const [vmid, kind, more] of [[100, 'reset', {}], [101, 'truncated', { at: 5 }]]) {
    await lab.control.fault(kind, 'alpha/pve1', { path: '/status/stop$', ...more });
    const answer = await act(vmid, 'stop');
    await lab.control.clear();
    assert.equal(answer.status, 202, answer.text);
    assert.match(answer.json.upid, new RegExp(`^UPID:pve1:.*:${vmid === 100 ? 'qm' : 'vz'}stop:${vmid}:`));
    const it = await ended(answer.json.operation_id);
    assert.equal(it.status, 'completed', JSON.stringify(it));
    assert.equal((await guest('alpha', vmid)).status, 'stopped');
  }
  assert.equal((await posts(lab)).length, 4);
});

test('two operators press Stop together: one task, and both know which', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t, { tasks: 2 });
  const { act, ended, server, admin } = await start(t, lab);
  await server.addUser(admin, 'otto', 'manager');
  const otto = { cookie: (await server.login('otto')).cookie };
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => act(100, 'stop', i % 2 ? { as: otto } : {})));
  const first = answers.filter((a) => a.status === 202);
  assert.equal(first.length, 1, answers.map((a) => a.status).join());
  for (const other of answers.filter((a) => a.status !== 202)) {
    assert.equal(other.status, 409, other.text);
    assert.equal(other.json.status, 'already_running');
    assert.equal(other.json.operation_id, first[0].json.operation_id);
    assert.equal(other.json.action, 'stop');
    assert.ok(other.json.started_at && other.json.progress >= 0);
    assert.match(other.json.error.message, /^web-1 \(100\) on alpha: stop is under way already$/);
  }
  const beside = await act(101, 'stop');
  assert.equal(beside.status, 202, 'another guest goes beside it');
  assert.equal((await ended(first[0].json.operation_id)).status, 'completed');
  assert.equal((await ended(beside.json.operation_id)).status, 'completed');
  assert.equal((await posts(lab)).length, 2);
});

test('a number that two servers have is stopped on the right one only', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { done, guest, ids, call } = await start(t, lab, { count: 2 });
  const it = await done(100, 'stop', { id: ids[1] });
  assert.equal(it.subject, 'web-1 (100) on beta');
  assert.equal((await guest('beta', 100)).status, 'stopped');
  assert.equal((await guest('alpha', 100)).status, 'running');
  const asked = await posts(lab);
  assert.deepEqual(asked.map((r) => r.node), ['beta/pve1']);
  const mine = (await call('GET', `/api/v1/operations?server_id=${ids[0]}`)).json;
  assert.equal(mine.total, 0);
});

test('what is not there, not possible or not allowed is refused with a sentence, and nothing is sent', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { act, call, ids, server, admin } = await start(t, lab);
  await server.addUser(admin, 'vera', 'viewer');
  const vera = { cookie: (await server.login('vera')).cookie };
  const cases = [
    [await act(100, 'stop', { as: vera }), 403, /./],
    [await act(100, 'explode'), 400, /^action must be start, stop, shutdown, reboot, reset, suspend or resume$/],
    [await act(103, 'start'), 400, /^mould is a template, and a template does not run$/],
    [await act(100, 'stop', { node: 'pve2' }), 404, /^guest 100 is on node pve1 now, not on pve2$/],
    [await act(100, 'stop', { type: 'lxc' }), 404, /^guest 100 on alpha is a virtual machine: ask for qemu$/],
    [await act(100, 'stop', { id: 'nobody' }), 404, /^there is no such server$/],
    [await call('POST', `/api/v1/servers/${ids[0]}/nodes/pve1/qemu/999/stop`), 404, /^alpha has no guest 999$/],
    [await call('POST', `/api/v1/servers/${ids[0]}/nodes/pve1/qemu/1e2/stop`), 400, /^vmid must be/],
  ];
  for (const [answer, status, sentence] of cases) {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.json.error.message, sentence);
  }
  assert.equal((await posts(lab)).length, 0);
  assert.equal((await call('GET', '/api/v1/operations')).json.total, 0);
  await call('PATCH', `/api/v1/servers/${ids[0]}`, { is_active: false });
  const off = await act(100, 'stop');
  assert.ok([400, 404].includes(off.status), off.text);
});

test('a task that fails, warns, is killed or finds its guest locked says so in words', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { done, act, ended } = await start(t, lab);
  await lab.control.fault('taskwarn', 'alpha/100', { warnings: 2, text: 'iothread is only valid with virtio disk' });
  const warned = await done(100, 'stop');
  assert.equal(warned.status, 'completed');
  assert.match(warned.message, /^stopped after \d+ s, with 2 warnings$/);
  assert.equal(warned.has_warnings, true);
  assert.match(warned.log.map((l) => l.t).join('\n'), /WARN: iothread/);
  await lab.control.clear();
  await lab.control.fault('taskfail', 'alpha/100', { text: 'start failed: QEMU exited with code 1' });
  const failed = await done(100, 'start');
  assert.equal(failed.status, 'failed');
  assert.equal(failed.error, 'start failed: QEMU exited with code 1');
  assert.equal(failed.progress, 100);
  assert.equal(failed.log.at(-1).t, 'TASK ERROR: start failed: QEMU exited with code 1');
  await lab.control.clear();
  await lab.control.fault('taskkilled', 'alpha/100');
  const killed = await done(100, 'start');
  assert.equal(killed.status, 'failed');
  assert.equal(killed.error, 'the task on web-1 (100) on alpha was killed before it ended: look at the guest');
  await lab.control.clear();
  const locked = await done(104, 'start');
  assert.equal(locked.status, 'failed');
  assert.equal(locked.error, 'locked-1 (104) on alpha is locked (backup): wait until that has ended');
  const already = await done(101, 'stop');
  assert.equal(already.status, 'completed');
  const twice = await act(101, 'reboot');
  assert.equal(twice.status, 502, twice.text);
  assert.equal(twice.json.error.message, 'mail-1 (101) on alpha is not running');
  assert.equal((await done(100, 'start')).status, 'completed', 'and the guest is free again');
  void ended;
});

test('a hanging task can be cancelled, and is shown with what it says until then', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { act, ended, one, call, server, key } = await start(t, lab);
  const ear = await listen(server, { key }, ['work.operations']);
  await lab.control.fault('taskhang', 'alpha/100');
  const answer = await act(100, 'shutdown');
  const id = answer.json.operation_id;
  const running = await until('its log', async () => {
    const it = await one(id);
    return it.log.length > 0 && it.progress >= 20 && it;
  });
  assert.equal(running.status, 'in_progress');
  assert.equal(running.phase, 'the task runs on pve1');
  assert.equal((await call('GET', '/api/v1/operations?status=active')).json.total, 1);
  const cancel = await call('POST', `/api/v1/operations/${id}/cancel`);
  assert.equal(cancel.status, 202, cancel.text);
  const it = await ended(id);
  assert.equal(it.status, 'cancelled', JSON.stringify(it));
  assert.equal(it.message, 'cancelled: its task was stopped');
  assert.equal((await call('POST', `/api/v1/operations/${id}/cancel`)).status, 409);
  assert.equal((await call('POST', '/api/v1/operations/nobody/cancel')).status, 404);
  assert.equal((await call('GET', '/api/v1/operations/nobody')).status, 404);
  await ear.heard((m) => m.t === 'd' && m.p?.operations?.[id]?.status === 'cancelled');
  ear.destroy();
});

test('an administrator ends a hanging task, and a run of checks, for Binnacle: the guest is free at once', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { act, ended, one, call } = await start(t, lab);
  const force = (id, status) => call('POST', `/api/v1/operations/${id}/force-complete`, { status, reason: 'seen by hand' });
  await lab.control.fault('taskhang', 'alpha/100');
  const id = (await act(100, 'shutdown')).json.operation_id;
  await until('it to run', async () => (await one(id)).progress >= 20);
  assert.equal((await act(100, 'stop')).status, 409);
  assert.equal((await force(id, 'failed')).status, 200);
  const end = await one(id);
  assert.deepEqual([end.status, end.hint], ['failed', 'Its task may go on: look at the guest yourself.']);
  assert.match(end.error, /^Ended by .+: seen by hand$/);
  await lab.control.clear();
  const next = await act(100, 'stop');
  assert.equal(next.status, 202, next.text);
  await ended(next.json.operation_id);
  const after = await one(id);
  assert.deepEqual([after.status, after.error, after.completed_at], [end.status, end.error, end.completed_at]);

  const hole = await lab.control.fault('blackhole', '*');
  const run = (await call('POST', '/api/v1/servers/health-check')).json.operation_id;
  assert.equal((await force(run, 'completed')).status, 200);
  const checked = await one(run);
  assert.deepEqual([checked.status, checked.has_warnings, checked.progress], ['completed', true, 100]);
  await lab.control.clear({ id: hole.id });
  const again = await until('a new run', async () => {
    const answer = await call('POST', '/api/v1/servers/health-check');
    return answer.json.operation_id !== run && answer.json.operation_id;
  });
  assert.equal((await ended(again)).status, 'completed');
  assert.equal((await one(run)).message, checked.message);
  await until('both to be deleted', async () => (await call('DELETE', `/api/v1/operations/${id}`)).status === 204 && (await call('DELETE', `/api/v1/operations/${run}`)).status === 204);
});

test('a token without the right names what it lacks and the line that grants it', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { act, call } = await start(t, lab, { token: 'binnacle@pve!monitor' });
  const answer = await act(100, 'stop');
  assert.equal(answer.status, 502, answer.text);
  assert.equal(answer.json.error.code, 'upstream');
  assert.equal(answer.json.error.message, 'the token lacks VM.PowerMgmt on /vms/100');
  assert.equal(answer.json.error.hint, "pveum acl modify /vms/100 --tokens 'binnacle@pve!monitor' --roles PVEVMUser");
  const [it] = (await call('GET', '/api/v1/operations')).json.operations;
  assert.equal(it.status, 'failed');
  assert.equal(it.error, 'the token lacks VM.PowerMgmt on /vms/100');
  assert.equal(it.hint, answer.json.error.hint);
  const entry = await until('the audit', async () => (await call('GET', '/api/v1/audit')).json.audit.find((one) => one.action === 'vm.stop'));
  assert.equal(entry.ok, false);
});

test('a guest of high availability is followed until it is what was wanted', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { act, ended, guest, one } = await start(t, lab);
  for (const [action, status, message] of [['stop', 'stopped', /^stopped after/], ['start', 'running', /^started after/]]) {
    const answer = await act(102, action);
    assert.match(answer.json.upid, action === 'stop' ? /:hastop:/ : /:hastart:/);
    await until('the manager to be waited for', async () => /^the high-availability manager was asked/.test((await one(answer.json.operation_id)).phase ?? ''));
    assert.notEqual((await guest('alpha', 102)).status, status, 'its task ended long before');
    const it = await ended(answer.json.operation_id);
    assert.equal(it.status, 'completed', JSON.stringify(it));
    assert.match(it.message, message);
    assert.equal((await guest('alpha', 102)).status, status);
  }
});

test('a guest that moved or is gone, and a node that does not answer, are said so', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t, { tick: 60000, cache: 60000 });
  const { act } = await start(t, lab);
  await lab.control.fault('migrated', 'alpha/100', { node: 'pve2' });
  const moved = await act(100, 'stop');
  assert.equal(moved.status, 502, moved.text);
  assert.match(moved.json.error.message, /^web-1 \(100\) on alpha is (on node pve2 now, not on pve1: do it there|not found on node pve1)$/);
  await lab.control.fault('595', 'alpha/pve2', { reason: 'No route to host' });
  const far = await act(105, 'start');
  assert.equal(far.status, 502, far.text);
  assert.match(far.json.error.message, /^alpha answers, but its node pve2 does not \(595\)/);
});

test('a server that is away meanwhile is asked again, and a kill -9 of Binnacle in the middle loses nothing', { timeout: 120000 }, async (t) => {
  const lab = await openLab(t, { tasks: 4 });
  const { act, ended, one, server, call, guest } = await start(t, lab);
  const first = (await act(100, 'stop')).json;
  const away = await lab.control.fault('refused', 'alpha/pve1');
  await until('it to say that', async () => /^alpha does not answer/.test((await one(first.operation_id)).phase ?? ''), { within: 15000 });
  await lab.control.clear({ id: away.id });
  const it = await ended(first.operation_id);
  assert.equal(it.status, 'completed', JSON.stringify(it));
  const second = (await act(100, 'start')).json;
  await server.crash();
  await server.start();
  const again = await until('the end that was read afterwards', async () => {
    const now = await one(second.operation_id);
    return now.completed_at && now;
  }, { within: 20000 });
  assert.equal(again.status, 'completed', JSON.stringify(again));
  assert.equal(again.message, 'started while Binnacle was restarted');
  assert.equal((await guest('alpha', 100)).status, 'running');
  assert.equal((await posts(lab)).length, 2, 'nothing was sent again');
  assert.equal((await call('GET', '/api/v1/operations?status=active')).json.total, 0);
});

test('a health check is an operation: its progress is live, its result in words', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { call, ended, server, key } = await start(t, lab, { count: 2 });
  await lab.control.fault('refused', 'beta/pve1');
  const ear = await listen(server, { key }, ['work.operations']);
  const [one, other] = await Promise.all([call('POST', '/api/v1/servers/health-check'), call('POST', '/api/v1/servers/health-check')]);
  assert.equal(one.status, 202, one.text);
  assert.equal(one.json.operation_id, other.json.operation_id, 'the second joins the first');
  const it = await ended(one.json.operation_id);
  assert.equal(it.status, 'completed');
  assert.equal(it.type, 'health_check');
  assert.equal(it.subject, '2 servers');
  assert.equal(it.message, '1 online, 1 offline');
  await ear.heard((m) => m.t === 'd' && m.p?.operations?.[it.id]?.message === '1 online, 1 offline');
  ear.destroy();
});

test('a restarted pveproxy in the middle changes nothing, and another member speaks for one that is away', { timeout: 90000 }, async (t) => {
  const twoDoors = { clusters: [{ ...SCENE.clusters[0], listen: 'all' }] };
  const lab = await startLab({ scenario: twoDoors, timing: { ...FAST, tasks: 2 } });
  t.after(() => lab.stop());
  const { act, ended, call, ids } = await start(t, lab);
  const first = (await act(100, 'stop')).json;
  await lab.control.fault('restart', 'alpha/pve1');
  assert.equal((await ended(first.operation_id)).status, 'completed');
  await lab.control.clear();
  const added = await call('POST', '/api/v1/servers', formOf(lab.servers[1], { name: 'alpha by pve2' }));
  assert.equal(added.status, 201, added.text);
  await until('both to be one cluster', async () => {
    const { servers } = (await call('GET', '/api/v1/servers')).json;
    return servers.find((s) => s.id === added.json.id)?.listed_under === ids[0];
  }, { within: 15000 });
  await lab.control.fault('refused', 'alpha/pve1');
  await call('POST', '/api/v1/servers/health-check?wait=1');
  await lab.control.forget();
  const answer = await act(105, 'start');
  assert.equal(answer.status, 202, answer.text);
  const it = await ended(answer.json.operation_id);
  assert.equal(it.status, 'completed', JSON.stringify(it));
  assert.deepEqual((await posts(lab)).map((r) => r.node), ['alpha/pve2']);
  const elsewhere = await act(105, 'stop', { id: added.json.id });
  assert.equal(elsewhere.status, 404);
  assert.match(elsewhere.json.error.message, /listed under another server of its cluster$/);
});

test('a run of checks is cancelled, the history is filtered and paged, and wrong filters are named', { timeout: 60000 }, async (t) => {
  const lab = await openLab(t);
  const { call, ended, ids } = await start(t, lab, { count: 2 });
  const hole = await lab.control.fault('blackhole', '*');
  const run = (await call('POST', '/api/v1/servers/health-check')).json.operation_id;
  const cancel = await call('POST', `/api/v1/operations/${run}/cancel`);
  assert.equal(cancel.status, 202, cancel.text);
  const it = await ended(run);
  assert.equal(it.status, 'cancelled');
  assert.equal(it.message, '0 online, 0 offline, 2 not checked');
  assert.ok(it.progress < 100);
  await lab.control.clear({ id: hole.id });
  for (const [query, total] of [['', 1], ['?status=cancelled', 1], ['?status=active', 0], ['?type=vm_power', 0], ['?type=health_check&status=cancelled&page=2', 1],
    [`?server_id=${ids[0]}`, 0], ['?since=2020-01-01T00:00:00Z', 1], ['?since=2100-01-01T00:00:00Z', 0]]) {
    const answer = await call('GET', `/api/v1/operations${query}`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.total, total, query);
    assert.equal(answer.json.pages, 1);
    assert.equal(answer.json.operations.length, query.includes('page=2') ? 0 : total);
  }
  for (const [query, field] of [['?status=done', 'status'], ['?type=explosion', 'type'], ['?since=yesterday', 'since'], ['?page=0', 'page'], ['?colour=red', 'query']]) {
    const answer = await call('GET', `/api/v1/operations${query}`);
    assert.equal(answer.status, 400, query);
    assert.equal(answer.json.error.field, field);
  }
});
