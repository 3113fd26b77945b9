import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, bitRate, byteRate, bytes, count, duration, line, load, millis, percent, short, time, UNKNOWN } from '../src/state/format';

test('bytes are powers of 1024 and keep the exact number', () => {
  assert.equal(line(bytes(0)), '0 B');
  assert.equal(line(bytes(1023)), '1,023 B');
  assert.equal(line(bytes(1023.8 * 1024)), '1 MiB'); // not 1,024 KiB
  assert.equal(line(bytes(1536)), '1.5 KiB');
  assert.equal(line(bytes(3_328_598_016)), '3.1 GiB');
  assert.equal(bytes(3_328_598_016).exact, '3,328,598,016 bytes');
});

test('disks speak bytes, networks speak bits', () => {
  assert.equal(line(byteRate(2_000_000)), '2 MB/s');
  assert.equal(line(bitRate(262_500)), '2.1 Mbit/s');
  assert.match(bitRate(262_500).exact, /2,100,000 bits per second, 262,500 bytes per second/);
});

test('unknown is a dash with a reason and never a zero', () => {
  for (const f of [bytes, byteRate, bitRate, percent, load, millis, count()]) {
    for (const v of [undefined, null, NaN, Infinity]) {
      assert.equal(f(v).text, UNKNOWN);
      assert.equal(f(v).unit, '');
      assert.notEqual(f(v).exact, '');
    }
    assert.notEqual(f(0).text, UNKNOWN);
  }
  assert.equal(percent(undefined, 'this machine has no swap').exact, 'this machine has no swap');
});

test('percent has one decimal only below ten, and does not round life to zero', () => {
  assert.equal(line(percent(0)), '0.0 %');
  assert.equal(line(percent(0.01)), '< 0.1 %');
  assert.equal(line(percent(9.94)), '9.9 %');
  assert.equal(line(percent(41.6)), '42 %');
  assert.equal(line(percent(250)), '250 %');
});

test('three digits are enough', () => {
  assert.deepEqual([0.001, 0.04, 1.234, 12.34, 123.4, 1234].map(short), ['< 0.01', '0.04', '1.23', '12.3', '123', '1,234']);
});

test('units change where the number would grow a fourth digit', () => {
  assert.equal(line(byteRate(999)), '999 B/s');
  assert.equal(line(byteRate(999.6)), '1 kB/s');
});

test('counts stay whole, and great ones are shortened', () => {
  assert.equal(line(count()(20_014)), '20,014');
  assert.equal(line(count('/s')(1_234_567)), '1.23 M/s');
  assert.equal(count('/s', 'per second')(1_234_567).exact, '1,234,567 per second');
});

test('milliseconds turn into micro and whole seconds', () => {
  assert.equal(line(millis(0.05)), '50 µs');
  assert.equal(line(millis(1.7)), '1.7 ms');
  assert.equal(line(millis(12_000)), '12 s');
});

test('durations name two units at most', () => {
  assert.equal(duration(900), '1 s');
  assert.equal(duration(59_400), '59 s');
  assert.equal(duration(125 * 60_000), '2 h 5 min');
  assert.equal(duration((12 * 24 + 3) * 3_600_000), '12 d 3 h');
  assert.equal(duration(770 * 86_400_000), '2 y 40 d');
  assert.equal(duration(-5000), '0 s');
});

test('ages tick in words', () => {
  const now = 1_000_000_000;
  assert.equal(ago(now - 400, now), 'just now');
  assert.equal(ago(now - 12_000, now), '12 s ago');
  assert.equal(ago(now - 7_500_000, now), '2 h ago');
  assert.equal(ago(now + 3 * 86_400_000, now), 'in 3 d');
});

test('a time that is none is null', () => {
  assert.equal(time(undefined), null);
  assert.equal(time(''), null);
  assert.equal(time('yesterday'), null);
  assert.equal(time('2026-11-20T19:57:04Z'), Date.UTC(2026, 10, 20, 19, 57, 4));
});
