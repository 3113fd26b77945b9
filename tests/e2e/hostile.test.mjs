// Hostile and broken clients (SECURITY T03-T06; B01, B03, B04, B05, B09): slow ones, ones that never read,
// floods, violations, resets at every byte, too many. All scenes run at once, so that the file takes as
// long as its longest wait, the 75 s of an idle connection.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLOSE, CONT, PING, PONG, TEXT, closing, deflate, frame, handshake } from './lib/frames.mjs';
import { listen } from './lib/live.mjs';
import { probe } from './lib/probe.mjs';
import { dial, hangUp, parseAnswers } from './lib/raw.mjs';
import { asanBinary, percentile, sleep, startServer, until } from './lib/server.mjs';
import { violate, violations } from './lib/violations.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const MiB = 1 << 20;

const get = (target, fields = '') => `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}\r\n`;
const text = (wire) => wire.bytes.toString('latin1');

async function metric(server, key, name) {
  const { text: all } = await server.request('GET', '/metrics', { key });
  const values = [...all.matchAll(new RegExp(`^binnacle_${name}(?:{.*})? (\\S+)$`, 'gm'))];
  assert.ok(values.length > 0, `there is no ${name}`);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

function checkProbe(t, what, { times, failures }, limit_ms = 250) {
  assert.deepEqual(failures, [], `${what}: /healthz failed`);
  const p95 = percentile(times, 0.95);
  t.diagnostic(`measured: ${what}: /healthz p95 ${p95.toFixed(1)} ms of ${times.length} (bar ${limit_ms})`);
  assert.ok(p95 <= limit_ms, `p95 ${p95}`);
}

/** Writes the bytes one by one, one a second, for as long as the connection lives. */
function drip(wire, bytes) {
  let at = 0;
  const timer = setInterval(() => {
    if (wire.closed || wire.ended) clearInterval(timer);
    else wire.write(bytes.subarray(at, ++at) ?? 'x');
  }, 1000);
  wire.socket.on('close', () => clearInterval(timer));
}

describe('hostile clients', { concurrency: true }, () => {
  after(hangUp);

  /* --- slow ones (B01) -------------------------------------------------------------------------- */

  test('200 slow clients are each cut in their time while the others are served', { timeout: 110000 }, async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'read,metrics');
    const page = await server.request('GET', '/');
    const script = /<script[^>]* src="\/?([^"]+main[^"]+\.js)"/.exec(page.text)?.[1];
    assert.ok(script, 'the page is inside the binary: make ui');
    await sleep(500);
    const before = { rss: server.rss, fds: server.fds };
    const probing = probe(server);
    const groups = {
      'slow heads': { count: 60, least: 9, most: 13, act: (wire) => drip(wire, Buffer.from(get('/healthz', `X-Slow: ${'x'.repeat(200)}\r\n`))) },
      'silent from the start': { count: 20, least: 9, most: 13, act: () => {} },
      'slow bodies': { count: 40, least: 9, most: 14, act: (wire) => {
        wire.write(`POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n`);
        drip(wire, Buffer.alloc(200, 'x'));
      } },
      // 58 s worth of bytes at once, then none: that they were many does not help.
      'bodies that stall': { count: 10, least: 18, most: 26, act: (wire) => {
        wire.write(`POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(59900)}`);
      } },
      'idle after a request': { count: 40, least: 74, most: 79, act: (wire) => wire.write(get('/healthz')) },
      'never reading': { count: 40, least: 29, most: 36, act: (wire) => { wire.socket.pause(); wire.write(get(`/${script}`).repeat(400)); } },
    };
    for (const group of Object.values(groups)) {
      group.wires = [];
      for (let i = 0; i < group.count; i++) {
        const wire = await dial(server.port);
        group.act(wire);
        group.wires.push(wire);
      }
    }
    let peak = 0;
    const sampling = setInterval(() => { peak = Math.max(peak, server.rss); }, 500);
    t.after(() => clearInterval(sampling));

    // Those that never read do not hear that they were cut: the server says when it did.
    const cutAt = await (async () => {
      const begun = performance.now();
      await until('the readers to be cut', async () => await metric(server, key, 'live_slow_closed_total') >= 40, { within: 40000, every: 500 });
      return (performance.now() - begun) / 1000;
    })();
    assert.ok(cutAt >= 28 && cutAt <= 36, `cut after ${cutAt} s`);
    groups['never reading'].wires.forEach((wire) => wire.socket.resume());

    for (const [name, { wires, least, most, count }] of Object.entries(groups)) {
      const alive = [];
      for (const wire of wires) if (!await wire.gone(Math.max(1, wire.openedAt + most * 1000 - performance.now()))) alive.push(wire);
      assert.equal(alive.length, 0, `${alive.length} of ${count} ${name} still open after ${most} s`);
      const lives = wires.map((wire) => (wire.closedAt - wire.openedAt) / 1000);
      if (name !== 'never reading') {
        assert.ok(Math.min(...lives) >= least, `${name} cut after ${Math.min(...lives)} s`);
        t.diagnostic(`measured: ${count} ${name}: cut after ${Math.min(...lives).toFixed(1)}..${Math.max(...lives).toFixed(1)} s`);
      }
      if (name === 'slow bodies' || name === 'bodies that stall') {
        for (const wire of wires) {
          const [answer] = parseAnswers(wire.bytes);
          const { error } = JSON.parse(answer.body);
          assert.deepEqual([answer.status, answer.headers.connection, error.code, error.message], [408, 'close', 'timeout', 'the request body came slower than 1024 bytes a second']);
        }
      }
      if (name === 'slow heads') {
        for (const wire of wires) {
          const [answer] = parseAnswers(wire.bytes);
          const { error } = JSON.parse(answer.body);
          assert.deepEqual([answer.status, answer.headers.connection, error.code, error.message], [408, 'close', 'timeout', 'the request head took longer than 10 s']);
        }
      }
    }
    clearInterval(sampling);
    checkProbe(t, '200 slow clients', await probing.stop());
    const grown = peak - before.rss;
    t.diagnostic(`measured: 200 slow clients: RSS +${(grown / MiB).toFixed(1)} MiB (bar ${(200 / 16 + 8).toFixed(1)}), readers cut after ${cutAt.toFixed(1)} s`);
    assert.ok(grown <= 200 * 65536 + 8 * MiB, `RSS +${grown}`);
    await until('the descriptors', () => server.fds <= before.fds + 8, { within: 10000 });
  });

  test('a listener that never reads is cut within 35 s, costs little, and the others notice nothing', { timeout: 90000 }, async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'read,metrics');
    const good = await listen(server, admin, ['meter.host']);
    const before = server.rss;
    const bad = [];
    for (let i = 0; i < 10; i++) {
      const live = await listen(server, { key }, ['meter.host']);
      live.socket.wire.socket.pause();
      // Asks for the whole value until the server has more to say than the connection takes.
      for (let j = 0; j < 80; j++) live.say({ t: 'sub', id: j, topics: [['meter.host']] });
      bad.push(live);
    }
    const sse = await dial(server.port);
    sse.write(get('/api/v1/events?topic=meter.host', `Authorization: Bearer ${key}\r\n`));
    await sse.when(() => text(sse).includes('\r\n\r\n'));
    sse.socket.pause();
    // The last of them may not be a listener yet: what is counted down must first have been counted up.
    await until('all 12 to listen', async () => await metric(server, key, 'live_connections') === 12, { within: 5000 });
    let peak = 0;
    const chatter = setInterval(() => { // goes on asking at the pace that is allowed
      peak = Math.max(peak, server.rss);
      bad.forEach((live) => { for (let j = 0; j < 20; j++) live.say({ t: 'sub', id: j, topics: [['meter.host']] }); });
    }, 500);
    t.after(() => clearInterval(chatter));
    // What the kernel holds for them must be full before they are behind: some megabytes each.
    let seen = 0; // a reader may be asked about in the moment before it is written to: not ten times in a row
    await until('ten to be behind for a second', async () => {
      seen = await metric(server, key, 'live_dirty_connections') >= 10 ? seen + 1 : 0;
      return seen >= 10;
    }, { within: 30000, every: 100 });
    const begun = performance.now();
    const closedAt = [];
    while (closedAt.length < 10 && performance.now() - begun < 40000) {
      const listeners = await metric(server, key, 'live_connections');
      while (closedAt.length < 10 && 12 - listeners > closedAt.length) closedAt.push((performance.now() - begun) / 1000);
      await sleep(250);
    }
    clearInterval(chatter);
    assert.equal(closedAt.length, 10, `${closedAt.length} of 10 were cut`);
    t.diagnostic(`measured: 10 listeners that never read: cut after ${closedAt[0].toFixed(1)}..${closedAt[9].toFixed(1)} s, RSS +${((peak - before) / MiB).toFixed(1)} MiB`);
    assert.ok(closedAt[0] >= 25, `cut after ${closedAt[0]} s, though a reader has 30 s`);
    assert.ok(closedAt[9] <= 35, `cut after ${closedAt[9]} s`);
    assert.ok(peak - before <= 10 * MiB, `RSS +${peak - before}`);
    const deltas = good.times.filter((_, i) => good.messages[i].t === 'd');
    const gaps = deltas.slice(1).map((at, i) => at - deltas[i]);
    t.diagnostic(`measured: meanwhile a reading one: worst gap ${Math.max(...gaps).toFixed(0)} ms of ${gaps.length}`);
    assert.ok(gaps.length > 20 && Math.max(...gaps) <= 2000, `a gap of ${Math.max(...gaps)} ms`);
    for (const live of [...bad, good]) live.destroy();
    sse.destroy();
  });

  /* --- violations and floods (B03, B04) --------------------------------------------------------- */

  test('what breaks the rules of WebSocket or live/1 is closed with its code within 3 s', async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'read');
    const before = server.rss;
    await Promise.all(violations.map(async (one) => assert.equal(await violate(server.port, key, one), one[1], one[0])));
    assert.ok(server.rss - before <= 32 * MiB, `RSS +${server.rss - before}`);
    t.diagnostic(`measured: ${violations.length} violations: RSS +${((server.rss - before) / MiB).toFixed(1)} MiB (bar 32)`);
  });

  test('who says nothing after the upgrade is sent away after 5 s', async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const live = await listen(server, admin, [], { hello: false });
    const begun = performance.now();
    assert.equal((await live.ended(8000)).code, 4105);
    assert.ok(performance.now() - begun >= 4500);
    assert.equal(live.messages.at(-1).t, 'bye');
  });

  test('who does not answer pings is sent away, who does stays', { timeout: 70000 }, async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const good = await listen(server, admin, []);
    const deaf = await listen(server, admin, []);
    deaf.socket.send = () => deaf.socket; // hears everything, says nothing
    const begun = performance.now();
    assert.equal((await deaf.ended(50000)).code, 4003);
    t.diagnostic(`measured: no pong: closed after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    await sleep(2000);
    assert.equal(good.close, null);
    assert.ok(good.messages.some((one) => one.t === 'hb'), 'a silent connection has a heartbeat');
    good.destroy();
  });

  test('floods end with 4008 while the others are served', { timeout: 60000 }, async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'read');
    const before = server.rss;
    const probing = probe(server);
    let peak = 0;
    const sampling = setInterval(() => { peak = Math.max(peak, server.rss); }, 200);
    t.after(() => clearInterval(sampling));
    const mask = Buffer.from([0, 0, 0, 0]);
    const kinds = {
      messages: Buffer.concat(Array(2000).fill(frame(TEXT, '{"t":"pong"}\n', { mask }))),
      'lines in one message': frame(TEXT, '{"t":"pong"}\n'.repeat(4000)),
      'empty messages': Buffer.concat(Array(4000).fill(frame(TEXT, '', { mask }))),
      'blank messages': Buffer.concat(Array(4000).fill(frame(TEXT, ' \n \n', { mask }))),
      pings: Buffer.concat(Array(4000).fill(frame(PING, Buffer.alloc(125), { mask }))),
      pongs: Buffer.concat(Array(4000).fill(frame(PONG, Buffer.alloc(125), { mask }))),
      hellos: Buffer.concat(Array(2000).fill(frame(TEXT, '{"t":"hello","v":1}\n', { mask }))),
      subscriptions: Buffer.concat(Array(2000).fill(frame(TEXT, '{"t":"sub","id":1,"topics":[["meter.host"]]}\n', { mask }))),
      'unknown topics': Buffer.concat(Array(2000).fill(frame(TEXT, `{"t":"sub","id":1,"topics":[["${'x'.repeat(500)}"]]}\n`, { mask }))),
    };
    for (let round = 0; round < 3; round++) {
      await Promise.all(Object.entries(kinds).flatMap(([kind, bytes]) => Array.from({ length: 4 }, async () => {
        const live = await listen(server, { key });
        live.socket.write(bytes);
        assert.equal((await live.ended(5000)).code, 4008, kind);
        live.destroy();
      })));
    }
    // Large messages without end are fine by the rules and cost what reading costs.
    const big = await listen(server, { key });
    const filler = frame(TEXT, ' '.repeat(65536), { mask });
    for (let i = 0; i < 60; i++) big.socket.write(filler);
    await sleep(200);
    big.destroy();
    clearInterval(sampling);
    checkProbe(t, `${3 * 4 * Object.keys(kinds).length} floods`, await probing.stop());
    t.diagnostic(`measured: floods: RSS +${((peak - before) / MiB).toFixed(1)} MiB (bar 64)`);
    assert.ok(peak - before <= 64 * MiB);
  });

  /* --- too many --------------------------------------------------------------------------------- */

  test('listener N+1 gets 503 with the reason, the N go on, an administrator still gets in', async (t) => {
    const server = await startServer(t, { args: ['--max-listeners', '5'] });
    const admin = await server.setup();
    await server.addUser(admin, 'vera', 'viewer');
    const vera = await server.login('vera');
    const five = [];
    for (let i = 0; i < 5; i++) five.push(await listen(server, vera, ['meter.host']));
    for (const target of ['/api/v1/live', '/api/v1/events?topic=meter.host']) {
      const wire = await dial(server.port);
      const auth = { Cookie: vera.cookie, Origin: server.origin, Host: `127.0.0.1:${server.port}` };
      wire.write(target.includes('live') ? handshake(target, auth) : get(target, `Cookie: ${vera.cookie}\r\n`));
      await wire.when(() => text(wire).includes('\n}') || text(wire).includes('}\n'), 2000);
      const [answer] = parseAnswers(wire.bytes, ['GET'], { partial: true });
      assert.equal(answer.status, 503);
      assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
      const body = JSON.parse(answer.body);
      assert.deepEqual([body.error.code, body.limit, body.in_use], ['unavailable', 5, 5]);
      wire.destroy();
    }
    const first = await listen(server, admin, ['self']);
    await first.heard((one) => one.t === 'd', 3000);
    const counts = five.map((live) => live.messages.length);
    await sleep(2200);
    five.forEach((live, i) => assert.ok(live.messages.length > counts[i] && !live.close, 'the five go on'));
    const more = [];
    for (let i = 0; i < 4; i++) more.push(await listen(server, admin));
    await assert.rejects(listen(server, admin), /503/, 'administrators have five of their own, and no more');
    for (const live of [...more, first, five[0]]) live.destroy();
    await until('the place to be free', async () => {
      const live = await listen(server, vera).catch(() => null);
      live?.destroy();
      return live;
    });
    for (const live of five) live.destroy();
  });

  test('one user has at most 200 live connections', async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const lives = [];
    for (let i = 0; i < 200; i++) lives.push(await listen(server, admin, [], { hello: false }));
    await assert.rejects(listen(server, admin), (error) => error.status === 429 && /"too_many"|Retry-After: 5/.test(error.head));
    lives.forEach((live) => live.destroy());
  });

  test('without descriptors the server backs off, goes on with what it has, and recovers', { timeout: 60000 }, async (t) => {
    const server = await startServer(t, { wrap: ['prlimit', '--nofile=128:128', '--'] });
    const admin = await server.setup();
    const old = await dial(server.port);
    const live = await listen(server, admin, ['meter.host']);
    old.write(get('/healthz'));
    assert.ok(await old.when(() => text(old).endsWith('ok')));
    // Stubborn ones: they connect, never say a word, and do not leave when they are told to.
    const stubborn = new Set();
    const refusals = [];
    let attacking = true;
    const attack = Array.from({ length: 300 }, async () => {
      while (attacking) {
        const wire = await dial(server.port, { within: 1000 }).catch(() => null);
        if (!wire) { await sleep(20); continue; }
        stubborn.add(wire);
        wire.socket.allowHalfOpen = true;
        await wire.gone(3000);
        if (wire.bytes.length) refusals.push(text(wire));
        wire.destroy();
        stubborn.delete(wire);
      }
    });
    await sleep(1000);
    const cpuBefore = server.cpuSeconds;
    const heardBefore = live.messages.length;
    const begun = performance.now();
    let fds = 0;
    let requests = 0;
    while (performance.now() - begun < 5000) {
      fds = Math.max(fds, server.fds);
      old.bytes = Buffer.alloc(0);
      old.write(get('/healthz'));
      assert.ok(await old.when(() => text(old).endsWith('ok'), 1000), 'the old connection is served');
      requests++;
      await sleep(50);
    }
    const cpu = (server.cpuSeconds - cpuBefore) / ((performance.now() - begun) / 1000);
    attacking = false;
    for (const wire of stubborn) wire.destroy();
    await Promise.all(attack);
    const freedAt = performance.now();
    await until('a new connection', async () => (await server.request('GET', '/healthz', { timeout: 1000 }).catch(() => null))?.status === 200, { within: 5000 });
    t.diagnostic(`measured: no descriptors: ${fds} of 128 used, CPU ${(cpu * 100).toFixed(1)} % (bar 30), ${requests} requests served meanwhile, ` +
      `${refusals.length} refused, back after ${(performance.now() - freedAt).toFixed(0)} ms (bar 5000)`);
    assert.ok(fds >= 120, `only ${fds} descriptors were used: this tested nothing`);
    assert.ok(cpu <= 0.3, `CPU ${cpu}`);
    assert.ok(live.messages.length >= heardBefore + 3 && !live.close, 'the old listener still hears');
    assert.ok(refusals.length > 0);
    for (const one of refusals.slice(0, 20)) {
      const [answer] = parseAnswers(Buffer.from(one, 'latin1'));
      assert.equal(answer.status, 503);
      assert.equal(JSON.parse(answer.body).error.code, 'unavailable');
      assert.ok(answer.headers['retry-after']);
    }
    live.destroy();
    old.destroy();
  });

  test('one address holds at most 512 connections, others are served', { timeout: 30000, skip: process.getuid() !== 0 && 'needs root for a network namespace' }, async (t) => {
    const child = spawn('unshare', ['-n', 'sh', '-c',
      `ip link set lo up && ip addr add 192.0.2.1/32 dev lo && exec ${process.execPath} ${path.join(here, 'lib/one_address.mjs')}`]);
    let out = '';
    child.stdout.on('data', (piece) => { out += piece; });
    child.stderr.on('data', (piece) => { out += piece; });
    const code = await new Promise((resolve) => { child.on('close', resolve); });
    assert.equal(code, 0, out);
    assert.deepEqual(JSON.parse(out), { held: 512, refused: 28, status: 429, retry: '2', other: 200, freed: true });
  });

  /* --- broken ones ------------------------------------------------------------------------------ */

  test('a reset at every byte of a request, an upgrade and its frames leaves nothing behind', { timeout: 60000 }, async (t) => {
    const server = await startServer(t, { program: asanBinary, stopWithin: 15000 });
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'all');
    const body = '{"name":"x","scopes":"read"}';
    const cookie = `Cookie: ${admin.cookie}\r\nOrigin: ${server.origin}\r\n`;
    const at = `127.0.0.1:${server.port}`;
    const live = handshake('/api/v1/live', { Host: at, Authorization: `Bearer ${key}`, 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    const texts = {
      'a request with a body': Buffer.from(`POST /api/v1/password HTTP/1.1\r\nHost: ${at}\r\n${cookie}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
      'a chunked request': Buffer.from(`POST /api/v1/keys HTTP/1.1\r\nHost: ${at}\r\n${cookie}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\nX: y\r\n\r\n`),
      'an event stream': Buffer.from(get('/api/v1/events?topic=meter.host&topic=self', `Authorization: Bearer ${key}\r\n`)),
      'a long poll': Buffer.from(get('/api/v1/state?topic=people.audit&wait=20', `Authorization: Bearer ${key}\r\n`)),
      'a history': Buffer.from(get('/api/v1/history?series=host/local.cpu_pct&range=24h', `Authorization: Bearer ${key}\r\n`)),
      'a login': Buffer.from(`POST /api/v1/session HTTP/1.1\r\nHost: ${at}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`),
      'an upgrade and frames': Buffer.concat([Buffer.from(live),
        frame(TEXT, '{"t":"hello","v":1}\n'), frame(TEXT, '{"t":"sub","id":1,"topics":[["meter.host"],["self.log",{"tail":5}],["nothing"]]}\n', { fin: false }), frame(CONT, ''),
        frame(PING, 'ping'), frame(TEXT, deflate(`{"t":"rate","k":1,"min":5000}${' '.repeat(300)}\n`), { rsv: 4 }), frame(CLOSE, closing(1000))]),
    };
    let count = 0;
    for (const [name, bytes] of Object.entries(texts)) {
      for (let cut = 0; cut <= bytes.length; cut += 24) {
        await Promise.all(Array.from({ length: Math.min(24, bytes.length + 1 - cut) }, async (_, i) => {
          const wire = await dial(server.port);
          wire.write(bytes.subarray(0, cut + i));
          // Half of them at once, the others when the server may have begun to answer.
          if (i % 2) await wire.when(() => wire.bytes.length > 0, 5);
          wire.reset();
          count++;
        }));
      }
      assert.equal((await server.request('GET', '/healthz')).status, 200, `alive after ${name}`);
    }
    await until('the connections to be gone', async () => await metric(server, key, 'live_connections') === 0);
    t.diagnostic(`measured: ${count} resets, one at every byte, under ASan and LSan`);
  });

  test('20 s of random bytes and mutated requests and frames do no harm', { timeout: 60000 }, async (t) => {
    const server = await startServer(t, { program: asanBinary, stopWithin: 15000 });
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'all');
    const seed = Number(process.env.SEED ?? crypto.randomInt(1 << 30));
    let state = seed;
    const random = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor(state / 4294967296 * n); };
    t.diagnostic(`measured: SEED=${seed}`);
    const at = `127.0.0.1:${server.port}`;
    const seeds = [
      get('/', 'Accept-Encoding: br, gzip;q=0.5\r\n'), get('/api/v1/session', `Authorization: Bearer ${key}\r\n`),
      get('/api/v1/history?series=host/local.cpu_pct&range=5m&points=100', `Authorization: Bearer ${key}\r\n`),
      get('/api/v1/state?topic=meter.host&since=a.1&wait=1', `Authorization: Bearer ${key}\r\n`),
      get('/api/v1/events?topic=meter.host&since=W10', `Authorization: Bearer ${key}\r\n`),
      `POST /api/v1/session HTTP/1.1\r\nHost: ${at}\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\r\n{"username":"ada","password":"wrong wrong"}`,
      `POST /api/v1/keys HTTP/1.1\r\nHost: ${at}\r\nCookie: ${admin.cookie}\r\nOrigin: ${server.origin}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n{"name":"x","scopes":"read"}\r\n0\r\n\r\n`,
      `DELETE /api/v1/keys/abc HTTP/1.1\r\nHost: ${at}\r\nCookie: ${admin.cookie}\r\nOrigin: ${server.origin}\r\n\r\n`,
      handshake('/api/v1/live', { Host: at, Authorization: `Bearer ${key}` }),
    ].map((one) => Buffer.from(one));
    const frames = ['{"t":"hello","v":1}\n', '{"t":"sub","id":1,"topics":[["meter.host",{"e":"abc","s":5}],["self.log",{"tail":20}]],"min":1000}\n',
      '{"t":"unsub","id":2,"topics":["meter.host"]}\n', '{"t":"rate","k":1,"min":0}\n', '{"t":"pong"}\n'];
    const mutate = (bytes) => {
      let out = Buffer.from(bytes);
      for (let n = 1 + random(4); n > 0 && out.length; n--) {
        const where = random(out.length);
        switch (random(6)) {
          case 0: out[where] = random(256); break;
          case 1: out[where] ^= 1 << random(8); break;
          case 2: out = Buffer.concat([out.subarray(0, where), out.subarray(where + 1 + random(8))]); break;
          case 3: out = Buffer.concat([out.subarray(0, where), crypto.randomBytes(1 + random(8)), out.subarray(where)]); break;
          case 4: out = Buffer.concat([out.subarray(0, where), out.subarray(random(out.length)), out.subarray(where)]); break;
          default: out = out.subarray(0, where);
        }
      }
      return out;
    };
    const counts = {};
    const worst = [];
    const end = performance.now() + 20000;
    const one = async () => {
      const wire = await dial(server.port, { within: 10000 });
      const kind = random(4);
      if (kind === 0) wire.write(crypto.randomBytes(1 + random(2000)));
      if (kind === 1) wire.write(mutate(seeds[random(seeds.length)]));
      if (kind === 2) for (let n = 1 + random(5); n > 0; n--) wire.write(mutate(seeds[random(seeds.length)]));
      if (kind === 3) {
        wire.write(seeds.at(-1));
        for (let n = 1 + random(6); n > 0; n--) {
          const text_ = Buffer.from(frames[random(frames.length)]);
          const bytes = random(2) ? frame(TEXT, mutate(text_)) : mutate(frame(random(16), text_, { fin: random(4) > 0, rsv: random(8) === 0 ? 4 : 0 }));
          wire.write(bytes);
        }
      }
      await wire.when(() => false, 5 + random(40));
      for (const [, status] of text(wire).matchAll(/HTTP\/1\.1 (\d\d\d) /g)) {
        counts[status] = (counts[status] ?? 0) + 1;
        if (status === '500') worst.push(text(wire).slice(0, 300));
      }
      counts.all = (counts.all ?? 0) + 1;
      if (random(2)) wire.reset(); else wire.destroy();
    };
    await Promise.all(Array.from({ length: 16 }, async () => { while (performance.now() < end) await one(); }));
    assert.deepEqual(worst, []);
    assert.equal((await server.request('GET', '/healthz')).status, 200);
    t.diagnostic(`measured: random bytes: ${JSON.stringify(counts)}`);
    assert.ok(counts.all > 1000);
  });

  test('half requests whose clients leave are forgotten', async (t) => {
    const server = await startServer(t);
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'metrics');
    await sleep(300);
    const fds = server.fds;
    const half = ['', 'G', 'GET / HT', get('/').slice(0, -2), `POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"user`,
      `POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"u`, '\r\n'];
    for (let i = 0; i < 140; i++) {
      const wire = await dial(server.port);
      wire.write(half[i % half.length]);
      if (i % 2) wire.socket.end(); else wire.reset();
    }
    await until('their connections to be gone', async () => await metric(server, key, 'connections') <= 2, { within: 5000 });
    await until('their descriptors to be closed', () => server.fds <= fds + 3, { within: 5000 });
  });
});
