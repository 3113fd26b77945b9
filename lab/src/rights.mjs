// rights: users, tokens, roles and access lists of one cluster, and what they add up to.

const SEVEN = `Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit Group.Allocate
  Permissions.Modify Pool.Allocate Pool.Audit Realm.Allocate Realm.AllocateUser SDN.Allocate SDN.Audit SDN.Use Sys.Audit
  Sys.Console Sys.Incoming Sys.Modify Sys.PowerMgmt Sys.Syslog User.Modify VM.Allocate VM.Audit VM.Backup VM.Clone
  VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network
  VM.Config.Options VM.Console VM.Migrate VM.Monitor VM.PowerMgmt VM.Snapshot VM.Snapshot.Rollback`.split(/\s+/);
const MAPPING = ['Mapping.Audit', 'Mapping.Modify', 'Mapping.Use', 'Sys.AccessNetwork'];
const AGENT = ['Audit', 'FileRead', 'FileSystemMgmt', 'FileWrite', 'Unrestricted'].map((name) => `VM.GuestAgent.${name}`);

export function privilegesOf(version) {
  if (version.nine) return [...SEVEN.filter((p) => p !== 'VM.Monitor'), ...MAPPING, ...AGENT, 'VM.Replicate'];
  return version.kernel ? [...SEVEN, ...MAPPING] : SEVEN;
}

function rolesOf(version) {
  const all = privilegesOf(version);
  const known = (names) => names.filter((name) => all.includes(name));
  return {
    NoAccess: [],
    Administrator: all,
    PVEAdmin: all.filter((p) => !['Permissions.Modify', 'Sys.PowerMgmt', 'Sys.Modify', 'Realm.Allocate', 'SDN.Allocate'].includes(p)),
    PVEAuditor: known(['Datastore.Audit', 'Mapping.Audit', 'Pool.Audit', 'SDN.Audit', 'Sys.Audit', 'VM.Audit', 'VM.GuestAgent.Audit']),
    PVEVMUser: known(['VM.Audit', 'VM.Backup', 'VM.Config.CDROM', 'VM.Config.Cloudinit', 'VM.Console', 'VM.PowerMgmt', 'VM.GuestAgent.Audit']),
    PVEVMAdmin: all.filter((p) => p.startsWith('VM.')),
    PVEDatastoreUser: known(['Datastore.AllocateSpace', 'Datastore.Audit']),
  };
}

// The paths of "/", "/a", "/a/b" that lead to `path`.
function steps(path) {
  const parts = path.split('/').filter(Boolean);
  return ['/', ...parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`)];
}

const BASE_PATHS = ['/', '/access', '/access/groups', '/nodes', '/pool', '/sdn', '/storage', '/vms'];

export class Rights {
  constructor(cluster) {
    this.cluster = cluster;
    this.users = new Map(); // id → { id, password, enabled, expire }
    this.tokens = new Map(); // user!name → { id, user, secret, privsep, expire }
    this.acls = []; // { path, who, role, propagate }
    this.roles = rolesOf(cluster.version);
    this.withheld = new Set(); // privileges taken away by a fault
    this.known = new Map();
  }

  // Whoever changes users, tokens or lists calls this.
  changed() {
    this.known.clear();
  }

  addUser(id, { password = null, enabled = true, expire = 0 } = {}) {
    this.users.set(id, { id, password, enabled, expire });
  }

  addToken(id, secret, { privsep = true, expire = 0 } = {}) {
    this.tokens.set(id, { id, user: id.split('!')[0], secret, privsep, expire });
  }

  grant(path, who, role, propagate = true) {
    if (!this.roles[role]) throw new Error(`no role ${role}`);
    this.acls.push({ path, who, role, propagate });
    this.changed();
  }

  #listed(who, path) {
    if (who === 'root@pam') return new Map(this.roles.Administrator.map((p) => [p, 1]));
    let found = new Map();
    for (const step of steps(path)) {
      const here = this.acls.filter((acl) => acl.who === who && acl.path === step && (acl.propagate || step === path));
      if (here.length === 0) continue;
      found = new Map();
      for (const acl of here) {
        if (acl.role === 'NoAccess') return new Map();
        for (const privilege of this.roles[acl.role]) found.set(privilege, acl.propagate ? 1 : found.get(privilege) ?? 0);
      }
    }
    return found;
  }

  // A guest has what its path gives and what its pool gives.
  #own(who, path) {
    const found = this.#listed(who, path);
    const guest = /^\/vms\/(\d+)$/.exec(path);
    const pool = guest && this.cluster.guests.get(Number(guest[1]))?.pool;
    if (pool) for (const [privilege, value] of this.#listed(who, `/pool/${pool}`)) if (!found.has(privilege)) found.set(privilege, value);
    return found;
  }

  // privilege → 1 if it propagates, 0 if it holds here only.
  on(id, path) {
    const key = `${id} ${path}`;
    let found = this.known.get(key);
    if (found) return found;
    const token = this.tokens.get(id);
    found = this.#own(token ? token.user : id, path);
    if (token?.privsep) {
      const own = this.#own(id, path);
      found = new Map([...own].filter(([privilege]) => found.has(privilege)));
    }
    for (const privilege of this.withheld) found.delete(privilege);
    this.known.set(key, found);
    return found;
  }

  may(id, path, ...any) {
    const held = this.on(id, path);
    return any.some((privilege) => held.has(privilege));
  }

  // The answer of /access/permissions.
  table(id) {
    const user = this.tokens.get(id)?.user ?? id;
    const paths = new Set(BASE_PATHS);
    for (const acl of this.acls) if (acl.who === id || acl.who === user) paths.add(acl.path);
    const table = {};
    for (const path of paths) {
      const held = this.on(id, path);
      const shown = path === '/pool' && !this.cluster.version.kernel ? '/pools' : path;
      if (held.size > 0) table[shown] = Object.fromEntries(held);
    }
    return table;
  }

  // What the page of Proxmox VE shows or hides; part of the answer to a login.
  capabilities(id) {
    const held = (path, ...starts) => Object.fromEntries(
      [...this.on(id, path)].filter(([p]) => p === 'Permissions.Modify' || starts.some((s) => p.startsWith(s))).map(([p]) => [p, 1]));
    const without = (object) => {
      delete object['Permissions.Modify'];
      return object;
    };
    const cap = {
      access: Object.fromEntries(Object.entries(held('/access', 'Group.', 'User.'))),
      dc: without(held('/', 'SDN.', 'Sys.Audit')),
      nodes: held('/nodes', 'Sys.'),
      sdn: held('/sdn', 'SDN.'),
      storage: held('/storage', 'Datastore.'),
      vms: held('/vms', 'VM.'),
    };
    if (this.cluster.version.kernel) cap.mapping = held('/mapping', 'Mapping.');
    return cap;
  }
}
