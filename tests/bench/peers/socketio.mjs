// socketio: the same broadcast by npm socket.io: `node socketio.mjs BYTES HZ`.
//
// One event whose packet, 42["update","xxx…"], has BYTES bytes; WebSocket only, without compression.
// Prints `port N`.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const [bytes, hz] = process.argv.slice(2).map(Number);
const message = 'x'.repeat(bytes - '42["update",""]'.length);
const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });

setInterval(() => {
  io.emit('update', message);
}, 1000 / hz);

http.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`port ${http.address().port}`);
});
