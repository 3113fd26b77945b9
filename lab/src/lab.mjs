// lab: a fleet in one process: the model, its listeners, its faults and the control port.

import { answer } from './api.mjs';
import { giveCertificates } from './certs.mjs';
import { Consoles } from './consoles.mjs';
import { Control } from './control.mjs';
import { Faults } from './faults.mjs';
import { dig } from './hole.mjs';
import { Listener } from './listener.mjs';
import { Cluster } from './model.mjs';
import { Random } from './random.mjs';
import { scenarioOf } from './scenarios.mjs';
import { timingOf } from './timing.mjs';

const WRONG = '00000000-0000-4000-8000-000000000000';
const OPEN_AT_ONCE = 64;
const REMEMBERED = 5000; // requests

export class Lab {
  // shell: terminals are real shells on this machine, as whoever runs the lab; without it they are toys.
  constructor({ scenario = 'small', seed, timing, complain, shell = false } = {}) {
    this.scenario = scenarioOf(scenario);
    this.seed = seed ?? this.scenario.seed ?? 1;
    this.timing = timingOf({ ...this.scenario.timing, ...timing });
    this.startedAt = Date.now();
    this.random = new Random(this.seed);
    this.clusters = new Map();
    this.shell = shell;
    this.faults = new Faults(this);
    this.consoles = new Consoles(this);
    this.count = { connections: 0, handshakes: 0, resumed: 0, requests: 0 };
    this.requests = []; // what was asked, the latest last
    this.offset = 0; // ms the clock was moved forward
    this.timers = new Set();
    this.problems = [];
    this.complain = complain ?? ((error) => { this.problems.push(error); process.stderr.write(`lab: ${error.stack}\n`); });
    this.over = false;
  }

  now() {
    return Date.now() + this.offset;
  }

  // Who asked what of which node, and what he was told; without secrets.
  remember(node, request, status) {
    node.count.requests++;
    const who = /PVEAPIToken[= ]([^=;\s]*)/.exec(request.headers.authorization ?? '')?.[1] ?? (request.headers.cookie ? 'cookie' : null);
    const target = request.target.replace(/((?:vncticket|password)=)[^&;]*/g, '$1…');
    this.requests.push({ at: Date.now(), node: node.id, method: request.method, target, who, status });
    if (this.requests.length > 2 * REMEMBERED) this.requests = this.requests.slice(-REMEMBERED);
  }

  // Runs once later, unless the lab has stopped.
  later(ms, run) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      Promise.resolve().then(run).catch((error) => this.complain(error));
    }, ms);
    this.timers.add(timer);
    return timer;
  }

  sleep(ms) {
    return new Promise((resolve) => { this.later(ms, resolve); });
  }

  hole(ports) {
    return dig(ports);
  }

  #listening(cluster) {
    const nodes = [...cluster.nodes.values()];
    if (cluster.listen === 'all') return nodes.filter((node) => node.listen !== false);
    return Array.isArray(cluster.listen) ? nodes.filter((node) => cluster.listen.includes(node.name)) : nodes.slice(0, cluster.listen);
  }

  async start() {
    const wishes = this.scenario.clusters.map((wish, index) => ({ wish, cluster: new Cluster(this, index, wish) }));
    for (const { cluster } of wishes) {
      if (this.clusters.has(cluster.id)) throw new Error(`two clusters are called ${cluster.id}`);
      this.clusters.set(cluster.id, cluster);
    }
    const all = [...this.clusters.values()].flatMap((cluster) => [...cluster.nodes.values()]);
    const open = [...this.clusters.values()].flatMap((cluster) => this.#listening(cluster));
    await giveCertificates(this.scenario.certificates ? all : open, this.scenario.certificates);
    for (let i = 0; i < open.length; i += OPEN_AT_ONCE) {
      await Promise.all(open.slice(i, i + OPEN_AT_ONCE).map((node) => {
        node.listener = new Listener(this, node, (target, request) => answer(this, target, request));
        return node.listener.open();
      }));
    }
    this.servers = wishes.flatMap(({ wish, cluster }) => this.#listening(cluster).map((node) => this.#server(node, wish)));
    for (const fault of this.scenario.faults ?? []) await this.faults.add(fault);
    this.control = new Control(this);
    await this.control.open();
    this.startedIn = Date.now() - this.startedAt;
    return this;
  }

  // What a test or a person needs to know of one server.
  #server(node, wish) {
    const { cluster } = node;
    const tokens = Object.fromEntries([...cluster.rights.tokens.keys()].map((id) => [id, cluster.tokenLine(id)]));
    const usual = wish.token === 'wrong' ? `binnacle@pve!operator=${WRONG}` : tokens[wish.token ?? 'binnacle@pve!operator'];
    return {
      name: node.name, cluster: cluster.id, clustered: cluster.name !== null, version: node.version.name, host: node.listener.host, port: node.listener.port,
      url: `https://${node.listener.host}:${node.listener.port}`, fingerprint: node.certificate.fingerprint, token: usual, tokens,
      guests: [...cluster.guests.values()].filter((guest) => guest.node === node).length,
    };
  }

  async stop() {
    if (this.over) return;
    this.over = true;
    for (const timer of this.timers) clearTimeout(timer);
    await this.control?.close();
    await this.consoles.close();
    await this.faults.clear();
    for (const cluster of this.clusters.values()) for (const node of cluster.nodes.values()) await node.listener?.close();
  }

  describe() {
    // Certificates may have been replaced since.
    for (const server of this.servers) server.fingerprint = this.clusters.get(server.cluster).nodes.get(server.name).certificate.fingerprint;
    return { control: this.control.address, servers: this.servers, startedIn: this.startedIn };
  }
}
