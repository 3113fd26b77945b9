import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Link } from '../src/link/socket';
import { settle, World } from './fake';

const welcome = (now = 1_000_000) => ({ t: 'welcome', v: 1, sid: 's', node: 'a', now, hb: 15000 });

function start(): { w: World; link: Link } {
  const w = new World();
  const link = new Link(w, w);
  link.start();
  return { w, link };
}

function goLive(w: World, link: Link): void {
  w.last.open();
  w.last.say(welcome(w.now()));
  link.settled();
}

test('hello goes first and the subscription right behind it', () => {
  const { w } = start();
  w.last.open();
  assert.deepEqual(w.last.sent.map((f) => f.t), ['hello', 'sub']);
  assert.equal(w.last.sent[0]!.v, 1);
});

test('it is live only when the subscription is answered', () => {
  const { w, link } = start();
  assert.equal(link.status.phase, 'connecting');
  w.last.open();
  w.last.say(welcome());
  assert.equal(link.status.phase, 'connecting');
  link.settled();
  assert.equal(link.status.phase, 'live');
  assert.equal(link.status.lostAt, null);
});

test('several frames of one message arrive together and in order', () => {
  const { w, link } = start();
  goLive(w, link);
  w.received.length = 0;
  w.last.say({ t: 'd', k: 1, s: 1, p: {} }, { t: 'unheard of' }, { t: 'd', k: 2, s: 1, p: {} });
  assert.deepEqual(w.received.map((f) => f.t), ['d', 'unheard of', 'd']);
});

test('the back-off is 0.25, 0.5, 1, 2, 4, 5, 5 s', async () => {
  const { w, link } = start();
  w.session = 0;
  goLive(w, link);
  w.last.break();
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    assert.equal(link.status.phase, 'waiting');
    waits.push(link.status.retryAt! - w.now());
    await w.clock.pass(link.status.retryAt! - w.now());
    assert.equal(link.status.phase, 'connecting');
    w.last.break();
    await settle();
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
});

test('it never gives up: a day without a server is tried again at least every 6.25 s', async () => {
  const { w, link } = start();
  w.session = 0;
  w.chance = 0.999999;
  goLive(w, link);
  w.last.break();
  const begun = w.now();
  let longest = 0;
  while (w.now() - begun < 86_400_000) {
    const wait = link.status.retryAt! - w.now();
    longest = Math.max(longest, wait);
    await w.clock.pass(wait);
    assert.equal(link.status.phase, 'connecting');
    w.last.break();
    await settle();
  }
  assert.equal(longest, 6250);
  assert.ok(w.sockets.length > 86_400_000 / 6250, `${w.sockets.length} attempts`);
  await w.clock.pass(link.status.retryAt! - w.now());
  goLive(w, link);
  assert.equal(link.status.phase, 'live');
});

test('jitter moves a wait by a quarter at most', () => {
  for (const [chance, want] of [[0, 188], [0.999999, 312]] as const) {
    const { w, link } = start();
    w.chance = chance;
    goLive(w, link);
    w.last.break();
    assert.equal(link.status.retryAt! - w.now(), want);
  }
});

test('a success starts the back-off anew', async () => {
  const { w, link } = start();
  w.session = 0;
  goLive(w, link);
  w.last.break();
  await w.clock.pass(250);
  w.last.break();
  await w.clock.pass(500);
  goLive(w, link);
  assert.equal(link.status.attempt, 0);
  w.last.break();
  assert.equal(link.status.retryAt! - w.now(), 250);
});

test('while it waits long it knocks each second and connects when somebody answers', async () => {
  const { w, link } = start();
  w.session = 0;
  goLive(w, link);
  w.last.break();
  for (const ms of [250, 500, 1000, 2000]) {
    await w.clock.pass(ms);
    if (link.status.phase === 'connecting') w.last.break();
    await settle();
  }
  assert.equal(link.status.phase, 'waiting');
  const left = link.status.retryAt! - w.now();
  assert.ok(left > 3000, `waits ${left} ms`);
  w.isThere = true;
  await w.clock.pass(1100);
  assert.equal(link.status.phase, 'connecting');
});

test('a hidden tab does not knock', async () => {
  const { w, link } = start();
  w.session = 0;
  goLive(w, link);
  w.hiddenTab = true;
  w.last.break();
  for (let i = 0; i < 4; i++) {
    await w.clock.pass(link.status.retryAt! - w.now());
    w.last.break();
    await settle();
  }
  const before = w.knocks;
  await w.clock.pass(3000);
  assert.equal(w.knocks, before);
});

test('bye is followed at its own pace, without knocking', async () => {
  const { w, link } = start();
  goLive(w, link);
  w.last.say({ t: 'bye', code: 4001, msg: 'shutting down', retry: 1500 });
  assert.equal(link.status.phase, 'waiting');
  assert.equal(link.status.retryAt! - w.now(), 1500);
  assert.match(link.status.reason, /shutting down/);
  await w.clock.pass(1499);
  assert.equal(w.knocks, 0);
  assert.equal(link.status.phase, 'waiting');
  await w.clock.pass(1);
  assert.equal(link.status.phase, 'connecting');
});

