// probe: asks /healthz again and again on new connections, on a thread of its own so that a busy test does
// not count as a slow server. { times, failures } when it is stopped.

import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

if (!isMainThread) {
  const { dial } = await import('./raw.mjs');
  const times = [];
  const failures = [];
  let stopped = false;
  parentPort.on('message', () => { stopped = true; });
  while (!stopped) {
    const begun = performance.now();
    try {
      const wire = await dial(workerData.port, { within: 3000 });
      wire.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
      await wire.gone(3000);
      const text = wire.bytes.toString('latin1');
      if (/^HTTP\/1\.1 200 /.test(text)) times.push(performance.now() - begun);
      else failures.push(text.slice(0, 60) || 'no answer');
      wire.destroy();
    } catch (error) {
      failures.push(error.message);
    }
    await new Promise((resolve) => { setTimeout(resolve, workerData.every); });
  }
  parentPort.postMessage({ times, failures });
  parentPort.close();
}

/** Begins to ask every `every` ms; stop() ends it and answers { times, failures }. */
export function probe(server, every = 50) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port: server.port, every } });
  const result = new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  return { stop: () => { worker.postMessage('stop'); return result; } };
}
