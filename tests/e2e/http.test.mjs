// HTTP/1.1 from outside (SECURITY A26, B02, B07, B08, B15): raw requests against the real server. Every
// answer is read strictly by lib/raw.mjs, and again by python3-h11 at the end.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import { handshake } from './lib/frames.mjs';
import { dial, parseAnswers } from './lib/raw.mjs';
import { PASSWORD, Server, makeFolder, sleep, until } from './lib/server.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const transcript = []; // for h11
let server;
let admin;
let key;
let metricsKey;
let host;

before(async () => {
  server = await new Server({ args: ['--allow-host', 'known.example'] }).start();
  admin = await server.setup();
  key = await server.makeKey(admin);
  metricsKey = await server.makeKey(admin, 'metrics');
  host = `127.0.0.1:${server.port}`;
});

after(() => server.finish());

/* --- asking ------------------------------------------------------------------------------------- */

/**
 * Sends bytes and waits for `want` answers, or, where the server is to close (want 0), for that. Returns the
 * answers; whatever came is in the transcript.
 */
async function ask(name, bytes, { methods = ['GET'], want = 0, within = 5000, to = server, pieces = null } = {}) {
  const wire = await dial(to.port);
  if (pieces) {
    for (const piece of pieces) {
      wire.write(piece);
      await sleep(1);
    }
  } else {
    wire.write(bytes);
  }
  const finals = (all) => all.filter((one) => one.status >= 200 || one.status === 101);
  const enough = () => want > 0 && finals(parseAnswers(wire.bytes, methods, { partial: true })).length >= want;
  await wire.when(enough, within);
  const answers = parseAnswers(wire.bytes, methods, { partial: !wire.closed });
  const closed = wire.closed;
  wire.destroy();
  transcript.push({ name, methods, bytes: wire.bytes.toString('base64'), closed });
  assert.ok(want === 0 ? closed : finals(answers).length >= want,
    `${name}: ${finals(answers).length} answers in ${within} ms, ${closed ? 'closed' : 'still open'}`);
  return Object.assign(answers, { closed, error: wire.error });
}

/** A request head, and its body when there is one. */
function request(method, target, fields = {}, body = null) {
  const all = { Host: host, ...(body !== null ? { 'Content-Length': Buffer.byteLength(body) } : {}), ...fields };
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(all)) if (value !== null) text += `${name}: ${value}\r\n`;
  return `${text}\r\n${body ?? ''}`;
}

const bearer = () => ({ Authorization: `Bearer ${key}` });
const json = { 'Content-Type': 'application/json' };

const STATUS = {
  invalid: [400, 405], unauthorized: [401], forbidden: [403, 421], not_found: [404], conflict: [409], too_big: [413],
  too_many: [429], unavailable: [503], timeout: [408, 504], upstream: [502], storage: [507], internal: [500],
};

/** The shape of FIXED-POINTS 2, exactly. */
function checkError(answer, code, field) {
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  const { error, ...rest } = JSON.parse(answer.body);
  assert.deepEqual(Object.keys(rest).filter((name) => !['limit', 'in_use'].includes(name)), []);
  assert.deepEqual(Object.keys(error), error.field === undefined ? ['code', 'message', 'request_id']
    : ['code', 'message', 'field', 'request_id']);
  assert.equal(error.code, code);
  assert.ok(STATUS[code].includes(answer.status), `${answer.status} is no status of ${code}`);
  assert.ok(error.message.length > 8 && typeof error.request_id === 'string' && error.request_id.length > 0);
  if (field !== undefined) assert.equal(error.field, field);
  return error;
}

/* --- what every answer bears (B15) -------------------------------------------------------------- */

