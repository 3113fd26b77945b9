// Consoles over a network that fails: nothing passes for 2 s and for 60 s, or the connection is cut, between a
// browser and Binnacle and between Binnacle and Proxmox VE; and a browser that stops reading. All at the same time.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ask, countPieces, join } from './lib/console.mjs';
import { startFleet } from './lib/fleet.mjs';
import { sleep, until } from './lib/server.mjs';
import { startTap } from './lib/tap.mjs';

const MIB = 1 << 20;
const PIECE = 65536;
const SHORT_MS = 2000;
const LONG_MS = 60000;
const CLOSE_MS = 2000; // what ends one side ends the other
const GUEST_LOST_MS = 65000; // docs/protocol.md: Proxmox VE that answers nothing for so long is lost
const BUSY_MS = 8000; // what a busy machine may add
const EACH_MIB = 2; // of resident memory for each console, at worst (A43)
const SOURCES = { short: 201, long: 202, asleep: 203 }; // between browser and Binnacle
const ECHOES = { short: 101, long: 102, lost: 103, cut: 104, cutHere: 105 }; // between Binnacle and Proxmox VE
const guest = (vmid, console) => ({ vmid, type: 'qemu', node: 'pve1', name: `g${vmid}`, status: 'running', console });
const SCENE = {
  clusters: [{ name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: [
    ...Object.values(SOURCES).map((vmid) => guest(vmid, { kind: 'source', size: PIECE })),
    ...Object.values(ECHOES).map((vmid) => guest(vmid, 'echo')), guest(300, 'echo'),
  ] }],
};

