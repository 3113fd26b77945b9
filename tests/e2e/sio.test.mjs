// /socket.io/ of Binnacle with the unmodified socket.io-client 4: who may come in and from where, the
// events of operations (source 002), what one hears on joining, and that all of it ends with the login.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { startLab } from '../../lab/lib.mjs';
import { startServer, until } from './lib/server.mjs';
import { Polling, Socket, ask, openSession } from './lib/sio.mjs';

const MODES = { websocket: ['websocket'], polling: ['polling'], upgrade: ['polling', 'websocket'] };
const FAST = { denied: 50, tick: 300, cache: 50, ha: 1500, tasks: 0.3 };
const SCENE = {
  clusters: ['alpha', 'beta'].map((name) => ({
    name, standalone: true, version: '9.2', nodes: ['pve1'],
    guests: [{ vmid: 100, type: 'qemu', node: 'pve1', name: 'web-1', status: 'running' },
      { vmid: 101, type: 'qemu', node: 'pve1', name: 'web-2', status: 'stopped' }],
  })),
};

const once = (socket, event) => new Promise((resolve) => { socket.once(event, (...args) => { resolve(args); }); });
const connected = async (socket) => { if (!socket.connected) await once(socket, 'connect'); return socket; };

function client(t, server, { mode = 'websocket', ...options } = {}) {
  const socket = io(server.origin, {
    transports: MODES[mode], forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 400, ...options,
  });
  t.after(() => { socket.disconnect(); });
  return socket;
}

/** A server with the lab's two clusters, and their guests known. */
async function start(t) {
  const lab = await startLab({ scenario: SCENE, timing: FAST });
  t.after(() => lab.stop());
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const ids = [];
  for (const it of lab.servers) {
    const added = await server.api('POST', '/api/v1/servers', {
      key, body: { name: it.cluster, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint },
    });
    ids.push(added.id);
  }
  await until('the guests', async () => (await server.api('GET', '/api/v1/vms', { key })).vms.length === 4, { within: 15000 });
  const act = (server_id, vmid, action) =>
    server.api('POST', `/api/v1/servers/${server_id}/nodes/pve1/qemu/${vmid}/${action}`, { key });
  return { server, admin, key, ids, act };
}

/* --- who may come in ---------------------------------------------------------------------------- */

test('a login by cookie, by Bearer header or by a token in the CONNECT payload lets in, and nothing else does', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'read');
  for (const mode of Object.keys(MODES)) {
    for (const options of [{ auth: { token: key } }, { extraHeaders: { Authorization: `Bearer ${key}` } },
      { extraHeaders: { Cookie: admin.cookie } }, { extraHeaders: { Cookie: admin.cookie, Origin: server.origin } }]) {
      const socket = await connected(client(t, server, { mode, ...options }));
      assert.equal(await socket.emitWithAck('ping'), 'ok');
      socket.disconnect();
    }
    for (const [auth, message] of [[{}, /^log in, or send a key$/], [{ token: 'bnk_no_such' }, /no such key/],
      [{ token: 'guess' }, /looks like bnk_/], [{ token: 7 }, /a token is a text/]]) {
      const [error] = await once(client(t, server, { mode, auth }), 'connect_error');
      assert.match(error.message, message);
      assert.deepEqual(error.data, { code: 'unauthorized' });
    }
  }
  const stale = client(t, server, { extraHeaders: { Cookie: 'binnacle=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' } });
  assert.match((await once(stale, 'connect_error'))[0].message, /session has ended/);
  const metrics = await server.makeKey(admin, 'metrics');
  const [error] = await once(client(t, server, { auth: { token: metrics } }), 'connect_error');
  assert.deepEqual(error.data, { code: 'forbidden' });
  const other = client(t, { origin: `${server.origin}/other` }, { auth: { token: key } });
  assert.equal((await once(other, 'connect_error'))[0].message, 'Invalid namespace');
});

