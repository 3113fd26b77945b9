// WebSocket conformance (SECURITY A25): the cases of RFC 6455 and RFC 7692 that fuzzing clients try, in
// their usual numbering (1 framing, 2 pings, 3 reserved bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 close,
// 9 limits and performance, 10 auto-fragmentation, 12 and 13 compression), with bytes made by hand, against
// the conformance server's /echo. Where a fuzzing client is content with any end, the close code is wanted.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import path from 'node:path';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import {
  BINARY, CLOSE, CONT, PING, PONG, TEXT, closing, deflate, fragments, frame, handshake, open,
} from './lib/frames.mjs';
import { dial, exchange, parseAnswers } from './lib/raw.mjs';
import { root, sleep, until } from './lib/server.mjs';

const program = process.env.CONFORMANCE_SERVER ?? path.join(root, 'build/release/tests/conformance_server');
let child;
let port;
let log = '';

before(async () => {
  let out = '';
  child = spawn(program, ['--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (piece) => { out += piece; });
  child.stderr.on('data', (piece) => { log += piece; });
  await until('the echo server', () => /:(\d+)\/\n/.exec(out), { within: 10000 });
  port = Number(/:(\d+)\/\n/.exec(out)[1]);
});

after(async () => {
  const exited = new Promise((resolve) => { child.on('exit', resolve); });
  child.kill('SIGTERM');
  assert.equal(await exited, 0, log);
  assert.equal(log, '');
});

/* --- what a case is made of --------------------------------------------------------------------- */

async function echoed(socket, op, payload, within = 5000) {
  const want = Buffer.from(payload);
  const got = await socket.message(within);
  assert.ok(got, 'an echo, not the end');
  assert.equal(got.op, op);
  assert.ok(want.equals(got.payload), `the echo has ${got.payload.length} bytes like those sent (${want.length})`);
}

async function ponged(socket, payload) {
  const got = await socket.message();
  assert.equal(got?.op, PONG);
  assert.ok(Buffer.from(payload).equals(got.payload));
}

async function ends(socket, code, within = 3000) {
  const said = await socket.end(within);
  assert.equal(said?.code, code, `closed with ${code}`);
  assert.equal(socket.wire.error, null, 'the server says goodbye, it does not reset');
}

/** The connection still works, and closes as it should. */
async function closesWell(socket) {
  socket.send(CLOSE, closing(1000, 'done'));
  await ends(socket, 1000);
}

/** One case on a connection of its own. */
function check(name, run, options) {
  test(name, async () => {
    const socket = await open(port, '/echo', options);
    try {
      await run(socket);
    } finally {
      socket.destroy();
    }
  });
}

/** Writes bytes in pieces of n, each in a packet of its own as far as the kernel allows. */
async function chop(socket, bytes, n) {
  for (let at = 0; at < bytes.length; at += n) {
    socket.write(bytes.subarray(at, at + n));
    if (at % (n * 64) === 0) await new Promise((resolve) => { setImmediate(resolve); });
  }
}

/* --- 1 framing ---------------------------------------------------------------------------------- */

for (const [kind, op] of [['text', TEXT], ['binary', BINARY]]) {
  for (const size of [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 1000, 65534, 65535, 65536, 65537, 131072]) {
    check(`1 a ${kind} message of ${size} bytes comes back`, async (socket) => {
      const payload = Buffer.alloc(size, op === TEXT ? '*' : 0xfe);
      socket.send(op, payload);
      await echoed(socket, op, payload);
      await closesWell(socket);
    });
  }
  check(`1 a ${kind} message of 65536 bytes in packets of 997 comes back`, async (socket) => {
    const payload = Buffer.alloc(65536, op === TEXT ? '*' : 0xfe);
    await chop(socket, frame(op, payload), 997);
    await echoed(socket, op, payload);
    await closesWell(socket);
  });
  check(`1 a ${kind} message whose header comes byte by byte comes back`, async (socket) => {
    const payload = Buffer.alloc(300, 'h');
    await chop(socket, frame(op, payload), 1);
    await echoed(socket, op, payload);
    await closesWell(socket);
  });
}

for (const [what, options, code] of [
  ['a 16-bit length for 125 bytes', { wide: 2, length: 125 }, 1002],
  ['a 64-bit length for 125 bytes', { wide: 8, length: 125 }, 1002],
  ['a 64-bit length for 65535 bytes', { wide: 8, length: 65535 }, 1002],
  ['a length of 2^63', { wide: 8, length: 2n ** 63n }, 1002],
  ['a length of 16 MiB and one', { wide: 8, length: 2 ** 24 + 1 }, 1009],
  ['a length of 2^62', { wide: 8, length: 2n ** 62n }, 1009],
]) {
  check(`1 ${what} is refused at the header`, async (socket) => {
    socket.send(BINARY, 'x', options);
    await ends(socket, code);
  });
}

for (const op of [TEXT, BINARY, CONT, PING, PONG, CLOSE]) {
  check(`1 an unmasked frame with opcode ${op} is refused`, async (socket) => {
    if (op === CONT) socket.send(TEXT, 'a', { fin: false });
    socket.send(op, '', { mask: null });
    await ends(socket, 1002);
  });
}

for (const mask of ['00000000', 'ffffffff', '01020304']) {
  check(`1 the mask ${mask} is a mask like any other`, async (socket) => {
    const payload = Buffer.from('masked or not, here I come');
    socket.send(TEXT, payload, { mask: Buffer.from(mask, 'hex') });
    await echoed(socket, TEXT, payload);
    await closesWell(socket);
  });
}

/* --- 2 pings and pongs -------------------------------------------------------------------------- */

for (const [what, payload] of [
  ['nothing', ''], ['text', 'Hello, world!'], ['bytes that are no text', Buffer.from('00fffefdfcfb00ff', 'hex')],
  ['125 bytes', Buffer.alloc(125, 0xfe)], ['a NUL', '\0'],
]) {
  check(`2 a ping with ${what} is answered by a pong with the same`, async (socket) => {
    socket.send(PING, payload);
    await ponged(socket, payload);
    await closesWell(socket);
  });
  check(`2 a ping with ${what}, byte by byte`, async (socket) => {
    await chop(socket, frame(PING, payload), 1);
    await ponged(socket, payload);
    await closesWell(socket);
  });
}

for (const size of [126, 127, 65536]) {
  for (const op of [PING, PONG]) {
    check(`2 a ${op === PING ? 'ping' : 'pong'} of ${size} bytes is refused`, async (socket) => {
      socket.send(op, Buffer.alloc(size, 0xfe));
      await ends(socket, 1002);
    });
  }
}

for (const payload of ['', 'unsolicited pong payload']) {
  check(`2 an unsolicited pong with "${payload}" is ignored`, async (socket) => {
    socket.send(PONG, payload).send(PING, 'after');
    await ponged(socket, 'after');
    await closesWell(socket);
  });
}

check('2 ten pings get ten pongs in order', async (socket) => {
  for (let i = 0; i < 10; i++) socket.send(PING, `ping ${i}`);
  for (let i = 0; i < 10; i++) await ponged(socket, `ping ${i}`);
  await closesWell(socket);
});

check('2 ten pings byte by byte get ten pongs in order', async (socket) => {
  await chop(socket, Buffer.concat(Array.from({ length: 10 }, (_, i) => frame(PING, `ping ${i}`))), 1);
  for (let i = 0; i < 10; i++) await ponged(socket, `ping ${i}`);
  await closesWell(socket);
});

/* --- 3 reserved bits ---------------------------------------------------------------------------- */

for (let rsv = 1; rsv <= 7; rsv++) {
  for (const [what, op] of [['text', TEXT], ['binary', BINARY], ['ping', PING], ['close', CLOSE], ['pong', PONG]]) {
    check(`3 reserved bits ${rsv} in a ${what} frame are refused, after what was fine is answered`, async (socket) => {
      socket.send(TEXT, 'fine');
      socket.send(op, op === CLOSE ? closing(1000) : 'not', { rsv });
      socket.send(PING);
      await echoed(socket, TEXT, 'fine');
      await ends(socket, 1002);
    });
  }
}

check('3 reserved bits in a continuation are refused', async (socket) => {
  socket.send(TEXT, 'a', { fin: false }).send(CONT, 'b', { rsv: 4 });
  await ends(socket, 1002);
});

check('3 reserved bits are refused before the rest of the header has come', async (socket) => {
  socket.write(Buffer.from([0xb1]));
  await ends(socket, 1002, 1000);
});

/* --- 4 opcodes ---------------------------------------------------------------------------------- */

for (const op of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
  for (const payload of ['', 'reserved opcode payload']) {
    check(`4 opcode ${op} with ${payload.length} bytes is refused, after what was fine is answered`, async (socket) => {
      socket.send(TEXT, 'fine').send(op, payload).send(PING);
      await echoed(socket, TEXT, 'fine');
      await ends(socket, 1002);
    });
  }
  check(`4 opcode ${op} inside a fragmented message is refused`, async (socket) => {
    socket.send(TEXT, 'begun', { fin: false }).send(op, '');
    await ends(socket, 1002);
  });
}

/* --- 5 fragmentation ---------------------------------------------------------------------------- */

for (const op of [PING, PONG, CLOSE]) {
  check(`5 a fragmented frame with opcode ${op} is refused`, async (socket) => {
    socket.send(op, op === CLOSE ? closing(1000) : 'fragment1', { fin: false });
    socket.send(CONT, 'fragment2');
    await ends(socket, 1002);
  });
}

for (const pieces of [1, 2, 3, 5, 16, 100]) {
  for (const slice of [Infinity, 1, 7]) {
    check(`5 a message in ${pieces} fragments, in packets of ${slice}, comes back whole`, async (socket) => {
      const payload = Buffer.alloc(pieces * 11, 'fragment');
      await chop(socket, Buffer.concat(fragments(TEXT, payload, 11)), Math.min(slice, 1 << 20));
      await echoed(socket, TEXT, payload);
      await closesWell(socket);
    });
  }
}

for (const at of [1, 2, 3]) {
  check(`5 a ping after fragment ${at} of 4 is answered at once, then the message`, async (socket) => {
    const frames = fragments(TEXT, 'aaabbbcccddd', 3);
    frames.splice(at, 0, frame(PING, 'between'));
    socket.write(Buffer.concat(frames));
    await ponged(socket, 'between');
    await echoed(socket, TEXT, 'aaabbbcccddd');
    await closesWell(socket);
  });
}

check('5 the pong does not wait for the rest of the message', async (socket) => {
  socket.send(TEXT, 'fragment1', { fin: false }).send(PING, 'now');
  await ponged(socket, 'now');
  socket.send(CONT, 'fragment2');
  await echoed(socket, TEXT, 'fragment1fragment2');
  await closesWell(socket);
});

check('5 pongs and pings between every two fragments', async (socket) => {
  socket.send(TEXT, 'f1', { fin: false }).send(CONT, 'f2', { fin: false }).send(PING, '1').send(PONG, 'x')
    .send(CONT, 'f3', { fin: false }).send(CONT, 'f4', { fin: false }).send(PING, '2').send(CONT, 'f5');
  await ponged(socket, '1');
  await ponged(socket, '2');
  await echoed(socket, TEXT, 'f1f2f3f4f5');
  await closesWell(socket);
});

for (const fin of [true, false]) {
  check(`5 a continuation (last: ${fin}) of nothing is refused`, async (socket) => {
    socket.send(CONT, 'non-continuation payload', { fin }).send(TEXT, 'Hello');
    await ends(socket, 1002);
  });
  check(`5 a continuation (last: ${fin}) after a whole message is refused`, async (socket) => {
    socket.send(TEXT, 'f1', { fin: false }).send(CONT, 'f2').send(CONT, 'f3', { fin }).send(TEXT, 'f4');
    await echoed(socket, TEXT, 'f1f2');
    await ends(socket, 1002);
  });
  check(`5 a second message (last: ${fin}) inside a message is refused`, async (socket) => {
    socket.send(TEXT, 'f1', { fin: false }).send(TEXT, 'f2', { fin });
    await ends(socket, 1002);
  });
  check(`5 a binary message (last: ${fin}) inside a text message is refused`, async (socket) => {
    socket.send(TEXT, 'f1', { fin: false }).send(BINARY, 'f2', { fin });
    await ends(socket, 1002);
  });
}

check('5 empty fragments are fragments', async (socket) => {
  socket.send(TEXT, '', { fin: false }).send(CONT, '', { fin: false }).send(CONT, 'middle', { fin: false })
    .send(CONT, '');
  await echoed(socket, TEXT, 'middle');
  await closesWell(socket);
});

check('5 a message of empty fragments only is an empty message', async (socket) => {
  socket.send(BINARY, '', { fin: false }).send(CONT, '', { fin: false }).send(CONT, '');
  await echoed(socket, BINARY, '');
  await closesWell(socket);
});

check('5 a message of endless empty fragments is refused by policy', async (socket) => {
  const many = Buffer.concat(Array.from({ length: 4096 }, () => frame(CONT, '', { fin: false, mask: Buffer.alloc(4) })));
  socket.send(TEXT, '', { fin: false });
  for (let i = 0; i < 65 && !socket.wire.closed; i++) socket.write(many);
  await ends(socket, 1008, 10000);
});

/* --- 6 UTF-8 ------------------------------------------------------------------------------------ */

const hex = (text) => Buffer.from(text.replace(/ /g, ''), 'hex');

const good = [
  ['Greek', Buffer.from('κόσμε')],
  ['all widths', Buffer.from('aäߡ€한𐍈😀')],
  ['U+0000', hex('00')],
  ['U+007F', hex('7f')],
  ['U+0080', hex('c280')],
  ['U+07FF', hex('dfbf')],
  ['U+0800', hex('e0a080')],
  ['U+D7FF', hex('ed9fbf')],
  ['U+E000', hex('ee8080')],
  ['U+FFFD', hex('efbfbd')],
  ['U+FFFE', hex('efbfbe')],
  ['U+FFFF', hex('efbfbf')],
  ['U+10000', hex('f0908080')],
  ['U+10FFFF', hex('f48fbfbf')],
  ['U+1FFFE', hex('f09fbfbe')],
  ['U+FDD0', hex('efb790')],
  ['a byte order mark', hex('efbbbf 61')],
];

const bad = [
  ['Greek, then a surrogate, then text', hex('cebae1bdb9cf83cebcceb5 eda080 656469746564')],
  ['a lone continuation 80', hex('80')],
  ['a lone continuation BF', hex('bf')],
  ['continuations 80 BF 80', hex('80bf80')],
  ['a lone C2', hex('c220')],
  ['a lone E1 80', hex('e18020')],
  ['a lone F1 80 80', hex('f1808020')],
  ['C0', hex('c0af')],
  ['C1', hex('c1bf')],
  ['an overlong slash in three bytes', hex('e080af')],
  ['an overlong slash in four bytes', hex('f08080af')],
  ['an overlong slash in five bytes', hex('f8808080af')],
  ['an overlong slash in six bytes', hex('fc80808080af')],
  ['an overlong NUL', hex('c080')],
  ['an overlong U+07FF', hex('e09fbf')],
  ['an overlong U+FFFF', hex('f08fbfbf')],
  ['U+D800', hex('eda080')],
  ['U+DB7F', hex('edadbf')],
  ['U+DC00', hex('edb080')],
  ['U+DFFF', hex('edbfbf')],
  ['a pair of surrogates', hex('eda080edb080')],
  ['U+110000', hex('f4908080')],
  ['F5', hex('f5808080')],
  ['F7 BF BF BF', hex('f7bfbfbf')],
  ['FE', hex('fe')],
  ['FF', hex('ff')],
  ['FE FE FF FF', hex('fefeffff')],
  ['Latin-1', hex('e4f6fc')],
];

for (const [what, bytes] of good) {
  check(`6 ${what} is text, whole and byte by byte`, async (socket) => {
    socket.send(TEXT, bytes);
    await echoed(socket, TEXT, bytes);
    socket.write(Buffer.concat(fragments(TEXT, bytes, 1)));
    await echoed(socket, TEXT, bytes);
    await chop(socket, frame(TEXT, bytes), 1);
    await echoed(socket, TEXT, bytes);
    await closesWell(socket);
  });
}

for (const [what, bytes] of bad) {
  check(`6 ${what} is no text`, async (socket) => {
    socket.send(TEXT, bytes);
    await ends(socket, 1007);
  });
  check(`6 ${what} is no text in fragments of one byte`, async (socket) => {
    socket.write(Buffer.concat(fragments(TEXT, bytes, 1)));
    await ends(socket, 1007);
  });
  check(`6 ${what} is fine in a binary message`, async (socket) => {
    socket.send(BINARY, bytes);
    await echoed(socket, BINARY, bytes);
    await closesWell(socket);
  });
}

for (const bytes of ['c3', 'e2 82', 'f0 9f 98', 'f0 9f', 'f0']) {
  check(`6 a text message that ends inside a character (${bytes}) is refused at its end`, async (socket) => {
    socket.send(TEXT, hex(bytes));
    await ends(socket, 1007);
  });
  check(`6 a character cut by fragments after ${bytes} is text`, async (socket) => {
    const whole = { c3: 'c3a4', 'e2 82': 'e282ac', 'f0 9f 98': 'f09f9880', 'f0 9f': 'f09f9880', f0: 'f09f9880' }[bytes];
    const first = hex(bytes);
    socket.send(TEXT, first, { fin: false }).send(CONT, '', { fin: false }).send(CONT, hex(whole).subarray(first.length));
    await echoed(socket, TEXT, hex(whole));
    await closesWell(socket);
  });
}

check('6 wrong text is refused in the fragment that shows it, without waiting for the last', async (socket) => {
  socket.send(TEXT, hex('cebae1bdb9'), { fin: false }).send(CONT, hex('f4908080'), { fin: false });
  await ends(socket, 1007, 1000);
});

check('6 wrong text is refused at the byte that shows it, inside a frame', async (socket) => {
  const whole = frame(TEXT, Buffer.concat([Buffer.from('κόσμε'), hex('f490'), Buffer.from('and much more')]));
  const header = whole.length - (11 + 2 + 13);
  socket.write(whole.subarray(0, header + 11 + 1));
  assert.equal(await socket.wire.when(() => socket.wire.bytes.length > 0, 300), false, 'F4 alone may become a character');
  socket.write(whole.subarray(header + 11 + 1, header + 11 + 2));
  await ends(socket, 1007, 1000);
});

check('6 two good messages around fragments of characters', async (socket) => {
  const text = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!');
  socket.write(Buffer.concat([frame(TEXT, text), ...fragments(TEXT, text, 12), frame(TEXT, '')]));
  await echoed(socket, TEXT, text);
  await echoed(socket, TEXT, text);
  await echoed(socket, TEXT, '');
  await closesWell(socket);
});

/* --- 7 closing ---------------------------------------------------------------------------------- */

check('7 a close without code is answered, and what follows does not count', async (socket) => {
  socket.send(TEXT, 'before').send(CLOSE, '').send(TEXT, 'after').send(PING, 'after');
  await echoed(socket, TEXT, 'before');
  const close = await socket.frame();
  assert.equal(close.op, CLOSE);
  assert.equal(await socket.frame(3000), null, 'nothing after the close frame');
  assert.equal(socket.wire.error, null);
});

check('7 a second close frame is not answered', async (socket) => {
  socket.send(CLOSE, closing(1000)).send(CLOSE, closing(1000));
  assert.equal((await socket.frame()).op, CLOSE);
  assert.equal(await socket.frame(3000), null);
});

check('7 a close inside a fragmented message ends it', async (socket) => {
  socket.send(TEXT, 'fragment1', { fin: false }).send(CLOSE, closing(1000)).send(CONT, 'fragment2');
  await ends(socket, 1000);
});

check('7 a close right behind 256 KiB is answered after their echo', async (socket) => {
  const payload = Buffer.alloc(256 << 10, 'B');
  socket.send(TEXT, payload).send(CLOSE, closing(1000));
  await echoed(socket, TEXT, payload);
  await ends(socket, 1000);
});

check('7 the server closes the TCP connection first and without a reset', async (socket) => {
  socket.send(CLOSE, closing(1000));
  await ends(socket, 1000);
  assert.ok(socket.wire.ended);
});

check('7 a client that goes without a word is forgotten', async (socket) => {
  socket.send(TEXT, 'bye').wire.socket.end();
  await echoed(socket, TEXT, 'bye');
  assert.equal(await socket.frame(3000), null);
});

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
  check(`7 close code ${code} is echoed`, async (socket) => {
    socket.send(CLOSE, closing(code));
    await ends(socket, code);
  });
  check(`7 close code ${code} with a reason is echoed`, async (socket) => {
    socket.send(CLOSE, closing(code, 'because of ä reason'));
    await ends(socket, code);
  });
}

for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]) {
  check(`7 close code ${code} is refused`, async (socket) => {
    socket.send(CLOSE, closing(code));
    await ends(socket, 1002);
  });
}

