// routes_node: what one node knows of itself.

import { ApiError, died } from './errors.mjs';
import { nodeUse, storageUse } from './motion.mjs';
import { FRAMES, nodeHistory, storageHistory } from './rrd.mjs';

const auditNode = ({ node }) => [`/nodes/${node}`, 'Sys.Audit'];

export const HISTORY = {
  timeframe: { needed: true, enum: FRAMES },
  cf: { enum: ['AVERAGE', 'MAX'] },
};

const FLAGS = 'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht syscall nx pdpe1gb rdtscp lm aes avx avx2';

function status({ node, version }) {
  const use = nodeUse(node, node.cluster.lab.now());
  const sockets = node.cores > 16 ? 2 : 1;
  const [, release] = /^Linux (\S+)/.exec(version.kernelText);
  const answer = {
    uptime: use.uptime, cpu: use.cpu, wait: use.wait, idle: 0, loadavg: use.load.map((value) => value.toFixed(2)),
    cpuinfo: { cpus: node.cores, cores: node.cores / sockets / 2, sockets, model: 'AMD EPYC 7313P 16-Core Processor', mhz: '3000.000', hvm: '1', flags: FLAGS, user_hz: 100 },
    memory: { total: node.maxmem, used: use.mem, free: node.maxmem - use.mem },
    swap: { total: node.maxswap, used: use.swap, free: node.maxswap - use.swap },
    rootfs: { total: node.maxdisk, used: use.disk, free: node.maxdisk - use.disk, avail: node.maxdisk - use.disk },
    ksm: { shared: 0 },
    kversion: version.kernelText,
    pveversion: `pve-manager/${version.full}/${version.repoid}`,
  };
  if (version.kernel) {
    answer['current-kernel'] = { sysname: 'Linux', release, version: version.kernelText.slice(7 + release.length), machine: 'x86_64' };
    answer['boot-info'] = { mode: 'efi', secureboot: 0 };
  }
  if (version.nine) answer.memory.available = node.maxmem - use.mem;
  if (version.hostArch) Object.assign(answer.cpuinfo, { vendor: 'AuthenticAMD', family: '25' });
  return answer;
}

const REBOOT_AFTER = 1; // seconds until it goes

function command({ node, params, lab }) {
  lab.later(lab.timing.tasks * REBOOT_AFTER * 1000, async () => {
    const fault = await lab.faults.add({ kind: 'dead', target: `${node.cluster.id}/${node.name}` });
    if (params.command === 'shutdown') return;
    lab.later(lab.timing.reboot, async () => {
      node.bootedAt = lab.now();
      await lab.faults.clear({ id: fault.id });
    });
  });
  return null;
}

function certificates({ node }) {
  const { x509, cert, fingerprint } = node.certificate;
  const own = (filename) => ({
    filename, fingerprint, subject: `/${x509.subject.split('\n').join('/')}`, issuer: `/${x509.issuer.split('\n').join('/')}`,
    notbefore: Date.parse(x509.validFrom) / 1000, notafter: Date.parse(x509.validTo) / 1000,
    san: x509.subjectAltName.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, '')), pem: cert,
    'public-key-type': 'id-ecPublicKey', 'public-key-bits': 256,
  });
  return [own('pve-ssl.pem')];
}

async function storages({ node, cluster, lab, request, rights, auth }) {
  const hung = lab.faults.hit(node, 'hungstorage', request);
  if (hung) await lab.sleep(hung.ms ?? lab.timing.proxy);
  return cluster.storages.filter((s) => rights.may(auth.id, `/storage/${s.name}`, 'Datastore.Audit', 'Datastore.AllocateSpace')).map((s) => {
    const used = storageUse(s, node, lab.now());
    return { storage: s.name, type: s.plugin, content: s.content, active: hung ? 0 : 1, enabled: 1, shared: s.shared ? 1 : 0, total: s.maxdisk, used,
      avail: s.maxdisk - used, used_fraction: used / s.maxdisk };
  });
}

