// rows: what the cluster file system knows of nodes, guests and storages: the rows of
// /cluster/resources and /nodes.

import { guestUse, nodeUse, storageUse } from './motion.mjs';

// As `local` sees it; with `numbers` only for those who may see them.
export function nodeRow(node, local, numbers) {
  const { version } = local;
  const row = { id: `node/${node.name}`, node: node.name, type: 'node' };
  const fresh = node.fresh(local);
  if (node.offline(local)) {
    if (!fresh) return { ...row, status: 'offline' };
    const sizes = numbers ? { maxcpu: node.cores, maxmem: node.maxmem, maxdisk: node.maxdisk } : {};
    return { ...row, status: 'offline', level: '', ...sizes };
  }
  if (!fresh) return { ...row, status: 'unknown' };
  Object.assign(row, { status: 'online', level: '' });
  if (!numbers) return row;
  const use = nodeUse(node, node.publishedAt(local));
  Object.assign(row, { maxcpu: node.cores, cpu: use.cpu, maxmem: node.maxmem, mem: use.mem, maxdisk: node.maxdisk, disk: use.disk, uptime: use.uptime });
  if (version.cgroup) row['cgroup-mode'] = 2;
  if (version.hostArch) row['host-arch'] = 'x86_64';
  return row;
}

// A paused machine is listed as its monitor says, one on disk as stopped.
function listedStatus(state) {
  return state.qmp === 'paused' ? 'paused' : state.status;
}

export function guestRow(guest, local) {
  const { node } = guest;
  const { version } = local;
  const row = {
    id: `${guest.type}/${guest.vmid}`, vmid: guest.vmid, node: node.name, type: guest.type,
    pool: guest.pool, lock: guest.lock, hastate: guest.ha?.state, tags: version.tags ? guest.tags : undefined,
  };
  if (!node.fresh(local)) return { ...row, status: 'unknown' };
  const at = node.publishedAt(local);
  const state = guest.stateAt(at);
  const use = guestUse(guest, state, at);
  Object.assign(row, {
    status: listedStatus(state), name: guest.name, template: guest.template ? 1 : 0, uptime: use.uptime, maxcpu: guest.cpus, cpu: use.cpu,
    maxmem: guest.maxmem, mem: use.mem, maxdisk: guest.maxdisk, disk: use.disk, netin: use.netin, netout: use.netout,
    diskread: use.diskread, diskwrite: use.diskwrite,
  });
  if (version.nine) row.memhost = guest.type === 'qemu' ? Math.floor(use.mem * 1.1) : 0;
  return row;
}

export function storageRow(storage, node, local) {
  const row = {
    id: `storage/${node.name}/${storage.name}`, storage: storage.name, node: node.name, type: 'storage',
    plugintype: storage.plugin, content: storage.content, shared: storage.shared ? 1 : 0,
  };
  if (!node.fresh(local)) return { ...row, status: 'unknown' };
  return { ...row, status: 'available', maxdisk: storage.maxdisk, disk: storageUse(storage, node, node.publishedAt(local)) };
}

function networkRows(local, may) {
  const { cluster, version } = local;
  const rows = [];
  for (const node of cluster.nodes.values()) {
    if (!may('/sdn/zones/localnetwork', 'SDN.Audit')) continue;
    const status = node.offline(local) ? 'unknown' : version.network ? 'available' : 'ok';
    if (version.sdn) rows.push({ id: `sdn/${node.name}/localnetwork`, sdn: 'localnetwork', node: node.name, type: 'sdn', status });
    if (version.network) {
      rows.push({ id: `network/${node.name}/zone/localnetwork`, network: 'localnetwork', 'network-type': 'zone', node: node.name,
        type: 'network', status, 'zone-type': 'simple' });
    }
  }
  return rows;
}

// Every row somebody may see, in random order. `only`: one type.
export function resources(local, id, only) {
  const { cluster } = local;
  const { rights, lab } = cluster;
  const may = (path, ...any) => rights.may(id, path, ...any);
  const wants = (type) => only === undefined || only === type;
  const rows = [];
  if (wants('pool')) {
    for (const pool of cluster.pools) if (may(`/pool/${pool.id}`, 'Pool.Audit')) rows.push({ id: `/pool/${pool.id}`, pool: pool.id, type: 'pool' });
  }
  if (wants('vm')) {
    for (const guest of cluster.guests.values()) if (may(`/vms/${guest.vmid}`, 'VM.Audit')) rows.push(guestRow(guest, local));
  }
  for (const node of cluster.nodes.values()) {
    if (wants('node')) rows.push(nodeRow(node, local, may(`/nodes/${node.name}`, 'Sys.Audit')));
    if (!wants('storage')) continue;
    for (const storage of cluster.storages) {
      if (may(`/storage/${storage.name}`, 'Datastore.Audit', 'Datastore.AllocateSpace')) rows.push(storageRow(storage, node, local));
    }
  }
  if (wants('sdn') || wants('network')) rows.push(...networkRows(local, may));
  return lab.random.shuffle(rows);
}
