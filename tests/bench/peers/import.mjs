// import: the bench of tests/bench/import.sh.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Server, makeFolder } from '../../e2e/lib/server.mjs';

const ROUNDS = 9;
const IMPORT = '/api/v1/servers/import';
const fileOf = (count, first) => 'name,host,api_token,port,verify_ssl,tags,site,notes,enabled\n' + Array.from({ length: count }, (_, i) =>
  `Server ${first + i},pve${first + i}.example.com,root@pam!bnc=0f3c1d2e-aaaa-bbbb-cccc-123456789f3a,8006,yes,"prod,eu",Hall 2,"a ""quoted"" note",no\n`).join('');

// Each does what it does `rounds` times and prints seconds; started once, so that its start is not measured.
const PEER = `
import csv, sqlite3, sys, time, os
path, db, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
def read():
    with open(path, newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))
def timed(do):
    t = time.perf_counter(); do(); return time.perf_counter() - t
print(sorted(timed(read) for _ in range(rounds))[rounds // 2])
con = sqlite3.connect(db, isolation_level=None)
con.execute('PRAGMA journal_mode = WAL'); con.execute('PRAGMA synchronous = FULL')
con.execute('CREATE TABLE s(tenant TEXT, id TEXT, name TEXT, host TEXT, port INTEGER, token TEXT, verify INTEGER, tags TEXT, site TEXT, notes TEXT, PRIMARY KEY(tenant, id))')
rows = read()
def keep():
    con.execute('BEGIN IMMEDIATE')
    con.executemany('INSERT INTO s VALUES(?,?,?,?,?,?,?,?,?,?)', [('default', os.urandom(16).hex(), r['name'], r['host'], int(r['port']), r['api_token'] * 2, 1, r['tags'], r['site'], r['notes']) for r in rows])
    con.execute('COMMIT')
print(sorted(timed(keep) for _ in range(rounds))[rounds // 2])
`;

const folder = makeFolder('binnacle-bench-');
const server = await new Server({ args: ['--max-servers', '10000'] }).start();
let bad = 0;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const peer = (count) => {
  const file = path.join(folder, `${count}.csv`);
  fs.writeFileSync(file, fileOf(count, 0));
  return execFileSync('python3', ['-c', PEER, file, path.join(folder, `${count}.db`), String(ROUNDS)]).toString().trim().split('\n').map(Number);
};

async function ask(key, query, count, first) {
  const body = fileOf(count, first);
  const cpu = server.cpuSeconds;
  const begun = performance.now();
  const answer = await server.request('POST', IMPORT + query, { key, body, headers: { 'Content-Type': 'text/csv' }, timeout: 60000 });
  const ms = performance.now() - begun;
  if (answer.status !== 200 || answer.json.success !== count) throw new Error(answer.text.slice(0, 500));
  return { ms, cpu: (server.cpuSeconds - cpu) * 1000, undo: answer.json.undo_id };
}

function say(what, ms, bar, beside, peerMs) {
  const missed = ms > bar;
  bad += missed;
  console.log(`${what.padEnd(34)} ${ms.toFixed(1).padStart(8)} ms   bar ${bar} ms${missed ? '   MISSED' : ''}   ${(ms / peerMs).toFixed(2)} x ${beside} (${peerMs.toFixed(1)} ms)`);
}

try {
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const previews = [];
  for (let i = 0; i < ROUNDS; i++) previews.push((await ask(key, '?dry_run=1', 50, 0)).ms);
  const wide = [];
  for (let i = 0; i < ROUNDS; i++) wide.push((await ask(key, '?dry_run=1', 1000, 0)).ms);
  const kept = [];
  for (let i = 0; i < ROUNDS; i++) {
    const { ms, undo } = await ask(key, '', 1000, 1000 * i);
    kept.push(ms);
    await server.api('POST', `${IMPORT}/${undo}/undo`, { key, timeout: 60000 });
  }
  const [read50] = peer(50);
  const [read1000, insert1000] = peer(1000);
  say('50 rows read, judged and shown', median(previews), 50, 'reading them with Python csv', read50 * 1000);
  say('1,000 rows read, judged and shown', median(wide), 1000, 'reading them with Python csv', read1000 * 1000);
  say('1,000 rows imported and kept', median(kept), 1000, 'inserting them with SQLite, once', insert1000 * 1000);
  // On an old registry every place is compared.
  for (let i = 0; i < 9; i++) await ask(key, '', 1000, 100000 + 1000 * i);
  const full = await ask(key, '', 1000, 900000);
  console.log(`${'1,000 rows beside 9,000 servers'.padEnd(34)} ${full.ms.toFixed(1).padStart(8)} ms   ${full.cpu.toFixed(0)} ms of processor`);
} finally {
  await server.stop();
  fs.rmSync(path.dirname(server.data), { recursive: true, force: true });
  fs.rmSync(folder, { recursive: true, force: true });
}
process.exit(bad ? 1 : 0);