check('7 a close payload of one byte is refused', async (socket) => {
  socket.send(CLOSE, 'a');
  await ends(socket, 1002);
});

for (const size of [0, 1, 50, 122, 123]) {
  check(`7 a reason of ${size} bytes is fine`, async (socket) => {
    socket.send(CLOSE, closing(1000, '*'.repeat(size)));
    await ends(socket, 1000);
  });
}

check('7 a reason of 124 bytes is too long', async (socket) => {
  socket.send(CLOSE, closing(1000, '*'.repeat(124)));
  await ends(socket, 1002);
});

for (const [what, bytes] of bad.slice(0, 20)) {
  check(`7 a reason that holds ${what} is refused`, async (socket) => {
    socket.send(CLOSE, Buffer.concat([closing(1000), bytes]));
    await ends(socket, 1007);
  });
}

/* --- 9 limits and performance ------------------------------------------------------------------- */

const MiB = 1 << 20;

for (const [kind, op] of [['text', TEXT], ['binary', BINARY]]) {
  for (const size of [64 << 10, 256 << 10, MiB, 4 * MiB, 8 * MiB, 16 * MiB]) {
    check(`9 a ${kind} message of ${size >> 10} KiB comes back`, async (socket) => {
      const payload = Buffer.alloc(size, op === TEXT ? 'abcdefghij' : crypto.randomBytes(997));
      socket.send(op, payload);
      await echoed(socket, op, payload, 30000);
      await closesWell(socket);
    });
  }
  for (const size of [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, MiB, 4 * MiB]) {
    check(`9 4 MiB of ${kind} in fragments of ${size} come back`, async (socket) => {
      const payload = Buffer.alloc(4 * MiB, op === TEXT ? 'abcdefghij' : crypto.randomBytes(997));
      socket.write(Buffer.concat(fragments(op, payload, size)));
      await echoed(socket, op, payload, 60000);
      await closesWell(socket);
    });
  }
  for (const slice of [64, 128, 256, 512, 1024, 2048]) {
    check(`9 1 MiB of ${kind} in packets of ${slice} comes back`, async (socket) => {
      const payload = Buffer.alloc(MiB, 'abcdefghij');
      await chop(socket, frame(op, payload), slice);
      await echoed(socket, op, payload, 60000);
      await closesWell(socket);
    });
  }
  for (const size of [0, 16, 64, 256, 1024, 4096]) {
    check(`9 1000 ${kind} messages of ${size} bytes go back and forth`, async (socket) => {
      const payload = Buffer.alloc(size, 'x');
      for (let i = 0; i < 1000; i++) {
        socket.send(op, payload);
        await echoed(socket, op, payload);
      }
      await closesWell(socket);
    });
  }
}

