// alerts: what wants attention, below the bell: how bad, since when, what it means, where to look, and who knows.

import { api } from '../link/api';
import { href } from '../link/route';
import { alerts, alertsTopic, openAlerts, type AlertRow } from '../state/fleet';
import { own } from '../state/own';
import { time } from '../state/format';
import { endText } from '../state/silence';
import { act, local, may, now } from '../state/store';
import { Ago, Since } from '../parts/num';
import { Empty, Skeleton, Stale } from '../parts/panel';
import { silence } from './silence';

const SHOWN = 50; // more is a list, and has its page
const LEVELS = {
  critical: { level: 'crit', glyph: '◆' }, warning: { level: 'warn', glyph: '▲' }, info: { level: 'unknown', glyph: 'i' },
} as const;

const dismissOne = (a: AlertRow) => api('POST', `api/v1/alerts/${encodeURIComponent(a.id)}/dismiss`);

async function dismiss(list: AlertRow[]): Promise<void> {
  await act(async () => {
    for (const a of list) await dismissOne(a);
  }, list.length === 1 ? `The alert about ${own(list[0]!.subject ?? '')} is dismissed` : `${list.length} alerts are dismissed`);
}

export function AlertList() {
  const list = alerts.value;
  const open = openAlerts.value.slice(0, SHOWN);
  const isFiring = list.some((a) => a.state === 'firing');
  return (
    <section class="alerts" aria-label="Alerts">
      <div class="alerts-head">
        <h2>Alerts</h2> <Stale topic={alertsTopic} />
        {open.length > 1 && may('operate') && <button type="button" class="button small" onClick={() => void dismiss(open)}>Dismiss {open.length}</button>}
      </div>
      {alertsTopic.phase.value === 'loading' ? <Skeleton lines={3} label="Alerts" /> : list.length === 0 ? (
        <Empty icon="circle-check" title="No alerts">A server alerts when it has not answered for a while, and it is over by itself when it answers again.</Empty>
      ) : (
        <>
          <ul class="alert-list" tabIndex={0} aria-label="Alerts, what nobody has dismissed first">
            {list.slice(0, SHOWN).map((a) => <One key={a.id} alert={a} />)}
          </ul>
          {list.length > SHOWN && <p class="alert-note"><a href={href('servers', { state: 'offline' })}>And {list.length - SHOWN} more: all servers that are offline</a></p>}
          {isFiring && <p class="alert-note">What is shown of a server that is offline is what was known last; what runs on it may well go on. Dismissing says to everybody that somebody knows.</p>}
        </>
      )}
    </section>
  );
}

/** The server's sentence; the name in it turns no word around it. */
const sentenceOf = (a: AlertRow) => (a.subject ? (a.message ?? '').replace(a.subject, () => own(a.subject!)) : own(a.message ?? ''));

function One({ alert: a }: { alert: AlertRow }) {
  const isOver = a.state === 'resolved';
  const { level, glyph } = isOver ? { level: 'ok', glyph: '●' } : LEVELS[a.severity ?? 'critical'];
  const word = isOver ? 'over' : a.severity;
  const until = isOver ? null : time(a.silenced_until);
  return (
    <li class={`alert-one ${level} ${isOver || a.dismissed_at || until !== null ? 'is-known' : ''}`} data-alert={a.id}>
      <span class="alert-glyph" aria-hidden="true">{glyph}</span>
      <p><span class="visually-hidden">{word}: </span>{sentenceOf(a)}{a.is_demo && <> <span class="badge quiet">DEMO</span></>}</p>
      {until !== null && a.subject_id && may('operate')
        ? <button type="button" class="button small" aria-label={`End silence of ${own(a.subject ?? '')}`} onClick={() => silence({ id: a.subject_id!, name: a.subject, silenced_until: a.silenced_until }, null)}>End silence</button>
        : !isOver && !a.dismissed_at && may('operate')
        ? <button type="button" class="button small" aria-label={`Dismiss the alert about ${own(a.subject ?? '')}`} data-tip="Somebody knows: it no longer counts as open" onClick={() => void dismiss([a])}>Dismiss</button>
        : <span />}
      <p class="alert-when">
        {isOver ? <>over <Ago at={a.resolved_at} /></> : <>{a.severity}, for <Since at={a.since ?? a.fired_at} /></>}
        {!isOver && a.dismissed_at && <> · dismissed by {own(a.dismissed_by?.replace(/^key:/, '') ?? 'somebody')} <Ago at={a.dismissed_at} /></>}
        {until !== null && <> · <span class="badge quiet" data-tip="Until then it neither counts nor notifies">silenced until {endText(local(until), now.value)}</span></>}
        {a.subject_id && <> · <a href={`${href(`servers/${a.subject_id}`)}${isOver ? '' : '#why'}`}>{isOver ? 'its page' : 'Why?'}</a></>}
      </p>
    </li>
  );
}
