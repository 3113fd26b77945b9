// motion: what nodes and guests use, as functions of time.
//
// Nothing is stored: a value is worked out when somebody asks, so that history, lists and counters
// agree, and 75,000 guests cost nothing while nobody looks.

import { hash, unit } from './random.mjs';

const DAY = 86_400_000;
const TAU = 2 * Math.PI;

const wave = (seed, k, t, period) => Math.sin(TAU * (t / period + unit(seed, k)));

// A share between 0 and 1 that drifts over the day, breathes over minutes and jitters every ten seconds.
function share(seed, t, base) {
  const noise = hash(seed, Math.floor(t / 10_000)) / 4294967296 - 0.5;
  const period = 300_000 + 900_000 * unit(seed, 1);
  return Math.min(1, Math.max(0, base * (1 + 0.35 * wave(seed, 2, t, DAY) + 0.3 * wave(seed, 3, t, period) + 0.4 * noise)));
}

const WAVE = 0.6;
const PERIOD = 420_000;

// A counter of bytes: the integral of rate(); never goes back.
function counter(seed, k, since, t, perSecond) {
  const phase = TAU * unit(seed, k);
  const w = TAU / PERIOD;
  const moved = (t - since) + (WAVE / w) * (Math.cos(w * since + phase) - Math.cos(w * t + phase));
  return Math.floor((perSecond / 1000) * moved);
}

function rate(seed, k, t, perSecond) {
  return perSecond * (1 + WAVE * Math.sin((TAU / PERIOD) * t + TAU * unit(seed, k)));
}

const COUNTERS = ['netin', 'netout', 'diskread', 'diskwrite'];

function speed(seed, i) {
  return 200 * 10 ** (3.5 * unit(seed, 20 + i));
}

export const STOPPED = { cpu: 0, mem: 0, disk: 0, uptime: 0, netin: 0, netout: 0, diskread: 0, diskwrite: 0, swap: 0 };

// What a guest in `state` uses at time t.
export function guestUse(guest, state, t) {
  if (state.startedAt === null) return STOPPED;
  const { seed } = guest;
  const use = {
    cpu: share(seed, t, 0.02 + 0.6 * unit(seed, 4) ** 3),
    mem: Math.floor(guest.maxmem * (0.15 + 0.6 * unit(seed, 5) + 0.08 * wave(seed, 6, t, DAY / 3) + 0.01 * wave(seed, 7, t, 400_000))),
    disk: guest.type === 'lxc' ? Math.floor(guest.maxdisk * (0.1 + 0.7 * unit(seed, 8))) : 0,
    uptime: Math.max(0, Math.floor((t - state.startedAt) / 1000)),
    swap: 0,
  };
  // Containers report less than nothing right after their start.
  if (guest.type === 'lxc' && use.uptime < 2) use.cpu = -5.75e-05;
  if (state.qmp === 'paused') use.cpu = 0;
  // Seen in the wild: more memory than there is.
  if (unit(seed, 70) < 0.02) use.mem = Math.floor(guest.maxmem * 1.03);
  for (const [i, key] of COUNTERS.entries()) use[key] = counter(seed, 10 + i, state.startedAt, Math.max(t, state.startedAt), speed(seed, i));
  if (guest.huge) for (const key of COUNTERS) use[key] = 2n ** 60n + BigInt(use[key]);
  return use;
}

// The same as rates, for history.
export function guestRates(guest, t) {
  return Object.fromEntries(COUNTERS.map((key, i) => [key, rate(guest.seed, 10 + i, t, speed(guest.seed, i))]));
}

export function nodeUse(node, t) {
  const { seed } = node;
  const cpu = share(seed, t, 0.05 + 0.4 * unit(seed, 4));
  const load = (k) => Math.max(0, cpu * node.cores * (1 + 0.2 * wave(seed, k, t, 600_000)));
  return {
    cpu,
    wait: share(seed + 1, t, 0.004),
    mem: Math.floor(node.maxmem * (0.3 + 0.4 * unit(seed, 5) + 0.05 * wave(seed, 6, t, DAY / 2))),
    disk: Math.floor(node.maxdisk * (0.1 + 0.5 * unit(seed, 8))),
    swap: Math.floor(node.maxswap * 0.1 * unit(seed, 9)),
    load: [load(30), load(31), load(32)],
    uptime: Math.max(0, Math.floor((t - node.bootedAt) / 1000)),
    netin: counter(seed, 10, node.bootedAt, t, speed(seed, 0)),
    netout: counter(seed, 11, node.bootedAt, t, speed(seed, 1)),
  };
}

export function nodeRates(node, t) {
  return { netin: rate(node.seed, 10, t, speed(node.seed, 0)), netout: rate(node.seed, 11, t, speed(node.seed, 1)) };
}

export function storageUse(storage, node, t) {
  const seed = hash(storage.seed, storage.shared ? 0 : node.seed);
  return Math.floor(storage.maxdisk * (0.1 + 0.7 * unit(seed, 1) + 0.01 * wave(seed, 2, t, DAY)));
}

// Pressure stall figures of version 9: mostly nothing.
export function pressure(seed, t, k) {
  const value = share(seed + k, t, 0.02) * 10 - 0.1;
  return value > 0 ? Math.round(value * 100) / 100 : 0;
}