check('9 16 MiB in fragments of 64 KiB come back', async (socket) => {
  const payload = crypto.randomBytes(16 * MiB);
  for (const one of fragments(BINARY, payload, 64 << 10)) socket.write(one);
  await echoed(socket, BINARY, payload, 60000);
  await closesWell(socket);
});

check('9 a byte more than 16 MiB is refused at the fragment that would hold it', async (socket) => {
  const half = frame(BINARY, Buffer.alloc(8 * MiB), { fin: false });
  socket.write(half).send(CONT, Buffer.alloc(8 * MiB), { fin: false });
  socket.send(CONT, 'x', { fin: false });
  await ends(socket, 1009, 20000);
});

check('9 10,000 small messages at once come back in order', async (socket) => {
  const many = [];
  for (let i = 0; i < 10000; i++) many.push(frame(TEXT, `message ${i}`, { mask: Buffer.from([1, 2, 3, 4]) }));
  socket.write(Buffer.concat(many));
  for (let i = 0; i < 10000; i++) await echoed(socket, TEXT, `message ${i}`, 20000);
  await closesWell(socket);
});

check('9 a client that does not read is not read either, and loses nothing', async (socket) => {
  const payload = crypto.randomBytes(64 << 10);
  socket.wire.socket.pause();
  for (let i = 0; i < 1000; i++) socket.send(BINARY, payload); // the kernel alone holds some 20 MB of them
  await sleep(500);
  assert.ok(socket.wire.socket.writableLength > 0, 'the server stopped taking');
  socket.wire.socket.resume();
  for (let i = 0; i < 1000; i++) await echoed(socket, BINARY, payload, 20000);
  await closesWell(socket);
});

