// ws: the same broadcast by npm ws, as its own documentation does it: `node ws.mjs BYTES HZ`.
//
// Without compression, as every peer here. Prints `port N`.

import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const [bytes, hz] = process.argv.slice(2).map(Number);
const message = Buffer.alloc(bytes, 'x');
const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

server.on('connection', (socket) => {
  socket.on('error', () => {});
});

setInterval(() => {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
  }
}, 1000 / hz);

http.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`port ${http.address().port}`);
});
