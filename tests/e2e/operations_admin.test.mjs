// operations_admin: an operation that hangs is ended by an administrator, and the history is tidied, with a real sshd.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startDispatch as start } from './lib/dispatch.mjs';
import { listen } from './lib/live.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const restarts = (sshd) => sshd.calls().filter((line) => line === 'restart nginx.service').length;
const force = (call, id, body, as) => call('POST', `/api/v1/operations/${id}/force-complete`, body, as);
const sql = (server, text) => execFileSync('sqlite3', [path.join(server.data, 'binnacle.db'), text]).toString().trim();

/** A restart that hangs on its target until `holds` goes. */
async function hang(t) {
  const sshd = await startSshd(t);
  sshd.set('holds');
  const desk = await start(t, sshd);
  const operation = (await desk.begin('service_restart')).json.operation_id;
  await until('it to hang', async () => restarts(sshd) === 1 && (await desk.one(operation)).output?.includes('Stopping'), { within: 10000 });
  return { ...desk, sshd, operation };
}

test('a hung restart is ended by an administrator: its target is free at once, and what its worker hears later changes nothing', { timeout: 90000 }, async (t) => {
  const { server, admin, sshd, call, begin, one, ended, output, operation } = await hang(t);
  const tab = await listen(server, { cookie: admin.cookie }, ['work.operations']);
  const max = await server.addUser(admin, 'max', 'manager').then(() => server.login('max'));
  for (const as of [{ cookie: max.cookie }]) {
    assert.equal((await force(call, operation, { status: 'failed', reason: 'x' }, as)).status, 403);
    assert.equal((await call('DELETE', `/api/v1/operations/${operation}`, undefined, as)).status, 403);
    assert.equal((await call('POST', '/api/v1/operations/cleanup', {}, as)).status, 403);
  }
  for (const [body, field] of [[{ status: 'failed' }, 'reason'], [{ reason: 'x' }, 'status'], [{ status: 'cancelled', reason: 'x' }, 'status'], [{ status: 'failed', reason: 'x'.repeat(200) }, 'reason'], [{ status: 'failed', reason: 'x', more: 1 }, 'more']]) {
    const bad = await force(call, operation, body);
    assert.deepEqual([bad.status, bad.json.error.field], [400, field], bad.text);
  }
  assert.equal((await force(call, 'nobody', { status: 'failed', reason: 'x' })).status, 404);
  const early = await call('DELETE', `/api/v1/operations/${operation}`);
  assert.deepEqual([early.status, early.json.error.message], [409, 'it is under way: cancel it, or end it with force-complete first']);

  const answer = await force(call, operation, { status: 'failed', reason: 'nginx hangs' });
  assert.deepEqual([answer.status, answer.json], [200, { operation_id: operation, status: 'failed' }], answer.text);
  const end = await one(operation);
  assert.match(end.error, /^Ended by .+: nginx hangs$/);
  assert.deepEqual([end.status, end.progress, end.hint], ['failed', 100, 'The command had been sent: look at the target yourself.']);
  assert.ok(await tab.when(() => tab.messages.some((m) => m.p?.operations?.[operation]?.status === 'failed'), 5000), 'everybody hears of it');
  for (const status of ['failed', 'completed']) {
    const twice = await force(call, operation, { status, reason: 'again' });
    assert.deepEqual([twice.status, twice.json.error.message], [409, 'this operation has ended: failed']);
  }
  const next = await begin('service_restart');
  assert.equal(next.status, 202, 'the target takes a new one at once');
  await until('it to run beside the one that hangs', () => restarts(sshd) === 2, { within: 10000 });
  sshd.set('holds', null);
  assert.equal((await ended(next.json.operation_id)).status, 'completed');
  const same = await one(operation);
  assert.deepEqual({ ...same, output: '', output_from: 0 }, { ...end, output: '', output_from: 0 });
  await until('what it had written to be kept', async () => (await output(operation)).startsWith('Stopping nginx.service\n'));
  tab.destroy();

  assert.equal(await server.stop(), 0);
  await server.start();
  const after = await one(operation);
  assert.deepEqual([after.status, after.error, after.completed_at], ['failed', end.error, end.completed_at]);
  const audit = (await call('GET', '/api/v1/audit')).json.audit.filter((entry) => entry.action === 'operation.force_complete');
  assert.deepEqual(audit.map((entry) => [entry.object, entry.ok, entry.detail]), [['nginx.service on web3', true, `${operation} as failed: nginx hangs`]]);
});

test('ended as well, killed at once and started again it is still so, and its target stays free', { timeout: 90000 }, async (t) => {
  const { server, sshd, call, begin, one, ended, operation } = await hang(t);
  assert.equal((await force(call, operation, { status: 'completed', reason: 'I looked: it is up' })).status, 200);
  await server.crash();
  await server.start();
  const end = await one(operation);
  assert.deepEqual([end.status, end.has_warnings, end.error], ['completed', true, null]);
  assert.match(end.message, /^Ended by .+: I looked: it is up$/);
  sshd.set('holds', null);
  assert.equal((await ended((await begin('service_restart')).json.operation_id)).status, 'completed');
  assert.deepEqual(await one(operation), end);
});

