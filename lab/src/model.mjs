// model: clusters with their nodes, guests, storages, pools and people, made from a scenario.

import { Rights } from './rights.mjs';
import { Random, hash, hashText, unit } from './random.mjs';
import { versionOf } from './version.mjs';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const DAY = 86_400_000;

const WORDS = `web db mail cache build proxy files git wiki chat metrics backup dns vpn shop queue search auth print camera
  media test stage edge ldap erp crm logs radius mirror`.split(/\s+/);
const TAGS = ['prod', 'test', 'linux', 'windows', 'critical', 'team-a', 'team-b', 'backup'];

export class Node {
  constructor(cluster, index, wish) {
    this.cluster = cluster;
    this.index = index;
    this.name = wish.name ?? `pve${index + 1}`;
    this.id = `${cluster.id}/${this.name}`;
    this.version = wish.version ? versionOf(wish.version) : cluster.version;
    this.seed = hashText(this.id, cluster.lab.seed);
    this.nodeid = index + 1;
    this.ip = wish.ip ?? `10.${cluster.index >> 8}.${cluster.index & 255}.${index + 1}`;
    this.cores = wish.cores ?? [8, 16, 32, 64][hash(this.seed, 40) % 4];
    this.maxmem = wish.maxmem ?? this.cores * 4 * GIB - (hash(this.seed, 41) % 4096) * 65536;
    this.maxswap = wish.maxswap ?? 8 * GIB - 4096;
    this.maxdisk = wish.maxdisk ?? 100 * GIB * (1 + (hash(this.seed, 42) % 20));
    this.bootedAt = cluster.lab.startedAt - Math.floor(DAY * (1 + 60 * unit(this.seed, 43)));
    this.address = wish.address ?? null;
    this.port = wish.port ?? 0;
    this.skew = 0; // ms
    this.frozenAt = null;
    this.isolatedAt = null; // on the minor side of a network that broke in two
    this.dead = null; // { at, how }
    this.gaps = []; // { from, to }: history without samples
    this.certificate = null;
    this.count = { connections: 0, handshakes: 0, resumed: 0, requests: 0 };
    this.listener = null;
    this.listen = wish.listen;
  }

  // The clock of this machine in milliseconds.
  now() {
    return this.cluster.lab.now() + this.skew;
  }

  seconds() {
    return Math.floor(this.now() / 1000);
  }

  // Since when another node hears nothing of this one, or null.
  lostSince(viewer) {
    const apart = viewer !== this && (this.isolatedAt === null) !== (viewer.isolatedAt === null);
    return this.dead?.at ?? (apart ? this.isolatedAt ?? viewer.isolatedAt : null);
  }

  // When pvestatd last published, as the dump that another node serves now knows it.
  publishedAt(viewer = this) {
    const { timing } = this.cluster.lab;
    const now = this.cluster.lab.now();
    const dumped = Math.floor(now / timing.cache) * timing.cache;
    const seen = Math.min(dumped, this.lostSince(viewer) ?? now, this.frozenAt ?? now);
    const phase = Math.floor(unit(this.seed, 44) * timing.tick);
    return Math.floor((seen - phase) / timing.tick) * timing.tick + phase;
  }

  fresh(viewer) {
    return this.cluster.lab.now() - this.publishedAt(viewer) < this.cluster.lab.timing.expiry;
  }

  offline(viewer) {
    const since = this.lostSince(viewer);
    return since !== null && this.cluster.lab.now() - since >= this.cluster.lab.timing.corosync;
  }

  // Whether the part of the cluster in which this node is may write.
  quorate() {
    return this.cluster.quorate && this.isolatedAt === null;
  }
}

export class Guest {
  constructor(cluster, wish, node) {
    const { lab } = cluster;
    this.cluster = cluster;
    this.vmid = wish.vmid;
    this.seed = hashText(`${cluster.id}/${wish.vmid}`, lab.seed);
    const u = (k) => unit(this.seed, 100 + k);
    this.type = wish.type ?? (u(1) < 0.7 ? 'qemu' : 'lxc');
    this.name = wish.name ?? `${WORDS[Math.floor(u(2) * WORDS.length)]}-${wish.vmid}`;
    this.node = node;
    this.cpus = wish.cpus ?? [1, 2, 4, 8][Math.floor(u(3) * 4)];
    this.maxmem = wish.maxmem ?? [512, 1024, 2048, 4096, 8192][Math.floor(u(4) * 5)] * MIB;
    this.maxdisk = wish.maxdisk ?? [8, 16, 32, 64, 128][Math.floor(u(5) * 5)] * GIB;
    this.maxswap = wish.maxswap ?? 512 * MIB;
    this.template = wish.template ?? false;
    this.tags = wish.tags !== undefined ? wish.tags ?? undefined : (u(6) < 0.4 ? `${TAGS[Math.floor(u(7) * 8)]};${TAGS[Math.floor(u(8) * 8)]}` : undefined);
    const pool = u(9) < 0.3 ? cluster.pools[Math.floor(u(10) * cluster.pools.length)]?.id : undefined;
    this.pool = wish.pool !== undefined ? wish.pool ?? undefined : pool;
    this.lock = wish.lock;
    this.ha = wish.ha ? { state: 'started' } : null;
    this.agent = wish.agent ?? u(11) < 0.6;
    this.spice = wish.spice ?? false;
    this.serial = wish.serial ?? false;
    this.console = wish.console; // what stands behind it: screen, echo, or { kind: 'source', … }
    this.balloon = wish.balloon ?? false;
    this.description = wish.description;
    this.huge = wish.huge ?? false; // counters beyond 2^53
    this.pid = 1000 + (hash(this.seed, 112) % 3_000_000);
    const status = this.template ? 'stopped' : wish.status ?? (u(13) < 0.85 ? 'running' : 'stopped');
    this.states = [];
    this.enter(status, 0, status === 'stopped' ? null : lab.startedAt - Math.floor(u(14) * 30 * DAY) - 60_000);
    this.busy = Promise.resolve();
  }

