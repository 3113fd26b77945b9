// dispatch: operations on targets over SSH, from the request to their real end, with a real sshd.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import WebSocket from 'ws';
import { startDispatch as start } from './lib/dispatch.mjs';
import { listen } from './lib/live.mjs';
import { measured, sleep, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const VOS = { lines: ['ForceCommand $DIR/bin/vos'] };

test('a host key is shown and confirmed before anything is sent, and then it is the only one', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  const { done, target, call, id } = await start(t, sshd, { confirm: false });
  const refused = await done('ssh_test');
  assert.equal(refused.status, 'failed');
  assert.equal(refused.error, `web3 shows a host key that nobody has confirmed: ${sshd.fingerprint} (ssh-ed25519). Nothing was sent to it.`);
  assert.match(refused.hint, /ssh-keygen -lf/);
  assert.ok(!/userauth|Accepted|Failed/.test(sshd.log), sshd.log);
  assert.equal((await target()).seen_host_key, sshd.fingerprint);
  assert.equal((await call('PATCH', `/api/v1/targets/${id}`, { host_key: sshd.fingerprint })).status, 200);
  const good = await done('ssh_test');
  assert.equal(good.status, 'completed', JSON.stringify(good));
  assert.match(good.message, /^web3 answers: Linux /);
  assert.equal(good.command, 'uname -sr');

  const before = sshd.fingerprint;
  await sshd.stop();
  sshd.newHostKey();
  sshd.log = '';
  await sshd.start();
  const changed = await done('service_restart');
  assert.equal(changed.status, 'failed');
  assert.equal(changed.error, `The host key of web3 has changed: it was ${before}, now it is ${sshd.fingerprint}. Nothing was sent to it.`);
  assert.match(changed.hint, /^If you reinstalled web3, accept the new key\. If not, do not/);
  assert.ok(!/userauth|Accepted|Failed/.test(sshd.log), sshd.log);
  assert.equal(changed.sent_at, null);
  assert.deepEqual([(await target()).host_key, (await target()).seen_host_key], [before, sshd.fingerprint]);
  assert.deepEqual(sshd.calls(), []);
});

test('a service is restarted, proven to be well, and everybody sees the same', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('slow', 2);
  const { server, admin, begin, ended, output, call, id } = await start(t, sshd);
  const tabs = [await listen(server, { cookie: admin.cookie }, ['work.operations']), await listen(server, { cookie: admin.cookie }, ['work.operations'])];
  const asked = performance.now();
  const answer = await begin('service_restart');
  const took = performance.now() - asked;
  assert.equal(answer.status, 202, answer.text);
  assert.deepEqual({ ...answer.json, operation_id: 'x' }, { operation_id: 'x', status: 'started', message: 'Service restart initiated', estimated_duration_ms: 15000 });
  const operation = answer.json.operation_id;
  tabs[0].say({ t: 'sub', id: 2, topics: [[`work.output/${operation}`]] });
  const again = await begin('service_restart');
  assert.equal(again.status, 409);
  assert.equal(again.json.operation_id, operation);
  assert.equal(again.json.status, 'already_running');
  assert.ok(again.json.progress >= 0 && again.json.started_at);
  await until('its first line', async () => (await output(operation)).includes('Stopping nginx.service'), { within: 5000, every: 20 });
  const first = performance.now() - asked;
  assert.match((await call('GET', `/api/v1/operations/${operation}`)).json.output, /^Stopping nginx\.service\n/); // and while it runs
  t.diagnostic(`measured answer after ${took.toFixed(0)} ms, first line after ${first.toFixed(0)} ms`);
  assert.ok(first < 1500 * 2, `the first line came after ${first} ms`);
  const end = await ended(operation);
  assert.equal(end.status, 'completed', JSON.stringify(end));
  assert.match(end.message, /^nginx\.service is active \(running\), restarted in [23] s$/);
  assert.equal(end.command, 'sudo -n systemctl restart nginx.service');
  assert.equal(end.subject, 'nginx.service on web3');
  assert.equal(end.timed_out, false);
  assert.equal(await output(operation), 'Stopping nginx.service\nStarted nginx.service\n');
  const whole = (await call('GET', `/api/v1/operations/${operation}`)).json;
  assert.deepEqual([whole.output, whole.output_from], ['Stopping nginx.service\nStarted nginx.service\n', 0]);
  assert.equal(sshd.calls().filter((line) => line === 'restart nginx.service').length, 1);
  await until('its files to be gone', () => fs.readdirSync(sshd.file('home', '.binnacle')).length === 0);
  const steps = tabs.map((tab) => tab.messages.flatMap((message, i) => {
    const progress = message.p?.operations?.[operation]?.progress;
    return progress === undefined ? [] : [{ progress, at: tab.times[i] }];
  }));
  for (const seen of steps) {
    const values = seen.map((step) => step.progress);
    assert.deepEqual(values, [...values].sort((a, b) => a - b), 'it never falls');
    for (const step of [10, 30, 50, 90, 100]) assert.ok(values.includes(step), `${step} of ${values}`);
  }
  const apart = Math.max(...steps[0].map((step, i) => Math.abs(step.at - steps[1][i].at)));
  t.diagnostic(`measured two tabs at most ${apart.toFixed(1)} ms apart`);
  assert.ok(apart <= 100, `two tabs were ${apart} ms apart`);
  const told = tabs[0].messages.filter((message) => message.t === 'e');
  assert.match(JSON.stringify(told), /Stopping nginx\.service.*Started nginx\.service/);
  for (const tab of tabs) tab.destroy();
  const audit = (await call('GET', '/api/v1/audit')).json.audit.find((entry) => entry.action === 'target.restart');
  assert.equal(audit.detail, 'sudo -n systemctl restart nginx.service');
  const actions = (await call('GET', `/api/v1/targets/${id}/actions`)).json.actions;
  assert.equal(actions.find((a) => a.type === 'service_restart').command, 'sudo -n systemctl restart nginx.service');
  const other = (await call('GET', `/api/v1/targets/${id}/actions?service=ssh.service`)).json.actions;
  assert.equal(other.find((a) => a.type === 'service_restart').command, 'sudo -n systemctl restart ssh.service');
  for (const [query, field] of [['service=a;reboot', 'service'], [`service=${'x'.repeat(128)}`, 'service'], ['unit=a', 'query']]) {
    const bad = await call('GET', `/api/v1/targets/${id}/actions?${query}`);
    assert.deepEqual([bad.status, bad.json.error.field], [400, field], bad.text);
  }
});

