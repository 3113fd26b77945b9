// current: a guest in the list of its node and alone, at this moment.

import { guestUse, pressure } from './motion.mjs';
import { unit } from './random.mjs';

const COUNTS = ['rd_operations', 'wr_operations', 'flush_operations', 'unmap_operations', 'rd_merged', 'wr_merged', 'unmap_merged', 'unmap_bytes',
  'failed_rd_operations', 'failed_wr_operations', 'failed_flush_operations', 'failed_unmap_operations', 'invalid_rd_operations', 'invalid_wr_operations',
  'invalid_flush_operations', 'invalid_unmap_operations', 'rd_total_time_ns', 'wr_total_time_ns', 'flush_total_time_ns', 'unmap_total_time_ns',
  'wr_highest_offset', 'idle_time_ns'];

function blockDevice(read, written) {
  const device = Object.fromEntries(COUNTS.map((name) => [name, 0]));
  return { ...device, rd_bytes: read, wr_bytes: written, rd_operations: Math.floor(read / 8192), wr_operations: Math.floor(written / 8192),
    account_failed: true, account_invalid: true, timed_stats: [] };
}

function pressures(guest, t, text) {
  const names = ['cpusome', 'cpufull', 'iosome', 'iofull', 'memorysome', 'memoryfull'];
  return Object.fromEntries(names.map((name, k) => {
    const value = pressure(guest.seed, t, k);
    return [`pressure${name}`, text ? value.toFixed(2) : value];
  }));
}

// What list and single answer share. Version 6 writes some whole numbers of lists as text.
function common(guest, version, t, { list }) {
  const use = guestUse(guest, guest.state, t);
  const on = guest.state.status === 'running';
  const six = version.strings && list;
  const text = (value) => (six ? String(value) : value);
  const row = {
    vmid: six || (list && version.lxcText && guest.type === 'lxc') ? String(guest.vmid) : guest.vmid,
    name: guest.name, status: guest.state.status, cpus: guest.cpus, cpu: use.cpu, mem: use.mem, maxmem: guest.maxmem, disk: text(use.disk),
    maxdisk: text(guest.maxdisk), uptime: use.uptime, netin: use.netin, netout: use.netout, diskread: use.diskread, diskwrite: use.diskwrite,
    tags: version.tags ? guest.tags : undefined,
    template: guest.template ? 1 : six ? '' : undefined,
    lock: guest.lock ?? (six && guest.type === 'lxc' ? '' : undefined),
    pid: on ? text(guest.pid) : six ? null : undefined,
  };
  if (guest.type === 'lxc') Object.assign(row, { type: 'lxc', swap: text(use.swap), maxswap: text(guest.maxswap) });
  if (version.nine) {
    if (guest.type === 'qemu') row.memhost = Math.floor(use.mem * 1.1);
    if (on) Object.assign(row, pressures(guest, t, guest.type === 'lxc'));
  }
  if (guest.serial) row.serial = 1;
  if (guest.balloon) Object.assign(row, { balloon_min: guest.maxmem, shares: 1000 });
  return row;
}

export function listRow(guest, version, t, { full = false } = {}) {
  const row = common(guest, version, t, { list: true });
  if (guest.type === 'qemu' && full) row.qmpstatus = guest.state.qmp;
  if (guest.type === 'qemu' && full && guest.state.status === 'running') Object.assign(row, { 'running-machine': version.machine, 'running-qemu': version.qemu });
  return row;
}

function support(version) {
  const flags = ['pbs-dirty-bitmap', 'pbs-dirty-bitmap-savevm', 'pbs-dirty-bitmap-migration', 'pbs-masterkey', 'query-bitmap-info', 'backup-max-workers'];
  if (version.kernel) flags.push('backup-fleecing');
  return { ...Object.fromEntries(flags.map((flag) => [flag, true])), 'pbs-library-version': version.nine ? '2.0.0 (UNKNOWN)' : '1.4.0 (UNKNOWN)' };
}

export function current(guest, version, t) {
  const row = common(guest, version, t, { list: false });
  row.ha = guest.ha ? { managed: 1, state: guest.ha.state, group: null } : { managed: 0 };
  if (guest.type === 'lxc') return row;
  row.qmpstatus = guest.state.qmp === 'suspended' ? 'stopped' : guest.state.qmp;
  if (guest.agent) row.agent = 1;
  if (guest.spice) row.spice = 1;
  if (version.clipboard) row.clipboard = null;
  if (guest.state.status !== 'running') return row;
  const scsi = blockDevice(Number(row.diskread), Number(row.diskwrite));
  const cdrom = blockDevice(344_348, 0);
  const free = Math.max(0, guest.maxmem - row.mem);
  return {
    ...row,
    'running-machine': version.machine, 'running-qemu': version.qemu, 'proxmox-support': support(version), balloon: guest.maxmem, freemem: free,
    nics: { [`tap${guest.vmid}i0`]: version.strings ? { netin: String(row.netin), netout: String(row.netout) } : { netin: row.netin, netout: row.netout } },
    blockstat: { scsi0: scsi, ide2: cdrom },
    ballooninfo: { actual: guest.maxmem, max_mem: guest.maxmem, total_mem: Math.floor(guest.maxmem * 0.96), free_mem: free, last_update: Math.floor(t / 1000),
      major_page_faults: Math.floor(5000 * unit(guest.seed, 60)), minor_page_faults: Math.floor(5e6 * unit(guest.seed, 61)), mem_swapped_in: 0, mem_swapped_out: 0 },
  };
}

// The configuration: memory as text for machines, as a number for containers.
export function config(guest) {
  const digest = guest.seed.toString(16).padStart(8, '0').repeat(5);
  const own = { digest, description: guest.description, tags: guest.tags, template: guest.template ? 1 : undefined, lock: guest.lock };
  if (guest.type === 'lxc') {
    return { ...own, hostname: guest.name, cores: guest.cpus, memory: guest.maxmem / 1024 ** 2, swap: guest.maxswap / 1024 ** 2, arch: 'amd64', ostype: 'debian',
      rootfs: `local-zfs:subvol-${guest.vmid}-disk-0,size=${guest.maxdisk / 1024 ** 3}G`, net0: 'name=eth0,bridge=vmbr0,ip=dhcp,type=veth' };
  }
  return { ...own, name: guest.name, cores: guest.cpus, sockets: 1, memory: String(guest.maxmem / 1024 ** 2), ostype: 'l26', boot: 'order=scsi0',
    scsi0: `local-zfs:vm-${guest.vmid}-disk-0,size=${guest.maxdisk / 1024 ** 3}G`, net0: 'virtio=BC:24:11:00:00:01,bridge=vmbr0', agent: guest.agent ? '1' : undefined };
}
