// faults: everything that can be wrong, by name; set and taken back while the lab runs.
//
// A fault: { kind, target, … }. target: "*", a cluster ("alpha"), a node ("alpha/pve1"), a guest
// ("alpha/101"), or a list of those. Any fault takes `path` (a pattern for the path of the request), `count` (so many
// times), `probability`, and `on`/`off` (milliseconds each, again and again).

import { replaceCertificate } from './certs.mjs';

// Those that are looked up when something happens.
const AT_CONNECTION = ['deny', 'blackhole', 'stall', 'nottls'];
const AT_ANSWER = ['slow', 'drip', 'truncated', 'length', 'garbage', 'deep', 'nothttp', 'reset'];
const AT_REQUEST = ['status', '401', '403', '500', '595', '596', '597', '599', 'redirect', 'silent', 'hungstorage'];
const AT_CONSOLE = ['console', 'nopassword'];
const AT_TASK = ['taskfail', 'taskwarn', 'taskkilled', 'taskhang'];
const ASKED = [...AT_CONNECTION, ...AT_ANSWER, ...AT_REQUEST, ...AT_TASK, ...AT_CONSOLE];

// Those that change the model: how, and how back.
const CHANGES = {
  async refused({ nodes }) {
    for (const node of nodes) await node.listener?.close();
    return async () => {
      for (const node of nodes) await node.listener?.open();
    };
  },
  // No SYN is answered: the port is listened on by somebody whose queue is full.
  async unreachable({ nodes, lab }) {
    const had = nodes.filter((node) => node.listener);
    for (const node of had) await node.listener.close();
    const holes = await lab.hole(had.map((node) => ({ host: node.listener.host, port: node.listener.port })));
    return async () => {
      await holes.fill();
      for (const node of had) await node.listener.open();
    };
  },
  // `how`: refused (the host is there), timeout or noroute (it is not); `since`: seconds ago.
  async dead({ nodes, lab, fault }) {
    for (const node of nodes) node.dead = { at: lab.now() - (fault.since ?? 0) * 1000, how: fault.how ?? 'refused' };
    const back = await CHANGES[fault.how === 'timeout' ? 'unreachable' : 'refused']({ nodes, lab });
    return async () => {
      await back();
      for (const node of nodes) {
        node.gaps.push({ from: node.dead.at, to: lab.now() });
        node.dead = null;
      }
    };
  },
  frozen({ nodes, lab, fault }) {
    for (const node of nodes) node.frozenAt = lab.now() - (fault.since ?? 0) * 1000;
    return () => nodes.forEach((node) => {
      node.gaps.push({ from: node.frozenAt, to: lab.now() });
      node.frozenAt = null;
    });
  },
  noquorum({ clusters }) {
    for (const cluster of clusters) cluster.quorate = false;
    return () => clusters.forEach((cluster) => { cluster.quorate = true; });
  },
  // The network breaks in two: these nodes see only each other, and have no quorum.
  isolated({ nodes, lab, fault }) {
    for (const node of nodes) node.isolatedAt = lab.now() - (fault.since ?? 0) * 1000;
    return () => nodes.forEach((node) => { node.isolatedAt = null; });
  },
  // A new one stays: there is no way back to the old.
  async certificate({ nodes }) {
    for (const node of nodes) {
      await replaceCertificate(node);
      node.listener?.renewed();
    }
    return () => {};
  },
  restart({ nodes }) {
    for (const node of nodes) node.listener?.cut();
    return () => {};
  },
  skew({ nodes, fault }) {
    for (const node of nodes) node.skew = (fault.seconds ?? 60) * 1000;
    return () => nodes.forEach((node) => { node.skew = 0; });
  },
  revoked({ clusters, fault }) {
    const undo = [];
    for (const { rights } of clusters) {
      const token = rights.tokens.get(fault.token);
      if (!token) throw new Error(`no token ${fault.token}`);
      rights.tokens.delete(fault.token);
      rights.changed();
      undo.push(() => { rights.tokens.set(fault.token, token); rights.changed(); });
    }
    return () => undo.forEach((f) => f());
  },
  expired({ clusters, fault }) {
    const tokens = clusters.map(({ rights }) => rights.tokens.get(fault.token));
    if (tokens.includes(undefined)) throw new Error(`no token ${fault.token}`);
    const before = tokens.map((token) => token.expire);
    for (const token of tokens) token.expire = 1_500_000_000;
    return () => tokens.forEach((token, i) => { token.expire = before[i]; });
  },
  disabled({ clusters, fault }) {
    const users = clusters.map(({ rights }) => rights.users.get(fault.user));
    if (users.includes(undefined)) throw new Error(`no user ${fault.user}`);
    for (const user of users) user.enabled = false;
    return () => users.forEach((user) => { user.enabled = true; });
  },
  // Nobody but root@pam has this privilege any more.
  privilege({ clusters, fault }) {
    const set = (what) => clusters.forEach(({ rights }) => { rights.withheld[what](fault.privilege); rights.changed(); });
    set('add');
    return () => set('delete');
  },
  deleted({ guests }) {
    for (const guest of guests) {
      guest.cluster.guests.delete(guest.vmid);
      guest.cluster.lab.consoles.end(guest);
    }
    return () => guests.forEach((guest) => guest.cluster.guests.set(guest.vmid, guest));
  },
  renamed({ guests, fault }) {
    const before = guests.map((guest) => guest.name);
    guests.forEach((guest) => { guest.name = fault.name; });
    return () => guests.forEach((guest, i) => { guest.name = before[i]; });
  },
  migrated({ guests, fault }) {
    const before = guests.map((guest) => guest.node);
    guests.forEach((guest) => {
      guest.node = guest.cluster.nodes.get(fault.node);
      if (!guest.node) throw new Error(`no node ${fault.node}`);
      guest.cluster.lab.consoles.end(guest);
    });
    return () => guests.forEach((guest, i) => { guest.node = before[i]; });
  },
  locked({ guests, fault }) {
    guests.forEach((guest) => { guest.lock = fault.lock ?? 'backup'; });
    return () => guests.forEach((guest) => { guest.lock = undefined; });
  },
};

