// fleet_faults: what each fault of a fleet looks like: the state, the sentence, the log. Against the lab.
//
// Answers that are wrong all come from servers of their own, so that they are waited for at the same time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { listen } from './lib/live.mjs';
import { startServer, until } from './lib/server.mjs';

const CHECK = '/api/v1/servers/health-check?wait=1';
const TIMING = { denied: 50, tick: 200, cache: 50, corosync: 100 };

async function start(t, scenario) {
  const lab = await startLab({ scenario, timing: TIMING });
  t.after(() => lab.stop());
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = async (method, target, body, status = 200) => {
    const answer = await server.request(method, target, { key, body });
    assert.equal(answer.status, status, answer.text);
    return answer.json;
  };
  const add = async (it) => (await call('POST', '/api/v1/servers', {
    name: it.cluster, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, connection_timeout_ms: 5000,
  }, 201)).id;
  // Six checks in a minute are one person's.
  let people = 0;
  const check = async () => {
    const name = `checker-${++people}`;
    await server.addUser(admin, name, 'manager');
    const answer = await server.request('POST', CHECK, { cookie: (await server.login(name)).cookie });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.results;
  };
  const vms = async () => (await call('GET', '/api/v1/vms')).vms;
  const rows = async () => (await call('GET', '/api/v1/state?topic=infra.servers')).v;
  return { lab, server, admin, key, call, add, check, vms, rows };
}

const OPERATOR = 'binnacle@pve!operator';
const WRONG = [
  // fault, more, class, sentence
  ['truncated', {}, /^(reset|protocol)$/, /./],
  ['length', { by: 100 }, /^(reset|timeout|protocol)$/, /./],
  ['garbage', { as: 'json' }, /^protocol$/, /no JSON/],
  ['garbage', { as: 'shape' }, /^protocol$/, /no answer of a Proxmox VE: "data" is/],
  ['garbage', { as: 'bytes' }, /^protocol$/, /no JSON/],
  ['nothttp', {}, /^(protocol|reset)$/, /./],
  ['deep', {}, /^protocol$/, /./],
  ['drip', {}, /^timeout$/, /timed out after 5/],
  ['silent', {}, /^timeout$/, /timed out after 5/],
  ['status', { status: 595, reason: 'No route to host' }, /^node$/, /a node behind it does not answer \(595\)/],
  ['status', { status: 596, reason: 'Broken pipe' }, /^node$/, /\(596\)/],
  ['status', { status: 597 }, /^node$/, /\(597\)/],
  ['status', { status: 599, reason: 'Too many redirections' }, /^node$/, /\(599\)/],
  ['revoked', { token: OPERATOR }, /^auth$/, /authentication failed \(401\)/],
  ['expired', { token: OPERATOR }, /^auth$/, /authentication failed \(401\)/],
  ['disabled', { user: 'binnacle@pve' }, /^auth$/, /authentication failed \(401\)/],
  // What does not hinder a check:
  ['garbage', { as: 'nul' }, null, null],
  ['skew', { seconds: 60 }, null, null],
  ['privilege', { privilege: 'Sys.Audit' }, null, null],
];

test('each wrong answer has its class and its sentence; none is a line of the log, a guest or the end', async (t) => {
  const clusters = WRONG.map((_, i) => ({ name: `f${i}`, standalone: true, version: '9.2', nodes: ['pve'], guests: 2 }));
  const { lab, server, add, check, vms, rows, call } = await start(t, { clusters, certificates: 4 });
  const ids = [];
  for (const [i, [kind, more]] of WRONG.entries()) {
    await lab.control.fault(kind, kind === 'revoked' || kind === 'expired' || kind === 'disabled' ? `f${i}` : `f${i}/pve`, more);
    ids.push(await add(lab.servers.find((it) => it.cluster === `f${i}`)));
  }
  const results = await check();
  for (const [i, [kind, more, word, sentence]] of WRONG.entries()) {
    const result = results.find((one) => one.server_id === ids[i]);
    const what = `${kind} ${JSON.stringify(more)}: ${JSON.stringify(result)}`;
    assert.equal(result.status, word ? 'offline' : 'online', what);
    if (word) assert.match(result.error_class, word, what);
    if (word) assert.match(result.error, sentence, what);
  }
  const failing = WRONG.filter(([, , word]) => word).length;
  const sum = await until('the numbers to follow', async () => {
    const now = await call('GET', '/api/v1/summary');
    return now.servers_offline === failing && now;
  }, { within: 2000 });
  assert.equal(sum.servers_online, WRONG.length - failing);
  await until('guests of a server with another clock', async () => (await vms()).some((vm) => vm.server_id === ids[WRONG.length - 2]));
  assert.ok((await vms()).every((vm) => !ids.slice(0, failing + 1).includes(vm.server_id)), 'nothing is invented');
  // Without Sys.Audit nodes have no numbers, and no number is 0 for want of one.
  const poor = await until('its node', async () => Object.values((await rows()).nodes).find((node) => node.server_id === ids.at(-1)));
  assert.equal(poor.maxmem, undefined);
  assert.equal(poor.cpu, undefined);
  for (const it of lab.servers) assert.ok(!server.log.includes(it.token.split('=')[1]), 'a token in the log');
});

