// history: the points of charts; a grid of equal steps where an unmeasured step stays null.

export type Cell = number | null;

export interface Columns {
  avg: Cell[];
  min: Cell[];
  max: Cell[];
}

/** What GET /api/v1/history answers. */
export interface HistoryAnswer {
  from: string | number;
  to: string | number;
  step_ms: number;
  series: Record<string, { avg?: Cell[]; min?: Cell[]; max?: Cell[] }>;
}

export interface Range {
  id: string;
  label: string;
  words: string;
  span_ms: number;
  isLive: boolean; // short enough for the socket's samples to extend it
  refetch_ms: number;
}

const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

export const ranges: readonly Range[] = [
  { id: '5m', label: '5 m', words: 'last 5 minutes', span_ms: 5 * MIN, isLive: true, refetch_ms: 0 },
  { id: '1h', label: '1 h', words: 'last hour', span_ms: HOUR, isLive: true, refetch_ms: 0 },
  { id: '24h', label: '24 h', words: 'last 24 hours', span_ms: DAY, isLive: false, refetch_ms: 30_000 },
  { id: '7d', label: '7 d', words: 'last 7 days', span_ms: 7 * DAY, isLive: false, refetch_ms: 60_000 },
  { id: '30d', label: '30 d', words: 'last 30 days', span_ms: 30 * DAY, isLive: false, refetch_ms: 5 * MIN },
  { id: '1y', label: '1 y', words: 'last year', span_ms: 365 * DAY, isLive: false, refetch_ms: 5 * MIN },
];

export function rangeById(id: string | null | undefined): Range {
  return ranges.find((r) => r.id === id) ?? ranges[0]!;
}

const POINTS = 1500;        // more than a chart has pixels
const ANSWER_MAX = 100_000; // points in one answer: BN_QUERY_POINTS_MAX
const NAMES_MAX = 50;       // the server takes 60, and proxies refuse long address lines
const SECONDS_SERIES = 120; // an hour of seconds of more is megabytes on the way to the browser

/** How to ask for a range: points a series, names a request, and the step it is worth asking again for. */
export interface Plan {
  points: number;
  names: number;
  finest_ms: number;
}

/** The seconds of a short range are asked for while what they weigh is small. */
export function plan(range: Range, count: number): Plan {
  // A range begins and ends within a second.
  const seconds = range.span_ms / 1000 + 2;
  const isFine = range.span_ms <= HOUR && (seconds <= POINTS || count <= SECONDS_SERIES);
  const points = isFine ? Math.max(POINTS, seconds) : POINTS;
  return { points, names: Math.min(NAMES_MAX, Math.floor(ANSWER_MAX / points)), finest_ms: isFine ? 1000 : range.isLive ? 10_000 : 0 };
}

function ms(t: string | number): number {
  return typeof t === 'number' ? t : Date.parse(t);
}

/** Several series on one grid. Samples are folded into the step they fall in; steps nobody measured are
 *  null and stay null: a gap is drawn as a gap. */
export class Track {
  readonly step: number;
  private start: number;              // time of column 0, a multiple of step
  private length = 0;
  private columns = new Map<string, Columns>();
  private counts = new Map<string, number>(); // samples in the newest step
  private names: string[];

  constructor(names: string[], step_ms: number, private span_ms: number, start: number) {
    this.names = names;
    this.step = step_ms;
    this.start = Math.floor(start / step_ms) * step_ms;
    for (const name of names) this.columns.set(name, { avg: [], min: [], max: [] });
  }

  static of(answer: HistoryAnswer, names: string[], span_ms: number): Track {
    const track = new Track(names, answer.step_ms, span_ms, 0);
    track.start = ms(answer.from);
    for (const name of names) {
      const got = answer.series[name];
      const avg = (got?.avg ?? []).slice();
      track.columns.set(name, { avg, min: (got?.min ?? avg).slice(), max: (got?.max ?? avg).slice() });
      track.length = Math.max(track.length, avg.length);
    }
    for (const c of track.columns.values()) track.pad(c, track.length);
    // What the answer holds of the newest step counts as one sample of it.
    for (const name of names) track.counts.set(name, 1);
    return track;
  }

  /** Time of the newest column, or 0. */
  get end(): number {
    return this.length === 0 ? 0 : this.start + (this.length - 1) * this.step;
  }

  get size(): number {
    return this.length;
  }

