// dispatch: a server with one target at an sshd of the test, and what is asked of both all the time.

import assert from 'node:assert/strict';
import { startServer, until } from './server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];

/** A server with one target at that sshd, its host key confirmed unless it is said. */
export async function startDispatch(t, sshd, { form = {}, confirm = true, args = [], ...options } = {}) {
  const server = await startServer(t, { args: [...OPEN, ...args], ...options });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, path, body, as = { key }) => server.request(method, path, { ...as, body });
  const add = async (more) => {
    const added = await call('POST', '/api/v1/targets', {
      name: 'web3', host: '127.0.0.1', port: sshd.port, username: 'root', sudo: true, service: 'nginx.service',
      auth: { kind: 'key', private_key: sshd.key }, ...(confirm ? { host_key: sshd.fingerprint } : {}), ...form, ...more,
    });
    assert.equal(added.status, 201, added.text);
    return added.json.id;
  };
  const id = await add();
  const begin = (type, service, as) => call('POST', `/api/v1/targets/${id}/operations`, service ? { type, params: { service } } : { type }, as);
  const one = async (operation) => (await call('GET', `/api/v1/operations/${operation}`)).json;
  const ended = (operation, within = 30000) => until('its end', async () => {
    const it = await one(operation);
    return it.completed_at && it;
  }, { within, every: 50 });
  const done = async (type, service) => {
    const answer = await begin(type, service);
    assert.equal(answer.status, 202, answer.text);
    return ended(answer.json.operation_id);
  };
  const output = async (operation) => {
    let text = '';
    for (let from = 0; from !== null;) {
      const page = (await call('GET', `/api/v1/operations/${operation}/output?from=${from}`)).json;
      text += page.pieces.map((piece) => piece.text).join('');
      from = page.next;
    }
    return text;
  };
  return { server, admin, key, call, add, id, begin, one, ended, done, output, target: async () => (await call('GET', '/api/v1/targets')).json.targets[0] };
}