async function cluster(t) {
  const scenario = { clusters: [{
    name: 'alpha', version: '9.2', nodes: 3, listen: 1,
    guests: [100, 101, 102, 103, 104].map((vmid) => ({ vmid, type: 'qemu', node: vmid === 104 ? 'pve3' : 'pve2', name: `vm-${vmid}`, status: 'running' })),
  }] };
  const { lab, server, admin, call, add, check, vms, rows } = await start(t, scenario);
  const id = await add(lab.servers[0]);
  await until('its guests', async () => (await vms()).length === 5, { within: 15000 });
  const one = async (vmid) => (await vms()).find((vm) => vm.vmid === vmid);
  const node = async (name) => (await rows()).nodes[`${id}/${name}`];
  const soon = (what, fits, within = 4000) => until(what, fits, { within, every: 100 });

  await lab.control.fault('renamed', 'alpha/100', { name: 'another-name' });
  await lab.control.fault('migrated', 'alpha/101', { node: 'pve1' });
  await lab.control.fault('locked', 'alpha/102', { lock: 'backup' });
  await lab.control.fault('deleted', 'alpha/103');
  await check();
  await soon('the new name', async () => (await one(100)).name === 'another-name');
  assert.equal((await one(101)).node, 'pve1');
  assert.equal((await one(101)).id, `${id}/101`, 'a guest that moves is the same');
  assert.equal((await one(102)).lock, 'backup');
  assert.ok(await one(103), 'once missing is not gone');
  await check();
  await check();
  await soon('a guest to be gone after three listings', async () => !(await one(103)));
  await lab.control.clear();
  await check();

  // Just dead: the last values, marked as such. Dead for long: unknown, with the name it had.
  const dead = await lab.control.fault('dead', 'alpha/pve2');
  await soon('a dead node', async () => {
    await check();
    return (await node('pve2')).status === 'offline' && (await one(100)).is_stale === true;
  }, 8000);
  const history = await server.request('GET', `/api/v1/servers/${id}/nodes/pve2/qemu/100/rrd`, { cookie: admin.cookie });
  assert.equal(history.status, 503, history.text);
  assert.match(history.json.error.message, /the node pve2 is offline/);
  await lab.control.clear({ id: dead.id });
  const long = await lab.control.fault('dead', 'alpha/pve2', { since: 400 });
  await soon('unknown guests', async () => {
    await check();
    return (await one(100)).status === 'unknown';
  }, 8000);
  assert.match((await one(100)).name, /^(vm-100|another-name)$/);
  const sum = await soon('the numbers', async () => {
    const now = await call('GET', '/api/v1/summary');
    return now.nodes_offline === 1 && now;
  });
  assert.ok(sum.vms_running < sum.vms_total, JSON.stringify(sum));
  await lab.control.clear({ id: long.id });

  const torn = await lab.control.fault('noquorum', 'alpha');
  await check();
  await soon('the lost quorum', async () => (await rows()).servers[id].is_quorate === false);
  assert.ok((await vms()).length >= 4, 'without a quorum nothing is gone');
  await lab.control.clear({ id: torn.id });
  const alone = await lab.control.fault('isolated', 'alpha/pve1');
  await soon('a member alone on its side', async () => {
    await check();
    return (await rows()).servers[id].is_quorate === false && (await node('pve3')).status === 'offline';
  }, 8000);
  await lab.control.clear({ id: alone.id });
  await lab.control.fault('restart', 'alpha/pve1');
  assert.equal((await check())[0].status, 'online', 'cut connections are no outage');
  await soon('the quorum again', async () => (await rows()).servers[id].is_quorate === true);
}

// Half a minute is waited for; meanwhile the other one goes on.
async function frozen(t) {
  const { lab, add, rows } = await start(t, { clusters: [{ name: 'cold', standalone: true, version: '9.2', nodes: ['pve'], guests: 1 }] });
  const id = await add(lab.servers[0]);
  await until('its node', async () => (await rows()).nodes[`${id}/pve`], { within: 15000 });
  assert.equal((await rows()).nodes[`${id}/pve`].is_stale, false);
  await lab.control.fault('frozen', 'cold');
  await until('the node to be stale', async () => (await rows()).nodes[`${id}/pve`].is_stale === true, { within: 55000, every: 500 });
}

test('clusters', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('what happens in a cluster is seen as it is: nodes, quorum, guests', cluster),
    t.test('a node whose numbers stand still is said to be so', frozen),
  ]);
});

test('who becomes restricted hears no more within a second', async (t) => {
  const { server, admin, add, lab } = await start(t, 'small');
  const id = await add(lab.servers[0]);
  const vera = await server.addUser(admin, 'vera', 'viewer');
  const session = await server.login('vera');
  const ear = await listen(server, session, ['infra.vms', 'infra.servers', 'summary']);
  await ear.heard((one) => one.t === 'sub' && one.topic === 'summary' && one.mode);
  const users = (await server.request('GET', '/api/v1/users', { cookie: admin.cookie })).json.users;
  const who = users.find((one) => one.name === 'vera').id;
  const begun = performance.now();
  const answer = await server.request('PATCH', `/api/v1/users/${who}`, { cookie: admin.cookie, body: { is_restricted: true } });
  assert.equal(answer.status, 200, answer.text);
  await ear.heard((one) => one.t === 'off');
  await until('all three to end', () => ear.messages.filter((one) => one.t === 'off').length === 3, { within: 1000 });
  assert.ok(performance.now() - begun < 1000);
  assert.ok(vera && id);
  ear.destroy();
});
