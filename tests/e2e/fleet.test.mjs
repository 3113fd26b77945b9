// fleet: Proxmox VE servers from the form to the check, against the lab, with nothing canned.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { listen } from './lib/live.mjs';
import { Server, makeFolder, runBinary, sleep, startServer, until } from './lib/server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];
const program = process.env.BINNACLE;
const CHECK = '/api/v1/servers/health-check?wait=1';

async function openLab(t, timing = {}) {
  const lab = await startLab({ scenario: 'small', timing: { denied: 50, ...timing } });
  t.after(() => lab.stop());
  return lab;
}

const formOf = (it, more = {}) => ({ name: it.name, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, ...more });

/** A server with an administrator, a key of his, and the first machine of the lab. */
async function start(t, { args = OPEN } = {}) {
  const server = await startServer(t, { args });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, target, body) => server.request(method, target, { key, body });
  const add = async (it, more) => {
    const answer = await call('POST', '/api/v1/servers', formOf(it, more));
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
  };
  const list = async () => (await call('GET', '/api/v1/servers')).json.servers;
  const check = async (...ids) => {
    const answer = await call('POST', CHECK, ids.length ? { server_ids: ids } : undefined);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.results;
  };
  return { server, admin, key, call, add, list, check };
}

test('from the form to guests: try, see the certificate, confirm, add, check, list', async (t) => {
  const lab = await openLab(t);
  const { call, add, check, list } = await start(t);
  const [first] = lab.servers;
  const unknown = await call('POST', '/api/v1/servers/test', { ...formOf(first), name: undefined, fingerprint: undefined, verify_ssl: false });
  assert.equal(unknown.status, 200, unknown.text);
  assert.equal(unknown.json.success, false);
  assert.equal(unknown.json.error_class, 'unconfirmed');
  assert.equal(unknown.json.fingerprint, first.fingerprint);
  assert.deepEqual(await lab.control.requests({}), [], 'nothing was said to a stranger');
  const known = await call('POST', '/api/v1/servers/test', { ...formOf(first), name: undefined });
  assert.equal(known.json.success, true, known.text);
  const added = await add(first);
  const [result] = await check();
  assert.deepEqual({ ...result, response_time_ms: 0 },
    { server_id: added.id, server_name: first.name, status: 'online', error: null, error_class: null, nodes: known.json.nodes, response_time_ms: 0 });
  assert.ok(result.response_time_ms >= 0);
  const row = await until('the state of the server', async () => (await list()).find((s) => s.connection_status === 'online'));
  assert.equal(row.cluster, first.cluster);
  assert.match(row.version, new RegExp(`^${first.version.replace('.', '\\.')}`));
  assert.equal(row.success_rate, 100);
  const vms = await until('its guests', async () => {
    const answer = (await call('GET', '/api/v1/vms')).json;
    return answer.vms.length > 0 && answer;
  });
  assert.deepEqual(vms.servers, [{ id: added.id, name: first.name }]);
  assert.deepEqual(vms.errors, []);
  assert.ok(vms.vms.every((vm) => vm.server_id === added.id && vm.server_name === first.name && vm.node && vm.vmid));
});

test('each way to fail has its own word and sentence, and another certificate is pinned with the token only', async (t) => {
  const lab = await openLab(t);
  const { server, admin, call, add, list } = await start(t);
  const [first] = lab.servers;
  const secret = first.token.split('=')[1];
  const { id } = await add(first);
  const place = `${first.cluster}/${first.name}`;
  // Six in a minute are one person's; each case has a person of its own.
  const checkAs = async (name) => {
    await server.addUser(admin, name, 'manager');
    const answer = await server.request('POST', CHECK, { cookie: (await server.login(name)).cookie, body: { server_ids: [id] } });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.results[0];
  };
  const cases = [
    ['refused', {}, 'refused', /refused/],
    ['reset', {}, 'reset', /./],
    ['status', { status: 500, reason: 'oops' }, 'http', /HTTP 500/],
    ['garbage', { as: 'html' }, 'protocol', /./],
    ['401', {}, 'auth', /authentication failed \(401\)/],
    ['certificate', {}, 'cert_changed', /another one than the pinned one; nothing was sent/],
  ];
  assert.equal((await checkAs('fine')).status, 'online');
  for (const [kind, more, word, sentence] of cases) {
    const fault = await lab.control.fault(kind, place, more);
    const result = await checkAs(`by-${kind}`);
    assert.equal(result.status, 'offline');
    assert.equal(result.error_class, word, JSON.stringify(result));
    assert.match(result.error, sentence);
    assert.ok(!JSON.stringify(result).includes(secret));
    assert.equal((await call('GET', '/api/v1/vms')).json.errors[0].server_id, id);
    await lab.control.clear({ id: fault.id });
  }
  const row = (await list())[0];
  assert.equal(row.connection_status, 'offline');
  assert.equal(row.fingerprint, first.fingerprint);
  assert.notEqual(row.seen_fingerprint, first.fingerprint);
  const alone = await call('PATCH', `/api/v1/servers/${id}`, { fingerprint: row.seen_fingerprint });
  assert.equal(alone.status, 400);
  assert.equal(alone.json.error.field, 'api_token');
  const confirmed = await call('PATCH', `/api/v1/servers/${id}`, { fingerprint: row.seen_fingerprint, api_token: first.token });
  assert.equal(confirmed.status, 200, confirmed.text);
  assert.equal((await checkAs('again')).status, 'online');
  await until('the list to say so', async () => (await list())[0].connection_status === 'online');
});

