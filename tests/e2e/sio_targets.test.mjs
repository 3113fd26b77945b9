// sio_targets: what clients of one target hear of real operations over SSH: Socket.IO rooms with the unmodified
// socket.io-client, and the topic of that target over live/1.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { startDispatch } from './lib/dispatch.mjs';
import { listen } from './lib/live.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const MODES = { websocket: ['websocket'], polling: ['polling'], upgrade: ['polling', 'websocket'] };
const once = (socket, event) => new Promise((resolve) => { socket.once(event, (...args) => { resolve(args); }); });

function client(t, server, key, mode = 'websocket') {
  const socket = io(server.origin, { transports: MODES[mode], forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 400, auth: { token: key } });
  t.after(() => { socket.disconnect(); });
  socket.heard = [];
  socket.rooms = [];
  socket.on('operation:update', ({ operation }) => { socket.heard.push(operation); });
  socket.on('connection:operations', (room) => { socket.rooms.push(room); });
  return socket;
}

const connected = async (socket) => { if (!socket.connected) await once(socket, 'connect'); return socket; };

/** A server with two targets, web3 and web4. */
async function start(t) {
  const sshd = await startSshd(t);
  const desk = await startDispatch(t, sshd);
  return { ...desk, sshd, other: await desk.add({ name: 'web4' }) };
}

for (const mode of Object.keys(MODES))
  test(`by ${mode}: a target's room tells its operations over SSH, step by step, and no other's`, { timeout: 60000 }, async (t) => {
    const { server, key, id, other, done } = await start(t);
    const [one, far] = await Promise.all([connected(client(t, server, key, mode)), connected(client(t, server, key, mode))]);
    assert.equal(await one.emitWithAck('subscribe:connection', id), 'ok');
    assert.equal(await far.emitWithAck('subscribe:connection', other), 'ok');
    await until('both rooms', () => one.rooms.length === 1 && far.rooms.length === 1);
    assert.deepEqual([one.rooms[0], far.rooms[0]], [{ connectionId: id, operations: [] }, { connectionId: other, operations: [] }]);
    const end = await done('service_restart');
    assert.equal(end.status, 'completed', JSON.stringify(end));
    await until('its end', () => one.heard.at(-1)?.status === 'completed');
    assert.deepEqual(far.heard, [], 'the other room is silent');
    assert.ok(one.heard.every((it) => it.connectionId === id && it.id === end.id && it.type === 'service_restart'));
    const steps = one.heard.map((it) => it.progress);
    assert.deepEqual(steps, [...steps].sort((a, b) => a - b), 'it never falls');
    assert.ok(new Set(steps).size >= 4, `${steps}`);
    const last = one.heard.at(-1);
    assert.deepEqual([last.progress, last.message, last.metadata.subject], [100, end.message, 'nginx.service on web3']);

    const late = await connected(client(t, server, key, mode));
    late.emit('subscribe:connection', id);
    await until('what just ended to be told on joining', () => late.rooms.length === 1);
    assert.deepEqual(late.rooms[0].operations, [last]);
    const wrong = once(late, 'error');
    assert.equal(await late.emitWithAck('subscribe:connection', 'nobody'), 'Connection not found');
    assert.deepEqual(await wrong, [{ message: 'Connection not found' }]);
  });

test('killed and started again while one runs: clients join again and hear its end', { timeout: 90000 }, async (t) => {
  const { server, key, id, sshd, begin, one: show } = await start(t);
  sshd.set('holds');
  const sockets = await Promise.all(['websocket', 'polling'].map((mode) => connected(client(t, server, key, mode))));
  for (const socket of sockets) socket.on('connect', () => { socket.emit('rejoin:connections', [id]); });
  for (const socket of sockets) assert.equal(await socket.emitWithAck('rejoin:connections', [id]), 'ok');
  const operation = (await begin('service_restart')).json.operation_id;
  await until('it to run there', () => sshd.calls().includes('restart nginx.service'), { within: 10000 });
  server.options.listen = `127.0.0.1:${server.port}`;
  await server.crash();
  for (const socket of sockets) socket.rooms.length = socket.heard.length = 0;
  await server.start();
  await until('both to be told what runs', () => sockets.every((socket) => socket.rooms.some((room) => room.operations.some((it) => it.id === operation && it.status === 'in_progress'))), { within: 20000 });
  sshd.set('holds', null);
  await until('its end', () => sockets.every((socket) => socket.heard.at(-1)?.status === 'completed'), { within: 30000 });
  const end = await show(operation);
  for (const socket of sockets) assert.equal(socket.heard.at(-1).message, end.message);
});

test('over live/1 a target has a topic of its own: what is on it on joining, each change, and nothing of another', { timeout: 60000 }, async (t) => {
  const { server, admin, key, call, id, other, done } = await start(t);
  const names = [`work.operations/${id}`, `work.operations/${other}`, 'work.operations/nobody', 'work.operations/'];
  const tab = await listen(server, { cookie: admin.cookie }, names);
  await until('the answers', () => tab.messages.filter((m) => m.t === 'sub').length === 4);
  const subs = Object.fromEntries(tab.messages.filter((m) => m.t === 'sub').map((m) => [m.topic, m]));
  assert.deepEqual([subs[names[0]].v, subs[names[1]].v], [{ operations: {} }, { operations: {} }]);
  for (const name of names.slice(2)) assert.deepEqual(subs[name].error, { code: 'not_found', message: 'there is no such topic' });
  const end = await done('service_restart');
  const told = () => tab.messages.filter((m) => m.t === 'd' && m.p.operations?.[end.id]);
  await until('its end', () => told().some((m) => m.p.operations[end.id].status === 'completed'));
  assert.deepEqual([...new Set(told().map((m) => m.k))], [subs[names[0]].k]);
  assert.ok(!tab.messages.some((m) => m.t === 'd' && m.k === subs[names[1]].k), 'nothing of another');
  const second = await listen(server, { cookie: admin.cookie }, [names[0]]);
  await until('the snapshot', () => second.messages.some((m) => m.t === 'sub'));
  const snapshot = second.messages.find((m) => m.t === 'sub').v.operations;
  assert.deepEqual([Object.keys(snapshot), snapshot[end.id].message], [[end.id], end.message]);
  assert.equal((await call('DELETE', `/api/v1/operations/${end.id}`)).status, 204);
  await until('that it was deleted', () => told().length === 0 ? false : tab.messages.some((m) => m.t === 'd' && m.p.operations?.[end.id] === null));
  const state = await call('GET', `/api/v1/state?topic=work.operations/${other}`);
  assert.deepEqual([state.status, state.json.v], [200, { operations: {} }]);

  const viewer = await server.addUser(admin, 'vic', 'viewer').then(() => server.login('vic'));
  assert.equal((await call('GET', `/api/v1/state?topic=${names[0]}`, undefined, { cookie: viewer.cookie })).status, 200);
  const metrics = await server.makeKey(admin, 'metrics');
  assert.equal((await call('GET', `/api/v1/state?topic=${names[0]}`, undefined, { key: metrics })).status, 403);
  assert.equal((await call('DELETE', `/api/v1/targets/${other}`)).status, 204);
  assert.equal((await call('GET', `/api/v1/state?topic=work.operations/${id}`, undefined, { key })).status, 200);
  tab.destroy();
  second.destroy();
});