test('a page of another site is refused unless the settings name it', async (t) => {
  const server = await startServer(t, { args: ['--allow-origin', 'https://wall.example:3000'] });
  const admin = await server.setup();
  const url = `${server.origin}/socket.io/?EIO=4&transport=polling`;
  const from = (Origin, more = {}) => ask(url, { headers: { Origin, ...more } });
  for (const origin of ['https://evil.example', 'null', `${server.origin}.evil.example`, 'https://wall.example']) {
    const answer = await from(origin, { Cookie: admin.cookie });
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [403, 4], origin);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  assert.equal((await ask(url, { headers: { 'Sec-Fetch-Site': 'cross-site' } })).status, 403);
  const evil = new Socket(`${server.origin}/socket.io/?EIO=4&transport=websocket`, { headers: { Origin: 'https://evil.example' } });
  assert.match(String(await evil.failed), /403/);
  const allowed = await from('https://wall.example:3000');
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers['access-control-allow-origin'], 'https://wall.example:3000');
  assert.equal(allowed.headers['access-control-allow-credentials'], undefined, 'a cookie is no login of another site');
  assert.match(allowed.headers.vary, /Origin/);
  const preflight = await ask(url, {
    method: 'OPTIONS', headers: { Origin: 'https://wall.example:3000', 'Access-Control-Request-Headers': 'x-a' },
  });
  assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin'], preflight.headers['access-control-allow-headers']],
    [204, 'https://wall.example:3000', 'x-a']);
  const refused = await ask(url, { method: 'OPTIONS', headers: { Origin: 'https://evil.example' } });
  assert.equal(refused.headers['access-control-allow-origin'], undefined);
  assert.equal((await from(server.origin)).status, 200, 'its own page');
  assert.equal((await ask(url)).status, 200, 'a program');
});

test('the answers and refusals are those of the protocol', async (t) => {
  const server = await startServer(t);
  await server.setup();
  const base = `${server.origin}/socket.io/`;
  const opened = await ask(`${base}?EIO=4&transport=polling`);
  assert.equal(opened.headers['cache-control'], 'no-store');
  assert.match(opened.headers['content-type'], /^text\/plain; charset=UTF-8$/);
  const hello = JSON.parse(opened.text.slice(1));
  assert.deepEqual({ ...hello, sid: 0 }, { sid: 0, upgrades: ['websocket'], pingInterval: 25000, pingTimeout: 20000, maxPayload: 65536 });
  assert.match(hello.sid, /^[\w-]{22}$/);
  for (const [query, code] of [['?EIO=3&transport=polling', 5], ['?EIO=4&transport=x', 0], ['?EIO=4&transport=polling&sid=x', 1],
    ['?EIO=4&transport=websocket', 3]]) {
    const answer = await ask(base + query);
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [400, code]);
  }
  const session = await new Polling(base).open();
  assert.equal((await session.post('x'.repeat(65537))).status, 413);
  assert.equal((await session.post('4x'.slice(0, 1))).status, 200);
});

test('the rules of a session hold here too', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  const begin = () => new Polling(`${server.origin}/socket.io/`, { Cookie: admin.cookie }).open();
  const isOver = async (session) => { assert.equal(JSON.parse((await session.get()).text).code, 1); };
  const twice = await begin();
  const first = await twice.hold();
  assert.equal((await twice.get()).status, 400);
  assert.deepEqual([(await first.answer).status, (await first.answer).text], [200, '1']);
  await isOver(twice);
  const octets = await begin();
  assert.equal((await octets.post('4a', { headers: { 'Content-Type': 'application/octet-stream' } })).status, 400);
  await isOver(octets);
  const cut = await begin();
  const gone = new AbortController();
  const held = await cut.hold({ signal: gone.signal });
  gone.abort();
  await assert.rejects(held.answer, /abort/);
  await until('the end', async () => (await ask(cut.url, { method: 'POST', headers: cut.headers })).text.includes('unknown'));
  const methods = await begin();
  for (const method of ['PUT', 'DELETE', 'PATCH']) assert.equal((await methods.get({ method })).status, 405);
  const waits = await methods.hold();
  await methods.post('1');
  assert.equal((await waits.answer).text, '6');
  const bad = await begin();
  assert.equal((await bad.post('x')).status, 400);
  await isOver(bad);
});

