// Connection state recovery of the conformance server (--recovery): by hand, and with socket.io-client 4.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { io } from 'socket.io-client';
import { openSession, startConformance } from './lib/sio.mjs';
import { until } from './lib/server.mjs';

let server;
let sio;

before(async () => {
  server = await startConformance(['--recovery', '--ping-timeout', '10000']);
  sio = `${server.url}/socket.io/`;
});

after(async () => {
  const { code, log } = await server.stop();
  assert.equal(code, 0, log);
  assert.equal(log, '');
});

const connect = async (auth = {}) => {
  const { socket } = await openSession(sio);
  socket.send(`40${JSON.stringify(auth)}`);
  return socket;
};

const parse = (packet) => JSON.parse(packet.slice(packet.search(/[[{]/)));

/** Past the connecting: its ids, and the position of the last event. */
const begin = async () => {
  const socket = await connect();
  const said = parse(await socket.next());
  assert.deepEqual(Object.keys(said), ['sid', 'pid']);
  assert.notEqual(said.sid, said.pid);
  const auth = parse(await socket.next());
  assert.deepEqual(auth.slice(0, 2), ['auth', {}]);
  assert.equal(typeof auth[2], 'string');
  return { socket, ...said, offset: auth[2] };
};

test('who comes back is told what it missed, before the word that it is connected, with its old ids', async () => {
  const lost = await begin();
  lost.socket.send('421["join","blue"]');
  assert.equal(await lost.socket.next(), '431["ok"]', 'an ack has no position');
  lost.socket.ws.terminate();
  const other = await begin();
  other.socket.send('42["publish","blue","news",{"n":1}]');
  other.socket.send('42["publish","red","not for it"]');
  other.socket.send('451-2["publish","blue","bytes",{"_placeholder":true,"num":0}]');
  other.socket.send(Buffer.from([7]));
  assert.equal(await other.socket.next(), '432["ok"]');
  const again = await connect({ pid: lost.pid, offset: lost.offset });
  const [event, first, position] = parse(await again.next());
  assert.deepEqual([event, first, typeof position], ['news', { n: 1 }, 'string']);
  assert.match(await again.next(), /^451-\["bytes",\{"_placeholder":true,"num":0\},"[^"]+"\]$/);
  assert.deepEqual(await again.next(), Buffer.from([7]));
  assert.deepEqual(parse(await again.next()), { sid: lost.sid, pid: lost.pid });
  await again.next();
  other.socket.send('42["publish","blue","later"]');
  assert.equal(parse(await again.next())[0], 'later', 'it is in its room again');
});

for (const [what, auth] of [['an unknown secret', (it) => ({ pid: 'x'.repeat(22), offset: it.offset })],
  ['an unknown position', (it) => ({ pid: it.pid, offset: 'o999999' })], ['no position', (it) => ({ pid: it.pid })],
  ['nonsense', () => ({ pid: 7, offset: {} })]])
  test(`${what} begins anew`, async () => {
    const lost = await begin();
    lost.socket.ws.terminate();
    const again = await connect(auth(lost));
    const said = parse(await again.next());
    assert.notEqual(said.sid, lost.sid);
    assert.notEqual(said.pid, lost.pid);
  });

test('who left on purpose is not waited for', async () => {
  for (const goodbye of ['41', '42["kick"]']) {
    const left = await begin();
    left.socket.send(goodbye);
    left.socket.send('40');
    while (!(await left.socket.next()).startsWith('40'));
    left.socket.ws.terminate();
    const again = await connect({ pid: left.pid, offset: left.offset });
    assert.notEqual(parse(await again.next()).sid, left.sid);
  }
});

test('one that is still here gives way to itself', async () => {
  const old = await begin();
  const again = await connect({ pid: old.pid, offset: old.offset });
  assert.deepEqual(parse(await again.next()), { sid: old.sid, pid: old.pid });
  await old.socket.closed;
  again.send('42["message",1]');
  await again.next();
  assert.deepEqual(parse(await again.next()).slice(0, 2), ['message-back', 1]);
});

test('the real client recovers, and misses nothing', async (t) => {
  const socket = io(server.url, { transports: ['websocket'], forceNew: true, reconnectionDelay: 300, reconnectionDelayMax: 300 });
  const other = io(server.url, { transports: ['polling'], forceNew: true });
  t.after(() => { socket.disconnect(); other.disconnect(); });
  const got = [];
  socket.on('news', (n) => { got.push(n); });
  await new Promise((resolve) => { socket.once('auth', resolve); });
  const { id } = socket;
  await socket.emitWithAck('join', 'green');
  await other.emitWithAck('publish', 'green', 'news', 1);
  socket.io.engine.close();
  await other.emitWithAck('publish', 'green', 'news', 2);
  await until('the recovery', () => socket.connected);
  assert.equal(socket.recovered, true);
  assert.equal(socket.id, id);
  await other.emitWithAck('publish', 'green', 'news', 3);
  await until('all three', () => got.length === 3);
  assert.deepEqual(got, [1, 2, 3]);
});