function network({ node, version }) {
  const base = { families: ['inet'], method6: 'manual', active: 1 };
  const list = [
    { ...base, iface: 'eno1', type: 'eth', method: 'manual', priority: 3, exists: 1 },
    { ...base, iface: 'vmbr0', type: 'bridge', method: 'static', priority: 4, autostart: 1, address: node.ip, netmask: '24', cidr: `${node.ip}/24`,
      gateway: node.ip.replace(/\.\d+$/, '.254'), bridge_ports: 'eno1', bridge_stp: 'off', bridge_fd: '0' },
  ];
  if (!version.kernel) return list;
  const vlan = { ...base, type: 'vlan', method: 'static', autostart: 1, netmask: '24', 'vlan-raw-device': 'vmbr0', exists: null };
  return [
    { ...base, iface: 'eno2', type: 'eth', method: 'manual', priority: 5, exists: 1, active: undefined },
    { ...vlan, iface: 'eno1.2', 'vlan-raw-device': 'eno1', 'vlan-id': '2', priority: 16, address: '192.168.2.50', netmask: '32', cidr: '192.168.2.50/32', exists: 1,
      options: ['metric 200'], comments: 'Storage\n' },
    { ...base, iface: 'vmbr1', type: 'bridge', method: 'manual', priority: 31, autostart: 1, bridge_ports: 'eno2', bridge_stp: 'off', bridge_fd: '0',
      bridge_vids: '2-4094', bridge_vlan_aware: 1, comments: 'Guests <b>only</b>\n' },
    { ...vlan, iface: 'vmbr0.2', 'vlan-id': '2', priority: 33, address: '192.168.22.31', cidr: '192.168.22.31/24', options: ['metric 100'] },
    { ...vlan, iface: 'vmbr0.8', 'vlan-id': '8', priority: 35, address: '172.16.20.1', cidr: '172.16.20.1/24', comments: 'Cameras\n' },
    ...list,
  ];
}

function storageOf(cluster, name) {
  const storage = cluster.storages.find((s) => s.name === name);
  if (!storage) throw died(`storage '${name}' does not exist`);
  return storage;
}

// Frames a version does not know are wrong values.
export function frame(version, timeframe) {
  if (timeframe !== 'decade' || version.nine) return;
  const known = FRAMES.filter((name) => name !== 'decade').join(', ');
  throw new ApiError(400, 'Parameter verification failed.', { errors: { timeframe: `value 'decade' does not have a value in the enumeration '${known}'` } });
}

export const routes = {
  'GET /nodes/{node}/status': { need: auditNode, code: status },
  'POST /nodes/{node}/status': {
    need: ({ node }) => [`/nodes/${node}`, 'Sys.PowerMgmt'],
    params: { command: { needed: true, enum: ['reboot', 'shutdown'] } },
    code: command,
  },
  'GET /nodes/{node}/version': { code: ({ version }) => ({ version: version.full, release: version.release, repoid: version.repoid }) },
  'GET /nodes/{node}/certificates/info': { code: certificates },
  'GET /nodes/{node}/network': { params: { type: {} }, code: network },
  'GET /nodes/{node}/storage': { params: { enabled: { type: 'boolean' }, content: {}, storage: {} }, code: storages },
  'GET /nodes/{node}/rrddata': {
    need: auditNode,
    params: HISTORY,
    code: ({ node, version, params }) => {
      frame(version, params.timeframe);
      return nodeHistory(node, version, params);
    },
  },
  'GET /nodes/{node}/storage/{storage}/rrddata': {
    need: ({ storage }) => [`/storage/${storage}`, 'Datastore.Audit', 'Datastore.AllocateSpace'],
    params: HISTORY,
    code: ({ cluster, node, version, params }) => {
      frame(version, params.timeframe);
      return storageHistory(storageOf(cluster, params.storage), node, version, params);
    },
  },
};