function checkGuards(answer, { html = false, tls = false } = {}) {
  const { headers } = answer;
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
  assert.match(headers['content-security-policy'], /^default-src 'none';/);
  assert.match(headers['content-security-policy'], /frame-ancestors 'none'/);
  if (html) {
    assert.match(headers['content-security-policy'], /script-src 'self';.*style-src 'self';.*connect-src 'self'/);
    assert.match(headers['content-security-policy'], /require-trusted-types-for 'script'/);
    assert.doesNotMatch(headers['content-security-policy'], /unsafe|\*|https?:/);
  }
  assert.ok(headers['cache-control'], 'Cache-Control');
  assert.match(headers.date, /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
  assert.equal('strict-transport-security' in headers, tls);
  for (const name of Object.keys(headers)) {
    assert.ok(!/^(server|x-powered-by|access-control-.*|via)$/.test(name), `${name} is not sent`);
  }
}

describe('every kind of answer bears the guards', () => {
  const kinds = [
    ['the page', () => request('GET', '/'), 200, { html: true }],
    ['a place inside the page', () => request('GET', '/host/disks'), 200, { html: true }],
    ['HEAD of the page', () => request('HEAD', '/'), 200, { html: true }],
    ['health', () => request('GET', '/healthz'), 200],
    ['JSON', () => request('GET', '/api/v1/session', bearer()), 200],
    ['set-up', () => request('GET', '/api/v1/setup'), 200],
    ['OpenAPI', () => request('GET', '/openapi.json', bearer()), 200],
    ['metrics', () => request('GET', '/metrics', { Authorization: `Bearer ${metricsKey}` }), 200],
    ['a topic', () => request('GET', '/api/v1/state?topic=meter.host', bearer()), 200],
    ['a stranger', () => request('GET', '/api/v1/keys'), 401],
    ['no right', () => request('GET', '/api/v1/keys', { Authorization: `Bearer ${metricsKey}` }), 403],
    ['nothing there', () => request('GET', '/api/v1/nothing', bearer()), 404],
    ['no such file', () => request('GET', '/no-such-file.js'), 404],
    ['no such method', () => request('DELETE', '/healthz'), 405],
    ['a wrong body', () => request('POST', '/api/v1/keys', { Cookie: admin.cookie, Origin: server.origin, ...json }, '{'), 400],
    ['no HTTP at all', () => 'hello\r\n\r\n', 400],
    ['an unknown name', () => request('GET', '/', { Host: 'rebound.example' }), 421],
    ['an unknown name, to a browser', () => request('GET', '/', { Host: 'rebound.example', Accept: 'text/html,*/*' }), 421, { html: true }],
    ['a large body', () => request('POST', '/api/v1/session', { ...json, 'Content-Length': 2 << 20 }), 413],
  ];
  for (const [name, make, status, options] of kinds) {
    test(name, async () => {
      const bytes = make();
      const [answer] = await ask(name, bytes, { methods: [bytes.split(' ')[0]], want: 1 });
      assert.equal(answer.status, status);
      checkGuards(answer, options);
      if (status >= 400 && !options?.html) assert.equal(answer.headers['cache-control'], 'no-store');
    });
  }

  test('an event stream', async () => {
    const wire = await dial(server.port);
    wire.write(request('GET', '/api/v1/events?topic=meter.host', bearer()));
    const head = `${await wire.takeUntil('\r\n\r\n')}\r\n\r\n`;
    const [answer] = parseAnswers(Buffer.from(head), ['GET'], { closed: true });
    checkGuards(answer);
    assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(answer.headers['x-accel-buffering'], 'no');
    wire.destroy();
  });

  test('a cookie that is set is closed to scripts and to other sites', async () => {
    const [answer] = await ask('login', request('POST', '/api/v1/session', json,
      JSON.stringify({ username: admin.username, password: admin.password })), { want: 1 });
    assert.equal(answer.status, 200);
    checkGuards(answer);
    assert.match(answer.headers['set-cookie'], /^binnacle=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/);
    const cookie = answer.headers['set-cookie'].split(';')[0];
    const [gone] = await ask('logout', request('DELETE', '/api/v1/session', { Cookie: cookie, Origin: server.origin }), { methods: ['DELETE'], want: 1 });
    assert.equal(gone.status, 204);
    checkGuards(gone);
    assert.match(gone.headers['set-cookie'], /^binnacle=; Path=\/; Max-Age=0;/);
  });
});

/* --- framing and smuggling (B07) ---------------------------------------------------------------- */

const canary = () => request('GET', '/healthz?canary');

/** What must be answered once, with an error, and then closed: what is behind it is not answered. */
const bad = [
  ['Content-Length and chunked', 'Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
  ['chunked and Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  ['two equal lengths', 'Content-Length: 5\r\nContent-Length: 5', 'hello'],
  ['two lengths', 'Content-Length: 5\r\nContent-Length: 6', 'hello'],
  ['a list of lengths', 'Content-Length: 5, 5', 'hello'],
  ['a length with a plus', 'Content-Length: +5', 'hello'],
  ['a negative length', 'Content-Length: -5', 'hello'],
  ['a hexadecimal length', 'Content-Length: 0x5', 'hello'],
  ['a length with an exponent', 'Content-Length: 5e0', 'hello'],
  ['a length with a fraction', 'Content-Length: 5.0', 'hello'],
  ['an empty length', 'Content-Length: ', 'hello'],
  ['a quoted length', 'Content-Length: "5"', 'hello'],
  ['a length in other digits', 'Content-Length: \xd9\xa5', 'hello'],
  ['a length beyond 2^63', 'Content-Length: 9223372036854775808', 'hello'],
  ['a length beyond 2^64', 'Content-Length: 18446744073709551621', 'hello'],
  ['a length with a blank inside', 'Content-Length: 5 5', 'hello'],
  ['a blank before the colon', 'Content-Length : 5', 'hello'],
  ['a tab before the colon', 'Content-Length\t: 5', 'hello'],
  ['a blank before the colon of the coding', 'Transfer-Encoding : chunked', '0\r\n\r\n'],
  ['a vertical tab before a name', '\x0bContent-Length: 5', 'hello'],
  ['a NUL behind a name', 'Content-Length\0: 5', 'hello'],
  ['a NUL in a value', 'X-Value: a\0b', ''],
  ['a DEL in a value', 'X-Value: a\x7fb', ''],
  ['a CR in a value', 'X-Value: a\rb', ''],
  ['a LF in a value', 'X-Value: a\nX-Smuggled: b', ''],
  ['a bare LF after a field', 'X-Value: a\nContent-Length: 5', 'hello'],
  ['two CRs', 'X-Value: a\r\r\nContent-Length: 5', 'hello'],
  ['a folded field', 'X-Value: a\r\n b', ''],
  ['a folded coding', 'Transfer-Encoding:\r\n chunked', '0\r\n\r\n'],
  ['a field without a colon', 'Content-Length 5', 'hello'],
  ['a field without a name', ': value', ''],
  ['a name with a blank', 'Content Length: 5', 'hello'],
  ['a name with a slash', 'a/b: c', ''],
  ['a name with a quote', 'a"b: c', ''],
  ['a name beyond ASCII', 'Cont\xe9nt-Length: 5', ''],
  ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
  ['a list of codings', 'Transfer-Encoding: chunked, chunked', '0\r\n\r\n'],
  ['gzip before chunked', 'Transfer-Encoding: gzip, chunked', '0\r\n\r\n'],
  ['chunked before identity', 'Transfer-Encoding: chunked, identity', '0\r\n\r\n'],
  ['identity', 'Transfer-Encoding: identity', ''],
  ['an unknown coding', 'Transfer-Encoding: xchunked', '0\r\n\r\n'],
  ['a coding with a parameter', 'Transfer-Encoding: chunked;q=1', '0\r\n\r\n'],
  ['a quoted coding', 'Transfer-Encoding: "chunked"', '0\r\n\r\n'],
  ['an empty coding', 'Transfer-Encoding: ', '0\r\n\r\n'],
  ['a coding behind a vertical tab', 'Transfer-Encoding: \x0bchunked', '0\r\n\r\n'],
  ['a coding and a comma', 'Transfer-Encoding: chunked,', '0\r\n\r\n'],
  ['two hosts', 'Host: 127.0.0.1', ''],
  ['two equal hosts', () => `Host: ${host}`, ''],
  ['two content types', 'Content-Type: application/json\r\nContent-Type: text/plain', ''],
  ['two authorizations', 'Authorization: Bearer a\r\nAuthorization: Bearer b', ''],
  ['two origins', 'Origin: http://a\r\nOrigin: http://b', ''],
].map(([name, fields, body]) => [name, () => Buffer.from(
  `POST /api/v1/session HTTP/1.1\r\nHost: ${host}\r\n${typeof fields === 'function' ? fields() : fields}\r\n\r\n${body}`, 'latin1')]);

for (const [name, body] of [
  ['a chunk size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['a negative chunk size', '-5\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size with a plus', '+5\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size that is no number', 'g\r\nhello\r\n0\r\n\r\n'],
  ['an empty chunk size', '\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size behind a blank', ' 5\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size beyond 2^64', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size of 2^64 - 1', 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size line with a bare LF', '5\nhello\r\n0\r\n\r\n'],
  ['a chunk size line with a bare CR', '5\rhello\r\n0\r\n\r\n'],
  ['a chunk longer than its size', '4\r\nhello\r\n0\r\n\r\n'],
  ['a chunk without CR LF behind it', '5\r\nhello0\r\n\r\n'],
  ['a chunk with a bare LF behind it', '5\r\nhello\n0\r\n\r\n'],
  ['a chunk extension with a LF', '5;a\nb\r\nhello\r\n0\r\n\r\n'],
  ['a chunk extension with a NUL', '5;a\0b\r\nhello\r\n0\r\n\r\n'],
  ['a chunk extension without end', `5;${'a'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`],
  ['a blank and something behind the size', '5 5\r\nhello\r\n0\r\n\r\n'],
  ['a trailer without a colon', '0\r\nX-Trailer\r\n\r\n'],
  ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n'],
  ['a trailer with a bare LF', '0\r\nX: a\nY: b\r\n\r\n'],
  ['a trailer that does not end', `0\r\nX: ${'a'.repeat(9000)}\r\n\r\n`],
  ['a last chunk with a bare LF', '0\n\n'],
]) {
  bad.push([name, () => Buffer.from(`POST /api/v1/session HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
    `Transfer-Encoding: chunked\r\n\r\n${body}`, 'latin1')]);
}

for (const [name, line] of [
  ['a request line of words', 'hello there'],
  ['no version', 'GET /'],
  ['HTTP/0.9', 'GET / HTTP/0.9'],
  ['HTTP/1.2', 'GET / HTTP/1.2'],
  ['HTTP/2.0', 'GET / HTTP/2.0'],
  ['http/1.1', 'GET / http/1.1'],
  ['HTTP/1.1 with a blank behind it', 'GET / HTTP/1.1 '],
  ['HTTP/1.10', 'GET / HTTP/1.10'],
  ['two blanks', 'GET  / HTTP/1.1'],
  ['two blanks before the version', 'GET /  HTTP/1.1'],
  ['a tab for a blank', 'GET\t/\tHTTP/1.1'],
  ['a blank before the method', ' GET / HTTP/1.1'],
  ['a method with a slash', 'G/T / HTTP/1.1'],
  ['a method of 17 letters', 'ABCDEFGHIJKLMNOPQ / HTTP/1.1'],
  ['CONNECT', 'CONNECT 127.0.0.1:22 HTTP/1.1'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0'],
  ['a target without a slash', 'GET healthz HTTP/1.1'],
  ['an authority as target', 'GET 127.0.0.1:80 HTTP/1.1'],
  ['an asterisk to GET', 'GET * HTTP/1.1'],
  ['another scheme', 'GET ftp://127.0.0.1/ HTTP/1.1'],
  ['another host in the target', 'GET http://other.example/healthz HTTP/1.1'],
  ['a user in the target', () => `GET http://user@${host}/ HTTP/1.1`],
  ['a fragment', 'GET /#fragment HTTP/1.1'],
  ['a target beyond ASCII', 'GET /\xe4 HTTP/1.1'],
  ['a NUL in the target', 'GET /\0 HTTP/1.1'],
  ['a target that is too long', `GET /${'a'.repeat(4096)} HTTP/1.1`],
]) {
  bad.push([name, () => Buffer.from(`${typeof line === 'function' ? line() : line}\r\nHost: ${host}\r\n\r\n`, 'latin1')]);
}

for (const [name, value] of [
  ['no host', null], ['an empty host', ''], ['a host with a comma', 'a,b'], ['a host with a blank', 'a b'],
  ['a host with a user', 'u@127.0.0.1'], ['a host with a path', '127.0.0.1/x'], ['a host with port 99999', '127.0.0.1:99999'],
  ['a host with a word as port', '127.0.0.1:http'], ['a host without its bracket', '[::1'], ['a host with two ports', '127.0.0.1:1:2'],
  ['a host in quotes', '"127.0.0.1"'], ['a host with an escape', '127.0.0%2e1'],
]) {
  bad.push([name, () => request('GET', '/healthz', { Host: value })]);
}

bad.push(
  ['two empty lines before a request', () => `\r\n\r\n${canary()}`],
  ['a LF before a request', () => `\n${canary()}`],
  ['LF alone as line ends', () => `GET /healthz HTTP/1.1\nHost: ${host}\n\n`],
  ['65 fields', () => request('GET', '/healthz', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`X-${i}`, 'x'])))],
  ['a head of 17 KiB', () => request('GET', '/healthz', { 'X-Long': 'x'.repeat(17 << 10) })],
  ['a TLS hello', () => Buffer.from('160301020001000001fc0303', 'hex')],
  ['chunked in HTTP/1.0', () => `POST /api/v1/session HTTP/1.0\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
);

describe('what is ambiguous is answered once and closed', () => {
  for (const [name, make] of bad) {
    test(name, async () => {
      const begun = performance.now();
      const answers = await ask(name, Buffer.concat([Buffer.from(make()), Buffer.from(canary())]), { within: 3000 });
      assert.equal(answers.length, 1, `${answers.length} answers: ${answers.map((one) => one.status)}`);
      assert.ok([400, 413].includes(answers[0].status), `status ${answers[0].status}`);
      checkError(answers[0], answers[0].status === 413 ? 'too_big' : 'invalid');
      assert.equal(answers[0].headers.connection, 'close');
      assert.equal(answers.error, null, 'closed, not reset');
      assert.ok(performance.now() - begun < 2500);
    });
  }

  test('the same byte by byte: the answer does not depend on how the bytes were cut', async () => {
    const cut = bad.filter((_, i) => i % 6 === 0).slice(0, 16);
    await Promise.all(cut.map(async ([name, make]) => {
      const bytes = Buffer.from(make());
      const pieces = Array.from({ length: Math.min(bytes.length, 300) }, (_, i) => bytes.subarray(i, i + 1));
      if (bytes.length > 300) pieces.push(bytes.subarray(300));
      const answers = await ask(`${name}, byte by byte`, null, { pieces, within: 5000 });
      assert.equal(answers.length, 1);
      checkError(answers[0], answers[0].status === 413 ? 'too_big' : 'invalid');
    }));
  });

  for (const [name, make] of [
    ['a GET with a body', () => request('GET', '/healthz', {}, canary())],
    ['a GET of a page with a body', () => request('GET', '/', {}, canary())],
    ['a body nobody expects', () => request('DELETE', '/api/v1/session', {}, canary())],
    ['a body to a place that is not there', () => request('POST', '/api/v1/nothing', { ...json, ...bearer() }, canary())],
    ['a body of a stranger', () => request('POST', '/api/v1/keys', json, canary())],
    ['a body of another type', () => request('POST', '/api/v1/session', { 'Content-Type': 'text/plain' }, canary())],
    ['a chunked body to a place that is not there', () => `${request('POST', '/api/v1/nothing', { ...json, ...bearer(), 'Transfer-Encoding': 'chunked' })}${canary().length.toString(16)}\r\n${canary()}\r\n0\r\n\r\n`],
  ]) {
    test(`${name} is not read as the next request`, async () => {
      const wire = await dial(server.port);
      wire.write(make());
      await wire.when(() => wire.bytes.length > 0, 3000);
      await wire.when(() => wire.closed, 200);
      const answers = parseAnswers(wire.bytes, [], { partial: true });
      assert.equal(answers.length, 1);
      assert.ok(answers[0].status >= 400 && answers[0].status < 500);
      checkGuards(answers[0]);
      wire.destroy();
    });
  }
});

/* --- what is fine ------------------------------------------------------------------------------- */

describe('what is fine is answered, and the connection goes on', () => {
  const fine = [
    ['an empty line before the request', () => `\r\n${canary()}`, 200],
    ['absolute-form', () => `GET http://${host}/healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 200],
    ['absolute-form in capitals', () => `GET HTTP://${host}/healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 200],
    ['absolute-form without a path', () => `GET http://${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 200],
    ['field names in capitals', () => `GET /healthz HTTP/1.1\r\nHOST: ${host}\r\n\r\n`, 200],
    ['no blank after the colon', () => `GET /healthz HTTP/1.1\r\nHost:${host}\r\n\r\n`, 200],
    ['blanks around a value', () => `GET /healthz HTTP/1.1\r\nHost: \t ${host} \t\r\n\r\n`, 200],
    ['a value beyond ASCII', () => Buffer.from(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nX-Name: \xe4\xf6\r\n\r\n`, 'latin1'), 200],
    ['an empty value', () => request('GET', '/healthz', { 'X-Empty': '' }), 200],
    ['64 fields', () => request('GET', '/healthz', Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`X-${i}`, 'x']))), 200],
    ['a head of 15 KiB', () => request('GET', '/healthz', { 'X-Long': 'x'.repeat(15 << 10) }), 200],
    ['a query', () => request('GET', '/healthz?a=1&b=%20&c'), 200],
    ['Content-Length: 0', () => request('GET', '/healthz', { 'Content-Length': '0' }), 200],
    ['localhost', () => request('GET', '/healthz', { Host: 'localhost' }), 200],
    ['LOCALHOST with a port', () => request('GET', '/healthz', { Host: 'LOCALHOST:1' }), 200],
    ['an IPv6 address', () => request('GET', '/healthz', { Host: '[::1]:80' }), 200],
    ['another address', () => request('GET', '/healthz', { Host: '192.0.2.7' }), 200],
    ['a name from the settings', () => request('GET', '/healthz', { Host: 'known.example' }), 200],
    ['a name from the settings in capitals', () => request('GET', '/healthz', { Host: 'KNOWN.example:8470' }), 200],
    ['the name rebound to us', () => request('GET', '/healthz', { Host: 'rebound.example' }), 421],
    ['a name that ends like ours', () => request('GET', '/healthz', { Host: 'evil-known.example' }), 421],
    ['a name that begins like ours', () => request('GET', '/healthz', { Host: 'known.example.evil' }), 421],
    ['an address in decimal', () => request('GET', '/healthz', { Host: '2130706433' }), 421],
    ['a method in small letters', () => request('get', '/healthz'), 405],
    ['an unknown method', () => request('FROB', '/healthz'), 405],
    ['TRACE', () => request('TRACE', '/healthz', { 'X-Secret': 'reflected' }), 405],
    ['OPTIONS', () => request('OPTIONS', '/api/v1/keys', { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'POST' }), 405],
    ['POST to health', () => request('POST', '/healthz', { 'Content-Length': '0' }), 405],
    ['PUT to the page', () => request('PUT', '/', { 'Content-Length': '0' }), 405],
    ['PATCH without an id', () => request('PATCH', '/api/v1/users', { 'Content-Length': '0' }), 405],
    ['DELETE of the page', () => request('DELETE', '/index.html'), 405],
    ['a path with two slashes', () => request('GET', '//healthz'), 400],
    ['a path with dots', () => request('GET', '/api/../healthz'), 400],
    ['a path with encoded dots', () => request('GET', '/api/%2e%2e/healthz'), 400],
    ['a path with an encoded slash', () => request('GET', '/api%2fv1%2fkeys'), 400],
    ['a path with an encoded NUL', () => request('GET', '/healthz%00.html'), 400],
    ['a path with half an escape', () => request('GET', '/healthz%2'), 400],
    ['a path with a wrong escape', () => request('GET', '/healthz%zz'), 400],
    ['a path with overlong UTF-8', () => request('GET', '/%c0%ae%c0%ae/'), 400],
    ['a path of 17 segments', () => request('GET', `/${'a/'.repeat(17)}`), 413],
    ['a query with a wrong escape', () => request('GET', '/healthz?a=%zz'), 400],
    ['a query of 65 parameters', () => request('GET', `/healthz?${'a=1&'.repeat(65)}`), 413],
    ['a path with a blank', () => request('GET', '/api/v1/keys%20', bearer()), 404],
    ['a path in capitals', () => request('GET', '/API/v1/keys'), 200],
    ['a slash at the end', () => request('GET', '/api/v1/keys/', bearer()), 404],
    ['health with a slash at the end', () => request('GET', '/healthz/'), 200],
  ];
  for (const [name, make, status] of fine) {
    test(name, async () => {
      const bytes = Buffer.concat([Buffer.from(make()), Buffer.from(canary())]);
      const answers = await ask(name, bytes, { want: 2, methods: [bytes.toString('latin1').trimStart().split(' ')[0]] });
      assert.deepEqual(answers.map((one) => one.status), [status, 200]);
      assert.equal(answers[1].body.toString(), 'ok');
      answers.forEach((one) => checkGuards(one, { html: one.headers['content-type']?.startsWith('text/html') }));
      if (status === 405) {
        checkError(answers[0], 'invalid');
        assert.match(answers[0].headers.allow, /^[A-Z]+(, [A-Z]+)*$/);
      } else if (status >= 400) {
        checkError(answers[0], { 400: 'invalid', 404: 'not_found', 413: 'too_big', 421: 'forbidden' }[status]);
      }
      assert.ok(!answers[0].body.includes('reflected'));
    });
  }

  test('Allow names what is possible', async () => {
    const allowed = async (target) => (await ask(`FROB ${target}`, request('FROB', target, bearer()), { want: 1 }))[0].headers.allow;
    assert.equal(await allowed('/healthz'), 'GET, HEAD');
    assert.equal(await allowed('/'), 'GET, HEAD');
    assert.deepEqual((await allowed('/api/v1/keys')).split(', ').sort(), ['GET', 'HEAD', 'POST']);
    assert.equal(await allowed('/api/v1/keys/x'), 'DELETE');
    assert.deepEqual((await allowed('/api/v1/users/x')).split(', ').sort(), ['DELETE', 'PATCH']);
  });

  for (const target of ['/', '/healthz', '/api/v1/setup', '/api/v1/session', '/api/v1/nothing', '/no-such-file.js', '/openapi.json',
    '/api/v1/state?topic=meter.host', '/api/v1/events?topic=meter.host', '/api/v1/live']) {
    test(`HEAD ${target} is GET without its body`, async () => {
      const bytes = request('HEAD', target, bearer()) + canary();
      const answers = await ask(`HEAD ${target}`, bytes, { methods: ['HEAD', 'GET'], want: 2 });
      assert.equal(answers.length, 2);
      assert.equal(answers[1].status, 200);
      if (!/state|events|live/.test(target)) {
        const [get] = await ask(`GET ${target}`, request('GET', target, bearer()), { want: 1 });
        assert.equal(answers[0].status, get.status);
        if (target !== '/api/v1/session') assert.equal(answers[0].headers['content-length'], get.headers['content-length']);
      }
    });
  }
});

/* --- bodies, Expect, chunked -------------------------------------------------------------------- */

describe('bodies', () => {
  let n = 0;
  const keyBody = () => JSON.stringify({ name: `key ${++n}`, scopes: 'read' });

  test('a chunked body is read, extensions and trailers passed over', async () => {
    const body = keyBody();
    const chunks = `5;ext=1;q="a;b"\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16).toUpperCase()}\r\n${body.slice(5)}\r\n0\r\nX-Trailer: 1\r\n\r\n`;
    const answers = await ask('chunked', request('POST', '/api/v1/keys', { ...keyFields(), 'Transfer-Encoding': 'chunked' }) + chunks + canary(), { want: 2 });
    assert.deepEqual(answers.map((one) => one.status), [201, 200]);
  });

  const keyFields = () => ({ ...json, Cookie: admin.cookie, Origin: server.origin });

  test('a chunked body byte by byte is read', async () => {
    const body = keyBody();
    const chunks = `${[...body].map((letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`;
    const bytes = Buffer.from(request('POST', '/api/v1/keys', { ...keyFields(), 'Transfer-Encoding': 'chunked' }) + chunks);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, i) => bytes.subarray(i * 3, i * 3 + 3));
    const answers = await ask('chunked byte by byte', null, { pieces, want: 1 });
    assert.equal(answers[0].status, 201);
  });

  test('Chunked in capitals is chunked', async () => {
    const answers = await ask('CHUNKED', `${request('POST', '/api/v1/keys', { ...keyFields(), 'Transfer-Encoding': 'CHUNKED' })}0\r\n\r\n`, { want: 1 });
    assert.equal(answers[0].status, 400); // read, and an empty body is no JSON
    checkError(answers[0], 'invalid');
  });

  test('a request cut in two anywhere is the same request', async () => {
    const bytes = Buffer.from(request('POST', '/api/v1/keys', { ...json, ...bearer() }, '{"name":"x","scopes":"read"}'));
    for (let at = 1; at < bytes.length; at += 40) {
      await Promise.all(Array.from({ length: Math.min(40, bytes.length - at) }, async (_, i) => {
        const answers = await ask(`cut at ${at + i}`, null, { pieces: [bytes.subarray(0, at + i), bytes.subarray(at + i)], want: 1 });
        assert.equal(answers[0].status, 403); // a key cannot make keys
      }));
    }
  });

  test('100-continue: asked for, granted, then the answer', async () => {
    const body = keyBody();
    const wire = await dial(server.port);
    wire.write(request('POST', '/api/v1/keys', { ...keyFields(), 'Content-Length': body.length, Expect: '100-continue' }));
    assert.equal(await wire.takeUntil('\r\n\r\n', 2000), 'HTTP/1.1 100 Continue');
    wire.write(body);
    assert.match(await wire.takeUntil('\r\n\r\n'), /^HTTP\/1\.1 201 /);
    wire.destroy();
  });

  test('100-continue with a chunked body', async () => {
    const wire = await dial(server.port);
    wire.write(request('POST', '/api/v1/keys', { ...keyFields(), 'Transfer-Encoding': 'chunked', Expect: '100-CONTINUE' }));
    assert.equal(await wire.takeUntil('\r\n\r\n', 2000), 'HTTP/1.1 100 Continue');
    const body = keyBody();
    wire.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    assert.match(await wire.takeUntil('\r\n\r\n'), /^HTTP\/1\.1 201 /);
    wire.destroy();
  });

  for (const [name, fields, status] of [
    ['a stranger', { ...json }, 401],
    ['a stranger with a wrong type', { 'Content-Type': 'text/plain' }, 401],
    ['too much', { ...json, 'Content-Length': 2 << 20, Authorization: 'session' }, 413],
  ]) {
    test(`100-continue of ${name}: refused without reading the body`, async () => {
      const all = { 'Content-Length': 10, ...fields, Expect: '100-continue' };
      if (fields.Authorization === 'session') Object.assign(all, keyFields(), { Authorization: null });
      const answers = await ask(`Expect, ${name}`, request('POST', '/api/v1/keys', all) + canary());
      assert.equal(answers.length, 1);
      assert.equal(answers[0].status, status);
      assert.equal(answers[0].headers.connection, 'close');
    });
  }

  test('100-continue without a body, or in HTTP/1.0, asks for nothing', async () => {
    const answers = await ask('Expect without body', request('GET', '/healthz', { Expect: '100-continue' }), { want: 1 });
    assert.deepEqual(answers.map((one) => one.status), [200]);
    const old = await ask('Expect in 1.0', `POST /api/v1/session HTTP/1.0\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}`);
    assert.deepEqual(old.map((one) => one.status), [400]);
  });

  test('the wall: one byte more than a route takes is 413, said before the body is sent', async () => {
    const answers = await ask('1 MiB', request('POST', '/api/v1/session', { ...json, 'Content-Length': (1 << 20) + 1 }));
    assert.equal(answers[0].status, 413);
    checkError(answers[0], 'too_big');
  });

  test('the wall: a chunked body is stopped where it grows too large', async () => {
    const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`;
    const answers = await ask('chunked flood', request('POST', '/api/v1/session', { ...json, 'Transfer-Encoding': 'chunked' }) + chunk.repeat(20));
    assert.equal(answers.length, 1);
    assert.equal(answers[0].status, 413);
    assert.equal(answers.error, null);
  });

  for (const [type, isFine] of [['application/json', true], ['application/json; charset=utf-8', true], ['application/json;charset=UTF-8', true],
    ['Application/JSON', true], ['application/jsonp', false], ['application/json-seq', false], ['text/json', false], ['', false], [null, false]]) {
    test(`Content-Type: ${type} is ${isFine ? 'read' : 'refused'}`, async () => {
      const answers = await ask(`type ${type}`, request('POST', '/api/v1/session', { 'Content-Type': type }, '{}'), { want: 1 });
      assert.equal(answers[0].status, 400);
      checkError(answers[0], 'invalid', isFine ? undefined : 'Content-Type');
      assert.equal(JSON.parse(answers[0].body).error.field === 'Content-Type', !isFine);
    });
  }

  const deep = (n) => '['.repeat(n) + ']'.repeat(n);
  for (const [name, body] of [
    ['nothing', ''], ['a blank', ' '], ['half an object', '{"name":"a"'], ['a list', '[]'], ['a number', '1'], ['null', 'null'],
    ['text', '"text"'], ['two objects', '{}{}'], ['words', 'name=a&scopes=read'], ['a NUL', '{"name":"a\\u0000b","scopes":"read"}'],
    ['a raw NUL', '{"name":"a\0b","scopes":"read"}'], ['a member twice', '{"name":"a","name":"b","scopes":"read"}'],
    ['an unknown member', '{"name":"a","scopes":"read","admin":true}'], ['a list for text', '{"name":["a"],"scopes":"read"}'],
    ['a number for text', '{"name":5,"scopes":"read"}'], ['an object for text', '{"name":{},"scopes":"read"}'],
    ['an unknown scope', '{"name":"a","scopes":"everything"}'], ['no name', '{"scopes":"read"}'], ['an empty name', '{"name":"","scopes":"read"}'],
    ['a name of 10,000 letters', `{"name":"${'a'.repeat(10000)}","scopes":"read"}`], ['a lone surrogate', '{"name":"\\ud800","scopes":"read"}'],
    ['wrong UTF-8', Buffer.from('{"name":"\xff","scopes":"read"}', 'latin1')], ['1,000 deep', `{"name":${deep(1000)},"scopes":"read"}`],
    ['a number of 400 digits', `{"name":${'9'.repeat(400)},"scopes":"read"}`], ['1e999', '{"name":1e999,"scopes":"read"}'],
    ['NaN', '{"name":NaN,"scopes":"read"}'], ['a comment', '{/**/"name":"a","scopes":"read"}'], ['a comma at the end', '{"name":"a","scopes":"read",}'],
    ['single quotes', "{'name':'a','scopes':'read'}"], ['a byte order mark', '\ufeff{"name":"a","scopes":"read"}'],
    ['the proto', '{"__proto__":{"a":1},"name":"a","scopes":"read"}'], ['10,000 members', `{${Array.from({ length: 3000 }, (_, i) => `"m${i}":1`).join()}}`],
    ['a time that is none', '{"name":"a","scopes":"read","expires_at":"tomorrow"}'], ['a time long gone', '{"name":"a","scopes":"read","expires_at":"2001-01-01T00:00:00Z"}'],
  ]) {
    test(`a body that is ${name} is refused in a sentence`, async () => {
      const begun = performance.now();
      const bytes = Buffer.concat([Buffer.from(request('POST', '/api/v1/keys', { ...keyFields(), 'Content-Length': Buffer.byteLength(body) })), Buffer.from(body)]);
      const answers = await ask(`body: ${name}`, bytes, { want: 1 });
      assert.ok([400, 413].includes(answers[0].status), `${answers[0].status}`);
      checkError(answers[0], answers[0].status === 413 ? 'too_big' : 'invalid');
      assert.ok(performance.now() - begun < 1000);
    });
  }
});

/* --- pipelining and keep-alive ------------------------------------------------------------------ */

describe('one connection, many requests', () => {
  test('50 pipelined requests are answered in order', async () => {
    let bytes = '';
    for (let i = 0; i < 50; i++) bytes += request('GET', `/api/v1/nothing-${i}`, bearer());
    const answers = await ask('50 in a row', bytes, { want: 50 });
    answers.forEach((answer, i) => assert.match(JSON.parse(answer.body).error.message, new RegExp(`/api/v1/nothing-${i}$`)));
  });

  test('50 pipelined requests, some answered late, are answered in order', async () => {
    let bytes = '';
    const statuses = [];
    for (let i = 0; i < 50; i++) {
      if (i % 10 === 5) {
        bytes += request('GET', '/api/v1/history?series=host/local.cpu_pct&range=5m', bearer());
        statuses.push(200);
      } else if (i % 10 === 7) {
        bytes += request('POST', '/api/v1/keys', { ...json, Cookie: admin.cookie, Origin: server.origin }, JSON.stringify({ name: `late ${i}`, scopes: 'read' }));
        statuses.push(201);
      } else {
        bytes += request('GET', `/api/v1/nothing-${i}`, bearer());
        statuses.push(404);
      }
    }
    const answers = await ask('50 mixed', bytes, { want: 50, within: 10000 });
    assert.deepEqual(answers.map((one) => one.status), statuses);
    answers.forEach((answer, i) => {
      if (answer.status === 404) assert.match(JSON.parse(answer.body).error.message, new RegExp(`/api/v1/nothing-${i}$`));
      if (answer.status === 201) assert.equal(JSON.parse(answer.body).name, `late ${i}`);
    });
  });

  test('200 pipelined requests for a large file come whole, however slowly they are read', async () => {
    const { text } = await server.request('GET', '/');
    const [, script] = /<script[^>]* src="\/?([^"]+\.js)"/.exec(text) ?? [];
    assert.ok(script, 'the page is inside the binary: make ui');
    const { text: body } = await server.request('GET', `/${script}`);
    const wire = await dial(server.port);
    wire.socket.pause();
    wire.write(request('GET', `/${script}`).repeat(200));
    await sleep(300);
    wire.socket.resume();
    const whole = await wire.when(() => parseAnswers(wire.bytes, [], { partial: true }).length >= 200, 15000);
    const answers = parseAnswers(wire.bytes, [], { partial: true });
    assert.ok(whole, `${answers.length} of 200 answers`);
    answers.forEach((answer) => assert.equal(answer.body.length, Buffer.byteLength(body)));
    wire.destroy();
  });

  test('a connection goes on for 500 requests', async () => {
    const wire = await dial(server.port);
    for (let i = 0; i < 500; i++) {
      wire.write(canary());
      assert.ok(await wire.when(() => parseAnswers(wire.bytes, [], { partial: true }).length === 1), `request ${i}`);
      wire.bytes = Buffer.alloc(0);
    }
    wire.destroy();
  });

  for (const value of ['close', 'Close', 'keep-alive, close', 'close, x']) {
    test(`Connection: ${value} closes after the answer`, async () => {
      const answers = await ask(`Connection: ${value}`, request('GET', '/healthz', { Connection: value }) + canary());
      assert.deepEqual(answers.map((one) => one.status), [200]);
      assert.equal(answers[0].headers.connection, 'close');
    });
  }

  test('HTTP/1.0 is answered and closed, with a host or without', async () => {
    for (const fields of ['', `Host: ${host}\r\n`, `Host: ${host}\r\nConnection: keep-alive\r\n`]) {
      const answers = await ask('HTTP/1.0', `GET /healthz HTTP/1.0\r\n${fields}\r\n${canary()}`);
      assert.deepEqual(answers.map((one) => one.status), [200]);
      assert.equal(answers[0].headers.connection, 'close');
    }
  });

  test('after an upgrade was refused the connection is still HTTP', async () => {
    const answers = await ask('no upgrade', handshake('/api/v1/live', { Host: host, ...bearer(), 'Sec-WebSocket-Version': '8' }) + canary(), { want: 2 });
    assert.deepEqual(answers.map((one) => one.status), [426, 200]);
    assert.equal(answers[0].headers['sec-websocket-version'], '13');
  });

  test('a client that shut down its side still gets the answers on their way', async () => {
    const wire = await dial(server.port);
    wire.socket.end(canary().repeat(20));
    assert.ok(await wire.gone());
    assert.equal(parseAnswers(wire.bytes, []).length, 20);
  });

  /** Asks, shuts its side at once, and reads to the end. */
  async function askAndShut(bytes, within = 5000) {
    const wire = await dial(server.port);
    wire.socket.end(bytes);
    assert.ok(await wire.gone(within), 'the server ends the connection as well');
    assert.equal(wire.error, null);
    return parseAnswers(wire.bytes);
  }

  test('a client that shut its side gets an answer that waits for the store, and for a worker', async () => {
    const [made] = await askAndShut(request('POST', '/api/v1/keys', { ...json, Cookie: admin.cookie, Origin: server.origin }, JSON.stringify({ name: 'half', scopes: 'read' })));
    assert.equal(made.status, 201);
    assert.equal(made.headers.connection, 'close');
    assert.match(JSON.parse(made.body).key, /^bnk_/);
    const [login] = await askAndShut(request('POST', '/api/v1/session', json, JSON.stringify({ username: 'ada', password: PASSWORD })));
    assert.equal(login.status, 200);
    const [history] = await askAndShut(request('GET', '/api/v1/history?series=host/local.cpu_pct&range=24h', bearer()));
    assert.equal(history.status, 200);
  });

  test('a client that shut its side gets every pipelined answer, late ones too', async () => {
    const late = request('POST', '/api/v1/keys', { ...json, Cookie: admin.cookie, Origin: server.origin }, JSON.stringify({ name: 'pipe', scopes: 'read' }));
    const answers = await askAndShut([canary(), late, canary(), late, late].join(''));
    assert.deepEqual(answers.map((one) => one.status), [200, 201, 200, 201, 201]);
  });

  test('a client that shut its side and waits for a change is answered at once with what there is', async () => {
    const [now] = await ask('where it stands', request('GET', '/api/v1/state?topic=people.audit', bearer()), { want: 1 });
    const { e, s } = JSON.parse(now.body);
    const begun = performance.now();
    const [answer] = await askAndShut(request('GET', `/api/v1/state?topic=people.audit&since=${e}.${s}&wait=30`, bearer()));
    assert.equal(answer.status, 200);
    assert.ok(JSON.parse(answer.body).s >= s); // the audit may have moved on meanwhile
    assert.ok(performance.now() - begun < 3000);
  });

  test('a listener that shut its side is gone, and so is who left in the middle of a request', async () => {
    const wire = await dial(server.port);
    wire.socket.end(request('GET', '/api/v1/events?topic=meter.host', bearer()));
    assert.ok(await wire.gone(5000));
    assert.match(wire.bytes.toString('latin1'), /^HTTP\/1\.1 200 /);
    const half = await dial(server.port);
    half.socket.end(request('POST', '/api/v1/session', json, '{"username"').slice(0, -3));
    assert.ok(await half.gone(5000));
    assert.equal(half.bytes.length, 0);
  });

  test('a client that left altogether while its answer is worked out is noticed', async () => {
    const connections = async () => {
      const { text } = await server.request('GET', '/metrics', { key: metricsKey });
      return Number(/^binnacle_connections (\S+)$/m.exec(text)[1]);
    };
    const before = await connections();
    const [now] = await ask('where it stands', request('GET', '/api/v1/state?topic=people.audit', bearer()), { want: 1 });
    const { e, s } = JSON.parse(now.body);
    for (const bytes of [request('GET', `/api/v1/state?topic=people.audit&since=${e}.${s}&wait=60`, bearer()),
      request('POST', '/api/v1/session', json, JSON.stringify({ username: 'nobody', password: PASSWORD }))]) {
      for (const way of ['reset', 'destroy']) {
        const wire = await dial(server.port);
        wire.write(bytes);
        await sleep(20);
        wire[way]();
      }
    }
    await until('them to be gone', async () => await connections() <= before, { within: 8000 });
  });
});

/* --- other sites (B02) -------------------------------------------------------------------------- */

describe('pages of other sites', () => {
  const deed = (fields) => request('POST', '/api/v1/keys', { ...json, Cookie: admin.cookie, ...fields }, JSON.stringify({ name: 'csrf', scopes: 'read' }));
  const upgrade = (fields) => handshake('/api/v1/live', { Host: host, Cookie: admin.cookie, 'Sec-WebSocket-Protocol': 'live.1', ...fields });
  const login = (fields) => request('POST', '/api/v1/session', { ...json, ...fields }, JSON.stringify({ username: 'ada', password: 'wrong wrong wrong' }));

  const cases = [
    ['our own Origin', () => ({ Origin: server.origin }), true],
    ['our own Origin and Sec-Fetch-Site', () => ({ Origin: server.origin, 'Sec-Fetch-Site': 'same-origin' }), true],
    ['our own Origin in capitals', () => ({ Origin: server.origin.replace('http', 'http') , 'Sec-Fetch-Site': 'none' }), true],
    ['no Origin', () => ({}), false],
    ['no Origin, Sec-Fetch-Site none', () => ({ 'Sec-Fetch-Site': 'none' }), false],
    ['no Origin, Sec-Fetch-Site same-origin', () => ({ 'Sec-Fetch-Site': 'same-origin' }), false],
    ['null', () => ({ Origin: 'null' }), false],
    ['an empty Origin', () => ({ Origin: '' }), false],
    ['another site', () => ({ Origin: 'http://evil.example' }), false],
    ['another port', () => ({ Origin: 'http://127.0.0.1:1' }), false],
    ['localhost instead of the address', () => ({ Origin: `http://localhost:${server.port}` }), false],
    ['a longer name', () => ({ Origin: `${server.origin}.evil.example` }), false],
    ['a longer port', () => ({ Origin: `${server.origin}0` }), false],
    ['our own in a path', () => ({ Origin: `http://evil.example/${server.origin}` }), false],
    ['our own as user', () => ({ Origin: `http://${host}@evil.example` }), false],
    ['another scheme', () => ({ Origin: `ftp://${host}` }), false],
    ['no scheme', () => ({ Origin: host }), false],
    ['a slash at the end', () => ({ Origin: `${server.origin}/` }), false],
    ['our own Origin, Sec-Fetch-Site cross-site', () => ({ Origin: server.origin, 'Sec-Fetch-Site': 'cross-site' }), false],
    ['our own Origin, Sec-Fetch-Site same-site', () => ({ Origin: server.origin, 'Sec-Fetch-Site': 'same-site' }), false],
    ['our own Origin, an unknown Sec-Fetch-Site', () => ({ Origin: server.origin, 'Sec-Fetch-Site': 'friendly' }), false],
  ];
  for (const [name, fields, isFine] of cases) {
    test(`a deed with a cookie: ${name} is ${isFine ? 'done' : 'refused'}`, async () => {
      const answers = await ask(`POST, ${name}`, deed(fields()), { want: 1 });
      assert.equal(answers[0].status, isFine ? 201 : 403);
      if (!isFine) checkError(answers[0], 'forbidden');
    });
    test(`an upgrade with a cookie: ${name} is ${isFine ? 'done' : 'refused'}`, async () => {
      const answers = await ask(`upgrade, ${name}`, upgrade(fields()), { want: 1, methods: ['UPGRADE'] });
      assert.equal(answers[0].status, isFine ? 101 : 403);
      if (!isFine) checkError(answers[0], 'forbidden');
    });
  }

  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    test(`${method} from another site is refused`, async () => {
      const answers = await ask(`${method} foreign`, request(method, '/api/v1/users/x', { ...json, Cookie: admin.cookie, Origin: 'http://evil.example' }, method === 'DELETE' ? null : '{}'), { want: 1, methods: [method] });
      assert.ok([403, 405].includes(answers[0].status));
    });
  }

  test('a login from a page of another site is refused, from a program it is judged', async () => {
    const foreign = await ask('foreign login', login({ Origin: 'http://evil.example' }), { want: 1 });
    checkError(foreign[0], 'forbidden');
    const fetched = await ask('cross-site login', login({ 'Sec-Fetch-Site': 'cross-site' }), { want: 1 });
    checkError(fetched[0], 'forbidden');
    const program = await ask('program login', login({}), { want: 1 });
    checkError(program[0], 'unauthorized');
  });

  test('a key needs no Origin, and a foreign one does not hurt it', async () => {
    for (const fields of [{}, { Origin: 'http://evil.example' }]) {
      const answers = await ask('key', request('POST', '/api/v1/keys', { ...json, ...bearer(), ...fields }, '{"name":"x","scopes":"read"}'), { want: 1 });
      assert.match(JSON.parse(answers[0].body).error.message, /^(?!.*Origin)/); // a key cannot make keys: another matter
      const live = await ask('key live', handshake('/api/v1/live', { Host: host, ...bearer(), 'Sec-WebSocket-Protocol': 'live.1', ...fields }), { want: 1, methods: ['UPGRADE'] });
      assert.equal(live[0].status, 101);
    }
  });

  for (const target of ['/', '/healthz', '/api/v1/session', '/api/v1/events?topic=meter.host', '/openapi.json', '/assets/x.js']) {
    test(`a name that was rebound to us gets nothing at ${target}`, async () => {
      const answers = await ask(`rebound ${target}`, request('GET', target, { Host: 'rebound.example', Cookie: admin.cookie }), { want: 1 });
      assert.equal(answers[0].status, 421);
      checkError(answers[0], 'forbidden');
    });
  }

  test('a rebound name that matches its Origin is refused as well, for deeds and upgrades', async () => {
    const fields = { Host: 'rebound.example', Origin: 'http://rebound.example' };
    assert.equal((await ask('rebound deed', deed(fields), { want: 1 }))[0].status, 421);
    assert.equal((await ask('rebound upgrade', upgrade(fields), { want: 1 }))[0].status, 421);
  });

  test('a person at an unknown name gets a page that says how to add it', async () => {
    const [answer] = await ask('stranger page', request('GET', '/', { Host: 'nas.home', Accept: 'text/html,application/xhtml+xml' }), { want: 1 });
    assert.equal(answer.status, 421);
    assert.match(answer.headers['content-type'], /^text\/html/);
    assert.match(answer.body.toString(), /--allow-host nas\.home/);
  });

  test('no answer ever allows another origin to read it', async () => {
    for (const method of ['GET', 'OPTIONS', 'HEAD']) {
      const answers = await ask('CORS', request(method, '/api/v1/session', { ...bearer(), Origin: 'http://evil.example', 'Access-Control-Request-Method': 'GET' }), { want: 1, methods: [method] });
      checkGuards(answers[0]);
    }
  });

  test('a session and a key together are refused', async () => {
    const [answer] = await ask('both', request('GET', '/api/v1/session', { ...bearer(), Cookie: admin.cookie }), { want: 1 });
    checkError(answer, 'unauthorized');
  });
});

/* --- queries ------------------------------------------------------------------------------------ */

describe('queries', () => {
  for (const [target, field] of [
    ['/api/v1/state?topic=meter.host&topic=self', 'topic'],
    ['/api/v1/state?topic=meter.host&wait=0&wait=0', 'wait'],
    ['/api/v1/audit?limit=1&limit=2', 'limit'],
    ['/api/v1/audit?limit=0', 'limit'],
    ['/api/v1/audit?limit=-1', 'limit'],
    ['/api/v1/audit?limit=1e1', 'limit'],
    ['/api/v1/audit?limit=', 'limit'],
    ['/api/v1/audit?limit=99999999999999999999', 'limit'],
    ['/api/v1/audit?lImit=1', 'query'],
    ['/api/v1/history?series=host/local.cpu_pct&range=5m&range=1h', 'range'],
    ['/api/v1/history?series=host/local.cpu_pct&range=5m&x=1', 'query'],
    ['/api/v1/history?range=5m', 'series'],
    ['/api/v1/state', 'topic'],
    ['/api/v1/state?topic=meter.host&wait=61', 'wait'],
    ['/api/v1/events', 'topic'],
    ['/api/v1/events?topic=meter.host&topc=self', 'query'],
  ]) {
    test(`${target} is refused by name`, async () => {
      const [answer] = await ask(target, request('GET', target, bearer()), { want: 1 });
      assert.equal(answer.status, 400);
      checkError(answer, 'invalid', field);
    });
  }
});

/* --- every code that can be reached -------------------------------------------------------------- */

describe('error codes', () => {
  test('conflict: set-up is done', async () => {
    const [answer] = await ask('setup again', request('POST', '/api/v1/setup', json, '{"code":"AAAA-AAAA","username":"eve","password":"long enough 123"}'), { want: 1 });
    checkError(answer, 'conflict');
  });

  test('unauthorized, forbidden, not_found', async () => {
    checkError((await ask('401', request('GET', '/api/v1/users'), { want: 1 }))[0], 'unauthorized');
    checkError((await ask('403', request('GET', '/api/v1/users', { Authorization: `Bearer ${metricsKey}` }), { want: 1 }))[0], 'forbidden');
    checkError((await ask('404', request('GET', '/api/v1/state?topic=no.such', bearer()), { want: 1 }))[0], 'not_found');
    checkError((await ask('404 key', request('DELETE', '/api/v1/keys/nope', { Cookie: admin.cookie, Origin: server.origin }), { want: 1, methods: ['DELETE'] }))[0], 'not_found');
  });

  test('too_many: logins', async () => {
    let answer;
    for (let i = 0; i < 12 && answer?.status !== 429; i++) {
      [answer] = await ask(`login ${i}`, request('POST', '/api/v1/session', json, '{"username":"nobody-here","password":"wrong wrong wrong"}'), { want: 1 });
    }
    checkError(answer, 'too_many');
    assert.match(answer.headers['retry-after'], /^[1-9][0-9]*$/);
  });

  test('a request_id names one request', async () => {
    const ids = new Set();
    for (let i = 0; i < 20; i++) ids.add(checkError((await ask('id', request('GET', '/api/v1/users'), { want: 1 }))[0], 'unauthorized').request_id);
    assert.equal(ids.size, 20);
  });
});

/* --- the page and its files ---------------------------------------------------------------------- */

describe('assets', () => {
  let script;

  before(async () => {
    const { text } = await server.request('GET', '/');
    [, script] = /<script[^>]* src="\/?([^"]+\.js)"/.exec(text) ?? [];
    assert.ok(script, 'the page is inside the binary: make ui');
    script = `/${script}`;
  });

  const get = async (target, fields = {}, method = 'GET') => (await ask(`${method} ${target} ${JSON.stringify(fields)}`,
    request(method, target, fields), { methods: [method], want: 1 }))[0];

  test('a file comes plain, gzip and br, each with its own tag, all the same inside', async () => {
    const plain = await get(script);
    const gzip = await get(script, { 'Accept-Encoding': 'gzip' });
    const br = await get(script, { 'Accept-Encoding': 'gzip, deflate, br' });
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(gzip.headers['content-encoding'], 'gzip');
    assert.equal(br.headers['content-encoding'], 'br');
    assert.ok(zlib.gunzipSync(gzip.body).equals(plain.body));
    assert.ok(zlib.brotliDecompressSync(br.body).equals(plain.body));
    assert.ok(br.body.length < gzip.body.length && gzip.body.length < plain.body.length);
    assert.equal(new Set([plain, gzip, br].map((one) => one.headers.etag)).size, 3);
    for (const one of [plain, gzip, br]) {
      assert.equal(one.headers.vary, 'Accept-Encoding');
      assert.equal(one.headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.match(one.headers['content-type'], /^text\/javascript/);
    }
  });

  for (const [accepts, coding] of [
    ['', undefined], ['identity', undefined], ['gzip;q=0', undefined], ['br;q=0, gzip', 'gzip'], ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['*', 'br'], ['*;q=0', undefined], ['deflate', undefined], ['GZIP', 'gzip'], ['gzip;q=2', undefined], ['br;q=1.000', 'br'],
  ]) {
    test(`Accept-Encoding: ${accepts} gets ${coding ?? 'plain'}`, async () => {
      assert.equal((await get(script, { 'Accept-Encoding': accepts })).headers['content-encoding'], coding);
    });
  }

  test('a tag that is known is answered 304, without a body, with the same fields', async () => {
    for (const target of [script, '/', '/index.html']) {
      const first = await get(target, { 'Accept-Encoding': 'br' });
      const { etag } = first.headers;
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await get(target, { 'Accept-Encoding': 'br', 'If-None-Match': known });
        assert.equal(again.status, 304, `${target} ${known}`);
        assert.equal(again.headers.etag, etag);
        assert.equal(again.headers['cache-control'], first.headers['cache-control']);
        assert.equal(again.headers.vary, first.headers.vary);
        assert.equal(again.headers['content-length'], undefined);
      }
      assert.equal((await get(target, { 'Accept-Encoding': 'br', 'If-None-Match': '"other"' })).status, 200);
      assert.equal((await get(target, { 'If-None-Match': etag })).status, 200, 'the tag of another coding');
    }
  });

  test('the page itself is asked for each time', async () => {
    assert.equal((await get('/')).headers['cache-control'], 'no-cache');
  });

  test('HEAD of a file has its length and no body', async () => {
    const head = await get(script, {}, 'HEAD');
    assert.equal(Number(head.headers['content-length']), (await get(script)).body.length);
  });

  test('a topic is answered 304 while it has not moved', async () => {
    const topic = await get('/api/v1/state?topic=people.audit', bearer());
    assert.equal(topic.status, 200);
    const log = await get('/api/v1/state?topic=meter.host', bearer());
    assert.match(log.headers.etag, /^"[a-z0-9]+\.\d+"$/);
  });
});

