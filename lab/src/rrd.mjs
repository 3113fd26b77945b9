// rrd: history as /rrddata gives it, worked out of the same functions as the present.

import { guestRates, guestUse, nodeRates, nodeUse, pressure, storageUse } from './motion.mjs';

const OLD = { hour: [60, 70], day: [1800, 70], week: [10_800, 70], month: [43_200, 70], year: [604_800, 70] };
const NEW = { hour: [60, 60], day: [60, 1440], week: [1800, 336], month: [1800, 1440], year: [21_600, 1460], decade: [604_800, 520] };

export const FRAMES = Object.keys(NEW);

// Whole seconds at the end of each bucket; the last, incomplete one is left out.
function times(node, version, frame) {
  const [step, rows] = (version.nine ? NEW : OLD)[frame];
  const end = Math.floor(node.seconds() / step) * step;
  return { step, list: Array.from({ length: rows }, (_, i) => end - (rows - i) * step) };
}

function nodeSample(node, version, t) {
  const use = nodeUse(node, t);
  const sample = {
    cpu: use.cpu, iowait: use.wait, loadavg: use.load[0], maxcpu: node.cores, memtotal: node.maxmem, memused: use.mem, swaptotal: node.maxswap,
    swapused: use.swap, roottotal: node.maxdisk, rootused: use.disk, ...nodeRates(node, t),
  };
  if (version.nine) {
    Object.assign(sample, { memavailable: node.maxmem - use.mem, arcsize: 0 });
    ['cpusome', 'iosome', 'iofull', 'memorysome', 'memoryfull'].forEach((name, k) => { sample[`pressure${name}`] = pressure(node.seed, t, k); });
  }
  return sample;
}

function guestSample(guest, version, t) {
  const state = guest.stateAt(t);
  const sizes = { maxcpu: guest.cpus, maxmem: guest.maxmem, maxdisk: guest.maxdisk };
  if (state.startedAt === null) return { ...sizes, disk: 0 };
  if (t < state.startedAt) return {};
  const use = guestUse(guest, state, t);
  const sample = { ...sizes, cpu: use.cpu, mem: use.mem, disk: use.disk, ...guestRates(guest, t) };
  if (version.nine) {
    if (guest.type === 'qemu') sample.memhost = use.mem * 1.1;
    ['cpusome', 'cpufull', 'iosome', 'iofull', 'memorysome', 'memoryfull'].forEach((name, k) => { sample[`pressure${name}`] = pressure(guest.seed, t, k); });
  }
  return sample;
}

// The last minute of an hour has not arrived yet. `cf` MAX shows peaks: a little above the average.
function series(node, version, { timeframe, cf = 'AVERAGE' }, sampleAt) {
  const { step, list } = times(node, version, timeframe);
  return list.map((time, i) => {
    const at = (time + step / 2) * 1000 - node.skew;
    const seen = node.bootedAt <= at && (node.frozenAt === null || at <= node.frozenAt) && !node.gaps.some(({ from, to }) => from <= at && at < to);
    const sample = seen && !(timeframe === 'hour' && i === list.length - 1) ? sampleAt(at) : {};
    if (cf === 'MAX' && sample.cpu !== undefined) sample.cpu = Math.min(1, sample.cpu * 1.2);
    return { time, ...sample };
  });
}

export const nodeHistory = (node, version, params) => series(node, version, params, (t) => nodeSample(node, version, t));
export const guestHistory = (guest, version, params) => series(guest.node, version, params, (t) => guestSample(guest, version, t));
export const storageHistory = (storage, node, version, params) => series(node, version, params,
  (t) => ({ total: storage.maxdisk, used: storageUse(storage, node, t) }));
