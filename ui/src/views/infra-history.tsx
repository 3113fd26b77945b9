// infra-history: the connection history of one server, with its two figures, its chart and its foot.

import { useComputed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { linkStatus } from '../link/live';
import { attemptWords, gradeOfRate, gradeWords, gridOf, ratePct, spans, type Grade, type Span } from '../state/attempts';
import { useConnection } from '../state/connection';
import { now } from '../state/store';
import { Choice } from '../parts/form';
import { Icon, type IconName } from '../parts/icon';
import { Failure } from '../parts/panel';
import { describe, HistoryChart } from './infra-history-chart';

const gradeIcon: Record<Grade, IconName> = { good: 'trending-up', fair: 'activity', poor: 'trending-down', none: 'activity' };

/** A share with its judgement: colour, arrow and words (E14). */
export function Rate({ pct, big }: { pct: number | null | undefined; big?: boolean }) {
  const grade = gradeOfRate(pct);
  const text = pct == null ? '–' : `${Math.round(pct)}%`;
  return (
    <span class={`grade-rate ${grade} ${big ? 'big' : ''} num`} data-tip={pct == null ? 'not measured' : `${pct} % of the attempts succeeded: ${gradeWords[grade]}`}>
      <Icon name={gradeIcon[grade]} size={big ? 18 : 14} />
      {text}
    </span>
  );
}

export function History({ id, name, span, onSpan, heading: Heading = 'h3' }: { id: string; name: string; span: Span; onSpan?: (id: string) => void; heading?: 'h2' | 'h3' }) {
  const connection = useConnection(id, span);
  const answer = connection.answer.value;
  const error = connection.error.value;
  // The grid moves with the hour, not with every second.
  const step = useComputed(() => Math.floor((now.value + linkStatus.value.skewMs) / span.step_ms)).value;
  const grid = useMemo(() => gridOf(answer?.history.hourly ?? [], span, step * span.step_ms), [answer, span, step]);
  const summary = answer?.history.summary;
  const isEmpty = answer !== undefined && answer.history.hourly.length === 0;
  const isLoading = answer === undefined && !error;
  const chooser = onSpan && (
    <Choice label="Range of the history" class="spans" value={span.id} onChange={onSpan} options={spans.map((s) => ({ id: s.id, label: s.label, words: s.words }))} />
  );
  const words = `${span.words[0]!.toUpperCase()}${span.words.slice(1)}`;
  return (
    <div class="history">
      <header class="history-head">
        {isLoading
          ? <div class="history-title skeleton-title"><span class="skeleton-line w0" /><span class="skeleton-line w2" /></div>
          : <div class="history-title"><Heading><Icon name="activity" /> Connection History</Heading><p class="dim">{words} • <bdi>{name}</bdi></p></div>}
        {answer !== undefined && !isEmpty && (
          <div class="history-figures">
            <Rate pct={ratePct(summary)} big />
            <span class="history-mean num" data-tip={summary?.avgResponseTime == null ? 'no attempt succeeded' : `mean of the attempts that succeeded, ${span.words}`}>
              <Icon name="clock" size={18} /> {summary?.avgResponseTime == null ? '–' : `${summary.avgResponseTime.toLocaleString('en')}ms`}
            </span>
          </div>
        )}
        {chooser}
      </header>
      {isLoading && <span class="skeleton-line skeleton-chart" role="status" aria-label="Loading the connection history" />}
      {error && <div class="history-error"><Failure error={error} retry={connection.again} /></div>}
      {isEmpty && (
        <div class="dashed">
          <Icon name="activity" size={22} />
          <p class="empty-title">No connection history available</p>
          <p>Nobody tried to reach this server in the {span.words}. The first check draws the first point here.</p>
        </div>
      )}
      {answer !== undefined && !isEmpty && (
        <>
          <HistoryChart grid={grid} span={span} label={describe(grid, span, name)} />
          <ul class="history-legend">
            <li><i class="swatch area" /> Success %</li>
            <li><i class="swatch line" /> Response (ms)</li>
          </ul>
          <p class="history-foot">{attemptWords(summary?.totalAttempts ?? 0, span.words)}</p>
        </>
      )}
    </div>
  );
}
