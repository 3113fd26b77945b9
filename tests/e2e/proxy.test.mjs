// Behind nginx, Caddy and HAProxy under /ops: the snippets of docs/operations.md as they stand there, with a
// real browser's requests, a WebSocket and an event stream through each.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import WebSocket from 'ws';
import { EventStream } from './lib/events.mjs';
import { makeFolder, root, sleep, startServer, until } from './lib/server.mjs';

const IDLE_MS = 17000; // what a proxy waits here for the next byte: a sign of life comes after 15 s at most
const DOC = fs.readFileSync(path.join(root, 'docs/operations.md'), 'utf8');

/** The code blocks of that language, in order. */
function snippets(language) {
  const found = [...DOC.matchAll(new RegExp('```' + language + '\n([^]*?)```', 'g'))].map((match) => match[1]);
  assert.ok(found.length > 0, `docs/operations.md has no ${language}`);
  return found;
}

function find(program) {
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
    .map((dir) => path.join(dir, program)).find((file) => fs.existsSync(file));
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** What each proxy is given: the documented text, with our ports for the documented ones. */
const proxies = {
  nginx: {
    write(dir, port) {
      const [http, server] = snippets('nginx');
      return `daemon off;\nmaster_process off;\npid ${dir}/pid;\nerror_log ${dir}/error.log;\nevents {}\n` +
        `http {\naccess_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
          .map((name) => `${name}_temp_path ${dir}/${name};`).join('\n')}\n${http}` +
        `server {\nlisten 127.0.0.1:${port};\n${server}}\n}\n`;
    },
    args: (file) => ['-c', file],
  },
  caddy: {
    write(dir, port) {
      return `{\nadmin off\nauto_https off\nstorage file_system ${dir}\n}\nhttp://127.0.0.1:${port} {\n${snippets('caddy')[0]}}\n`;
    },
    args: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
  },
  haproxy: {
    write(dir, port) {
      return `defaults\n    timeout connect 5s\n    timeout client 75s\n    timeout server 75s\nfrontend site\n` +
        `    mode http\n    bind 127.0.0.1:${port}\n${snippets('haproxy')[0]}`;
    },
    args: (file) => ['-db', '-f', file],
  },
};

/** The proxy as a process of its own, and the server as one sees it through it. */
async function through(t, name, server) {
  const dir = makeFolder(`binnacle-${name}-`);
  const port = await freePort();
  const file = path.join(dir, 'conf');
  const text = proxies[name].write(dir, port).replaceAll('127.0.0.1:8470', `127.0.0.1:${server.port}`)
    .replaceAll('75s', `${IDLE_MS / 1000}s`);
  fs.writeFileSync(file, text);
  let said = '';
  let ended = false;
  const child = spawn(find(name), proxies[name].args(file), { cwd: dir, env: { ...process.env, HOME: dir } });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => { said += piece; });
  const exited = new Promise((resolve) => { child.on('close', () => { ended = true; resolve(); }); });
  t.after(async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 2000); // Caddy waits for its last connection
    await exited;
    clearTimeout(late);
    fs.rmSync(dir, { recursive: true, force: true });
  });
  await until(`${name} to listen`, () => {
    assert.ok(!ended, said);
    return new Promise((resolve) => {
      const probe = net.connect(port, '127.0.0.1', () => { probe.destroy(); resolve(true); });
      probe.on('error', () => resolve(false));
    });
  });
  return Object.assign(Object.create(server), { port, origin: `http://127.0.0.1:${port}`, direct: server });
}

/** Says hello and listens; resolves with the messages of the first `count` lines. */
function listen(site, cookie, count) {
  return new Promise((resolve, reject) => {
    const lines = [];
    const socket = new WebSocket(`ws://127.0.0.1:${site.port}/ops/api/v1/live`, 'live.1',
      { headers: { Cookie: cookie }, origin: site.origin });
    const late = setTimeout(() => { socket.terminate(); reject(new Error(`only ${lines.length} lines came`)); }, 10000);
    socket.on('open', () => {
      socket.send('{"t":"hello","v":1}\n{"t":"sub","id":1,"topics":[["meter.host"]]}\n');
    });
    socket.on('message', (data) => {
      for (const line of data.toString().split('\n')) if (line) lines.push({ ...JSON.parse(line), came: performance.now() });
      if (lines.length < count) return;
      clearTimeout(late);
      socket.close();
      resolve(lines);
    });
    socket.on('error', reject);
  });
}

/** A listener to whom nothing happens; `cut` says whether somebody ended that. */
function idle(site, cookie) {
  const listener = { cut: false, signs: 0, since: performance.now() };
  listener.socket = new WebSocket(`ws://127.0.0.1:${site.port}/ops/api/v1/live`, 'live.1',
    { headers: { Cookie: cookie }, origin: site.origin });
  listener.socket.on('open', () => {
    listener.socket.send('{"t":"hello","v":1}\n{"t":"sub","id":1,"topics":[["people.audit"]]}\n');
  });
  listener.socket.on('ping', () => { listener.signs++; });
  listener.socket.on('message', () => { listener.signs++; });
  listener.socket.on('close', () => { listener.cut = true; });
  listener.socket.on('error', () => { listener.cut = true; });
  return listener;
}