test('of fifty starts at once one is done, and an older script gets its own names', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  const { begin, ended, call, id } = await start(t, sshd);
  const answers = await Promise.all(Array.from({ length: 50 }, () => begin('service_restart')));
  const started = answers.filter((a) => a.status === 202);
  assert.equal(started.length, 1);
  assert.deepEqual([...new Set(answers.filter((a) => a.status === 409).map((a) => a.json.operation_id))], [started[0].json.operation_id]);
  assert.equal(answers.filter((a) => a.status === 409).length, 49);
  const camel = await call('POST', `/api/data/${id}/restart-service`);
  assert.equal(camel.status, 409);
  assert.deepEqual([camel.json.operationId, camel.json.status, typeof camel.json.startedAt], [started[0].json.operation_id, 'already_running', 'string']);
  await ended(started[0].json.operation_id);
  assert.equal(sshd.calls().filter((line) => line === 'restart nginx.service').length, 1);
  const next = await call('POST', `/api/data/${id}/restart-service`);
  assert.equal(next.status, 202);
  assert.deepEqual({ ...next.json, operationId: 'x' }, { operationId: 'x', status: 'started', message: 'Service restart initiated', estimatedDuration: 15000 });
  await ended(next.json.operationId);
});

test('what cannot be done says why, and what to do', { timeout: 120000 }, async (t) => {
  const sshd = await startSshd(t);
  const { done, begin, output, call, id } = await start(t, sshd);
  const absent = await done('service_restart', 'foo.service');
  assert.equal(absent.error, 'There is no unit foo.service on web3.');
  assert.equal(absent.sent_at, null);
  sshd.set('nosudo');
  const sudo = await done('service_restart');
  assert.equal(sudo.error, 'sudo needs a password for root on web3.');
  assert.equal(sudo.hint, 'Add this line with visudo: root ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx.service');
  sshd.set('nosudo', null);
  sshd.set('fails');
  const failed = await done('service_restart');
  assert.equal(failed.error, 'nginx.service did not start on web3');
  assert.match(await output(failed.id), /Job for nginx\.service failed\n.*bind\(\) to 0\.0\.0\.0:80 failed/s);
  sshd.set('fails', null);
  sshd.set('loops');
  const looped = await done('service_restart');
  assert.match(looped.error, /^nginx\.service started, then died \d+ times in 10 s$/);
  sshd.set('loops', null);
  sshd.set('active', 'failed');
  sshd.set('result', 'exit-code');
  sshd.set('status', 1);
  const dead = await done('service_restart');
  assert.equal(dead.error, 'nginx.service is failed (running): exit-code, exit status 1');
  const status = await done('service_status');
  assert.deepEqual([status.status, status.message], ['completed', 'it is not active']);
  const none = await done('service_status', 'foo.service');
  assert.equal(none.error, 'There is no unit foo.service on web3.');
  for (const [type, service, field] of [['service_restart', '-H', 'params.service'], ['service_restart', 'a;reboot', 'params.service'], ['format_disk', undefined, 'type']]) {
    const bad = await begin(type, service);
    assert.equal(bad.status, 400, bad.text);
    assert.equal(bad.json.error.field, field);
  }
  await call('PATCH', `/api/v1/targets/${id}`, { is_active: false });
  assert.equal((await begin('service_restart')).json.error.field, 'is_active');
  assert.equal((await call('POST', '/api/v1/targets/nobody/operations', { type: 'ssh_test' })).status, 404);
});

