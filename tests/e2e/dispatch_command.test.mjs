// dispatch_command: what an administrator writes runs on a target, where that is allowed, with a real sshd.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { startDispatch as start } from './lib/dispatch.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

/** A server with a target, and run(command): what a command on it is answered. */
async function desk(t, { allowed = true, ...options } = {}) {
  const sshd = await startSshd(t);
  const it = await start(t, sshd, options);
  const run = (command, as) => it.call('POST', `/api/v1/targets/${it.id}/operations`, { type: 'command', params: { command } }, as);
  const allow = (yes, as) => it.call('PATCH', `/api/v1/targets/${it.id}`, { allows_commands: yes }, as);
  if (allowed) assert.equal((await allow(true)).status, 200);
  return { ...it, sshd, run, allow, ran: async (command) => it.ended((await run(command)).json.operation_id) };
}

test('commands are off until an administrator allows them on a target, and then they are administrators\' alone', { timeout: 60000 }, async (t) => {
  const { server, admin, call, id, run, allow, ended, target } = await desk(t, { allowed: false });
  const max = await server.addUser(admin, 'max', 'manager').then(() => server.login('max'));
  const vic = await server.addUser(admin, 'vic', 'viewer').then(() => server.login('vic'));
  const off = await run('id');
  assert.deepEqual([off.status, off.json.error.message], [403, 'no commands run on web3: an administrator allows them with allows_commands of the target']);
  assert.equal((await target()).allows_commands, false);
  const action = async (as) => (await call('GET', `/api/v1/targets/${id}/actions`, undefined, as)).json.actions.find((a) => a.type === 'command');
  assert.deepEqual(await action(), { type: 'command', action: 'command', command: null, needs_service: false, changes: true, allowed: false, estimated_duration_ms: 15000 });
  const byManager = await allow(true, { cookie: max.cookie });
  assert.deepEqual([byManager.status, byManager.json.error.field], [403, 'allows_commands']);
  const added = await call('POST', '/api/v1/targets', { name: 'web9', host: '127.0.0.1', username: 'root', auth: { kind: 'password', password: 'x' }, allows_commands: true }, { cookie: max.cookie });
  assert.deepEqual([added.status, added.json.error.field], [403, 'allows_commands']);

  assert.equal((await allow(true)).status, 200);
  assert.equal((await action()).allowed, true);
  for (const as of [max, vic]) {
    assert.equal((await run('id', { cookie: as.cookie })).status, 403);
    assert.equal((await action({ cookie: as.cookie })).allowed, false);
  }
  const operate = await server.makeKey(admin, 'operate');
  assert.equal((await run('id', { key: operate })).status, 403);
  assert.equal((await ended((await run('id')).json.operation_id)).status, 'completed');
  assert.equal((await allow(false)).status, 200);
  assert.equal((await run('id')).status, 403);
  const audit = (await call('GET', '/api/v1/audit')).json.audit;
  assert.ok(audit.some((entry) => entry.action === 'target.change' && entry.ok && /allows_commands/.test(entry.detail)));
  assert.deepEqual(audit.filter((entry) => entry.action === 'target.command' && entry.ok).map((entry) => [entry.object, entry.detail]), [['web3', 'id']]);
});