test('a session is its owner\'s: with another login there is none of that id', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  await server.addUser(admin, 'grace');
  const grace = await server.login('grace');
  const session = await new Polling(`${server.origin}/socket.io/`, { Cookie: admin.cookie }).open();
  for (const headers of [{ Cookie: grace.cookie }, {}, { Authorization: `Bearer ${await server.makeKey(admin, 'read')}` }]) {
    const answer = await ask(session.url, { headers });
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [400, 1]);
    const socket = new Socket(session.url.replace('polling', 'websocket'), { headers });
    assert.match(String(await socket.failed), /400/);
  }
  await session.post('40');
  assert.match(await session.next(), /^40\{"sid"/);
});

test('one person has at most 50 sessions, strangers 256 together and 16 from one address', async (t) => {
  const server = await startServer(t, { args: ['--trusted-proxies', '127.0.0.1'] });
  const admin = await server.setup();
  const base = `${server.origin}/socket.io/?EIO=4&transport=polling`;
  const from = (address) => ask(base, { headers: { 'X-Forwarded-For': address } });
  for (let i = 0; i < 16; i += 1) assert.equal((await from('203.0.113.5')).status, 200);
  assert.equal((await from('203.0.113.5')).status, 403);
  assert.equal((await from('203.0.113.6')).status, 200);
  const own = () => ask(base, { headers: { Cookie: admin.cookie } });
  for (let i = 0; i < 50; i += 1) assert.equal((await own()).status, 200);
  const refused = await own();
  assert.equal(refused.status, 403);
  assert.deepEqual(JSON.parse(refused.text), { code: 4, message: 'too many connections of one person' });
  let strangers = 17; // a slow machine may see the first of them leave again after 10 s
  while ((await ask(base)).status === 200 && strangers < 1000) strangers += 1;
  assert.ok(strangers >= 256 && strangers < 1000, `${strangers} strangers`);
  assert.deepEqual(JSON.parse((await ask(base)).text), { code: 4, message: 'too many connections without a login' });
  const key = await server.makeKey(admin, 'read,metrics');
  await connected(client(t, server, { extraHeaders: { Authorization: `Bearer ${key}` } }));
  const { text } = await server.request('GET', '/metrics', { key });
  assert.ok(Number(/^binnacle_live_connections\{proto="socketio"\} (\d+)$/m.exec(text)[1]) > 50);
});

test('a stranger whose token does not come is sent away after 10 s, and no sooner', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'read');
  const begun = performance.now();
  const { socket } = await openSession(`${server.origin}/socket.io/`);
  const known = await openSession(`${server.origin}/socket.io/`);
  known.socket.send(`40{"token":"${key}"}`);
  await socket.closed;
  assert.ok(performance.now() - begun >= 9000);
  known.socket.send('42["ping"]');
  assert.match(await known.socket.next(), /^40/);
  assert.equal(await known.socket.next(), '42["pong"]');
  known.socket.ws.close();
});

/* --- operations --------------------------------------------------------------------------------- */

