// gauge: the instruments; a dial for one share of a whole, a bar for the same inside a table, a sparkline.

import type { ComponentChildren } from 'preact';
import type { Cell } from '../state/history';
import { percent, type Shown } from '../state/format';
import { levelOf, type Level } from '../state/store';

const R = 50;
const SWEEP = 240;

function point(pct: number, radius: number): [number, number] {
  const angle = ((150 + (pct / 100) * SWEEP) * Math.PI) / 180;
  return [60 + radius * Math.cos(angle), 60 + radius * Math.sin(angle)];
}

function arc(from: number, to: number, radius: number): string {
  const [x1, y1] = point(from, radius);
  const [x2, y2] = point(to, radius);
  const large = ((to - from) / 100) * SWEEP > 180 ? 1 : 0;
  const f = (n: number) => n.toFixed(2);
  return `M${f(x1)} ${f(y1)}A${radius} ${radius} 0 ${large} 1 ${f(x2)} ${f(y2)}`;
}

function ticks(): string {
  let d = '';
  for (let pct = 0; pct <= 100; pct += 5) {
    const [x1, y1] = point(pct, 42);
    const [x2, y2] = point(pct, pct % 25 === 0 ? 36.5 : pct % 10 === 0 ? 38.5 : 40);
    d += `M${x1.toFixed(2)} ${y1.toFixed(2)}L${x2.toFixed(2)} ${y2.toFixed(2)}`;
  }
  return d;
}

const TRACK = arc(0, 100, R);
const TICKS = ticks();
const WARN = arc(70.6, 89.4, 56);
const CRIT = arc(90.6, 100, 56);

// A meter without a value is none to readers: it is then an image that says why.
function spoken(label: string, pct: number | null | undefined, shown: Shown, level: Level) {
  if (pct == null) return { role: 'img', 'aria-label': `${label}: unknown, ${shown.exact}` } as const;
  const words = { ok: '', warn: ', high', crit: ', critical', unknown: '' }[level];
  return {
    role: 'meter', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(pct),
    'aria-valuetext': `${shown.text} ${shown.unit}${words}`,
  } as const;
}

interface DialProps {
  label: string;
  pct: number | null | undefined;
  shown?: Shown;               // what stands in the middle; the percentage when absent
  children?: ComponentChildren; // the line below
}

/** Amber from 70, red from 90, as every meter here; the rim says where they begin. */
export function Dial({ label, pct, shown = percent(pct), children }: DialProps) {
  const level = levelOf(pct);
  const at = Math.min(100, Math.max(0, pct ?? 0));
  const [nx, ny] = point(at, 43);
  const angle = 150 + (at / 100) * SWEEP;
  return (
    <div class={`dial ${level}`} {...spoken(label, pct, shown, level)}>
      <svg viewBox="0 0 120 94" aria-hidden="true">
        <path class="dial-track" d={TRACK} />
        <path class="dial-rim warn" d={WARN} />
        <path class="dial-rim crit" d={CRIT} />
        <path class="dial-ticks" d={TICKS} />
        {pct != null && at > 0.2 && <path class="dial-value" d={arc(0, at, R)} />}
        {pct != null && (
          <path class="dial-needle" d="M0 0L-9 3.4L-9 -3.4Z" transform={`translate(${nx.toFixed(2)} ${ny.toFixed(2)}) rotate(${angle.toFixed(1)})`} />
        )}
      </svg>
      <div class="dial-middle" data-tip={shown.exact}>
        <span class="dial-number">{shown.text}</span>
        <span class="dial-unit">{shown.unit || '\u00a0'}</span>
      </div>
      <div class="dial-label">{label}</div>
      {children && <div class="dial-note">{children}</div>}
    </div>
  );
}

/** A bar with its value beside it. Level is said in words too, for those who do not see colours. */
export function Meter({ pct, label, why }: { pct: number | null | undefined; label: string; why?: string }) {
  const level = levelOf(pct);
  const shown = percent(pct, why);
  const width = Math.min(100, Math.max(0, pct ?? 0));
  return (
    <span class={`meter ${level}`} data-tip={shown.exact} {...spoken(label, pct, shown, level)}>
      <svg class="meter-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="meter-track" width="100" height="6" />
        <rect class="meter-fill" width={width} height="6" />
      </svg>
      <span class="meter-text num">
        {level === 'crit' && <span class="meter-sign" aria-hidden="true">▲</span>}
        {shown.text}
        {shown.unit && <span class="unit"> {shown.unit}</span>}
      </span>
    </span>
  );
}

interface SparkProps {
  cells: Cell[];
  room: number;     // how many points the full width holds; newest at the right
  max?: number;     // fixed top; else the greatest value
  color?: 1 | 2 | 3 | 4 | 5 | 6;
  more?: Cell[];    // a second line on the same scale
  label: string;
}

const W = 200;
const H = 40;

function trace(cells: Cell[], room: number, top: number): { lines: string; areas: string } {
  let lines = '';
  let areas = '';
  let first: number | null = null;
  let last = 0;
  const x = (i: number) => W - ((cells.length - 1 - i) / Math.max(1, room - 1)) * W;
  const close = () => {
    if (first !== null) areas += `L${last.toFixed(1)} ${H}L${first.toFixed(1)} ${H}Z`;
    first = null;
  };
  cells.forEach((v, i) => {
    if (v == null) return close();
    const px = x(i);
    const py = H - 1 - Math.min(1, v / top) * (H - 3);
    const step = `${px.toFixed(1)} ${py.toFixed(1)}`;
    lines += (first === null ? 'M' : 'L') + step;
    areas += (first === null ? 'M' : 'L') + step;
    if (first === null) first = px;
    last = px;
  });
  close();
  return { lines, areas };
}

/** Gaps are gaps here too. */
export function Spark({ cells, room, max, color = 1, more, label }: SparkProps) {
  const top = max ?? Math.max(1e-9, ...cells.map((v) => v ?? 0), ...(more ?? []).map((v) => v ?? 0)) * 1.15;
  const a = trace(cells, room, top);
  const b = more ? trace(more, room, top) : null;
  return (
    <svg class={`spark c${color}`} viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="spark-base" d={`M0 ${H - 0.5}H${W}`} />
      <path class="spark-area" d={a.areas} />
      <path class="spark-line" d={a.lines} />
      {b && <path class="spark-line more" d={b.lines} />}
    </svg>
  );
}