test('a target that is down is tried three times, a key it does not know once', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  const { done } = await start(t, sshd);
  fs.writeFileSync(sshd.file('user.pub'), '');
  const refused = await done('ssh_test');
  assert.match(refused.error, /^web3 does not let root in: /);
  assert.match(refused.hint, /^Is ssh-ed25519 SHA256:\S+ in ~\/\.ssh\/authorized_keys of root there\? Offered: publickey/);
  await sshd.stop();
  const begun = performance.now();
  const down = await done('service_restart');
  assert.match(down.error, /^SSH to web3 failed while connecting \(a firewall\?\): /);
  assert.ok(performance.now() - begun > 2000, 'it was tried again');
  assert.equal(down.sent_at, null);
});

test('the link is lost while it runs: the right end all the same, and nothing is done twice', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('slow', 3);
  const { begin, ended, output } = await start(t, sshd);
  const restarts = () => sshd.calls().filter((line) => line === 'restart nginx.service').length;
  const operation = (await begin('service_restart')).json.operation_id;
  await until('it to run', () => restarts() === 1, { within: 10000 });
  sshd.cut();
  const end = await ended(operation);
  assert.equal(end.status, 'completed', JSON.stringify(end));
  assert.equal(await output(operation), 'Stopping nginx.service\nStarted nginx.service\n');
  assert.equal(restarts(), 1);
});

test('cancelled before it is sent nothing is done; afterwards it is not watched any more', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  sshd.set('slow', 4);
  const { begin, ended, call } = await start(t, sshd);
  const running = (await begin('service_restart')).json.operation_id;
  await until('it to run', () => sshd.calls().includes('restart nginx.service'), { within: 10000 });
  assert.equal((await call('POST', `/api/v1/operations/${running}/cancel`)).status, 202);
  const end = await ended(running);
  assert.deepEqual([end.status, end.message], ['cancelled', 'The target finishes what it began; it is not watched any more.']);
  await sshd.stop();
  const waiting = (await begin('service_restart')).json.operation_id;
  await sleep(300);
  assert.equal((await call('POST', `/api/v1/operations/${waiting}/cancel`)).status, 202);
  assert.deepEqual([(await ended(waiting)).status, (await ended(waiting)).message], ['cancelled', 'Nothing was done.']);
});

test('fifty megabytes of output: head and tail stay, the cut is said, and memory does not follow', { timeout: 120000, ...measured }, async (t) => {
  const sshd = await startSshd(t);
  const { server, done, begin, ended, call } = await start(t, sshd);
  await done('service_restart');
  const before = server.rss;
  sshd.set('flood', 50 << 20);
  const operation = (await begin('service_restart')).json.operation_id;
  let most = 0;
  const watch = setInterval(() => { most = Math.max(most, server.rss); }, 50);
  const end = await ended(operation, 90000);
  clearInterval(watch);
  assert.equal(end.status, 'completed', JSON.stringify(end));
  const grown = (most - before) / 2 ** 20;
  t.diagnostic(`measured 50 MB of output: RSS +${grown.toFixed(1)} MiB`);
  assert.ok(grown <= 8, `RSS grew by ${grown} MiB`);
  let at = 0;
  let gaps = 0;
  let kept = 0;
  for (let from = 0; from !== null;) {
    const page = (await call('GET', `/api/v1/operations/${operation}/output?from=${from}`)).json;
    for (const piece of page.pieces) {
      gaps += piece.at !== at;
      at = piece.at + piece.bytes;
      kept += piece.bytes;
    }
    from = page.next;
  }
  assert.equal(gaps, 1);
  const end_ = (await call('GET', `/api/v1/operations/${operation}`)).json;
  assert.ok(end_.output.length > 60_000 && end_.output.length <= 65536 && end_.output_from > 49e6, `${end_.output.length} from ${end_.output_from}`);
  assert.ok(at > (50 << 20) && kept > (1 << 20) && kept < (1.4 * 2 ** 20), `${kept} of ${at}`);
});

