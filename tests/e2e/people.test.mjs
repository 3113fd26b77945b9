// people: set-up, logins, sessions, passwords, keys, users, throttling and audit over the real server, and
// the commands beside it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { describe, it } from 'node:test';

import { PASSWORD, binary, cookieOf, root, runBinary, sleep, startServer, until } from './lib/server.mjs';

const OTHER = 'vague otter parade';
const login = (server, username, password = PASSWORD, more = {}) =>
  server.request('POST', '/api/v1/session', { body: { username, password }, ...more });
const who = (server, how) => server.request('GET', '/api/v1/session', how);
const audit = async (server, admin, query = '') =>
  (await server.api('GET', `/api/v1/audit${query}`, { cookie: admin.cookie })).audit;
const cli = (server, words, input) => runBinary([...words, '--data', server.data], { input });

/** An event stream, once its first bytes have come: { bytes, hasEnded, close() }. */
function openStream(server, { cookie, key }) {
  const headers = cookie ? { Cookie: cookie } : { Authorization: `Bearer ${key}` };
  return new Promise((resolve, reject) => {
    const stream = { bytes: 0, hasEnded: false, close: () => request.destroy() };
    const request = http.get(`${server.origin}/api/v1/events?topic=meter.host`, { headers }, (answer) => {
      assert.equal(answer.statusCode, 200);
      answer.on('data', (piece) => {
        stream.bytes += piece.length;
        resolve(stream);
      });
      answer.on('close', () => { stream.hasEnded = true; });
      answer.on('error', () => {}); // cut in the middle of its body
    });
    request.on('error', reject);
  });
}

function refused(answer, status, code, message, field) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.error.code, code);
  assert.match(answer.json.error.message, message);
  assert.equal(answer.json.error.field, field);
  assert.match(answer.json.error.request_id, /./);
}

/** Every answer must be as if the secret had never been written anywhere but to its owner. */
function nothingLeaked(server, ...secrets) {
  const files = fs.readdirSync(server.data).map((name) => fs.readFileSync(path.join(server.data, name)));
  for (const secret of secrets) {
    assert.ok(!server.log.includes(secret), `the log holds ${secret}`);
    for (const file of files) assert.ok(!file.includes(secret), `a file holds ${secret}`);
  }
}

