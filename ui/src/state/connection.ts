// connection: the history of one server's checks; asked again each minute, and soon after each new check.

import { batch, effect, signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import type { Topic } from '../link/topics';
import type { ConnectionAnswer, Span } from './attempts';
import { useTopic } from './fleet';
import { Pace } from './pace';
import { who } from './store';

export interface Connection {
  readonly answer: ReadonlySignal<ConnectionAnswer | undefined>;
  readonly error: ReadonlySignal<ApiError | undefined>;
  again(): void;
}

export const CHECKS_TAIL = 50;
const POLL_MS = 60_000;  // E8
const EVERY_MS = 1000;   // E9: one refresh a second
const RETRY_MS = 10_000;

/** Charts that come and go while a page is scrolled begin with what they showed last. */
const seen = new Map<string, ConnectionAnswer>();
const SEEN_MAX = 100;

effect(() => {
  if (!who.value) seen.clear();
});

function remember(key: string, answer: ConnectionAnswer): void {
  seen.delete(key);
  seen.set(key, answer);
  for (const old of seen.keys()) {
    if (seen.size <= SEEN_MAX) break;
    seen.delete(old);
  }
}

const clock = {
  now: () => Date.now(),
  after: (ms: number, run: () => void) => window.setTimeout(run, ms),
  cancel: (timer: number) => window.clearTimeout(timer),
};

function newest(topic: Topic): number {
  return topic.events.value.at(-1)?.seq ?? 0;
}

function open(id: string, span: Span, topic: Topic): Connection & { start(): () => void } {
  const path = `api/v1/servers/${encodeURIComponent(id)}/history?range=${span.id}&bucket=${span.step_ms < 86_400_000 ? '1h' : '1d'}`;
  const answer = signal<ConnectionAnswer | undefined>(seen.get(path));
  const error = signal<ApiError | undefined>(undefined);
  const abort = new AbortController();
  let retry = 0;
  const pace = new Pace(async () => {
    window.clearTimeout(retry);
    try {
      const got = await api<ConnectionAnswer>('GET', path, undefined, abort.signal);
      remember(path, got);
      batch(() => {
        answer.value = got;
        error.value = undefined;
      });
    } catch (cause) {
      if (abort.signal.aborted || !(cause instanceof ApiError)) return;
      error.value = cause;
      if (cause.status !== 403 && cause.status !== 404) retry = window.setTimeout(() => pace.poke(), RETRY_MS);
    }
  }, EVERY_MS, clock);

  return {
    answer, error,
    again: () => pace.poke(),
    start() {
      pace.poke();
      let last = newest(topic);
      const stopNews = effect(() => {
        const at = newest(topic);
        if (at !== last) pace.poke();
        last = at;
      });
      // Nobody looks at a hidden tab; it asks when it is shown.
      const look = () => {
        if (document.visibilityState === 'visible') pace.poke();
      };
      const timer = window.setInterval(look, POLL_MS);
      document.addEventListener('visibilitychange', look);
      return () => {
        stopNews();
        window.clearInterval(timer);
        window.clearTimeout(retry);
        document.removeEventListener('visibilitychange', look);
        pace.stop();
        abort.abort();
      };
    },
  };
}

/** The history of a server over a span, for as long as the component lives. */
export function useConnection(id: string, span: Span): Connection {
  const topic = useTopic(`infra.checks/${id}`, CHECKS_TAIL);
  const connection = useMemo(() => open(id, span, topic), [id, span, topic]);
  useEffect(() => connection.start(), [connection]);
  return connection;
}
