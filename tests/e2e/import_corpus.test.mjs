// import_corpus: hostile files of servers through the real route (SECURITY A34): each gets exactly its answer, none comes
// in by half, nothing of it is a formula when it goes out, and it comes back as it was. Under ASan; what it costs, as shipped.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { MAX_BYTES, SECRET, TOKEN, makeCorpus } from './lib/csv_corpus.mjs';
import { asanBinary, measured, startServer } from './lib/server.mjs';

const IMPORT = '/api/v1/servers/import';
const csv = { 'Content-Type': 'text/csv' };

async function start(t, options) {
  const server = await startServer(t, options);
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, target, body, headers) => server.request(method, target, { key, body, headers, timeout: 60000 });
  const post = (target, bytes) => server.request('POST', target, { key, body: bytes, headers: csv, timeout: 60000 });
  const list = async () => (await call('GET', '/api/v1/servers')).json.servers;
  return { server, call, post, list };
}

/** Cells as a spreadsheet reads them. */
function cellsOf(text) {
  const rows = [[]];
  let cell = '';
  let isQuoted = false;
  for (const c of text.replaceAll('""', '\u0001')) {
    if (c === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (c === ',' || c === '\n')) {
      rows.at(-1).push(cell.replaceAll('\u0001', '"'));
      cell = '';
      if (c === '\n') rows.push([]);
    } else if (isQuoted || c !== '\r') cell += c;
  }
  return rows.filter((row) => row.length > 0);
}

const sentences = (row) => row.errors.map((one) => [one.field, one.message]);

/** What is said of each row is what must be said, and nothing else. */
function compare(one, answer, wrong) {
  const say = (what, got, want) => wrong.push(`${one.name}: ${what}: ${JSON.stringify(got)}, not ${want instanceof RegExp ? want : JSON.stringify(want)}`);
  const same = (got, want) => (want instanceof RegExp ? want.test(got) : got === want);
  if (answer.rows.length !== one.rows.length) return say('rows', answer.rows.length, one.rows.length);
  for (const [i, want] of one.rows.entries()) {
    const row = answer.rows[i];
    for (const key of ['index', 'line']) if (row[key] !== want[key]) say(`row ${i}: ${key}`, row[key], want[key]);
    for (const [key, value] of Object.entries(want.given)) if (row[key] !== value) say(`row ${i}: ${key}`, row[key], value);
    const got = sentences(row);
    if (got.length !== want.errors.length || !got.every(([field, text], k) => field === want.errors[k][0] && same(text, want.errors[k][1]))) say(`row ${i}: errors`, got, want.errors.map(([f, m]) => [f, String(m)]));
    if ((want.errors.length > 0) !== ['problem', 'duplicate'].includes(row.state)) say(`row ${i}: state`, row.state, want.errors.length > 0);
  }
  if (JSON.stringify(answer.unknown_columns) !== JSON.stringify(one.unknown)) say('unknown columns', answer.unknown_columns, one.unknown);
}

async function refused(one, { post, list }, wrong) {
  for (const target of [`${IMPORT}?dry_run=1`, IMPORT, `${IMPORT}?on_duplicate=update`]) {
    const answer = await post(target, one.bytes);
    if (answer.status !== one.status && !(answer.status === 413 && one.status === 400)) wrong.push(`${one.name}: ${answer.status} ${answer.text.slice(0, 200)}`);
    else if (one.refused !== null && answer.json.error.message !== one.refused) wrong.push(`${one.name}: ${answer.json.error.message}, not ${one.refused}`);
    if (answer.text.includes(SECRET)) wrong.push(`${one.name}: says the secret`);
  }
  if ((await list()).length > 0) wrong.push(`${one.name}: something of it came in`);
}

/** Out and in again; returns what is wrong. */
async function roundTrip(one, { call, post, list }, wrong) {
  const servers = await list();
  const { text } = await call('GET', '/api/v1/servers/export');
  const [head, ...rows] = cellsOf(text);
  const formulas = rows.flat().filter((c) => /^[=+\-@\t\r\0]/.test(c));
  if (rows.length !== servers.length) wrong.push(`${one.name}: ${rows.length} rows exported of ${servers.length}`);
  if (formulas.length > 0) wrong.push(`${one.name}: exported as ${JSON.stringify(formulas)}`);
  const ports = rows.map((row) => row[head.indexOf('port')]);
  if (!ports.every((port) => /^\d+$/.test(port))) wrong.push(`${one.name}: ports ${ports}`);
  const again = await post(`${IMPORT}?on_duplicate=update`, text);
  if (again.json?.message !== `${servers.length} unchanged`) wrong.push(`${one.name}: imported again: ${again.text.slice(0, 300)}`);
}