/* --- 10 fragments of odd sizes ------------------------------------------------------------------ */

for (const size of [1, 50, 1300, 4093]) {
  check(`10 64 KiB in fragments of ${size} come back`, async (socket) => {
    const payload = Buffer.alloc(65536, '*');
    socket.write(Buffer.concat(fragments(TEXT, payload, size)));
    await echoed(socket, TEXT, payload, 20000);
    await closesWell(socket);
  });
}

/* --- 12, 13 permessage-deflate ------------------------------------------------------------------ */

const OFFER = 'permessage-deflate';
const offering = (offer) => ({ fields: { 'Sec-WebSocket-Extensions': offer } });

const corpora = {
  'JSON': (size) => Buffer.alloc(size, '{"id":"pve-3","status":"online","cpu":0.125,"mem":123456789},'),
  'one letter': (size) => Buffer.alloc(size, 'a'),
  'prose with umlauts': (size) => {
    const whole = Buffer.alloc(size + 8, 'Übermäßig öde Wörter über ß; and the quick brown fox. ').subarray(0, size);
    return Buffer.from(whole.toString()).subarray(0, size).toString().includes('\ufffd') ? Buffer.alloc(size, 'fox ') : whole;
  },
  'hexadecimal noise': (size) => Buffer.from(crypto.randomBytes(Math.ceil(size / 2)).toString('hex')).subarray(0, size),
};

