// one_port: an operation over SSH begun and followed live where nothing but the port of a proxy is open (FEATURES J49): the page's
// own connection, an event stream and the unmodified socket.io-client by both its wires, all through nginx as docs/operations.md has it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { startDispatch } from './lib/dispatch.mjs';
import { EventStream } from './lib/events.mjs';
import { CLIENT, NAME, snippets, startProxy } from './lib/proxies.mjs';
import { PASSWORD, cookieOf, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LISTENS = '0A';

/** The TCP ports on which a process listens, of both families. */
function portsOf(pid) {
  const inodes = new Set(fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
    } catch {
      return null; // closed meanwhile
    }
  }));
  const lines = ['tcp', 'tcp6'].flatMap((name) => fs.readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1));
  return lines.map((line) => line.trim().split(/\s+/)).filter((words) => words[3] === LISTENS && inodes.has(words[9])).map((words) => parseInt(words[1].split(':')[1], 16));
}

test('begun and followed through nginx, by every wire there is, and no other port is open', { timeout: 120000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('slow', 2);
  const { server, key, id } = await startDispatch(t, sshd);
  fs.writeFileSync(path.join(server.data, 'binnacle.conf'), snippets('ini')[0]);
  server.kill('SIGHUP');
  await until('the settings to be taken', () => /config\.reload file=/.test(server.log));
  const site = await startProxy(t, 'nginx', server, { isOwn: true });
  assert.deepEqual(portsOf(server.serverPid), [server.port], 'one port, whatever is spoken');

  const cookie = cookieOf(await site.request('POST', '/api/v1/session', { body: { username: 'ada', password: PASSWORD } }));
  const heard = { live: [], events: null, websocket: [], polling: [] };
  const socket = new WebSocket(`wss://127.0.0.1:${site.port}/api/v1/live`, 'live.1', {
    headers: { Cookie: cookie, Host: site.authority }, origin: site.origin, servername: NAME, ca: site.cert, checkServerIdentity: () => undefined, localAddress: CLIENT,
  });
  t.after(() => socket.terminate());
  socket.on('message', (data) => { for (const line of data.toString().split('\n')) if (line) heard.live.push(JSON.parse(line)); });
  await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
  socket.send(`{"t":"hello","v":1}\n${JSON.stringify({ t: 'sub', id: 1, topics: [['work.operations']] })}\n`);
  await until('the list', () => heard.live.some((one) => one.t === 'sub'));
  heard.events = await EventStream.open(site.port, '/api/v1/events?topic=work.operations', { Cookie: cookie, Host: site.authority }, () => site.dial());
  t.after(() => heard.events.close());
  for (const wire of ['websocket', 'polling']) {
    const client = io(`https://127.0.0.1:${site.port}`, { transports: [wire], forceNew: true, auth: { token: key }, extraHeaders: { Host: site.authority }, rejectUnauthorized: false, servername: NAME });
    t.after(() => client.disconnect());
    client.on('operation:update', (told) => heard[wire].push(told.operation));
    await new Promise((resolve, reject) => { client.on('connect', resolve); client.on('connect_error', reject); });
    assert.equal(await client.emitWithAck('subscribe:connection', id), 'ok');
  }

  const begun = await site.request('POST', `/api/v1/targets/${id}/operations`, { cookie, body: { type: 'service_restart' } });
  assert.equal(begun.status, 202, begun.text);
  const operation = begun.json.operation_id;
  socket.send(`${JSON.stringify({ t: 'sub', id: 2, topics: [[`work.output/${operation}`]] })}\n`);
  await until('its first line, while it runs', () => JSON.stringify(heard.live).includes('Stopping nginx.service'), { within: 15000 });
  assert.equal((await site.request('GET', `/api/v1/operations/${operation}`, { cookie })).json.completed_at, null);
  const progress = {
    live: () => heard.live.map((one) => one.p?.operations?.[operation]?.progress).filter((it) => it !== undefined),
    events: () => heard.events.events.map((one) => JSON.parse(one.data).p?.operations?.[operation]?.progress).filter((it) => it !== undefined),
    websocket: () => heard.websocket.filter((one) => one.id === operation).map((one) => one.progress),
    polling: () => heard.polling.filter((one) => one.id === operation).map((one) => one.progress),
  };
  for (const [wire, steps] of Object.entries(progress)) {
    await until(`its end by ${wire}`, () => steps().at(-1) === 100, { within: 40000 });
    const told = steps();
    assert.deepEqual(told, [...told].sort((a, b) => a - b), `${wire}: it never falls`);
    assert.ok(told.includes(50) && told.includes(90), `${wire}: as it happens: ${told}`);
  }
  const end = (await site.request('GET', `/api/v1/operations/${operation}`, { cookie })).json;
  assert.deepEqual([end.status, end.created_by], ['completed', 'ada']);
  const audit = (await site.request('GET', '/api/v1/audit', { cookie })).json;
  assert.ok(JSON.stringify(audit).includes(CLIENT), 'and who it was for is known by his own address');
  assert.deepEqual(portsOf(server.serverPid), [server.port]);
});