for (const mode of Object.keys(MODES))
  test(`by ${mode}: a target's room tells what there is on joining, then each change, and of that target only`, async (t) => {
    const { server, key, ids, act } = await start(t);
    const [one, other, both] = await Promise.all([0, 1, 2].map(() => connected(client(t, server, { mode, auth: { token: key } }))));
    const heard = [[], [], []];
    [one, other, both].forEach((socket, i) => { socket.on('operation:update', ({ operation }) => { heard[i].push(operation); }); });
    const joined = once(one, 'connection:operations');
    assert.equal(await one.emitWithAck('subscribe:connection', ids[0]), 'ok');
    assert.deepEqual(await joined, [{ connectionId: ids[0], operations: [] }]);
    other.emit('subscribe:connection', ids[1]);
    await once(other, 'connection:operations');
    let rejoined = 0;
    both.on('connection:operations', () => { rejoined += 1; });
    both.emit('rejoin:connections', ids);
    await until('both rooms', () => rejoined === 2);

    const { operation_id: id } = await act(ids[0], 101, 'start');
    const isOver = (list) => list.some((it) => it.id === id && it.status === 'completed');
    await until('its end', () => isOver(heard[0]) && isOver(heard[2]), { within: 15000 });
    assert.deepEqual(heard[1], [], 'another target\'s room is silent');
    const last = heard[0].at(-1);
    assert.deepEqual(last, heard[2].at(-1), 'two clients see the same');
    assert.deepEqual(Object.keys(last).sort(),
      ['completedAt', 'connectionId', 'createdBy', 'id', 'message', 'metadata', 'progress', 'startedAt', 'status', 'type']);
    assert.deepEqual([last.connectionId, last.type, last.progress], [ids[0], 'vm_power', 100]);
    assert.match(last.startedAt, /^\d{4}-\d\d-\d\dT.*Z$/);
    const progress = heard[0].map((it) => it.progress);
    assert.deepEqual(progress, [...progress].sort((a, b) => a - b), 'progress never falls');
    assert.ok(heard[0].some((it) => it.status === 'in_progress'));

    const again = once(one, 'connection:operations');
    one.emit('subscribe:connection', ids[0]);
    const [{ operations }] = await again;
    assert.deepEqual(operations, [last], 'what just ended is told on joining');
    assert.equal(await one.emitWithAck('unsubscribe:connection', ids[0]), 'ok');
    const before = heard[0].length;
    await act(ids[0], 101, 'stop');
    await until('the others to hear it', () => heard[2].some((it) => it.id !== id));
    assert.equal(heard[0].length, before);
  });

test('errors are events, administrators watch all, and every event with an id is acknowledged', async (t) => {
  const { server, admin, ids, act } = await start(t);
  const socket = await connected(client(t, server, { extraHeaders: { Cookie: admin.cookie } }));
  for (const [event, value, message] of [['subscribe:connection', 999999, 'Connection not found'],
    ['subscribe:connection', 'no such', 'Connection not found'], ['subscribe:connection', null, 'Failed to subscribe to connection'],
    ['subscribe:connection', { a: 1 }, 'Failed to subscribe to connection'],
    ['rejoin:connections', 'x', 'Failed to rejoin connections']]) {
    const told = once(socket, 'error');
    assert.equal(await socket.emitWithAck(event, value), message);
    assert.deepEqual(await told, [{ message }]);
  }
  const told = once(socket, 'error');
  socket.emit('rejoin:connections', [ids[0], 'gone', ids[1]]);
  assert.deepEqual(await told, [{ message: 'Connection not found' }]);
  const target = await server.api('POST', '/api/v1/targets', {
    cookie: admin.cookie,
    body: { name: 'box', host: '127.0.0.1', port: 2222, username: 'ops', auth: { kind: 'password', password: 'a secret of the box' } },
  });
  const joined = once(socket, 'connection:operations');
  assert.equal(await socket.emitWithAck('subscribe:connection', target.id), 'ok');
  assert.deepEqual(await joined, [{ connectionId: target.id, operations: [] }]);
  const pong = once(socket, 'pong');
  socket.emit('ping');
  assert.deepEqual(await pong, []);
  assert.equal(await socket.emitWithAck('nobody knows this', 1), 'ok');

  const all = once(socket, 'admin:operations');
  socket.emit('subscribe:admin');
  assert.deepEqual(await all, [{ operations: [] }]);
  const heard = [];
  socket.on('operation:update', ({ operation }) => { heard.push(operation); });
  await act(ids[1], 101, 'start');
  await until('its end', () => heard.some((it) => it.status === 'completed'), { within: 15000 });
  assert.equal(new Set(heard.map((it) => JSON.stringify(it))).size, heard.length, 'each change once, though it is in two rooms');

  await server.addUser(admin, 'grace');
  const grace = await server.login('grace');
  const viewer = await connected(client(t, server, { extraHeaders: { Cookie: grace.cookie } }));
  const refused = once(viewer, 'error');
  viewer.emit('subscribe:admin');
  assert.deepEqual(await refused, [{ message: 'Access denied' }]);
});

