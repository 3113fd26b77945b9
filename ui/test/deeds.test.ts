import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buttonWords, cancelMeans, curlOf, hostKeysOf, keyOf, stepsOf, sudoLine } from '../src/state/deedwords';

test('the button says each of its states', () => {
  assert.equal(buttonWords({ is: 'idle' }), 'Restart Service');
  assert.equal(buttonWords({ is: 'starting' }), 'Starting…');
  assert.equal(buttonWords({ is: 'running', progress: 50 }), 'Restarting… (50%)');
  assert.equal(buttonWords({ is: 'running', progress: null }), 'Restarting… (0%)');
  assert.equal(buttonWords({ is: 'completed' }), 'Restart Completed');
});

test('cancelling means two things', () => {
  assert.match(cancelMeans({ progress: 30 }), /^Nothing has run yet/);
  assert.match(cancelMeans({ progress: 50 }), /finishes what it began/);
  assert.match(cancelMeans({ progress: 30, sent_at: '2026-01-01T00:00:00Z' }), /only ends watching/);
});

test('what errors hold is found in the words of the server', () => {
  assert.equal(sudoLine('Add this line with visudo: root ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx.service'), 'root ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx.service');
  assert.equal(sudoLine('Its last lines of the journal are below.'), null);
  assert.equal(sudoLine(null), null);
  assert.deepEqual(hostKeysOf('The host key of web3 has changed: it was SHA256:abc+/1, now it is SHA256:def+/2. Nothing was sent to it.'), { was: 'SHA256:abc+/1', now: 'SHA256:def+/2' });
  assert.deepEqual(hostKeysOf('web3 shows a host key that nobody has confirmed: SHA256:xyz (ssh-ed25519). Nothing was sent to it.'), { was: null, now: 'SHA256:xyz' });
  assert.equal(hostKeysOf('There is no unit foo.service on web3.'), null);
});

test('one operation is the same as another by target, kind and service', () => {
  assert.equal(keyOf('t', 'service_restart', null), keyOf('t', 'service_restart', ''));
  assert.notEqual(keyOf('t', 'service_restart', 'a'), keyOf('t', 'service_restart', 'b'));
});

test('the steps are said as they are taken', () => {
  assert.deepEqual(stepsOf({ type: 'service_restart' }).map((s) => s.at), [10, 30, 50, 90, 100]);
  assert.equal(stepsOf({ type: 'logs' })[2]!.words, 'Executing command');
});

test('a command for a shell cannot be broken out of', () => {
  const line = curlOf("https://b/api/v1/targets/x'y/operations", { type: 'service_restart', object: "it's; reboot" });
  assert.equal(line, `curl -sS -X POST -H "Authorization: Bearer $BINNACLE_KEY" -H 'Content-Type: application/json' -d '{"type":"service_restart","params":{"service":"it'\\''s; reboot"}}' 'https://b/api/v1/targets/x%27y/operations'`);
});