async function judged(one, web, wrong) {
  const { call, post, list } = web;
  const good = one.rows.filter((row) => row.errors.length === 0);
  const preview = await post(`${IMPORT}?dry_run=1`, one.bytes);
  if (preview.status !== 200) return wrong.push(`${one.name}: ${preview.status} ${preview.text.slice(0, 200)}`);
  if (preview.text.includes(SECRET)) wrong.push(`${one.name}: says the secret`);
  compare(one, preview.json, wrong);
  if ((await list()).length > 0) wrong.push(`${one.name}: the preview stored something`);
  if (good.length < one.rows.length) {
    const none = (await call('POST', IMPORT, { csv: one.bytes.toString(), all_or_nothing: true })).json;
    if (none?.success !== 0 || (await list()).length > 0) wrong.push(`${one.name}: all or nothing was neither`);
  }
  const done = await post(IMPORT, one.bytes);
  const servers = await list();
  if (done.json?.success !== good.length || servers.length !== good.length) return wrong.push(`${one.name}: ${done.text.slice(0, 200)}; ${servers.length} servers, not ${good.length}`);
  const failed = done.json.failed.map((f) => f.index);
  const want = one.rows.filter((row) => row.errors.length > 0).map((row) => row.index);
  if (JSON.stringify(failed) !== JSON.stringify(want)) wrong.push(`${one.name}: failed ${failed}, not ${want}`);
  for (const { given } of good) {
    const server = servers.find((s) => s.name === given.name || given.name === undefined);
    for (const [key, value] of Object.entries(given)) if (value !== null && server && !servers.some((s) => s[key] === value)) wrong.push(`${one.name}: no server has ${key} ${JSON.stringify(value)}`);
  }
  if (good.length === 0) return undefined;
  await roundTrip(one, web, wrong);
  const undone = await call('POST', `${IMPORT}/${done.json.undo_id}/undo`);
  if (undone.json?.removed !== good.length) wrong.push(`${one.name}: taken back: ${undone.text}`);
  return undefined;
}

test('hundreds of hostile files, each with its answer, under ASan', { timeout: 300000 }, async (t) => {
  const web = await start(t, { program: asanBinary, stopWithin: 15000 });
  const corpus = makeCorpus();
  const wrong = [];
  assert.ok(corpus.length >= 300, `${corpus.length} files`);
  assert.equal(new Set(corpus.map((one) => one.name)).size, corpus.length, 'each has a name of its own');
  assert.deepEqual(makeCorpus(), corpus, 'the same files every time');
  for (const one of corpus) await (one.rows ? judged(one, web, wrong) : refused(one, web, wrong));
  assert.deepEqual(wrong, []);
  assert.deepEqual(await web.list(), []);
  const log = web.server.log.split('\n').filter((line) => line.includes(SECRET));
  assert.deepEqual(log, []);
  const refusals = corpus.filter((one) => !one.rows).length;
  t.diagnostic(`measured: ${corpus.length} files, ${refusals} of them refused whole, ${corpus.reduce((sum, one) => sum + (one.rows?.length ?? 0), 0)} rows judged`);
});

test('what the largest of them cost: a mebibyte within a second of processor, and no memory kept', { timeout: 120000, ...measured }, async (t) => {
  const { server, post, list } = await start(t);
  const rows = (count, cell) => `name,host,api_token,notes\n${Array.from({ length: count }, (_, i) => `p${i},p${i}.invalid,${TOKEN},${cell}\n`).join('')}`;
  const large = [
    ['1,000 rows of a kilobyte', rows(1000, `"${'""'.repeat(100)}${'x'.repeat(740)}"`)],
    ['1,000 rows with each cell wrong', `name,host,api_token,port,verify_ssl,connection_timeout\n${`${'\x01'.repeat(40)},h h,x,x,x,x\n`.repeat(1000)}`],
    ...makeCorpus().filter((one) => one.bytes.length > MAX_BYTES / 2).map((one) => [one.name, one.bytes]),
  ];
  assert.ok(large.length > 6);
  const cost = large.map(() => ({ cpu: Infinity, peak: Infinity })); // the least of the rounds: other things go on beside them
  const round = async () => {
    for (const [i, [name, bytes]] of large.entries()) {
      fs.writeFileSync(`/proc/${server.serverPid}/clear_refs`, '5'); // its peak begins anew
      const rss = server.rss;
      const cpu = server.cpuSeconds;
      const answer = await post(`${IMPORT}?dry_run=1`, bytes);
      assert.ok([200, 400, 413].includes(answer.status), `${name}: ${answer.status}`);
      cost[i].cpu = Math.min(cost[i].cpu, server.cpuSeconds - cpu);
      cost[i].peak = Math.min(cost[i].peak, (server.procStatus('VmHWM') - rss) / 1048576);
    }
  };
  await round();
  const before = server.rss;
  for (let i = 0; i < 5; i++) await round();
  const kept = (server.rss - before) / 1048576;
  const cpu = Math.max(...cost.map((one) => one.cpu));
  const peak = Math.max(...cost.map((one) => one.peak));
  t.diagnostic(`measured: of ${large.length} large files the dearest took ${(cpu * 1000).toFixed(0)} ms of processor (bar 1000) and ${peak.toFixed(1)} MiB for a moment (bar 8); after five rounds ${kept.toFixed(1)} MiB more (bar 8)`);
  assert.ok(cpu <= 1, `${cpu} s`);
  assert.ok(peak <= 8, `${peak} MiB`);
  assert.ok(kept <= 8, `${kept} MiB`);
  assert.equal((await list()).length, 0);
});
