// Engine.IO 4 and Socket.IO 5 by hand against the conformance server (SOCKETIO section 11): what public
// protocol suites check, each rule of polling, upgrade, errors, packets, namespaces and acks.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { RS, Polling, ask, openSession, openSocket, Socket, startConformance } from './lib/sio.mjs';
import { until } from './lib/server.mjs';

const PING_MS = 300;
const PONG_MS = 200;
let server;
let brisk; // with the figures of section 11; the other one gives a busy machine time for its pongs
let engine;
let sio;

before(async () => {
  server = await startConformance(['--ping-timeout', '10000']);
  brisk = await startConformance();
  engine = `${server.url}/engine.io/`;
  sio = `${server.url}/socket.io/`;
});

after(async () => {
  for (const one of [server, brisk]) {
    const { code, log } = await one.stop();
    assert.equal(code, 0, log);
    assert.equal(log, '');
  }
});

const isOver = async (session) => {
  const answer = await session.get();
  assert.equal(answer.status, 400);
  assert.deepEqual(JSON.parse(answer.text), { code: 1, message: 'Session ID unknown' });
};

const poll = () => new Polling(engine).open();

describe('the handshake', () => {
  test('over polling says exactly five things, and the answer is plain text nobody keeps', async () => {
    const answer = await ask(`${brisk.url}/engine.io/?EIO=4&transport=polling`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'], /^text\/plain; charset=UTF-8$/i);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(answer.text[0], '0');
    const said = JSON.parse(answer.text.slice(1));
    assert.deepEqual(Object.keys(said), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
    assert.match(said.sid, /^[\w-]{20,}$/);
    assert.deepEqual({ ...said, sid: 0 }, {
      sid: 0, upgrades: ['websocket'], pingInterval: PING_MS, pingTimeout: PONG_MS, maxPayload: 1000000,
    });
  });

  test('over a WebSocket offers no upgrade', async () => {
    const { socket, hello } = await openSession(engine);
    assert.deepEqual(hello.upgrades, []);
    socket.ws.close();
  });

  test('session ids are never the same', async () => {
    const sids = await Promise.all(Array.from({ length: 20 }, async () => (await poll()).hello.sid));
    assert.equal(new Set(sids).size, 20);
  });

  const refusals = [
    ['GET', '?transport=polling', 400, 5, 'Unsupported protocol version'],
    ['GET', '?EIO=abc&transport=polling', 400, 5, 'Unsupported protocol version'],
    ['GET', '?EIO=3&transport=polling', 400, 5, 'Unsupported protocol version'],
    ['GET', '?EIO=4', 400, 0, 'Transport unknown'],
    ['GET', '?EIO=4&transport=abc', 400, 0, 'Transport unknown'],
    ['GET', '?EIO=4&transport=webtransport', 400, 0, 'Transport unknown'],
    ['POST', '?EIO=4&transport=polling', 400, 2, 'Bad handshake method'],
    ['PUT', '?EIO=4&transport=polling', 400, 2, 'Bad handshake method'],
    ['GET', '?EIO=4&transport=websocket', 400, 3, 'Bad request'],
    ['GET', '?EIO=4&transport=polling&sid=abc', 400, 1, 'Session ID unknown'],
    ['GET', '?EIO=4&transport=polling&sid=__proto__', 400, 1, 'Session ID unknown'],
    ['GET', '?EIO=4&transport=polling&sid=', 400, 1, 'Session ID unknown'],
    ['GET', '?EIO=4&transport=%zz', 400, 3, 'Bad request'],
  ];
  for (const [method, query, status, code, message] of refusals)
    test(`${method} ${query} is refused with code ${code}`, async () => {
      const answer = await ask(engine + query, { method });
      assert.equal(answer.status, status);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      assert.deepEqual(JSON.parse(answer.text), { code, message });
    });

  test('an Origin of strange bytes is refused before anything else is looked at', async () => {
    const answer = await ask(`${engine}?EIO=4&transport=polling&sid=abc`, { headers: { Origin: 'http://\u00e4' } });
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [400, 3]);
  });

  for (const query of ['?transport=websocket', '?EIO=abc&transport=websocket', '?EIO=4&transport=abc', '?EIO=4',
    '?EIO=4&transport=websocket&sid=abc'])
    test(`a WebSocket that asks for ${query} gets none`, async () => {
      const socket = new Socket(engine + query);
      assert.match(String(await socket.failed), /400/);
    });

  test('a preflight is answered', async () => {
    const answer = await ask(`${engine}?EIO=4&transport=polling`, {
      method: 'OPTIONS', headers: { Origin: 'http://a.example', 'Access-Control-Request-Headers': 'x-key' },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-headers'], 'x-key');
    assert.match(answer.headers['access-control-allow-methods'], /POST/);
    assert.match(answer.headers.vary, /Access-Control-Request-Headers/i);
  });
});

describe('messages', () => {
  test('one, over polling', async () => {
    const session = await poll();
    const answer = await session.post('4hello');
    assert.deepEqual([answer.status, answer.text, answer.headers['content-type']], [200, 'ok', 'text/html']);
    assert.equal(await session.next(), '4hello');
  });

  test('several in one body, in their order', async () => {
    const session = await poll();
    await session.post(['4a', '4b', '4', '4\u20ac'].join(RS));
    for (const want of ['4a', '4b', '4', '4\u20ac']) assert.equal(await session.next(), want);
  });

  test('bytes in a body are base64', async () => {
    const session = await poll();
    await session.post(['4hello', 'bAQIDBA==', 'b'].join(RS));
    for (const want of ['4hello', 'bAQIDBA==', 'b']) assert.equal(await session.next(), want);
  });

  test('a poll waits until there is something', async () => {
    const session = await poll();
    const held = await session.hold();
    await session.post('4later');
    assert.equal((await held.answer).text, '4later');
  });

  test('a body without a type, and in chunks', async () => {
    const session = await poll();
    const text = await new Promise((resolve, reject) => {
      const req = http.request(session.url, { method: 'POST' }, (res) => {
        res.on('data', (piece) => { resolve(piece.toString()); });
      });
      req.on('error', reject);
      req.write('4he');
      req.end('llo');
    });
    assert.equal(text, 'ok');
    assert.equal(await session.next(), '4hello');
  });

  test('text and bytes over a WebSocket', async () => {
    const { socket } = await openSession(engine);
    socket.send('4hello');
    assert.equal(await socket.next(), '4hello');
    socket.send(Buffer.from([1, 2, 3]));
    assert.deepEqual(await socket.next(), Buffer.from([1, 2, 3]));
    socket.send('4');
    assert.equal(await socket.next(), '4');
    socket.ws.close();
  });

  test('packets a client never sends are passed over', async () => {
    const { socket } = await openSession(engine);
    for (const packet of ['0', '6', '5', '3', '4still here']) socket.send(packet);
    assert.equal(await socket.next(), '4still here');
    socket.ws.close();
  });

  for (const bad of ['abc', '', '7', `${RS}4a`, '4\ufffd'.slice(0, 1) + RS, 'bA', 'b!!!!'])
    test(`the body ${JSON.stringify(bad)} ends the session`, async () => {
      const session = await poll();
      const answer = await session.post(bad);
      assert.ok([200, 400].includes(answer.status));
      await isOver(session);
    });

  test('what stands before a bad packet is heard, what stands after it is not', async () => {
    const session = await poll();
    const held = await session.hold();
    await session.post(`4a${RS}x${RS}4b`);
    assert.equal((await held.answer).text, '1');
    await isOver(session);
  });

  test('a WebSocket message that is no packet ends the session', async () => {
    const { socket } = await openSession(engine);
    socket.send('abc');
    await socket.closed;
  });

  test('a body of maxPayload is taken, one byte more is 413 and the session stays', async () => {
    const session = await poll();
    const big = `4${'x'.repeat(999999)}`;
    assert.equal((await session.post(big)).status, 200);
    assert.equal((await session.next()).length, 1000000);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await session.post(`${big}x`, { agent })).status, 413);
    assert.equal((await session.post('4after', { agent })).status, 200);
    assert.equal(await session.next(), '4after');
    agent.destroy();
  });

  test('a WebSocket message over maxPayload closes with 1009', async () => {
    const { socket } = await openSession(engine);
    socket.send(`4${'x'.repeat(1000000)}`);
    assert.equal(await socket.closed, 1009);
  });

  test('a POST of octets is refused and ends the session', async () => {
    const session = await poll();
    const answer = await session.post('4a', { headers: { 'Content-Type': 'application/octet-stream' } });
    assert.equal(answer.status, 400);
    await isOver(session);
  });

  for (const method of ['PUT', 'DELETE', 'PATCH'])
    test(`${method} within a session is refused, and the session stays`, async () => {
      const session = await poll();
      const answer = await session.get({ method });
      assert.ok([400, 405].includes(answer.status));
      await session.post('4a');
      assert.equal(await session.next(), '4a');
    });
});

describe('two requests at once', () => {
  test('a second poll ends the session: the first is told, the second refused', async () => {
    const session = await poll();
    const first = await session.hold();
    const second = await session.get();
    assert.equal((await first.answer).status, 200);
    assert.equal((await first.answer).text, '1');
    assert.equal(second.status, 400);
    await isOver(session);
  });

  test('a second POST while one is coming ends the session and cuts the first', async () => {
    const session = await poll();
    const first = http.request(session.url, { method: 'POST', headers: { 'Content-Length': 10 } });
    const cut = new Promise((resolve) => { first.on('error', resolve); });
    await new Promise((resolve) => { first.write('4abc', resolve); });
    await session.settle();
    assert.equal((await session.post('4b')).status, 400);
    assert.match(String(await cut), /ECONNRESET|socket hang up/);
    await isOver(session);
  });

  test('a poll that is cut ends the session', async () => {
    const session = await poll();
    const gone = new AbortController();
    const held = await session.hold({ signal: gone.signal });
    gone.abort();
    await assert.rejects(held.answer, /abort/);
    await until('the end', async () => (await ask(session.url, { method: 'PUT' })).text.includes('unknown'));
  });

  test('a POST that is cut ends the session', async () => {
    const session = await poll();
    const socket = net.connect(server.port, '127.0.0.1');
    const text = `POST ${session.url.slice(server.url.length)} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4ab`;
    await new Promise((resolve) => { socket.write(text, resolve); });
    await session.settle();
    socket.destroy();
    await until('the end', async () => (await ask(session.url, { method: 'PUT' })).text.includes('unknown'));
  });
});

describe('signs of life', () => {
  let lively;
  before(() => { lively = `${brisk.url}/engine.io/`; });

  test('a ping each interval, over polling', async () => {
    const session = await new Polling(engine).open();
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await session.get()).text, '2');
      assert.equal((await session.post('3')).status, 200);
    }
  });

  test('a ping each interval, over a WebSocket', async () => {
    const { socket } = await openSession(engine, { pongs: false });
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await socket.next(), '2');
      socket.send('3');
    }
    socket.ws.close();
  });

  test('without a pong the session ends, over polling', async () => {
    const session = await new Polling(lively).open();
    assert.equal((await session.get()).text, '2');
    await until('the end', async () => (await ask(session.url, { method: 'PUT' })).text.includes('unknown'));
  });

  test('without a pong the session ends, over a WebSocket, and not before its time', async () => {
    const begun = performance.now();
    const { socket } = await openSession(lively, { pongs: false });
    await socket.closed;
    assert.ok(performance.now() - begun >= PING_MS + PONG_MS - 60);
  });

  test('messages are no pong', async () => {
    const { socket } = await openSession(lively, { pongs: false });
    const talk = setInterval(() => { if (socket.ws.readyState === 1) socket.send('4x'); }, 50);
    await socket.closed;
    clearInterval(talk);
  });

  test('a client that pings is ended: that is the older protocol', async () => {
    const { socket } = await openSession(lively);
    socket.send('2');
    await socket.closed;
    const session = await new Polling(lively).open();
    await session.post('2');
    await isOver(session);
  });
});

