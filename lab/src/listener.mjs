// listener: the port of one node: accepts, tells TLS from plain HTTP, and misbehaves when told to.

import net from 'node:net';
import tls from 'node:tls';
import { Connection } from './http.mjs';
import { spoil } from './spoil.mjs';

const REDIRECT_TYPE = 'text/html;charset=UTF-8';

export class Listener {
  constructor(lab, node, handle) {
    Object.assign(this, { lab, node, handle });
    this.sockets = new Set();
    this.secure = null;
    this.server = null;
    this.port = node.port;
    this.host = node.address ?? '127.0.0.1';
  }

  // A node without a connection has no TLS context yet: a thousand of them cost memory.
  #tls() {
    if (this.secure) return this.secure;
    const { key, cert } = this.node.certificate;
    this.secure = tls.createServer({ key, cert, minVersion: 'TLSv1.2', honorCipherOrder: true, handshakeTimeout: this.lab.timing.idle });
    this.secure.on('secureConnection', (socket) => {
      this.#count('handshakes');
      if (socket.isSessionReused()) this.#count('resumed');
      this.#talk(socket, null);
    });
    this.secure.on('tlsClientError', (_error, socket) => socket.destroy());
    return this.secure;
  }

  #count(what) {
    this.lab.count[what]++;
    this.node.count[what]++;
  }

  renewed() {
    this.secure = null;
    this.cut();
  }

  async open() {
    if (this.server) return;
    this.server = net.createServer({ noDelay: true }, (socket) => this.#accepted(socket));
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port: this.port, host: this.host, backlog: 511 }, resolve);
    });
    this.server.on('error', () => {});
    this.port = this.server.address().port;
  }

  // Nobody listens any more; the port stays ours in name.
  async close() {
    const { server } = this;
    this.server = null;
    this.cut();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  // All connections end at once.
  cut() {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  #accepted(socket) {
    const { lab, node } = this;
    this.#count('connections');
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (lab.faults.hit(node, 'deny')) return void socket.destroy();
    if (lab.faults.hit(node, 'blackhole')) return void socket.pause();
    const timer = setTimeout(() => socket.destroy(), lab.timing.idle);
    timer.unref();
    socket.on('close', () => clearTimeout(timer));
    socket.once('readable', () => {
      clearTimeout(timer);
      const chunk = socket.read();
      if (chunk === null) return void socket.end();
      socket.unshift(chunk);
      if (chunk[0] !== 0x16) return void this.#talk(socket, (request) => this.#redirect(request));
      // The handshake starts and never ends.
      if (lab.faults.hit(node, 'stall')) return void socket.pause();
      const wrong = lab.faults.hit(node, 'nottls');
      if (wrong) return void socket.end(Buffer.from('220 mail.example.com ESMTP ready\r\n'));
      this.#tls().emit('connection', socket);
    });
  }

  #talk(socket, plain) {
    const { lab, node } = this;
    new Connection(socket, {
      plain,
      idle: () => lab.timing.idle,
      date: () => new Date(node.now()).toUTCString(),
      bodyLimit: node.version.bodyLimit,
      complain: lab.complain,
      handle: (request) => this.handle(node, request),
      spoil: plain ? null : (connection, request, answer, bytes) => spoil(lab, node, connection, request, answer, bytes),
    });
  }

  // Plain HTTP on the port of HTTPS.
  #redirect(request) {
    const host = request.headers.host ?? `${this.host}:${this.port}`;
    const get = request.method === 'GET' || request.method === 'HEAD';
    return { status: get ? 301 : 308, location: `https://${host}${request.target ?? '/'}`, body: '', type: REDIRECT_TYPE };
  }
}
