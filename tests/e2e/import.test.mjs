// import: servers from a file, against the lab; killed in the middle; the demo that ./run demo starts.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { Server, binary, makeFolder, root, runBinary, sleep, startServer, until } from './lib/server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];
const IMPORT = '/api/v1/servers/import';
const SECRET = '0f3c1d2e-aaaa-bbbb-cccc-123456789f3a';
const csv = { 'Content-Type': 'text/csv' };

async function start(t, { args = [], ...more } = {}) {
  const server = await startServer(t, { args: [...OPEN, ...args], ...more });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, target, body, headers) => server.request(method, target, { key, body, headers });
  const good = async (...words) => {
    const answer = await call(...words);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const list = async () => (await good('GET', '/api/v1/servers')).servers;
  return { server, admin, key, call, good, list };
}

const line = (it) => `${it.name},${it.host},${it.token},${it.port},no,${it.fingerprint}`;
const fileOf = (rows) => `name,host,api_token,port,verify_ssl,fingerprint\n${rows.join('\n')}\n`;
const many = (count, first = 0) => fileOf(Array.from({ length: count }, (_, i) => `p${first + i},p${first + i}.invalid,root@pam!bnc=${SECRET},8006,,`));

test('fifty servers: preview, sixteen tried at once, imported, checked by themselves, taken back', async (t) => {
  const lab = await startLab({ scenario: 'servers:48:2', timing: { denied: 50 } });
  t.after(() => lab.stop());
  const { good, list, call } = await start(t);
  const rows = lab.servers.map(line);
  assert.equal(rows.length, 48);
  rows.splice(10, 0, `Unknown,127.0.0.1,${lab.servers[0].token},1,no,`);
  rows.splice(20, 0, 'Old,10.0.0.9,,80060,,');
  const file = fileOf(rows);
  const begun = performance.now();
  const preview = await good('POST', `${IMPORT}?dry_run=1`, file, csv);
  const took = performance.now() - begun;
  assert.equal(preview.success, 49);
  assert.deepEqual(preview.failed.map((f) => [f.index, f.name]), [[20, 'Old']]);
  assert.equal(preview.rows[10].state, 'warning');
  assert.equal((await list()).length, 0);
  t.diagnostic(`measured: 50 rows read and shown in ${took.toFixed(1)} ms, over HTTP`);

  // As the page does: 16 in one question.
  const found = new Map();
  const tried = performance.now();
  for (let i = 0; i < 50; i += 16) {
    const indexes = Array.from({ length: Math.min(16, 50 - i) }, (_, k) => i + k);
    for (const result of (await good('POST', `${IMPORT}/test`, { csv: file, indexes })).results) found.set(result.index, result);
  }
  t.diagnostic(`measured: 50 servers tried in ${((performance.now() - tried) / 1000).toFixed(2)} s`);
  assert.equal(found.size, 50);
  assert.equal(found.get(0).success, true, JSON.stringify(found.get(0)));
  assert.equal(found.get(0).nodes, 1);
  assert.equal(found.get(10).error_class, 'refused');
  assert.equal(found.get(20).error_class, 'invalid');
  assert.match(found.get(20).error, /port must be 1\.\.65535/);

  // A certificate that nobody has confirmed is shown, and nothing is said to its owner.
  await lab.control.forget();
  const unpinned = `name,host,api_token,port,verify_ssl\nx,127.0.0.1,${lab.servers[3].token},${lab.servers[3].port},no\n`;
  const shown = await good('POST', `${IMPORT}/test`, { csv: unpinned, index: 0 });
  assert.equal(shown.error_class, 'unconfirmed');
  assert.equal(shown.fingerprint, lab.servers[3].fingerprint);
  assert.deepEqual(await lab.control.requests({}), []);
  const pinned = await good('POST', `${IMPORT}/test`, { csv: unpinned, index: 0, edits: [{ index: 0, column: 'fingerprint', value: shown.fingerprint }] });
  assert.equal(pinned.success, true);

  const done = await good('POST', IMPORT, { csv: file, on_duplicate: 'skip', only: preview.rows.filter((r) => r.state === 'ready').map((r) => r.index) });
  assert.equal(done.success, 48);
  assert.equal(done.message, '48 added');
  assert.equal(done.slots_left, 2);
  const [told] = (await good('GET', '/api/v1/operations?type=import')).operations;
  assert.deepEqual([told.status, told.progress, told.subject, told.message, told.created_by_kind, told.has_warnings], ['completed', 100, '48 servers', '48 added', 'key', false]);
  assert.ok(told.completed_at);
  await until('all of them to be checked without anybody asking', async () => (await list()).every((s) => s.connection_status === 'online'), { within: 20000, every: 100 });
  assert.equal((await list()).length, 48);

  const again = await good('POST', IMPORT, { csv: file, only: done.rows.filter((r) => r.state === 'added').map((r) => r.index) });
  assert.equal(again.message, '48 unchanged');
  const exported = await call('GET', '/api/v1/servers/export');
  assert.equal(exported.status, 200);
  assert.match(exported.headers['content-disposition'], /binnacle-servers\.csv/);
  assert.equal((await good('POST', `${IMPORT}?on_duplicate=update`, exported.text, csv)).message, '48 unchanged');
  const undone = await good('POST', `${IMPORT}/${done.undo_id}/undo`);
  assert.deepEqual(undone, { left: [], removed: 48, restored: 0 });
  assert.equal((await list()).length, 0);
});

