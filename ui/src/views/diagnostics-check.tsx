// diagnostics-check: the usual troubles, each looked for here and now, with what to do about it.

import { useState } from 'preact/hooks';
import { linkStatus } from '../link/live';
import type { Self } from '../model.gen';
import { bytes, duration, line, millis } from '../state/format';
import { copy, hostTopic, now, scriptErrors, self } from '../state/store';
import { Icon } from '../parts/icon';
import { Panel } from '../parts/panel';

interface Check {
  name: string;
  verdict: 'ok' | 'warn' | 'crit' | 'unknown';
  found: string;
  advice?: string;
}

function check(name: string, isGood: boolean | null, found: string, advice: string, bad: 'warn' | 'crit' = 'warn'): Check {
  if (isGood === null) return { name, verdict: 'unknown', found: 'not measured' };
  return isGood ? { name, verdict: 'ok', found } : { name, verdict: bad, found, advice };
}

const known = (v: number | undefined, good: (v: number) => boolean) => (v === undefined ? null : good(v));

function checks(s: Self | undefined): Check[] {
  const link = linkStatus.value;
  const at = hostTopic.at.value;
  const age = at === 0 ? null : now.value - at;
  const errors = scriptErrors.value;
  return [
    check('Live connection', link.phase === 'live', link.phase === 'live' ? `WebSocket open, ${link.messages} messages` : link.phase === 'polling' ? 'by HTTP polling' : link.reason || link.phase,
      'A proxy in between must pass "Upgrade: websocket" and "Connection: upgrade" for api/v1/live, and must not close idle connections within 30 s. Polling works meanwhile.', link.phase === 'polling' ? 'warn' : 'crit'),
    check('Data arriving', age === null ? null : age < 5000, age === null ? '' : `last sample ${duration(age)} ago`,
      'The connection stands but nothing comes: look for errors in the log below and at the lag of the loop.'),
    check('Scripts of this page', errors.length === 0, errors.length === 0 ? 'no error' : `${errors.length}: ${errors.at(-1)}`,
      'Reload the page. If it comes back, copy this report into an issue.', 'crit'),
    check('Clocks', Math.abs(link.skewMs) < 2000, `server ${link.skewMs >= 0 ? 'ahead' : 'behind'} by ${line(millis(Math.abs(link.skewMs)))}`,
      'Ages are corrected by the difference; set both clocks by NTP.'),
    check('Loop', known(s?.loop_lag_ms, (v) => v < 100), `lag ${line(millis(s?.loop_lag_ms))}`,
      'Something holds the server up: fewer listeners, a faster disk, or look for a slow request in the log.'),
    check('Memory', known(s?.rss_bytes, (v) => v < 512 * 2 ** 20), `${line(bytes(s?.rss_bytes))} resident`,
      'More than this server should need: look at connections, subscriptions and topics above for what grew.'),
    check('Inbox', known(s?.inbox_lost, (v) => v === 0), s?.inbox_lost ? `${s.inbox_lost} facts refused since the start` : 'nothing refused',
      'More is measured than one turn takes in. Refused samples are gaps in charts; nothing people did is lost.'),
    check('Store', s === undefined ? null : !s.degraded, s?.degraded ? s.degraded_why || 'refuses writes' : 'accepts writes',
      'Free space on the disk of the data folder, or make it writable; it recovers by itself.', 'crit'),
    check('Store pace', known(s?.store_lost, (v) => v === 0), s?.store_lost ? `${s.store_lost} samples dropped since the start` : `${s?.store_queue ?? 0} batches waiting, none dropped`,
      'The disk is slower than what is measured; charts have gaps for these seconds.'),
    check('Slow listeners', known(s?.slow_closed, (v) => v === 0), s?.slow_closed ? `${s.slow_closed} closed since the start` : `${s?.conflated ?? 0} changes merged, none closed`,
      'Their network or browser did not keep up; they reconnect by themselves and get the current state.'),
    check('Log', known(s?.errors, (v) => v === 0), s ? `${s.errors ?? 0} errors, ${s.warnings ?? 0} warnings since the start` : '', 'Read them below; each says what to do.'),
  ];
}

const signs = { ok: ['✓', 'fine'], warn: ['▲', 'look here'], crit: ['✖', 'broken'], unknown: ['?', 'not measured'] } as const;

export function SelfCheck() {
  const list = checks(self.value);
  const bad = list.filter((c) => c.verdict !== 'ok');
  const [isOpen, open] = useState(false);
  const shown = isOpen ? list : bad;
  const report = () => list.map((c) => `${signs[c.verdict][0]} ${c.name}: ${c.found}`).join('\n') + `\n${navigator.userAgent}\n${new Date().toISOString()}`;
  return (
    <Panel title="Self-check" icon="shield-check" aside={
      <>
        <button type="button" class="button small quiet" onClick={() => void copy(report(), 'Report')}><Icon name="copy" size={14} /> Copy report</button>
        <button type="button" class="button small quiet" aria-expanded={isOpen} onClick={() => open(!isOpen)}>{isOpen ? 'Less' : `All ${list.length}`}</button>
      </>
    }>
      {bad.length === 0 && <p class="check-sum"><span class="check-sign ok">✓</span> All {list.length} checks are fine.</p>}
      {shown.length > 0 && (
        <ul class="checklist">
          {shown.map((c) => (
            <li key={c.name} class={c.verdict}>
              <span class={`check-sign ${c.verdict}`} role="img" aria-label={signs[c.verdict][1]}>{signs[c.verdict][0]}</span>
              <span class="check-name">{c.name}</span>
              <span class="check-found">{c.found}{c.advice && <span class="check-advice">{c.advice}</span>}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
