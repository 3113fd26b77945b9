// Every situation of tests/fixtures/pve/errors.json: status, reason, body, delay, close.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test, before, after } from 'node:test';
import { openLab } from '../lib.mjs';
import { ask, root } from './raw.mjs';

const ERRORS = JSON.parse(fs.readFileSync(new URL('../../tests/fixtures/pve/errors.json', import.meta.url)));
// The delays of the real one, shortened.
const DENIED = 500;
const PROXY = 800;

const guests = [
  { vmid: 100, type: 'qemu', node: 'pve', status: 'running' }, { vmid: 110, type: 'qemu', node: 'pve', status: 'stopped' },
  { vmid: 111, type: 'qemu', node: 'pve', status: 'paused' }, { vmid: 120, type: 'lxc', node: 'pve', status: 'running' },
  { vmid: 121, type: 'lxc', node: 'pve', status: 'stopped' },
];
const cluster = (name, version) => ({ name, version, nodes: ['pve', 'pve2'], guests });

let lab;
let control;
const at = {};
before(async () => {
  lab = await openLab({
    scenario: { clusters: [cluster('old', '7.4'), cluster('eight', '8.4'), cluster('new', '9.2')] }, timing: { denied: DENIED, proxy: PROXY, corosync: 0 },
  });
  control = lab.control;
  for (const server of lab.servers) if (server.name === 'pve') at[server.cluster] = root(server);
});
after(() => lab.stop());

// During `run` a fault holds.
async function during(kind, target, more, run) {
  const { id } = await control.fault(kind, target, more);
  try {
    return await run();
  } finally {
    await control.clear({ id });
  }
}

const post = (server, path, body = '', more = {}) => ask(server, 'POST', path, { body, ...more });
const get = (server, path, more = {}) => ask(server, 'GET', path, more);
const verb = (server, type, vmid, name, body) => post(server, `/nodes/pve/${type}/${vmid}/status/${name}`, body);
const tokenOf = (server, id) => ({ ...server, token: server.tokens[id] });

async function login(server, user = 'root@pam', password = 'lab-root') {
  const answer = await ask(server, 'POST', '/access/ticket', { token: null, body: `username=${encodeURIComponent(user)}&password=${password}` });
  return answer.data;
}

