// rrd: the past of one guest as Proxmox VE keeps it, in the shape charts draw; gaps stay gaps.

import type { Signal } from '@preact/signals';
import { api } from '../link/api';
import { follow, type Feed } from './follow';
import { Track, type Cell, type Range } from './history';

const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

// Proxmox VE adds a point a minute to the hour, and coarser ones to the others.
const REFETCH_HOUR_MS = MIN;
const REFETCH_MS = 5 * MIN;

export const rrdRanges: readonly Range[] = [
  { id: 'hour', label: 'Hour', words: 'last hour', span_ms: HOUR, isLive: false, refetch_ms: REFETCH_HOUR_MS },
  { id: 'day', label: 'Day', words: 'last day', span_ms: DAY, isLive: false, refetch_ms: REFETCH_MS },
  { id: 'week', label: 'Week', words: 'last week', span_ms: 7 * DAY, isLive: false, refetch_ms: REFETCH_MS },
  { id: 'month', label: 'Month', words: 'last month', span_ms: 30 * DAY, isLive: false, refetch_ms: REFETCH_MS },
  { id: 'year', label: 'Year', words: 'last year', span_ms: 365 * DAY, isLive: false, refetch_ms: REFETCH_MS },
];

export function rrdRange(id: string | null | undefined): Range {
  return rrdRanges.find((r) => r.id === id) ?? rrdRanges[0]!;
}

export const RRD_NAMES = ['cpu', 'maxcpu', 'mem', 'maxmem', 'net_in_bps', 'net_out_bps', 'disk_read_bps', 'disk_write_bps'] as const;

export interface RrdAnswer {
  range: string;
  step_s: number;
  points: ({ time: string | number } & Partial<Record<(typeof RRD_NAMES)[number], number | null>>)[];
}

/** On a grid of equal steps; where no point lies the cell is null. CPU in percent. */
export function trackOf(answer: RrdAnswer, span_ms: number): Track {
  const step = Math.max(1, answer.step_s) * 1000;
  const points = answer.points.map((p) => ({ p, at: typeof p.time === 'number' ? p.time * 1000 : Date.parse(p.time) }))
    .filter(({ at }) => Number.isFinite(at)).sort((a, b) => a.at - b.at);
  const from = points[0]?.at ?? 0;
  const size = points.length === 0 ? 0 : Math.round((points.at(-1)!.at - from) / step) + 1;
  const series: Record<string, { avg: Cell[] }> = {};
  for (const name of RRD_NAMES) series[name] = { avg: new Array<Cell>(size).fill(null) };
  for (const { p, at } of points) {
    const i = Math.round((at - from) / step);
    for (const name of RRD_NAMES) {
      const v = p[name];
      if (typeof v === 'number' && Number.isFinite(v)) series[name]!.avg[i] = name === 'cpu' ? v * 100 : v;
    }
  }
  return Track.of({ from, to: from + size * step, step_ms: step, series }, [...RRD_NAMES], span_ms);
}

/** Asks at once, then every minute or five; not while nobody looks. */
export function openRrd(path: string, range: Signal<Range>): Feed {
  return follow<RrdAnswer>(range, {
    about: () => '',
    ask: (r, abort) => api<RrdAnswer>('GET', `${path}?range=${r.id}`, undefined, abort),
    take: (answer, r) => trackOf(answer, r.span_ms),
    again_ms: (r) => r.refetch_ms,
  });
}
