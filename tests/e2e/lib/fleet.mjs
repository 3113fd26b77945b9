// fleet: a lab of Proxmox VE servers, added to a Binnacle, for tests of pages about them.
//
//   const fleet = await startFleet(t, { scenario, timing });
//   fleet.ids.alpha      // the id of the server of that cluster
//   await fleet.api('GET', '/api/v1/vms');

import assert from 'node:assert/strict';
import { startLab } from '../../../lab/lib.mjs';
import { login, args as pageArgs } from './page.mjs';
import { Server, startServer, until } from './server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];

/** Two clusters whose guests have the same numbers: what belongs to one must never reach the other. */
export const TWINS = {
  clusters: [
    { name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: [
      { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running', tags: 'prod;front' },
      { vmid: 101, type: 'lxc', node: 'pve1', name: 'db', status: 'running', tags: 'prod' },
      { vmid: 102, type: 'qemu', node: 'pve1', name: 'spare', status: 'stopped', tags: null },
      { vmid: 103, type: 'qemu', node: 'pve1', name: 'frozen', status: 'paused', tags: null },
      { vmid: 900, type: 'qemu', node: 'pve1', name: 'golden', template: true },
    ] },
    { name: 'beta', standalone: true, version: '8.4', nodes: ['box'], guests: [
      { vmid: 100, type: 'qemu', node: 'box', name: 'web', status: 'running', tags: 'test' },
      { vmid: 102, type: 'qemu', node: 'box', name: 'spare', status: 'stopped' },
    ] },
  ],
};

export async function startFleet(t, { scenario = TWINS, timing = {}, tokens = {}, expectLog, base = '', args: more = [], env, via } = {}) {
  const lab = await startLab({ scenario, timing: { denied: 50, tick: 500, cache: 200, ...timing } });
  t.after(() => lab.stop());
  const args = [...OPEN, ...pageArgs, ...more, ...(base ? ['--base-path', base, '--trusted-proxies', '127.0.0.1/32'] : [])];
  const server = await startServer(t, { args, base, ...(env ? { env } : {}), ...(expectLog ? { expectLog } : {}) });
  if (base) server.request = function request(method, target, options) { return Server.prototype.request.call(this, method, base + target, options); };
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const api = (method, target, body) => server.api(method, target, { key, body });
  const ids = {};
  for (const it of lab.servers) {
    const token = tokens[it.cluster] ? it.tokens[tokens[it.cluster]] : it.token;
    const added = await api('POST', '/api/v1/servers', { name: it.cluster, host: it.host, port: via ? await via(it) : it.port, api_token: token, fingerprint: it.fingerprint, verify_ssl: false });
    ids[it.cluster] = added.id;
  }
  const check = () => api('POST', '/api/v1/servers/health-check?wait=1', {});
  await check();
  const vms = async () => (await api('GET', '/api/v1/vms')).vms;
  await until('the guests of every server', async () => {
    const have = new Set((await vms()).map((vm) => vm.server_id));
    return Object.values(ids).every((id) => have.has(id));
  });
  return { lab, server, admin, key, api, ids, check, vms, request: (method, target, body) => server.request(method, target, { key, body }) };
}

/** A page of it, logged in. */
export async function openPage(fleet, browser, path, options = {}) {
  const page = await browser.open(fleet.server.origin, { path: '/login', ...options });
  if (!options.context) {
    await page.waitForSelector('input[name=username]');
    await login(page);
  }
  await page.goto(fleet.server.origin + path);
  await page.waitForSelector('main h1, main .empty-title');
  return page;
}

export const statusOf = (lab, cluster, vmid) => lab.control.state()
  .then(({ clusters }) => clusters.find((c) => c.name === cluster || c.id === cluster))
  .then((c) => {
    assert.ok(c, `the lab has a cluster ${cluster}`);
    return c.guests.find((g) => g.vmid === vmid);
  });
