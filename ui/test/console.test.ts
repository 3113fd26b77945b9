import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../src/link/api';
import type { Vm } from '../src/model.gen';
import { addressOf, conOf, guestAt, holdersOf, isOn, next, openedOf, shellOf, signOf, START, targetAt, TRIES, waitOf, type Event, type State } from '../src/state/console';

const q = (s = '') => new URLSearchParams(s);
const refusal = (status: number, con: string | null = null, text = 'no') => new ApiError(status, 'x', text, null, null, null, 'POST', null, null, con === null ? {} : { con });
const run = (events: Event[], from: State = START) => events.reduce(next, from);

const OPEN: Event[] = [{ t: 'open' }, { t: 'answered', kind: 'vnc' }, { t: 'joined' }, { t: 'picture', now: 1000 }];
const live = () => run(OPEN);
const down = (code: number, now = 100_000, reason = ''): Event => ({ t: 'down', code, reason, now });

test('an address names node, number, kind and server; qemu if it does not say', () => {
  assert.deepEqual(addressOf('console/pve1/100', q()), { node: 'pve1', vmid: 100, type: 'qemu', serverId: null, kind: null, isLook: false });
  assert.deepEqual(addressOf('console/pve%201/7', q('type=lxc&serverId=s1')), { node: 'pve 1', vmid: 7, type: 'lxc', serverId: 's1', kind: null, isLook: false });
  assert.deepEqual(addressOf('console/pve1/100', q('type=docker&serverId=')), { node: 'pve1', vmid: 100, type: 'qemu', serverId: null, kind: null, isLook: false });
  for (const page of ['console/pve1/abc', 'console/pve1/', 'console/pve1', 'console', 'console/pve1/-1', 'console/pve1/0', 'console/pve1/1e3', 'console/pve1/1/2', 'console/pve1/1234567890']) {
    assert.equal(addressOf(page, q()), null, page);
  }
  assert.equal(addressOf('console/%zz/1', q())!.node, '%zz');
});

test('an address also keeps what was chosen: the terminal of a machine, the screen of a container, looking only', () => {
  const chosen = (query: string) => {
    const { kind, isLook } = addressOf('console/pve1/100', q(query))!;
    return [kind, isLook];
  };
  assert.deepEqual(chosen('type=qemu&kind=terminal'), ['terminal', false]);
  assert.deepEqual(chosen('type=lxc&kind=vnc&look=1'), ['vnc', true]);
  assert.deepEqual(chosen('type=lxc&kind=terminal'), ['terminal', false], 'said so: then its screen is no answer');
  assert.deepEqual(chosen('kind=spice&look=yes'), [null, false]);
});

test('the shell of a node has an address of its own, which no machine has', () => {
  assert.deepEqual(shellOf('console/pve%201/shell', q('serverId=s1')), { node: 'pve 1', serverId: 's1' });
  for (const [page, query] of [['console/pve1/shell', ''], ['console/pve1/100', 'serverId=s1'], ['console/pve1', 'serverId=s1'], ['console/pve1/shell/x', 'serverId=s1']] as const) assert.equal(shellOf(page, q(query)), null, page);
  assert.equal(addressOf('console/pve1/shell', q('serverId=s1')), null);
});

test('the terminal of a target has an address of its own', () => {
  const id = 'Fq8Vlz7f_8g_9T7iUgJ3-g';
  assert.equal(targetAt(`console/target/${id}`), id);
  for (const page of ['console/target', 'console/target/', 'console/target/100', `console/target/${id}/x`, `console/pve1/${id}`, 'console/target/shell', 'console/target/a%20b']) assert.equal(targetAt(page), null, page);
  assert.equal(addressOf(`console/target/${id}`, q()), null);
  assert.equal(addressOf('console/target/100', q())?.node, 'target', 'a node may be called like that');
});

