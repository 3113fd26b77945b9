// proxies: nginx, Caddy and HAProxy in front of a server, with the configurations of docs/operations.md as they
// stand there; only addresses, ports and the paths of files are those of the test.
//
//   const site = await startProxy(t, 'caddy', server, { isOwn: true, waits: 17 });
//   await site.request('GET', '/api/v1/me', { cookie });   // as lib/server.mjs, through the proxy
//   site.dial();                                           // a socket to it, TLS where it has TLS
//   site.log                                               // what it noted of requests so far

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { Server, makeFolder, root, until } from './server.mjs';

export const NAME = 'binnacle.example.org'; // of the site in docs/operations.md
export const DOC = fs.readFileSync(path.join(root, 'docs/operations.md'), 'utf8');
export const CLIENT = '127.0.0.2'; // where people come from: the proxy has another address
const DOCUMENTED = { port: '127.0.0.1:8470', waits: '75s' };

/** The code blocks of that language, in order. */
export function snippets(language) {
  const found = [...DOC.matchAll(new RegExp('```' + language + '\n([^]*?)```', 'g'))].map((match) => match[1]);
  assert.ok(found.length > 0, `docs/operations.md has no ${language}`);
  return found;
}

function find(program) {
  const file = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].map((dir) => path.join(dir, program)).find((one) => fs.existsSync(one));
  assert.ok(file, `there is no ${program} here: ./run test installs it`);
  return file;
}

export function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** For NAME, in that folder as binnacle.crt, .key and .pem (both); its text. */
export function makeCertificate(dir) {
  const key = path.join(dir, 'binnacle.key');
  const cert = path.join(dir, 'binnacle.crt');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-keyout', key, '-out', cert,
    '-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`], { stdio: 'ignore' });
  fs.writeFileSync(path.join(dir, 'binnacle.pem'), Buffer.concat([fs.readFileSync(cert), fs.readFileSync(key)]), { mode: 0o600 });
  return fs.readFileSync(cert);
}

/** A replacement of something that must be there: else the document says something else by now. */
function put(text, was, is) {
  assert.ok(text.includes(was), `"${was}" stands in docs/operations.md`);
  return text.replaceAll(was, is);
}

const nginxAround = (dir, inside) => `daemon off;\nmaster_process off;\npid ${dir}/pid;\nerror_log ${dir}/error.log;\nevents {}\nhttp {\n` +
  `access_log ${dir}/access.log;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join('\n')}\n${inside}\n}\n`;
const caddyAround = (dir, address, inside) => `{\nadmin off\nauto_https off\nstorage file_system ${dir}\n}\n${address} {\nlog {\noutput file ${dir}/access.log\n}\n${inside}}\n`;
const haproxyLog = 'global\n    log stdout format raw local0 info\n';

/** What each is given, for a site of its own with TLS (own) or below /ops without (below). */
const programs = {
  nginx: {
    own(dir, port) {
      const [map, site] = snippets('nginx');
      return nginxAround(dir, map + put(put(site, 'listen 443', `listen 127.0.0.1:${port}`), '/etc/nginx', dir));
    },
    below(dir, port) {
      const [map, , location] = snippets('nginx');
      return nginxAround(dir, `${map}server {\nlisten 127.0.0.1:${port};\n${location}}`);
    },
    args: (file) => ['-c', file],
  },
  caddy: {
    own(dir, port) {
      const [, inside] = /^binnacle\.example\.org \{\n([^]*)\}\n$/.exec(snippets('caddy')[0]);
      return caddyAround(dir, `:${port}`, `bind 127.0.0.1\n${put(inside, '/etc/caddy', dir)}`); // any name: ours is the check
    },
    below: (dir, port) => caddyAround(dir, `http://:${port}`, `bind 127.0.0.1\n${snippets('caddy')[1]}`),
    args: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
  },
  haproxy: {
    own(dir, port) {
      const text = put(put(snippets('haproxy')[0], 'bind :443', `bind 127.0.0.1:${port}`), '/etc/haproxy', dir);
      return haproxyLog + put(text, 'defaults\n', 'defaults\n    log global\n    option httplog\n');
    },
    below(dir, port) {
      return `${haproxyLog}defaults\n    log global\n    option httplog\n    timeout connect 5s\n    timeout client 75s\n    timeout server 75s\nfrontend site\n` +
        `    mode http\n    bind 127.0.0.1:${port}\n${snippets('haproxy')[1]}`;
    },
    args: (file) => ['-db', '-f', file],
  },
};
export const names = Object.keys(programs);

/** The proxy as a process of its own that ends with `t`, and the server as one sees it through it. */
export async function startProxy(t, name, server, { isOwn = false, waits = null } = {}) {
  const dir = makeFolder(`binnacle-${name}-`);
  const port = await freePort();
  const cert = isOwn ? makeCertificate(dir) : null;
  const file = path.join(dir, 'conf');
  let text = put(programs[name][isOwn ? 'own' : 'below'](dir, port), DOCUMENTED.port, `127.0.0.1:${server.port}`);
  if (waits !== null && name !== 'caddy') text = put(text, DOCUMENTED.waits, `${waits}s`);
  fs.writeFileSync(file, text);
  let said = '';
  let isOver = false;
  const child = spawn(find(name), programs[name].args(file), { cwd: dir, env: { ...process.env, HOME: dir } });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => { said += piece; });
  const exited = new Promise((resolve) => { child.on('close', () => { isOver = true; resolve(); }); });
  t.after(async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 2000); // Caddy waits for its last connection
    await exited;
    clearTimeout(late);
    fs.rmSync(dir, { recursive: true, force: true });
  });
  await until(`${name} to listen`, () => {
    assert.ok(!isOver, said);
    return new Promise((resolve) => {
      const probe = net.connect(port, '127.0.0.1', () => { probe.destroy(); resolve(true); });
      probe.on('error', () => resolve(false));
    });
  }, { within: 20000 });
  const authority = isOwn ? `${NAME}:${port}` : `127.0.0.1:${port}`;
  const site = Object.assign(Object.create(server), { port, isTls: isOwn, direct: server, authority, origin: `${isOwn ? 'https' : 'http'}://${authority}`, cert });
  Object.defineProperty(site, 'log', { get: () => said + (fs.existsSync(`${dir}/access.log`) ? fs.readFileSync(`${dir}/access.log`, 'utf8') : '') });
  const agent = isOwn ? new https.Agent({ servername: NAME, localAddress: CLIENT }) : new http.Agent({ localAddress: CLIENT });
  t.after(() => agent.destroy());
  /** `base: ''` asks for a path outside of Binnacle's. */
  site.request = (method, target, { base = server.options.base ?? '', headers = {}, ...options } = {}) =>
    Server.prototype.request.call(site, method, base + target, { agent, ...options, headers: { Host: authority, ...headers } });
  site.dial = (more = {}) => (isOwn ? tls.connect({ port, host: '127.0.0.1', localAddress: CLIENT, servername: NAME, ca: cert, ALPNProtocols: ['http/1.1'], ...more })
    : net.connect({ port, host: '127.0.0.1', localAddress: CLIENT, noDelay: true, ...more }));
  return site;
}