describe('set-up', () => {
  it('makes the first administrator with the printed code, once', async (t) => {
    const server = await startServer(t);
    assert.deepEqual(await server.api('GET', '/api/v1/setup'), { needed: true, done_at: null, done_by: null });
    assert.equal((fs.statSync(`${server.data}/setup-code`).mode & 0o777).toString(8), '600');
    const printed = await cli(server, ['setup-url']);
    assert.equal(printed.out, `${server.origin}/setup#c=${server.code}\n`);

    const form = { code: server.code.toLowerCase().replace('-', ' '), username: 'Ada', password: PASSWORD };
    const answer = await server.request('POST', '/api/v1/setup', { body: form });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.json.user.name, 'Ada');
    assert.equal(answer.json.user.role, 'admin');
    assert.deepEqual(answer.json.tenants, [{ id: 'default', name: 'Default' }]);
    assert.match(answer.headers['set-cookie'][0],
      /^binnacle=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/);
    const me = await who(server, { cookie: cookieOf(answer) });
    assert.deepEqual(me.json.rights, ['read', 'operate', 'admin', 'metrics', 'self']);

    refused(await server.request('POST', '/api/v1/setup', { body: form }), 409, 'conflict', /done already/);
    const state = await server.api('GET', '/api/v1/setup');
    assert.equal(state.needed, false);
    assert.equal(state.done_by, 'Ada');
    assert.match(state.done_at, /^20\d\d-.*Z$/);
    assert.ok(!fs.existsSync(`${server.data}/setup-code`));
    const again = await cli(server, ['setup-url']);
    assert.equal(again.code, 1);
    assert.match(again.err, /Ada is an administrator since .* --reset/);
    nothingLeaked(server, PASSWORD, cookieOf(answer).slice(9), server.code);
  });

  it('refuses wrong codes, weak passwords and odd names with the field, and is never burned', async (t) => {
    const server = await startServer(t);
    const post = (more) => server.request('POST', '/api/v1/setup',
      { body: { code: server.code, username: 'ada', password: PASSWORD, ...more } });
    refused(await post({ password: 'short' }), 400, 'invalid', /at least 12 characters, got 5/, 'password');
    refused(await post({ password: 'password1234' }), 400, 'invalid', /attackers try first/, 'password');
    refused(await post({ password: 'my ada-lovelace is here!', username: 'ada-lovelace' }), 400, 'invalid', /user name/, 'password');
    refused(await post({ username: 'a b' }), 400, 'invalid', /letters a-z/, 'username');
    refused(await post({ username: undefined }), 400, 'invalid', /username is required/, 'username');
    refused(await post({ role: 'admin' }), 400, 'invalid', /unknown field "role"/, 'role');
    refused(await post({ password: 12 }), 400, 'invalid', /password must be/, 'password');
    for (let i = 0; i < 5; i++) {
      refused(await post({ code: 'AAAA-AAAA' }), 403, 'forbidden', /not the set-up code/, 'code');
    }
    const slowed = await post({});
    refused(slowed, 429, 'too_many', /set-up code from this address: try again in (60|59) s/);
    assert.ok(Number(slowed.headers['retry-after']) >= 59);
    const added = await cli(server, ['user', 'add', 'root', '--admin', '--password-stdin'], `${PASSWORD}\n`);
    assert.equal(added.code, 0, added.err);
    assert.equal((await server.api('GET', '/api/v1/setup')).needed, false); // the commands closed it
  });

  it('lets the owner in again with --reset, and keeps the code over a restart', async (t) => {
    const server = await startServer(t);
    await server.setup('stranger');
    const reset = await cli(server, ['setup-url', '--reset']);
    assert.equal(reset.code, 0, reset.err);
    server.code = new URL(reset.out.trim()).hash.slice(3);
    await server.stop();
    await server.start();
    assert.match(server.out, new RegExp(`setup#c=${server.code}`));
    const owner = await server.setup('owner');
    const users = (await server.api('GET', '/api/v1/users', { cookie: owner.cookie })).users;
    assert.deepEqual(users.map((user) => user.name).sort(), ['owner', 'stranger']);
  });

  it('makes one administrator when two use the code at once', async (t) => {
    const server = await startServer(t);
    const answers = await Promise.all(['one', 'two', 'three'].map((username) =>
      server.request('POST', '/api/v1/setup', { body: { code: server.code, username, password: PASSWORD } })));
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 409, 409]);
  });
});

