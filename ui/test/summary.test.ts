import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countLine, fleetOf } from '../src/state/summary';

const none = new Map<string, number>();

test('servers are counted by what lists call them; degraded and flapping ones answer', () => {
  const f = fleetOf([
    { id: 'a', connection_status: 'online' }, { id: 'b', connection_status: 'online' }, { id: 'c', connection_status: 'offline' },
    { id: 'd', connection_status: 'online', is_flapping: true }, { id: 'e' }, { id: 'f', connection_status: 'online', is_active: false },
  ], [], new Map([['b', 1]]), undefined);
  assert.deepEqual(f.states, { online: 1, degraded: 1, offline: 1, flapping: 1, unknown: 1, disabled: 1 });
  assert.equal(f.online, 3);
  assert.equal(f.servers, 6);
});

test('without sums the nodes that are online say what they have; what nobody said is unknown, not nought', () => {
  const f = fleetOf([], [
    { status: 'online', cpu: 0.5, maxcpu: 8, mem: 4, maxmem: 8 }, { status: 'online', cpu: 0, maxcpu: 8, mem: 1, maxmem: 8 }, { status: 'offline', cpu: 1, maxcpu: 99, maxmem: 99 },
  ], none, undefined);
  assert.deepEqual([f.nodesOnline, f.nodesOffline, f.cpuPct, f.memUsed, f.memTotal], [2, 1, 25, 5, 16]);
  assert.deepEqual([f.running, f.stopped, f.guests, f.storageUsed], [undefined, undefined, undefined, undefined]);
  assert.equal(fleetOf([], [], none, undefined).cpuPct, undefined);
});

test('while nobody says what runs it is unknown, not nought', () => {
  const f = fleetOf([], [{ status: 'unknown' }, { status: 'online' }, { status: 'online', is_stale: true, cpu: 1, maxcpu: 4 }], none, { vms_running: null, vms_stopped: null, containers_running: 0, containers_stopped: 2 } as never);
  assert.deepEqual([f.running, f.stopped, f.nodesOnline, f.nodesUnknown, f.cpuPct], [undefined, 2, 1, 2, undefined]);
  assert.equal(fleetOf([], [], none, { vms_running: 0, containers_running: 0 }).running, 0);
});

test('the sums of the server come first', () => {
  const f = fleetOf([{ connection_status: 'online' }], [{ status: 'online', cpu: 1, maxcpu: 1 }], none,
    { vms_running: 60, vms_stopped: 4, vms_total: 64, containers_running: 16, containers_total: 16, cpu_pct: 12, storage_used: 1, storage_total: 2 });
  assert.deepEqual([f.running, f.stopped, f.guests, f.cpuPct, f.storageTotal], [76, 4, 80, 12, 2]);
  assert.equal(countLine(f), '1 host · 1 Proxmox · 80 VMs');
  assert.equal(countLine(fleetOf([], [], none, undefined)), '1 host');
});
