// tap: a wire that a test cuts: TCP connections passed on, counted, held or dropped.
//
//   const tap = await startTap(t, { port });          // tap.port leads to that port of loopback
//   const wire = tap.find(65536);                     // on which that much went up: { up, down }, bytes and TLS records of each
//   wire.hold(); wire.go(); wire.drop();              // nothing passes, all goes on, reset both ways
//
// While it is held nothing is read either, so what the kernel buffers is all that leaves an end: as with a network
// that lost its way, except that nobody gets an error.

import assert from 'node:assert/strict';
import net from 'node:net';

const TLS_HEADER = 5;

/** Counts the records of TLS in a stream of bytes. */
class Records {
  constructor() {
    this.count = 0;
    this.head = Buffer.alloc(0);
    this.left = 0;
  }

  feed(bytes) {
    let at = 0;
    while (at < bytes.length) {
      if (this.left > 0) {
        const part = Math.min(this.left, bytes.length - at);
        this.left -= part;
        at += part;
        if (this.left === 0) this.count++;
        continue;
      }
      const part = bytes.subarray(at, at + TLS_HEADER - this.head.length);
      this.head = Buffer.concat([this.head, part]);
      at += part.length;
      if (this.head.length < TLS_HEADER) return;
      this.left = this.head.readUInt16BE(3);
      this.head = Buffer.alloc(0);
    }
  }
}

class Wire {
  constructor(near, far, changed) {
    this.up = { from: near, to: far, bytes: 0, records: new Records() };
    this.down = { from: far, to: near, bytes: 0, records: new Records() };
    this.isHeld = false;
    this.isOver = false;
    for (const way of [this.up, this.down]) {
      way.from.setNoDelay(true);
      way.from.on('data', (piece) => {
        way.bytes += piece.length;
        way.records.feed(piece);
        if (!way.to.write(piece)) way.from.pause();
        changed();
      });
      way.to.on('drain', () => { if (!this.isHeld) way.from.resume(); });
      way.from.on('end', () => way.to.end());
      way.from.on('error', () => {});
      way.from.on('close', () => { this.isOver = true; way.to.destroy(); changed(this); });
    }
  }

  hold() {
    this.isHeld = true;
    for (const way of [this.up, this.down]) way.from.pause();
  }

  go() {
    this.isHeld = false;
    for (const way of [this.up, this.down]) if (!way.to.writableNeedDrain) way.from.resume();
  }

  drop() {
    // One that is shutting down cannot be reset: Node would wait for it for ever when it ends.
    for (const way of [this.up, this.down]) {
      if (way.from.writableEnded) way.from.destroy();
      else way.from.resetAndDestroy();
    }
  }
}

/** Ends with `t`. */
export async function startTap(t, { port }) {
  const wires = new Set();
  const waiting = new Set();
  const changed = (over) => {
    if (over) wires.delete(over);
    for (const look of waiting) look();
  };
  const server = net.createServer({ allowHalfOpen: true }, (near) => {
    const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    wires.add(new Wire(near, far, changed));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => {
    for (const wire of [...wires]) wire.drop();
    return new Promise((resolve) => { server.close(resolve); });
  });
  return {
    wires,
    port: server.address().port,
    /** The connection on which that much went up: whoever is looked for has just said so much. */
    find(bytes) {
      const found = [...wires].filter((wire) => wire.up.bytes >= bytes);
      assert.equal(found.length, 1);
      return found[0];
    },
    /** Until check() is true, looked at whenever something passed. */
    when(what, check, within = 20000) {
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => { waiting.delete(look); reject(new Error(`waited ${within} ms for ${what}`)); }, within);
        const look = () => {
          if (!check()) return;
          waiting.delete(look);
          clearTimeout(late);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
  };
}
