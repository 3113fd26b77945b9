import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { bareToken, portProblem, splitHost, tokenDoubt, tokenProblem } from '../src/state/serverform';
import { HELP_WORDS, helpOf } from '../src/state/serverhelp';

const UUID = '6f1c2a34-9b7e-4c51-8d02-3e4f5a6b7c8d';

test('a token is judged by the rule of the server', () => {
  for (const good of [`root@pam!bnc=${UUID}`, `PVEAPIToken=root@pam!bnc=${UUID}`, `  a.b-c_d@my.realm!x.y=abc_-9 `]) {
    assert.equal(tokenProblem(good), null, good);
  }
  const bad: [string, RegExp][] = [
    ['', /is needed/], ['root', /no realm/], [`root!bnc=${UUID}`, /no realm/], [`root@pam=${UUID}`, /name of the token is missing/],
    ['root@pam!bnc', /secret is missing/], ['root@pam!bnc=', /does not belong/], [`root@pam!b c=${UUID}`, /space inside/],
    ['röot@pam!b=1', /does not belong/], ['root@pam!b=1.2', /does not belong/], ['a@b@c!d=e', /does not belong/], ['a@b!c!d=e', /does not belong/], ['a@b!c=d=e', /does not belong/],
  ];
  for (const [text, why] of bad) assert.match(tokenProblem(text) ?? '', why, text);
  for (const [text] of bad) assert.match(tokenProblem(text)!, /USER@REALM!TOKENID=SECRET/);
});

test('what is pasted around a token is taken off, and a secret that was cut is doubted', () => {
  assert.equal(bareToken(` PVEAPIToken=a@b!c=d\n`), 'a@b!c=d');
  assert.match(tokenDoubt(`root@pam!bnc=${UUID.slice(0, 35)}`)!, /35 characters, 36 expected/);
  assert.equal(tokenDoubt(`root@pam!bnc=${UUID}`), null);
  assert.equal(tokenDoubt('root@pam!bnc=short'), null, 'not one Proxmox VE made');
});

test('an address is split as it is pasted', () => {
  const rows: [string, string, string | null][] = [
    ['pve1.lan', 'pve1.lan', null], [' pve1.lan ', 'pve1.lan', null], ['pve1:8007', 'pve1', '8007'],
    ['https://pve1.company.com:8006/', 'pve1.company.com', '8006'], ['HTTPS://h:8006/#v1:0:18', 'h', '8006'],
    ['https://10.0.0.5/', '10.0.0.5', null], ['[fd00::1]:8006', 'fd00::1', '8006'], ['https://[fd00::1]/', 'fd00::1', null],
    ['fd00::1', 'fd00::1', null], ['http://h:1?x=y', 'h', '1'],
  ];
  for (const [text, host, port] of rows) assert.deepEqual(splitHost(text), { host, port }, text);
});

test('ports are whole numbers that exist', () => {
  for (const good of ['1', '8006', '65535', ' 8006 ']) assert.equal(portProblem(good), null);
  for (const bad of ['', '0', '-1', '65536', '99999', '8006x', '80.06', '1e3', 'abc']) assert.ok(portProblem(bad), bad);
});

test('every word of the server for a failed check has its help', () => {
  const src = path.join(import.meta.dirname, '../../../src');
  const fetched = [...fs.readFileSync(path.join(src, 'io/dial.h'), 'utf8').matchAll(/^ {4}X\([A-Z_]+, "(\w+)"\)/gm)].map((m) => m[1]!);
  const judged = [...fs.readFileSync(path.join(src, 'source/pve.c'), 'utf8').matchAll(/say\(out, "(\w+)"/g)].map((m) => m[1]!);
  assert.ok(fetched.length > 10 && judged.length > 4, 'read from the sources');
  const missing = [...new Set([...fetched, ...judged, 'unconfirmed', 'token'])].filter((w) => w !== 'ok' && w !== 'cancelled' && !HELP_WORDS.includes(w));
  assert.deepEqual(missing, []);
  for (const word of [...HELP_WORDS, 'nobody knows']) {
    const help = helpOf(word, undefined, { host: 'h', port: 8006, timeout_s: 10 });
    assert.ok(help.title && help.means.endsWith('.') && help.todo.length > 0, word);
  }
});

test('help names what it is about', () => {
  const at = { host: 'fd00::1', port: 8007, timeout_s: 30, by_vpn: true };
  assert.match(helpOf('refused', '', at).means, /port 8007/);
  assert.match(helpOf('timeout', '', at).means, /30 s/);
  assert.match(helpOf('timeout', '', at).command!, /\[fd00::1\]:8007/);
  const said = "the token lacks Sys.Audit on /: pveum acl modify / --tokens 'mon@pve!b' --roles PVEAuditor";
  assert.equal(helpOf('forbidden', said, at).command, "pveum acl modify / --tokens 'mon@pve!b' --roles PVEAuditor");
});
