// raw: a client that keeps the bytes of an answer as they came.

import net from 'node:net';
import tls from 'node:tls';

export const CLOSES_WITHIN = 2000; // ms in which a connection that is to end has ended

export function connect(server, { plain = false, session } = {}) {
  return new Promise((resolve, reject) => {
    const socket = plain
      ? net.connect({ host: server.host, port: server.port })
      : tls.connect({ host: server.host, port: server.port, rejectUnauthorized: false, session });
    socket.once('error', reject);
    socket.once(plain ? 'connect' : 'secureConnect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(reader(socket));
    });
  });
}

function reader(socket) {
  const own = { socket, bytes: Buffer.alloc(0), ended: false, waiting: [] };
  let room = Buffer.alloc(0); // `bytes` is its beginning
  const wake = () => own.waiting.splice(0).forEach((f) => f());
  socket.on('data', (part) => {
    const have = own.bytes.length;
    if (own.bytes.buffer !== room.buffer || have + part.length > room.length) {
      room = Buffer.allocUnsafeSlow(2 * (have + part.length));
      own.bytes.copy(room);
    }
    part.copy(room, have);
    own.bytes = room.subarray(0, have + part.length);
    wake();
  });
  for (const event of ['end', 'close']) socket.on(event, () => { own.ended = true; wake(); });
  own.until = async (done, ms = 10_000) => {
    const end = Date.now() + ms;
    while (!done() && !own.ended) {
      const left = end - Date.now();
      if (left <= 0) return false;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        own.waiting.push(() => { clearTimeout(timer); resolve(); });
      });
    }
    return done();
  };
  // True if the other side ends it within that time.
  own.closes = async (ms = CLOSES_WITHIN) => {
    await own.until(() => own.ended, ms);
    return own.ended;
  };
  return own;
}

export function parseHead(text) {
  const [first, ...lines] = text.split('\r\n');
  const [, status, reason] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first) ?? [];
  const headers = lines.filter(Boolean).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
  return { status: Number(status), reason, headers, header: (name) => headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v) };
}

// One answer from an open connection.
export async function readAnswer(connection, ms) {
  await connection.until(() => connection.bytes.indexOf('\r\n\r\n') >= 0, ms);
  const end = connection.bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = parseHead(connection.bytes.toString('latin1', 0, end));
  const [length] = head.header('Content-Length');
  const wanted = length === undefined ? 0 : Number(length);
  await connection.until(() => connection.bytes.length >= end + 4 + wanted, ms);
  const body = connection.bytes.subarray(end + 4, end + 4 + wanted);
  connection.bytes = Buffer.from(connection.bytes.subarray(end + 4 + body.length));
  return { ...head, body, text: body.toString('utf8'), complete: body.length === wanted };
}

export function requestText(method, path, { token, headers = {}, body, http = '1.1' } = {}) {
  const lines = [`${method} ${path} HTTP/${http}`, 'Host: lab'];
  if (token) lines.push(`Authorization: PVEAPIToken=${token}`);
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  if (body !== undefined && !headers['Content-Type']) lines.push('Content-Type: application/x-www-form-urlencoded');
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

// One request on its own connection: { status, reason, headers, text, json, ms, connection }.
export async function ask(server, method, path, options = {}) {
  const connection = await connect(server);
  const start = performance.now();
  connection.socket.write(requestText(method, path.startsWith('/api2') || options.bare ? path : `/api2/json${path}`, { token: server.token, ...options }));
  const answer = await readAnswer(connection, options.wait);
  if (answer === null) return { status: 0, connection, ms: performance.now() - start };
  const found = { ...answer, connection, ms: performance.now() - start };
  Object.defineProperty(found, 'json', { get: () => JSON.parse(answer.text) });
  Object.defineProperty(found, 'data', { get: () => JSON.parse(answer.text).data });
  if (!options.open) found.closed = await connection.closes(options.closes ?? (answer.status >= 400 ? CLOSES_WITHIN : 0));
  if (!options.open) connection.socket.destroy();
  return found;
}

export const root = (server) => ({ ...server, token: server.tokens['root@pam!all'] });

// Waits until `look` answers something.
export async function eventually(look, what, ms = 5000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}
