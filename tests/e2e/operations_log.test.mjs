// operations_log: what our own log says of operations, of those who listen, and what it does not: secrets and what
// machines wrote. And who is named as the one who began an operation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { startDispatch as start } from './lib/dispatch.mjs';
import { listen } from './lib/live.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const SAID = 'MARK-of-what-the-machine-said';
const EVENT = /^\S+Z (debug|info|warn|error) +(\S+) +(.*)$/;

const lines = (server) => server.log.split('\n').map((line) => EVENT.exec(line)).filter(Boolean).map(([, level, event, rest]) => ({ level, event, rest }));
const about = (server, id) => lines(server).filter((line) => line.rest.startsWith(`id=${id} `));

test('each operation is logged with its id: begin, each step, end, how long and why; nothing a machine said, and no secret', { timeout: 90000 }, async (t) => {
  const sshd = await startSshd(t);
  const { server, admin, key, call, id, done, begin, ended } = await start(t, sshd);
  const good = await done('service_restart');
  const logged = about(server, good.id);
  assert.deepEqual(logged.map((line) => line.event), ['operation.begin', 'operation.step', 'operation.step', 'operation.step', 'operation.step', 'operation.end']);
  assert.deepEqual(logged.slice(1, 5).map((line) => Number(/progress=(\d+)/.exec(line.rest)[1])), [10, 30, 50, 90]);
  assert.match(logged[0].rest, /action=restart subject="nginx\.service on web3" by=/);
  assert.match(logged[5].rest, /status=completed ms=\d+ text="nginx\.service is active \(running\), restarted in \d+ s"/);
  sshd.set('active', SAID);
  await done('service_status');
  assert.equal((await call('PATCH', `/api/v1/targets/${id}`, { allows_commands: true })).status, 200);
  const command = async (text) => ended((await call('POST', `/api/v1/targets/${id}/operations`, { type: 'command', params: { command: text } })).json.operation_id);
  const bad = await command(`echo ${SAID}; exit 9`);
  assert.match(bad.error, new RegExp(SAID), 'who asked reads it');
  const well = await command(`echo ${SAID}`);
  assert.match(well.message, new RegExp(SAID));
  await command(`${SAID}-no-such-program`);
  assert.match(about(server, bad.id).at(-1).rest, /status=failed ms=\d+ text="It ended with status 9"/);
  const gone = await call('POST', '/api/v1/operations/batch', { type: 'command', params: { command: `echo ${SAID}; false` }, target_ids: [id] });
  await ended(gone.json.operation_id);
  sshd.set('nosudo');
  await done('service_restart');
  await sshd.stop();
  const cut = (await begin('ssh_test')).json.operation_id;
  assert.equal((await ended(cut)).status, 'failed');
  assert.match(about(server, cut).at(-1).rest, /status=failed ms=\d+ text="SSH to web3 failed while connecting/);
  for (const secret of [SAID, 'PRIVATE KEY', sshd.key.split('\n')[2], key.split('_').at(-1), admin.cookie.split('=')[1], 'a harbour pilot'])
    assert.ok(!server.log.includes(secret), `the log has ${secret}`);
  assert.ok(!lines(server).some((line) => line.level === 'debug'));
});

test('who comes, listens, leaves and goes is in the log at debug level alone, with what machines said', { timeout: 90000 }, async (t) => {
  const sshd = await startSshd(t);
  const { server, admin, key, call, id, ended } = await start(t, sshd, { args: ['--log-level', 'debug'] });
  const has = (event, rest) => lines(server).some((line) => line.level === 'debug' && line.event === event && rest.test(line.rest));
  const tab = await listen(server, { cookie: admin.cookie }, [`work.operations/${id}`]);
  await until('the join', () => has('live.open', /^wire=websocket by=ada from=127\.0\.0\.1/) && has('live.join', new RegExp(`^topic=work\\.operations/${id} by=ada$`)));
  tab.say({ t: 'unsub', topics: [`work.operations/${id}`] });
  await until('the leave', () => has('live.leave', new RegExp(`^topic=work\\.operations/${id} by=ada$`)));
  tab.destroy();
  await until('its end', () => has('live.close', /^wire=websocket by=ada /));
  const socket = io(server.origin, { transports: ['websocket'], forceNew: true, auth: { token: key } });
  t.after(() => { socket.disconnect(); });
  assert.equal(await new Promise((resolve) => { socket.emit('subscribe:connection', id, resolve); }), 'ok');
  assert.equal(await new Promise((resolve) => { socket.emit('unsubscribe:connection', id, resolve); }), 'ok');
  socket.disconnect();
  for (const event of ['open', 'join', 'leave', 'close']) await until(event, () => has(`socketio.${event}`, event === 'join' || event === 'leave' ? new RegExp(`^what=${id} by=`) : /by=/));
  assert.ok(!lines(server).some((line) => /^(live|socketio)\./.test(line.event) && line.level !== 'debug'));
  assert.equal((await call('PATCH', `/api/v1/targets/${id}`, { allows_commands: true })).status, 200);
  const answer = await call('POST', `/api/v1/targets/${id}/operations`, { type: 'command', params: { command: `echo ${SAID}` } });
  await ended(answer.json.operation_id);
  assert.ok(has('operation.said', new RegExp(`^id=${answer.json.operation_id} .*${SAID}`)));
  assert.ok(!lines(server).some((line) => line.level !== 'debug' && line.rest.includes(SAID)));
  for (const secret of ['PRIVATE KEY', sshd.key.split('\n')[2], key.split('_').at(-1), admin.cookie.split('=')[1]])
    assert.ok(!server.log.includes(secret), `the log has ${secret}`);
});

test('who began an operation is named, person or key, also of what a batch began and after a kill of ours', { timeout: 90000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('holds');
  const { server, admin, key, call, id, one, ended, begin } = await start(t, sshd);
  const me = (await call('GET', '/api/v1/session', undefined, { cookie: admin.cookie })).json.user;
  const keyId = (await call('GET', '/api/v1/session')).json.key_id;
  const byKey = (await begin('ssh_test')).json.operation_id;
  await ended(byKey);
  const batch = (await call('POST', '/api/v1/operations/batch', { type: 'service_restart', target_ids: [id] }, { cookie: admin.cookie })).json;
  const child = batch.targets[0].operation_id;
  await until('it to run', () => sshd.calls().includes('restart nginx.service'), { within: 10000 });
  await server.crash();
  await server.start();
  sshd.set('holds', null);
  await ended(child);
  await ended(batch.operation_id);
  const maker = async (operation) => {
    const { created_by_kind: kind, created_by_id: by, created_by: name } = await one(operation);
    return [kind, by, name];
  };
  assert.deepEqual(await maker(byKey), ['key', keyId, 'key:key for all']);
  for (const operation of [child, batch.operation_id]) assert.deepEqual(await maker(operation), ['user', me.id, 'ada']);
  assert.equal((await call('GET', `/api/v1/operations?created_by=${keyId}`)).json.total, 1);
  assert.ok(key);
});
