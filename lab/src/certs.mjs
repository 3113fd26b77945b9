// certs: one self-signed ECDSA certificate per node, made by the openssl command and kept in a folder
// of the temporary ones, so that the next start of the same lab is quick.

import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const KEEP = 3600 * 24 * 300; // seconds a kept certificate must still hold
const AT_ONCE = 4;

function folder() {
  const dir = path.join(os.tmpdir(), `binnacle-lab-certs-${process.getuid?.() ?? 'all'}`);
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const own = fs.lstatSync(dir);
  if (!own.isDirectory() || (process.getuid && own.uid !== process.getuid())) throw new Error(`${dir} is not ours`);
  return dir;
}

function read(file) {
  try {
    const pem = fs.readFileSync(file, 'utf8');
    const [, key, cert] = /^([\s\S]*?END [A-Z ]*PRIVATE KEY-----\n)([\s\S]*)$/.exec(pem) ?? [];
    const x509 = new crypto.X509Certificate(cert);
    if (Date.parse(x509.validTo) / 1000 - Date.now() / 1000 < KEEP) return null;
    return { key, cert, x509, fingerprint: x509.fingerprint256 };
  } catch {
    return null;
  }
}

// What a node presents: { key, cert, x509, fingerprint }. Another generation is another certificate.
async function make(dir, node, generation) {
  const short = node.name;
  const fqdn = `${short}.${node.cluster.id}.lab`;
  const san = ['IP:127.0.0.1', 'IP:::1', 'DNS:localhost', `IP:${node.ip}`, `DNS:${short}`, `DNS:${fqdn}`];
  if (node.address && node.address !== '127.0.0.1') san.push(`IP:${node.address}`);
  const name = crypto.createHash('sha256').update(`${fqdn} ${san} ${generation}`).digest('hex').slice(0, 32);
  const file = path.join(dir, `${name}.pem`);
  const kept = read(file);
  if (kept) return kept;
  const part = `${file}.${process.pid}.${crypto.randomBytes(4).toString('hex')}`;
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '730', '-sha256',
    '-subj', `/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN=${fqdn}`, '-addext', `subjectAltName=${san}`,
    '-keyout', `${part}.key`, '-out', `${part}.crt`]);
  fs.writeFileSync(part, fs.readFileSync(`${part}.key`, 'utf8') + fs.readFileSync(`${part}.crt`, 'utf8'), { mode: 0o600 });
  fs.rmSync(`${part}.key`);
  fs.rmSync(`${part}.crt`);
  fs.renameSync(part, file);
  return read(file);
}

// Gives each node its certificate. With `shared` = n only n different ones are made, which is enough
// where a thousand servers are only to be counted.
export async function giveCertificates(nodes, shared = 0) {
  const dir = folder();
  const owners = shared ? nodes.slice(0, shared) : nodes;
  const queue = [...owners];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let node = queue.shift(); node; node = queue.shift()) node.certificate = await make(dir, node, 0);
  }));
  for (const [i, node] of nodes.entries()) node.certificate ??= owners[i % owners.length].certificate;
}

// A new certificate for one node, as the daily job or a reinstallation makes it.
export async function replaceCertificate(node) {
  node.generation = (node.generation ?? 0) + 1;
  node.certificate = await make(folder(), node, node.generation);
}
