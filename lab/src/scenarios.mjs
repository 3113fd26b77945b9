// scenarios: the fleets that have a name. A file with the same shape is one, too.

import fs from 'node:fs';

const MIXED = ['6.2', '7.4', '8.4', '9.0', '9.2'];

// Six servers to look at: a cluster of three, three alone; one flaps, one has a wrong token.
function demo() {
  return {
    clusters: [
      { name: 'DEMO-home', version: '9.2', pools: ['production', 'lab'], nodes: ['demo-1', 'demo-2', 'demo-3'], listen: 'all', guests: 17 },
      { name: 'DEMO-office', standalone: true, version: '8.4', nodes: ['demo-office'], guests: 15 },
      { name: 'DEMO-branch', standalone: true, version: '9.0', nodes: ['demo-branch'], guests: 8 },
      { name: 'DEMO-old', standalone: true, version: '7.4', nodes: ['demo-old'], guests: 6, token: 'wrong' },
    ],
    faults: [
      { kind: 'refused', target: 'DEMO-branch', on: 20_000, off: 70_000 },
      { kind: 'slow', target: 'DEMO-office', ms: 250, jitter: 200 },
    ],
  };
}

function small() {
  return {
    clusters: [
      { name: 'alpha', version: '9.2', nodes: 2, guests: 4, pools: ['web'] },
      { name: 'solo', standalone: true, version: '8.4', nodes: ['solo'], guests: 3 },
    ],
  };
}

// One of each version, with whatever differs between them.
function versions() {
  return {
    clusters: MIXED.map((version) => ({
      name: `v${version.replace('.', '')}`, version, nodes: 2, pools: ['pool-1'],
      guests: [
        { vmid: 100, type: 'qemu', node: 'pve1', status: 'running' }, { vmid: 101, type: 'lxc', node: 'pve1', status: 'running' },
        { vmid: 102, type: 'qemu', node: 'pve2', status: 'stopped' }, { vmid: 103, type: 'lxc', node: 'pve2', status: 'stopped' },
        { vmid: 104, type: 'qemu', node: 'pve1', template: true }, { vmid: 105, type: 'qemu', node: 'pve1', status: 'running', ha: true },
      ],
    })),
  };
}

function scale() {
  const clusters = Array.from({ length: 50 }, (_, i) => ({ name: `c${String(i + 1).padStart(2, '0')}`, version: MIXED[i % 5], nodes: 20, guests: 75, listen: 1 }));
  return { clusters, certificates: 8 };
}

// A thousand servers of one node each, for the bench of the checks.
function thousand(count = 1000, guests = 20) {
  const clusters = Array.from({ length: count }, (_, i) => ({ name: `s${String(i + 1).padStart(4, '0')}`, standalone: true, version: '9.2', nodes: ['pve'], guests }));
  return { clusters, certificates: 8 };
}

export const SCENARIOS = { demo, small, versions, scale, thousand };

// A name, the path of a file, or the scenario itself.
export function scenarioOf(wish) {
  if (typeof wish === 'object') return wish;
  if (Object.hasOwn(SCENARIOS, wish)) return SCENARIOS[wish]();
  const many = /^servers:(\d+)(?::(\d+))?$/.exec(wish);
  if (many) return thousand(Number(many[1]), Number(many[2] ?? 20));
  return JSON.parse(fs.readFileSync(wish, 'utf8'));
}
