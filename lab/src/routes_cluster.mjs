// routes_cluster: what any member answers for the whole cluster out of its file system.

import { guestUse, nodeUse, storageUse } from './motion.mjs';
import { guestRow, nodeRow, resources, storageRow } from './rows.mjs';
import { clusterTasks } from './tasks.mjs';

const audit = () => ['/', 'Sys.Audit'];

function status({ cluster, local }) {
  const rows = [];
  if (cluster.name) {
    rows.push({ type: 'cluster', id: 'cluster', name: cluster.name, nodes: cluster.nodes.size, version: cluster.confVersion,
      quorate: local.quorate() ? 1 : 0 });
  }
  for (const node of cluster.nodes.values()) {
    rows.push({ type: 'node', id: `node/${node.name}`, name: node.name, nodeid: cluster.name ? node.nodeid : 0, ip: node.ip,
      local: node === local ? 1 : 0, online: node.offline(local) ? 0 : 1, level: '' });
  }
  return cluster.lab.random.shuffle(rows);
}

function haStatus({ cluster, local }) {
  const rows = [{ id: 'quorum', type: 'quorum', node: local.name, quorate: local.quorate() ? 1 : 0, status: local.quorate() ? 'OK' : 'No quorum!' }];
  const managed = [...cluster.guests.values()].filter((guest) => guest.ha);
  const at = new Date(local.now()).toUTCString();
  if (managed.length > 0) rows.push({ id: 'master', type: 'master', node: local.name, status: `${local.name} (active, ${at})`, timestamp: local.seconds() });
  for (const node of cluster.nodes.values()) {
    const lrm = { id: `lrm:${node.name}`, type: 'lrm', node: node.name, status: `${node.name} (${node.offline(local) ? 'old timestamp - dead?' : 'idle'})` };
    rows.push(managed.length > 0 ? { ...lrm, timestamp: node.seconds() } : lrm);
  }
  for (const guest of managed) {
    const sid = `${guest.type === 'qemu' ? 'vm' : 'ct'}:${guest.vmid}`;
    rows.push({ id: `service:${sid}`, type: 'service', sid, node: guest.node.name, state: guest.ha.state, crm_state: guest.ha.state,
      request_state: guest.ha.state, status: `${sid} (${guest.node.name}, ${guest.ha.state})` });
  }
  return rows;
}

// The ten-second samples of the last half hour.
function metricsOf(node, at, out) {
  const add = (id, type, values) => {
    for (const [metric, value] of Object.entries(values)) out.push({ id, metric, timestamp: Math.floor(at / 1000), type, value });
  };
  const use = nodeUse(node, at);
  add(`node/${node.name}`, 'gauge', {
    uptime: use.uptime, cpu_avg1: round(use.load[0]), cpu_avg5: round(use.load[1]), cpu_avg15: round(use.load[2]), cpu_max: node.cores,
    cpu_current: use.cpu, cpu_iowait: use.wait, mem_total: node.maxmem, mem_used: use.mem, swap_total: node.maxswap, swap_used: use.swap,
    disk_total: node.maxdisk, disk_used: use.disk,
  });
  add(`node/${node.name}`, 'derive', { net_in: use.netin, net_out: use.netout });
  for (const guest of node.cluster.guests.values()) {
    if (guest.node !== node) continue;
    const g = guestUse(guest, guest.stateAt(at), at);
    const id = `${guest.type}/${guest.vmid}`;
    add(id, 'gauge', { cpu_current: g.cpu, cpu_max: guest.cpus, mem_used: g.mem, mem_total: guest.maxmem, disk_total: guest.maxdisk, uptime: g.uptime,
      ...(guest.type === 'lxc' ? { disk_used: g.disk } : {}) });
    add(id, 'derive', { disk_read: g.diskread, disk_write: g.diskwrite, net_in: g.netin, net_out: g.netout });
  }
  for (const storage of node.cluster.storages) {
    add(`storage/${node.name}/${storage.name}`, 'gauge', { disk_total: storage.maxdisk, disk_used: storageUse(storage, node, at) });
  }
}

const round = (value) => Math.round(value * 100) / 100;
const GENERATIONS = 180;

function metrics({ cluster, local, params, lab }) {
  const wanted = params['node-list']?.split(',');
  const out = [];
  for (const node of cluster.nodes.values()) {
    if (node.lostSince(local) !== null || (params['local-only'] && node !== local) || (wanted && !wanted.includes(node.name))) continue;
    const last = node.publishedAt();
    const start = (params['start-time'] ?? 0) * 1000;
    const generations = params.history ? GENERATIONS : 1;
    for (let i = generations - 1; i >= 0; i--) {
      const at = last - i * lab.timing.tick;
      if (at >= start && at >= lab.startedAt - GENERATIONS * lab.timing.tick) metricsOf(node, at, out);
    }
  }
  return { data: out };
}

function poolMembers(local, pool) {
  const { cluster } = local;
  const members = [...cluster.guests.values()].filter((guest) => guest.pool === pool.id).map((guest) => ({ ...guestRow(guest, local), pool: undefined }));
  for (const name of pool.storages ?? []) {
    const storage = cluster.storages.find((s) => s.name === name);
    members.push(storageRow(storage, [...cluster.nodes.values()][0], local));
  }
  return members;
}

export const routes = {
  'GET /cluster/resources': {
    params: { type: { enum: ['vm', 'storage', 'node', 'sdn', 'pool', 'network'] } },
    code: ({ local, auth, params }) => resources(local, auth.id, params.type),
  },
  'GET /cluster/status': { need: audit, code: status },
  'GET /cluster/tasks': { code: ({ cluster, auth }) => clusterTasks(cluster, auth) },
  'GET /cluster/ha/status/current': { need: audit, code: haStatus },
  'GET /cluster/metrics/export': {
    need: audit,
    since: 'metrics',
    isProtected: true,
    params: {
      history: { type: 'boolean' }, 'start-time': { type: 'integer', min: 0 }, 'local-only': { type: 'boolean' }, 'node-list': { since: 'nodeList' },
    },
    code: metrics,
  },
  'GET /nodes': {
    code: ({ cluster, local, auth, rights, lab }) => lab.random.shuffle([...cluster.nodes.values()].map((node) => {
      const row = nodeRow(node, local, rights.may(auth.id, `/nodes/${node.name}`, 'Sys.Audit'));
      delete row['cgroup-mode'];
      return { ...row, ssl_fingerprint: node.certificate?.fingerprint };
    })),
  },
  'GET /pools': {
    params: { poolid: {}, type: { enum: ['qemu', 'lxc', 'storage'] } },
    code: ({ cluster, local, auth, rights, params }) => cluster.pools
      .filter((pool) => rights.may(auth.id, `/pool/${pool.id}`, 'Pool.Audit') && (!params.poolid || params.poolid === pool.id))
      .map((pool) => ({ poolid: pool.id, comment: pool.comment, ...(params.poolid ? { members: poolMembers(local, pool) } : {}) })),
  },
};