describe('a network that fails', { concurrency: 1 }, () => {
  const ends = [];
  const t = { after: (end) => ends.push(end) };
  let fleet;
  let guests; // the wire to Proxmox VE
  let weightless; // resident memory without these consoles
  let peak = 0;
  let watch;
  let opening = Promise.resolve();
  const people = [];

  before(async () => {
    fleet = await startFleet(t, { scenario: SCENE, args: ['--check-interval', '24h'], via: async (it) => { guests = await startTap(t, it); return guests.port; } });
    for (const name of ['bea', 'max']) {
      await fleet.server.addUser(fleet.admin, name, 'manager');
      people.push(await fleet.server.login(name));
    }
    const warm = await open(300, { as: fleet.admin }); // what the process needs once is not a console's
    for (let i = 0; i < 64; i++) warm.send(Buffer.alloc(PIECE));
    await warm.read(64 * PIECE);
    warm.destroy();
    await until('it to be over', async () => (await of(300)) === undefined);
    weightless = fleet.server.rss;
    watch = setInterval(() => { peak = Math.max(peak, fleet.server.rss); }, 100);
  });
  after(async () => {
    clearInterval(watch);
    for (const end of ends.reverse()) await end();
  });

  const of = async (vmid) => (await fleet.lab.control.consoles()).find((one) => one.vmid === vmid && one.state === 'open');
  const record = async (id) => (await fleet.api('GET', '/api/v1/consoles')).consoles.find((one) => one.id === id);

  /** A console through a wire of its own: `it.wire` to Binnacle, `it.far` on to Proxmox VE where `isEcho`. */
  async function open(vmid, { as, isEcho = false } = {}) {
    const person = as ?? people[vmid % 2];
    const tap = await startTap(t, fleet.server);
    const asked = await ask(fleet, 'alpha', vmid, { as: person });
    const site = Object.assign(Object.create(fleet.server), { dial: () => net.connect({ port: tap.port, host: '127.0.0.1', noDelay: true }), authority: `127.0.0.1:${fleet.server.port}` });
    const it = await join(site, person, asked);
    await it.greet();
    it.id = asked.id;
    [it.wire] = tap.wires;
    if (!isEcho) return it;
    await (opening = opening.then(async () => { // one after the other, as they are known by what they send
      it.send(Buffer.alloc(PIECE - 1));
      await it.read(PIECE - 1);
      it.far = guests.find(PIECE);
      it.far.up.bytes = 0;
    }));
    return it;
  }

  async function isOn(it) {
    assert.equal(it.closedAt, null, `${it.code} ${it.reason}`);
    assert.equal((await record(it.id)).ended_at, null, 'the same session');
  }

  /** What waits for its viewer at Proxmox VE: it is held up there, and says no more. */
  async function isPaused(vmid) {
    let last = -1;
    await until('the guest to be held up', async () => {
      const one = await of(vmid);
      const stands = one.held && one.out === last;
      last = one.out;
      return stands;
    }, { within: 30000, every: 500 });
    return last;
  }

  async function checkSource(vmid, ms, stop, go) {
    const it = await open(vmid);
    const seen = countPieces(it, PIECE);
    await it.when(() => seen.count > 100, 'a hundred pieces');
    const begun = performance.now();
    stop(it);
    if (ms === LONG_MS) {
      const out = await isPaused(vmid);
      await sleep(ms - (performance.now() - begun));
      assert.equal((await of(vmid)).out, out, 'nothing was read of it meanwhile');
    } else {
      await sleep(ms);
    }
    go(it);
    const from = seen.count;
    await it.when(() => seen.count > from + 500, 'five hundred pieces more', 60000);
    await isOn(it);
    it.destroy();
  }

  const hold = (it) => it.wire.hold();
  const go = (it) => it.wire.go();

  /** Says all of that as fast as it is taken. */
  function pour(it, count) {
    const sent = crypto.createHash('sha256');
    const block = crypto.randomBytes(32768);
    const over = it.closed(300000).catch(() => {});
    const done = (async () => {
      for (let i = 0; i < count && it.closedAt === null; i++) {
        block.writeUInt32BE(i);
        sent.update(block);
        if (!it.send(block)) await Promise.race([over, new Promise((resolve) => { it.socket.once('drain', resolve); })]);
      }
    })();
    return { done, sent };
  }

  async function isLost(it, begun) {
    await it.closed(GUEST_LOST_MS + BUSY_MS);
    assert.deepEqual([it.code, it.reason], [4411, 'the connection to Proxmox VE was lost']);
    assert.ok(it.closedAt - begun <= GUEST_LOST_MS + BUSY_MS);
    const was = await until('the end of its record', async () => { const one = await record(it.id); return one.ended_at && one; });
    assert.equal(was.reason, 'the connection to Proxmox VE was lost');
  }

  describe('all at the same time', { concurrency: true }, () => {
    test('nothing passes between browser and Binnacle for 2 s: nothing is lost', { timeout: 60000 }, () => checkSource(SOURCES.short, SHORT_MS, hold, go));
    test('… for 60 s: the guest is held up, and goes on where it was', { timeout: 180000 }, () => checkSource(SOURCES.long, LONG_MS, hold, go));
    test('a browser reads nothing for 60 s: the same', { timeout: 180000 }, () => checkSource(SOURCES.asleep, LONG_MS, (it) => it.socket.pause(), (it) => it.socket.resume()));

    test('nothing passes between Binnacle and Proxmox VE for 2 s: nothing is lost', { timeout: 60000 }, async () => {
      const it = await open(ECHOES.short, { isEcho: true });
      it.far.hold();
      const bytes = crypto.randomBytes(MIB);
      for (let at = 0; at < MIB; at += 32768) it.send(bytes.subarray(at, at + 32768));
      await sleep(SHORT_MS);
      assert.equal(it.size, 0);
      it.far.go();
      assert.ok((await it.read(MIB)).equals(bytes));
      await isOn(it);
      it.destroy();
    });

    test('… for 60 s while a browser sends 64 MiB: all of it arrives, or the end is said', { timeout: 240000 }, async (t_) => {
      const COUNT = 2048;
      const it = await open(ECHOES.long, { isEcho: true });
      const came = crypto.createHash('sha256');
      let got = 0;
      it.sink = (bytes) => { came.update(bytes); got += bytes.length; };
      const begun = performance.now();
      it.far.hold();
      const poured = pour(it, COUNT);
      let last = -1;
      await until('the browser to be held up', () => {
        const stands = it.wire.up.bytes === last;
        last = it.wire.up.bytes;
        return stands;
      }, { within: 20000, every: 500 });
      await Promise.race([sleep(LONG_MS - (performance.now() - begun)), it.closed(2 * LONG_MS).catch(() => {})]);
      t_.diagnostic(`measured: held up after ${(it.wire.up.bytes / MIB).toFixed(1)} MiB of 64, ${it.closedAt === null ? 'went on' : `${it.code} after ${((it.closedAt - begun) / 1000).toFixed(1)} s`}`);
      if (it.closedAt !== null) return void await isLost(it, begun);
      assert.equal(got, 0);
      assert.equal(it.wire.up.bytes, last, 'nothing was read of it meanwhile');
      it.far.go();
      await poured.done;
      await it.when(() => got === COUNT * 32768, 'all of it', 60000);
      assert.equal(came.digest('hex'), poured.sent.digest('hex'));
      await isOn(it);
      it.destroy();
    });

    test('a Proxmox VE that is never heard again is lost within 65 s, and its browser told', { timeout: 120000 }, async () => {
      const it = await open(ECHOES.lost, { isEcho: true });
      const begun = performance.now();
      it.far.hold();
      it.send('anybody there?');
      await isLost(it, begun);
    });

    test('the connection to Proxmox VE is cut: the browser is told within 2 s', { timeout: 60000 }, async () => {
      const it = await open(ECHOES.cut, { isEcho: true });
      const begun = performance.now();
      it.far.drop();
      await it.closed();
      assert.equal(it.code, 4411);
      assert.ok(it.closedAt - begun < CLOSE_MS);
    });

    test('the connection of a browser is cut: its guest\'s side ends within 2 s', { timeout: 60000 }, async () => {
      const it = await open(ECHOES.cutHere, { isEcho: true });
      const begun = performance.now();
      it.wire.drop();
      await until('the guest\'s side to end', async () => (await of(ECHOES.cutHere)) === undefined);
      assert.ok(performance.now() - begun < CLOSE_MS);
      assert.equal((await until('its record', async () => { const one = await record(it.id); return one.ended_at && one; })).reason, 'the browser left');
    });
  });

  test('all of that costs no more memory than each is allowed', { timeout: 20000 }, (t_) => {
    const COUNT = Object.keys(SOURCES).length + Object.keys(ECHOES).length;
    const more = (peak - weightless) / MIB;
    t_.diagnostic(`measured: ${COUNT} consoles over wires that fail: ${more.toFixed(2)} MiB more at its worst`);
    assert.ok(more <= EACH_MIB * COUNT, `${more} MiB`);
  });
});
