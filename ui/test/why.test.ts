import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnosis, failuresOf, pieceWords, piecesOf, raiseTo, stretchOf, stripWords, taskSpan, type TestResult } from '../src/state/why';
import { duration } from '../src/state/format';

const end = Date.parse('2026-11-28T12:00:00Z');
const hour = (h: number) => new Date(end - h * 3_600_000).toISOString();

test('the strip is the last day in pieces, cut at its ends', () => {
  const pieces = piecesOf([
    { from: hour(30), to: hour(18), state: 'up' },
    { from: hour(18), to: hour(12), state: 'down' },
    { from: hour(12), to: hour(9), state: 'unknown' },
    { from: hour(9), to: hour(6), state: 'mixed' },
    { from: hour(6), to: hour(-1), state: 'up' },
    { from: hour(40), to: hour(30), state: 'down' },
    { from: 'soon', to: hour(1), state: 'down' },
  ], end);
  assert.deepEqual(pieces, [
    { state: 'up', x: 0, w: 0.25 }, { state: 'down', x: 0.25, w: 0.25 }, { state: 'none', x: 0.5, w: 0.125 }, { state: 'mixed', x: 0.625, w: 0.125 }, { state: 'up', x: 0.75, w: 0.25 },
  ]);
  assert.equal(stripWords(pieces, duration), 'the last 24 hours: up for 12 h, up and down for 3 h, down for 6 h in 1 stretch');
  assert.equal(stripWords([], duration), 'nothing was measured in the last 24 hours');
  assert.deepEqual(['up', 'down', 'mixed', 'unknown'].map(stretchOf), ['up', 'down', 'mixed', 'none']);
});

test('what failed in a piece is said with its phase, and counted for the legend', () => {
  const strip = [
    { from: hour(3), to: hour(2), state: 'down', error_class: 'timeout', error_phase: 'tls', failures: 9 },
    { from: hour(2), to: hour(1), state: 'mixed', error_class: 'cert_changed', error_phase: 'tls', failures: 2 },
    { from: hour(1), to: hour(0), state: 'down', error_class: 'timeout', error_phase: 'tls', failures: 3 },
    { from: hour(6), to: hour(5), state: 'unknown' },
  ];
  const at = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  const pieces = piecesOf(strip, end);
  assert.equal(pieceWords(pieces[0]!, end - 86_400_000, at), '09:00 to 10:00: failed: timeout, TLS handshake (9)');
  assert.equal(pieceWords(pieces[3]!, end - 86_400_000, at), '06:00 to 07:00: not tried');
  assert.deepEqual(failuresOf(strip), [{ text: 'timeout, TLS handshake', count: 12 }, { text: 'cert changed, TLS handshake', count: 2 }]);
  assert.deepEqual(failuresOf(strip, 1), [{ text: 'timeout, TLS handshake', count: 12 }, { text: 'in other ways', count: 2 }]);
  assert.deepEqual(failuresOf([{ from: hour(1), to: hour(0), state: 'up' }]), []);
});

test('a task of Proxmox VE has its time, and one that runs says so', () => {
  const at = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  const task = { upid: 'UPID:…', type: 'vzdump', node: 'pve1', id: '', from: hour(2), to: hour(1) };
  assert.equal(taskSpan(task, at), 'vzdump on pve1, 10:00 to 11:00');
  assert.equal(taskSpan({ ...task, type: 'qmigrate', id: '100', to: null }, at), 'qmigrate of 100 on pve1, 10:00 to now, still running');
});

test('raising the limit is offered only where it changes something', () => {
  assert.equal(raiseTo({ connection_timeout_ms: 5000 }, {}), 10_000);
  assert.equal(raiseTo({ connection_timeout_ms: 5000 }, { timeout_ms: 7300 }), 8000);
  assert.equal(raiseTo({ connection_timeout_ms: 120_000 }, {}), null);
  assert.equal(raiseTo({ connection_timeout_ms: 10_000 }, { timeout_ms: 9000 }), null);
  assert.equal(raiseTo({ connection_timeout_ms: 10_000, learned_timeout_ms: 5000, success_rate: 90 }, {}), null, 'the learned one counts');
  assert.equal(raiseTo({ connection_timeout_ms: 10_000, learned_timeout_ms: 5000, success_rate: 60 }, {}), 20_000);
  assert.equal(raiseTo({}, {}), null);
});

const won = (tls: number): TestResult => ({ success: true, error: null, error_class: null, error_phase: null, dns_ms: 1, tcp_ms: 1, tls_ms: tls, wait_ms: 8, total_ms: tls + 10 });
const lost = (phase: string, error: string): TestResult => ({ success: false, error, error_class: 'timeout', error_phase: phase, dns_ms: 1, tcp_ms: 1, tls_ms: null, wait_ms: null, total_ms: 5000 });

test('ten attempts are said in a sentence or two', () => {
  assert.equal(diagnosis([]), '');
  assert.equal(diagnosis(Array.from({ length: 10 }, () => won(10))), 'All 10 attempts succeeded. Median 20 ms, slowest 20 ms; 50 % of it went into the TLS handshake.');
  assert.equal(diagnosis([won(10), won(30), lost('tls', 'no answer within 5 s'), lost('tls', 'no answer within 5 s')]),
    '2 of 4 attempts succeeded. Median 20 ms, slowest 40 ms; 67 % of it went into the TLS handshake. All failures were in the TLS handshake. No answer within 5 s.');
  assert.equal(diagnosis([lost('tcp', 'connection refused')]), 'None of 1 attempts succeeded. It failed in the connection phase. Connection refused.');
});