test('killed in the middle of an import: all of it is there, or nothing', async (t) => {
  const data = path.join(makeFolder(), 'data');
  t.after(() => fs.rmSync(path.dirname(data), { recursive: true, force: true }));
  const args = [...OPEN, '--max-servers', '10000'];
  const first = await start(t, { data, args: ['--max-servers', '10000'] });
  const begun = performance.now();
  assert.equal((await first.good('POST', IMPORT, many(1000), csv)).message, '1000 added');
  const whole = performance.now() - begun;
  let expected = 1000;
  const outcomes = { nothing: 0, all: 0 };
  await first.server.crash();
  for (let round = 0; round < 10; round++) {
    const server = await new Server({ data, args }).start();
    const file = many(1000, 10000 * (round + 1));
    const answer = server.request('POST', IMPORT, { key: first.key, body: file, headers: csv }).catch((error) => error);
    await sleep(whole * (round + 1) / 6); // from before it is read to after it is kept
    await server.crash();
    const got = await answer;
    const back = await new Server({ data, args }).start();
    const { servers } = await back.api('GET', '/api/v1/servers', { key: first.key });
    const came = servers.length - expected;
    assert.ok(came === 0 || came === 1000, `${came} of 1000 servers are there after a crash`);
    if (got.status === 200) assert.equal(came, 1000, 'what was answered is kept');
    outcomes[came ? 'all' : 'nothing']++;
    expected = servers.length;
    const { total } = await back.api('GET', '/api/v1/operations?type=import', { key: first.key });
    assert.equal(total, expected / 1000, 'an operation for each import that is kept, and no other');
    await back.crash();
  }
  t.diagnostic(`measured: an import of 1000 rows took ${whole.toFixed(0)} ms; killed in the middle of ten: ${JSON.stringify(outcomes)}`);
  assert.ok(outcomes.nothing > 0, 'some were killed before they were kept');
});

test('no token is in a log, an answer, the audit or a file, and a thousand rows fit one transaction', async (t) => {
  const { server, good, call, list } = await start(t, { args: ['--max-servers', '1000', '--log-level', 'debug'] });
  const begun = performance.now();
  const done = await good('POST', IMPORT, many(1000), csv);
  t.diagnostic(`measured: 1000 rows imported in ${(performance.now() - begun).toFixed(0)} ms`);
  assert.equal(done.success, 1000);
  const refused = await call('POST', IMPORT, many(1, 5000), csv);
  assert.equal(refused.status, 409);
  assert.equal(refused.json.error.message, 'Cannot import 1 servers. Only 0 slots remaining.');
  assert.equal((await list()).length, 1000);
  const bad = await call('POST', IMPORT, `name,host,api_token,port\na,b,root@pam!x=${SECRET}\nc,"root@pam!x=${SECRET}",x,"root@pam!x=${SECRET}\n`, csv);
  assert.equal(bad.status, 400);
  const swapped = await good('POST', `${IMPORT}?dry_run=1`, `name,host,api_token,port\nroot@pam!x=${SECRET},h,n,"9 root@pam!x=${SECRET}"\n`, csv);
  const audit = await call('GET', '/api/v1/audit');
  for (const [what, text] of [['the answer', JSON.stringify(done)], ['a refusal', bad.text], ['a preview', JSON.stringify(swapped)], ['the audit', audit.text], ['the log', server.log]]) {
    assert.ok(!text.includes(SECRET), `the secret is in ${what}`);
    assert.ok(!text.includes(SECRET.slice(0, 18)), `half of the secret is in ${what}`);
  }
  assert.match(audit.text, /server\.import/);
  await server.stop();
  for (const name of fs.readdirSync(server.data)) {
    if (name === 'reserve') continue;
    assert.ok(!fs.readFileSync(path.join(server.data, name)).includes(SECRET), `the secret is in ${name}`);
  }
});