  /** A sample of every series at a time; undefined is unknown. Older than the newest step: ignored. */
  push(at: number, read: (name: string) => number | undefined): void {
    if (this.length === 0) this.start = Math.floor(at / this.step) * this.step;
    const index = Math.floor((at - this.start) / this.step);
    if (index < this.length - 1) return;
    if (index >= this.length) this.grow(index);
    for (const name of this.names) {
      const v = read(name);
      if (v === undefined || !Number.isFinite(v)) continue;
      const c = this.columns.get(name)!;
      const n = c.avg[index] == null ? 0 : (this.counts.get(name) ?? 0);
      c.avg[index] = n === 0 ? v : (c.avg[index]! * n + v) / (n + 1);
      c.min[index] = n === 0 ? v : Math.min(c.min[index]!, v);
      c.max[index] = n === 0 ? v : Math.max(c.max[index]!, v);
      this.counts.set(name, n + 1);
    }
    this.trim(at);
  }

  /** When the first of what was measured in the range was, or 0. */
  get first(): number {
    let first = this.length;
    for (const { avg } of this.columns.values()) {
      for (let i = 0; i < first; i++) if (avg[i] != null) first = i;
    }
    return first < this.length ? this.start + first * this.step : 0;
  }

  /** Seconds for the x axis, as uPlot wants them. */
  times(): number[] {
    const out = new Array<number>(this.length);
    for (let i = 0; i < this.length; i++) out[i] = (this.start + i * this.step) / 1000;
    return out;
  }

  get(name: string): Columns {
    return this.columns.get(name) ?? { avg: [], min: [], max: [] };
  }

  /** The last `n` averages, oldest first, for sparklines. */
  last(name: string, n: number): Cell[] {
    const avg = this.get(name).avg;
    return avg.slice(Math.max(0, avg.length - n));
  }

  private grow(index: number): void {
    const limit = Math.ceil(this.span_ms / this.step) + 1;
    if (index - this.length > limit) {
      // Away for longer than the whole range: nothing of the old grid would still be seen.
      for (const c of this.columns.values()) c.avg = [], c.min = [], c.max = [];
      this.start += (index - limit) * this.step;
      index = limit;
    }
    this.length = index + 1;
    for (const c of this.columns.values()) this.pad(c, this.length);
    this.counts.clear();
  }

  private pad(c: Columns, length: number): void {
    for (const column of [c.avg, c.min, c.max]) while (column.length < length) column.push(null);
  }

  private trim(now: number): void {
    const drop = Math.floor((now - this.span_ms - this.start) / this.step);
    if (drop <= 0) return;
    for (const c of this.columns.values()) {
      c.avg.splice(0, drop);
      c.min.splice(0, drop);
      c.max.splice(0, drop);
    }
    this.start += drop * this.step;
    this.length = Math.max(0, this.length - drop);
  }
}

/** Sum of several columns; null where none of them was measured. */
export function sum(columns: Cell[][]): Cell[] {
  const length = Math.max(0, ...columns.map((c) => c.length));
  const out: Cell[] = new Array<Cell>(length).fill(null);
  for (const column of columns) {
    for (let i = 0; i < column.length; i++) {
      const v = column[i];
      if (v != null) out[i] = (out[i] ?? 0) + v;
    }
  }
  return out;
}

/** Newest, least, greatest and mean of what was measured. */
export function summary(c: Columns): { now: Cell; min: Cell; max: Cell; avg: Cell } {
  let min: Cell = null;
  let max: Cell = null;
  let total = 0;
  let n = 0;
  for (let i = 0; i < c.avg.length; i++) {
    const v = c.avg[i];
    if (v == null) continue;
    total += v;
    n += 1;
    const lo = c.min[i] ?? v;
    const hi = c.max[i] ?? v;
    if (min === null || lo < min) min = lo;
    if (max === null || hi > max) max = hi;
  }
  return { now: c.avg.at(-1) ?? null, min, max, avg: n === 0 ? null : total / n };
}

/** Cells at their places, the newest at the right edge; those that share one pixel as their mean. */
export function pixels(cells: Cell[], width: number, px: number): [number, number][] {
  const out: [number, number][] = [];
  let n = 0;
  cells.forEach((v, i) => {
    if (v == null) return;
    const x = Math.floor(width - (cells.length - i) * px);
    const last = out.at(-1);
    if (last?.[0] === x) last[1] += (v - last[1]) / ++n;
    else {
      out.push([x, v]);
      n = 1;
    }
  });
  return out;
}
