// infra-history-chart: share of successes as an area against 100 %, mean answer time as a line of its own scale.

import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { axisTime, lonely, msText, tipOf, type Grid, type Span } from '../state/attempts';
import type { Cell } from '../state/history';
import { isDark } from '../state/store';
import { colours, fade, showTip, usePlot } from '../parts/plot';

const NARROW = 420; // px; below it the scales take less room
const DASH = [3, 3];

export function HistoryChart({ grid, span, label }: { grid: Grid; span: Span; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const live = useRef(grid);
  live.current = grid;
  const plot = useRef<uPlot | null>(null);

  const isBroken = usePlot(box, (lib, target) => {
    const made = new lib(options(span, target, (u) => showTip(u, tip.current, (i) => say(live.current, i))), dataOf(live.current), target);
    plot.current = made;
    return { plot: made, stop: () => (plot.current = null) };
  }, [span, isDark.value]);

  useEffect(() => {
    plot.current?.setData(dataOf(grid), true);
  }, [grid]);

  return (
    <div class="history-chart" ref={box} role="img" tabIndex={0} aria-label={label}>
      {isBroken && <p class="chart-none">The drawing part could not be fetched. Reload the page when the server is back.</p>}
      <div class="chart-tip" ref={tip} aria-live="polite" hidden />
    </div>
  );
}

/** What the chart shows, for those who hear it. */
export function describe(grid: Grid, span: Span, name: string): string {
  const known = grid.rate.filter((v): v is number => v !== null);
  if (known.length === 0) return `Connection history of ${name}, ${span.words}: nothing was measured`;
  const times = grid.ms.filter((v): v is number => v !== null);
  const gaps = grid.rate.length - known.length;
  const slow = times.length === 0 ? 'no answer was timed' : `mean response between ${msText(Math.min(...times))} and ${msText(Math.max(...times))}`;
  return `Connection history of ${name}, ${span.words}. Success between ${Math.min(...known)} % and ${Math.max(...known)} %, ${slow}. ${known.length} intervals with attempts, ${gaps} without. Arrow keys walk through them.`;
}

function dataOf(grid: Grid): uPlot.AlignedData {
  return [grid.times, grid.rate, grid.ms] as unknown as uPlot.AlignedData;
}

function options(span: Span, target: HTMLElement, onCursor: (u: uPlot) => void): uPlot.Options {
  const c = colours(['text-2', 'text-3', 'grid', 'line', 'ok', 'accent', 'surface']);
  const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const family = getComputedStyle(document.body).fontFamily;
  const font = `${11 * scale}px ${family}`;
  const isNarrow = target.clientWidth < NARROW;
  const axis = { stroke: c['text-3']!, font, labelFont: font, ticks: { show: false }, gap: 6 * scale };
  const points = (fill: string): uPlot.Series.Points => ({ show: true, size: 7 * scale, width: 0, fill, stroke: fill, filter: (u, s) => lonely(u.data[s] as Cell[]) });
  return {
    width: target.clientWidth, height: target.clientHeight,
    padding: [10 * scale, isNarrow ? 0 : 4 * scale, 0, 0],
    legend: { show: false },
    series: [
      {},
      { label: 'Success', scale: 'pct', stroke: c.ok!, width: 1.5, fill: fade(c.ok!, 0.2), points: points(c.ok!) },
      { label: 'Response', scale: 'ms', stroke: c.accent!, width: 2, points: points(c.accent!) },
    ],
    cursor: {
      drag: { x: false, y: false }, y: false,
      points: { size: 8, width: 2, stroke: () => c.surface!, fill: (_, i) => (i === 1 ? c.ok! : c.accent!) },
    },
    scales: {
      x: { time: true, range: (_, lo, hi) => (lo === hi ? [lo - 1800, hi + 1800] : [lo, hi]) },
      pct: { range: [0, 100] },
      ms: { range: (_, __, hi) => [0, hi == null || hi <= 0 ? 100 : hi * 1.15] },
    },
    axes: [
      { ...axis, size: 26 * scale, grid: { stroke: c.grid!, width: 1, dash: DASH }, space: (isNarrow ? 46 : 58) * scale, values: (u, splits) => splits.map((s) => timeLabel(u, s, span)) },
      { ...axis, scale: 'pct', side: 3, size: (isNarrow ? 28 : 34) * scale, label: 'Success %', labelSize: 18 * scale, stroke: c['text-3']!, space: 40 * scale,
        grid: { stroke: c.grid!, width: 1, dash: DASH }, incrs: [10, 20, 25, 50], values: (_, splits) => splits.map(String) },
      { ...axis, scale: 'ms', side: 1, size: (isNarrow ? 34 : 44) * scale, label: 'Response (ms)', labelSize: 18 * scale, space: 40 * scale,
        grid: { show: false }, values: (_, splits) => splits.map((v) => (v >= 10_000 ? `${v / 1000}k` : String(v))) },
    ],
    hooks: { setCursor: [onCursor] },
  };
}

// Half a label beyond the right edge would be cut through.
function timeLabel(u: uPlot, s: number, span: Span): string {
  if (u.valToPos(s, 'x') > u.over.clientWidth - 8) return '';
  return axisTime(s * 1000, span);
}

function say(grid: Grid, i: number): { time: string; rows: HTMLElement[] } {
  const { time, lines } = tipOf(grid, i);
  const rows = lines.map((l) => {
    const row = document.createElement('p');
    const value = document.createElement('b');
    row.className = `history-tip is-${l.kind}`;
    value.textContent = l.value;
    row.append(l.label, value);
    return row;
  });
  return { time, rows };
}