describe('sessions', () => {
  it('begin with the right password only, and the refusal tells nothing', async (t) => {
    const server = await startServer(t);
    await server.setup();
    const wrong = await login(server, 'ada', 'not the password');
    const nobody = await login(server, 'nobody', 'not the password');
    refused(wrong, 401, 'unauthorized', /^user name or password is wrong$/);
    refused(nobody, 401, 'unauthorized', /^user name or password is wrong$/);
    assert.equal(wrong.headers['set-cookie'], undefined);
    const right = await login(server, 'ADA');
    assert.equal(right.status, 200, right.text);
    assert.deepEqual(Object.keys(right.json), ['user', 'tenants']);
  });

  it('take as long for a name nobody has', async (t) => {
    const server = await startServer(t);
    await server.setup();
    const times = { ada: [], nobody: [] };
    for (let i = 0; i < 4; i++) { // under the five free tries of the address, together with one success
      const name = i % 2 ? 'nobody' : 'ada';
      const begun = performance.now();
      await login(server, name, 'not the password');
      times[name].push(performance.now() - begun);
    }
    const fastest = (name) => Math.min(...times[name]);
    assert.ok(fastest('nobody') > fastest('ada') / 2, JSON.stringify(times));
  });

  it('are listed, change with each login, and end one by one or all but this one', async (t) => {
    const server = await startServer(t);
    const first = await server.setup();
    const second = await server.login('ada');
    const third = await server.login('ada');
    const list = (await server.api('GET', '/api/v1/sessions', { cookie: second.cookie })).sessions;
    assert.equal(list.length, 3);
    assert.equal(list.filter((session) => session.is_current).length, 1);
    assert.deepEqual(Object.keys(list[0]).sort(),
      ['address', 'agent', 'created_at', 'expires_at', 'id', 'is_current', 'seen_at']);
    assert.equal(list[0].address, '127.0.0.1');

    const thirdId = (await who(server, { cookie: third.cookie })).json.session_id;
    await server.api('DELETE', `/api/v1/sessions/${thirdId}`, { cookie: second.cookie });
    assert.equal((await who(server, { cookie: third.cookie })).status, 401);
    refused(await server.request('DELETE', `/api/v1/sessions/${thirdId}`, { cookie: second.cookie }),
      404, 'not_found', /no such session/);

    const renewed = await login(server, 'ada', PASSWORD, { cookie: first.cookie });
    assert.notEqual(cookieOf(renewed), first.cookie);
    assert.equal((await who(server, { cookie: first.cookie })).status, 401); // the old cookie is no good
    await server.api('DELETE', '/api/v1/sessions', { cookie: second.cookie });
    assert.equal((await who(server, { cookie: cookieOf(renewed) })).status, 401);
    assert.equal((await who(server, { cookie: second.cookie })).status, 200);
    await server.api('DELETE', '/api/v1/sessions', { cookie: second.cookie }); // none left: fine
  });

  it('end at logout, and the cookie is cleared', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const answer = await server.request('DELETE', '/api/v1/session', { cookie: ada.cookie });
    assert.equal(answer.status, 204);
    assert.match(answer.headers['set-cookie'][0], /^binnacle=; Path=\/; Max-Age=0;/);
    refused(await who(server, { cookie: ada.cookie }), 401, 'unauthorized', /log in again/);
  });

  it('survive a restart of the server', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    await server.crash();
    await server.start();
    assert.equal((await who(server, { cookie: ada.cookie })).status, 200);
  });

  it('take their open streams with them, within a second', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const made = await server.addUser(ada, 'vera', 'viewer');
    const { key } = await server.api('POST', '/api/v1/keys', { cookie: ada.cookie, body: { name: 'k', scopes: 'read' } });
    const keyId = key.split('_')[1];
    const vera = await server.login('vera');
    const gone = await server.login('ada');
    const goneId = (await who(server, { cookie: gone.cookie })).json.session_id;
    const streams = await Promise.all([{ cookie: gone.cookie }, { cookie: vera.cookie }, { key }, { cookie: ada.cookie }]
      .map((how) => openStream(server, how)));
    await server.api('DELETE', `/api/v1/sessions/${goneId}`, { cookie: ada.cookie });
    await server.api('PATCH', `/api/v1/users/${made.id}`, { cookie: ada.cookie, body: { disabled: true } });
    await server.api('DELETE', `/api/v1/keys/${keyId}`, { cookie: ada.cookie });
    await until('three streams to end', () => streams.slice(0, 3).every((stream) => stream.hasEnded), { within: 1000 });
    const before = streams[3].bytes;
    await until('the fourth to go on', () => streams[3].bytes > before, { within: 3000 });
    streams[3].close();
  });

  it('cannot be used from another site', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const answer = await server.request('DELETE', '/api/v1/session',
      { cookie: ada.cookie, origin: 'http://evil.example' });
    assert.equal(answer.status, 403);
    assert.equal((await server.request('DELETE', '/api/v1/session', { cookie: ada.cookie, origin: false })).status, 403);
    assert.equal((await login(server, 'ada', PASSWORD, { origin: 'http://evil.example' })).status, 403);
    assert.equal((await who(server, { cookie: ada.cookie })).status, 200);
  });
});