test('what has ended is deleted with all it wrote, in sight or out of it', { timeout: 90000 }, async (t) => {
  const sshd = await startSshd(t);
  const { server, admin, call, done, output } = await start(t, sshd);
  const first = await done('service_status');
  const other = await done('service_status');
  assert.match(await output(first.id), /nginx\.service - a web server/);
  const tab = await listen(server, { cookie: admin.cookie }, ['work.operations']);
  assert.equal((await call('DELETE', `/api/v1/operations/${first.id}`)).status, 204);
  assert.ok(await tab.when(() => tab.messages.some((m) => JSON.stringify(m).includes(`"${first.id}"`) && m.t === 'd'), 5000), 'it leaves what everybody sees');
  tab.destroy();
  assert.equal((await call('GET', `/api/v1/operations/${first.id}`)).status, 404);
  assert.equal((await call('DELETE', `/api/v1/operations/${first.id}`)).status, 404);
  assert.deepEqual((await call('GET', '/api/v1/operations')).json.operations.map((one) => one.id), [other.id]);
  assert.equal(await server.stop(), 0);
  assert.equal(sql(server, `SELECT count(*) FROM pieces WHERE operation_id = '${first.id}'`), '0');
  sql(server, `UPDATE operations SET started_at = started_at - 3600000, completed_at = completed_at - 3600000 WHERE id = '${other.id}'`);
  await server.start(); /* now it is out of sight */
  const gone = await force(call, other.id, { status: 'failed', reason: 'x' });
  assert.deepEqual([gone.status, gone.json.error.message], [409, 'this operation has ended: completed']);
  assert.equal((await call('DELETE', `/api/v1/operations/${other.id}`)).status, 204);
  assert.equal((await call('GET', '/api/v1/operations')).json.total, 0);
  const audit = (await call('GET', '/api/v1/audit')).json.audit.filter((entry) => entry.action === 'operation.delete');
  assert.deepEqual(audit.map((entry) => entry.detail), [other.id, first.id]);
});

test('the history is cleaned of what is old, and what runs for more than half an hour is ended, when that is asked', { timeout: 90000 }, async (t) => {
  const { server, sshd, call, begin, one, ended, done, operation } = await hang(t);
  const young = await done('ssh_test');
  assert.equal(await server.stop(), 0);
  sql(server, `UPDATE operations SET started_at = started_at - 2400000 WHERE id = '${operation}';
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
    INSERT INTO operations (tenant, id, type, status, progress, started_at, updated_at, completed_at)
    SELECT tenant, 'old' || i, type, status, progress, started_at - 200000000, updated_at - 200000000, completed_at - 200000000 FROM operations, n WHERE id = '${young.id}'`);
  await server.start();
  for (const [body, field] of [[{ hours_old: 0 }, 'hours_old'], [{ hours_old: 'x' }, 'hours_old'], [{ force_stuck: 1 }, 'force_stuck'], [{ hoursOld: 24 }, 'hoursOld']]) {
    const bad = await call('POST', '/api/v1/operations/cleanup', body);
    assert.deepEqual([bad.status, bad.json.error.field], [400, field], bad.text);
  }
  const none = await call('POST', '/api/v1/operations/cleanup', { hours_old: 1000 });
  assert.deepEqual([none.status, none.json], [200, { force_failed: [], removed: 0, hours_old: 1000 }], none.text);
  const clean = await call('POST', '/api/v1/operations/cleanup', {});
  assert.deepEqual(clean.json, { force_failed: [], removed: 250, hours_old: 24 });
  assert.equal((await one(operation)).completed_at, null, 'what runs is left alone');
  const stuck = await call('POST', '/api/v1/operations/cleanup', { force_stuck: true });
  assert.deepEqual(stuck.json, { force_failed: [{ operation_id: operation, subject: 'nginx.service on web3' }], removed: 0, hours_old: 24 });
  const end = await one(operation);
  assert.equal(end.status, 'failed');
  assert.match(end.error, /^Ended by .+'s clean-up: it ran for more than 30 minutes\.$/);
  assert.equal((await one(young.id)).status, 'completed');
  sshd.set('holds', null);
  assert.equal((await ended((await begin('service_restart')).json.operation_id)).status, 'completed');
  const audit = (await call('GET', '/api/v1/audit')).json.audit.filter((entry) => entry.action === 'operation.cleanup');
  assert.equal(audit.length, 3);
  assert.equal(audit[0].detail, '0 removed that ended more than 24 h ago, 1 ended');
  assert.ok(!fs.existsSync(sshd.file('state', 'holds')));
});
