// dispatch_faults: targets that fail, each in its own way and all at once (FEATURES J48): every operation ends within its limit, with
// an error of its own. Most of the minute and a half is waiting for the limits of a silent machine and of a prompt.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { startDispatch } from './lib/dispatch.mjs';
import { sleep, until } from './lib/server.mjs';
import { freePort, startSshd } from './lib/sshd.mjs';

const LATE_MS = 15000; // of a busy machine, with two more tries and their pauses

/** A listener that takes connections and says nothing. */
async function startSilent(t) {
  const sockets = new Set();
  const server = net.createServer((socket) => { sockets.add(socket); socket.on('error', () => {}); });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address().port;
}

test('each way to fail has its own error, within its own limit', { timeout: 240000 }, async (t) => {
  const sshd = await startSshd(t, { lines: ['PasswordAuthentication yes'] });
  const hanging = await startSshd(t);
  const prompts = await startSshd(t, { lines: ['ForceCommand $DIR/bin/prompts'] });
  fs.writeFileSync(prompts.file('bin', 'prompts'), '#!/bin/sh\nprintf "Welcome\\nlogin> "\nsleep 1000\n', { mode: 0o755 });
  const vos = await startSshd(t, { lines: ['ForceCommand $DIR/bin/vos'] });
  vos.set('hangs');
  for (const it of [sshd, hanging]) {
    it.set('stays', process.pid); // the journal is followed as long as this test lives
    it.set('journal', '');
  }
  const { add, call, ended } = await startDispatch(t, sshd);
  const at = (it) => ({ port: it.port, host_key: it.fingerprint, auth: { kind: 'key', private_key: it.key } });
  const ways = {
    refused: { form: { port: await freePort() }, type: 'ssh_test', within: 3000, error: /^SSH to refused failed while connecting \(a firewall\?\): /, },
    silent: { form: { port: await startSilent(t) }, type: 'ssh_test', within: 63000, error: /^SSH to silent failed while waiting for the server's first words: / },
    password: { form: { auth: { kind: 'password', password: 'not the password' } }, type: 'ssh_test', within: 30000, error: /^password does not let root in: / },
    prompt: { form: { ...at(prompts), platform: 'vos', service: 'Cisco Tomcat' }, type: 'service_restart', within: 91000, error: /login>/ },
    hang: { form: { ...at(vos), platform: 'vos', service: 'Cisco Tomcat' }, type: 'service_restart', within: 91000, error: /prompt/ },
    slow: { form: at(hanging), type: 'logs', within: 62000, error: /timed out while running the command|did not finish it within/ },
    cut: { form: {}, type: 'logs', within: 10000, error: /^The link to cut was lost while it ran: / },
  };
  const ends = {};
  await Promise.all(Object.entries(ways).map(async ([name, way]) => {
    const id = await add({ name, ...way.form });
    const from = performance.now();
    const answer = await call('POST', `/api/v1/targets/${id}/operations`, { type: way.type });
    assert.equal(answer.status, 202, answer.text);
    if (name === 'cut') {
      await until('it to run', () => sshd.calls().includes('journal'), { within: 20000 });
      await sleep(300);
      sshd.cut();
    }
    const end = await ended(answer.json.operation_id, way.within + LATE_MS);
    ends[name] = { ...end, took: performance.now() - from };
    assert.equal(end.status, 'failed', `${name}: ${JSON.stringify(end)}`);
    assert.match(end.error, way.error, name);
    const again = await call('POST', `/api/v1/targets/${id}/operations`, { type: way.type });
    assert.equal(again.status, 202, `${name}: the target is free again`);
    await call('POST', `/api/v1/operations/${again.json.operation_id}/cancel`);
  }));
  t.diagnostic(`measured ${Object.entries(ends).map(([name, it]) => `${name} ${(it.took / 1000).toFixed(0)} s`).join(', ')}`);
  const errors = Object.entries(ends).map(([name, it]) => it.error.replaceAll(name, 'X'));
  assert.equal(new Set(errors).size, errors.length, errors.join('\n'));
});
