// Behind nginx, Caddy and HAProxy, as a site of its own with TLS and below /ops without: the snippets of
// docs/operations.md as they stand there, with a real browser's requests, live connections and consoles through each.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import WebSocket from 'ws';
import { startBrowser } from './lib/browser.mjs';
import { ask, join } from './lib/console.mjs';
import { EventStream } from './lib/events.mjs';
import { startFleet } from './lib/fleet.mjs';
import { live, login } from './lib/page.mjs';
import { CLIENT, DOC, NAME, makeCertificate, names, snippets, startProxy } from './lib/proxies.mjs';
import { PASSWORD, cookieOf, makeFolder, sleep, startServer, until } from './lib/server.mjs';

const MIB = 1 << 20;
const SCENE = {
  clusters: [{ name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: [
    { vmid: 100, type: 'qemu', node: 'pve1', name: 'echo', status: 'running', console: 'echo' },
    { vmid: 102, type: 'lxc', node: 'pve1', name: 'shell', status: 'running' },
  ] }],
};

/** A WebSocket there, as a browser with that cookie opens it. */
function openSocket(site, cookie, place, protocols = []) {
  return new WebSocket(`${site.isTls ? 'wss' : 'ws'}://127.0.0.1:${site.port}${site.base}${place}`, protocols, {
    headers: { Cookie: cookie, Host: site.authority }, origin: site.origin, ...(site.isTls ? { servername: NAME, ca: site.cert, checkServerIdentity: () => undefined } : {}),
  });
}

/** A WebSocket of live/1 that says hello and wants these topics. */
function listener(site, cookie, topics) {
  const socket = openSocket(site, cookie, '/api/v1/live', 'live.1');
  socket.on('open', () => { socket.send(`{"t":"hello","v":1}\n${JSON.stringify({ t: 'sub', id: 1, topics })}\n`); });
  return socket;
}

/** Listens; resolves with the first `count` lines. */
function listen(site, cookie, count) {
  return new Promise((resolve, reject) => {
    const lines = [];
    const socket = listener(site, cookie, [['meter.host']]);
    const late = setTimeout(() => { socket.terminate(); reject(new Error(`only ${lines.length} lines came`)); }, 20000);
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
  const it = { cut: false, signs: 0, since: performance.now(), socket: listener(site, cookie, [['people.audit']]) };
  it.socket.on('ping', () => { it.signs++; });
  it.socket.on('message', () => { it.signs++; });
  it.socket.on('close', () => { it.cut = true; });
  it.socket.on('error', () => { it.cut = true; });
  return it;
}

const events = (site, cookie, topic) => EventStream.open(site.port, `${site.base}/api/v1/events?topic=${topic}`, { Cookie: cookie, Host: site.authority }, () => site.dial());

/** One request of a browser that speaks HTTP/2, as they do over TLS; the cookie comes in pieces. */
function overHttp2(site, method, target, { cookie, origin, body }) {
  return new Promise((resolve, reject) => {
    const session = http2.connect(site.origin, { createConnection: () => site.dial({ ALPNProtocols: ['h2'] }) });
    session.on('error', reject);
    const headers = { ':method': method, ':path': site.base + target, cookie: ['theme=dark', cookie, 'lang=en'], ...(origin ? { origin } : {}), ...(body ? { 'content-type': 'application/json' } : {}) };
    const stream = session.request(headers);
    let status = 0;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (fields) => { status = fields[':status']; });
    stream.on('data', (piece) => { text += piece; });
    stream.on('error', reject);
    stream.on('end', () => { session.close(); resolve({ status, json: text ? JSON.parse(text) : null }); });
    stream.end(body);
  });
}

const KINDS = [
  // A shorter wait of the proxy than the documented one, and there the documented one itself.
  { title: 'below a path', base: '/ops', isOwn: false, waits: 17 },
  { title: 'a site of its own with TLS', base: '', isOwn: true, waits: null },
];

async function through(t, { base, isOwn, waits }, fleet, name) {
  const site = await startProxy(t, name, fleet.server, { isOwn, waits });
  return Object.assign(site, { base, waitsMs: (waits ?? 75) * 1000, at: { ...fleet, server: site } });
}

/** The settings that the document gives, taken while it runs. */
async function settle(server, text) {
  assert.match(text, /public_url[^]*trusted_proxies/);
  fs.writeFileSync(path.join(server.data, 'binnacle.conf'), text);
  server.kill('SIGHUP');
  await until('the settings to be taken', () => /config\.reload file=/.test(server.log));
}

async function checkPage(site, { base, isOwn }) {
  const page = await site.request('GET', '/');
  assert.equal(page.status, 200);
  assert.ok(page.text.includes(`src="${base}/assets/`));
  const script = /src="(?:\.\/)?([^":]+\.js)"/.exec(page.text);
  assert.ok(script, 'a script of its own');
  assert.equal((await site.request('GET', new URL(script[1], `http://x${base}/`).pathname, { base: '' })).status, 200);
  if (!base) return;
  const bare = await site.request('GET', '/ops', { base: '' });
  assert.ok(bare.status === 200 || /\/ops\/$/.test(bare.headers.location), `${bare.status}`);
  assert.notEqual((await site.request('GET', '/opsfoo', { base: '' })).headers['content-type'], page.headers['content-type']);
  assert.ok(!isOwn);
}