test('without a server the only one with that node and number is meant, else it is asked', () => {
  const vm = (server_id: string, vmid: number, node: string): Vm => ({ server_id, vmid, node });
  const vms = { 'a/100': vm('a', 100, 'pve1'), 'b/100': vm('b', 100, 'pve1'), 'b/101': vm('b', 101, 'pve1'), 'c/100': vm('c', 100, 'other') };
  const at = (page: string, query = '') => guestAt(addressOf(page, q(query))!, vms, (id) => (id === 'member' ? 'b' : id));
  assert.deepEqual(at('console/pve1/101'), { at: 'one', id: 'b/101' });
  assert.deepEqual(at('console/pve1/100'), { at: 'many', ids: ['a/100', 'b/100'] });
  assert.deepEqual(at('console/pve1/102'), { at: 'none' });
  assert.deepEqual(at('console/gone/100', 'serverId=a'), { at: 'one', id: 'a/100' }, 'it moved: followed by its number');
  assert.deepEqual(at('console/pve1/100', 'serverId=member'), { at: 'one', id: 'b/100' }, 'a member of its cluster');
  assert.deepEqual(at('console/pve1/100', 'serverId=zzz'), { at: 'none' });
  assert.deepEqual([isOn({ status: 'running' }), isOn({ status: 'paused' }), isOn({ status: 'stopped' }), isOn({})], [true, true, false, false]);
});

test('only an address on this server and a kind are an answer', () => {
  assert.deepEqual(openedOf({ id: 'x', url: '/console/x?t=1', kind: 'vnc', expires_at: '' }), { url: '/console/x?t=1', kind: 'vnc' });
  for (const answer of [undefined, null, {}, '', 1, [], { url: '/x' }, { kind: 'vnc' }, { url: '', kind: 'vnc' }, { url: 'wss://elsewhere/x', kind: 'vnc' }, { url: '//elsewhere/x', kind: 'vnc' }, { url: '/x', kind: 'spice' }]) {
    assert.equal(openedOf(answer), null, JSON.stringify(answer));
  }
});

test('step by step to the first picture', () => {
  const steps = OPEN.map((_, i) => run(OPEN.slice(0, i + 1)));
  assert.deepEqual(steps.map((s) => [s.at, s.step]), [['connecting', 'ask'], ['connecting', 'open'], ['connecting', 'picture'], ['live', 'picture']]);
  assert.equal(steps[3]!.hasFrame, true);
  assert.deepEqual(steps.map((s) => signOf(s).level), ['busy', 'busy', 'busy', 'ok']);
});

test('an empty answer leaves nothing connecting, and the next try begins anew', () => {
  const s = run([{ t: 'open' }, { t: 'empty' }]);
  assert.deepEqual([s.at, s.isEmpty, s.why], ['failed', true, 'No connection data received.']);
  const again = next(s, { t: 'open' });
  assert.deepEqual([again.at, again.step, again.isEmpty, again.why], ['connecting', 'ask', false, '']);
});

test('ends that were meant are told from losses, and are not undone', () => {
  for (const [code, words] of [[1000, /closed/], [4401, /right/], [4403, /administrator/], [4408, /30 minutes/], [4410, /8 hours/]] as const) {
    const s = next(live(), down(code));
    assert.equal(s.at, 'closed', String(code));
    assert.match(s.why, words);
    assert.equal(next(s, { t: 'again' }).at, 'closed');
    assert.equal(next(s, { t: 'off' }).at, 'closed');
    assert.equal(next(s, { t: 'open' }).at, 'connecting', 'a person may');
  }
  assert.equal(next(live(), down(4403, 9e9, 'ended by vera')).why, 'Ended by vera.');
  for (const code of [1001, 1005, 1006, 1011, 1012, 4411]) assert.equal(next(live(), down(code)).at, 'waiting', String(code));
  assert.equal(next(live(), down(1002, 9e9, 'The greeting was refused: too old')).at, 'failed', 'the same would come of it');
});

