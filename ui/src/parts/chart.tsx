// chart: lines over time from a feed; min-max band behind the mean, gaps as gaps, one cursor for all.

import { effect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Feed } from '../state/follow';
import { clockTime, dateTime, dayTime, dayYearTime, line, minuteTime, UNKNOWN, type Format } from '../state/format';
import { sum, summary, type Cell, type Columns, type Range, type Track } from '../state/history';
import { isDark } from '../state/store';
import { colours, fade, showTip, usePlot } from './plot';

export interface Line {
  label: string;
  series: string[]; // more than one: their sum
  color: 1 | 2 | 3 | 4 | 5 | 6;
  isFilled?: boolean;
}

interface ChartProps {
  title: string;
  feed: Feed;
  lines: Line[];
  format: Format;
  max?: number;             // fixed top of the scale
  atLeast?: number;         // the top is not lower than this, so that noise does not look like a storm
  base?: 1000 | 1024;       // grid steps
  factor?: number;          // scale of the axis against the values: 8 for bits
  note?: ComponentChildren;
  aside?: ComponentChildren;
}

const SYNC = 'binnacle';
const NARROW = 360; // px; plots below this get shorter labels

function columnsOf(feed: Feed, l: Line): Columns {
  const track = feed.track!;
  if (l.series.length === 1) return track.get(l.series[0]!);
  const parts = l.series.map((name) => track.get(name));
  return { avg: sum(parts.map((p) => p.avg)), min: sum(parts.map((p) => p.min)), max: sum(parts.map((p) => p.max)) };
}

/** x, then avg, min, max of each line. */
function dataOf(feed: Feed, lines: Line[]): uPlot.AlignedData {
  const track = feed.track!;
  const all: (number | null)[][] = [track.times()];
  // A second is one sample: there is no band around it to draw.
  const none = track.step === 1000 ? new Array<null>(track.size).fill(null) : null;
  for (const l of lines) {
    const c = columnsOf(feed, l);
    all.push(c.avg, none ?? c.min, none ?? c.max);
  }
  return all as unknown as uPlot.AlignedData;
}

function axisTime(range: Range): (u: uPlot, splits: number[]) => string[] {
  const hours = range.span_ms / 3_600_000;
  return (u, splits) => splits.map((s) => {
    const ms = s * 1000;
    // Half a label beyond the right edge would be cut through.
    if (u.valToPos(s, 'x') > u.over.clientWidth - 14) return '';
    if (hours <= 0.1 && u.over.clientWidth > NARROW) return clockTime(ms);
    if (hours <= 24) return minuteTime(ms);
    return dayTime(ms);
  });
}

// Steps that read well in the unit the axis speaks: 1, 2, 5 by decade, or powers of two of bytes.
function steps(base: 1000 | 1024, factor: number): number[] {
  const out: number[] = [];
  if (base === 1024) {
    for (let p = 0; p < 52; p++) out.push(2 ** p);
  } else {
    for (let p = -3; p < 16; p++) for (const m of [1, 2, 5]) out.push((m * 10 ** p) / factor);
  }
  return out;
}

export function Chart(props: ChartProps) {
  const { title, feed, lines, format } = props;
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const live = useRef(props);
  live.current = props;
  const shape = lines.map((l) => l.series.join() + l.color).join(';') + (props.max ?? '') + feed.range.value.id;
  const hasData = feed.phase.value === 'ready';

  const isBroken = usePlot(box, hasData ? (lib, target) => {
    if (!feed.track) return null;
    const plot = new lib(options(live, tip, setCursor, target), dataOf(feed, lines), target);
    const stop = effect(() => {
      void feed.version.value;
      if (feed.track) plot.setData(dataOf(feed, live.current.lines), true);
    });
    return { plot, stop };
  } : null, [hasData, shape, isDark.value, feed]);

  void feed.version.value;
  const cols = hasData && feed.track ? lines.map((l) => columnsOf(feed, l)) : [];
  const began = hasData && feed.track ? beganLate(feed.track, feed.range.value) : null;
  const isEmpty = hasData && cols.every((c) => c.avg.every((v) => v == null));
  return (
    <section class="panel chart" aria-label={`${title} over time`}>
      <header class="chart-head">
        <h2>{title}</h2>
        {props.aside}
        <ul class="legend">
          {lines.map((l, i) => <Legend key={l.label} line={l} columns={cols[i]} cursor={cursor} format={format} words={feed.range.value.words} />)}
        </ul>
      </header>
      <div class="chart-box" ref={box} role="img" tabIndex={0} aria-label={describe(title, lines, cols, format, feed.range.value)}>
        {!hasData && <div class="chart-wait" />}
        {isBroken && <p class="chart-none">The drawing part could not be fetched. Reload the page when the server is back.</p>}
        {isEmpty && !isBroken && <p class="chart-none">{feed.range.value.isLive ? 'Waiting for the first points' : `Nothing was measured in the ${feed.range.value.words}`}</p>}
        {began !== null && !isEmpty && !isBroken && <p class={`chart-began ${began.share < WIDE ? 'is-short' : ''}`}>Measured since {began.text}</p>}
        <div class="chart-tip" ref={tip} aria-live="polite" hidden />
      </div>
      {props.note}
    </section>
  );
}

function Legend({ line: l, columns, cursor, format, words }: {
  line: Line; columns: Columns | undefined; cursor: number | null; format: Format; words: string;
}) {
  const sums = columns && summary(columns);
  const v = columns && (cursor === null ? lastKnown(columns.avg) : columns.avg[cursor]);
  const shown = format(v ?? null, 'not measured at this time');
  const exact = sums && sums.avg !== null
    ? `${l.label}, ${words}: least ${line(format(sums.min))}, mean ${line(format(sums.avg))}, greatest ${line(format(sums.max))}`
    : shown.exact;
  return (
    <li data-tip={exact}>
      <i class={`swatch c${l.color}`} />
      <span class="legend-label">{l.label}</span>
      <span class="num">{shown.text}{shown.unit && <span class="unit"> {shown.unit}</span>}</span>
    </li>
  );
}