/** Logs in, saying it is somebody else. */
async function logIn(site, username) {
  const made = await site.request('POST', '/api/v1/session', {
    body: { username, password: PASSWORD },
    headers: { 'X-Forwarded-For': '203.0.113.9', ...(site.isTls ? {} : { 'X-Forwarded-Proto': 'https' }) }, // made up
  });
  assert.equal(made.status, 200, made.text);
  return { cookie: cookieOf(made), line: made.headers['set-cookie'][0] };
}

async function checkRules(site, cookie) {
  const foreign = await site.request('DELETE', '/api/v1/session', { cookie, origin: 'http://evil.example' });
  assert.equal(foreign.status, 403);
  const asked = await ask(site.at, 'alpha', 100, { as: { cookie } });
  await assert.rejects(join(site, { cookie }, asked, { origin: 'https://evil.example' }), { status: 403 });
  if (site.isTls) await assert.rejects(join(site, { cookie }, asked, { origin: site.origin.replace('https', 'http') }), { status: 403 });
  const name = await site.request('GET', '/', { headers: { Host: `evil.example:${site.port}` } });
  assert.equal(name.status, 421, 'another name is no name of ours');
  const it = await join(site, { cookie }, asked); // all of that has not used its ticket
  it.destroy();
}

/** A console through the proxy: bytes there and back, its record, its ticket in no log but for its use. */
async function checkConsole(site, cookie) {
  const asked = await ask(site.at, 'alpha', 100, { as: { cookie } });
  assert.ok(asked.url.startsWith(`${site.base}/console/`), asked.url);
  const it = await join(site, { cookie }, asked);
  await it.greet();
  const bytes = crypto.randomBytes(MIB);
  for (let at = 0; at < MIB; at += 32768) it.send(bytes.subarray(at, at + 32768));
  assert.ok((await it.read(MIB)).equals(bytes));
  it.send([3, 232], 8);
  await it.closed();
  assert.equal(it.code, 1000);
  const record = await until('the record\'s end', async () => {
    const { consoles } = await site.at.api('GET', '/api/v1/consoles');
    const one = consoles.find((console) => console.id === asked.id);
    return one?.ended_at && one;
  });
  assert.deepEqual([record.bytes_in, record.bytes_out, record.address], [MIB, MIB, CLIENT]);
  const ticket = new URL(asked.url, site.origin).searchParams.get('t');
  const count = () => site.log.split(ticket).length - 1;
  await until('the line of its use in the proxy\'s log', () => count() > 0, { within: 20000 });
  assert.equal(count(), 1);
  await assert.rejects(join(site, { cookie }, asked), { status: 404 }, 'and it is worth nothing there');
  assert.ok(!site.log.includes(cookie.split('=')[1]), 'the session is in no log');
}

