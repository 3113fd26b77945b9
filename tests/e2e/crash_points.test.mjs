// crash_points: Binnacle killed at each point that base/crash.h names (SECURITY A14), while an operation over SSH begins, runs and
// ends: it is up again within two seconds, `binnacle fsck` finds nothing wrong, the operation has an end, and nothing was done twice.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startDispatch } from './lib/dispatch.mjs';
import { asanBinary, binary, measured, root, runBinary, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const POINTS = [...fs.readFileSync(path.join(root, 'src/base/crash.h'), 'utf8').matchAll(/X\(([a-z]+_[a-z_]+)\)/g)].map(([, name]) => name);
const RESTART_MS = 2000; // SECURITY A14
const INTERRUPTED = 'interrupted by a restart of Binnacle';
const NOT_STARTED = /^It was not started, so nothing was changed/;
/** What comes by often, samples of the machine included, is met once the operation has begun. */
const isOften = (name) => /^(store_before_begin|store_begun|store_before_commit|store_committed|store_before_answer|hub_)/.test(name);

test('what ships has no such points', () => {
  assert.ok(POINTS.length >= 25, `${POINTS.length} points`);
  assert.ok(!fs.readFileSync(binary).includes('BINNACLE_CRASH_AT'));
});

test('killed at each point: up again in time, nothing wrong with what is kept, nothing lost and nothing done twice', { timeout: 600000, ...measured }, async (t) => {
  const sshd = await startSshd(t);
  fs.writeFileSync(sshd.file('bin', 'deed'), '#!/bin/sh\necho "deed" >>"$STATE/calls"\nsleep "$(cat "$STATE/slow")"\necho done well\n', { mode: 0o755 });
  sshd.set('slow', 0.3);
  const it = await startDispatch(t, sshd, {
    program: asanBinary, within: 30000, form: { platform: 'custom', service: '', custom: { command: 'deed' }, sudo: false },
  });
  const { server, begin, ended, call } = it;
  const fsck = () => runBinary(['fsck', '--data', server.data], { program: asanBinary, timeout: 60000 });
  const deeds = () => sshd.calls().filter((line) => line === 'deed').length;
  assert.equal((await fsck()).code, 0, 'and while it runs');
  await server.stop();

  const missed = [];
  const counts = {};
  let slowest = 0;
  for (const [i, point] of POINTS.entries()) {
    // Of what is met all the time another one is killed at each round, so that they fall into different phases.
    const nth = isOften(point) ? 2 + (i % 4) : 1;
    server.options.env = { BINNACLE_CRASH_AT: `${point}:${nth}` };
    sshd.set('calls', null);
    let operation = null;
    const up = await server.start().then(() => true, () => false); // some points lie within the start
    if (point === 'start_taken_up' || point === 'start_loaded') assert.ok(!up, point);
    if (up) {
      const answer = await begin('service_restart').catch(() => null);
      operation = answer?.json?.operation_id ?? null;
      await until(`${point} to be passed`, () => server.exitCode !== undefined, { within: 20000 }).catch(() => missed.push(point));
    }
    if (server.exitCode === undefined) await server.crash();
    assert.equal(server.exitCode, 'SIGKILL', point);
    const found = await fsck();
    assert.equal(found.code, 0, `${point}: ${found.out}${found.err}`);

    server.options.env = {};
    const begun = performance.now();
    await server.start();
    const took = performance.now() - begun;
    slowest = Math.max(slowest, took);
    assert.ok(took <= RESTART_MS, `${point}: up again after ${took.toFixed(0)} ms`);
    const left = (await call('GET', '/api/v1/operations')).json.operations;
    const mine = operation ? left.find((one) => one.id === operation) : left.find((one) => !one.completed_at);
    if (operation) assert.ok(mine, `${point}: what was answered is known`);
    if (mine) {
      const end = await ended(mine.id);
      const told = `${point}: ${JSON.stringify(end)}`;
      if (end.status === 'completed') assert.equal(deeds(), 1, told);
      else assert.ok(end.error === INTERRUPTED || NOT_STARTED.test(end.error), told);
      if (end.status !== 'completed') assert.equal(deeds(), 0, told);
      counts[end.status] = (counts[end.status] ?? 0) + 1;
    }
    assert.ok(deeds() <= 1, point);
    // The target is free.
    const next = await begin('ssh_test');
    assert.equal(next.status, 202, `${point}: ${next.text}`);
    assert.equal((await ended(next.json.operation_id)).status, 'completed', point);
    await server.stop();
    const after = await fsck();
    assert.equal(after.code, 0, `${point}: ${after.out}${after.err}`);
  }
  await server.start();
  t.diagnostic(`measured killed at ${POINTS.length - missed.length} of ${POINTS.length} points: ${JSON.stringify(counts)}, up again after ${slowest.toFixed(0)} ms at most (ASan), fsck clean each time`);
  assert.deepEqual(missed, [], 'every point is met');
});

test('fsck says what does not hold, and changes nothing', { timeout: 60000 }, async (t) => {
  const sshd = await startSshd(t);
  const { server, done } = await startDispatch(t, sshd);
  assert.equal((await done('logs')).status, 'completed');
  await server.stop();
  const file = path.join(server.data, 'binnacle.db');
  const fsck = () => runBinary(['fsck', '--data', server.data]);
  const good = await fsck();
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /^ok {5}the file is sound\n/);
  assert.match(good.out, /\n\d+ rules, 0 problems\n$/);
  const change = (sql) => runBinary([file, sql], { program: 'sqlite3' });
  const wrongs = [
    ["UPDATE operations SET completed_at = NULL", /WRONG {2}an operation has a time of its end exactly when it has ended: \S+ is completed/],
    ["UPDATE operations SET status = 'lost'", /WRONG {2}an operation has one of the known states: \S+: lost/],
    ["UPDATE operations SET progress = 70", /WRONG {2}progress is a share of a hundred/],
    ["UPDATE pieces SET operation_id = 'nobody'", /WRONG {2}output belongs to an operation/],
    ["DROP INDEX operations_one_on_a_target; INSERT INTO operations(tenant, id, type, target_id, status, started_at, progress) VALUES ('default', 'a', 'logs', 't', 'pending', 1, 0), ('default', 'b', 'logs', 't', 'in_progress', 1, 0)", /WRONG {2}one deed on a target at a time: t: 2 of logs/],
    ["INSERT INTO check_hours VALUES (77, 3600000, 5, 6, 0, 0, NULL, NULL)", /WRONG {2}an hour of checks belongs to a server/],
  ];
  const whole = fs.readFileSync(file);
  for (const [sql, pattern] of wrongs) {
    const done_ = await change(sql);
    assert.equal(done_.code, 0, done_.err);
    const bytes = fs.readFileSync(file);
    const bad = await fsck();
    assert.equal(bad.code, 1, `${sql}: ${bad.out}`);
    assert.match(bad.out, pattern);
    assert.ok(bytes.equals(fs.readFileSync(file)), 'nothing is changed');
    fs.writeFileSync(file, whole);
  }
  fs.writeFileSync(file, 'no database at all, but as long as the head of one would have to be: a hundred bytes, and some more of it');
  const foreign = await fsck();
  assert.equal(foreign.code, 1);
  assert.match(foreign.err, /is no database of Binnacle's/);
  fs.writeFileSync(file, whole);
  const none = await runBinary(['fsck', '--data', '/nonexistent/binnacle']);
  assert.equal(none.code, 1);
  assert.match(none.err, /there is no Binnacle in/);
  assert.equal((await runBinary(['fsck', 'now', '--data', server.data])).code, 2);
});