describe('throttling', () => {
  it('asks to wait after five tries, says how long, and forgives', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await login(server, 'ada', `wrong password ${i}`)).status);
    assert.deepEqual(statuses, [401, 401, 401, 401, 401]);
    const slowed = await login(server, 'ada');
    refused(slowed, 429, 'too_many', /^too many tries for this address: try again in 1 s$/);
    assert.equal(slowed.headers['retry-after'], '1');
    await sleep(1050);
    assert.equal((await login(server, 'ada')).status, 200);
    const entries = await audit(server, ada);
    assert.equal(entries.filter((entry) => entry.action === 'session.throttle').length, 1);
    assert.equal(entries.filter((entry) => entry.action === 'session.create' && !entry.ok).length, 5);
  });

  it('lets people in where they are logged in already, whatever others guess elsewhere', async (t) => {
    const server = await startServer(t);
    const from = (localAddress) => ({ agent: new http.Agent({ localAddress }) });
    await server.setup(); // from 127.0.0.1
    for (let i = 0; i < 5; i++) await login(server, 'ada', `wrong password ${i}`, from('127.0.0.2'));
    refused(await login(server, 'ada', PASSWORD, from('127.0.0.3')), 429, 'too_many',
      /^too many tries for this account: try again in 1 s$/);
    assert.equal((await login(server, 'ada')).status, 200);
  });

  it('counts tries sent all at once', async (t) => {
    const server = await startServer(t);
    await server.setup();
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => login(server, 'ada', `wrong password ${i}`)));
    const count = (status) => answers.filter((answer) => answer.status === status).length;
    assert.equal(count(401), 5);
    assert.equal(count(429), 7);
  });

  it('checks few passwords at once and says when it has no room (T08)', async (t) => {
    const server = await startServer(t);
    await server.setup();
    const quiet = server.rss;
    const flood = Array.from({ length: 60 }, (_, i) => login(server, `user${i}`, 'not the password',
      { agent: new http.Agent({ localAddress: `127.0.1.${i + 1}` }) }));
    let worst = 0;
    const watch = setInterval(() => { worst = Math.max(worst, server.rss); }, 10);
    const health = performance.now();
    assert.equal((await server.request('GET', '/healthz')).status, 200); // the loop is not held up
    assert.ok(performance.now() - health < 250);
    const answers = await Promise.all(flood);
    clearInterval(watch);
    const busy = answers.filter((answer) => answer.status === 503);
    assert.ok(busy.length >= 20, `${busy.length} of 60 were told there is no room`);
    for (const answer of busy) {
      refused(answer, 503, 'unavailable', /too many passwords are being checked just now/);
      assert.equal(answer.headers['retry-after'], '2');
    }
    assert.equal(answers.filter((answer) => answer.status === 401).length, 60 - busy.length);
    assert.ok(worst - quiet < 160 << 20, `${(worst - quiet) >> 20} MiB for two hashes of 64`);
    assert.equal((await login(server, 'ada')).status, 200);
  });

  it('slows guesses of the current password too', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const change = (current) => server.request('POST', '/api/v1/password',
      { cookie: ada.cookie, body: { current, new: OTHER } });
    for (let i = 0; i < 5; i++) {
      refused(await change(`wrong password ${i}`), 400, 'invalid', /not the current password/, 'current');
    }
    refused(await change(PASSWORD), 429, 'too_many', /the current password: try again in 1 s/);
  });
});

describe('passwords', () => {
  it('change with the current one, and every other session ends', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const other = await server.login('ada');
    const change = (body) => server.request('POST', '/api/v1/password', { cookie: ada.cookie, body });
    refused(await change({ current: PASSWORD, new: 'short' }), 400, 'invalid', /at least 12/, 'new');
    refused(await change({ current: PASSWORD, new: PASSWORD }), 400, 'invalid', /is the old one/, 'new');
    refused(await change({ current: PASSWORD }), 400, 'invalid', /new is required/, 'new');
    refused(await change({ current: PASSWORD, new: `${'x1y2z'.repeat(26)}` }), 400, 'invalid', /128 bytes/, 'new');
    assert.equal((await change({ current: PASSWORD, new: OTHER })).status, 204);
    assert.equal((await who(server, { cookie: ada.cookie })).status, 200);
    assert.equal((await who(server, { cookie: other.cookie })).status, 401);
    assert.equal((await login(server, 'ada', PASSWORD)).status, 401);
    assert.equal((await login(server, 'ada', OTHER)).status, 200);
    nothingLeaked(server, PASSWORD, OTHER);
  });
});

