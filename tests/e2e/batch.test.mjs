// batch: one deed on many targets over SSH, so many at once, through a kill of Binnacle, to one end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listen } from './lib/live.mjs';
import { startServer, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

/** A server with so many targets at that sshd; form(i) changes one. */
async function start(t, sshd, count, form = () => ({})) {
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, path, body, as = { key }) => server.request(method, path, { ...as, body });
  const ids = [];
  for (let i = 0; i < count; i++) {
    const added = await call('POST', '/api/v1/targets', {
      name: `web${i}`, host: '127.0.0.1', port: sshd.port, username: 'root', service: 'nginx.service',
      auth: { kind: 'key', private_key: sshd.key }, host_key: sshd.fingerprint, ...form(i),
    });
    assert.equal(added.status, 201, added.text);
    ids.push(added.json.id);
  }
  const batch = (type, target_ids, more = {}, as = undefined) => call('POST', '/api/v1/operations/batch', { type, target_ids, ...more }, as);
  const one = async (id) => (await call('GET', `/api/v1/operations/${id}`)).json;
  const ended = (id, within = 60000) => until('its end', async () => {
    const it = await one(id);
    return it.completed_at && it;
  }, { within, every: 50 });
  const children = async (id, more = '') => (await call('GET', `/api/v1/operations?parent_id=${id}${more}`)).json.operations;
  return { server, admin, key, call, ids, batch, one, ended, children };
}

test('many targets, a few at once: one progress, each failure by name, one end', { timeout: 120000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('slow', 0.5);
  const { server, admin, ids, batch, ended, children, call } = await start(t, sshd, 12, (i) => ({
    ...(i < 2 ? { service: 'foo.service' } : {}), ...(i === 11 ? { is_active: false } : {}),
  }));
  const tab = await listen(server, { cookie: admin.cookie }, ['work.operations']);
  const single = await call('POST', `/api/v1/targets/${ids[10]}/operations`, { type: 'service_restart' });
  assert.equal(single.status, 202);
  const answer = await batch('service_restart', [...ids, 'nobody'], { concurrency: 3 });
  assert.equal(answer.status, 202, answer.text);
  const parent = answer.json.operation_id;
  const fates = answer.json.targets;
  assert.deepEqual(fates.map((it) => it.target_id), [...ids, 'nobody']);
  assert.deepEqual(fates.map((it) => it.status), [...Array(10).fill('started'), 'already_running', 'refused', 'refused']);
  assert.equal(fates[10].operation_id, single.json.operation_id);
  assert.deepEqual(fates.slice(11), [
    { target_id: ids[11], operation_id: null, status: 'refused', message: 'web11 is switched off: no operation starts on it' },
    { target_id: 'nobody', operation_id: null, status: 'refused', message: 'there is no such target' },
  ]);
  const again = await call('POST', `/api/v1/targets/${ids[9]}/operations`, { type: 'service_restart' });
  assert.deepEqual([again.status, again.json.operation_id], [409, fates[9].operation_id], 'one that waits holds its target');

  const end = await ended(parent, 90000);
  assert.equal(end.status, 'completed', JSON.stringify(end));
  assert.equal(end.message, '10 of 10 done, 2 failed; 2 more could not begin');
  assert.deepEqual([end.type, end.action, end.subject, end.progress, end.has_warnings], ['batch', 'restart', '13 targets', 100, true]);
  assert.deepEqual([end.children, end.children_done, end.children_failed, end.children_refused, end.concurrency], [10, 10, 2, 2, 3]);
  assert.equal((await children(parent)).length, 10);
  assert.deepEqual((await children(parent, '&status=failed')).map((it) => [it.parent_id, it.error]).sort(), [
    [parent, 'There is no unit foo.service on web0.'], [parent, 'There is no unit foo.service on web1.'],
  ]);
  assert.equal(sshd.calls().filter((line) => line === 'restart nginx.service').length, 9);

  // What the page heard: never more than three under way, and a progress that never falls.
  const status = {};
  const progress = [];
  let most = 0;
  for (const message of tab.messages) {
    for (const [id, row] of Object.entries(message.p?.operations ?? {})) {
      if (row?.status) status[id] = row.status;
      if (id === parent && row?.progress !== undefined) progress.push(row.progress);
    }
    most = Math.max(most, fates.slice(0, 10).filter((it) => status[it.operation_id] === 'in_progress').length);
  }
  assert.equal(most, 3);
  assert.deepEqual(progress, [...progress].sort((a, b) => a - b));
  assert.ok(progress.length > 5 && progress.at(-1) === 100, `${progress}`);
  tab.destroy();
  const audit = (await call('GET', '/api/v1/audit')).json.audit;
  assert.deepEqual(audit.filter((it) => it.action === 'operation.batch').map((it) => it.object), ['13 targets']);
  assert.equal(audit.filter((it) => it.action === 'target.restart' && it.object.startsWith('nginx.service on web')).length, 9);
});

