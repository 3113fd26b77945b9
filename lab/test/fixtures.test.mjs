// Every recorded answer against the lab's for the same request and version: the same keys, the same
// types of JSON.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test, before, after } from 'node:test';
import { openLab } from '../lib.mjs';
import { ask, root } from './raw.mjs';

const FOLDER = new URL('../../tests/fixtures/pve/', import.meta.url);
const INDEX = JSON.parse(fs.readFileSync(new URL('INDEX.json', FOLDER)));
const plain = { tags: null, pool: null };

const SCENARIO = {
  clusters: [
    {
      name: 'clustername', version: '7.4', nodes: ['node1', 'node2', 'node3', 'node4'], listen: 1,
      pools: [{ id: 'test-pool', comment: 'Test pool', storages: ['local'] }],
      storages: [{ name: 'local-zfs', plugin: 'zfspool', content: 'images,rootdir' }, { name: 'local', plugin: 'dir', content: 'backup,vztmpl,iso' },
        { name: 'cloud-init', plugin: 'dir', content: 'snippets' }],
      guests: [
        { vmid: 100, type: 'qemu', node: 'node2', status: 'running', tags: null, pool: 'test-pool' },
        { vmid: 101, type: 'qemu', node: 'node1', status: 'running', agent: true, spice: true, balloon: true, ...plain },
        { vmid: 102, type: 'qemu', node: 'node1', status: 'stopped', tags: 'go-proxmox+cloud-init', pool: null },
        { vmid: 103, type: 'qemu', node: 'node1', template: true, ...plain },
        { vmid: 106, type: 'lxc', node: 'node1', status: 'running', ...plain },
        { vmid: 107, type: 'lxc', node: 'node1', template: true, ...plain },
      ],
    },
    {
      name: 'eight', standalone: true, version: '8.4', nodes: ['node1'], pools: ['pool-1'],
      storages: [{ name: 'local', plugin: 'dir', content: 'vztmpl,snippets,iso,images,backup,rootdir' }],
      guests: [
        { vmid: 100, type: 'qemu', status: 'running', ...plain },
        { vmid: 101, type: 'lxc', status: 'stopped', tags: 'sarah-wiit;test;testtag', pool: 'pool-1' },
        { vmid: 111, type: 'lxc', status: 'running', tags: 'tag1;test', pool: null },
      ],
    },
    { name: 'nine', standalone: true, version: '9.2', nodes: ['node1'], guests: [{ vmid: 101, type: 'qemu', status: 'running' }, { vmid: 102, type: 'qemu', status: 'stopped' }] },
  ],
};

// What the lab is asked for: the recorded request, or what the record stands for.
const OTHER = {
  'pve7/qemu_rrddata_hour.json': '/nodes/node1/qemu/102/rrddata?timeframe=hour',
  'pve8/node_rrddata.json': '/nodes/node1/rrddata?timeframe=hour',
  'pve9/node_rrddata.json': '/nodes/node1/rrddata?timeframe=hour',
  'pve9/qemu_rrddata.json': ['/nodes/node1/qemu/101/rrddata?timeframe=month', '/nodes/node1/qemu/102/rrddata?timeframe=month'],
};
// Rows that their authors changed by hand.
const EDITED = { 'pve8/ha_status_current.json': 2 };
// What the lab may say more: a mock that left it out, an excerpt without the bridge that has it, a
// cluster without pools (ours has one for pool_members.json).
const MORE = {
  'pve7/cluster_resources_4nodes.json': ['pool'],
  'pve8/node_certificates_info_MOCK.json': ['public-key-type', 'public-key-bits'],
  'pve8/node_network_vlan.json': ['gateway'],
};

function typeOf(value) {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

// A text of the shape: keys in order, each with its type. Names of network devices hold a number.
function shape(value, skip = []) {
  if (typeOf(value) === 'array') {
    const inside = [...new Set(value.map((v) => shape(v, skip)))].sort();
    return `[${inside.join('|')}]`;
  }
  if (typeOf(value) !== 'object') return typeOf(value);
  const keys = Object.keys(value).filter((key) => !skip.includes(key)).sort();
  return `{${keys.map((key) => `${key.replace(/^tap\d+i\d+$/, 'tapNiN')}:${shape(value[key], skip)}`).join(',')}}`;
}

// Metrics are told apart by their resource.
function metricShapes(rows) {
  return rows.map((row) => `${row.id.split('/')[0]} ${row.metric} ${row.type} ${shape(row)}`);
}

let lab;
before(async () => { lab = await openLab({ scenario: SCENARIO }); });
after(() => lab.stop());

function serverOf(file) {
  const cluster = { pve7: 'clustername', pve8: 'eight', pve9: 'nine' }[file.split('/')[0]];
  return root(lab.servers.find((server) => server.cluster === cluster));
}

async function answers(record) {
  const server = serverOf(record.file);
  if (record.method === 'POST') {
    return [(await ask(server, 'POST', '/access/ticket', { token: null, body: 'username=root%40pam&password=lab-root' })).json];
  }
  const paths = [].concat(OTHER[record.file] ?? record.request.replace('/api2/json', ''));
  return Promise.all(paths.map(async (path) => {
    const answer = await ask(server, 'GET', path);
    assert.equal(answer.status, 200, `${path}: ${answer.reason}`);
    return answer.json;
  }));
}

for (const record of INDEX) {
  test(`${record.file} has the lab's shape`, async () => {
    const recorded = JSON.parse(fs.readFileSync(new URL(record.file, FOLDER)));
    const found = await answers(record);
    assert.equal(typeOf(found[0].data), typeOf(recorded.data));
    const skip = MORE[record.file] ?? [];
    if (record.file.includes('metrics_export')) {
      const [mine, theirs] = [found[0].data.data, recorded.data.data].map((rows) => new Set(metricShapes(rows)));
      assert.deepEqual([...mine].sort(), [...theirs].sort());
      return;
    }
    if (typeOf(recorded.data) !== 'array') {
      const [mine, theirs] = [found[0].data, recorded.data].map((data) => shape({ ...data, ...(data.ticket ? { clustername: '' } : {}) }, skip));
      assert.equal(mine, theirs);
      return;
    }
    const mine = new Set(found.flatMap((answer) => answer.data).map((row) => shape(row, skip)));
    for (const [i, row] of recorded.data.entries()) {
      if (EDITED[record.file] === i) continue;
      // A pool's members come in any number: their shapes count.
      assert.ok(mine.has(shape(row, skip)), `no row of the lab is like row ${i}:\n${shape(row, skip)}\nbut\n${[...mine].join('\n')}`);
    }
    const known = new Map();
    for (const row of recorded.data) for (const [key, value] of Object.entries(row)) known.set(key, (known.get(key) ?? new Set()).add(typeOf(value)));
    for (const row of found.flatMap((answer) => answer.data)) {
      for (const [key, value] of Object.entries(row)) {
        if (skip.includes(key)) continue;
        assert.ok(known.has(key), `${key} is in no recorded row`);
        assert.ok(known.get(key).has(typeOf(value)), `${key} is ${typeOf(value)}, recorded ${[...known.get(key)]}`);
      }
    }
  });
}
