// The unmodified socket.io-client 4 against the conformance server, by WebSocket, by long polling and
// with an upgrade from one to the other: connect, events, acks, bytes, reconnects, signs of life.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { startConformance } from './lib/sio.mjs';
import { until } from './lib/server.mjs';

const MODES = { websocket: ['websocket'], polling: ['polling'], upgrade: ['polling', 'websocket'] };
let server;
const open = new Set();

// On a busy machine a client may well be late by 200 ms; where that is what is tested, it has its own.
before(async () => { server = await startConformance(['--ping-timeout', '10000']); });

after(async () => {
  for (const client of open) client.disconnect();
  const { code, log } = await server.stop();
  assert.equal(code, 0, log);
  assert.equal(log, '');
});

function client(mode, { nsp = '/', url = server.url, ...options } = {}) {
  const socket = io(url + nsp, {
    transports: MODES[mode], forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options,
  });
  open.add(socket);
  return socket;
}

const once = (socket, event) => new Promise((resolve) => { socket.once(event, (...args) => { resolve(args); }); });
const connected = async (socket) => { if (!socket.connected) await once(socket, 'connect'); };

for (const mode of Object.keys(MODES))
  describe(`by ${mode}`, () => {
    test('connects with its auth object, echoes and acknowledges', async () => {
      const socket = client(mode, { auth: { token: 'T' } });
      assert.deepEqual(await once(socket, 'auth'), [{ token: 'T' }]);
      const back = once(socket, 'message-back');
      socket.emit('message', 1, 'two', { three: [null, true] });
      assert.deepEqual(await back, [1, 'two', { three: [null, true] }]);
      assert.equal(await socket.emitWithAck('message-with-ack', 'x'), 'x');
      assert.ok(socket.id && socket.id !== socket.io.engine.id);
      socket.disconnect();
    });

    test('bytes go both ways, in events and in acks', async () => {
      const socket = client(mode);
      const back = once(socket, 'message-back');
      socket.emit('message', Buffer.from([1, 2, 3]), { deep: [Buffer.alloc(70000, 7)] }, Buffer.alloc(0));
      const [first, second, third] = await back;
      assert.deepEqual([...new Uint8Array(first)], [1, 2, 3]);
      assert.equal(Buffer.compare(Buffer.from(second.deep[0]), Buffer.alloc(70000, 7)), 0);
      assert.equal(third.byteLength, 0);
      const echo = await socket.emitWithAck('message-with-ack', { b: Buffer.from('hi') });
      assert.equal(Buffer.from(echo.b).toString(), 'hi');
      const binary = once(socket, 'binary');
      socket.emit('send-binary', 300);
      const [bytes, tail] = await binary;
      assert.equal(bytes.byteLength, 300);
      assert.deepEqual([...new Uint8Array(tail.k)], [9, 8, 7]);
      socket.disconnect();
    });

    test('answers what the server asks', async () => {
      const socket = client(mode);
      socket.on('question', (what, answer) => { answer(`${what}!`, 2); });
      const settled = await new Promise((resolve) => {
        socket.emit('ask-me', 'why', (...args) => { resolve(args); });
      });
      assert.deepEqual(settled, ['answered', 'why!', 2]);
      socket.disconnect();
    });

    test('two clients share a room', async () => {
      const [a, b] = [client(mode), client(mode)];
      await Promise.all([connected(a), connected(b)]);
      assert.equal(await a.emitWithAck('join', `room ${mode}`), 'ok');
      const heard = once(a, 'news');
      assert.equal(await b.emitWithAck('publish', `room ${mode}`, 'news', { n: 1 }), 'ok');
      assert.deepEqual(await heard, [{ n: 1 }]);
      a.disconnect();
      b.disconnect();
    });

    test('several namespaces share a connection; one is refused with its data', async () => {
      const socket = client(mode);
      const custom = socket.io.socket('/custom');
      const secure = socket.io.socket('/secure', { auth: { token: 'wrong' } });
      const nothing = socket.io.socket('/nothing');
      const [refused] = await once(secure, 'connect_error');
      assert.equal(refused.message, 'not authorized');
      assert.deepEqual(refused.data, { code: 'E_AUTH', retry: false });
      await Promise.all([connected(socket), connected(custom)]);
      assert.equal((await once(nothing.connect(), 'connect_error'))[0].message, 'Invalid namespace');
      secure.auth = { token: 'letmein' };
      secure.connect();
      await connected(secure);
      assert.equal(await custom.emitWithAck('message-with-ack', 1), 1);
      for (const one of [socket, custom, secure]) one.disconnect();
    });

    test('stays over many pings, and hears why it was sent away', async () => {
      const socket = client(mode);
      await connected(socket);
      let pings = 0;
      socket.io.on('ping', () => { pings += 1; });
      await until('three pings', () => pings >= 3);
      const [why] = await Promise.all([once(socket, 'disconnect'), socket.emit('kick')]);
      assert.equal(why[0], 'io server disconnect');
    });

    test('comes back by itself after the transport was dropped, and what it said meanwhile arrives', async () => {
      const socket = client(mode);
      await connected(socket);
      const first = socket.id;
      socket.emit('drop-transport');
      const [why] = await once(socket, 'disconnect');
      assert.ok(['transport close', 'transport error'].includes(why), why);
      const back = once(socket, 'message-back');
      socket.emit('message', 'kept');
      assert.deepEqual(await back, ['kept']);
      assert.notEqual(socket.id, first);
      socket.disconnect();
    });

    test('a burst arrives whole and in order', async () => {
      const socket = client(mode);
      await connected(socket);
      const numbers = [];
      socket.on('burst-item', (n, text) => { assert.equal(text.length, 500); numbers.push(n); });
      socket.emit('burst', 1000, 500);
      await until('the burst', () => numbers.length === 1000, { within: 10000 });
      assert.deepEqual(numbers, [...Array(1000).keys()]);
      socket.disconnect();
    });

    test('comes back after the server was started again', async () => {
      const own = await startConformance(['--ping-timeout', '10000']);
      const socket = client(mode, { url: own.url });
      await connected(socket);
      assert.equal((await own.stop()).code, 0);
      await until('the loss', () => !socket.connected);
      const again = await startConformance(['--ping-timeout', '10000'], own.port);
      await connected(socket);
      assert.equal(await socket.emitWithAck('message-with-ack', 'again'), 'again');
      socket.disconnect();
      assert.equal((await again.stop()).code, 0);
    });

    test('notices a server that stands still', async () => {
      const own = await startConformance();
      const socket = client(mode, { url: own.url, reconnection: false });
      await connected(socket);
      process.kill(own.pid, 'SIGSTOP');
      try {
        assert.equal((await once(socket, 'disconnect'))[0], 'ping timeout');
      } finally {
        process.kill(own.pid, 'SIGCONT');
      }
      assert.equal((await own.stop()).code, 0);
    });
  });

test('an upgrade happens and nothing said around it is lost', async () => {
  for (let round = 0; round < 5; round += 1) {
    const socket = client('upgrade');
    const got = [];
    socket.on('message-back', (n) => { got.push(n); });
    const upgraded = new Promise((resolve) => { socket.io.engine.once('upgrade', (t) => { resolve(t.name); }); });
    let n = 0;
    const talk = setInterval(() => { socket.emit('message', n); n += 1; }, 2);
    assert.equal(await upgraded, 'websocket');
    clearInterval(talk);
    const last = n;
    await until('the echoes', () => got.length === last);
    assert.deepEqual(got, [...Array(last).keys()]);
    socket.disconnect();
  }
});
