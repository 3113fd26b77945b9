import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsOf, decode, failedCsv, failedName, TEMPLATE } from '../src/state/csv';
import { countsLine, countsOf, fixOf, Importer, kindOf, leftMs, mayPin, overLimit, shareOf, type Report, type ReportRow, type TestAnswer } from '../src/state/import';

const row = (index: number, more: Partial<ReportRow> = {}): ReportRow => ({
  index, line: index + 2, line_to: index + 2, name: `n${index}`, host: `h${index}`, port: 8006, verify_ssl: true, fingerprint: null, token_hint: 'root@pam!b=••••0001',
  state: 'ready', errors: [], warnings: [], duplicate_of: null, server_id: null, ...more,
});
const bad = (index: number, message = 'host is needed', more: Partial<ReportRow> = {}) => row(index, { state: 'problem', errors: [{ field: 'host', message }], ...more });
const there = (index: number) => row(index, { state: 'duplicate', duplicate_of: { id: 'x', name: 'old' } });
const report = (rows: ReportRow[], more: Partial<Report> = {}): Report => ({ success: 0, failed: [], message: '', rows, slots_left: 50, unknown_columns: [], separator: ',', header_line: 1, header_line_to: 1, undo_id: null, undo_until: null, ...more });
const answer = (more: Partial<TestAnswer> = {}): TestAnswer => ({ success: true, error: null, error_class: null, nodes: 1, total_ms: 12, fingerprint: null, ...more });

test('the template has the three needed columns first and two rows as wide as its header', () => {
  const lines = TEMPLATE.split('\r\n');
  assert.equal(lines.length, 4);
  assert.equal(lines[3], '');
  const [header, ...rows] = lines.slice(0, 3).map((l) => cellsOf(l, ','));
  assert.deepEqual(header!.slice(0, 3), ['name', 'host', 'api_token']);
  for (const cells of rows) {
    assert.equal(cells.length, header!.length);
    assert.match(cells[2]!, /^\w+@\w+!\w+=[0-9a-f-]{36}$/);
  }
});

test('failed rows keep their own text behind the reason, whatever their quotes, line breaks and lengths', () => {
  const text = '\uFEFF# list of May\r\nname,host,api_token\r\n"A ""1""",h1,t1\r\nB,"h\n2",t2\r\n\r\n,,\r\nC\r\nD,h4,t4\r\n';
  assert.equal(failedCsv(text, { separator: ',', header_line: 2, header_line_to: 2 }, [
    { index: 0, line: 3, line_to: 3, error: 'no, "never"' }, { index: 1, line: 4, line_to: 5, error: 'host' }, { index: 2, line: 8, line_to: 8, error: 'too few cells' },
  ], []),
    'error,name,host,api_token\r\n"no, ""never""","A ""1""",h1,t1\r\nhost,B,"h\n2",t2\r\ntoo few cells,C\r\n');
});

test('no cell of the failed rows is a formula, and each is read again as it was', () => {
  const text = 'name,host,api_token,port,notes,@x\n=1+1,h h,t,-1,"@x, y",\n\'=2,-h,t,+49 30,\' ,1\n';
  const out = failedCsv(text, { separator: ',', header_line: 1, header_line_to: 1 }, [
    { index: 0, line: 2, line_to: 2, error: '-h is none' }, { index: 1, line: 3, line_to: 3, error: 'why' },
  ], [{ index: 1, column: 'name', value: "'=3" }, { index: 1, column: 'notes', value: '=4' }]);
  assert.equal(out, 'error,name,host,api_token,port,notes,\'@x\r\n\'-h is none,\'=1+1,h h,t,-1,"\'@x, y",\r\nwhy,\'\'=3,\'-h,t,\'+49 30,\'=4,1\r\n');
});