for (const [kind, make] of Object.entries(corpora)) {
  for (const size of [0, 16, 64, 255, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072]) {
    check(`12 ${kind} of ${size} bytes, compressed, 20 times`, async (socket) => {
      assert.ok(socket.extensions);
      const payload = make(size);
      for (let i = 0; i < 20; i++) {
        socket.send(TEXT, deflate(payload), { rsv: 4 });
        await echoed(socket, TEXT, payload);
      }
      await closesWell(socket);
    }, offering(OFFER));
  }
}

for (const size of [256, 1024, 8192]) {
  check(`12 1000 compressed messages of ${size} bytes`, async (socket) => {
    const payload = corpora.JSON(size);
    for (let i = 0; i < 1000; i++) {
      socket.send(TEXT, deflate(payload), { rsv: 4 });
      await echoed(socket, TEXT, payload);
    }
    await closesWell(socket);
  }, offering(OFFER));
}

for (const size of [1, 2, 3, 7, 64, 1000]) {
  check(`12 a compressed message in fragments of ${size}, only the first with RSV1`, async (socket) => {
    const payload = corpora['hexadecimal noise'](2000);
    socket.write(Buffer.concat(fragments(TEXT, deflate(payload), size, { rsv: 4 })));
    await echoed(socket, TEXT, payload);
    await closesWell(socket);
  }, offering(OFFER));
}