test('a dialogue: the command is typed at the prompt and its words are looked for', { timeout: 120000 }, async (t) => {
  const sshd = await startSshd(t, VOS);
  const { done, output, call, id } = await start(t, sshd, { form: { platform: 'vos', service: 'Cisco Tomcat' } });
  const test = await done('ssh_test');
  assert.deepEqual([test.status, test.message], ['completed', 'web3 shows its prompt']);
  const good = await done('service_restart');
  assert.equal(good.status, 'completed', JSON.stringify(good));
  assert.equal(good.message, 'Cisco Tomcat on web3 was restarted');
  assert.equal(good.command, 'utils service restart Cisco Tomcat');
  assert.match(await output(good.id), /Cisco Tomcat\[STOPPING\]\nCisco Tomcat\[STARTING\]\nCisco Tomcat\[STARTED\]\nadmin:/);
  assert.deepEqual(sshd.calls(), ['utils service restart Cisco Tomcat']);
  const list = await done('service_status');
  assert.equal(list.status, 'completed');
  assert.match(await output(list.id), /A Cisco DB\[STARTED\]/);
  sshd.set('fails');
  const failed = await done('service_restart');
  assert.deepEqual([failed.status, failed.error], ['failed', 'Cisco Tomcat on web3: web3 said "[FAILED]"']);
  sshd.set('fails', null);
  sshd.set('cut');
  const cut = await done('service_restart');
  assert.equal(cut.status, 'failed', JSON.stringify(cut));
  assert.equal(cut.timed_out, true);
  assert.match(cut.hint, /look at the target yourself/);
  const wrong = await call('POST', `/api/v1/targets/${id}/operations`, { type: 'logs' });
  assert.deepEqual([wrong.status, wrong.json.error.field], [400, 'type']);
});

test('a shell on a target in a console: typed, resized, ended with the right, the target or the shell', { timeout: 90000 }, async (t) => {
  const sshd = await startSshd(t);
  const { server, admin, call, id } = await start(t, sshd);
  const opened = async (body = {}) => {
    const answer = await call('POST', `/api/v1/targets/${id}/console`, { tab: 'tab-00000001', ...body }, { cookie: admin.cookie });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.json.kind, 'terminal');
    const socket = new WebSocket(`${server.origin.replace('http', 'ws')}${answer.json.url}&tab=tab-00000001`, 'binary', { headers: { Cookie: admin.cookie }, origin: server.origin });
    const shell = { socket, text: '', id: answer.json.id };
    shell.closed = new Promise((resolve) => { socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })); });
    socket.on('message', (data) => { shell.text += data; });
    await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
    shell.type = (text) => socket.send(Buffer.from(`0:${Buffer.byteLength(text)}:${text}`));
    return shell;
  };
  const shell = await opened();
  shell.socket.send(Buffer.from('1:132:43:'));
  shell.type('stty size; echo "$((6*7)) is the answer"\n');
  await until('its size and its answer', () => /43 132/.test(shell.text) && /42 is the answer/.test(shell.text), { within: 10000 });
  shell.type('seq 1 200000 | tail -c 7; seq 1 300000; echo end of it\n');
  await until('a flood to come through', () => /\nend of it/.test(shell.text.slice(-200)), { within: 30000 });
  const records = (await call('GET', '/api/v1/consoles')).json.consoles;
  assert.deepEqual([records[0].target_id, records[0].server_id, records[0].subject, records[0].kind], [id, null, 'root on web3', 'terminal']);
  shell.type('exit\n');
  assert.deepEqual(await shell.closed, { code: 4411, reason: 'the shell ended' });

  const look = await opened({ view_only: true });
  look.type('echo not typed\n');
  look.socket.send(Buffer.from('2'));
  await sleep(500);
  assert.doesNotMatch(look.text, /not typed/);
  sshd.cut();
  assert.equal((await look.closed).code, 4411);

  const last = await opened();
  assert.equal((await call('PATCH', `/api/v1/targets/${id}`, { is_active: false })).status, 200);
  assert.deepEqual(await last.closed, { code: 4401, reason: 'the target was removed or switched off' });
  await until('its session to end', () => sshd.sessions().length === 0);
  assert.equal((await call('POST', `/api/v1/targets/${id}/console`, {})).json.error.field, 'is_active');
  assert.equal((await call('PATCH', `/api/v1/targets/${id}`, { is_active: true })).status, 200);
  assert.equal((await call('POST', `/api/v1/targets/${id}/console`, { kind: 'vnc' })).json.error.field, 'kind');
  const max = await server.addUser(admin, 'max', 'manager').then(() => server.login('max'));
  assert.equal((await call('POST', `/api/v1/targets/${id}/console`, {}, { cookie: max.cookie })).status, 403);
  await call('PATCH', `/api/v1/targets/${id}`, { host_key: null });
  const unknown = await call('POST', `/api/v1/targets/${id}/console`, {});
  assert.equal(unknown.status, 409, unknown.text);
  assert.match(unknown.json.error.message, /shows a host key that nobody has confirmed/);
});