export const KINDS = [...ASKED, ...Object.keys(CHANGES)];

export class Faults {
  constructor(lab) {
    this.lab = lab;
    this.list = [];
    this.last = 0;
  }

  // { clusters, nodes, guests } that a target names.
  find(target = '*') {
    const found = { clusters: new Set(), nodes: new Set(), guests: new Set() };
    for (const one of [].concat(target)) {
      for (const [what, things] of Object.entries(this.#findOne(one))) for (const thing of things) found[what].add(thing);
    }
    return { clusters: [...found.clusters], nodes: [...found.nodes], guests: [...found.guests] };
  }

  #findOne(target) {
    const [name, part] = target.split('/');
    const clusters = name === '*' ? [...this.lab.clusters.values()] : [this.lab.clusters.get(name)].filter(Boolean);
    if (clusters.length === 0) throw new Error(`no cluster ${name}`);
    const nodes = clusters.flatMap((cluster) => [...cluster.nodes.values()]);
    const guests = clusters.flatMap((cluster) => [...cluster.guests.values()]);
    if (part === undefined) return { clusters, nodes, guests };
    const number = /^\d+$/.test(part);
    const named = number ? guests.filter((guest) => guest.vmid === Number(part)) : nodes.filter((node) => node.name === part);
    if (named.length === 0) throw new Error(`no ${number ? 'guest' : 'node'} ${target}`);
    if (number) return { clusters, nodes: named.map((guest) => guest.node), guests: named };
    return { clusters, nodes: named, guests: guests.filter((guest) => named.includes(guest.node)) };
  }

  async add(spec) {
    const fault = { target: '*', ...spec, id: ++this.last, hits: 0 };
    if (!KINDS.includes(fault.kind)) throw new Error(`no fault ${fault.kind}: ${KINDS.join(', ')}`);
    const found = this.find(fault.target);
    const shown = { ...fault };
    Object.defineProperty(fault, 'shown', { value: shown });
    fault.pattern = fault.path ? new RegExp(fault.path) : null;
    fault.found = { nodes: new Set(found.nodes), guests: new Set(found.guests) };
    fault.active = true;
    this.list.push(fault);
    try {
      await this.#apply(fault, found);
    } catch (error) {
      this.list.splice(this.list.indexOf(fault), 1);
      throw error;
    }
    if (fault.on) this.#flap(fault, found);
    return fault;
  }

  async #apply(fault, found) {
    fault.active = true;
    const change = CHANGES[fault.kind];
    fault.undo = change ? await change({ ...found, lab: this.lab, fault }) : null;
    // Connections of before must not survive a network that swallows everything.
    if (AT_CONNECTION.includes(fault.kind)) for (const node of found.nodes) node.listener?.cut();
  }

  async #withdraw(fault) {
    fault.active = false;
    const { undo } = fault;
    fault.undo = null;
    await undo?.();
    if (fault.kind === 'blackhole' || fault.kind === 'stall') for (const node of fault.found.nodes) node.listener?.cut();
  }

  #flap(fault, found) {
    const turn = async () => {
      if (fault.active) await this.#withdraw(fault);
      else await this.#apply(fault, found);
      if (this.list.includes(fault)) fault.timer = setTimeout(turn, fault.active ? fault.on : fault.off ?? fault.on).unref();
    };
    fault.timer = setTimeout(turn, fault.on).unref();
  }

  // Takes back what fits: everything without a word.
  async clear({ id, target, kind } = {}) {
    const fits = (f) => (id === undefined || f.id === Number(id)) && (target === undefined || String(f.target) === String(target)) && (kind === undefined || f.kind === kind);
    const gone = this.list.filter(fits).reverse();
    this.list = this.list.filter((f) => !gone.includes(f));
    for (const fault of gone) {
      clearTimeout(fault.timer);
      await this.#withdraw(fault);
    }
    return gone.length;
  }

  #counts(fault) {
    if (fault.count !== undefined && fault.hits >= fault.count) return false;
    if (fault.probability !== undefined && this.lab.random.next() >= fault.probability) return false;
    fault.hits++;
    return true;
  }

  // The fault of this kind that holds for a node now, or null.
  hit(node, kind, request = null) {
    for (const fault of this.list) {
      if (fault.kind !== kind || !fault.active || !fault.found.nodes.has(node)) continue;
      if (fault.pattern && !fault.pattern.test(request?.target ?? '')) continue;
      if (this.#counts(fault)) return fault;
    }
    return null;
  }

  // The same for a guest.
  hitGuest(guest, kind) {
    for (const fault of this.list) {
      if (fault.kind === kind && fault.active && fault.found.guests.has(guest) && this.#counts(fault)) return fault;
    }
    return null;
  }

  // As the control port shows them.
  show() {
    return this.list.map((fault) => ({ ...fault.shown, hits: fault.hits, active: fault.active }));
  }
}
