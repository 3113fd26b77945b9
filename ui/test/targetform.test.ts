import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, changesOf, fieldSays, formOf, judge, needsSecret, splitLogin, tidy, type TargetForm } from '../src/state/targetform';

const stored = { id: 'x', name: 'web3', host: 'web3.lan', port: 22, username: 'ops', auth: { kind: 'password' as const }, platform: 'systemd' as const, sudo: true, service: 'nginx.service', is_active: true };
const was = formOf(stored);
const with_ = (more: Partial<TargetForm>): TargetForm => ({ ...was, ...more });

test('what is pasted as one is split', () => {
  assert.deepEqual(splitLogin('web3.lan'), { host: 'web3.lan', port: null, username: null });
  assert.deepEqual(splitLogin(' ssh -p 2222 root@web3 '), { host: 'web3', port: '2222', username: 'root' });
  assert.deepEqual(splitLogin('ssh web3 -l ops -p22'), { host: 'web3', port: '22', username: 'ops' });
  assert.deepEqual(splitLogin('ssh://ops@web3:2200/'), { host: 'web3', port: '2200', username: 'ops' });
  assert.deepEqual(splitLogin('ops@corp@web3'), { host: 'web3', port: null, username: 'ops@corp' });
  assert.deepEqual(splitLogin('[2001:db8::1]:2200'), { host: '2001:db8::1', port: '2200', username: null });
  assert.deepEqual(splitLogin('2001:db8::1'), { host: '2001:db8::1', port: null, username: null });
  const t = tidy(with_({ host: 'root@web4:23', privateKey: 'a\r\nb' }));
  assert.deepEqual([t.host, t.port, t.username, t.privateKey], ['web4', '23', 'root', 'a\nb']);
});

test('a new one is told whole, with the secret of its kind alone', () => {
  const f = with_({ kind: 'key', privateKey: ' KEY ', passphrase: 'p', password: 'left over', command: 'left over' });
  assert.deepEqual(bodyOf(f).auth, { kind: 'key', private_key: 'KEY\n', passphrase: 'p' });
  assert.equal(bodyOf(f).custom, undefined, 'of another platform there is no command');
  assert.deepEqual(bodyOf(with_({ password: 'secret' })).auth, { kind: 'password', password: 'secret' });
  assert.deepEqual(bodyOf(with_({ platform: 'custom', command: ' run ' })).custom, { command: 'run', success: '', failure: '', prompt: '' });
});

test('of one that is edited only what was changed is sent', () => {
  assert.deepEqual(changesOf(was, was), {});
  assert.deepEqual(changesOf(with_({ name: 'web4', tags: 'a' }), was), { name: 'web4', tags: 'a' });
  assert.deepEqual(changesOf(with_({ kind: 'key', privateKey: 'K' }), was), { auth: { kind: 'key', private_key: 'K\n' } });
  assert.deepEqual(changesOf(with_({ kind: 'key' }), was), { auth: { kind: 'key' } });
});

test('a password is asked for again where it would go somewhere else, a key is not', () => {
  assert.equal(needsSecret(was, null), true);
  assert.equal(needsSecret(with_({ name: 'x' }), was), false);
  assert.equal(needsSecret(with_({ host: 'WEB3.lan' }), was), false);
  for (const more of [{ host: 'web4' }, { port: '23' }, { username: 'root' }, { jumpId: 'y' }]) assert.equal(needsSecret(with_(more), was), true, JSON.stringify(more));
  const key = formOf({ ...stored, auth: { kind: 'key' } });
  assert.equal(needsSecret({ ...key, host: 'web4' }, key), false);
  assert.equal(needsSecret({ ...key, kind: 'password' }, key), true);
});

test('what is wrong is said by its field', () => {
  assert.deepEqual(judge(was, was), {});
  assert.deepEqual(Object.keys(judge(formOf(null), null)).sort(), ['auth.private_key', 'host', 'name', 'username']);
  assert.deepEqual(Object.keys(judge(with_({ port: '0', username: '-x', service: 'a b' }), was)).sort(), ['auth.password', 'port', 'service', 'username']);
  assert.equal(judge(with_({ platform: 'vos', service: 'Cisco Tomcat' }), was).service, undefined, 'Voice OS has services of several words');
  assert.ok(judge(with_({ platform: 'custom' }), was)['custom.command']);
  assert.match(judge(with_({ kind: 'key', privateKey: 'x'.repeat(5000) }), was)['auth.private_key'] ?? '', /4,096 bytes/);
});

test('the sentence about a field names it as the page does', () => {
  assert.equal(fieldSays('auth.private_key', 'Auth.private_key is the public half.'), 'The private key is the public half.');
  assert.equal(fieldSays('name', 'Name is taken.'), 'Name is taken.');
  assert.equal(fieldSays('jump_id', 'Three targets in a row at most.'), 'Three targets in a row at most.');
});