test('what was edited stands in the failed rows, in columns the file did not have too', () => {
  const text = 'Name;host;api_token\nA;h1;root@pam!a=1\nB;h2;root@pam!b=2\n';
  const out = failedCsv(text, { separator: ';', header_line: 1, header_line_to: 1 }, [{ index: 1, line: 3, line_to: 3, error: 'refused' }], [
    { index: 1, column: 'host', value: 'h;3' }, { index: 1, column: 'fingerprint', value: 'AB:CD' }, { index: 0, column: 'host', value: 'not mine' },
  ]);
  assert.equal(out, 'error;Name;host;api_token;fingerprint\r\nrefused;B;"h;3";root@pam!b=2;AB:CD\r\n');
  assert.equal(failedName(2), '2 failed rows.csv');
  assert.equal(failedName(1), '1 failed row.csv');
});

test('files are UTF-8, or what Windows writes, and then it is said', () => {
  assert.deepEqual(decode(new TextEncoder().encode('\uFEFFnäme')), { text: 'näme', note: '' });
  assert.equal(decode(new Uint8Array([0xff, 0xfe, 0x61, 0, 0xe4, 0])).text, 'aä');
  const old = decode(new Uint8Array([0x6e, 0xe4]));
  assert.equal(old.text, 'nä');
  assert.match(old.note, /not UTF-8/);
});

test('rows are counted by what may become of them', () => {
  const rows = [row(0), row(1, { state: 'warning', warnings: [{ field: 'notes', message: 'cut' }] }), bad(2), there(3), row(4, { state: 'unchanged', duplicate_of: { id: 'y' } }),
    row(5, { state: 'duplicate', duplicate_of: { index: 0 } })];
  assert.deepEqual(rows.map(kindOf), ['new', 'new', 'bad', 'there', 'same', 'bad']);
  const c = countsOf(rows.map((r) => ({ row: r, isPicked: kindOf(r) !== 'bad' })));
  assert.deepEqual(c, { rows: 6, ready: 1, warnings: 1, problems: 2, there: 1, unchanged: 1, valid: 3, picked: 3, fresh: 2 });
  assert.equal(countsLine(c), '6 rows · 1 ready · 1 warning · 2 problems · 1 already here · 1 unchanged');
  assert.equal(countsLine(countsOf([{ row: row(0), isPicked: true }])), '1 row · 1 ready');
});

test('more than there are slots is refused in the words everybody knows', () => {
  assert.equal(overLimit(50, 50), null);
  assert.equal(overLimit(51, 50), 'Cannot import 51 servers. Only 50 slots remaining.');
  assert.equal(overLimit(1, 0), 'Cannot import 1 server. Only 0 slots remaining.');
});

test('the time left follows from the pace, and is not guessed from two', () => {
  assert.equal(leftMs(2, 50, 100), null);
  assert.equal(leftMs(40, 50, 16_000), 4000);
});

test('the fix for a token is the server\'s own line, or the auditor\'s role on everything', () => {
  assert.equal(fixOf(answer({ success: false, error_class: 'forbidden', error: "the token lacks VM.Audit on /vms: pveum acl modify /vms --tokens 'a@pve!b' --roles PVEAuditor" }), null),
    "pveum acl modify /vms --tokens 'a@pve!b' --roles PVEAuditor");
  assert.equal(fixOf(answer({ success: false, error_class: 'forbidden', error: 'no' }), 'mon@pve!b=••••01aa'), "pveum acl modify / --tokens 'mon@pve!b' --roles PVEAuditor");
  assert.equal(fixOf(answer({ missing_privileges: ['Sys.Audit'] }), 'a@pve!b=••••'), "pveum acl modify / --tokens 'a@pve!b' --roles PVEAuditor");
  assert.equal(fixOf(answer(), 'a@pve!b=••••'), null);
  assert.equal(fixOf(answer({ success: false, error_class: 'timeout', error: 'late' }), 'a@pve!b=••••'), null);
});

