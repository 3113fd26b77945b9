// feed: the history behind one page of charts; one request for all of them, then the live samples.

import { effect, type ReadonlySignal, type Signal } from '@preact/signals';
import { api } from '../link/api';
import { linkStatus } from '../link/live';
import { follow, type Feed } from './follow';
import { plan, Track, type HistoryAnswer, type Range } from './history';
import { sampleOf, type Sample } from './split';

const FINER_MS = 60_000;
const CLOCK_BACK_MS = 61_000;
const FAILED_MS = 5000;

async function load(names: string[], range: Range, abort: AbortSignal): Promise<HistoryAnswer> {
  const parts: HistoryAnswer[] = [];
  const how = plan(range, names.length);
  for (let i = 0; i < names.length; i += how.names) {
    const query = new URLSearchParams({ range: range.id, points: String(how.points) });
    for (const name of names.slice(i, i + how.names)) query.append('series', name);
    parts.push(await api<HistoryAnswer>('GET', `api/v1/history?${query}`, undefined, abort));
  }
  return parts.length === 1 ? parts[0]! : join(parts);
}

// Two requests a moment apart may begin one step apart; their columns are moved onto the first one's grid.
function join(parts: HistoryAnswer[]): HistoryAnswer {
  const first = parts[0]!;
  const series = { ...first.series };
  const start = (a: HistoryAnswer) => (typeof a.from === 'number' ? a.from : Date.parse(a.from));
  for (const part of parts.slice(1)) {
    const shift = Math.round((start(part) - start(first)) / first.step_ms);
    const move = (c: (number | null)[] | undefined) =>
      c && (shift >= 0 ? [...new Array<null>(shift).fill(null), ...c] : c.slice(-shift));
    for (const [name, c] of Object.entries(part.series)) {
      series[name] = { avg: move(c.avg) ?? [], min: move(c.min ?? c.avg) ?? [], max: move(c.max ?? c.avg) ?? [] };
    }
  }
  return { ...first, series };
}

/** Follows `names` over `range`: asks for the past, adds live samples to short ranges, asks again when
 *  samples were missed (a hidden tab, a broken connection) and, for long ranges, from time to time. */
export function openFeed(range: Signal<Range>, names: ReadonlySignal<string[]>, live: ReadonlySignal<unknown>): Feed {
  let waiting: Sample[] = [];

  const feed = follow<HistoryAnswer>(range, {
    about: () => (names.value.length > 0 ? names.value.join('\n') : null),
    ask: (r, abort) => load(names.peek(), r, abort),
    take(answer, r) {
      const fresh = Track.of(answer, names.peek(), r.span_ms);
      // Samples that came while the answer was under way are newer than it.
      if (r.isLive) for (const s of waiting) if (s.at >= fresh.end + fresh.step) fresh.push(s.at, s.read);
      waiting = [];
      return fresh;
    },
    again_ms(r, track) {
      if (!track) return FAILED_MS;
      if (!r.isLive) return r.refetch_ms;
      // A server that has just started knows seconds only since then, and tells coarser steps until they suffice.
      return track.step > plan(r, names.peek().length).finest_ms ? FINER_MS : 0;
    },
    stop: () => stopLive(),
  });

  const stopLive = effect(() => {
    const sample = sampleOf(live.value);
    if (!sample || !range.peek().isLive) return;
    if (feed.isAsking) {
      waiting = [...waiting.slice(-60), sample];
    }
    const { track } = feed;
    if (!track) return;
    // Seconds were missed, or the server's clock was set back and its series began anew.
    const missed = sample.at - track.end > Math.max(3 * track.step, 3500) || track.end - sample.at > CLOCK_BACK_MS;
    track.push(sample.at, sample.read);
    feed.grew();
    if (missed && !feed.isAsking && linkStatus.peek().phase !== 'waiting') feed.retry();
  });

  return feed;
}