describe('keys', () => {
  it('are shown once, kept as a hash, used without Origin, and removed', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const made = await server.request('POST', '/api/v1/keys',
      { cookie: ada.cookie, body: { name: 'backup', scopes: 'metrics, read' } });
    assert.equal(made.status, 201, made.text);
    const { key, id } = made.json;
    assert.match(key, /^bnk_[a-z2-9]{16}_[\w-]{43}$/);
    assert.equal(made.json.scopes, 'read,metrics');
    assert.equal(made.json.user_name, 'ada');
    assert.equal(made.json.expires_at, null);
    assert.equal(made.json.last_used_at, null);
    const me = (await who(server, { key })).json;
    assert.equal(me.user, null);
    assert.equal(me.key_id, id);
    assert.equal(me.session_id, null);
    assert.deepEqual(me.rights, ['read', 'metrics']);

    const listed = (await server.api('GET', '/api/v1/keys', { cookie: ada.cookie })).keys;
    assert.equal(listed.length, 1);
    assert.ok(listed[0].last_used_at);
    assert.ok(!JSON.stringify(listed).includes(key.slice(-43)));
    nothingLeaked(server, key.slice(-43));

    assert.equal((await server.request('DELETE', `/api/v1/keys/${id}`, { cookie: ada.cookie })).status, 204);
    refused(await who(server, { key }), 401, 'unauthorized', /no such key/);
    refused(await server.request('DELETE', `/api/v1/keys/${id}`, { cookie: ada.cookie }), 404, 'not_found', /no such key/);
  });

  it('do no more than their scopes and their maker', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    await server.addUser(ada, 'vera', 'viewer');
    const vera = await server.login('vera');
    const make = (body) => server.request('POST', '/api/v1/keys', { cookie: vera.cookie, body });
    refused(await make({ name: 'x', scopes: 'all' }), 403, 'forbidden', /does not reach as far as all/, 'scopes');
    refused(await make({ name: 'x', scopes: 'read,write' }), 400, 'invalid', /got "write"/, 'scopes');
    refused(await make({ name: '', scopes: 'read' }), 400, 'invalid', /name is required/, 'name');
    refused(await make({ name: 'x', scopes: 'read', expires_at: '2001-01-01T00:00:00Z' }), 400, 'invalid',
      /in the future/, 'expires_at');
    const all = await server.makeKey(ada, 'all');
    refused(await server.request('POST', '/api/v1/keys', { key: all, body: { name: 'x', scopes: 'read' } }),
      403, 'forbidden', /may not do this/);
    assert.equal((await server.request('POST', '/api/v1/password', { key: all, body: {} })).status, 403);
    const metrics = await server.makeKey(ada, 'metrics');
    assert.equal((await server.request('GET', '/metrics', { key: metrics })).status, 200);
    assert.equal((await server.request('GET', '/api/v1/users', { key: metrics })).status, 403);
    assert.equal((await who(server, { key: metrics })).status, 403);
    const veras = (await make({ name: 'mine', scopes: 'read' })).json;
    assert.equal((await server.api('GET', '/api/v1/keys', { cookie: vera.cookie })).keys.length, 1);
    assert.equal((await server.api('GET', '/api/v1/keys', { cookie: ada.cookie })).keys.length, 3);
    const adas = (await server.api('GET', '/api/v1/keys', { cookie: ada.cookie })).keys.find((key) => key.user_name === 'ada');
    assert.equal((await server.request('DELETE', `/api/v1/keys/${adas.id}`, { cookie: vera.cookie })).status, 404);
    await server.api('PATCH', `/api/v1/users/${vera.user.id}`, { cookie: ada.cookie, body: { disabled: true } });
    assert.equal((await who(server, { key: veras.key })).status, 401); // its maker is out
  });

  it('end when they expire', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const expiresAt = new Date(Date.now() + 1500).toISOString();
    const { key } = await server.api('POST', '/api/v1/keys',
      { cookie: ada.cookie, body: { name: 'short', scopes: 'read', expires_at: expiresAt } });
    assert.equal((await who(server, { key })).status, 200);
    await until('the key to expire', async () => (await who(server, { key })).status === 401);
  });

  it('are refused in the address and beside a session', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const key = await server.makeKey(ada, 'read');
    refused(await server.request('GET', `/api/v1/session?token=${key}`), 400, 'invalid', /does not belong in the address/);
    refused(await who(server, { cookie: ada.cookie, key }), 401, 'unauthorized', /both a session and a key/);
    refused(await who(server, { key: 'bnk_x_y' }), 401, 'unauthorized', /no such key/);
    refused(await who(server, {}), 401, 'unauthorized', /log in, or send a key/);
    assert.ok(!server.log.includes(key));
  });
});

