// The bytes: header lines and their order, what keeps and what closes a connection, compression,
// plain HTTP on the port of HTTPS.

import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import zlib from 'node:zlib';
import { openLab } from '../lib.mjs';
import { Random } from '../src/random.mjs';
import { ask, connect, parseHead, readAnswer, requestText, root } from './raw.mjs';

const IDLE = 400;

let lab;
let one;
before(async () => {
  lab = await openLab({ scenario: { clusters: [{ name: 'alpha', version: '9.2', nodes: 2, guests: 12 }, { name: 'six', version: '6.2', nodes: 1 }] },
    timing: { idle: IDLE, denied: 50 } });
  one = root(lab.servers[0]);
});
after(() => lab.stop());

const DATE = '[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT';

async function raw(text, options) {
  const connection = await connect(one, options);
  connection.socket.write(text);
  await connection.until(() => connection.bytes.indexOf('\r\n\r\n') >= 0);
  return connection;
}

test('a good answer is these bytes', async () => {
  const connection = await raw(requestText('GET', '/api2/json/version', one));
  assert.match(connection.bytes.toString('latin1'), new RegExp(['^HTTP/1\\.1 200 OK', 'Cache-Control: max-age=0', 'Connection: Keep-Alive', `Date: ${DATE}`,
    'Pragma: no-cache', 'Server: pve-api-daemon/3\\.0', 'Content-Length: \\d+', 'Content-Type: application/json;charset=UTF-8', `Expires: ${DATE}`, '',
    '\\{"data":\\{.*\\}\\}$'].join('\r\n')));
  connection.socket.destroy();
});

test('an answer without a body has neither length nor type, and ends the connection', async () => {
  const connection = await raw(requestText('GET', '/api2/json/version'));
  assert.match(connection.bytes.toString('latin1'), new RegExp(['^HTTP/1\\.1 401 No ticket', 'Cache-Control: max-age=0', 'Connection: close', `Date: ${DATE}`,
    'Pragma: no-cache', 'Server: pve-api-daemon/3\\.0', `Expires: ${DATE}`, '', '$'].join('\r\n')));
  assert.ok(await connection.closes());
});

test('answers of another daemon or node carry two Connection lines', async () => {
  const node = await ask(one, 'GET', '/nodes/pve2/status');
  assert.deepEqual(node.header('Connection'), ['Keep-Alive', 'Keep-Alive']);
  const daemon = await ask(one, 'POST', '/access/ticket', { token: null, body: 'username=root%40pam&password=lab-root' });
  assert.deepEqual(daemon.header('Connection'), ['close', 'Keep-Alive']);
  assert.deepEqual((await ask(one, 'GET', '/nodes/pve1/status')).header('Connection'), ['Keep-Alive']);
});

test('a silent connection is closed after the idle time', async () => {
  const connection = await raw(requestText('GET', '/api2/json/version', one));
  const start = Date.now();
  assert.ok(await connection.closes(IDLE * 5));
  assert.ok(Date.now() - start > IDLE - 50, 'not before its time');
  const mute = await connect(one, { plain: true });
  assert.ok(await mute.closes(IDLE * 5), 'also one that never says anything');
});

test('the hundredth answer is the last of a connection', async () => {
  const connection = await connect(one);
  for (let i = 1; i <= 100; i++) {
    connection.socket.write(requestText('GET', '/api2/json/version', one));
    const answer = await readAnswer(connection);
    assert.equal(answer.header('Connection')[0], i < 100 ? 'Keep-Alive' : 'close', `answer ${i}`);
  }
  assert.ok(await connection.closes());
});

test('requests in one piece are answered one after the other; a request in bytes is one, too', async () => {
  const text = requestText('GET', '/api2/json/version', one);
  const connection = await connect(one);
  connection.socket.write(text + text);
  assert.equal((await readAnswer(connection)).status, 200);
  assert.equal((await readAnswer(connection)).status, 200);
  for (const c of text) connection.socket.write(c);
  assert.equal((await readAnswer(connection)).status, 200);
  connection.socket.destroy();
});

test('HTTP/1.0 and "Connection: close" end the connection', async () => {
  for (const options of [{ ...one, http: '1.0' }, { ...one, headers: { Connection: 'close' } }]) {
    const connection = await raw(requestText('GET', '/api2/json/version', options));
    assert.deepEqual((await readAnswer(connection)).header('Connection'), ['close']);
    assert.ok(await connection.closes());
  }
});

test('compression when asked and worth it, never chunked', async () => {
  const zip = await ask(one, 'GET', '/cluster/resources', { headers: { 'Accept-Encoding': 'gzip' } });
  assert.deepEqual(zip.header('Content-Encoding'), ['gzip']);
  assert.deepEqual(zip.header('Transfer-Encoding'), []);
  const rows = JSON.parse(zlib.gunzipSync(zip.body)).data;
  assert.equal(rows.filter((row) => row.type === 'qemu' || row.type === 'lxc').length, 24);
  const order = zip.headers.map(([name]) => name);
  assert.ok(order.indexOf('Content-Encoding') === order.indexOf('Content-Length') - 1);
  const deflated = await ask(one, 'GET', '/cluster/resources', { headers: { 'Accept-Encoding': 'deflate' } });
  assert.equal(JSON.parse(zlib.inflateSync(deflated.body)).data.length, rows.length);
  assert.deepEqual((await ask(one, 'GET', '/version', { headers: { 'Accept-Encoding': 'gzip' } })).header('Content-Encoding'), [], 'small ones stay');
  assert.deepEqual((await ask(one, 'GET', '/cluster/resources')).header('Content-Encoding'), [], 'nobody asked');
});