describe('behind a proxy', { concurrency: true }, () => {
  for (const name of Object.keys(proxies)) {
    test(`behind ${name}`, { skip: find(name) ? false : `SKIPPED: there is no ${name} here`, timeout: 90000 }, async (t) => {
      const server = await startServer(t, { args: ['--base-path', '/ops', '--trusted-proxies', '127.0.0.1/32'] });
      const site = await through(t, name, server);
      let admin;
      let quiet;

      await t.test('the page and what it needs come under the path', async () => {
        const page = await site.request('GET', '/ops/');
        assert.equal(page.status, 200);
        assert.match(page.text, /src="\/ops\/assets\//);
        const script = /src="(?:\.\/)?([^":]+\.js)"/.exec(page.text);
        assert.ok(script, 'a script of its own');
        assert.equal((await site.request('GET', new URL(script[1], 'http://x/ops/').pathname)).status, 200);
        const bare = await site.request('GET', '/ops');
        assert.ok(bare.status === 200 || /\/ops\/$/.test(bare.headers.location), `${bare.status}`);
        assert.notEqual((await site.request('GET', '/opsfoo')).headers['content-type'], page.headers['content-type']);
      });

      await t.test('people log in, and are who they are', async () => {
        const agent = new http.Agent({ localAddress: '127.0.0.2' }); // one that is no proxy of ours
        const made = await site.request('POST', '/ops/api/v1/setup', {
          body: { code: server.code, username: 'ada', password: 'a harbour pilot 9' },
          headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' }, // made up
          agent,
        });
        assert.equal(made.status, 201, made.text);
        const cookie = made.headers['set-cookie'][0];
        assert.match(cookie, /^binnacle=\S+; Path=\/ops; .*HttpOnly/, 'not Secure: the browser came without TLS');
        admin = cookie.split(';')[0];
        quiet = idle(site, admin);
        t.after(() => quiet.socket.terminate());
        const { sessions } = await site.api('GET', '/ops/api/v1/sessions', { cookie: admin });
        assert.deepEqual(sessions.map((session) => session.address), ['127.0.0.2']);
        const foreign = await site.request('DELETE', '/ops/api/v1/session', { cookie: admin, origin: 'http://evil.example' });
        assert.equal(foreign.status, 403);
      });

      await t.test('a WebSocket gets each second', async () => {
        const lines = await listen(site, admin, 5);
        assert.deepEqual(lines.slice(0, 2).map((line) => line.t), ['welcome', 'sub']);
        assert.ok(lines.slice(2).every((line) => line.t === 'd'));
      });

      await t.test('an event stream arrives as it is written', async () => {
        const stream = await EventStream.open(site.port, '/ops/api/v1/events?topic=meter.host', { Cookie: admin, Host: `127.0.0.1:${site.port}` });
        t.after(() => stream.close());
        await until('the first event', () => stream.events.length >= 1, { within: 4000 });
        const from = performance.now();
        await until('three more', () => stream.events.length >= 4, { within: 8000 });
        assert.ok(performance.now() - from > 300, 'as they happen, not all at once');
        stream.close();
      });

      await t.test('a change is waited for', async () => {
        const now = await site.api('GET', '/ops/api/v1/state?topic=meter.host', { cookie: admin });
        const next = await site.api('GET', `/ops/api/v1/state?topic=meter.host&since=${now.e}.${now.s}&wait=5`, { cookie: admin });
        assert.equal(next.from, now.s);
      });

      await t.test('who hears nothing for long is not cut off', async () => {
        await sleep(Math.max(0, IDLE_MS * 1.2 - (performance.now() - quiet.since)));
        assert.ok(!quiet.cut && quiet.signs > 2, `${quiet.signs} signs of life`);
        quiet.socket.close();
      });

      await t.test('who listened comes back after a restart', async () => {
        await server.stop();
        const gone = await site.request('GET', '/ops/healthz');
        assert.ok(gone.status >= 500, `${gone.status} while it is away`);
        server.options.listen = `127.0.0.1:${server.port}`;
        await server.start();
        await until('the proxy to see it', async () => (await site.request('GET', '/ops/healthz')).status === 200, { within: 15000, every: 200 });
        assert.equal((await listen(site, admin, 3))[1].mode, 'snapshot');
      });
    });
  }
});

test('every metric stands in docs/operations.md', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  await until('the first figures of its own', async () =>
    /binnacle_self_cpu_pct/.test((await server.request('GET', '/metrics', { cookie: admin.cookie })).text));
  const { text } = await server.request('GET', '/metrics', { cookie: admin.cookie });
  const names = [...text.matchAll(/^# HELP (\S+)/gm)].map((match) => match[1]);
  assert.ok(names.length > 30);
  assert.deepEqual(names.filter((name) => !DOC.includes(`\`${name}\``)), []);
  const documented = [...DOC.matchAll(/`(binnacle_\w+)`/g)].map((match) => match[1]);
  assert.deepEqual(documented.filter((name) => !names.includes(name)), []);
});