describe('users', () => {
  it('are added, changed and removed by administrators', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const add = (body) => server.request('POST', '/api/v1/users', { cookie: ada.cookie, body });
    const made = await add({ username: 'vera', password: PASSWORD, role: 'viewer' });
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(Object.keys(made.json).sort(), ['created_at', 'disabled', 'id', 'is_restricted', 'last_login_at', 'name', 'role']);
    assert.equal(made.json.disabled, false);
    refused(await add({ username: 'VERA', password: PASSWORD, role: 'viewer' }), 409, 'conflict', /named vera/, 'username');
    refused(await add({ username: 'x', password: PASSWORD, role: 'king' }), 400, 'invalid', /role must be/, 'role');
    refused(await add({ username: 'x', password: PASSWORD }), 400, 'invalid', /role is required/, 'role');
    const vera = await server.login('vera');
    for (const [method, target] of [['GET', '/api/v1/users'], ['GET', '/api/v1/audit'],
      ['DELETE', `/api/v1/users/${ada.user.id}`]]) {
      assert.equal((await server.request(method, target, { cookie: vera.cookie })).status, 403);
    }
    const change = (id, body) => server.request('PATCH', `/api/v1/users/${id}`, { cookie: ada.cookie, body });
    const promoted = await change(vera.user.id, { role: 'manager' });
    assert.equal(promoted.json.role, 'manager');
    assert.ok((await who(server, { cookie: vera.cookie })).json.rights.includes('operate')); // at once
    refused(await change(vera.user.id, {}), 400, 'invalid', /role, disabled, is_restricted or password is wanted/);
    refused(await change(vera.user.id, { role: null }), 400, 'invalid', /got null/, 'role');
    refused(await change('nobody', { role: 'viewer' }), 404, 'not_found', /no such user/);
    assert.equal((await change(vera.user.id, { password: OTHER })).status, 200);
    assert.equal((await who(server, { cookie: vera.cookie })).status, 401);
    assert.equal((await login(server, 'vera', OTHER)).status, 200);
    assert.equal((await change(vera.user.id, { disabled: true })).json.disabled, true);
    refused(await login(server, 'vera', OTHER), 401, 'unauthorized', /^user name or password is wrong$/);
    assert.equal((await server.request('DELETE', `/api/v1/users/${vera.user.id}`, { cookie: ada.cookie })).status, 204);
    const { users } = await server.api('GET', '/api/v1/users', { cookie: ada.cookie });
    assert.deepEqual(users.map((user) => user.name), ['ada']);
    assert.ok(users[0].last_login_at);
  });

  it('never change or remove themselves, and the last administrator stays', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const mine = `/api/v1/users/${ada.user.id}`;
    refused(await server.request('PATCH', mine, { cookie: ada.cookie, body: { role: 'viewer' } }), 403, 'forbidden',
      /nobody changes or removes himself/);
    refused(await server.request('DELETE', mine, { cookie: ada.cookie }), 403, 'forbidden', /nobody changes/);
    const key = await server.makeKey(ada, 'all'); // and neither does a key of one's own
    refused(await server.request('DELETE', mine, { key }), 403, 'forbidden', /nobody changes/);
    const foreign = (await cli(server, ['key', 'add', '--name', 'ci', '--scope', 'all'])).out.trim();
    await until('the server to learn of the key', async () => (await who(server, { key: foreign })).status === 200);
    refused(await server.request('DELETE', mine, { key: foreign }), 409, 'conflict', /the last administrator/);
    refused(await server.request('PATCH', mine, { key: foreign, body: { disabled: true } }), 409, 'conflict',
      /the last administrator/);
  });

  it('take their sessions and keys with them', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    await server.addUser(ada, 'vera', 'viewer');
    const vera = await server.login('vera');
    const key = await server.makeKey(vera, 'read');
    await server.api('DELETE', `/api/v1/users/${vera.user.id}`, { cookie: ada.cookie });
    assert.equal((await who(server, { cookie: vera.cookie })).status, 401);
    assert.equal((await who(server, { key })).status, 401);
    assert.deepEqual((await server.api('GET', '/api/v1/keys', { cookie: ada.cookie })).keys, []);
  });
});

