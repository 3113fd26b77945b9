// violations: what breaks the rules of RFC 6455 or of live/1, and the close code each must end with.
//
//   for (const [name, code, act, compressed] of violations) …    // act(socket) of lib/frames.mjs

import { BINARY, CLOSE, CONT, PING, TEXT, closing, deflate, frame, open } from './frames.mjs';

const MiB = 1 << 20;
const line = (object) => `${JSON.stringify(object)}\n`;

/** So many blanks, compressed as well as it goes; once, because it takes a second and more of a busy machine. */
const bombs = new Map();
const bomb = (size) => {
  if (!bombs.has(size)) bombs.set(size, deflate(Buffer.alloc(size, ' '), { level: 9 }));
  return bombs.get(size);
};

/** [name, close code, what to do with a socket, whether compression is to be agreed] */
export const violations = [
  ['an unmasked frame', 1002, (s) => s.send(TEXT, '{}', { mask: null })],
  ['RSV1 without compression', 1002, (s) => s.send(TEXT, '{}', { rsv: 4 })],
  ['RSV2', 1002, (s) => s.send(TEXT, '{}', { rsv: 2 })],
  ['a reserved opcode', 1002, (s) => s.send(3, '')],
  ['a reserved control opcode', 1002, (s) => s.send(11, '')],
  ['a fragmented ping', 1002, (s) => s.send(PING, '', { fin: false })],
  ['a ping of 126 bytes', 1002, (s) => s.send(PING, Buffer.alloc(126))],
  ['a continuation of nothing', 1002, (s) => s.send(CONT, 'x')],
  ['a message inside a message', 1002, (s) => s.send(TEXT, 'a', { fin: false }).send(TEXT, 'b')],
  ['a close frame of one byte', 1002, (s) => s.send(CLOSE, 'x')],
  ['a close code 1005', 1002, (s) => s.send(CLOSE, closing(1005))],
  ['a length of 2^63', 1002, (s) => s.send(TEXT, '', { wide: 8, length: 2n ** 63n })],
  ['text that is no UTF-8', 1007, (s) => s.send(TEXT, Buffer.from([0xff]))],
  ['text that stops inside a character', 1007, (s) => s.send(TEXT, Buffer.from([0xc3]))],
  ['a reason that is no UTF-8', 1007, (s) => s.send(CLOSE, Buffer.from([3, 232, 0xff]))],
  ['1025 fragments', 1008, (s) => s.send(TEXT, '', { fin: false }).write(Buffer.concat(Array.from({ length: 1025 }, () => frame(CONT, '', { fin: false }))))],
  ['65537 bytes', 1009, (s) => s.send(TEXT, Buffer.alloc(65537, ' '))],
  ['65537 bytes in fragments', 1009, (s) => s.send(TEXT, Buffer.alloc(40000, ' '), { fin: false }).send(CONT, Buffer.alloc(25537, ' '))],
  ['an announced gigabyte', 1009, (s) => s.send(TEXT, 'x', { wide: 8, length: 1 << 30 })],
  ['a bomb', 1009, (s) => s.send(TEXT, bomb(64 * MiB), { rsv: 4 }), true],
  ['a bomb in fragments', 1009, (s) => { const all = bomb(16 * MiB); s.send(TEXT, all.subarray(0, 100), { rsv: 4, fin: false }).send(CONT, all.subarray(100)); }, true],
  ['no deflate where it says so', 1007, (s) => s.send(TEXT, 'not deflate', { rsv: 4 }), true],
  ['a binary message', 4101, (s) => s.send(BINARY, '{}')],
  ['no JSON', 4101, (s) => s.send(TEXT, 'hello')],
  ['a list', 4101, (s) => s.send(TEXT, '[]')],
  ['no type', 4101, (s) => s.send(TEXT, '{"v":1}')],
  ['JSON 100 deep', 4101, (s) => s.send(TEXT, `{"t":${'['.repeat(100)}${']'.repeat(100)}}`)],
  ['a subscription before hello', 4101, (s) => s.send(TEXT, line({ t: 'sub', id: 1, topics: [['meter.host']] }))],
  ['version 2', 4106, (s) => s.send(TEXT, line({ t: 'hello', v: 2 }))],
  ['topics that are no list of lists', 4101, (s) => s.send(TEXT, line({ t: 'hello', v: 1 }) + line({ t: 'sub', id: 1, topics: ['meter.host'] }))],
  ['a topic twice', 4101, (s) => s.send(TEXT, line({ t: 'hello', v: 1 }) + line({ t: 'sub', id: 1, topics: [['meter.host'], ['meter.host']] }))],
  ['201 topics', 4104, (s) => s.send(TEXT, line({ t: 'hello', v: 1 }) + line({ t: 'sub', id: 1, topics: Array.from({ length: 201 }, (_, i) => [`t${i}`]) }))],
];

/** Does it, and answers the close code the server said, null when it said none. */
export async function violate(port, key, [, , act, compressed], within = 3000) {
  const socket = await open(port, '/api/v1/live', {
    fields: { Authorization: `Bearer ${key}`, ...(compressed ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {}) },
  });
  let said = null;
  act(socket);
  for (;;) {
    const one = await socket.message(within);
    if (!one) break;
    if (one.op === CLOSE) said = one.payload.readUInt16BE();
  }
  socket.destroy();
  return said;
}
