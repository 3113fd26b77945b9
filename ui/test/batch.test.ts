import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begunWords, planOf, serviceThere, targetsOf, whyNotThere } from '../src/state/batch';
import type { Target } from '../src/state/targets';

const target = (id: string, more: Partial<Target> = {}) => ({ id, name: id, platform: 'systemd', service: 'nginx.service', sudo: true, is_active: true, host_key: 'SHA256:a', ...more }) as Target;

test('who cannot take part is told with why', () => {
  assert.equal(whyNotThere(target('a'), 'service_restart', ''), null);
  assert.equal(whyNotThere(target('a', { is_active: false }), 'ssh_test', ''), 'it is switched off');
  assert.equal(whyNotThere(target('a', { platform: 'vos' }), 'logs', ''), 'A journal is not possible on Cisco Voice OS');
  assert.equal(whyNotThere(target('a', { platform: 'custom' }), 'service_status', ''), 'The status of a service is not possible on custom command');
  const noKey: Partial<Target> = { host_key: null } as never;
  assert.match(whyNotThere(target('a', noKey), 'service_restart', '')!, /not seen yet/);
  assert.match(whyNotThere(target('a', { ...noKey, seen_host_key: 'SHA256:b' }), 'service_restart', '')!, /to be confirmed/);
  assert.match(whyNotThere(target('a', { seen_host_key: 'SHA256:b' }), 'logs', '')!, /has changed/);
  assert.equal(whyNotThere(target('a', noKey), 'ssh_test', ''), null, 'a test is how it is seen');
  const none = target('a', { service: '' } as never);
  assert.match(whyNotThere(none, 'service_restart', '')!, /names no service/);
  assert.equal(whyNotThere(none, 'service_restart', 'ssh.service'), null);
  assert.equal(whyNotThere(none, 'ssh_test', ''), null);
});

test('the service is the one that is typed, else its own; a custom command has none', () => {
  assert.equal(serviceThere(target('a'), 'service_restart', ''), 'nginx.service');
  assert.equal(serviceThere(target('a'), 'service_restart', 'ssh.service'), 'ssh.service');
  assert.equal(serviceThere(target('a', { platform: 'custom' }), 'service_restart', 'ssh.service'), '');
  assert.equal(serviceThere(target('a', { platform: 'vos' }), 'service_status', 'x'), '');
});

test('those who are sent the same are one group, the largest first', () => {
  const plan = planOf([target('a', { service: 'redis.service' }), target('b'), target('c'), target('d', { sudo: false }), target('e', { is_active: false })], 'service_restart', '');
  assert.deepEqual(plan.takes.map((t) => t.id), ['a', 'b', 'c', 'd']);
  assert.deepEqual(plan.cannot.map((c) => c.target.id), ['e']);
  assert.deepEqual(plan.groups.map((g) => [g.service, g.targets.map((t) => t.id).join('')]), [['nginx.service', 'bc'], ['redis.service', 'a'], ['nginx.service', 'd']]);
  assert.equal(planOf([target('a', { service: 'redis.service' }), target('b')], 'service_restart', 'x.service').groups.length, 1);
});

test('what began and what did not is one sentence', () => {
  const fate = (target_id: string, status: 'started' | 'already_running' | 'refused', message: string | null = null) => ({ target_id, operation_id: null, status, message });
  assert.equal(begunWords([fate('a', 'started')], (id) => id), 'Begun on 1 target.');
  assert.equal(begunWords([fate('a', 'started'), fate('b', 'refused', 'it is switched off'), fate('c', 'already_running')], (id) => id),
    'Begun on 1 of 3 targets. b: it is switched off; c: the same is under way there already.');
  assert.match(begunWords([fate('a', 'started'), ...'bcdef'.split('').map((id) => fate(id, 'refused', 'no'))], (id) => id), /d: no; and 2 more\.$/);
  assert.equal(targetsOf(2), '2 targets');
});
