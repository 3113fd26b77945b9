import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnosis, piecesOf, raiseTo, stretchOf, stripWords, type TestResult } from '../src/state/why';
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