/** tools/demo.mjs until it says that the fleet is loaded. */
async function startDemo(t, data) {
  const child = spawn(process.execPath, [path.join(root, 'tools/demo.mjs'), binary, '--listen', '127.0.0.1:0', '--data', data], {
    env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const demo = { child, out: '', err: '', exited: new Promise((resolve) => { child.on('close', resolve); }) };
  child.stdout.on('data', (piece) => { demo.out += piece; });
  child.stderr.on('data', (piece) => { demo.err += piece; });
  t.after(() => child.exitCode === null && child.kill('SIGTERM'));
  await until('the demo fleet to be loaded', () => {
    assert.equal(child.exitCode, null, demo.err);
    return /6 servers of a simulated fleet/.test(demo.err);
  }, { within: 30000, every: 50 });
  demo.origin = new URL(/^Open +(\S+)$/m.exec(demo.out)[1]).origin;
  demo.key = (await runBinary(['key', 'add', '--name', 'test', '--scope', 'all', '--data', data])).out.trim();
  demo.call = async (method, target) => {
    const answer = await fetch(demo.origin + target, { method, headers: { authorization: `Bearer ${demo.key}` } });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };
  return demo;
}

test('./run demo: a living fleet within seconds, the same after a second start, gone with one request', async (t) => {
  const data = path.join(makeFolder(), 'data');
  t.after(() => fs.rmSync(path.dirname(data), { recursive: true, force: true }));
  const begun = performance.now();
  const demo = await startDemo(t, data);
  const servers = async () => (await demo.call('GET', '/api/v1/servers')).servers;
  await until('five of the six to be online and one to have a wrong token', async () => {
    const rows = await servers();
    return rows.filter((s) => s.connection_status === 'online').length >= 4 && rows.some((s) => s.error_class === 'auth');
  }, { within: 60000, every: 200 });
  const vms = await until('their guests', async () => {
    const answer = await demo.call('GET', '/api/v1/vms');
    return answer.vms.length > 60 && answer.vms;
  }, { within: 30000, every: 200 });
  const took = (performance.now() - begun) / 1000;
  t.diagnostic(`measured: ${vms.length} guests of a demo fleet ${took.toFixed(1)} s after the start`);
  assert.ok(took < 60);
  assert.ok((await servers()).every((s) => s.is_demo));
  const ids = (await servers()).map((s) => s.id).sort();
  const keys = (await runBinary(['key', 'list', '--data', data])).out;
  assert.doesNotMatch(keys, / demo /, 'the key of the loading is gone');
  demo.child.kill('SIGINT');
  assert.equal(await demo.exited, 0, demo.err);
  assert.doesNotMatch(demo.err, /(warn|error) /);

  const again = await startDemo(t, data);
  Object.assign(demo, again);
  assert.deepEqual((await servers()).map((s) => s.id).sort(), ids, 'the same servers, wherever the lab listens now');
  assert.deepEqual(await demo.call('DELETE', '/api/v1/demo'), { servers: 6, left: 0 });
  assert.equal((await servers()).length, 0);
  assert.deepEqual(await demo.call('GET', '/api/v1/demo'), { available: true, loaded: false, servers: 0, why: null });
  assert.deepEqual(await demo.call('POST', '/api/v1/demo'), { servers: 6, added: 6, updated: 0 });
  demo.child.kill('SIGTERM');
  assert.equal(await demo.exited, 0, demo.err);
});
