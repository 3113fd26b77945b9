// summary: the whole fleet in a dozen numbers; servers and nodes are counted here, the rest the server sums up.

import type { Node, Server, Summary } from '../model.gen';
import { settledOf, type ServerState } from './servers';

export interface Fleet {
  servers: number;
  states: Partial<Record<ServerState, number>>;
  online: number;  // they answer, whatever else is wrong
  nodesOnline: number;
  nodesOffline: number;
  nodesUnknown: number; // whoever would know does not answer
  running: number | undefined;
  stopped: number | undefined;
  guests: number | undefined;
  cpuPct: number | undefined;
  memUsed: number | undefined;
  memTotal: number | undefined;
  storageUsed: number | undefined;
  storageTotal: number | undefined;
}

const add = (...parts: (number | null | undefined)[]): number | undefined => {
  const known = parts.filter((p): p is number => p != null);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
};

/** Of both kinds; where of one nothing is known, none of the other does not make it none. */
const both = (a: number | null | undefined, b: number | null | undefined): number | undefined => {
  const sum = add(a, b);
  return sum === 0 && (a == null || b == null) ? undefined : sum;
};

export function fleetOf(servers: readonly Server[], nodes: readonly Node[], down: ReadonlyMap<string, number>, s: Summary | undefined): Fleet {
  const states: Fleet['states'] = {};
  for (const server of servers) {
    const state = settledOf(server, down.get(server.id ?? '') ?? 0);
    states[state] = (states[state] ?? 0) + 1;
  }
  const up = nodes.filter((n) => n.status === 'online' && !n.is_stale);
  // While the sums have not come: what the nodes themselves say.
  const cores = add(...up.map((n) => (n.cpu === undefined ? undefined : n.maxcpu)));
  const busy = add(...up.map((n) => (n.cpu === undefined || n.maxcpu === undefined ? undefined : n.cpu * n.maxcpu)));
  return {
    servers: servers.length,
    states,
    online: (states.online ?? 0) + (states.degraded ?? 0) + (states.flapping ?? 0),
    nodesOnline: up.length,
    nodesOffline: nodes.filter((n) => n.status === 'offline').length,
    nodesUnknown: nodes.filter((n) => n.status !== 'offline').length - up.length,
    running: both(s?.vms_running, s?.containers_running),
    stopped: both(s?.vms_stopped, s?.containers_stopped),
    guests: add(s?.vms_total, s?.containers_total),
    cpuPct: s?.cpu_pct ?? (busy === undefined || !cores ? undefined : (busy / cores) * 100),
    memUsed: s?.mem_used ?? add(...up.map((n) => n.mem)),
    memTotal: s?.mem_total ?? add(...up.map((n) => n.maxmem)),
    storageUsed: s?.storage_used ?? undefined,
    storageTotal: s?.storage_total ?? undefined,
  };
}

/** "1 host · 6 Proxmox · 80 VMs" */
export function countLine(fleet: Fleet): string {
  return ['1 host', fleet.servers > 0 ? `${fleet.servers} Proxmox` : '', fleet.guests ? `${fleet.guests.toLocaleString('en')} ${fleet.guests === 1 ? 'VM' : 'VMs'}` : ''].filter(Boolean).join(' · ');
}
