// spoil: what a fault does to an answer that is ready: late, slow, cut, with a wrong length, not JSON.

import { Random } from './random.mjs';

// Noise of any size; the same every time.
function noise(bytes) {
  const random = new Random(bytes + 1);
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = random.next32();
  return Buffer.from(words.buffer, 0, bytes);
}

function withLength(head, length) {
  const line = length === null ? '' : `\r\nContent-Length: ${length}`;
  const found = /\r\nContent-Length: \d+/;
  return found.test(head) ? head.replace(found, line) : head;
}

const pages = {
  bytes: (fault) => noise(fault.bytes ?? 4096),
  html: () => Buffer.from('<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n'),
  json: () => Buffer.from('{"data":[{"id":"node/pve","cpu":0.1,,}'),
  shape: () => Buffer.from('{"data":{"id":[[]],"type":{"a":null}}}'),
  nul: () => Buffer.from('{"data":[{"id":"qemu/1\u0000","type":"qemu","name":"\ud800"}]}'),
};

// The body a fault puts in the place of the real one, or null.
function otherBody(lab, node, request) {
  const garbage = lab.faults.hit(node, 'garbage', request);
  if (garbage) return (pages[garbage.as ?? 'bytes'] ?? pages.bytes)(garbage);
  const deep = lab.faults.hit(node, 'deep', request);
  if (deep) return Buffer.from(`{"data":${'['.repeat(deep.depth ?? 100_000)}${']'.repeat(deep.depth ?? 100_000)}}`);
  return null;
}

// One piece after the other until the socket is gone.
function drip(connection, bytes, fault) {
  const perSecond = fault.bytesPerSecond ?? 1;
  const piece = Math.max(1, Math.ceil(perSecond / 10));
  const all = Buffer.concat([Buffer.from(bytes.head), bytes.body]);
  let at = fault.head ? 0 : Buffer.byteLength(bytes.head);
  if (at > 0) connection.socket.write(all.subarray(0, at));
  const timer = setInterval(() => {
    if (connection.socket.destroyed) return void clearInterval(timer);
    connection.socket.write(all.subarray(at, at + piece));
    at += piece;
    if (at < all.length) return;
    clearInterval(timer);
    connection.busy = false;
    connection.write({ head: '', body: Buffer.alloc(0), keep: bytes.keep });
  }, (1000 * piece) / perSecond);
  timer.unref();
}

function late(lab, fault) {
  const { ms = 1000, jitter = 0 } = fault;
  return Math.max(0, ms + jitter * (2 * lab.random.next() - 1));
}

// True if the answer was, or will be, written here.
export function spoil(lab, node, connection, request, answer, bytes) {
  const { faults } = lab;
  if (faults.list.length === 0) return false;
  const { socket } = connection;
  const other = otherBody(lab, node, request);
  if (other) {
    bytes.body = other;
    bytes.head = withLength(bytes.head, other.length).replace(/\r\nContent-Encoding: \w+/, '');
  }
  const noHead = faults.hit(node, 'nothttp', request);
  if (noHead) return void socket.end(noise(noHead.bytes ?? 4096)) ?? true;
  const length = faults.hit(node, 'length', request);
  if (length) {
    bytes.head = withLength(bytes.head, Math.max(0, bytes.body.length + (length.by ?? 100)));
    bytes.keep = bytes.keep && Boolean(length.keep);
  }
  const cut = faults.hit(node, 'truncated', request);
  if (cut) {
    bytes.body = bytes.body.subarray(0, cut.at ?? Math.floor(bytes.body.length / 2));
    bytes.keep = false;
  }
  const reset = faults.hit(node, 'reset', request);
  if (reset) return void socket.destroy() ?? true;
  const dripping = faults.hit(node, 'drip', request);
  const slow = faults.hit(node, 'slow', request);
  if (!slow && !dripping) {
    connection.write(bytes);
    return true;
  }
  connection.busy = true;
  setTimeout(() => {
    if (dripping) return void drip(connection, bytes, dripping);
    connection.busy = false;
    connection.write(bytes);
  }, slow ? late(lab, slow) : 0).unref();
  return true;
}