test('Binnacle is killed in the middle of a batch: what waited goes on, and nothing is done twice', { timeout: 120000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('slow', 2);
  const { server, ids, batch, one, ended, children } = await start(t, sshd, 5);
  const restarts = () => sshd.calls().filter((line) => line === 'restart nginx.service').length;
  const answer = await batch('service_restart', ids, { concurrency: 2 });
  assert.equal(answer.status, 202, answer.text);
  const parent = answer.json.operation_id;
  await until('two to run', () => restarts() === 2, { within: 20000 });
  await server.crash();
  await server.start();
  const left = await one(parent);
  assert.equal(left.status, 'in_progress');
  assert.equal((await children(parent)).filter((it) => it.status === 'pending').length, 3);
  await until('the third to run', () => restarts() >= 3, { within: 40000 });
  await server.crash();
  await server.start();
  const end = await ended(parent, 60000);
  assert.deepEqual([end.status, end.message, end.has_warnings], ['completed', '5 of 5 done', false], JSON.stringify(end));
  assert.ok(end.progress === 100 && left.progress <= end.progress);
  assert.deepEqual((await children(parent)).map((it) => it.status), Array(5).fill('completed'));
  assert.equal(restarts(), 5);
});

test('a batch that is cancelled ends: what waited never begins, and its targets are free', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('slow', 5);
  const { ids, batch, ended, children, call } = await start(t, sshd, 4);
  const parent = (await batch('service_restart', ids, { concurrency: 1 })).json.operation_id;
  await until('one to run', () => sshd.calls().includes('restart nginx.service'), { within: 20000 });
  assert.equal((await call('POST', `/api/v1/operations/${parent}/cancel`)).status, 202);
  const end = await ended(parent);
  assert.deepEqual([end.status, end.message], ['cancelled', '4 of 4 done, 4 cancelled'], JSON.stringify(end));
  const messages = (await children(parent)).map((it) => it.message).sort();
  assert.deepEqual(messages, [...Array(3).fill('Nothing was done.'), 'The target finishes what it began; it is not watched any more.']);
  assert.equal((await call('POST', `/api/v1/operations/${parent}/cancel`)).status, 409);
  assert.equal((await batch('service_restart', ids.slice(1))).status, 202);
});

