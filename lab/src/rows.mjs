// rows: what the cluster file system knows of nodes, guests and storages: the rows of
// /cluster/resources and /nodes.

import { guestUse, nodeUse, storageUse } from './motion.mjs';

// With `numbers` only for those who may see them.
export function nodeRow(node, version, numbers) {
  const row = { id: `node/${node.name}`, node: node.name, type: 'node' };
  const fresh = node.fresh();
  if (node.offline()) {
    if (!fresh) return { ...row, status: 'offline' };
    const sizes = numbers ? { maxcpu: node.cores, maxmem: node.maxmem, maxdisk: node.maxdisk } : {};
    return { ...row, status: 'offline', level: '', ...sizes };
  }
  if (!fresh) return { ...row, status: 'unknown' };
  Object.assign(row, { status: 'online', level: '' });
  if (!numbers) return row;
  const use = nodeUse(node, node.publishedAt());
  Object.assign(row, { maxcpu: node.cores, cpu: use.cpu, maxmem: node.maxmem, mem: use.mem, maxdisk: node.maxdisk, disk: use.disk, uptime: use.uptime });
  if (version.cgroup) row['cgroup-mode'] = 2;
  if (version.hostArch) row['host-arch'] = 'x86_64';
  return row;
}

export function guestRow(guest, version) {
  const { node } = guest;
  const row = {
    id: `${guest.type}/${guest.vmid}`, vmid: guest.vmid, node: node.name, type: guest.type,
    pool: guest.pool, lock: guest.lock, hastate: guest.ha?.state, tags: version.tags ? guest.tags : undefined,
  };
  if (!node.fresh()) return { ...row, status: 'unknown' };
  const at = node.publishedAt();
  const state = guest.stateAt(at);
  const use = guestUse(guest, state, at);
  Object.assign(row, {
    status: state.status, name: guest.name, template: guest.template ? 1 : 0, uptime: use.uptime, maxcpu: guest.cpus, cpu: use.cpu,
    maxmem: guest.maxmem, mem: use.mem, maxdisk: guest.maxdisk, disk: use.disk, netin: use.netin, netout: use.netout,
    diskread: use.diskread, diskwrite: use.diskwrite,
  });
  if (version.nine) row.memhost = guest.type === 'qemu' ? Math.floor(use.mem * 1.1) : 0;
  return row;
}

export function storageRow(storage, node) {
  const row = {
    id: `storage/${node.name}/${storage.name}`, storage: storage.name, node: node.name, type: 'storage',
    plugintype: storage.plugin, content: storage.content, shared: storage.shared ? 1 : 0,
  };
  if (!node.fresh()) return { ...row, status: 'unknown' };
  return { ...row, status: 'available', maxdisk: storage.maxdisk, disk: storageUse(storage, node, node.publishedAt()) };
}

function networkRows(cluster, version, may) {
  const rows = [];
  for (const node of cluster.nodes.values()) {
    if (!may('/sdn/zones/localnetwork', 'SDN.Audit')) continue;
    const status = node.offline() ? 'unknown' : version.network ? 'available' : 'ok';
    if (version.sdn) rows.push({ id: `sdn/${node.name}/localnetwork`, sdn: 'localnetwork', node: node.name, type: 'sdn', status });
    if (version.network) {
      rows.push({ id: `network/${node.name}/zone/localnetwork`, network: 'localnetwork', 'network-type': 'zone', node: node.name,
        type: 'network', status, 'zone-type': 'simple' });
    }
  }
  return rows;
}

// Every row somebody may see, in random order. `only`: one type.
export function resources(cluster, version, id, only) {
  const { rights, lab } = cluster;
  const may = (path, ...any) => rights.may(id, path, ...any);
  const wants = (type) => only === undefined || only === type;
  const rows = [];
  if (wants('pool')) {
    for (const pool of cluster.pools) if (may(`/pool/${pool.id}`, 'Pool.Audit')) rows.push({ id: `/pool/${pool.id}`, pool: pool.id, type: 'pool' });
  }
  if (wants('vm')) {
    for (const guest of cluster.guests.values()) if (may(`/vms/${guest.vmid}`, 'VM.Audit')) rows.push(guestRow(guest, version));
  }
  for (const node of cluster.nodes.values()) {
    if (wants('node')) rows.push(nodeRow(node, version, may(`/nodes/${node.name}`, 'Sys.Audit')));
    if (!wants('storage')) continue;
    for (const storage of cluster.storages) {
      if (may(`/storage/${storage.name}`, 'Datastore.Audit', 'Datastore.AllocateSpace')) rows.push(storageRow(storage, node));
    }
  }
  if (wants('sdn') || wants('network')) rows.push(...networkRows(cluster, version, may));
  return lab.random.shuffle(rows);
}