test('five tries with growing waits, then it says so; back on the way there it goes on', () => {
  let s = live();
  const tries: number[] = [];
  s = next(s, down(1006));
  while (s.at === 'waiting') {
    tries.push(s.tries);
    assert.equal(signOf(s).word, `Reconnecting ${s.tries}/5`);
    s = next(next(s, { t: 'again' }), { t: 'refused', error: refusal(502) });
  }
  assert.deepEqual(tries, [1, 2, 3, 4, 5]);
  assert.deepEqual([s.at, s.isLost, s.hasFrame], ['failed', true, true]);
  assert.equal(next(s, { t: 'again' }).at, 'connecting', 'the network is back');
  const waits = [1, 2, 3, 4, 5].map((n) => waitOf(n, 0));
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b));
  assert.ok(waits[0]! <= 500 && waitOf(TRIES, 1) <= 10_000);
});

test('while nobody answers at all it goes on trying, and says that instead of a number of tries', () => {
  let s = next(live(), down(1006));
  for (let i = 0; i < 20; i++) s = next(next(s, { t: 'again' }), { t: 'refused', error: refusal(0) });
  assert.deepEqual([s.at, s.isAway, signOf(s).word, s.hasFrame], ['waiting', true, 'No connection', true]);
  s = next(s, { t: 'again' });
  assert.deepEqual([s.at, signOf(s).word], ['connecting', 'No connection'], 'a try does not look like an answer');
  const back = next(s, { t: 'answered', kind: 'vnc' });
  assert.deepEqual([back.isAway, signOf(back).level], [false, 'busy']);
  assert.equal(next(s, { t: 'refused', error: refusal(403) }).isAway, false);
  const gateway = new ApiError(502, 'http_502', 'no', null, null, null, 'POST');
  assert.equal(next(s, { t: 'refused', error: gateway }).at, 'waiting', 'a proxy speaks for who does not answer');
  assert.equal(next(s, { t: 'refused', error: refusal(502) }).at, 'failed', 'Binnacle itself said what is wrong');
});

test('a silence is told from a picture that stands still, and after it a screen is opened anew', () => {
  const quiet = next(live(), { t: 'quiet' });
  assert.deepEqual([quiet.at, quiet.isQuiet, signOf(quiet).level, signOf(quiet).word], ['live', true, 'busy', 'No answer']);
  assert.equal(next(quiet, { t: 'quiet' }), quiet);
  const heard = next(quiet, { t: 'heard', keeps: false });
  assert.deepEqual([heard.at, heard.tries, heard.isQuiet, heard.hasFrame], ['waiting', 1, false, true]);
  const shell = next(quiet, { t: 'heard', keeps: true });
  assert.deepEqual([shell.at, shell.isQuiet], ['live', false], 'a shell would end with its connection');
  assert.equal(next(live(), { t: 'heard', keeps: false }).at, 'live', 'it was never away');
  assert.equal(next(quiet, down(1006)).at, 'waiting');
  assert.equal(next(next(quiet, down(1006)), { t: 'quiet' }).isQuiet, false);
  const waiting = next(live(), down(1006));
  assert.equal(next(waiting, { t: 'heard', keeps: false }).at, 'connecting', 'the wait is over when the way is back');
  assert.equal(next({ ...waiting, tries: 5, isAway: true }, { t: 'heard', keeps: false }).tries, 1, 'and it begins to count anew');
});

test('a shell that ends is not replaced by another one unasked', () => {
  const ended = next(live(), { ...down(4411), isShell: true } as Event);
  assert.deepEqual([ended.at, ended.why], ['closed', 'The shell ended.']);
  assert.equal(next(live(), { ...down(1006), isShell: true } as Event).at, 'waiting', 'the network is another matter');
});

test('what holds for a moment only does not begin to count anew', () => {
  const flaps = (liveFor: number) => {
    let s = next(live(), down(1006, 100_000));
    s = run([{ t: 'again' }, { t: 'answered', kind: 'vnc' }, { t: 'joined' }, { t: 'picture', now: 200_000 }, down(1006, 200_000 + liveFor)], s);
    return s.tries;
  };
  assert.equal(flaps(100), 2);
  assert.equal(flaps(60_000), 1);
});