test('one line or several run as they were written: output, exit status, and the command in the record', { timeout: 90000 }, async (t) => {
  const { ran, run, output, call, id, sshd, ended } = await desk(t);
  const several = 'name="two words"\n\tfor i in 1 2; do\n  echo "$i: $name"; done >&2\necho \'it is $HOME\' "done"';
  const good = await ran(several);
  assert.deepEqual([good.status, good.type, good.command, good.exit_status, good.subject], ['completed', 'command', several, 0, 'web3'], JSON.stringify(good));
  assert.equal(good.message, 'It ended with status 0: it is $HOME done');
  assert.equal(await output(good.id), '1: two words\n2: two words\nit is $HOME done\n');
  const bad = await ran('echo before; exit 3');
  assert.deepEqual([bad.status, bad.error, bad.exit_status], ['failed', 'It ended with status 3: before', 3]);
  const absent = await ran('no_such_program_here');
  assert.deepEqual([absent.status, absent.exit_status], ['failed', 127]);
  assert.match(absent.error, /^There is no such command on web3: /);
  assert.equal((await ran(`${' '.repeat(506)}: end`.slice(0, 511))).status, 'completed');
  await until('its files to be gone', () => fs.readdirSync(sshd.file('home', '.binnacle')).length === 0);
  const refused = [['', /required/], [' \n ', /required/], ['a\rb', /control character 0x0D/], ['a\u001b[2J', /control character 0x1B/], ['x'.repeat(512), /params\.command/],
    ['echo a\nBINNACLE_ENDS_HERE\nreboot', /must not hold the line BINNACLE_ENDS_HERE/], ['BINNACLE_ENDS_HERE', /line BINNACLE_ENDS_HERE/]];
  for (const [command, message] of refused) {
    const answer = await run(command);
    assert.deepEqual([answer.status, answer.json.error?.field], [400, 'params.command'], `${JSON.stringify(command)}: ${answer.text}`);
    assert.match(answer.json.error.message, message);
  }
  const nul = await run('a\u0000b');
  assert.equal(nul.status, 400);
  assert.match(nul.json.error.message, /a NUL character is not allowed/);
  assert.equal((await ran('echo BINNACLE_ENDS_HERE; echo " BINNACLE_ENDS_HERE"')).status, 'completed', 'within a line it ends nothing');
  const other = await call('POST', `/api/v1/targets/${id}/operations`, { type: 'ssh_test', params: { command: 'reboot' } });
  assert.deepEqual([other.status, other.json.error.field], [400, 'params.command']);
  sshd.set('holds');
  const first = await run('while [ -f "$STATE/holds" ]; do sleep 0.1; done');
  const second = await run('echo another');
  assert.deepEqual([second.status, second.json.operation_id], [409, first.json.operation_id], 'one at a time');
  sshd.set('holds', null);
  await ended(first.json.operation_id);
});

test('killed while it runs, it goes on there, is found again and told to its end, and runs once', { timeout: 90000 }, async (t) => {
  const { server, sshd, run, one, ended, output } = await desk(t);
  sshd.set('holds');
  const command = 'echo ran >>"$STATE/ran"\necho begins\nwhile [ -f "$STATE/holds" ]; do sleep 0.1; done\necho ends\nexit 7';
  const operation = (await run(command)).json.operation_id;
  await until('its first line', async () => (await one(operation)).output === 'begins\n', { within: 10000 });
  await server.crash();
  await server.start();
  await until('it to be followed again', async () => (await one(operation)).output === 'begins\n', { within: 10000 });
  sshd.set('holds', null);
  const end = await ended(operation);
  assert.deepEqual([end.status, end.exit_status, end.command], ['failed', 7, command], JSON.stringify(end));
  assert.equal(await output(operation), 'begins\nends\n');
  assert.equal(fs.readFileSync(sshd.file('state', 'ran'), 'utf8'), 'ran\n');
});

test('on many at once it runs where it is allowed, and nowhere else, also when that is taken back while it waits', { timeout: 90000 }, async (t) => {
  const { call, add, id, sshd, ended, one } = await desk(t);
  const allowed = await add({ name: 'web4', allows_commands: true });
  const closed = await add({ name: 'web5' });
  sshd.set('holds');
  const answer = await call('POST', '/api/v1/operations/batch', { type: 'command', params: { command: 'echo ran >>"$STATE/ran"; while [ -f "$STATE/holds" ]; do sleep 0.1; done' }, target_ids: [id, allowed, closed], concurrency: 1 });
  assert.equal(answer.status, 202, answer.text);
  const [first, second, third] = answer.json.targets;
  assert.deepEqual([first.status, second.status, third.status], ['started', 'started', 'refused']);
  assert.match(third.message, /^no commands run on web5/);
  await until('the first to run', () => fs.existsSync(sshd.file('state', 'ran')), { within: 10000 });
  assert.equal((await call('PATCH', `/api/v1/targets/${allowed}`, { allows_commands: false })).status, 200);
  sshd.set('holds', null);
  assert.equal((await ended(first.operation_id)).status, 'completed');
  const end = await ended(second.operation_id);
  assert.equal(end.error, 'web4 was closed to commands before its turn came: nothing was done.');
  assert.equal(fs.readFileSync(sshd.file('state', 'ran'), 'utf8'), 'ran\n');
  await until('the batch to end', async () => (await one(answer.json.operation_id)).completed_at);
});
