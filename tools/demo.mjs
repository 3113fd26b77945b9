#!/usr/bin/env node
// demo: a simulated Proxmox VE fleet (lab/) and a Binnacle that shows it, until Ctrl+C.
//
//   node tools/demo.mjs BINARY [SETTINGS OF THE SERVER…]
//
// The data lies in ./demo-data unless --data says otherwise, so that a second start finds the people and the
// history of the first. The fleet is loaded by the route a person's button calls, with a key that lives for
// as long as that takes.

import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const [binary, ...given] = process.argv.slice(2);
if (!binary) {
  process.stderr.write('usage: node tools/demo.mjs BINARY [SETTINGS OF THE SERVER…]\n');
  process.exit(2);
}

const valueOf = (flag) => {
  const at = given.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  if (at < 0) return undefined;
  return given[at].includes('=') ? given[at].slice(flag.length + 1) : given[at + 1];
};
const say = (text) => process.stderr.write(`demo: ${text}\n`);
const data = valueOf('--data') ?? path.join(root, 'demo-data');
const settings = [...given, ...(valueOf('--data') ? [] : ['--data', data])];

// The tokens of the lab stand in its file: nobody else reads the folder.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'binnacle-demo-'));
const file = path.join(folder, 'fleet.json');
let lab;
let server;
let isEnding = false;

function end(code) {
  fs.rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

const gone = (child) => new Promise((resolve) => {
  if (!child || child.exitCode !== null || child.signalCode !== null) resolve();
  else child.once('exit', resolve);
});

async function stop(code) {
  server?.kill('SIGTERM'); // asked twice it ends at once
  if (isEnding) return;
  isEnding = true;
  await gone(server);
  lab?.stdin.end(); // it ends when its input does, also when this program is killed
  await gone(lab);
  end(code ?? server?.exitCode ?? 0);
}

// A group of its own, so that Ctrl+C reaches the server first: no warnings about servers that vanish.
function startLab() {
  const args = [path.join(root, 'lab/main.mjs'), '--scenario', 'demo', '--port-file', file, '--until-closed', '--quiet'];
  lab = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
  return new Promise((resolve, reject) => {
    lab.once('exit', (code) => {
      reject(new Error(`the lab ended with ${code}`));
      void stop(1);
    });
    const look = setInterval(() => {
      if (!fs.existsSync(file)) return;
      clearInterval(look);
      resolve();
    }, 20);
  });
}

// What the server prints is printed; the URL in it says where it is.
function startServer() {
  server = spawn(binary, ['serve', ...settings, '--allow-target', '127.0.0.0/8', '--demo', file], { stdio: ['inherit', 'pipe', 'inherit'], detached: true });
  let said = '';
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => {
      reject(new Error(`the server ended with ${code}`));
      void stop(code ?? 1);
    });
    server.stdout.on('data', (piece) => {
      process.stdout.write(piece);
      said += piece;
      const url = /^Open +(\S+)$/m.exec(said);
      if (url) resolve(new URL(url[1]));
    });
  });
}

async function loadFleet(url) {
  const run = promisify(execFile);
  const soon = new Date(Date.now() + 120_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const { stdout } = await run(binary, ['key', 'add', '--name', 'demo', '--scope', 'operate', '--expires-at', soon, '--data', data]);
  const key = stdout.trim();
  const base = url.pathname.replace(/\/(setup)?$/, '');
  try {
    const answer = await fetch(`${url.origin}${base}/api/v1/demo`, { method: 'POST', headers: { authorization: `Bearer ${key}` } });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error.message);
    return body;
  } finally {
    await run(binary, ['key', 'revoke', key.split('_')[1], '--data', data]);
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));
try {
  await startLab();
  const url = await startServer();
  const { servers } = await loadFleet(url);
  say(`${servers} servers of a simulated fleet are in it, marked DEMO; Ctrl+C ends both`);
} catch (error) {
  if (!isEnding) say(error.message);
  await stop(1);
}
