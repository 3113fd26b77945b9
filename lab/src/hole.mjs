// hole: ports that answer no SYN. A thread listens on them with the shortest queue, fills it and never
// accepts; the kernel drops whatever comes after.

import net from 'node:net';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

if (!isMainThread) {
  const ports = workerData.ports;
  let open = 0;
  for (const { host, port } of ports) {
    const server = net.createServer();
    server.listen({ host, port, backlog: 1 }, () => {
      if (++open < ports.length) return;
      parentPort.postMessage('open');
      // From here on this thread's loop stands still: nothing is accepted.
      Atomics.wait(new Int32Array(workerData.gate), 0, 0);
      process.exit(0);
    });
  }
}

const QUEUE = 2; // connections that a backlog of one still takes

export async function dig(ports) {
  if (ports.length === 0) return { fill: async () => {} };
  const gate = new SharedArrayBuffer(4);
  const worker = new Worker(new URL(import.meta.url), { workerData: { ports, gate } });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const plugs = ports.flatMap(({ host, port }) => Array.from({ length: QUEUE }, () => {
    const plug = net.connect({ host, port });
    plug.on('error', () => plug.destroy());
    plug.unref();
    return plug;
  }));
  await Promise.all(plugs.map((plug) => new Promise((resolve) => {
    plug.once('connect', resolve);
    plug.once('error', resolve);
  })));
  return {
    async fill() {
      for (const plug of plugs) plug.destroy();
      const ended = new Promise((resolve) => { worker.once('exit', resolve); });
      Atomics.store(new Int32Array(gate), 0, 1);
      Atomics.notify(new Int32Array(gate), 0);
      await ended;
    },
  };
}
