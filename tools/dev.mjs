// dev: rebuild on save. `make dev`; arguments after -- go to the server: node tools/dev.mjs -- --listen …
//
// A change under src/ rebuilds with ninja and restarts the server on the same data; open pages resume by
// sequence number, so nobody reloads. A change under ui/src rebuilds ui/dist (ui/build.mjs --watch), which
// the server reads from disk. A build that fails leaves the last good server running.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const binary = path.join(root, 'build/dev/binnacle');
const settle_ms = 60; // editors write a file in several steps

const dashes = process.argv.indexOf('--');
const given = dashes < 0 ? [] : process.argv.slice(dashes + 1);
const serverArgs = ['serve', '--ui-dir', 'ui/dist', ...given];

let server = null;
let building = false;
let again = false;
let stopping = false;

const say = (text) => console.log(`dev: ${text}`);

function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
    child.on('error', (error) => { say(`${command}: ${error.message}`); resolve(1); });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

// SIGTERM drains within 5 s; after that it is a bug worth seeing, so it is said before the kill.
function stopServer() {
  const child = server;
  server = null;
  if (!child || child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const late = setTimeout(() => { say('the server did not stop within 5 s'); child.kill('SIGKILL'); }, 5000);
    child.on('exit', () => { clearTimeout(late); resolve(); });
    child.kill('SIGTERM');
  });
}

function startServer() {
  const child = spawn(binary, serverArgs, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  server = child;
  child.on('error', (error) => say(`the server does not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (server === child) say(`the server ended (${signal ?? `exit code ${code}`}); it starts again on the next save`);
  });
}

async function rebuild() {
  if (building) { again = true; return; }
  building = true;
  do {
    again = false;
    const start = Date.now();
    const code = await run('cmake', ['--build', 'build/dev', '--target', 'types', 'binnacle']);
    if (code !== 0) { say('the build failed; the last good server goes on'); continue; }
    await stopServer();
    if (stopping) break;
    startServer();
    say(`built and started in ${((Date.now() - start) / 1000).toFixed(1)} s`);
  } while (again);
  building = false;
}

// One watch per folder: recursive watching does not exist on Linux before node 20.
function watch(folder, onChange) {
  const watched = new Map();
  let timer = null;
  const add = (dir) => {
    if (watched.has(dir)) return;
    watched.set(dir, fs.watch(dir, (_, name) => {
      if (!name || name.startsWith('.') || name.endsWith('~')) return;
      const full = path.join(dir, name);
      if (fs.statSync(full, { throwIfNoEntry: false })?.isDirectory()) add(full);
      clearTimeout(timer);
      timer = setTimeout(onChange, settle_ms);
    }).on('error', () => watched.delete(dir)));
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) add(path.join(dir, entry.name));
    }
  };
  add(folder);
}

async function stop() {
  if (stopping) return;
  stopping = true;
  await stopServer();
  process.exit(0);
}

process.on('SIGINT', stop);
process.on('SIGTERM', stop);

if (await run('make', ['build/dev/build.ninja', 'ui/node_modules/.installed', 'PRESET=dev']) !== 0) process.exit(1);
if (await run('node', ['build.mjs'], { cwd: path.join(root, 'ui') }) !== 0) say('the page does not build yet');
const page = spawn('node', ['build.mjs', '--watch'], { cwd: path.join(root, 'ui'), stdio: ['ignore', 'inherit', 'inherit'] });
page.on('exit', (code) => { if (!stopping) say(`the watch of ui/src ended (exit code ${code})`); });
process.on('exit', () => page.kill());
await rebuild();
watch(path.join(root, 'src'), rebuild);
