// diagnostics: what Binnacle itself spends, whether it is well, and the end of its log.

import { signal } from '@preact/signals';
import { Fragment } from 'preact';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import { href } from '../link/route';
import { openFeed } from '../state/feed';
import { byteRate, bytes, count, millis, percent, perSecond, type Shown } from '../state/format';
import { useAsk } from '../state/ask';
import { may, self } from '../state/store';
import { Answer } from '../parts/asked';
import { Chart } from '../parts/chart';
import { Num, Since } from '../parts/num';
import { Forbidden, Panel, Skeleton, Stale } from '../parts/panel';
import { topics } from '../link/live';
import { Ranges, useRange } from './range';
import { LogTail } from './diagnostics-log';
import { SelfCheck } from './diagnostics-check';

export function DiagnosticsPage() {
  if (!may('admin')) return <div class="page"><section class="panel"><Forbidden what="Diagnostics" role="admin" isPage /></section></div>;
  return <Inner />;
}

const series = (fields: string[]) => fields.map((f) => `self/local.${f}`);
const SERIES = series(['cpu_pct', 'rss_bytes', 'loop_lag_ms', 'store_ms', 'messages_ps', 'requests_ps', 'sent_bps', 'db_bytes', 'listeners', 'facts_ps']);
const plain = count();

function Inner() {
  const topic = useMemo(() => topics.join('self'), []);
  useLayoutEffect(() => () => topics.leave(topic), [topic]);
  const range = useRange();
  const feed = useMemo(() => openFeed(range, signal(SERIES), self), []);
  useLayoutEffect(() => feed.stop, [feed]);
  const one = (f: string) => series([f]);
  return (
    <div class="page diagnostics">
      <div class="page-head">
        <div>
          <h1>Diagnostics <Stale topic={topic} /></h1>
          <p class="page-facts"><span>What Binnacle itself spends</span>{self.value?.version && <span>version {self.value.version}</span>}<span>running for <Since at={self.value?.started_at} /></span></p>
        </div>
        <Ranges of={range} />
      </div>
      <SelfCheck />
      {self.value ? <Figures /> : <section class="panel"><Skeleton lines={4} /></section>}
      <div class="charts">
        <Chart title="Processor" feed={feed} format={percent} atLeast={2} lines={[{ label: 'of one core', series: one('cpu_pct'), color: 1, isFilled: true }]} />
        <Chart title="Memory" feed={feed} format={bytes} base={1024} lines={[{ label: 'resident', series: one('rss_bytes'), color: 2, isFilled: true }]} />
        <Chart title="Delays" feed={feed} format={millis} atLeast={1} lines={[
          { label: 'loop lag', series: one('loop_lag_ms'), color: 1 }, { label: 'store', series: one('store_ms'), color: 5 }]} />
        <Chart title="Traffic" feed={feed} format={perSecond} atLeast={5} lines={[
          { label: 'live messages', series: one('messages_ps'), color: 3, isFilled: true }, { label: 'requests', series: one('requests_ps'), color: 2 }]} />
        <Chart title="Sent to browsers" feed={feed} format={byteRate} atLeast={1000} lines={[{ label: 'bytes', series: one('sent_bps'), color: 3, isFilled: true }]} />
        <Chart title="Database" feed={feed} format={bytes} base={1024} lines={[{ label: 'file', series: one('db_bytes'), color: 6, isFilled: true }]} />
      </div>
      <LogTail />
      <About />
    </div>
  );
}

function Figures() {
  const s = self.value!;
  const groups: { title: string; rows: [string, Shown, string?][] }[] = [
    { title: 'Process', rows: [
      ['Processor', percent(s.cpu_pct), 'share of one core'], ['Memory', bytes(s.rss_bytes), 'resident'],
      ['Open files', plain(s.fd_count)], ['Threads', plain(s.thread_count)]] },
    { title: 'Loop', rows: [
      ['Turns', perSecond(s.turns_ps)], ['Lag', millis(s.loop_lag_ms), 'at worst in the last second'],
      ['Facts', perSecond(s.facts_ps)], ['Inbox', plain(s.inbox_depth)], ['Inbox refused', plain(s.inbox_lost), 'since the start']] },
    { title: 'Browsers', rows: [
      ['Connections', plain(s.connections)], ['Live listeners', plain(s.listeners)], ['Subscriptions', plain(s.subscriptions)], ['Topics', plain(s.topics)],
      ['Messages', perSecond(s.messages_ps)], ['Sent', byteRate(s.sent_bps)], ['Requests', perSecond(s.requests_ps)]] },
    { title: 'Slow listeners', rows: [
      ['Changes merged', plain(s.conflated), 'since the start'], ['Log gaps told', plain(s.gaps), 'since the start'], ['Closed as too slow', plain(s.slow_closed), 'since the start']] },
    { title: 'Store', rows: [
      ['Waiting batches', plain(s.store_queue)], ['Dropped samples', plain(s.store_lost), 'since the start'], ['Longest transaction', millis(s.store_ms), 'in the last second'],
      ['Database', bytes(s.db_bytes)], ['Write-ahead log', bytes(s.wal_bytes)]] },
    { title: 'Log', rows: [['Warnings', plain(s.warnings), 'since the start'], ['Errors', plain(s.errors), 'since the start']] },
  ];
  return (
    <section class="panel groups" data-topic="self" aria-label="Figures">
      {groups.map((g) => (
        <div key={g.title}>
          <h2>{g.title}</h2>
          <dl class="pairs">
            {g.rows.map(([label, shown, note]) => (
              <div key={label} class="pair" data-tip={note}><dt>{label}</dt><dd><Num of={shown} /></dd></div>
            ))}
          </dl>
        </div>
      ))}
    </section>
  );
}

/** Names with values; a setting also says where its value came from. */
function Facts({ of }: { of: Record<string, unknown> }) {
  const list = Object.entries(of).flatMap(([name, v]): [string, unknown, string][] => {
    if (typeof v !== 'object' || v === null) return [[name, v, '']];
    const setting = v as { value?: unknown; from?: unknown };
    return 'value' in setting ? [[name, setting.value, String(setting.from ?? '')]] : [];
  });
  return (
    <>
      {list.map(([name, v, from]) => (
        <dl key={name} class="pair">
          <dt>{name.replace(/_/g, ' ')}</dt>
          <dd>
            {v === null || v === '' ? <span class="dim" data-tip="not set">–</span> : <span class="mono">{String(v)}</span>}
            {from !== '' && from !== 'default' && <span class="tag scope">{from}</span>}
          </dd>
        </dl>
      ))}
    </>
  );
}

function About() {
  const asked = useAsk<Record<string, unknown>>('api/v1/about');
  return (
    <Panel title="About this server" icon="info" aside={<a class="button small quiet" href={href('licenses.txt')} data-native target="_blank">Licences</a>}>
      <Answer of={asked}>
        {(about) => (
          <div class="about">
            <Facts of={about} />
            {Object.entries(about).map(([k, v]) => typeof v === 'object' && v !== null && (
              <Fragment key={k}>
                <h3>{k[0]!.toUpperCase() + k.slice(1).replace(/_/g, ' ')}</h3>
                <Facts of={v as Record<string, unknown>} />
              </Fragment>
            ))}
          </div>
        )}
      </Answer>
    </Panel>
  );
}
