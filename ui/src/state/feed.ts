// feed: the history behind one page of charts; one request for all of them, then the live samples.

import { batch, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { api, ApiError } from '../link/api';
import { linkStatus } from '../link/live';
import { plan, Track, type HistoryAnswer, type Range } from './history';
import { sampleOf, type Sample } from './split';

export interface Feed {
  readonly track: Track | null;
  readonly range: Signal<Range>;
  /** Rises whenever points were added; charts draw on it. */
  readonly version: ReadonlySignal<number>;
  readonly phase: ReadonlySignal<'loading' | 'ready' | 'failed'>;
  readonly error: ReadonlySignal<ApiError | null>;
  retry(): void;
  stop(): void;
}

const FINER_MS = 60_000;
const CLOCK_BACK_MS = 61_000;

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
  const version = signal(0);
  const phase = signal<'loading' | 'ready' | 'failed'>('loading');
  const error = signal<ApiError | null>(null);
  let track: Track | null = null;
  let abort = new AbortController();
  let timer = 0;
  let isAsking = false;
  let waiting: Sample[] = [];
  let key = '';

  function fetchNow(): void {
    abort.abort();
    const mine = (abort = new AbortController());
    const wanted = names.peek();
    const r = range.peek();
    window.clearTimeout(timer);
    if (wanted.length === 0) return;
    isAsking = true;
    load(wanted, r, mine.signal).then(
      (answer) => {
        if (mine.signal.aborted) return;
        const fresh = Track.of(answer, wanted, r.span_ms);
        // Samples that came while the answer was under way are newer than it.
        if (r.isLive) for (const s of waiting) if (s.at >= fresh.end + fresh.step) fresh.push(s.at, s.read);
        waiting = [];
        isAsking = false;
        track = fresh;
        batch(() => {
          error.value = null;
          phase.value = 'ready';
          version.value += 1;
        });
        // A server that has just started knows seconds only since then, and tells coarser steps until they suffice.
        if (!r.isLive) timer = window.setTimeout(again, r.refetch_ms);
        else if (fresh.step > plan(r, wanted.length).finest_ms) timer = window.setTimeout(again, FINER_MS);
      },
      (cause: unknown) => {
        if (mine.signal.aborted) return;
        isAsking = false;
        error.value = cause instanceof ApiError ? cause : null;
        if (phase.value !== 'ready') phase.value = 'failed';
        timer = window.setTimeout(again, 5000);
      },
    );
  }

  function again(): void {
    // Nobody looks at a hidden tab; it asks when it is shown.
    if (document.visibilityState === 'visible') fetchNow();
    else timer = window.setTimeout(again, 1000);
  }

  const stopAsking = effect(() => {
    const next = range.value.id + '\n' + names.value.join('\n');
    if (next === key) return;
    const isOtherRange = !next.startsWith(key.split('\n')[0] + '\n');
    key = next;
    if (isOtherRange) {
      track = null;
      phase.value = 'loading';
    }
    fetchNow();
  });

  const stopLive = effect(() => {
    const sample = sampleOf(live.value);
    if (!sample || !range.peek().isLive) return;
    if (isAsking) {
      waiting = [...waiting.slice(-60), sample];
    }
    if (!track) return;
    // Seconds were missed, or the server's clock was set back and its series began anew.
    const missed = sample.at - track.end > Math.max(3 * track.step, 3500) || track.end - sample.at > CLOCK_BACK_MS;
    track.push(sample.at, sample.read);
    version.value = version.peek() + 1; // reading it here would make this effect wait for itself
    if (missed && !isAsking && linkStatus.peek().phase !== 'waiting') fetchNow();
  });

  return {
    get track() {
      return track;
    },
    range, version, phase, error,
    retry: fetchNow,
    stop() {
      stopAsking();
      stopLive();
      abort.abort();
      window.clearTimeout(timer);
    },
  };
}