test('a certificate may be pinned when nobody vouches for it, never when it changed', () => {
  assert.equal(mayPin(answer({ success: false, error_class: 'unconfirmed', fingerprint: 'AA' })), true);
  assert.equal(mayPin(answer({ success: false, error_class: 'untrusted', fingerprint: 'AA' })), true);
  assert.equal(mayPin(answer({ success: false, error_class: 'unconfirmed' })), false);
  assert.equal(mayPin(answer({ success: false, error_class: 'cert_changed', fingerprint: 'AA' })), false);
  assert.equal(mayPin(answer({ success: false, error_class: 'timeout', fingerprint: 'AA' })), false);
  assert.equal(mayPin(answer({ fingerprint: 'AA' })), false);
});

// --- against a server of this file -----------------------------------------------------------------------

interface Call {
  url: string;
  body: Record<string, any>;
  signal: AbortSignal | undefined;
}

function serve(t: { after(end: () => void): void }, answers: (call: Call) => Promise<object> | object): Call[] {
  const calls: Call[] = [];
  const real = globalThis.fetch;
  t.after(() => { globalThis.fetch = real; });
  globalThis.fetch = (async (url: string, init: RequestInit) => {
    const call = { url: String(url), body: JSON.parse(String(init.body)), signal: init.signal ?? undefined };
    calls.push(call);
    const found = await answers(call);
    if (found instanceof Response) return found;
    return new Response(JSON.stringify(found), { status: 200, headers: { 'content-type': 'application/json' } });
  }) as typeof fetch;
  return calls;
}

const settle = (ms = 0) => new Promise((wake) => setTimeout(wake, ms));

test('new rows are chosen, known ones are not; a choice outlives the next answer', async (t) => {
  const calls = serve(t, () => report([row(0), bad(1), there(2), row(3)]));
  const it = new Importer();
  it.load('csv', 'list.csv');
  await settle(5);
  assert.deepEqual(it.rows.value.map((r) => r.isPicked.value), [true, false, false, true]);
  it.pick(it.rows.value[3]!, false);
  it.pick(it.rows.value[2]!, true);
  const before = it.rows.value;
  it.edit([{ index: 1, column: 'host', value: 'h' }]);
  it.edit([{ index: 1, column: 'host', value: 'h9' }]);
  await settle(350);
  assert.equal(calls.length, 2, 'two edits, one question');
  assert.deepEqual(calls[1]!.body.edits, [{ index: 1, column: 'host', value: 'h9' }]);
  assert.equal(it.rows.value, before, 'rows stay the same objects');
  assert.deepEqual(it.rows.value.map((r) => r.isPicked.value), [true, false, true, false]);
  await it.import();
  assert.equal(calls[2]!.url, '/api/v1/servers/import');
  assert.deepEqual(calls[2]!.body.only, [0, 2]);
  assert.equal(calls[2]!.body.on_duplicate, 'update');
});

const results = (call: Call, of: (index: number) => object = () => answer()) => ({ results: (call.body.indexes as number[]).map((index) => ({ index, ...of(index) })) });

test('sixteen rows in five questions, as even as can be; a few rows share none', () => {
  const split = (waiting: number) => {
    const asked: number[] = [];
    for (let running = 0, n = shareOf(waiting, 0, 0); n > 0; n = shareOf(waiting, running, asked.length)) {
      asked.push(n);
      running += n;
      waiting -= n;
    }
    return asked;
  };
  assert.deepEqual(split(50), [4, 3, 3, 3, 3]);
  assert.deepEqual(split(7), [2, 2, 1, 1, 1]);
  assert.deepEqual(split(3), [1, 1, 1]);
  assert.deepEqual(split(0), []);
  assert.equal(shareOf(9, 12, 4), 4, 'what one question frees the next one takes');
});

