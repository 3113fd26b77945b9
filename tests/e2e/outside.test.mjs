// outside: what a checker who knows only the documents asks of the running server.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { listen } from './lib/live.mjs';
import { exchange, hangUp, parseAnswers } from './lib/raw.mjs';
import { PASSWORD, makeFolder, runBinary, startServer } from './lib/server.mjs';

after(hangUp);

const cli = (server, words, input) => runBinary([...words, '--data', server.data], { input });

describe('a command beside the running server', () => {
  test('prints a key that opens the next request', async (t) => {
    const server = await startServer(t);
    await server.setup();
    for (let i = 0; i < 3; i++) {
      const { code, out } = await cli(server, ['key', 'add', '--name', `n${i}`, '--scope', 'all']);
      assert.equal(code, 0);
      const answer = await server.request('GET', '/api/v1/session', { key: out.trim() });
      assert.equal(answer.status, 200, answer.text);
    }
  });

  test('adds a person who can log in at once, and a removed key is shut out at once', async (t) => {
    const server = await startServer(t);
    await server.setup();
    assert.equal((await cli(server, ['user', 'add', 'bob', '--admin', '--password-stdin'], `${PASSWORD}\n`)).code, 0);
    await server.login('bob');
    const key = (await cli(server, ['key', 'add', '--name', 'gone', '--scope', 'read'])).out.trim();
    assert.equal((await cli(server, ['key', 'revoke', key.split('_')[1]])).code, 0);
    assert.equal((await server.request('GET', '/api/v1/session', { key })).status, 401);
  });
});

describe('a chunk that says it will be too big', () => {
  test('is answered at its first byte, not when its sender is given up', async (t) => {
    const server = await startServer(t);
    const head = 'POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const chunks of ['200000\r\n{', `1\r\n{\r\n200000\r\n"`, '7fffffffffffffff\r\n{']) {
      const { bytes, closed } = await exchange(server.port, head + chunks, { within: 3000 });
      const answers = parseAnswers(bytes, ['POST']);
      assert.deepEqual(answers.map((answer) => answer.status), [413]);
      assert.equal(JSON.parse(answers[0].body).error.code, 'too_big');
      assert.ok(closed);
    }
  });
});

describe('live/1', () => {
  test('a sub without a list of topics is answered with 4101, not with silence', async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    for (const topics of [undefined, 'meter.host', { 'meter.host': 1 }, null]) {
      const live = await listen(server, admin);
      live.say({ t: 'sub', id: 1, topics });
      assert.match((await live.heard((one) => one.t === 'bye')).msg, /topics is a list/);
      live.destroy();
    }
    const live = await listen(server, admin);
    live.say({ t: 'sub', id: 1, topics: [] });
    live.say({ t: 'sub', id: 2, topics: [['meter.host']] });
    assert.equal((await live.heard((one) => one.t === 'sub')).id, 2);
  });
});

describe('an upgrade in another version of WebSocket', () => {
  test('is told which one is spoken (RFC 6455 section 4.4)', async (t) => {
    const server = await startServer(t);
    const key = await server.makeKey(await server.setup());
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '12' };
    const answer = await server.request('GET', '/api/v1/live', { key, headers });
    assert.equal(answer.status, 426, answer.text);
    assert.equal(answer.headers['sec-websocket-version'], '13');
    assert.equal(answer.headers.upgrade, 'websocket');
  });
});