describe('the end', () => {
  test('a client that polls says 1: its poll is answered 6 and the session is gone', async () => {
    const session = await poll();
    const held = await session.hold();
    assert.equal((await session.post('1')).text, 'ok');
    assert.equal((await held.answer).text, '6');
    await isOver(session);
  });

  test('a client on a WebSocket says 1: it is closed', async () => {
    const { socket } = await openSession(engine);
    socket.send('1');
    assert.equal(await socket.closed, 1000);
  });
});

describe('the upgrade', () => {
  const probe = async (session) => {
    const socket = new Socket(`${engine}?EIO=4&transport=websocket&sid=${session.hello.sid}`);
    await socket.opened;
    socket.send('2probe');
    assert.equal(await socket.next(), '3probe');
    return socket;
  };

  test('moves the session to the WebSocket', async () => {
    const session = await poll();
    const socket = await probe(session);
    socket.send('5');
    socket.send('4hello');
    assert.equal(await socket.next(), '4hello');
    socket.ws.close();
  });

  test('a poll that waits is answered 6 as soon as the probe is', async () => {
    const session = await poll();
    const held = await session.hold();
    const socket = await probe(session);
    assert.equal((await held.answer).text, '6');
    assert.equal((await session.get()).text, '6', 'and the next one at once');
    socket.send('5');
    socket.send('4x');
    assert.equal(await socket.next(), '4x');
    socket.ws.close();
  });

  test('loses and reorders nothing', async () => {
    const session = await poll();
    await session.post(['4a', 'bAQI=', '4b'].join(RS));
    const socket = await probe(session);
    await session.post('4c');
    const held = await session.get();
    assert.equal(held.text, ['4a', 'bAQI=', '4b', '4c'].join(RS));
    await session.post('4d');
    socket.send('5');
    socket.send('4e');
    assert.equal(await socket.next(), '4d');
    assert.equal(await socket.next(), '4e');
    socket.ws.close();
  });

  test('goes on with what waited when nobody polled', async () => {
    const session = await poll();
    await session.post(['4a', 'bAQI='].join(RS));
    const socket = await probe(session);
    socket.send('5');
    assert.equal(await socket.next(), '4a');
    assert.deepEqual(await socket.next(), Buffer.from([1, 2]));
    socket.ws.close();
  });

  test('afterwards requests with that id are refused', async () => {
    const session = await poll();
    const socket = await probe(session);
    socket.send('5');
    socket.send('4x');
    await socket.next();
    for (const answer of [await session.get(), await session.post('4y')]) {
      assert.equal(answer.status, 400);
      assert.deepEqual(JSON.parse(answer.text), { code: 3, message: 'Bad request' });
    }
    const other = new Socket(`${engine}?EIO=4&transport=websocket&sid=${session.hello.sid}`);
    await other.closed;
    socket.send('4z');
    assert.equal(await socket.next(), '4z');
    socket.ws.close();
  });

  test('a second candidate is closed, the first goes on', async () => {
    const session = await poll();
    const socket = await probe(session);
    const other = new Socket(`${engine}?EIO=4&transport=websocket&sid=${session.hello.sid}`);
    await other.closed;
    socket.send('5');
    socket.send('4a');
    assert.equal(await socket.next(), '4a');
    socket.ws.close();
  });

  for (const [what, messages] of [['another first word', ['4a']], ['5 before the probe', ['5']],
    ['another second word', ['2probe', '4a']]])
    test(`${what} closes the candidate and leaves the session`, async () => {
      const session = await poll();
      const socket = new Socket(`${engine}?EIO=4&transport=websocket&sid=${session.hello.sid}`);
      await socket.opened;
      for (const message of messages) socket.send(message);
      await socket.closed;
      await session.post('4still');
      assert.equal(await session.next(), '4still');
    });

  test('a candidate that dies leaves the session polling', async () => {
    const session = await poll();
    const socket = await probe(session);
    socket.ws.terminate();
    await socket.closed;
    await session.post('4still');
    assert.equal(await session.next(), '4still');
  });

  test('the pings of a session go on over the WebSocket', async () => {
    const session = await poll();
    const socket = await probe(session);
    socket.send('5');
    let pings = 0;
    socket.ws.on('message', (data) => { pings += data.toString() === '2' ? 1 : 0; });
    await until('two pings', () => pings >= 2);
    socket.ws.close();
  });
});

