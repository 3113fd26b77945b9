// diagnostics-log: the last lines of the server's own log, as they are written.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { topics } from '../link/live';
import type { LogEvent } from '../link/topics';
import type { Line } from '../model.gen';
import { clockTime, dateTime, time } from '../state/format';
import { copy } from '../state/store';
import { Choice } from '../parts/form';
import { Icon } from '../parts/icon';
import { Empty, Panel, Skeleton } from '../parts/panel';

const LINES = 200;
const order = ['debug', 'info', 'warn', 'error'];
const levels = [
  { id: 'all', label: 'All', words: 'All lines' },
  { id: 'info', label: 'Info', words: 'Info and worse' },
  { id: 'warn', label: 'Warn', words: 'Warnings and errors' },
  { id: 'error', label: 'Error', words: 'Errors' },
] as const;
type Filter = (typeof levels)[number]['id'];

function rank(level: string | undefined): number {
  return order.indexOf(level === 'warning' ? 'warn' : (level ?? ''));
}

export function LogTail() {
  const topic = useMemo(() => topics.join('self.log', LINES), []);
  useLayoutEffect(() => () => topics.leave(topic), [topic]);
  const [filter, setFilter] = useState<Filter>('all');
  const [paused, pause] = useState<LogEvent[] | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);

  const source = paused ?? topic.events.value;
  const shown = source.filter((e) => e.data === null || filter === 'all' || rank((e.data as Line).level) >= rank(filter)).slice(-LINES);
  const missed = paused ? topic.events.value.filter((e) => e.seq > (paused.at(-1)?.seq ?? 0)).length : 0;

  useEffect(() => {
    const b = box.current;
    if (b && isAtEnd.current && !paused) b.scrollTop = b.scrollHeight;
  }, [shown.length, shown.at(-1)?.seq]);

  const text = () => shown.map((e) => (e.data ? `${e.data.at} ${e.data.level} ${e.data.event} ${e.data.text ?? ''}` : `(lines ${e.gap?.join(' to ')} missed)`)).join('\n');
  return (
    <Panel title="Log" icon="scroll-text" id="log" topic={topic} aside={
      <>
        <Choice<Filter> label="Level" value={filter} options={levels} onChange={setFilter} />
        <button type="button" class="button small" aria-pressed={paused !== null} onClick={() => pause(paused ? null : topic.events.peek())}>
          <Icon name={paused ? 'play' : 'pause'} size={14} /> {paused ? (missed ? `Go on, ${missed} new` : 'Go on') : 'Pause'}
        </button>
        <button type="button" class="button small quiet icon-only" aria-label="Copy the lines shown" data-tip="Copy the lines shown" onClick={() => void copy(text(), 'Log')}><Icon name="copy" size={14} /></button>
      </>
    }>
      {topic.phase.value === 'loading' ? <Skeleton lines={5} /> : shown.length === 0 ? <Empty title={filter === 'all' ? 'Nothing was logged since the start' : 'No line of this level'} /> : (
        <div class="log" ref={box} tabIndex={0} role="log" aria-label="Log lines" onScroll={(e) => {
          const b = e.currentTarget;
          isAtEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < 24;
        }}>
          {shown.map((e) => (e.data === null ? (
            <p key={`gap${e.seq}`} class="log-gap">{e.gap ? e.gap[1] - e.gap[0] + 1 : 0} lines missed{e.why ? ` (${e.why})` : ''}</p>
          ) : <LogLine key={e.seq} line={e.data as Line} />))}
        </div>
      )}
    </Panel>
  );
}

function LogLine({ line }: { line: Line }) {
  const at = time(line.at);
  return (
    <p class={`log-line ${line.level ?? ''}`}>
      <time data-tip={at === null ? '' : dateTime(at)}>{at === null ? '–' : clockTime(at)}</time>
      <span class="log-level">{line.level}</span>
      <b>{line.event}</b>
      <span class="log-text">{line.text}</span>
    </p>
  );
}