const MOSTLY = 0.4;
const WIDE = 0.75; // room for the words in a narrow chart too

/** Where most of the range lies before the first measurement, when that was: an empty chart says why. */
function beganLate(track: Track, range: Range): { share: number; text: string } | null {
  const first = track.first;
  const share = (first - (track.end - range.span_ms)) / range.span_ms;
  if (first === 0 || share < MOSTLY) return null;
  return { share, text: range.isLive ? clockTime(first) : dateTime(first) };
}

// The newest step may not have been measured yet; two steps back it is a gap.
function lastKnown(cells: Cell[]): Cell {
  return cells.at(-1) ?? cells.at(-2) ?? null;
}

function describe(title: string, lines: Line[], cols: Columns[], format: Format, range: Range): string {
  const parts = lines.map((l, i) => {
    const c = cols[i];
    if (!c) return l.label;
    const s = summary(c);
    return s.avg === null ? `${l.label}: nothing measured`
      : `${l.label}: now ${line(format(lastKnown(c.avg)))}, mean ${line(format(s.avg))}, greatest ${line(format(s.max))}`;
  });
  return `${title}, ${range.words}. ${parts.join('; ')}`;
}

function options(live: { current: ChartProps }, tip: { current: HTMLDivElement | null },
  setCursor: (i: number | null) => void, target: HTMLElement): uPlot.Options {
  const { feed, lines, format, max, atLeast = 0, base = 1000, factor = 1 } = live.current;
  const range = feed.range.peek();
  const c = colours(['text-3', 'grid', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'surface']);
  // Sizes are those of a root of 16 px; a wall's is larger.
  const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const font = `${11 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  lines.forEach((l, i) => {
    const stroke = c[`c${l.color}`]!;
    series.push({ label: l.label, stroke, width: 1.5, points: { show: isLonely, size: 4, fill: stroke }, ...(l.isFilled ? { fill: fade(stroke, 0.12) } : {}) });
    series.push({ points: { show: false } }, { points: { show: false } });
    bands.push({ series: [3 * i + 3, 3 * i + 2], fill: fade(stroke, 0.2) });
  });
  const span = range.span_ms / 1000;
  return {
    width: target.clientWidth, height: target.clientHeight, series, bands,
    padding: [8 * scale, 12 * scale, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: SYNC, scales: ['x', null] },
      drag: { x: false, y: false },
      y: false,
      points: { show: (_, i) => (i % 3 === 1 ? pointElement() : (undefined as unknown as HTMLElement)), size: 6, width: 2,
        stroke: () => c.surface!, fill: (_, i) => c[`c${lines[Math.floor((i - 1) / 3)]!.color}`]! },
    },
    scales: {
      x: { time: true, range: (_, __, hi) => (hi ? [hi - span, hi] : [Date.now() / 1000 - span, Date.now() / 1000]) },
      y: { range: (_, __, hi) => [0, max ?? Math.max(atLeast, hi == null || hi <= 0 ? atLeast || 1 : hi * 1.08)] },
    },
    axes: [
      { stroke: c['text-3']!, font, size: 26 * scale, gap: 6 * scale, grid: { show: false }, ticks: { show: false }, space: (_, __, ___, ____, width) => (width > NARROW ? 58 : 40) * scale, values: axisTime(range) },
      { stroke: c['text-3']!, font, size: 62 * scale, gap: 6 * scale, grid: { stroke: c.grid!, width: 1 }, ticks: { show: false }, space: 34 * scale,
        incrs: steps(base, factor), values: (_, splits) => splits.map((v) => (v === 0 ? '0' : line(format(v)).replace(/^(\d+)\.0+ /, '$1 '))) },
    ],
    hooks: {
      setCursor: [(u) => {
        setCursor(u.cursor.idx ?? null);
        showTip(u, tip.current, (i) => say(u, live.current, i));
      }],
    },
  };
}

// A measured point between two gaps has no line; it is drawn as a dot.
function isLonely(u: uPlot, s: number): boolean {
  const d = u.data[s]!;
  let known = 0;
  for (const v of d) if (v != null && ++known > 2) return false;
  return known > 0;
}

function pointElement(): HTMLElement {
  return document.createElement('div');
}

/** What stands beside the cursor: each line's mean, and its least and greatest. */
function say(u: uPlot, { feed, lines, format }: ChartProps, i: number): { time: string; rows: HTMLElement[] } {
  const at = u.data[0]![i]! * 1000;
  const rows = lines.map((l, n) => {
    const avg = u.data[3 * n + 1]![i];
    const min = u.data[3 * n + 2]![i];
    const max = u.data[3 * n + 3]![i];
    const row = document.createElement('p');
    const mark = document.createElement('i');
    mark.className = `swatch c${l.color}`;
    const value = document.createElement('b');
    value.textContent = avg == null ? UNKNOWN : line(format(avg));
    row.append(mark, l.label, value);
    if (avg != null && min != null && max != null && max - min > 1e-9) {
      const span = document.createElement('span');
      span.textContent = `${line(format(min))} to ${line(format(max))}`;
      row.append(span);
    } else if (avg == null) {
      const span = document.createElement('span');
      span.textContent = 'not measured';
      row.append(span);
    }
    return row;
  });
  return { time: (feed.track?.step ?? 1000) >= 86_400_000 ? dayYearTime(at) : dateTime(at), rows };
}
