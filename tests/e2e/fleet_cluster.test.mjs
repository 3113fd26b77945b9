// fleet_cluster: several members of one cluster in the registry, against the lab.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { startServer, until } from './lib/server.mjs';

const CHECK = '/api/v1/servers/health-check?wait=1';

test('three members of a cluster: its guests once, also while the first of them is away', async (t) => {
  const scenario = { clusters: [{ name: 'alpha', version: '9.2', nodes: 3, guests: 2, listen: 'all' }, { name: 'solo', standalone: true, version: '8.4', nodes: ['solo'], guests: 3 }] };
  const lab = await startLab({ scenario, timing: { tick: 200, cache: 50 } });
  t.after(() => lab.stop());
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = async (method, target, body, status = 200) => {
    const answer = await server.request(method, target, { key, body });
    assert.equal(answer.status, status, answer.text);
    return answer.json;
  };
  const members = lab.servers.filter((it) => it.cluster === 'alpha');
  assert.equal(members.length, 3);
  const ids = [];
  for (const it of lab.servers) {
    const form = { name: `${it.cluster}-${it.name}`, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint };
    ids.push((await call('POST', '/api/v1/servers', form, 201)).id);
    await until('its check', async () => (await call('GET', '/api/v1/servers')).servers.every((s) => s.connection_status === 'online'));
  }
  const home = ids[0];
  const rows = async () => (await call('GET', '/api/v1/vms')).vms;
  const vms = await until('each guest once', async () => {
    const now = await rows();
    return now.length === 9 && now;
  });
  assert.deepEqual(new Set(vms.map((vm) => `${vm.server_id}/${vm.vmid}`)).size, 9);
  assert.equal(vms.filter((vm) => vm.server_id === home).length, 6);
  const { servers } = await call('GET', '/api/v1/servers');
  const underOf = (id) => servers.find((s) => s.id === id).listed_under;
  assert.deepEqual(ids.map(underOf), [null, home, home, null]);
  assert.equal((await call('GET', `/api/v1/vms?server_id=${ids[1]}`)).vms.length, 6, 'asked for one member, the cluster is meant');
  // One member speaks: the others are not asked for the listing.
  await lab.control.forget();
  await call('POST', CHECK);
  await until('a listing', async () => (await lab.control.requests({})).some((one) => one.target.includes('/cluster/resources')));
  const listed = (await lab.control.requests({})).filter((one) => one.target.includes('/cluster/resources'));
  assert.ok(listed.every((one) => one.node === `alpha/${members[0].name}` || one.node.startsWith('solo/')), JSON.stringify(listed));

  // The home goes; what changes in the cluster is seen all the same, under the same id.
  const guest = vms.find((vm) => vm.server_id === home && vm.status === 'running' && vm.node !== members[0].name);
  await lab.control.fault('refused', `alpha/${members[0].name}`);
  await call('POST', CHECK);
  await lab.control.guest('alpha', guest.vmid, { name: 'seen-by-another' });
  await call('POST', CHECK);
  await until('another member to tell', async () => {
    const now = await rows();
    assert.equal(now.length, 9, 'neither a gap nor a double');
    return now.find((vm) => vm.id === guest.id).name === 'seen-by-another';
  }, { within: 15000 });
  const away = (await call('GET', '/api/v1/servers')).servers.find((s) => s.id === home);
  assert.equal(away.connection_status, 'offline');
  const history = await call('GET', `/api/v1/servers/${home}/nodes/${guest.node}/${guest.type}/${guest.vmid}/rrd?range=day`);
  assert.ok(history.points.length > 100 && history.step_s === 60 && history.points.some((one) => one.cpu > 0));
});