check('12 pings come between compressed fragments', async (socket) => {
  const payload = corpora.JSON(3000);
  const frames = fragments(TEXT, deflate(payload), 10, { rsv: 4 });
  frames.splice(2, 0, frame(PING, 'between'));
  socket.write(Buffer.concat(frames));
  await ponged(socket, 'between');
  await echoed(socket, TEXT, payload);
  await closesWell(socket);
}, offering(OFFER));

for (const [what, options] of [
  ['level 9', { level: 9 }], ['stored blocks', { level: 0 }], ['a window of 9 bits', { windowBits: 9 }],
  ['Huffman only', { strategy: zlib.constants.Z_HUFFMAN_ONLY }], ['fixed codes', { strategy: zlib.constants.Z_FIXED }],
  ['runs only', { strategy: zlib.constants.Z_RLE }], ['little memory', { memLevel: 1 }],
]) {
  check(`12 a message deflated with ${what} is read`, async (socket) => {
    const payload = corpora.JSON(20000);
    socket.send(TEXT, deflate(payload, options), { rsv: 4 });
    await echoed(socket, TEXT, payload);
    await closesWell(socket);
  }, offering(OFFER));
}

check('12 a message of several flushed blocks, one of them marked as the last', async (socket) => {
  const first = zlib.deflateRawSync('first, ', { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  const last = zlib.deflateRawSync('last', { finishFlush: zlib.constants.Z_FINISH });
  socket.send(TEXT, Buffer.concat([first, last, Buffer.from([0])]), { rsv: 4 });
  await echoed(socket, TEXT, 'first, last');
  await closesWell(socket);
}, offering(OFFER));

check('12 an empty compressed message is an empty message', async (socket) => {
  socket.send(TEXT, Buffer.from([0]), { rsv: 4 });
  await echoed(socket, TEXT, '');
  await closesWell(socket);
}, offering(OFFER));

check('12 plain messages go on where compression was agreed', async (socket) => {
  for (const payload of ['', 'short', 'x'.repeat(5000)]) {
    socket.send(TEXT, payload);
    await echoed(socket, TEXT, payload);
  }
  await closesWell(socket);
}, offering(OFFER));

check('12 each message stands alone: no context is taken over', async (socket) => {
  const context = zlib.createDeflateRaw();
  const outs = [];
  for (let i = 0; i < 2; i++) {
    outs.push(await new Promise((resolve) => {
      const pieces = [];
      context.on('data', (piece) => pieces.push(piece));
      context.write(Buffer.from('the same words again and again, again and again'));
      context.flush(zlib.constants.Z_SYNC_FLUSH, () => { context.removeAllListeners('data'); resolve(Buffer.concat(pieces)); });
    }));
  }
  socket.send(TEXT, outs[0].subarray(0, outs[0].length - 4), { rsv: 4 });
  await echoed(socket, TEXT, 'the same words again and again, again and again');
  socket.send(TEXT, outs[1].subarray(0, outs[1].length - 4), { rsv: 4 }); // refers to the first message
  await ends(socket, 1007);
}, offering(OFFER));

check('12 the echo is compressed when that shrinks it', async (socket) => {
  socket.send(TEXT, deflate(corpora.JSON(5000)), { rsv: 4 });
  const got = await socket.message();
  assert.ok(got.compressed);
}, offering(OFFER));

for (const [what, bytes] of [
  ['no deflate at all', Buffer.from('this is not deflate')],
  ['a block of the reserved type', Buffer.from([0x06])],
  ['a stored block whose length does not match', Buffer.from([0x00, 0x05, 0x00, 0x00, 0x00])],
  ['half a block', deflate(corpora['hexadecimal noise'](300)).subarray(0, 60)],
  ['a reference before the start', Buffer.from([0x4b, 0x04, 0x42, 0x00])],
]) {
  check(`12 ${what} is refused`, async (socket) => {
    socket.send(TEXT, bytes, { rsv: 4 });
    const said = await socket.end();
    assert.ok(said && (said.code === 1007 || said.code === 1002), JSON.stringify(said));
  }, offering(OFFER));
}

check('12 wrong text inside a compressed message is refused', async (socket) => {
  socket.send(TEXT, deflate(hex('61 eda080 62')), { rsv: 4 });
  await ends(socket, 1007);
}, offering(OFFER));

check('12 RSV1 on a continuation is refused', async (socket) => {
  const frames = fragments(TEXT, deflate(corpora.JSON(1000)), 20, { rsv: 4 });
  socket.write(frames[0]).send(CONT, 'x', { rsv: 4 });
  await ends(socket, 1002);
}, offering(OFFER));

for (const op of [PING, PONG, CLOSE]) {
  check(`12 RSV1 on opcode ${op} is refused`, async (socket) => {
    socket.send(op, '', { rsv: 4 });
    await ends(socket, 1002);
  }, offering(OFFER));
}

for (const rsv of [1, 2, 3, 5, 6, 7]) {
  check(`12 reserved bits ${rsv} are refused also where RSV1 was agreed`, async (socket) => {
    socket.send(TEXT, deflate('x'), { rsv });
    await ends(socket, 1002);
  }, offering(OFFER));
}

check('12 RSV1 is refused where compression was not agreed', async (socket) => {
  assert.equal(socket.extensions, null);
  socket.send(TEXT, deflate('x'), { rsv: 4 });
  await ends(socket, 1002);
});

for (const size of [17, 64, 256]) {
  check(`12 a bomb of ${size} MiB is refused while it is inflated`, async (socket) => {
    const bomb = deflate(Buffer.alloc(size * MiB), { level: 9 });
    socket.send(BINARY, bomb, { rsv: 4 });
    await ends(socket, 1009, 10000);
  }, offering(OFFER));
}

check('12 16 MiB inflated are still fine', async (socket) => {
  const payload = Buffer.alloc(16 * MiB, 'abcdefghij');
  socket.send(TEXT, deflate(payload), { rsv: 4 });
  await echoed(socket, TEXT, payload, 30000);
  await closesWell(socket);
}, offering(OFFER));

const ALONE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

for (const [offer, answer] of [
  [OFFER, ALONE],
  ['permessage-deflate; client_max_window_bits', ALONE],
  ['permessage-deflate; client_max_window_bits=10', ALONE],
  ['permessage-deflate; server_no_context_takeover', ALONE],
  ['permessage-deflate; client_no_context_takeover', ALONE],
  ['permessage-deflate; server_max_window_bits=8', `${ALONE}; server_max_window_bits=8`],
  ['permessage-deflate; server_max_window_bits=9', `${ALONE}; server_max_window_bits=9`],
  ['permessage-deflate; server_max_window_bits=15', `${ALONE}; server_max_window_bits=15`],
  ['permessage-deflate; server_no_context_takeover; server_max_window_bits=8', `${ALONE}; server_max_window_bits=8`],
  ['permessage-deflate; server_no_context_takeover; server_max_window_bits=15; client_max_window_bits=9',
    `${ALONE}; server_max_window_bits=15`],
  ['permessage-deflate; server_no_context_takeover; server_max_window_bits=8, permessage-deflate; server_no_context_takeover, permessage-deflate',
    ALONE],
  ['permessage-deflate; unknown, permessage-deflate; server_max_window_bits=99, permessage-deflate', ALONE],
  ['x-webkit-deflate-frame, permessage-deflate', ALONE],
]) {
  check(`13 ${offer} is agreed`, async (socket) => {
    assert.equal(socket.extensions, answer);
    for (const size of [100, 256, 257, 3000, 70000]) {
      const payload = corpora.JSON(size);
      for (let i = 0; i < 5; i++) {
        socket.send(TEXT, deflate(payload), { rsv: 4 });
        const got = await socket.message();
        assert.ok(payload.equals(got.payload));
        const bits = /server_max_window_bits=(\d+)/.exec(answer);
        if (bits && bits[1] < 15 && got.compressed) assert.ok(size <= 2 ** bits[1], 'nothing looks back further than agreed');
      }
    }
    await closesWell(socket);
  }, offering(offer));
}

for (const offer of [
  'permessage-deflate; server_max_window_bits', 'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; server_max_window_bits=16', 'permessage-deflate; client_max_window_bits=7',
  'permessage-deflate; client_max_window_bits=16', 'permessage-deflate; client_max_window_bits=abc',
  'permessage-deflate; server_no_context_takeover=1', 'permessage-deflate; unknown_parameter',
  'permessage-deflate; client_no_context_takeover; client_no_context_takeover', 'permessage-bzip2', 'deflate-frame',
]) {
  check(`13 ${offer} is not agreed, and the connection works without`, async (socket) => {
    assert.equal(socket.extensions, null);
    socket.send(TEXT, 'x'.repeat(1000));
    await echoed(socket, TEXT, 'x'.repeat(1000));
    await closesWell(socket);
  }, offering(offer));
}

test('13 offers in two header fields are one list', async () => {
  const wire = await dial(port);
  const head = handshake('/echo', { 'Sec-WebSocket-Extensions': 'foo' });
  wire.write(head.replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n'));
  assert.match(await wire.takeUntil('\r\n\r\n'), /\r\nSec-WebSocket-Extensions: permessage-deflate;/);
  wire.destroy();
});

/* --- the handshake ------------------------------------------------------------------------------ */

for (const [what, fields] of [
  ['without Upgrade', { Upgrade: null }],
  ['without Connection', { Connection: null }],
  ['with another Upgrade', { Upgrade: 'h2c' }],
  ['without a key', { 'Sec-WebSocket-Key': null }],
  ['with a key of 15 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }],
  ['with a key of 17 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') }],
  ['with a key that is no base64', { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }],
  ['with version 8', { 'Sec-WebSocket-Version': '8' }],
  ['without a version', { 'Sec-WebSocket-Version': null }],
]) {
  test(`an upgrade ${what} is refused and names version 13`, async () => {
    const { bytes, closed } = await exchange(port, handshake('/echo', fields));
    const [answer] = parseAnswers(bytes);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers['sec-websocket-version'], '13');
    assert.ok(closed);
  });
}

test('a handshake that comes byte by byte, with frames right behind it, works', async () => {
  const wire = await dial(port);
  const bytes = Buffer.concat([Buffer.from(handshake('/echo')), frame(TEXT, 'right behind'), frame(CLOSE, closing(1000))]);
  for (let i = 0; i < bytes.length; i++) {
    wire.write(bytes.subarray(i, i + 1));
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.match(await wire.takeUntil('\r\n\r\n'), /^HTTP\/1\.1 101 /);
  assert.equal((await wire.take(14)).subarray(2).toString(), 'right behind');
  assert.ok(await wire.gone());
});

test('header names and values are read without regard to case', async () => {
  const wire = await dial(port);
  wire.write('GET /echo HTTP/1.1\r\nhOsT: x\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n' +
    'SEC-WEBSOCKET-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n');
  assert.match(await wire.takeUntil('\r\n\r\n'), /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  wire.destroy();
});