test('when all fail the batch has failed and says why; what is wrong with the request is said by field', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  const { server, admin, ids, batch, ended, call } = await start(t, sshd, 3, () => ({ service: 'foo.service' }));
  const end = await ended((await batch('service_restart', ids)).json.operation_id);
  assert.deepEqual([end.status, end.progress, end.concurrency], ['failed', 100, 8]);
  assert.match(end.error, /^It succeeded on none of 3: There is no unit foo\.service on web\d\.$/);
  const looked = await batch('service_status', ids, { params: { service: 'nginx.service' } });
  assert.equal(looked.status, 202, looked.text);
  const done = await ended(looked.json.operation_id);
  assert.deepEqual([done.status, done.subject, done.object], ['completed', 'nginx.service on 3 targets', 'nginx.service']);

  for (const [field, body] of [
    ['type', { target_ids: ids }], ['type', { type: 'batch', target_ids: ids }], ['target_ids', { type: 'ssh_test' }],
    ['target_ids', { type: 'ssh_test', target_ids: [] }], ['target_ids', { type: 'ssh_test', target_ids: 'all' }],
    ['target_ids', { type: 'ssh_test', target_ids: [7] }], ['target_ids', { type: 'ssh_test', target_ids: [ids[0], ids[0]] }],
    ['target_ids', { type: 'ssh_test', target_ids: Array.from({ length: 201 }, (_, i) => `t${i}`) }],
    ['concurrency', { type: 'ssh_test', target_ids: ids, concurrency: 33 }], ['concurrency', { type: 'ssh_test', target_ids: ids, concurrency: 0 }],
    ['params.x', { type: 'ssh_test', target_ids: ids, params: { x: 1 } }], ['all', { type: 'ssh_test', target_ids: ids, all: true }],
  ]) {
    const bad = await call('POST', '/api/v1/operations/batch', body);
    assert.deepEqual([bad.status, bad.json.error.field], [400, field], bad.text);
  }
  const none = await batch('ssh_test', ['a', 'b']);
  assert.equal(none.status, 409);
  assert.deepEqual([none.json.error.message, none.json.operation_id, none.json.targets.length], ['it could begin on none of the targets', null, 2]);
  const reader = await server.makeKey(admin, 'read');
  assert.equal((await batch('ssh_test', ids, {}, { key: reader })).status, 403);
  assert.equal((await call('GET', '/api/v1/operations?parent_id=nothing')).json.total, 0);
});

test('the history as a file: the filters of the list, and no cell is a formula', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  const { server, admin, ids, batch, ended, call } = await start(t, sshd, 2, (i) => ({ name: i ? '@SUM(A1)' : '=cmd|calc' }));
  const other = await server.makeKey(admin, 'all', '=1+1');
  const parent = (await batch('ssh_test', ids)).json.operation_id;
  await ended(parent);
  const file = await call('GET', `/api/v1/operations.csv?parent_id=${parent}&status=completed`, undefined, { key: other });
  assert.equal(file.status, 200, file.text);
  assert.equal(file.headers['content-type'], 'text/csv; charset=utf-8');
  assert.equal(file.headers['content-disposition'], 'attachment; filename="binnacle-operations.csv"');
  const rows = file.text.split('\r\n');
  assert.match(rows[0], /^id,type,action,.*,parent_id,.*,duration_ms$/);
  assert.equal(rows.length, 4, file.text);
  assert.equal(rows[3], '');
  const names = rows[0].split(',');
  const subjects = rows.slice(1, 3).map((row) => row.split(',')[names.indexOf('subject')]).sort();
  assert.deepEqual(subjects, ["'=cmd|calc", "'@SUM(A1)"]);
  for (const row of rows.slice(1, 3)) {
    const cell = (name) => row.split(',')[names.indexOf(name)];
    assert.deepEqual([cell('type'), cell('status'), cell('timed_out'), cell('vmid'), cell('parent_id')], ['ssh_test', 'completed', 'false', '', parent]);
    assert.match(cell('started_at'), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(Number(cell('duration_ms')) >= 0 && cell('duration_ms') !== '');
  }
  const total = async (query) => (await call('GET', `/api/v1/operations?${query}`)).json.total;
  assert.deepEqual([await total(''), await total('created_by=nobody'), await total('until=2020-01-01T00:00:00Z'), await total('type=batch')], [3, 0, 0, 1]);
  assert.deepEqual([await total('created_by_kind=nobody'), await total('created_by_kind=user') + await total('created_by_kind=key')], [0, 3]);
  const { created_by, created_by_id } = (await call('GET', `/api/v1/operations/${parent}`)).json;
  assert.deepEqual([await total(`created_by=${encodeURIComponent(created_by)}`), await total(`created_by=${created_by_id}`)], [3, 3]);
  for (const [query, field] of [['until=today', 'until'], ['page=1', 'page'], ['status=well', 'status'], ['created_by_kind=me', 'created_by_kind']]) {
    const bad = await call('GET', `/api/v1/operations.csv?${query}`);
    assert.equal(bad.status, 400, bad.text);
    if (field !== 'page') assert.equal(bad.json.error.field, field);
  }
});