/* --- under a path ------------------------------------------------------------------------------- */

test('under a base path nothing answers beside it', async (t) => {
  const under = await new Server({ args: ['--base-path', '/ops'] }).start();
  t.after(() => under.finish());
  const status = async (target) => (await ask(`base ${target}`, request('GET', target, { Host: `127.0.0.1:${under.port}` }), { want: 1, to: under }))[0];
  for (const target of ['/', '/op', '/opsx', '/opsx/', '/xyzhealthz', '/healthz', '/api/v1/setup', '/ops%2fhealthz', '/OPS/']) {
    const answer = await status(target);
    assert.ok([400, 404].includes(answer.status), `${target}: ${answer.status}`);
  }
  for (const target of ['/ops/healthz', '/ops/api/v1/setup', '/ops', '/ops/', '/ops/host']) assert.equal((await status(target)).status, 200, target);
  const page = await status('/ops/');
  assert.match(page.body.toString(), /src="\/ops\/assets\//);
  assert.match(page.headers.etag, /^"[\w-]{20,}"$/);
  const login = await under.request('POST', '/ops/api/v1/setup', { body: { code: under.code, username: 'ada', password: 'a harbour pilot 9' } });
  assert.equal(login.status, 201);
  assert.match(login.headers['set-cookie'][0], /; Path=\/ops;/);
});

/* --- traversal (B08) ---------------------------------------------------------------------------- */

/** Climbing paths in every spelling, to files that must never be told. */
function traversals() {
  const dots = ['..', '%2e%2e', '.%2e', '%2e.', '%252e%252e', '..;', '%c0%ae%c0%ae', '%e0%80%ae%e0%80%ae', '%uff0e%uff0e', '. .', '..%00', '....', '%2e%2e%2e', '..%20', '..\\', '..%5c'];
  const slashes = ['/', '%2f', '%252f', '\\', '%5c', '%255c', '//', '/./', '%c0%af', '%e0%80%af'];
  const targets = ['etc/passwd', 'binnacle.db', 'sentinel.txt', 'data/binnacle.db', 'proc/self/environ', 'setup-code', 'binnacle.conf', 'windows/win.ini'];
  const starts = ['', 'assets/', 'api/v1/', 'static/', 'ui/dist/'];
  const all = [];
  for (const dot of dots) {
    for (const slash of slashes) {
      for (const target of targets) {
        for (let depth = 1; depth <= 6; depth += 1) {
          const start = starts[all.length % starts.length];
          all.push(`/${start}${(dot + slash).repeat(depth)}${target.replaceAll('/', slash)}`);
        }
      }
    }
  }
  for (const target of targets) all.push(`/${target}`, `//${target}`, `/%2f${target}`, `/.//${target}`, `/~/${target}`, `/file:///${target}`, `/${target}%00.js`, `/assets/${target}`, `/assets/..${target}`);
  return all.map((one) => one.replaceAll(' ', '%20'));
}

for (const mode of ['the binary', '--ui-dir']) {
  test(`no path leads out of the page, served from ${mode}`, async (t) => {
    const folder = makeFolder();
    fs.mkdirSync(path.join(folder, 'ui/assets'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'ui/index.html'), '<!doctype html><title>page</title>');
    fs.writeFileSync(path.join(folder, 'sentinel.txt'), 'SENTINEL');
    fs.symlinkSync('../../sentinel.txt', path.join(folder, 'ui/assets/link.txt'));
    const own = await new Server({ data: path.join(folder, 'data'), args: mode === '--ui-dir' ? ['--ui-dir', path.join(folder, 'ui')] : [] }).start();
    t.after(async () => { await own.finish(); fs.rmSync(folder, { recursive: true }); });
    fs.writeFileSync(path.join(own.data, 'sentinel.txt'), 'SENTINEL');
    const all = [...traversals(), '/assets/link.txt'];
    const counts = {};
    for (let at = 0; at < all.length; at += 200) {
      const some = all.slice(at, at + 200);
      const wire = await dial(own.port);
      wire.write(some.map((target) => `GET ${target} HTTP/1.1\r\nHost: x1\r\n\r\n`.replace('x1', '127.0.0.1')).join(''));
      let got = 0;
      assert.ok(await wire.when(() => (wire.bytes.toString('latin1').match(/HTTP\/1\.1 \d/g) ?? []).length >= some.length, 10000), 'no request hangs');
      const answers = parseAnswers(wire.bytes, [], { partial: true });
      wire.destroy();
      for (const answer of answers) {
        counts[answer.status] = (counts[answer.status] ?? 0) + 1;
        got++;
        const body = answer.body.toString('latin1');
        assert.ok(!/SENTINEL|root:x:0|SQLite format 3|PATH=/.test(body), `${some[got - 1]} leads out`);
        assert.ok(answer.status < 500, `${some[got - 1]}: ${answer.status}`);
        assert.ok(!answer.headers['content-type'].includes('html') || answer.status === 200);
      }
    }
    assert.ok(all.length >= 7500, `${all.length} paths`);
    t.diagnostic(`measured: ${all.length} paths from ${mode}: ${JSON.stringify(counts)}`);
  });
}

/* --- a second opinion --------------------------------------------------------------------------- */

test('python3-h11 reads every answer the same way', async (t) => {
  assert.ok(transcript.length >= 200, `${transcript.length} exchanges`);
  const child = spawn('/usr/bin/python3', [path.join(here, 'lib/reparse_h11.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (piece) => { out += piece; });
  child.stderr.on('data', (piece) => { out += piece; });
  child.stdin.end(`${transcript.map((one) => JSON.stringify(one)).join('\n')}\n`);
  const code = await new Promise((resolve) => { child.on('close', resolve); });
  assert.equal(code, 0, `${out}(is python3-h11 installed?)`);
  const answers = transcript.reduce((sum, one) => sum + parseAnswers(Buffer.from(one.bytes, 'base64'), one.methods, { partial: !one.closed })
    .filter((answer) => answer.status >= 200 || answer.status === 101).length, 0);
  assert.match(out, new RegExp(`^${answers} answers$`, 'm'));
  t.diagnostic(`measured: ${transcript.length} exchanges with ${answers} answers read by h11 as by us`);
});
