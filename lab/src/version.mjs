// version: what each version of Proxmox VE does differently.

const BASE = {
  strings: false, // whole numbers as text in lists, "" for "no value"
  lxcText: false, // vmid as text in the lists of containers
  tags: true,
  cgroup: true,
  kernel: false, // current-kernel and boot-info in the status of a node
  overrule: false, // overrule-shutdown
  metrics: false, // /cluster/metrics/export
  nodeList: false, // its node-list
  message: false, // "message" in errors
  bodyLimit: 64 * 1024,
  nine: false, // memhost, pressure, memavailable, decade, VM.GuestAgent.*
  sdn: false,
  network: false,
  uniform401: false,
  vncPassword: false, // and tokens in terminals of guests
  nodeToken: false, // tokens in terminals of nodes
  hostArch: false,
  clipboard: false,
};

const EIGHT = { ...BASE, kernel: true, overrule: true, metrics: true, message: true, bodyLimit: 512 * 1024, sdn: true, clipboard: true };

export const VERSIONS = {
  6.2: { ...BASE, strings: true, tags: false, cgroup: false, full: '6.2-4', repoid: '9824574a', qemu: '5.0.0', machine: 'pc-i440fx-5.0',
    kernelText: 'Linux 5.4.34-1-pve #1 SMP PVE 5.4.34-2 (Thu, 07 May 2020 10:02:02 +0200)' },
  7.4: { ...BASE, lxcText: true, full: '7.4-16', repoid: '0f39f621', qemu: '8.0.2', machine: 'pc-i440fx-8.0+pve0',
    kernelText: 'Linux 5.15.108-1-pve #1 SMP PVE 5.15.108-2 (2023-07-20T10:06Z)' },
  8.4: { ...EIGHT, full: '8.4.1', repoid: '2a5fa54a8503f96d', qemu: '9.2.0', machine: 'pc-i440fx-9.2+pve1',
    kernelText: 'Linux 6.8.12-10-pve #1 SMP PREEMPT_DYNAMIC PMX 6.8.12-10 (2025-04-18T07:39Z)' },
  '9.0': { ...EIGHT, nine: true, full: '9.0.3', repoid: '025864202ebb6109', qemu: '10.0.2', machine: 'pc-i440fx-10.0+pve0',
    kernelText: 'Linux 6.14.8-2-pve #1 SMP PREEMPT_DYNAMIC PMX 6.14.8-2 (2025-07-22T10:04Z)' },
  9.2: { ...EIGHT, nine: true, nodeList: true, sdn: false, network: true, uniform401: true, vncPassword: true, nodeToken: true, hostArch: true,
    full: '9.2.2', repoid: 'b9984c6d90a4bd80', qemu: '11.0.0', machine: 'pc-i440fx-11.0+pve0',
    kernelText: 'Linux 7.0.2-1-pve #1 SMP PREEMPT_DYNAMIC PMX 7.0.2-1 (2026-05-04T09:12Z)' },
};

for (const [name, version] of Object.entries(VERSIONS)) {
  version.name = name;
  version.release = name;
}

export function versionOf(name) {
  const version = VERSIONS[name];
  if (!version) throw new Error(`no version ${name}: ${Object.keys(VERSIONS).join(', ')}`);
  return version;
}