/* --- Socket.IO ---------------------------------------------------------------------------------- */

const connect = async (nsp = '', auth = '') => {
  const { socket, hello } = await openSession(sio);
  socket.send(`40${nsp ? `${nsp},` : ''}${auth}`);
  const answer = await socket.next();
  const first = await socket.next();
  return { socket, hello, answer, first };
};

describe('namespaces', () => {
  test('connecting to the main one gives an id that is not the session\'s', async () => {
    const { socket, hello, answer, first } = await connect();
    assert.match(answer, /^40\{"sid":"[\w-]{20,}"\}$/);
    assert.notEqual(JSON.parse(answer.slice(2)).sid, hello.sid);
    assert.equal(first, '42["auth",{}]');
    socket.ws.close();
  });

  test('the auth object arrives', async () => {
    const { first } = await connect('', '{"token":"123"}');
    assert.equal(first, '42["auth",{"token":"123"}]');
  });

  test('a custom one, with and without its comma', async () => {
    const { answer, first } = await connect('/custom', '{"token":"abc"}');
    assert.match(answer, /^40\/custom,\{"sid":"[\w-]+"\}$/);
    assert.equal(first, '42/custom,["auth",{"token":"abc"}]');
    const { socket } = await openSession(sio);
    socket.send('40/custom');
    assert.match(await socket.next(), /^40\/custom,/);
  });

  test('one there is not is refused and the connection stays', async () => {
    const { socket } = await openSession(sio);
    socket.send('40/random');
    assert.equal(await socket.next(), '44/random,{"message":"Invalid namespace"}');
    socket.send('40');
    assert.match(await socket.next(), /^40\{/);
  });

  test('a refusal carries data, and a second try may succeed', async () => {
    const { socket } = await openSession(sio);
    socket.send('40/secure,{"token":"guess"}');
    assert.equal(await socket.next(),
      '44/secure,{"message":"not authorized","data":{"code":"E_AUTH","retry":false}}');
    socket.send('40/secure');
    assert.match(await socket.next(), /^44\/secure,/);
    socket.send('40/secure,{"token":"letmein"}');
    assert.match(await socket.next(), /^40\/secure,\{"sid"/);
  });

  test('several on one connection, each left by itself', async () => {
    const { socket } = await connect();
    socket.send('40/custom,');
    await socket.next();
    await socket.next();
    socket.send('41/custom,');
    socket.send('42["message","main"]');
    assert.equal(await socket.next(), '42["message-back","main"]');
    socket.send('41');
    socket.send('40/custom,');
    assert.match(await socket.next(), /^40\/custom,/, 'the connection outlives its last namespace');
  });

  test('who connects to nothing is closed after its time', async () => {
    const begun = performance.now();
    const { socket } = await openSession(sio);
    await socket.closed;
    assert.ok(performance.now() - begun >= 900);
  });

  const bad = ['4abc', '4', '47', '42{}', '42[]', '42abc["message-with-ack",1]', '42["connect"]', '42[{}]', '40', '40[]',
    '44{"message":"x"}', '42/custom,["a"]', '41/other,', '43', '45["a"]', '451-["a",{"_placeholder":true,"num":1}]',
    '4511-["a"]', `42["a",${'['.repeat(100)}${']'.repeat(100)}]`, `42["${'n'.repeat(256)}"]`];
  for (const packet of bad)
    test(`${packet.slice(0, 40)} closes the connection`, async () => {
      const { socket } = await connect();
      socket.send(packet);
      await socket.closed;
      assert.deepEqual(socket.messages, []);
    });

  test('bytes nobody announced close the connection', async () => {
    const { socket } = await connect();
    socket.send(Buffer.from([1]));
    await socket.closed;
  });

  test('text in the middle of attachments closes the connection', async () => {
    const { socket } = await connect();
    socket.send('451-["message",{"_placeholder":true,"num":0}]');
    socket.send('42["message"]');
    await socket.closed;
  });

  test('packets before a namespace is connected close the connection', async () => {
    const { socket } = await openSession(sio);
    socket.send('42["message"]');
    await socket.closed;
  });
});

describe('events', () => {
  test('come back as they were sent', async () => {
    const { socket } = await connect();
    socket.send('42["message",1,"2",{"3":[true,null,-1.5e3]},"\\u20ac \\ud83d\\ude80"]');
    assert.deepEqual(JSON.parse((await socket.next()).slice(2)),
      ['message-back', 1, '2', { 3: [true, null, -1500] }, '\u20ac \u{1f680}']);
    socket.send('42["message"]');
    assert.equal(await socket.next(), '42["message-back"]');
    socket.send('42["nobody listens to this"]');
    socket.send('42[7,"nor to this"]');
    socket.send('42["\\u006dessage",2]');
    assert.equal(await socket.next(), '42["message-back",2]');
  });

  test('with attachments, numbered anew in the order of the list', async () => {
    const { socket } = await connect('/custom');
    socket.send('452-/custom,["message",{"a":{"_placeholder":true,"num":1}},[{"_placeholder":true,"num":0}]]');
    socket.send(Buffer.from([1]));
    socket.send(Buffer.from([2, 3]));
    assert.equal(await socket.next(),
      '452-/custom,["message-back",{"a":{"_placeholder":true,"num":0}},[{"_placeholder":true,"num":1}]]');
    assert.deepEqual(await socket.next(), Buffer.from([2, 3]));
    assert.deepEqual(await socket.next(), Buffer.from([1]));
  });

  test('announced with no attachments are events', async () => {
    const { socket } = await connect();
    socket.send('450-["message",1]');
    assert.equal(await socket.next(), '42["message-back",1]');
    socket.send('42["message",2]');
    assert.equal(await socket.next(), '42["message-back",2]');
  });

  test('acks carry the id they were asked with, attachments too', async () => {
    const { socket } = await connect();
    socket.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await socket.next(), '43456[1,"2",{"3":[false]}]');
    socket.send('4218446744073709551615["message-with-ack"]');
    assert.equal(await socket.next(), '4318446744073709551615[]');
    socket.send('451-789["message-with-ack",{"_placeholder":true,"num":0}]');
    socket.send(Buffer.from([7, 8]));
    assert.equal(await socket.next(), '461-789[{"_placeholder":true,"num":0}]');
    assert.deepEqual(await socket.next(), Buffer.from([7, 8]));
  });

  test('acks nobody asked for are passed over', async () => {
    const { socket } = await connect();
    socket.send('43999["x"]');
    socket.send('43["x"]');
    socket.send('42["message"]');
    assert.equal(await socket.next(), '42["message-back"]');
  });

  test('the server asks, and hears the answer', async () => {
    const { socket } = await connect();
    socket.send('421["ask-me","how","are you"]');
    assert.equal(await socket.next(), '420["question","how","are you"]');
    socket.send('461-0["fine",{"_placeholder":true,"num":0}]');
    socket.send(Buffer.from([5]));
    assert.equal(await socket.next(), '461-1["answered","fine",{"_placeholder":true,"num":0}]');
    assert.deepEqual(await socket.next(), Buffer.from([5]));
    socket.send('430["too late"]');
    socket.send('422["ask-me"]');
    assert.equal(await socket.next(), '421["question"]');
    assert.equal(await socket.next(), '432["timeout"]');
  });

  test('a packet with its attachments has a bound', async () => {
    const { socket } = await connect();
    socket.send(`4510-["message",${Array.from({ length: 10 }, (_, i) => `{"_placeholder":true,"num":${i}}`).join()}]`);
    for (let i = 0; i < 10; i += 1) socket.send(Buffer.alloc(1000));
    assert.match(await socket.next(), /^4510-\["message-back",/);
  });

  test('rooms hold whoever joined, in their namespace', async () => {
    const [a, b, c] = await Promise.all([connect(), connect(), connect('/custom')]);
    for (const { socket } of [a, b]) {
      socket.send('421["join","blue"]');
      assert.equal(await socket.next(), '431["ok"]');
    }
    c.socket.send('42/custom,1["join","blue"]');
    assert.equal(await c.socket.next(), '43/custom,1["ok"]');
    a.socket.send('422["publish","blue","news",{"n":1}]');
    assert.equal(await a.socket.next(), '42["news",{"n":1}]');
    assert.equal(await a.socket.next(), '432["ok"]');
    assert.equal(await b.socket.next(), '42["news",{"n":1}]');
    b.socket.send('423["leave","blue"]');
    assert.equal(await b.socket.next(), '433["ok"]');
    a.socket.send('42["publish","blue","more"]');
    assert.equal(await a.socket.next(), '42["more"]');
    b.socket.send('42["message","nothing in between"]');
    assert.equal(await b.socket.next(), '42["message-back","nothing in between"]');
    c.socket.send('42/custom,["message"]');
    assert.equal(await c.socket.next(), '42/custom,["message-back"]');
  });

  test('bytes of any length are sent', async () => {
    const { socket } = await connect();
    socket.send('42["send-binary",300]');
    assert.equal(await socket.next(),
      '452-["binary",{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}]');
    const bytes = await socket.next();
    assert.deepEqual([bytes.length, bytes[255], bytes[256]], [300, 255, 0]);
    assert.deepEqual(await socket.next(), Buffer.from([9, 8, 7]));
  });

  test('a burst arrives whole and in order', async () => {
    const { socket } = await connect();
    socket.send('42["burst",2000,1000]');
    for (let i = 0; i < 2000; i += 1) {
      const got = JSON.parse((await socket.next()).slice(2));
      assert.deepEqual([got[0], got[1], got[2].length], ['burst-item', i, 1000]);
    }
  });
});

describe('goodbyes of the server', () => {
  test('kick leaves the connection', async () => {
    const { socket } = await connect();
    socket.send('42["kick"]');
    assert.equal(await socket.next(), '41');
    socket.send('40');
    assert.match(await socket.next(), /^40\{/);
  });

  test('kick-hard closes it after the word', async () => {
    const { socket } = await connect();
    socket.send('42["kick-hard"]');
    assert.equal(await socket.next(), '41');
    await socket.closed;
  });

  test('drop-transport closes it without one', async () => {
    const { socket } = await connect();
    socket.send('42["drop-transport"]');
    await socket.closed;
    assert.deepEqual(socket.messages, []);
  });

  for (const [event, want] of [['kick-hard', ['41', '1']], ['drop-transport', ['1']]])
    test(`a client that polls learns of ${event} with its next poll`, async () => {
      const session = await new Polling(sio).open();
      await session.post('40');
      while (!(await session.next()).startsWith('42["auth"'));
      await session.post(`42["${event}"]`);
      for (const said of want) assert.equal((await session.get()).text, said);
      await isOver(session);
    });
});

describe('Socket.IO over polling', () => {
  test('connects, echoes, and an event with attachments may come in two bodies', async () => {
    const session = await new Polling(sio).open();
    await session.post('40{"token":"T"}');
    assert.match(await session.next(), /^40\{"sid"/);
    assert.equal(await session.next(), '42["auth",{"token":"T"}]');
    await session.post('451-["message",{"_placeholder":true,"num":0}]');
    await session.post('bAQI=');
    assert.equal(await session.next(), '451-["message-back",{"_placeholder":true,"num":0}]');
    assert.equal(await session.next(), 'bAQI=');
  });

  test('a packet that is none ends it: the next poll says so', async () => {
    const session = await new Polling(sio).open();
    await session.post('40');
    while (!(await session.next()).startsWith('42["auth"'));
    await session.post('4abc');
    assert.equal((await session.get()).text, '1');
    await isOver(session);
  });
});