  get state() {
    return this.states[this.states.length - 1];
  }

  // status: running, paused, suspended or stopped. The list of the cluster learns of it with the next tick.
  enter(status, at = this.cluster.lab.now(), startedAt = undefined) {
    const on = status === 'running' || status === 'paused';
    const since = startedAt !== undefined ? startedAt : on ? this.state?.startedAt ?? at : null;
    this.states.push({ at, status: on ? 'running' : 'stopped', qmp: status, startedAt: since });
    if (this.states.length > 1) this.cluster.lab.consoles.follow(this);
    if (this.states.length > 4) this.states.shift();
  }

  // The state at a moment of the last ones.
  stateAt(t) {
    for (let i = this.states.length - 1; i > 0; i--) if (this.states[i].at <= t) return this.states[i];
    return this.states[0];
  }

  get config() {
    return `nodes/${this.node.name}/${this.type === 'qemu' ? 'qemu-server' : 'lxc'}/${this.vmid}.conf`;
  }
}

export class Cluster {
  constructor(lab, index, wish) {
    this.lab = lab;
    this.index = index;
    this.name = wish.standalone ? null : wish.name ?? `cluster${index + 1}`;
    this.id = wish.name ?? `cluster${index + 1}`;
    this.version = versionOf(wish.version ?? '9.2');
    this.seed = hashText(this.id, lab.seed);
    this.random = new Random(this.seed);
    this.secret = this.random.hex(64);
    this.quorate = true;
    this.nodes = new Map();
    this.guests = new Map();
    this.tasks = [];
    this.pools = (wish.pools ?? []).map((pool) => (typeof pool === 'string' ? { id: pool } : pool));
    this.listen = wish.listen ?? 'all';
    this.confVersion = 4;
    const nodes = Array.isArray(wish.nodes) ? wish.nodes : Array.from({ length: wish.nodes ?? 1 }, () => ({}));
    for (const [i, node] of nodes.entries()) {
      const made = new Node(this, i, typeof node === 'string' ? { name: node } : node);
      this.nodes.set(made.name, made);
    }
    this.#storages(wish.storages);
    this.#guests(wish);
    this.#people(wish);
  }

  #storages(wish) {
    const found = wish ?? [
      { name: 'local', plugin: 'dir', content: 'vztmpl,iso,backup' },
      { name: 'local-zfs', plugin: 'zfspool', content: 'images,rootdir' },
      ...(this.nodes.size > 1 ? [{ name: 'nas', plugin: 'nfs', content: 'images,backup', shared: true }] : []),
    ];
    this.storages = found.map((s) => ({ ...s, shared: Boolean(s.shared), seed: hashText(s.name, this.seed),
      maxdisk: s.maxdisk ?? 200 * GIB * (1 + (hashText(s.name, this.seed) % 30)) }));
  }

  #guests(wish) {
    const nodes = [...this.nodes.values()];
    const each = wish.guests ?? 4;
    const list = Array.isArray(each) ? each : Array.from({ length: each * nodes.length }, (_, i) => ({ vmid: 100 + i }));
    for (const [i, guest] of list.entries()) {
      const node = guest.node ? this.nodes.get(guest.node) : nodes[i % nodes.length];
      if (!node) throw new Error(`no node ${guest.node} for guest ${guest.vmid}`);
      this.guests.set(guest.vmid ?? 100 + i, new Guest(this, { ...guest, vmid: guest.vmid ?? 100 + i }, node));
    }
  }

  // Everybody the tests need: all rights, a monitor, an operator, one that sees nothing.
  #people(wish) {
    this.rights = new Rights(this);
    const { rights, random } = this;
    rights.addUser('root@pam', { password: 'lab-root' });
    rights.addUser('binnacle@pve', { password: 'lab-user' });
    rights.addUser('former@pve', { password: 'lab-former', enabled: false });
    rights.addToken('root@pam!all', random.uuid(), { privsep: false });
    for (const name of ['monitor', 'operator', 'empty', 'guests']) rights.addToken(`binnacle@pve!${name}`, random.uuid());
    rights.addToken('binnacle@pve!expired', random.uuid(), { expire: 1_500_000_000 });
    rights.addToken('former@pve!token', random.uuid());
    rights.grant('/', 'binnacle@pve', 'PVEAuditor');
    rights.grant('/vms', 'binnacle@pve', 'PVEVMUser');
    for (const name of ['monitor', 'operator']) rights.grant('/', `binnacle@pve!${name}`, 'PVEAuditor');
    rights.grant('/vms', 'binnacle@pve!operator', 'PVEVMUser');
    rights.grant('/vms', 'binnacle@pve!guests', 'PVEVMUser');
    for (const acl of wish.acls ?? []) rights.grant(acl.path, acl.who, acl.role, acl.propagate ?? true);
  }

  // The line a person types for a token: USER@REALM!NAME=SECRET.
  tokenLine(id) {
    return `${id}=${this.rights.tokens.get(id).secret}`;
  }
}