/** The page in Chromium: logged in, live, and a terminal typed into, over HTTP/2 where there is TLS. */
async function checkBrowser(site, name, browser, serverId) {
  const context = await browser.chromium.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
  const page = await browser.open(site.origin, { path: `${site.base}/login`, context });
  await page.waitForSelector('input[name=username]');
  await login(page, name);
  await page.waitForSelector(live);
  assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), site.isTls ? 'h2' : 'http/1.1');
  await page.goto(`${site.origin}${site.base}/console/pve1/102?type=lxc&serverId=${serverId}`);
  await page.waitForSelector('.console-main[data-state=live]', { timeout: 60000 });
  await page.keyboard.type('echo "sum=$((40 + 2))"');
  await page.keyboard.press('Enter');
  await until('the shell to answer', async () => (await page.locator('.xterm-rows').innerText()).includes('sum=42'), { within: 20000, every: 100 });
  await page.clean();
  await context.close();
}

async function checkTerminal(site, cookie) {
  const it = await join(site, { cookie }, await ask(site.at, 'alpha', 102, { type: 'lxc', as: { cookie } }));
  it.send('1:100:30:');
  it.send('0:24:echo "sum=$((40 + 2))"  \n'.replace('24:', `${Buffer.byteLength('echo "sum=$((40 + 2))"  \n')}:`));
  await it.until('sum=42');
  it.destroy();
}

async function checkLive(site, cookie) {
  const lines = await listen(site, cookie, 5);
  assert.deepEqual(lines.slice(0, 2).map((line) => line.t), ['welcome', 'sub']);
  assert.ok(lines.slice(2).every((line) => line.t === 'd'));
}

