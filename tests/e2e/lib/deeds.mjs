// deeds: a Binnacle with targets at a real sshd, and pages of it, for tests of operations over SSH in the browser.
//
//   const desk = await startDesk(t, browser, sshd, { count: 1 });
//   const page = await desk.open('ada', `/targets/${desk.ids[0]}`);

import assert from 'node:assert/strict';
import { args, live, login } from './page.mjs';
import { startServer, until } from './server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];

export const formOf = (sshd, more = {}) => ({
  name: 'web3', host: '127.0.0.1', port: sshd.port, username: 'root', service: 'nginx.service',
  auth: { kind: 'key', private_key: sshd.key }, host_key: sshd.fingerprint, ...more,
});

/** A server with so many targets at that sshd, web3 alone or web0 and on; form(i) changes one. */
export async function startDesk(t, browser, sshd, { count = 1, form = () => ({}), more = [], ...options } = {}) {
  const server = await startServer(t, { args: [...OPEN, ...args, ...more], ...options });
  server.options.listen = `127.0.0.1:${server.port}`; // started again it is where its pages look for it
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, path, body, as = { key }) => server.request(method, path, { ...as, body });
  const ids = [];
  for (let i = 0; i < count; i++) {
    const added = await call('POST', '/api/v1/targets', formOf(sshd, { ...(count > 1 ? { name: `web${i}` } : {}), ...form(i) }));
    assert.equal(added.status, 201, added.text);
    ids.push(added.json.id);
  }
  const one = async (id) => (await call('GET', `/api/v1/operations/${id}`)).json;
  const begin = (type = 'service_restart', service, id = ids[0]) => call('POST', `/api/v1/targets/${id}/operations`, service ? { type, params: { service } } : { type });
  const ended = (id, within = 30000) => until('its end', async () => {
    const it = await one(id);
    return it.completed_at && it;
  }, { within, every: 50 });
  const list = async (query = '') => (await call('GET', `/api/v1/operations${query}`)).json.operations;
  /** A page in a context of its own, as two people have it; `browser` is another one than the first. */
  const open = async (name, path, how = {}) => {
    const page = await (how.browser ?? browser).open(server.origin, { path: '/login', ...how });
    if (!how.context) {
      await page.waitForSelector('input[name=username]');
      await login(page, name);
    }
    await page.goto(server.origin + path);
    await page.waitForSelector(live);
    return page;
  };
  return { server, admin, key, call, ids, one, begin, ended, list, open };
}

/** Frames a page sends and gets, as objects; from the connections it opens from now on. */
export function tapFrames(page) {
  const tap = { sent: [], got: [], sockets: 0 };
  page.on('websocket', (socket) => {
    if (!socket.url().includes('/api/v1/live')) return;
    tap.sockets += 1;
    const take = (list) => ({ payload }) => {
      for (const line of String(payload).split('\n')) if (line) list.push({ ...JSON.parse(line), at: performance.now() });
    };
    socket.on('framesent', take(tap.sent));
    socket.on('framereceived', take(tap.got));
  });
  return tap;
}

export const restart = (page) => page.locator('button.restart').first();
export const sheet = 'dialog.op-sheet';
export const toast = (page, text) => page.locator('.toast', { hasText: text });

/** Asks for a restart and says yes; the time of the click that said it. */
export async function confirm(page, button = restart(page)) {
  await button.click();
  const yes = page.locator('dialog.deed-ask button[type=submit]:not([disabled])');
  await yes.waitFor();
  const at = performance.now();
  await yes.click();
  return at;
}

export async function closed(page) {
  await page.clean();
  await page.context().close();
}
