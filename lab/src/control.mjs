// control: a port of its own, on the loopback only, where tests set faults and look behind the curtain.
//
//   POST   /fault    { kind, target, … }            → the fault with its id
//   DELETE /fault    ?id= | ?target= | ?kind=       → { cleared }
//   GET    /fault                                   → the faults of now
//   GET    /state                                   → clusters, nodes, guests, tasks, counts
//   GET    /requests ?node= | ?since=               → what was asked of whom, and the status told
//   DELETE /requests                                → forgets them
//   POST   /clock    { forward }                    → moves the clock of the lab by so many ms
//   GET    /consoles                                → the listeners and open consoles
//   POST   /console  { cluster, vmid, do }          → close, stall or go: what happens on its open consoles now
//   GET    /screen   ?cluster=&vmid=                → its machine: pid, who looks, what it wrote to its serial port
//   POST   /guest    { cluster, vmid, … }           → adds a guest, or changes one
//   POST   /task     { node, type, from, to, id }   → a task of "alpha/pve1", `from` to `to` seconds ago; without `to` it runs

import http from 'node:http';
import { Guest } from './model.mjs';
import { Task } from './tasks.mjs';

const MAX_BODY = 1024 * 1024;

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BODY) throw new Error('too large');
    parts.push(part);
  }
  return parts.length ? JSON.parse(Buffer.concat(parts).toString('utf8')) : {};
}

function state(lab) {
  const clusters = [...lab.clusters.values()].map((cluster) => ({
    id: cluster.id, name: cluster.name, version: cluster.version.name, quorate: cluster.quorate,
    nodes: [...cluster.nodes.values()].map((node) => ({
      name: node.name, dead: node.dead !== null, port: node.listener?.port, count: node.count, fingerprint: node.certificate?.fingerprint,
    })),
    guests: [...cluster.guests.values()].map((guest) => ({
      vmid: guest.vmid, type: guest.type, name: guest.name, node: guest.node.name, status: guest.state.status, qmp: guest.state.qmp, lock: guest.lock,
      ha: guest.ha?.state,
    })),
    tasks: cluster.tasks.map((task) => ({ upid: task.upid, type: task.type, id: task.id, exit: task.exit, lines: task.lines.length })),
  }));
  return { clusters, count: lab.count, memory: process.memoryUsage().rss, cpu: process.cpuUsage(), faults: lab.faults.show() };
}

const CHANGEABLE = ['name', 'tags', 'pool', 'lock', 'description', 'agent', 'template'];

function setGuest(lab, wish) {
  const cluster = lab.clusters.get(wish.cluster);
  if (!cluster) throw new Error(`no cluster ${wish.cluster}`);
  const known = cluster.guests.get(wish.vmid);
  if (!known) {
    const node = wish.node ? cluster.nodes.get(wish.node) : [...cluster.nodes.values()][0];
    if (!node || !Number.isInteger(wish.vmid)) throw new Error('a guest needs a vmid and a node');
    cluster.guests.set(wish.vmid, new Guest(cluster, wish, node));
    return { added: wish.vmid };
  }
  for (const key of CHANGEABLE) if (key in wish) known[key] = wish[key] ?? undefined;
  if (wish.status) known.enter(wish.status, undefined, wish.status === 'running' ? lab.now() : undefined);
  return { changed: wish.vmid };
}

function addTask(lab, { node: target, type, from, to, id = '' }) {
  const [clusterId, name] = String(target).split('/');
  const node = lab.clusters.get(clusterId)?.nodes.get(name);
  if (!node) throw new Error(`no node ${target}`);
  const task = new Task(node, type, id, { id: 'root@pam', user: 'root@pam' }, node.seconds() - from);
  if (to !== undefined) {
    task.end('OK');
    task.endtime = node.seconds() - to;
  }
  return { upid: task.upid };
}

function requests(lab, { query }) {
  const node = query.get('node');
  const since = Number(query.get('since') ?? 0);
  return lab.requests.filter((request) => (node === null || request.node === node) && request.at >= since);
}

// Numbers, tickets and expiry follow; what is being waited for does not.
function clock(lab, { body }) {
  if (!(body.forward >= 0)) throw new Error('the clock only goes forward');
  lab.offset += body.forward;
  return { now: lab.now() };
}

function guestOf(lab, cluster, vmid) {
  const guest = lab.clusters.get(cluster)?.guests.get(Number(vmid));
  if (!guest) throw new Error(`no guest ${cluster}/${vmid}`);
  return guest;
}

function setConsole(lab, { cluster, vmid, do: what }) {
  const open = lab.consoles.ofGuest(guestOf(lab, cluster, vmid));
  const acts = { close: (session) => session.end(), stall: (session) => session.pipe.stop(true), go: (session) => session.pipe.stop(false) };
  if (!acts[what]) throw new Error(`no way to ${what} a console: ${Object.keys(acts).join(', ')}`);
  open.forEach(acts[what]);
  return { consoles: open.length };
}

const ACTIONS = {
  'POST /fault': async (lab, { body }) => {
    const fault = await lab.faults.add(body);
    return { ...fault.shown };
  },
  'DELETE /fault': async (lab, { query }) => ({ cleared: await lab.faults.clear(Object.fromEntries(query)) }),
  'GET /fault': async (lab) => lab.faults.show(),
  'GET /state': async (lab) => state(lab),
  'GET /servers': async (lab) => lab.describe(),
  'GET /requests': async (lab, { query }) => requests(lab, { query }),
  'DELETE /requests': async (lab) => ({ forgotten: lab.requests.splice(0).length }),
  'POST /clock': async (lab, { body }) => clock(lab, { body }),
  'POST /task': async (lab, { body }) => addTask(lab, body),
  'GET /consoles': async (lab) => lab.consoles.show(),
  'POST /console': async (lab, { body }) => setConsole(lab, body),
  'GET /screen': async (lab, { query }) => lab.consoles.screens.show(guestOf(lab, query.get('cluster'), query.get('vmid'))),
  'POST /guest': async (lab, { body }) => setGuest(lab, body),
};

export class Control {
  constructor(lab) {
    this.lab = lab;
    this.server = http.createServer((request, response) => this.#serve(request, response));
  }

  async open() {
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.lab.scenario.controlPort ?? 0, '127.0.0.1', resolve);
    });
    const { address, port } = this.server.address();
    this.address = { host: address, port, url: `http://${address}:${port}` };
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #serve(request, response) {
    const url = new URL(request.url, 'http://127.0.0.1');
    const reply = (status, value) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(`${JSON.stringify(value)}\n`);
    };
    const action = ACTIONS[`${request.method} ${url.pathname}`];
    // A page in a browser has no business here.
    if (request.headers.origin) return reply(403, { error: 'not from a page' });
    if (!action) return reply(404, { error: `one of ${Object.keys(ACTIONS).join(', ')}` });
    try {
      return reply(200, await action(this.lab, { body: request.method === 'POST' ? await bodyOf(request) : {}, query: url.searchParams }));
    } catch (error) {
      return reply(400, { error: error.message });
    }
  }
}
