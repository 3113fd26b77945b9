import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certOf, isUp, matches, placeOf, settledOf, stateOf, wantsFresh } from '../src/state/servers';

test('a check that has begun changes no count: the state before it stands until it ends', () => {
  const up = { is_active: true, connection_status: 'checking', last_connected_at: '2026-01-01T00:00:00Z' } as const;
  assert.equal(stateOf(up), 'checking');
  assert.equal(settledOf(up), 'online');
  assert.equal(settledOf({ ...up, error_class: 'refused' }), 'offline');
  assert.equal(settledOf({ is_active: true, connection_status: 'checking' }), 'unknown');
  assert.equal(isUp({ is_active: true, connection_status: 'checking' }), null);
});

test('the worst that is known is the state', () => {
  const s = { is_active: true, connection_status: 'online' } as const;
  assert.equal(stateOf(s), 'online');
  assert.equal(stateOf(s, 1), 'degraded');
  assert.equal(stateOf({ ...s, is_quorate: false }), 'degraded');
  assert.equal(stateOf({ ...s, is_quorate: true }), 'online');
  assert.equal(stateOf({ ...s, is_flapping: true, is_quorate: false }), 'flapping');
  assert.equal(stateOf({ ...s, connection_status: 'offline' }, 2), 'offline');
  assert.equal(stateOf({ ...s, connection_status: 'offline', is_flapping: true }), 'flapping');
  assert.equal(stateOf({ ...s, is_active: false, connection_status: 'checking' }), 'disabled');
  assert.equal(stateOf({ is_active: true }), 'unknown');
  assert.equal(stateOf({ is_active: true, is_flapping: true }), 'unknown', 'what was moved elsewhere is not flapping there');
});

test('a certificate is mentioned in its last month, and alarms in its last week', () => {
  const day = 86_400_000;
  assert.equal(certOf(31 * day, 0), null);
  assert.deepEqual(certOf(29 * day, 0), { level: 'warn', text: 'Certificate ends in 29 d' });
  assert.deepEqual(certOf(6 * day + 3_600_000, 0), { level: 'crit', text: 'Certificate ends in 6 d' });
  assert.deepEqual(certOf(0, 1), { level: 'crit', text: 'Certificate expired' });
});

test('an address is read with its port, IPv6 in brackets', () => {
  assert.equal(placeOf('pve1.lan', 8006), 'pve1.lan:8006');
  assert.equal(placeOf('2001:db8::1', undefined), '[2001:db8::1]:8006');
});

test('who comes back gets a check when the last was half a minute ago, and something is older than that', () => {
  const at = Date.parse('2026-01-01T00:10:00Z');
  const old = [{ is_active: true, last_health_check_at: '2026-01-01T00:09:30Z' }];
  assert.equal(wantsFresh(old, at, 0), true);
  assert.equal(wantsFresh(old, at, at - 29_999), false, 'one ran just now');
  assert.equal(wantsFresh([{ is_active: true, last_health_check_at: '2026-01-01T00:09:31Z' }], at, 0), false, 'all are fresh');
  assert.equal(wantsFresh([{ is_active: true }], at, 0), true, 'never checked');
  assert.equal(wantsFresh([{ is_active: false }], at, 0), false);
  assert.equal(wantsFresh([], at, 0), false);
});

test('a search takes words in any case from name, host, site, tags and cluster', () => {
  const s = { name: 'Prod A', host: 'pve1.company.com', tags: 'edge,prod', site: 'Rack2', vpn_host: 'secret.ts.net' };
  for (const q of ['prod', 'PVE1', 'edge rack', 'company.com', 'a prod']) assert.ok(matches(s, q), q);
  for (const q of ['prod b', 'ts.net', 'rack3']) assert.ok(!matches(s, q), q);
  assert.ok(matches({ ...s, vpn_enabled: true }, 'ts.net'));
});
