// operations_off: what is done over SSH is switched off, and an older version finds a file it knows.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startDispatch as start } from './lib/dispatch.mjs';
import { startServer, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const OFF = 'nothing is begun on targets here: the setting `operations` is off';

test('switched off, nothing is begun on targets, and what is under way is followed to its end', { timeout: 90000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('holds');
  const { server, admin, call, begin, one, ended, id } = await start(t, sshd);
  const setting = (word) => fs.writeFileSync(path.join(server.data, 'binnacle.conf'), `operations = ${word}\n`);
  const offers = async () => (await call('GET', '/api/v1/session')).json.operations;
  const allowed = async () => (await call('GET', `/api/v1/targets/${id}/actions`)).json.actions.map((action) => action.allowed);
  assert.equal(await offers(), true);
  assert.ok((await allowed()).includes(true));
  const running = (await begin('service_restart')).json.operation_id;
  await until('it to run', () => sshd.calls().includes('restart nginx.service'), { within: 10000 });

  setting('off');
  server.kill('SIGHUP');
  await until('the setting to be taken', async () => await offers() === false);
  const refuses = async () => {
    for (const answer of [await begin('service_restart'), await begin('ssh_test'), await call('POST', `/api/data/${id}/restart-service`),
      await call('POST', '/api/v1/operations/batch', { type: 'ssh_test', target_ids: [id] }),
      await call('POST', `/api/v1/targets/${id}/console`, {}, { cookie: admin.cookie })])
      assert.deepEqual([answer.status, answer.json.error.message], [403, OFF], answer.text);
    assert.ok((await allowed()).every((may) => may === false));
  };
  await refuses();
  assert.equal((await call('POST', '/api/data/nobody/restart-service')).status, 404, 'what is not there is not there first');
  assert.equal((await call('GET', '/api/v1/targets')).json.targets.length, 1);

  await server.crash();
  await server.start(); // and it is off from the start
  await refuses();
  assert.equal((await one(running)).completed_at, null);
  sshd.set('holds', null);
  assert.equal((await ended(running)).status, 'completed');
  assert.equal((await call('GET', '/api/v1/operations')).json.total, 1);

  setting('on');
  server.kill('SIGHUP');
  await until('the setting to be taken', async () => await offers() === true);
  assert.equal((await ended((await begin('ssh_test')).json.operation_id)).status, 'completed');
});

test('the steps back to an older schema, as the manual has them, keep what that one knows, and a newer start goes forward again', { timeout: 90000 }, async (t) => {
  const manual = fs.readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const steps = [...manual.matchAll(/```sql\n(-- (\d+) to (\d+)[^]*?)```/g)].map(([, sql, from, to]) => ({ sql, from: Number(from), to: Number(to) }));
  const sshd = await startSshd(t);
  const { server, call, id, done } = await start(t, sshd);
  const sql = (text) => execFileSync('sqlite3', [path.join(server.data, 'binnacle.db')], { input: text }).toString().trim();
  const kept = await done('ssh_test');
  const batch = (await call('POST', '/api/v1/operations/batch', { type: 'ssh_test', target_ids: [id] })).json.operation_id;
  await until('the batch to end', async () => (await call('GET', `/api/v1/operations/${batch}`)).json.completed_at);
  const stop = async () => { assert.equal(await server.stop(), 0); };
  await stop();
  const newest = Number(sql('PRAGMA user_version'));
  assert.equal(steps[0].from, newest, 'the manual begins with the newest schema');

  sql(steps[0].sql);
  assert.deepEqual([Number(sql('PRAGMA user_version')), sql('PRAGMA integrity_check')], [steps[0].to, 'ok']);
  await server.start();
  const after = (await call('GET', '/api/v1/operations')).json.operations;
  assert.ok(after.some((operation) => operation.id === kept.id) && !after.some((operation) => operation.id === batch));
  assert.equal((await done('ssh_test')).status, 'completed');
  await stop();
  assert.equal(Number(sql('PRAGMA user_version')), newest);

  let at = newest;
  for (const step of steps) {
    assert.deepEqual([step.from, step.to], [at, at - 1], 'one step after the other');
    sql(step.sql);
    at = step.to;
  }
  assert.deepEqual([Number(sql('PRAGMA user_version')), sql('PRAGMA integrity_check'), sql('SELECT count(*) FROM operations')], [at, 'ok', '0']);
  await server.start();
  assert.equal((await call('GET', '/api/v1/targets')).json.targets[0].id, id);
  const fresh = await done('service_status');
  assert.equal(fresh.status, 'completed', JSON.stringify(fresh));
  assert.match(fresh.output ?? (await call('GET', `/api/v1/operations/${fresh.id}`)).json.output, /a web server/);
});

test('an operation of a kind that only a newer version knows stands in the history and is left alone', { timeout: 60000 }, async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  assert.equal(await server.stop(), 0);
  const sql = (text) => execFileSync('sqlite3', [path.join(server.data, 'binnacle.db'), text]).toString().trim();
  const row = (id, status, end) => `('default', '${id}', 'of_the_future', '${status}', 10, ${Date.now()}, ${Date.now()}, ${end}, 'act', 'web3')`;
  sql(`INSERT INTO operations(tenant, id, type, status, progress, started_at, updated_at, completed_at, action, subject) VALUES ${row('over', 'completed', Date.now())}, ${row('runs', 'in_progress', 'NULL')}`);
  await server.start();
  const list = await server.request('GET', '/api/v1/operations', { key });
  assert.deepEqual(list.json.operations.map((one) => [one.id, one.type, one.status]).sort(), [['over', null, 'completed'], ['runs', null, 'in_progress']]);
  assert.deepEqual((await server.request('GET', '/api/v1/state?topic=work.operations', { key })).json.v, { operations: {} });
  const forced = await server.request('POST', '/api/v1/operations/runs/force-complete', { key, body: { status: 'failed', reason: 'x' } });
  assert.deepEqual([forced.status, forced.json.error.message], [409, 'it is of a kind that this version does not know']);
  assert.equal((await server.request('DELETE', '/api/v1/operations/runs', { key })).status, 409);
  assert.equal(await server.stop(), 0);
  assert.equal(sql("SELECT group_concat(type || ' ' || status, ', ') FROM (SELECT * FROM operations ORDER BY id)"), 'of_the_future completed, of_the_future in_progress');
});