describe('the policy of the page', () => {
  const page = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    + "base-uri 'none'; frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'";

  test('is exactly this; an answer of the API allows nothing at all', async (t) => {
    const server = await startServer(t);
    assert.equal((await server.request('GET', '/')).headers['content-security-policy'], page);
    for (const target of ['/healthz', '/api/v1/setup', '/api/v1/users']) {
      assert.equal((await server.request('GET', target)).headers['content-security-policy'],
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'", target);
    }
  });

  test('under a base path every file is named in full and is there', async (t) => {
    const server = await startServer(t, { args: ['--base-path', '/ops'] });
    const html = (await server.request('GET', '/ops/host/deep')).text;
    const names = [...html.matchAll(/(?:src|href)="([^"]*assets[^"]*)"/g)].map((found) => found[1]);
    assert.ok(names.length >= 3);
    for (const name of names) {
      assert.match(name, /^\/ops\/assets\//);
      assert.equal((await server.request('GET', name)).status, 200, name);
    }
  });
});

describe('--ui-dir', () => {
  test('a pipe in the folder is no file, and nobody waits for its writer', async (t) => {
    const folder = makeFolder();
    t.after(() => fs.rmSync(folder, { recursive: true }));
    fs.writeFileSync(path.join(folder, 'index.html'), '<!doctype html>\n');
    execFileSync('mkfifo', [path.join(folder, 'pipe.js')]);
    const server = await startServer(t, { args: ['--ui-dir', folder] });
    assert.equal((await server.request('GET', '/pipe.js')).status, 404);
    assert.equal((await server.request('GET', '/')).status, 200);
  });

  test('a folder without the page is refused when the server starts', async () => {
    const folder = makeFolder();
    const { code, err } = await runBinary(['serve', '--listen', '127.0.0.1:0', '--data', path.join(folder, 'data'), '--ui-dir', folder]);
    fs.rmSync(folder, { recursive: true });
    assert.equal(code, 1);
    assert.match(err, /ui-dir|ui_dir/);
    assert.match(err, /index\.html/);
  });
});

describe('openapi.json', () => {
  test('says what each route takes, and exactly that is taken', async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const { paths } = await server.api('GET', '/openapi.json', { cookie: admin.cookie });
    const { id } = await server.api('POST', '/api/v1/servers',
      { cookie: admin.cookie, body: { name: 'one', host: '192.0.2.1', api_token: 'a@pve!b=0123456789ab', is_active: false } });
    let params = 0;
    let bodies = 0;
    for (const [target, methods] of Object.entries(paths)) {
      for (const [method, about] of Object.entries(methods)) {
        const query = (about.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name);
        const place = target.replace('/servers/{id}', `/servers/${id}`);
        if (method === 'get' && query.length && target !== '/api/v1/live' && !place.includes('{')) {
          const answer = (text) => server.request('GET', `${place}?${text}`, { cookie: admin.cookie });
          params += query.length;
          for (const name of query.filter((one) => one !== 'topic' || target.endsWith('state'))) {
            const { text } = await answer(`${name}=x`);
            assert.ok(!text.includes('unknown parameter'), `${target}?${name}: ${text}`);
          }
          const refused = await answer('unheard-of=1');
          assert.equal(refused.status, 400);
          assert.match(refused.json.error.message, /unknown parameter "unheard-of"/);
        }
        const json = about.requestBody?.content['application/json'];
        if (!json) continue; // none, or text: /socket.io/
        bodies++;
        const { schema } = json;
        assert.equal(schema.additionalProperties, false);
        assert.ok(schema.required.every((name) => name in schema.properties));
        const path = target.replace('{id}', 'none');
        for (const name of Object.keys(schema.properties)) {
          const { text } = await server.request(method.toUpperCase(), path, { cookie: admin.cookie, origin: server.origin, body: { [name]: [] } });
          assert.ok(!text.includes('unknown field'), `${target} ${name}: ${text}`);
        }
      }
    }
    assert.ok(params >= 10, `${params} parameters`);
    assert.ok(bodies >= 5, `${bodies} bodies`);
    assert.deepEqual(paths['/api/v1/users'].post.requestBody.content['application/json'].schema.properties.role.enum, ['viewer', 'manager', 'admin']);
  });
});

describe('the process', () => {
  const hasLandlock = (() => {
    try {
      return fs.readFileSync('/sys/kernel/security/lsm', 'utf8').includes('landlock');
    } catch {
      return null; // nobody says; the log of the server does
    }
  })();

  test('can gain no privileges, leaves no core, is closed to other programs of its user', async (t) => {
    const server = await startServer(t);
    const status = fs.readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
    assert.match(status, /^NoNewPrivs:\s1$/m);
    for (const thread of fs.readdirSync(`/proc/${server.child.pid}/task`)) {
      assert.match(fs.readFileSync(`/proc/${server.child.pid}/task/${thread}/status`, 'utf8'), /^NoNewPrivs:\s1$/m);
    }
    assert.match(fs.readFileSync(`/proc/${server.child.pid}/limits`, 'utf8'), /^Max core file size\s+0\s+0\s/m);
    if (hasLandlock !== null) assert.equal(/ sandbox /.test(server.log), !hasLandlock);
  });

  test('a port in use is said with its owner', async (t) => {
    const server = await startServer(t);
    const folder = makeFolder();
    const { code, err } = await runBinary(['serve', '--listen', `127.0.0.1:${server.port}`, '--data', path.join(folder, 'data')]);
    fs.rmSync(folder, { recursive: true });
    assert.equal(code, 1);
    assert.ok(err.includes(`port ${server.port} is used by pid ${server.child.pid} (binnacle)`), err);
  });
});
