// lib: the lab for tests and benches.
//
//   const lab = await startLab({ scenario: 'small', timing: { denied: 50 } });
//   lab.servers[0]   // { name, cluster, host, port, url, token, tokens, fingerprint, version, … }
//   const fault = await lab.control.fault('refused', 'alpha/pve1');
//   await lab.control.clear();
//   await lab.stop();
//
// startLab is a process of its own, so that neither side waits for the other; openLab is the same
// inside this process.

import { spawn } from 'node:child_process';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { Lab } from './src/lab.mjs';

const MAIN = fileURLToPath(new URL('./main.mjs', import.meta.url));

function ask(port, method, path, body) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = http.request({ host: '127.0.0.1', port, method, path, agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const answer = JSON.parse(Buffer.concat(parts).toString('utf8'));
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(`the lab says: ${answer.error}`));
      });
    });
    request.on('error', reject);
    request.end(text);
  });
}

function controlOf({ port, url }) {
  return {
    port, url,
    fault: (kind, target = '*', more = {}) => ask(port, 'POST', '/fault', { kind, target, ...more }),
    clear: (which = {}) => ask(port, 'DELETE', `/fault?${new URLSearchParams(which)}`),
    faults: () => ask(port, 'GET', '/fault'),
    state: () => ask(port, 'GET', '/state'),
    servers: async () => (await ask(port, 'GET', '/servers')).servers,
    requests: (which = {}) => ask(port, 'GET', `/requests?${new URLSearchParams(which)}`),
    forget: () => ask(port, 'DELETE', '/requests'),
    forward: (ms) => ask(port, 'POST', '/clock', { forward: ms }),
    task: (node, type, from, to, id) => ask(port, 'POST', '/task', { node, type, from, to, id }),
    consoles: () => ask(port, 'GET', '/consoles'),
    console: (cluster, vmid, what) => ask(port, 'POST', '/console', { cluster, vmid, do: what }),
    screen: (cluster, vmid) => ask(port, 'GET', `/screen?${new URLSearchParams({ cluster, vmid })}`),
    guest: (cluster, vmid, change = {}) => ask(port, 'POST', '/guest', { cluster, vmid, ...change }),
  };
}

export async function openLab(options = {}) {
  const lab = await new Lab({ shell: true, ...options }).start();
  return { lab, servers: lab.servers, control: controlOf(lab.control.address), startedIn: lab.startedIn, stop: () => lab.stop() };
}

// The first line of the child says where everything is.
function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (part) => {
      text += part;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(JSON.parse(text.slice(0, end)));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the lab ended with ${code}`)));
  });
}

export async function startLab({ scenario = 'small', seed, timing, shell = true } = {}) {
  const wish = typeof scenario === 'string' ? ['--scenario', scenario] : ['--scenario-json', JSON.stringify(scenario)];
  const args = [MAIN, ...wish, '--until-closed'];
  if (seed !== undefined) args.push('--seed', String(seed));
  if (shell) args.push('--shell');
  if (timing) args.push('--timing', JSON.stringify(timing));
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const { servers, control, startedIn } = await firstLine(child);
  return {
    servers, startedIn, pid: child.pid, control: controlOf(control),
    async stop() {
      const ended = new Promise((resolve) => { child.once('exit', resolve); });
      child.stdin.end();
      await ended;
    },
  };
}