test('a client watches at most 200 targets', async (t) => {
  const server = await startServer(t, { args: ['--max-servers', '300', '--allow-target', '127.0.0.0/8', '--check-interval', '24h'] });
  const admin = await server.setup();
  const rows = Array.from({ length: 201 }, (_, i) => `s${i},127.0.0.1,${20000 + i},a@pam!t=00000000-0000-0000-0000-000000000000`);
  await server.api('POST', '/api/v1/servers/import', {
    cookie: admin.cookie, headers: { 'Content-Type': 'text/csv' }, body: ['name,host,port,api_token', ...rows].join('\n'),
  });
  const ids = (await server.api('GET', '/api/v1/servers', { cookie: admin.cookie })).servers.map((it) => it.id);
  assert.equal(ids.length, 201);
  const socket = await connected(client(t, server, { extraHeaders: { Cookie: admin.cookie } }));
  let joined = 0;
  socket.on('connection:operations', () => { joined += 1; });
  socket.emit('rejoin:connections', ids.slice(0, 200));
  await until('200 rooms', () => joined === 200);
  assert.equal(await socket.emitWithAck('subscribe:connection', ids[200]), 'too many subscriptions on this connection');
  assert.equal(await socket.emitWithAck('unsubscribe:connection', ids[0]), 'ok');
  assert.equal(await socket.emitWithAck('subscribe:connection', ids[200]), 'ok');
});

/* --- the end ------------------------------------------------------------------------------------ */

for (const mode of ['websocket', 'polling'])
  test(`by ${mode}: everything ends within a second of the login, and does not come back`, async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    await server.addUser(admin, 'grace');
    const grace = await server.login('grace');
    const { key, id } = await server.api('POST', '/api/v1/keys', { cookie: admin.cookie, body: { name: 'k', scopes: 'read' } })
      .then((it) => ({ key: it.key, id: it.id ?? it.key.split('_')[1] }));
    const [byCookie, byToken] = await Promise.all([
      connected(client(t, server, { mode, extraHeaders: { Cookie: grace.cookie } })),
      connected(client(t, server, { mode, auth: { token: key } })),
    ]);
    const begun = performance.now();
    const gone = Promise.all([once(byCookie, 'disconnect'), once(byToken, 'disconnect')]);
    await server.api('DELETE', '/api/v1/session', { cookie: grace.cookie });
    await server.api('DELETE', `/api/v1/keys/${id}`, { cookie: admin.cookie });
    for (const [why] of await gone) assert.equal(why, 'io server disconnect');
    assert.ok(performance.now() - begun < 1500);
  });

test('a client that says too much at once is closed, a page that joins 200 targets and leaves them is not', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'read');
  const { socket } = await openSession(`${server.origin}/socket.io/`);
  socket.send(`40{"token":"${key}"}`);
  await socket.next();
  for (let i = 0; i < 400; i += 1) socket.send('42["ping"]');
  for (let i = 0; i < 400; i += 1) assert.equal(await socket.next(), '42["pong"]');
  for (let i = 0; i < 400; i += 1) socket.send('42["ping"]');
  await socket.closed;
});

test('after a restart of the server clients come back and join again', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'read');
  const sockets = ['websocket', 'polling'].map((mode) => client(t, server, { mode, auth: { token: key } }));
  await Promise.all(sockets.map(connected));
  assert.equal(await server.stop(), 0);
  await until('the loss', () => sockets.every((socket) => !socket.connected));
  server.options.listen = `127.0.0.1:${server.port}`;
  await server.start();
  await Promise.all(sockets.map(connected));
  for (const socket of sockets) assert.equal(await socket.emitWithAck('rejoin:connections', []), 'ok');
});

test('below a base path', async (t) => {
  const server = await startServer(t, { args: ['--base-path', '/ops'] });
  const answer = await server.request('POST', '/ops/api/v1/setup', { body: { code: server.code, username: 'ada', password: 'a harbour pilot 9' } });
  const cookie = answer.headers['set-cookie'][0].split(';')[0];
  for (const mode of Object.keys(MODES)) {
    const socket = await connected(client(t, server, { mode, path: '/ops/socket.io/', extraHeaders: { Cookie: cookie } }));
    assert.equal(await socket.emitWithAck('ping'), 'ok');
    socket.disconnect();
  }
});
