// one_address: run inside a network namespace of its own where 192.0.2.1 is an address of lo: a server, and
// more connections from that one address than it may have. Prints { held, refused, status, retry, others }.

import { dial, parseAnswers } from './raw.mjs';
import { Server, sleep } from './server.mjs';

const server = await new Server({ listen: '0.0.0.0:0' }).start();
const wires = [];
for (let i = 0; i < 540; i++) wires.push(await dial(server.port, { host: '192.0.2.1', localAddress: '192.0.2.1' }));
await sleep(300);
const refused = wires.filter((wire) => wire.bytes.length > 0);
const [answer] = parseAnswers(refused[0]?.bytes ?? Buffer.alloc(0));
const other = await server.request('GET', '/healthz'); // from 127.0.0.1
wires[0].destroy();
await sleep(50);
const again = await dial(server.port, { host: '192.0.2.1', localAddress: '192.0.2.1' });
again.write('GET /healthz HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n');
const freed = await again.when(() => /^HTTP\/1\.1 200 /.test(again.bytes.toString('latin1')), 2000);
for (const wire of [...wires, again]) wire.destroy();
await server.finish();
console.log(JSON.stringify({
  held: wires.length - refused.length, refused: refused.length, status: answer?.status,
  retry: answer?.headers['retry-after'], other: other.status, freed,
}));
