// follow: the past behind charts, asked for again when it is old or is about something else; not while nobody looks.

import { batch, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { ApiError } from '../link/api';
import type { Range, Track } from './history';

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

export interface Following extends Feed {
  readonly isAsking: boolean;
  /** Its track has more points. */
  grew(): void;
}

export interface How<Answer> {
  /** What it is about besides the range: another is asked for at once. Null is nothing, and nothing is asked. */
  about(): string | null;
  ask(range: Range, abort: AbortSignal): Promise<Answer>;
  /** Of the answer to the newest question only. */
  take(answer: Answer, range: Range): Track;
  /** Until it asks again by itself, 0 for never; without a track the question has failed. */
  again_ms(range: Range, track: Track | null): number;
  /** What ends with it. */
  stop?(): void;
}

export function follow<Answer>(range: Signal<Range>, how: How<Answer>): Following {
  const version = signal(0);
  const phase = signal<'loading' | 'ready' | 'failed'>('loading');
  const error = signal<ApiError | null>(null);
  let track: Track | null = null;
  let abort = new AbortController();
  let timer = 0;
  let isAsking = false;
  let id = '';
  let about: string | null = null;

  function fetchNow(): void {
    abort.abort();
    const mine = (abort = new AbortController());
    const r = range.peek();
    window.clearTimeout(timer);
    if (about === null) return;
    isAsking = true;
    how.ask(r, mine.signal).then(
      (answer) => {
        if (mine.signal.aborted) return;
        isAsking = false;
        track = how.take(answer, r);
        batch(() => {
          error.value = null;
          phase.value = 'ready';
          version.value += 1;
        });
        later(how.again_ms(r, track));
      },
      (cause: unknown) => {
        if (mine.signal.aborted) return;
        isAsking = false;
        error.value = cause instanceof ApiError ? cause : null;
        if (phase.value !== 'ready') phase.value = 'failed';
        later(how.again_ms(r, null));
      },
    );
  }

  function later(ms: number): void {
    if (ms > 0) timer = window.setTimeout(again, ms);
  }

  function again(): void {
    // Nobody looks at a hidden tab; it asks when it is shown.
    if (document.visibilityState === 'visible') fetchNow();
    else later(1000);
  }

  const stopAsking = effect(() => {
    const next = how.about();
    const isOtherRange = range.value.id !== id;
    if (next === about && !isOtherRange) return;
    id = range.value.id;
    about = next;
    if (isOtherRange) {
      track = null;
      phase.value = 'loading';
    }
    fetchNow();
  });

  return {
    get track() {
      return track;
    },
    get isAsking() {
      return isAsking;
    },
    range, version, phase, error,
    grew() {
      version.value = version.peek() + 1; // reading it would make an effect wait for itself
    },
    retry: fetchNow,
    stop() {
      stopAsking();
      how.stop?.();
      abort.abort();
      window.clearTimeout(timer);
    },
  };
}