test('sixteen are tried at once; each tells its result; stopping leaves no row waiting', async (t) => {
  let now = 0;
  let most = 0;
  let open = 0;
  let mostOpen = 0;
  const rows = Array.from({ length: 50 }, (_, i) => row(i));
  const calls = serve(t, async (call) => {
    if (call.url.includes('dry_run')) return report(rows);
    const n = call.body.indexes.length;
    most = Math.max(most, now += n);
    mostOpen = Math.max(mostOpen, ++open);
    await settle(5);
    now -= n;
    open -= 1;
    return results(call, (index) => answer({ nodes: index }));
  });
  const it = new Importer();
  it.load('csv', '');
  await settle(10);
  const run = it.test(it.testable());
  await settle(8);
  assert.ok(it.run.value!.done < 50);
  await run;
  assert.equal(most, 16);
  assert.ok(mostOpen <= 5, `${mostOpen} questions at once leave no connection for others`);
  assert.deepEqual(calls.slice(1).flatMap((c) => c.body.indexes as number[]).sort((a, b) => a - b), rows.map((r) => r.index));
  assert.ok(it.rows.value.every((r) => r.test.value.at === 'done' && r.test.value.answer.nodes === r.index));
  assert.equal(it.run.value, null);
  const second = it.test(it.testable());
  it.stopTests();
  await second;
  assert.ok(it.rows.value.every((r) => r.test.value.at === 'none'));
});

test('a row that came too often is tried again when it may be', async (t) => {
  let tries = 0;
  serve(t, (call) => {
    if (call.url.includes('dry_run')) return report([row(0)]);
    tries += 1;
    return tries > 1 ? results(call) : new Response('{"error":{"code":"too_many","message":"later"}}', { status: 429, headers: { 'retry-after': '0' } });
  });
  const it = new Importer();
  it.load('csv', '');
  await settle(5);
  await it.test(it.rows.value);
  assert.equal(tries, 2);
  assert.equal(it.rows.value[0]!.test.value.at, 'done');
});

test('pinning says which certificate is expected, and tries the row again', async (t) => {
  const calls = serve(t, (call) => {
    if (call.url.includes('dry_run')) return report([row(0)]);
    return results(call, () => call.body.edits.length > 0 ? answer() : answer({ success: false, error_class: 'unconfirmed', fingerprint: 'AB:CD' }));
  });
  const it = new Importer();
  it.load('csv', '');
  await settle(5);
  await it.test(it.rows.value);
  await it.pin(it.rows.value);
  assert.deepEqual(calls.at(-1)!.body.edits, [{ index: 0, column: 'verify_ssl', value: 'false' }, { index: 0, column: 'fingerprint', value: 'AB:CD' }]);
  assert.deepEqual(it.rows.value[0]!.test.value, { at: 'done', answer: answer() });
});

test('the failed rows are those the import refused and those that were wrong before', async (t) => {
  serve(t, (call) => report([row(0), bad(1, 'host is needed', { line: 3 }), row(2)], call.url.includes('dry_run') ? {} : { success: 1, failed: [{ index: 2, name: 'n2', error: 'taken meanwhile' }] }));
  const it = new Importer();
  it.load('name,host,api_token\na,h0,t\nb,,t\nc,h2,t\n', '');
  await settle(5);
  await it.import();
  assert.deepEqual(it.failed().map((f) => [f.index, f.error]), [[1, 'host is needed'], [2, 'taken meanwhile']]);
  assert.equal(it.failedCsv(), 'error,name,host,api_token\r\nhost is needed,b,,t\r\ntaken meanwhile,c,h2,t\r\n');
});

test('a refusal of the whole is kept apart from the last good answer', async (t) => {
  serve(t, () => new Response('{"error":{"code":"bad_input","message":"column host is missing","field":"host"}}', { status: 400 }));
  const it = new Importer();
  it.load('name\na', '');
  await settle(5);
  assert.equal(it.error.value?.message, 'Column host is missing.');
  assert.equal(it.isReading.value, false);
  assert.deepEqual(it.rows.value, []);
});