test('a page that listens hears a server come, be checked, change and go, each at once', async (t) => {
  const lab = await openLab(t);
  const { server, admin, call, add, list } = await start(t);
  const live = await listen(server, admin, ['infra.servers', 'infra.vms']);
  const told = (fits) => live.heard((one) => one.t === 'd' && Object.entries(one.p.servers ?? {}).some(([id, row]) => fits(row, id)));
  const { id } = await add(lab.servers[0]);
  await told((row, of) => of === id && row?.name === lab.servers[0].name);
  await told((row, of) => of === id && row?.connection_status === 'checking');
  await told((row, of) => of === id && row?.connection_status === 'online');
  await live.heard((one) => one.t === 'd' && Object.keys(one.p.vms ?? {}).some((of) => of.startsWith(`${id}/`)));
  await call('PATCH', `/api/v1/servers/${id}`, { name: 'renamed' });
  await told((row, of) => of === id && row?.name === 'renamed');
  const checks = await listen(server, admin, [`infra.checks/${id}`]);
  await lab.control.fault('refused', `${lab.servers[0].cluster}/${lab.servers[0].name}`);
  await call('POST', '/api/v1/servers/health-check', {});
  await told((row, of) => of === id && row?.connection_status === 'offline' && row.error_class === 'refused');
  await checks.heard((one) => JSON.stringify(one).includes('"refused"'));
  await call('DELETE', `/api/v1/servers/${id}`);
  await told((row, of) => of === id && row === null);
  assert.deepEqual(await list(), []);
  const all = JSON.stringify([live.messages, checks.messages]);
  assert.ok(!all.includes(lab.servers[0].token.split('=')[1]), 'the token on a topic');
  live.destroy();
  checks.destroy();
});

test('a restart keeps the token; without its key, or with another, nothing starts and nothing is lost', async (t) => {
  const lab = await openLab(t);
  const folder = makeFolder();
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const data = path.join(folder, 'data');
  const keyFile = `${data}.key`;
  const first = new Server({ data, args: OPEN });
  await first.start();
  const admin = await first.setup();
  const key = await first.makeKey(admin, 'all');
  assert.equal(fs.statSync(keyFile).mode & 0o777, 0o400);
  await first.api('POST', '/api/v1/servers', { key, body: formOf(lab.servers[0]) });
  await first.finish();
  const kept = fs.readFileSync(keyFile);

  const refused = async (sentence) => {
    const { code, err } = await runBinary(['serve', '--listen', '127.0.0.1:0', '--data', data], { program: program ?? undefined });
    assert.equal(code, 1);
    assert.match(err, sentence);
  };
  fs.rmSync(keyFile);
  await refused(/the master key is missing: 1 tokens are sealed with key [0-9a-f]{8}/);
  await refused(/the master key is missing/);
  fs.rmSync(keyFile);
  fs.writeFileSync(keyFile, Buffer.alloc(32, 7), { mode: 0o400 });
  await refused(/the master key is the wrong one/);
  fs.rmSync(keyFile);
  fs.writeFileSync(path.join(folder, 'moved.key'), kept, { mode: 0o400 });

  const second = new Server({ data, args: [...OPEN, '--key-file', path.join(folder, 'moved.key')] });
  await second.start();
  const answer = await second.api('POST', CHECK, { key });
  assert.equal(answer.results[0].status, 'online', JSON.stringify(answer));
  await second.finish();

  const secret = lab.servers[0].token.split('=')[1];
  for (const server of [first, second]) assert.ok(!`${server.out}${server.log}`.includes(secret), 'the token in what was printed');
  for (const name of fs.readdirSync(data)) {
    const bytes = fs.readFileSync(path.join(data, name));
    assert.ok(!bytes.includes(secret), `the token in ${name}`);
    assert.ok(!bytes.includes(kept), `the master key in ${name}`);
  }
});

test('this machine is no target unless somebody says so', async (t) => {
  const lab = await openLab(t);
  const { call, add, check } = await start(t, { args: [] });
  const literal = await call('POST', '/api/v1/servers', formOf(lab.servers[0]));
  assert.equal(literal.status, 400);
  assert.match(literal.json.error.message, /--allow-target 127\.0\.0\.1/);
  await add(lab.servers[0], { host: 'localhost' });
  const [result] = await check();
  assert.equal(result.error_class, 'not_allowed');
  assert.match(result.error, /--allow-target/);
  assert.deepEqual(await lab.control.requests({}), []);
});

test('the end does not wait for servers that say nothing', async (t) => {
  const lab = await openLab(t);
  const { server, key, add } = await start(t);
  await lab.control.fault('blackhole', '*');
  await add(lab.servers[0]);
  const waiting = server.request('POST', CHECK, { key });
  await sleep(300);
  assert.equal(await server.stop(), 0);
  assert.ok(server.stoppedInMs < 5000);
  const answer = await waiting;
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.json.error.code, 'unavailable');
});

test('a server is greeted in full once, also one that closes without a word and sends no second ticket', async (t) => {
  const lab = await openLab(t, { idle: 200 });
  const { server, admin, add } = await start(t);
  const { id } = await add(lab.servers[0]);
  await until('the first check', async () => (await lab.control.state()).count.handshakes > 0);
  for (let i = 0; i < 6; i++) {
    await sleep(500); // its connections are closed by now
    const answer = await server.request('POST', CHECK, { cookie: admin.cookie, body: { server_ids: [id] } });
    assert.equal(answer.json?.results[0].status, 'online', answer.text);
  }
  const { handshakes, resumed } = (await lab.control.state()).count;
  assert.ok(handshakes >= 5, `${handshakes} connections`);
  assert.ok(handshakes - resumed <= 2, `${resumed} of ${handshakes} were resumed`); // the first check and the first listing may run at once
});