const cookie = (ticket, more = {}) => ({ token: null, headers: { Cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}`, ...more } });
const swap = (text, from, to) => text.replaceAll(from, to);

// situation → what to do: an answer, a list of them with their reasons, or { reason } that replaces the record's.
const SITUATIONS = {
  'no Authorization and no cookie on a protected path': () => get(at.old, '/version', { token: null }),
  'token unknown / wrong secret / user disabled / expired, pve-manager < 9.1.5': async () => {
    const name = 'root@pam!all';
    const say = (token) => get({ ...at.old, token }, '/version');
    const tokens = [[`${name}=wrong`, 'invalid token value!'], ['root@pam!xx=1', "no such token 'xx' for user 'root@pam'"],
      ['x@pve!y1=1', "no such user ('x@pve')"], [at.old.tokens['binnacle@pve!expired'], "token 'expired' access expired"],
      [at.old.tokens['former@pve!token'], "user 'former@pve' is disabled"], ['root@pam', 'no tokenid specified']];
    return { answers: await Promise.all(tokens.map(async ([token, reason]) => [await say(token), reason])) };
  },
  'same, pve-manager >= 9.1.5 (Jan 2026)': () => get({ ...at.new, token: 'root@pam!all=wrong' }, '/version'),
  'expired or forged ticket cookie': async () => {
    const { ticket } = await login(at.old);
    return get(at.old, '/version', cookie(ticket.replace(/.{4}$/, 'AAAA')));
  },
  'ticket auth on POST/PUT/DELETE without/with wrong CSRFPreventionToken': async () => {
    const { ticket } = await login(at.old);
    return { answers: [
      [await post(at.old, '/nodes/pve/qemu/100/status/start', '', cookie(ticket))],
      [await post(at.old, '/nodes/pve/qemu/100/status/start', '', cookie(ticket, { CSRFPreventionToken: '5FBE5EB6:AAAA' }))],
    ] };
  },
  'POST /access/ticket wrong password': () => post(at.old, '/access/ticket', 'username=root%40pam&password=no', { token: null }),
  'vncwebsocket with bad/expired vncticket': () => get(at.old, '/nodes/pve/qemu/100/vncwebsocket?port=5900&vncticket=PVEVNC%3A00000000%3A%3AAAAA'),
  'missing privilege': () => post(tokenOf(at.old, 'binnacle@pve!monitor'), '/nodes/pve/qemu/100/vncproxy', 'websocket=1'),
  'missing one of several privileges': () => get(tokenOf(at.old, 'binnacle@pve!guests'), '/nodes/pve/status'),
  'endpoint or parameter only for root@pam': async () => {
    const { ticket, CSRFPreventionToken } = await login(at.old, 'binnacle@pve', 'lab-user');
    return ask(at.old, 'PUT', '/access/password', { ...cookie(ticket, { CSRFPreventionToken }), body: 'userid=root%40pam&password=x' });
  },
  'endpoint with allowtoken=0 called with a token': () => post(at.old, '/access/ticket', 'username=root%40pam&password=lab-root'),
  'unknown parameter': () => verb(at.old, 'qemu', 100, 'stop', 'overrule-shutdown=1'),
  'missing parameter': async () => {
    const answer = await get(at.old, '/nodes/pve/rrddata');
    return { answers: [[answer]], fix: (text) => swap(text, 'vmid', 'timeframe') };
  },
  'wrong type': () => verb(at.old, 'qemu', 100, 'shutdown', 'timeout=abc'),
  'bad VM id': () => get(at.old, '/nodes/pve/qemu/99/status/current'),
  'guest does not exist (qemu)': () => get(at.old, '/nodes/pve/qemu/101/status/current'),
  'guest does not exist (lxc)': () => get(at.old, '/nodes/pve/lxc/101/status/current'),
  'power action on stopped guest (qemu reboot/reset/suspend/resume; also lxc reboot, same text)': async () => {
    const answers = [];
    for (const name of ['reboot', 'reset', 'suspend', 'resume']) answers.push([await verb(at.old, 'qemu', 110, name), 'VM 110 not running']);
    answers.push([await verb(at.old, 'lxc', 121, 'reboot'), 'VM 121 not running']);
    return { answers };
  },
  'qemu shutdown or reboot of a paused VM (no forceStop)': async () => ({
    answers: [[await verb(at.old, 'qemu', 111, 'shutdown')], [await verb(at.old, 'qemu', 111, 'reboot')]],
  }),
  'lxc start of running': async () => ({ answers: [[await verb(at.old, 'lxc', 120, 'start'), 'CT 120 already running']] }),
  'lxc stop/shutdown of stopped': async () => ({
    answers: [[await verb(at.old, 'lxc', 121, 'stop'), 'CT 121 not running'], [await verb(at.old, 'lxc', 121, 'shutdown'), 'CT 121 not running']],
  }),
  'any write without quorum': () => during('noquorum', 'old', {}, () => verb(at.old, 'qemu', 100, 'stop')),
  'unknown node name in path': () => get(at.old, '/nodes/nope/status'),
  'unknown task id': () => get(at.old, `/nodes/pve/tasks/${encodeURIComponent('UPID:pve:0008380E:0131F1BF:6A84EA54:vzreboot:101:root@pam:')}/status`),
  'malformed UPID (e.g. trailing colon lost)': () => get(at.old, '/nodes/pve/tasks/UPID:pve:0008380E:0131F1BF:6A84EA54:vzreboot:101:root@pam/status'),
  'unknown path': () => get(at.old, '/foo'),
  'HEAD/PATCH/OPTIONS': async () => ({
    answers: await Promise.all(['HEAD', 'PATCH', 'OPTIONS'].map(async (method) => [await ask(at.old, method, '/version'), `method '${method}' not available`])),
  }),
  'chunked request body': () => ask(at.old, 'POST', '/access/ticket', { headers: { 'Transfer-Encoding': 'chunked' } }),
  'GET or DELETE with a body': async () => ({
    answers: [[await get(at.old, '/version', { body: 'a=1' })], [await ask(at.old, 'DELETE', '/version', { body: 'a=1' }), "Unexpected content for method 'DELETE'"]],
  }),
  'body > 512 KiB (64 KiB before http-server 5.2.1)': async () => ({
    answers: [[await post(at.old, '/access/ticket', 'x'.repeat(65_537), { token: null })], [await post(at.new, '/access/ticket', 'x'.repeat(524_289), { token: null })]],
  }),
  'HTTP/2 or unknown protocol version': () => get(at.old, '/version', { http: '2.0' }),
  'other cluster node down, kernel refuses': () => during('dead', 'old/pve2', {}, () => get(at.old, '/nodes/pve2/status')),
  'other cluster node down, no answer': () => during('dead', 'old/pve2', { how: 'timeout' }, () => get(at.old, '/nodes/pve2/status')),
  'no route': () => during('dead', 'old/pve2', { how: 'noroute' }, () => get(at.old, '/nodes/pve2/status')),
  'peer certificate changed / fingerprint cache stale': () => during('596', 'old/pve2', {}, () => get(at.old, '/nodes/pve2/status')),
  'peer accepted, died in the request': () => during('blackhole', 'old/pve2', {}, () => get(at.old, '/nodes/pve2/status')),
  'peer died in the body': () => during('597', 'old/pve2', {}, () => get(at.old, '/nodes/pve2/status')),
  'old http-server < 5.1.2 keep-alive race': () => during('599', 'old/pve2', {}, () => get(at.old, '/nodes/pve2/status')),
  'proxied request arrives at a node that is not the owner': () => get(at.old, '/nodes/pve2/status', { headers: { PVEDisableProxy: 'true' } }),
};

const UNSCALED = { 3: DENIED, 30: PROXY };

for (const record of ERRORS) {
  test(`errors.json: ${record.when}`, async () => {
    const run = SITUATIONS[record.when];
    assert.ok(run, 'a situation nobody reproduces');
    const found = await run();
    const { answers = [[found]], fix = (text) => text } = found;
    for (const [answer, reason = record.reason] of answers) {
      assert.equal(answer.status, record.status, answer.reason);
      assert.equal(answer.reason, reason);
      const wanted = fix(record.body);
      if (wanted === '') {
        assert.equal(answer.text, '');
        assert.deepEqual(answer.header('Content-Length'), [], 'an empty body has no Content-Length');
      } else {
        assert.deepEqual(answer.json, JSON.parse(wanted));
      }
      const delay = UNSCALED[record.delay_s ?? 0] ?? 0;
      assert.ok(answer.ms >= delay - 2, `${answer.ms} ms is earlier than ${delay}`);
      if (delay === 0) assert.ok(answer.ms < DENIED, `${answer.ms} ms although nothing delays it`);
      assert.equal(answer.closed, record.close);
      assert.equal(answer.header('Connection').at(-1), 'close');
    }
  });
}

test('since 8.4 an error says its text in the body, too', async () => {
  const answer = await get(tokenOf(at.eight, 'binnacle@pve!guests'), '/nodes/pve/status');
  assert.deepEqual(answer.json, { data: null, message: 'Permission check failed (/nodes/pve, Sys.Audit)\n' });
});

test('the checks come in their order: token, privilege, node, parameters', async () => {
  await during('dead', 'old/pve2', {}, async () => {
    // No privilege wins over a guest that is not there, a dead node over wrong parameters.
    assert.equal((await get(tokenOf(at.old, 'binnacle@pve!empty'), '/nodes/pve2/qemu/999/status/current')).status, 403);
    assert.equal((await get(at.old, '/nodes/pve2/rrddata?timeframe=never')).status, 595);
    assert.equal((await get(at.old, '/nodes/pve/rrddata?timeframe=never')).status, 400);
    assert.equal((await get(at.old, '/foo', { token: null })).status, 401);
  });
});
