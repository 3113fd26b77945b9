// hostile_targets: hostile services, accounts, hosts and ports (SECURITY A24), by every way that takes one: none comes in, the SSH
// server hears of none, what it is told are the same commands as ever, and no process of Binnacle executes a program.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { startDispatch } from './lib/dispatch.mjs';
import { listen } from './lib/live.mjs';
import { makeFolder, sleep, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';
import { CORPUS, GOOD } from './lib/target_corpus.mjs';

/** An sshd that keeps what it was asked to execute, and every script it was given. */
const RECORDS = `#!/bin/sh
printf '%s\\n' "$SSH_ORIGINAL_COMMAND" >>"$STATE/executed"
[ "$SSH_ORIGINAL_COMMAND" = sh ] || exec sh -c "$SSH_ORIGINAL_COMMAND"
script=$(mktemp "$STATE/script.XXXXXX")
cat >"$script"
exec sh "$script"
`;
const TYPES = ['ssh_test', 'service_status', 'logs', 'service_restart'];
const shown = (value) => JSON.stringify(value).slice(0, 100);

/** The commands and scripts an sshd was given until all is done, with ids for ID; each once. */
async function told(sshd) {
  const state = sshd.file('state');
  await until('its last session to end', () => sshd.sessions().length === 0, { within: 20000 });
  const executed = fs.existsSync(sshd.file('state', 'executed')) ? fs.readFileSync(sshd.file('state', 'executed'), 'utf8').split('\n').filter(Boolean) : [];
  const files = fs.readdirSync(state).filter((name) => name.startsWith('script.'));
  const scripts = files.map((name) => fs.readFileSync(path.join(state, name), 'utf8').replaceAll(/\/[\w-]{22}"/g, '/ID"'));
  for (const name of [...files, 'executed']) fs.rmSync(path.join(state, name), { force: true });
  return { executed: [...new Set(executed)].sort(), scripts: [...new Set(scripts)].sort() };
}

test('three hundred hostile values: none taken, nothing sent, nothing executed', { timeout: 300000 }, async (t) => {
  const sshd = await startSshd(t, { lines: ['ForceCommand $DIR/bin/records'] });
  fs.writeFileSync(sshd.file('bin', 'records'), RECORDS, { mode: 0o755 });
  const trace = path.join(makeFolder('binnacle-trace-'), 'trace');
  t.after(() => fs.rmSync(path.dirname(trace), { recursive: true, force: true }));
  const { server, key, call, id, done } = await startDispatch(t, sshd, {
    wrap: ['strace', '-DD', '-f', '-qqq', '-e', 'trace=execve,execveat', '-e', 'signal=none', '-o', trace], within: 60000,
  });
  // The process that speaks SSH tries once whether it is confined: of nothing, and that is refused.
  const executed = () => fs.readFileSync(trace, 'utf8').split('\n').filter((line) => /\bexecve(at)?\(/.test(line) && !/execve\(NULL, NULL, NULL\) += -1 EPERM/.test(line));
  assert.equal(executed().length, 1, 'the server itself, and that is seen');
  const form = (more) => ({ name: 'new', host: '127.0.0.1', port: sshd.port, username: 'root', auth: { kind: 'password', password: 'x' }, ...more });
  const vos = (await call('POST', '/api/v1/targets', form({ name: 'vos', platform: 'vos', service: 'Cisco Tomcat' }))).json.id;

  for (const type of TYPES) assert.equal((await done(type)).status, 'completed', type);
  const before = await told(sshd);
  assert.deepEqual(before.executed, ['journalctl --no-pager --lines=200 --unit=nginx.service', 'sh', 'systemctl status --no-pager --lines=20 nginx.service', 'uname -sr'].sort());
  assert.ok(before.scripts.some((text) => text.includes('\nsudo -n systemctl restart nginx.service\n')), before.scripts.join('\n---\n'));
  const logins = () => (sshd.log.match(/Accepted /g) ?? []).length;
  const had = logins();
  const was = (await call('GET', '/api/v1/targets')).json.targets;
  const began = (await call('GET', '/api/v1/operations')).json.total;

  const wrong = [];
  let asked = 0;
  const refuse = async (what, method, where, body, fields) => {
    asked++;
    const answer = await call(method, where, body);
    const field = answer.json?.error?.field ?? null;
    // What is no text (a NUL, half a character, a control byte in a query) is refused before there are fields; a batch says it of each target.
    const isByField = answer.status === 400 && (fields.includes(field) || (field === null && /\\u00|\\ud83d|e\+300|%[01]|%7F/.test(JSON.stringify(body ?? where))));
    const isTooBig = answer.status === 413 && String(Object.values(body?.params ?? body ?? {})).length >= 2000;
    const isByTarget = answer.status === 409 && answer.json.targets?.length === 1 && answer.json.targets[0].status === 'refused' && answer.json.operation_id === null;
    if (!isByField && !isByTarget && !isTooBig) wrong.push(`${what}: ${answer.status} ${answer.text.slice(0, 150)}`);
  };
  const values = Object.values(CORPUS).flat().length;
  assert.ok(values >= 300, `${values} values`);
  for (const [kind, list] of Object.entries(CORPUS)) {
    const field = kind === 'vos' ? 'service' : kind;
    const more = kind === 'vos' ? { platform: 'vos' } : {};
    for (const [value, why] of list) {
      const what = `${kind} ${shown(value)}, ${why}`;
      await refuse(`new: ${what}`, 'POST', '/api/v1/targets', form({ ...more, [field]: value }), [field]);
      await refuse(`changed: ${what}`, 'PATCH', `/api/v1/targets/${kind === 'vos' ? vos : id}`, { [field]: value, auth: { kind: 'password', password: 'x' } }, [field]);
      if (field !== 'service') continue;
      const on = kind === 'vos' ? vos : id;
      for (const type of kind === 'vos' ? ['service_restart'] : TYPES.slice(1)) await refuse(`${type}: ${what}`, 'POST', `/api/v1/targets/${on}/operations`, { type, params: { service: value } }, ['params.service']);
      await refuse(`batch: ${what}`, 'POST', '/api/v1/operations/batch', { type: 'service_restart', target_ids: [on], params: { service: value } }, ['params.service', 'target_ids']);
      if (!/[\ud800-\udfff]/.test(value) && value.length < 4000) await refuse(`actions: ${what}`, 'GET', `/api/v1/targets/${on}/actions?service=${encodeURIComponent(value)}`, undefined, ['service']);
    }
  }
  assert.deepEqual(wrong, [], `${wrong.length} of ${asked}`);

  // Nothing is begun over either socket, whatever is said there: a start is a request.
  const socket = io(server.origin, { transports: ['websocket'], forceNew: true, auth: { token: key } });
  t.after(() => socket.disconnect());
  await new Promise((resolve, reject) => { socket.on('connect', resolve); socket.on('connect_error', reject); });
  for (const [value] of [...CORPUS.service, ...CORPUS.host].filter(([it]) => it.length < 4000)) {
    socket.emit('operation:start', { type: 'service_restart', targetId: id, service: value });
    socket.emit('service_restart', value, id);
    socket.emit('subscribe:connection', value);
  }
  let live = null;
  for (const [value] of CORPUS.service.filter(([it]) => it.length < 4000)) {
    if (!live || live.close || live.gone) live = await listen(server, { key });
    live.say({ t: 'sub', id: 10, topics: [[`work.output/${value}`]] });
    // Not text at all (half a character): the connection ends; anything else is answered with an error.
    await until(`an answer about ${shown(value)}`, () => live.close || live.messages.length > 1);
    assert.ok(live.close || live.messages.pop().error, shown(value));
    await sleep(25); // it may say 50 messages a second
  }
  live.destroy();
  const wild = await listen(server, { key });
  wild.say({ t: 'operate', id: 1, type: 'service_restart', target: id, service: '$(id)' });
  wild.say({ t: 'sub', id: 99, topics: [['work.operations']] });
  await wild.heard((it) => it.t === 'sub' && it.id === 99);
  wild.destroy();

  // Nor by a file: the columns of servers are judged as they are, and no program is asked.
  for (const [value] of CORPUS.host) {
    if (typeof value !== 'string' || value.length > 4000 || /[\u0000\ud800-\udfff]/.test(value)) continue;
    const cell = (text) => `"${String(text).replaceAll('"', '""')}"`;
    const row = `name,host,port,api_token\nx,${cell(value)},8006,root@pam!x=00000000-0000-0000-0000-000000000000\n`;
    const answer = await server.request('POST', '/api/v1/servers/import?dry_run=1', { key, body: row, headers: { 'Content-Type': 'text/csv' } });
    if (answer.status !== 200) continue;
    for (const it of answer.json.rows) if (it.errors.length === 0) assert.match(it.host, /^[A-Za-z0-9_][\w.:-]*$/, shown(value));
  }

  assert.deepEqual((await call('GET', '/api/v1/targets')).json.targets, was);
  assert.equal((await call('GET', '/api/v1/operations')).json.total, began);
  assert.equal(logins(), had, 'nobody logged in meanwhile');
  assert.deepEqual(await told(sshd), { executed: [], scripts: [] });
  for (const type of TYPES) assert.equal((await done(type)).status, 'completed', type);
  assert.deepEqual(await told(sshd), before);

  // And what is good is taken.
  for (const [kind, list] of Object.entries(GOOD)) {
    for (const value of list) {
      const added = await call('POST', '/api/v1/targets', form({ [kind === 'vos' ? 'service' : kind]: value, ...(kind === 'vos' ? { platform: 'vos' } : {}) }));
      assert.equal(added.status, 201, `${kind} ${shown(value)}: ${added.text}`);
      assert.equal((await call('DELETE', `/api/v1/targets/${added.json.id}`)).status, 204);
    }
  }
  assert.equal(executed().length, 1, executed().slice(1).join('\n'));
  assert.ok(!fs.existsSync('/tmp/owned'));
  t.diagnostic(`measured ${values} hostile values in ${asked} requests, ${began} operations before and after`);
});
