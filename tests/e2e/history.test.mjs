// history: what is remembered of a server's checks, a try of a saved one, and "Why?", against the lab.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { startServer, until } from './lib/server.mjs';

const CHECK = '/api/v1/servers/health-check?wait=1';
const SECRET = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const formOf = (it) => ({ name: it.name, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint });

/** A server with both machines of the small lab's cluster, and check(id, times): six in a minute are one person's. */
async function start(t) {
  const lab = await startLab({ scenario: 'small', timing: { denied: 50 } });
  t.after(() => lab.stop());
  const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8'] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = async (method, target, body) => {
    const answer = await server.request(method, target, { key, body });
    assert.ok(answer.status < 400, `${method} ${target}: ${answer.text}`);
    assert.ok(!SECRET.test(answer.text), 'a token in an answer');
    return answer.json;
  };
  const ids = [];
  for (const it of lab.servers.slice(0, 2)) ids.push((await call('POST', '/api/v1/servers', formOf(it))).id);
  let people = 0;
  let left = 0;
  let cookie;
  const check = async (id, times) => {
    const results = [];
    for (let i = 0; i < times; i++) {
      if (left === 0) {
        await server.addUser(admin, `checker-${++people}`, 'manager');
        ({ cookie } = await server.login(`checker-${people}`));
        left = 6;
      }
      left--;
      const answer = await server.request('POST', CHECK, { cookie, body: { server_ids: [id] } });
      assert.equal(answer.status, 200, answer.text);
      results.push(answer.json.results[0]);
    }
    return results;
  };
  await until('both to be online', async () =>
    (await call('GET', '/api/v1/servers')).servers.every((one) => one.connection_status === 'online'));
  return { lab, server, key, call, check, ids, place: `${lab.servers[0].cluster}/${lab.servers[0].name}` };
}

test('what happened stands in the history, the figures and the why, to the last attempt', async (t) => {
  const { lab, server, key, call, check, ids: [id, neighbour], place } = await start(t);
  const at = (what) => `/api/v1/servers/${id}/${what}`;
  const early = await call('GET', at('why'));
  assert.equal(early.state, 'early');
  assert.match(early.headline, /^Only \d checks? so far; 21 are needed/);
  await check(id, 12);
  const fine = await call('GET', at('history?raw=1'));
  const before = fine.history.summary.totalAttempts;
  assert.ok(before >= 13, `${before} attempts`);
  assert.equal(fine.history.summary.successCount, before);
  assert.equal(fine.history.raw.length, before);
  assert.equal(fine.history.raw_truncated, false);
  assert.ok(fine.history.raw.every((one) => one.success === true && one.tcp_ms >= 0 && one.error === null));
  assert.match(fine.history.hourly.at(-1).time, /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/);

  await lab.control.fault('refused', place);
  for (const result of await check(id, 10)) {
    assert.equal(result.error_class, 'refused');
    const { history } = await call('GET', at('history'));
    assert.equal(history.summary.successCount, before);
    assert.equal(history.hourly.reduce((sum, one) => sum + one.attempts, 0), history.summary.totalAttempts);
  }
  await check(neighbour, 2);
  const { history } = await call('GET', at('history'));
  const failures = history.summary.totalAttempts - before;
  assert.ok(failures >= 10, `${failures} failures`);
  if (history.hourly.length === 1)
    assert.equal(history.hourly[0].successRate, Math.round((100 * before) / history.summary.totalAttempts));
  const stats = await call('GET', at('stats'));
  assert.equal(stats.attempts, history.summary.totalAttempts);
  assert.equal(stats.successes, before);
  assert.equal(stats.errors.length, 5);
  assert.ok(stats.errors.every((one) => one.error_class === 'refused' && one.error_phase === 'tcp' && /refused/.test(one.error)));
  assert.ok(stats.p95_response_time_ms >= stats.avg_response_time_ms / 2);
  const row = (await call('GET', '/api/v1/servers')).servers.find((one) => one.id === id);
  assert.equal(row.success_rate, stats.success_rate);

  const why = await call('GET', at('why'));
  assert.equal(why.state, 'failing');
  assert.match(why.headline, /^Failing for .*refused/);
  assert.equal(why.findings[0].kind, 'refused');
  assert.equal(why.findings[0].is_cause, true);
  assert.ok(why.findings[0].confidence >= 0.9);
  assert.match(why.findings[0].title, new RegExp(`${failures} of ${failures} failures`));
  const not = Object.fromEntries(why.not.map((one) => [one.kind, one.title]));
  assert.match(not.network, new RegExp(`${lab.servers[1].name} on the same network did not fail`));
  assert.match(not.certificate, /the same, and good for/);
  assert.deepEqual(why.errors, [{ error_class: 'refused', count: failures }]);
  assert.equal(why.strip.at(-1).state === 'down' || why.strip.at(-1).state === 'mixed', true);
  assert.ok(why.advice.some((one) => one.kind === 'look_at_host' && /systemctl status pveproxy/.test(one.text)));
  assert.equal((await server.request('GET', at('history?range=5m'), { key })).status, 400);
});