describe('commands', () => {
  it('work while the server runs: it learns within two seconds', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    const added = await cli(server, ['user', 'add', 'vera', '--password-stdin'], `${OTHER}\n`);
    assert.equal(added.code, 0, added.err);
    const vera = await until('vera to be able to log in', async () => {
      const { users } = await server.api('GET', '/api/v1/users', { cookie: ada.cookie });
      return users.some((user) => user.name === 'vera') && server.login('vera', OTHER);
    }, { within: 2500 });
    const made = await cli(server, ['key', 'add', '--name', 'ci', '--scope', 'all']);
    assert.match(made.out, /^bnk_[a-z2-9]{16}_[\w-]{43}\n$/); // alone on stdout
    await until('the key to work', async () => (await who(server, { key: made.out.trim() })).status === 200, { within: 2500 });
    assert.equal((await cli(server, ['user', 'disable', 'vera'])).code, 0);
    await until('vera to be out', async () => (await who(server, { cookie: vera.cookie })).status === 401, { within: 2500 });
    const revoked = await cli(server, ['key', 'revoke', made.out.split('_')[1]]);
    assert.equal(revoked.code, 0, revoked.err);
    await until('the key to be out', async () => (await who(server, { key: made.out.trim() })).status === 401, { within: 2500 });
    const actions = (await audit(server, ada)).filter((entry) => entry.actor === 'command line').map((entry) => entry.action);
    assert.deepEqual(actions, ['key.delete', 'user.change', 'key.add', 'user.add']);
  });

  it('work while it does not run', async (t) => {
    const server = await startServer(t);
    await server.stop();
    assert.equal((await cli(server, ['user', 'add', 'root', '--admin', '--password-stdin'], `${PASSWORD}\n`)).code, 0);
    await server.start();
    assert.equal(server.code, null); // somebody administers: no set-up
    await server.login('root');
  });

  it('exit 0, 1 or 2', async () => {
    assert.equal((await runBinary(['version'])).code, 0);
    assert.equal((await runBinary(['help'])).code, 0);
    assert.equal((await runBinary(['config', 'check'])).code, 0);
    const wrong = await runBinary(['config', 'check'], { env: { BINNACLE_LISTEN: 'nowhere' } });
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /BINNACLE_LISTEN: must be HOST:PORT/);
    assert.equal((await runBinary(['serve', '--nonsense', '1'])).code, 2);
    assert.equal((await runBinary(['nonsense'])).code, 2);
    assert.equal((await runBinary([])).code, 2);
    for (const words of [['version', 'now'], ['print-types', 'all'], ['config'], ['config', 'doc', 'all'], ['config', 'help'], ['key']]) {
      const misused = await runBinary(words);
      assert.deepEqual([misused.code, misused.out], [2, ''], words.join(' '));
      assert.match(misused.err, new RegExp(`usage: binnacle ${words[0]}`));
    }
    const typo = await runBinary(['user', 'list', '--data', '/nonexistent/data']);
    assert.equal(typo.code, 1);
    assert.match(typo.err, /there is no Binnacle in \/nonexistent\/data/);
  });
});

describe('what is printed', () => {
  it('is the version, the help, the settings, their documentation and the types', async () => {
    for (const words of [['version'], ['--version']]) assert.match((await runBinary(words)).out, /^binnacle \d+\.\d+\.\d+\n$/);
    const { out: help } = await runBinary(['help']);
    for (const words of [['--help'], ['-h']]) assert.equal((await runBinary(words)).out, help);
    assert.match(help, /binnacle serve \[--listen HOST:PORT\]/);
    assert.match(help, /--max-listeners +Live connections at once/);
    const settings = await runBinary(['config', 'check', '--max-listeners=7'], { env: { BINNACLE_LOG_LEVEL: 'warn' } });
    assert.match(settings.out, /^max_listeners = 7 {2}\(flag\)$/m);
    assert.match(settings.out, /^log_level = warn {2}\(environment\)$/m);
    assert.match(settings.out, /^listen = 127\.0\.0\.1:8470 {2}\(default\)$/m);
    const read = (name) => fs.readFileSync(path.join(root, name), 'utf8');
    assert.equal((await runBinary(['config', 'doc'])).out, read('docs/config.md'));
    assert.equal((await runBinary(['print-types'])).out, read('ui/src/model.gen.ts'));
  });

  it('is an error when it cannot be written', { skip: !fs.existsSync('/dev/full') && 'needs /dev/full' }, async () => {
    for (const words of ['help', 'print-types', 'config doc', 'config check']) {
      const full = await runBinary(['-c', `exec "$0" ${words} >/dev/full`, binary], { program: 'sh' });
      assert.equal(full.code, 1, words);
    }
  });
});

describe('audit', () => {
  it('tells who did what, newest first, page by page', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    await login(server, 'ada', 'not the password');
    await login(server, 'my-secret-typed-here', 'not the password');
    await server.makeKey(ada, 'read', 'backup');
    await server.addUser(ada, 'vera', 'viewer');
    const entries = await audit(server, ada);
    assert.deepEqual(entries.map(({ action, object, ok }) => [action, object, ok]), [
      ['user.add', 'vera', true], ['key.add', 'backup', true], ['session.create', null, false],
      ['session.create', 'ada', false], ['setup', 'ada', true]]);
    assert.equal(entries[0].actor, 'ada');
    assert.equal(entries[0].address, '127.0.0.1');
    assert.match(entries[1].detail, /scopes read$/);
    assert.ok(!JSON.stringify(entries).includes('my-secret-typed-here'));
    const page = await audit(server, ada, '?limit=2');
    assert.deepEqual(page, entries.slice(0, 2));
    assert.deepEqual(await audit(server, ada, `?limit=2&before=${page[1].id}`), entries.slice(2, 4));
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'nonsense=1', 'limit=1&limit=2']) {
      assert.equal((await server.request('GET', `/api/v1/audit?${query}`, { cookie: ada.cookie })).status, 400, query);
    }
  });
});