test('a first connection that fails is an error with its cause, not a loss', () => {
  const s = run([{ t: 'open' }, { t: 'answered', kind: 'vnc' }, down(1006)]);
  assert.equal(s.at, 'failed');
  assert.match(s.why, /proxy/);
  assert.equal(s.isBlocked, true);
  assert.equal(next(s, { t: 'open' }).isBlocked, false);
  const late = run([{ t: 'open' }, { t: 'answered', kind: 'vnc' }, { t: 'joined' }, down(1006)]);
  assert.deepEqual([late.at, late.isBlocked, late.why], ['failed', false, 'The connection was lost.'], 'it was through already');
  assert.equal(run([{ t: 'open' }, { t: 'answered', kind: 'vnc' }, down(4411, 1, 'the other end closed')]).why, 'The other end closed.');
  const refused = run([{ t: 'open' }, { t: 'refused', error: refusal(502, 'CON-02', 'VM.Console is missing') }]);
  assert.deepEqual([refused.at, conOf(refused.error!), refused.isLost], ['failed', 'CON-02', false]);
});

test('who holds the consoles that leave no room is read from the refusal, and nothing else is', () => {
  const of = (held_by: unknown) => holdersOf(new ApiError(429, 'too_many', 'no', null, null, null, 'POST', null, null, { held_by }));
  assert.deepEqual(of([{ id: 'c1', user_name: 'ada', server_id: 's', subject: 'web (100) on alpha', kind: 'vnc', since: '2026-01-01T00:00:00Z' }, { id: 'c2', user_name: null, subject: '', kind: 'terminal', since: null }]), [
    { id: 'c1', user_name: 'ada', subject: 'web (100) on alpha', kind: 'vnc', since: '2026-01-01T00:00:00Z' }, { id: 'c2', user_name: null, subject: null, kind: 'terminal', since: null }]);
  for (const none of [undefined, null, {}, 'x', [null, 1, {}, { id: 1 }]]) assert.deepEqual(of(none), []);
});

test('while it comes back, refusals of a moment are waited out and others end it', () => {
  const lost = () => next(next(live(), down(1001)), { t: 'again' });
  for (const status of [0, 404, 409, 429, 500, 502, 503]) assert.equal(next(lost(), { t: 'refused', error: refusal(status) }).at, 'waiting', String(status));
  assert.equal(next(lost(), { t: 'refused', error: refusal(409, 'CON-06') }).at, 'failed', 'a serial port does not come by itself');
  for (const status of [400, 403]) assert.equal(next(lost(), { t: 'refused', error: refusal(status) }).at, 'failed', String(status));
});

test('a guest that stops is waited for, and one that is gone is not', () => {
  const lost = next(live(), down(4411));
  const off = next(lost, { t: 'off' });
  assert.deepEqual([off.at, off.hasFrame, off.tries], ['off', true, 0]);
  assert.equal(next(off, { t: 'again' }).at, 'off', 'a timer left over does nothing');
  assert.equal(next(off, { t: 'open' }).at, 'connecting');
  assert.equal(next(live(), { t: 'off' }).at, 'live', 'the connection itself says when it ends');
  assert.equal(run([{ t: 'open' }, { t: 'refused', error: refusal(409, 'CON-01') }]).at, 'off');
  assert.equal(run([{ t: 'off' }]).at, 'off');
  const gone = next(lost, { t: 'gone' });
  assert.equal(gone.at, 'failed');
  assert.match(gone.why, /no such machine/);
  assert.equal(next(gone, { t: 'again' }).at, 'connecting', 'unless it is back: a server that was restarted learns of its guests anew');
});

test('what comes late from a connection that is over changes nothing', () => {
  const closed = next(live(), down(4403));
  for (const e of [{ t: 'joined' }, { t: 'picture', now: 1 }, { t: 'answered', kind: 'vnc' }, { t: 'empty' }, { t: 'refused', error: refusal(500) }, { t: 'quiet' }, { t: 'heard', keeps: false }, down(1006)] as Event[]) {
    assert.equal(next(closed, e), closed, e.t);
    assert.equal(next(START, e), START, e.t);
  }
});