test('plain HTTP is sent to https: 301 for GET, 308 for others', async () => {
  for (const [method, status] of [['GET', 301], ['POST', 308]]) {
    const connection = await raw(`${method} /api2/json/version HTTP/1.1\r\nHost: lab:8006\r\n\r\n`, { plain: true });
    const head = parseHead(connection.bytes.toString('latin1').split('\r\n\r\n')[0]);
    assert.equal(head.status, status);
    assert.deepEqual(head.header('Location'), ['https://lab:8006/api2/json/version']);
    assert.ok(await connection.closes());
  }
});

test('what cannot be parsed is 506; too much of it is silence', async () => {
  for (const text of ['NONSENSE\r\n\r\n', 'GET /api2/json/version HTTP/1.1\r\nno colon here\r\n\r\n']) {
    const connection = await raw(text);
    assert.match(connection.bytes.toString('latin1'), /^HTTP\/1\.1 506 /);
    connection.socket.destroy();
  }
  for (const text of [`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(64)}\r\n`, `GET / HTTP/1.1\r\nlong: ${'x'.repeat(8192)}\r\n\r\n`]) {
    const connection = await connect(one);
    connection.socket.write(text);
    assert.ok(await connection.closes());
    assert.equal(connection.bytes.length, 0);
  }
});

test('forms: & and ; part them, a second = cuts the value, the query wins', async () => {
  const login = (body) => ask(one, 'POST', '/access/ticket', { token: null, body });
  assert.equal((await login('username=root%40pam;password=lab-root')).status, 200);
  assert.equal((await login('username=root&realm=pam&password=lab-root')).status, 200);
  assert.equal((await login('username=root%40pam&password=lab-root=more')).status, 200);
  assert.equal((await ask(one, 'POST', '/access/ticket?password=no', { token: null, body: 'username=root%40pam&password=lab-root' })).status, 401);
  const json = JSON.stringify({ username: 'root@pam', password: 'lab-root' });
  assert.equal((await ask(one, 'POST', '/access/ticket', { token: null, body: json, headers: { 'Content-Type': 'application/json' } })).status, 200);
  const broken = await ask(one, 'POST', '/access/ticket', { token: null, body: '{', headers: { 'Content-Type': 'application/json' } });
  assert.deepEqual([broken.status, broken.reason], [500, 'malformed JSON string']);
});

test('keys and rows come in another order each time', async () => {
  const orders = new Set();
  for (let i = 0; i < 6; i++) orders.add((await ask(one, 'GET', '/cluster/resources')).data.map((row) => row.id).join());
  assert.ok(orders.size > 1);
  const keys = new Set();
  for (let i = 0; i < 6; i++) keys.add(Object.keys((await ask(one, 'GET', '/nodes/pve1/status')).data).join());
  assert.ok(keys.size > 1);
});

test('a session of TLS is resumed', async () => {
  const first = await connect(one);
  const session = await new Promise((resolve) => { first.socket.once('session', resolve); });
  first.socket.destroy();
  const second = await connect(one, { session });
  assert.ok(second.socket.isSessionReused());
  second.socket.destroy();
});

test('each node presents the certificate whose fingerprint is told', async () => {
  for (const server of lab.servers) {
    const connection = await connect(server);
    assert.equal(connection.socket.getPeerX509Certificate().fingerprint256, server.fingerprint);
    connection.socket.destroy();
  }
  const nodes = (await ask(one, 'GET', '/nodes')).data;
  for (const server of lab.servers.filter((s) => s.cluster === 'alpha')) {
    assert.equal(nodes.find((node) => node.node === server.name).ssl_fingerprint, server.fingerprint);
  }
  const [info] = (await ask(one, 'GET', '/nodes/pve2/certificates/info')).data;
  assert.equal(info.fingerprint, lab.servers[1].fingerprint);
  for (const name of ['127.0.0.1', 'localhost', 'pve2', 'pve2.alpha.lab']) assert.ok(info.san.includes(name), name);
});

test('nothing that comes in hurts the lab', async () => {
  const odd = ['/api2/json/:GET', '/api2/json/nodes/:GET/qemu', '/api2/json/nodes/{}/status', '/api2/json/%', '/api2/json/nodes/%ff%00/status',
    '/api2/json/version?constructor=1&__proto__=2', '/api2/json/../../etc/passwd', '/', '*', 'https://elsewhere/', '/api2/json?'];
  for (const target of odd) {
    const answer = await ask(one, 'GET', target, { bare: true, headers: { constructor: 'x', __proto__: 'y' } });
    assert.ok(answer.status >= 400, `${target}: ${answer.status}`);
  }
  const random = new Random(9);
  for (let i = 0; i < 60; i++) {
    const connection = await connect(one, { plain: i % 2 === 0 });
    const noise = Buffer.from(Array.from({ length: 1 + random.int(300) }, () => random.int(256)));
    connection.socket.write(i % 3 === 0 ? Buffer.concat([Buffer.from('GET /api2/json/version HTTP/1.1\r\n'), noise, Buffer.from('\r\n\r\n')]) : noise);
    connection.socket.end();
    await connection.closes();
  }
  assert.deepEqual(lab.lab.problems, []);
  assert.equal((await ask(one, 'GET', '/version')).status, 200);
});