test('a change of the token explains what fails from then on', async (t) => {
  const { lab, call, check, ids: [id], place } = await start(t);
  await check(id, 14);
  await call('PATCH', `/api/v1/servers/${id}`, { notes: 'rack 2' });
  await call('PATCH', `/api/v1/servers/${id}`, { api_token: lab.servers[0].token });
  await lab.control.fault('401', place);
  await check(id, 8);
  const why = await call('GET', `/api/v1/servers/${id}/why`);
  assert.equal(why.findings[0].kind, 'change', JSON.stringify(why.findings));
  assert.match(why.findings[0].title, /right after it was changed here: token/);
  assert.equal(why.findings[1].kind, 'token');
  assert.deepEqual(why.changed.map((one) => one.text.replace(/ by .*/, '')), ['token changed', 'notes changed']);
  assert.ok(!why.not.some((one) => one.kind === 'token'));
});

test('diagnose: ten tries of a saved server, each with every phase; history stays as it was', async (t) => {
  const { lab, call, ids: [id], place } = await start(t);
  const before = (await call('GET', `/api/v1/servers/${id}/history`)).history.summary.totalAttempts;
  const slow = await lab.control.fault('slow', place, { ms: 300 });
  for (let i = 0; i < 10; i++) {
    if (i === 5) await lab.control.clear({ id: slow.id });
    const one = await call('POST', `/api/v1/servers/${id}/test`);
    assert.equal(one.success, true, JSON.stringify(one));
    for (const phase of ['dns_ms', 'tcp_ms', 'tls_ms', 'wait_ms', 'total_ms']) assert.ok(one[phase] >= 0, `${phase} of ${JSON.stringify(one)}`);
    if (i < 5) assert.ok(one.wait_ms >= 290, `${one.wait_ms} ms`);
    assert.equal(one.path, 'direct');
    assert.equal(one.resolved_ip, '127.0.0.1');
    assert.equal(one.fingerprint, lab.servers[0].fingerprint);
    assert.match(one.version, /^\d+\.\d+/);
    assert.ok(one.nodes >= 1 && one.timeout_ms >= 5000 && one.recommended_timeout_ms >= 5000);
  }
  await lab.control.fault('stall', place);
  const hung = call('POST', `/api/v1/servers/${id}/test`);
  const one = await hung;
  assert.equal(one.success, false);
  assert.equal(one.error_class, 'timeout');
  assert.equal(one.error_phase, 'tls');
  assert.ok(one.tcp_ms >= 0 && one.tls_ms === null && one.version === null);
  await lab.control.clear({});
  const after = (await call('GET', `/api/v1/servers/${id}/history`)).history;
  assert.ok(after.summary.totalAttempts - before <= 1, 'only the schedule checks');
});

test('where its name led to stands with each attempt; an address leads to itself', async (t) => {
  const { lab, call, check, ids: [id] } = await start(t);
  const named = await call('POST', '/api/v1/servers', { ...formOf(lab.servers[2]), host: 'localhost' });
  const [result] = await check(named.id, 1);
  assert.equal(result.status, 'online', JSON.stringify(result));
  const raw = async (of) => (await call('GET', `/api/v1/servers/${of}/history?raw=1`)).history.raw;
  assert.ok((await raw(named.id)).filter((one) => one.success).every((one) => one.address === '127.0.0.1'));
  assert.ok((await raw(id)).every((one) => one.address === null));
});

test('what Proxmox VE did meanwhile is asked beside, and a backup under way is told with its times', async (t) => {
  const { lab, call, check, ids: [id], place } = await start(t);
  const why = () => call('GET', `/api/v1/servers/${id}/why`);
  await check(id, 50);
  // A task begins at a whole second, and what was before it shall be so for both.
  const second = Math.floor(Date.now() / 1000);
  await until('the next second', async () => Math.floor(Date.now() / 1000) > second, { every: 20 });
  await lab.control.task(place, 'vzdump', 0);
  for (let i = 0; i < 7; i++) {
    const fault = await lab.control.fault('reset', place, { path: '/nodes$' });
    await check(id, 1);
    await lab.control.clear({ id: fault.id });
    await check(id, 1);
  }
  const found = await until('its task', async () => {
    const answer = await why();
    return answer.tasks === 'known' && answer;
  });
  const backup = found.findings.find((one) => one.kind === 'backup');
  assert.ok(backup, JSON.stringify(found));
  assert.match(backup.title, /^It fails while a backup runs: \d+ of \d+ failures$/);
  assert.match(backup.evidence, /vzdump on \w+, \d\d:\d\d to \d\d:\d\d UTC and still running/);
  assert.equal(backup.task.type, 'vzdump');
  assert.equal(backup.task.to, null);
  assert.match(backup.task.upid, /^UPID:.*:vzdump::root@pam:$/);
});