test('the close after a bye changes nothing any more', () => {
  const { w, link } = start();
  goLive(w, link);
  const socket = w.last;
  socket.say({ t: 'bye', code: 4001, msg: 'shutting down', retry: 1500 });
  socket.break(4001);
  assert.equal(link.status.attempt, 1);
  assert.equal(w.lostCount, 1);
});

test('silence for two heartbeats and five seconds is a loss', async () => {
  const { w, link } = start();
  goLive(w, link);
  await w.clock.pass(34_999);
  assert.equal(link.status.phase, 'live');
  await w.clock.pass(1);
  assert.equal(link.status.phase, 'waiting');
  assert.ok(w.sockets[0]!.isClosed);
});

test('a heartbeat is answered and holds the watchdog back', async () => {
  const { w, link } = start();
  goLive(w, link);
  await w.clock.pass(20_000);
  w.last.say({ t: 'hb', now: w.now() + 500 });
  assert.equal(w.last.sent.at(-1)!.t, 'pong');
  assert.equal(link.status.skewMs, 500);
  await w.clock.pass(34_000);
  assert.equal(link.status.phase, 'live');
});

test('a server that never opens the socket is given up after ten seconds', async () => {
  const { w, link } = start();
  w.session = 0;
  await w.clock.pass(9_999);
  assert.equal(link.status.phase, 'connecting');
  await w.clock.pass(1);
  assert.equal(link.status.phase, 'waiting');
});

test('online and a shown tab try at once', async () => {
  const { w, link } = start();
  w.session = 0;
  goLive(w, link);
  w.last.break();
  await w.clock.pass(250);
  w.last.break();
  await settle();
  const n = w.sockets.length;
  link.hurry();
  assert.equal(w.sockets.length, n + 1);
  assert.equal(link.status.phase, 'connecting');
});

test('a tab shown again finds a socket that died unheard', async () => {
  const { w, link } = start();
  goLive(w, link);
  w.hiddenTab = true;
  link.visibility();
  assert.deepEqual(w.hiddenCalls, [true]);
  w.clock.t += 60_000; // timers sleep with the laptop
  w.hiddenTab = false;
  link.visibility();
  assert.equal(link.status.phase, 'connecting');
  assert.equal(w.sockets.length, 2);
});

test('4100 leads to the login and to no further attempt', async () => {
  const { w, link } = start();
  goLive(w, link);
  w.last.break(4100, 'bad token');
  assert.equal(w.outCount, 1);
  await w.clock.pass(60_000);
  assert.equal(w.sockets.length, 1);
  assert.equal(link.status.phase, 'idle');
});

test('a refused upgrade with an ended session leads to the login', async () => {
  const { w, link } = start();
  w.session = 401;
  w.last.break();
  await settle();
  assert.equal(w.outCount, 1);
  assert.equal(link.status.phase, 'idle');
});

test('codes 4101 to 4199 are final until somebody asks', async () => {
  const { w, link } = start();
  goLive(w, link);
  w.last.break(4106);
  assert.equal(link.status.phase, 'refused');
  await w.clock.pass(60_000);
  assert.equal(w.sockets.length, 1);
  link.hurry();
  assert.equal(w.sockets.length, 2);
});

test('three refused openings while HTTP works: polling, and back when a socket gets through', async () => {
  const { w, link } = start();
  for (let i = 0; i < 3; i++) {
    w.last.break();
    await settle();
    if (link.status.phase === 'waiting') await w.clock.pass(link.status.retryAt! - w.now());
  }
  assert.equal(link.status.phase, 'polling');
  assert.ok(w.isPolling);
  const n = w.sockets.length;
  await w.clock.pass(30_000);
  assert.equal(w.sockets.length, n + 1); // keeps trying the socket
  assert.equal(link.status.phase, 'polling');
  w.last.break();
  await settle();
  assert.ok(w.isPolling);
  await w.clock.pass(30_000);
  goLive(w, link);
  assert.equal(link.status.phase, 'live');
  assert.ok(!w.isPolling);
});

test('a server that is down is not taken for a proxy that blocks', async () => {
  const { w, link } = start();
  w.session = 0;
  for (let i = 0; i < 6; i++) {
    w.last.break();
    await settle();
    await w.clock.pass(link.status.retryAt! - w.now());
  }
  assert.ok(!w.isPolling);
});

test('something that is not JSON ends the connection, not the page', () => {
  const { w, link } = start();
  goLive(w, link);
  w.last.raw('{"t":"d"\n');
  assert.equal(link.status.phase, 'waiting');
  assert.match(link.status.reason, /not JSON/);
});

test('after stop nothing happens any more', async () => {
  const { w, link } = start();
  goLive(w, link);
  link.stop();
  await w.clock.pass(120_000);
  assert.equal(w.sockets.length, 1);
  assert.ok(w.sockets[0]!.isClosed);
  assert.equal(link.status.phase, 'idle');
});

test('the loss is dated once, over all attempts', async () => {
  const { w, link } = start();
  w.session = 0;
  goLive(w, link);
  const at = w.now();
  w.last.break();
  for (let i = 0; i < 3; i++) {
    await w.clock.pass(link.status.retryAt! - w.now());
    w.last.break();
    await settle();
  }
  assert.equal(link.status.lostAt, at);
});