/** Socket.IO by long polling, then over the WebSocket it goes on with. */
async function checkSocketIo(site, cookie) {
  const place = '/socket.io/?EIO=4&transport=polling';
  const { sid } = JSON.parse((await site.request('GET', place, { cookie })).text.slice(1));
  const said = await site.request('POST', `${place}&sid=${sid}`, { cookie, body: '40', headers: { 'Content-Type': 'text/plain;charset=UTF-8' } });
  assert.equal(said.text, 'ok');
  assert.match((await site.request('GET', `${place}&sid=${sid}`, { cookie })).text, /^40\{"sid"/);
  const socket = openSocket(site, cookie, `/socket.io/?EIO=4&transport=websocket&sid=${sid}`);
  const heard = [];
  socket.on('message', (data) => { heard.push(data.toString()); });
  await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
  socket.send('2probe');
  await until('the probe\'s answer', () => heard.length === 1, { within: 10000 });
  socket.send('5');
  socket.send('421["ping"]');
  await until('the pong', () => heard.length === 3, { within: 10000 });
  assert.deepEqual(heard, ['3probe', '42["pong"]', '431["ok"]']);
  socket.close();
}

async function checkEvents(t, site, cookie) {
  const stream = await events(site, cookie, 'meter.host');
  t.after(() => stream.close());
  await until('the first event', () => stream.events.length >= 1, { within: 10000 });
  const from = performance.now();
  await until('three more', () => stream.events.length >= 4, { within: 15000 });
  assert.ok(performance.now() - from > 300, 'as they happen, not all at once');
  stream.close();
}

async function checkChange(site, cookie) {
  const now = await site.api('GET', '/api/v1/state?topic=meter.host', { cookie });
  const next = await site.api('GET', `/api/v1/state?topic=meter.host&since=${now.e}.${now.s}&wait=5`, { cookie });
  assert.equal(next.from, now.s);
}

/** Opened at the beginning; looked at when the proxy would long have cut them. */
async function openQuiet(t, site, cookie) {
  const live = idle(site, cookie);
  const stream = await events(site, cookie, 'people.audit');
  const screen = await join(site, { cookie }, await ask(site.at, 'alpha', 100, { as: { cookie } }));
  await screen.greet();
  t.after(() => { live.socket.terminate(); stream.close(); screen.destroy(); });
  return { live, stream, screen };
}

async function checkQuiet(site, { live, stream, screen }) {
  await sleep(Math.max(0, site.waitsMs + 4000 - (performance.now() - live.since)));
  assert.ok(!live.cut && live.signs > 2, `${live.signs} signs of life`);
  assert.ok(!stream.ended, 'the event stream stands');
  assert.equal(screen.closedAt, null, 'the console stands');
  screen.send('still');
  assert.equal((await screen.read(5)).toString(), 'still');
}

describe('behind a proxy', { concurrency: true }, () => {
  const rest = [];
  let browser;
  before(async () => { browser = await startBrowser({ after: (end) => rest.push(end) }, { args: [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`] }); });
  after(async () => { for (const end of rest) await end(); });
  for (const kind of KINDS) {
    describe(kind.title, { concurrency: 1 }, () => {
      const ends = [];
      const cookies = {};
      const sites = {};
      let fleet;
      before(async () => {
        const t = { after: (end) => ends.push(end) };
        fleet = await startFleet(t, { scenario: SCENE, base: kind.base });
        if (kind.isOwn) await settle(fleet.server, snippets('ini')[0]);
        for (const name of names) {
          sites[name] = await through(t, kind, fleet, name);
          await fleet.server.addUser(fleet.admin, name, 'admin'); // one person has so many consoles and no more
        }
      });
      after(async () => { for (const end of ends.reverse()) await end(); });

      describe('all of it', { concurrency: true }, () => {
        for (const name of names) {
          test(`${name}, ${kind.title}`, { timeout: 200000 }, async (t) => {
            const site = sites[name];
            let cookie;
            let quiet;
            await t.test('the page and what it needs come', () => checkPage(site, kind));
            await t.test('people log in, and are who they are', async () => {
              const made = await logIn(site, name);
              cookie = cookies[name] = made.cookie;
              assert.match(made.line, kind.isOwn ? /^__Host-binnacle=\S+; Path=\/; .*Secure/ : /^binnacle=\S+; Path=\/ops; .*HttpOnly/);
              assert.equal(/Secure/.test(made.line), kind.isOwn, 'Secure where the browser came with TLS');
              const { sessions } = await site.api('GET', '/api/v1/sessions', { cookie });
              assert.ok(sessions.some((session) => session.is_current && session.address === CLIENT), JSON.stringify(sessions));
              assert.ok(sessions.every((session) => session.address !== '203.0.113.9'));
              quiet = await openQuiet(t, site, cookie);
            });
            await t.test('who is foreign is refused, whatever the name', () => checkRules(site, cookie));
            if (kind.isOwn) {
              await t.test('a browser that speaks HTTP/2 is the same', async () => {
                const who = await overHttp2(site, 'GET', '/api/v1/sessions', { cookie });
                assert.equal(who.status, 200);
                const post = { cookie, body: '{"tab":"0123456789abcdef"}' };
                const place = `/api/v1/servers/${fleet.ids.alpha}/nodes/pve1/qemu/100/console`;
                assert.equal((await overHttp2(site, 'POST', place, { ...post, origin: 'https://evil.example' })).status, 403);
                assert.equal((await overHttp2(site, 'POST', place, { ...post, origin: site.origin })).status, 201);
              });
            }
            await t.test('a console: a mebibyte there and back, a ticket of one use', () => checkConsole(site, cookie));
            await t.test('a terminal', () => checkTerminal(site, cookie));
            await t.test('Chromium shows the page and a terminal', () => checkBrowser(site, name, browser, fleet.ids.alpha));
            await t.test('a WebSocket gets each second', () => checkLive(site, cookie));
            await t.test('Socket.IO polls, and goes on over a WebSocket', () => checkSocketIo(site, cookie));
            await t.test('an event stream arrives as it is written', () => checkEvents(t, site, cookie));
            await t.test('a change is waited for', () => checkChange(site, cookie));
            await t.test(`who hears nothing for ${site.waitsMs / 1000} s is not cut off`, () => checkQuiet(site, quiet));
          });
        }
      });

      test(`who listened comes back after a restart, ${kind.title}`, { timeout: 60000 }, async () => {
        const { server } = fleet;
        await server.stop();
        for (const name of names) assert.ok((await sites[name].request('GET', '/healthz')).status >= 500, `${name} while it is away`);
        server.options.listen = `127.0.0.1:${server.port}`;
        const { port, host, origin, isTls } = server;
        await server.start();
        Object.assign(server, { port, host, origin, isTls }); // the URL it prints may be that of the proxy
        for (const name of names) {
          await until(`${name} to see it`, async () => (await sites[name].request('GET', '/healthz')).status === 200, { within: 20000, every: 200 });
          assert.equal((await listen(sites[name], cookies[name], 3))[1].mode, 'snapshot');
        }
      });
    });
  }
});

test('a proxy nobody said to trust is whom it is taken for', { timeout: 60000 }, async (t) => {
  const server = await startServer(t, { args: ['--base-path', '/ops'], base: '/ops' });
  const site = await startProxy(t, 'nginx', server);
  const made = await site.request('POST', '/api/v1/setup', {
    body: { code: server.code, username: 'ada', password: PASSWORD }, headers: { 'X-Forwarded-Proto': 'https' },
  });
  assert.equal(made.status, 201, made.text);
  const { sessions } = await site.api('GET', '/api/v1/sessions', { cookie: cookieOf(made) });
  assert.deepEqual(sessions.map((session) => session.address), ['127.0.0.1']);
  assert.doesNotMatch(made.headers['set-cookie'][0], /Secure/);
});

test('without a proxy: a console over TLS of our own', { timeout: 60000 }, async (t) => {
  const folder = makeFolder();
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const cert = makeCertificate(folder);
  const fleet = await startFleet(t, { scenario: SCENE, args: ['--tls-cert', path.join(folder, 'binnacle.crt'), '--tls-key', path.join(folder, 'binnacle.key')] });
  fleet.server.dial = () => tls.connect({ port: fleet.server.port, host: '127.0.0.1', ca: cert, servername: NAME });
  const it = await join(fleet.server, fleet.admin, await ask(fleet, 'alpha', 100));
  await it.greet();
  const bytes = crypto.randomBytes(8 * MIB);
  for (let at = 0; at < bytes.length; at += 32768) it.send(bytes.subarray(at, at + 32768));
  assert.ok((await it.read(bytes.length)).equals(bytes));
  it.send([3, 232], 8);
  await it.closed();
  assert.equal(it.code, 1000);
});

test('every metric stands in docs/operations.md', async (t) => {
  const server = await startServer(t);
  const admin = await server.setup();
  await until('the first figures of its own', async () =>
    /binnacle_self_cpu_pct/.test((await server.request('GET', '/metrics', { cookie: admin.cookie })).text));
  const { text } = await server.request('GET', '/metrics', { cookie: admin.cookie });
  const metrics = [...text.matchAll(/^# HELP (\S+)/gm)].map((match) => match[1]);
  assert.ok(metrics.length > 30);
  assert.deepEqual(metrics.filter((name) => !DOC.includes(`\`${name}\``)), []);
  const documented = [...DOC.matchAll(/`(binnacle_\w+)`/g)].map((match) => match[1]);
  assert.deepEqual(documented.filter((name) => !metrics.includes(name)), []);
});