describe('audit of refusals', () => {
  it('names who asked for what without the right to it, and the key that is none', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    await server.addUser(ada, 'vera', 'viewer');
    const vera = await server.login('vera');
    for (let i = 0; i < 40; i++) {
      assert.equal((await server.request('GET', '/api/v1/users', { cookie: vera.cookie })).status, 403);
    }
    assert.equal((await server.request('GET', '/api/v1/users', { cookie: vera.cookie, origin: false })).status, 403);
    const foreign = await server.request('DELETE', '/api/v1/session', { cookie: ada.cookie, origin: 'https://evil.example' });
    assert.equal(foreign.status, 403);
    assert.equal((await server.request('GET', '/api/v1/users', { key: 'bnk_abc_nothing-of-this-is-kept' })).status, 401);
    const entries = await until('the last of them to be kept', async () => {
      const all = await audit(server, ada, '?limit=200');
      return all[0].action === 'key.refuse' && all;
    });
    const of = (actor) => entries.filter((one) => one.action === 'denied' && one.actor === actor);
    assert.equal(of('vera').length, 20);
    assert.ok(of('vera').every((one) => one.ok === false && one.object === 'GET /api/v1/users' && one.address === '127.0.0.1'));
    assert.deepEqual(of('ada').map((one) => one.object), ['DELETE /api/v1/session']);
    assert.deepEqual(entries.filter((one) => one.action === 'key.refuse').map((one) => one.detail), ['there is no such key']);
    assert.ok(!JSON.stringify(entries).includes('nothing-of-this-is-kept'));
    const { text } = await server.request('GET', '/metrics', { cookie: ada.cookie });
    assert.match(text, /^binnacle_denied_total 42$/m);
  });
});

describe('settings', () => {
  it('say which names and proxies are believed', async (t) => {
    const server = await startServer(t);
    const ada = await server.setup();
    fs.writeFileSync(`${server.data}/binnacle.conf`,
      'public_url = https://box.lan/\nallow_host = nas.lan, other.lan\ntrusted_proxies = 127.0.0.1\n');
    server.kill('SIGHUP');
    await until('the settings to be read', () => /info +config.reload/.test(server.log));
    const at = async (Host) => (await server.request('GET', '/healthz', { headers: { Host } })).status;
    for (const name of ['box.lan', 'nas.lan:8443', 'OTHER.lan', 'localhost']) assert.equal(await at(name), 200, name);
    assert.equal(await at('lan'), 421);
    await server.request('POST', '/api/v1/session', { headers: { 'X-Forwarded-For': '203.0.113.9, 192.0.2.7' },
      body: { username: 'ada', password: 'not the password' } });
    const refused = await until('the refusal in the audit', async () =>
      (await audit(server, ada)).find((entry) => entry.action === 'session.create'));
    assert.equal(refused.address, '192.0.2.7');
  });

  it('are read again at SIGHUP', async (t) => {
    const server = await startServer(t);
    const ask = () => server.request('GET', '/healthz', { headers: { Host: `nas.lan:${server.port}` } });
    const ada = await server.setup();
    assert.equal((await ask()).status, 421);
    fs.writeFileSync(`${server.data}/binnacle.conf`, 'allow_host = nas.lan\nbase_path = /x\n');
    server.expectLog(/config.reload/);
    server.kill('SIGHUP');
    await until('the name to be known', async () => (await ask()).status === 200);
    await until('the rest to be named', () => /warn +config.reload.*kept=.*base_path/.test(server.log));
    fs.writeFileSync(`${server.data}/binnacle.conf`, 'allow_host = nas.lan, other.lan\nlisten = wrong\n');
    server.kill('SIGHUP');
    await until('the refusal', () => /error +config.reload.*line 2: listen: must be HOST:PORT/.test(server.log));
    assert.equal((await ask()).status, 200);
    const reloads = await until('both to be kept', async () => {
      const of = (await audit(server, ada)).filter((one) => one.action === 'config.reload');
      return of.length === 2 && of;
    });
    assert.deepEqual(reloads.map((one) => [one.actor, one.ok]), [['SIGHUP', false], ['SIGHUP', true]]);
    assert.match(reloads[0].detail, /line 2: listen: must be HOST:PORT/);
  });
});
