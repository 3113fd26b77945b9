// way: what lies between a browser and a server, as a relay of TCP that a test cuts and mends.
//
//   const way = await startWay(t, server.port);      // { origin, cut, mend }
//   way.cut('silent');   // nothing arrives any more, on either side, and nobody is told: a cable that was pulled
//   way.cut('broken');   // every connection is reset, and new ones are too: a router that was restarted
//   way.mend();          // what is left goes on where it stood

import http from 'node:http';
import net from 'node:net';

export async function startWay(t, port) {
  const pairs = new Set();
  let cut = null;
  const hold = (pair) => pair.forEach((socket) => socket.pause());
  const relay = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
    if (cut === 'broken') return void near.resetAndDestroy();
    const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const pair = [near, far];
    near.setNoDelay(true);
    pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('error', () => {});
      from.on('data', (piece) => {
        if (!to.write(piece)) from.pause();
      });
      to.on('drain', () => cut || from.resume());
      from.on('end', () => to.end());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
    if (cut) hold(pair);
    else near.resume();
  });
  await new Promise((resolve) => { relay.listen(0, '127.0.0.1', resolve); });
  const reset = () => pairs.forEach((pair) => pair.forEach((socket) => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy())));
  t.after(() => {
    reset();
    return new Promise((resolve) => { relay.close(resolve); });
  });
  return {
    origin: `http://127.0.0.1:${relay.address().port}`,
    cut(how) {
      cut = how;
      if (how === 'broken') reset();
      else pairs.forEach(hold);
    },
    mend() {
      cut = null;
      pairs.forEach((pair) => pair.forEach((socket) => socket.resume()));
    },
  };
}

/** A proxy that was not told of WebSockets: everything else passes. */
export async function startDeafProxy(t, port) {
  const proxy = http.createServer((request, answer) => {
    const { upgrade: _, connection: __, ...headers } = request.headers;
    const asked = http.request({ port, host: '127.0.0.1', method: request.method, path: request.url, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    asked.on('error', () => answer.destroy());
    answer.on('close', () => asked.destroy());
    request.pipe(asked);
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  t.after(() => {
    proxy.closeAllConnections();
    return new Promise((resolve) => { proxy.close(resolve); });
  });
  return `http://127.0.0.1:${proxy.address().port}`;
}
