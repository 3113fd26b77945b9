// console-pulse: does Binnacle answer, and how fast: a console that says nothing may only have nothing to say.

import { useEffect, useState } from 'preact/hooks';
import { under } from '../link/base';
import { linkStatus } from '../link/live';
import type { Session } from './console-session';

const EVERY_MS = 5000;
const AGAIN_MS = 1000;  // while it does not answer
const WITHIN_MS = 3000;

/** Milliseconds there and back, while somebody looks; null: unknown, or no answer. Tells the session. */
export function usePulse(session: Session): number | null {
  const [ms, setMs] = useState<number | null>(null);
  const { at, tries, isLost } = session.state.value;
  const isWanted = at === 'live' || at === 'waiting' || (at === 'connecting' && tries > 0) || (at === 'failed' && isLost);
  const link = linkStatus.value.phase;
  useEffect(() => {
    if (link === 'live') session.back();
  }, [link]);
  useEffect(() => {
    if (!isWanted) return setMs(null);
    let timer = 0;
    let isOver = false;
    let isAsking = false;
    const beat = async (): Promise<void> => {
      window.clearTimeout(timer);
      if (isAsking) return;
      if (document.visibilityState === 'visible') {
        isAsking = true;
        const took = await ask();
        isAsking = false;
        if (isOver) return;
        setMs(took);
        if (took === null) session.missed();
        else session.heard();
        timer = window.setTimeout(() => void beat(), took === null ? AGAIN_MS : EVERY_MS);
      } // else: when it is shown again
    };
    const now = () => void beat();
    void beat();
    document.addEventListener('visibilitychange', now);
    window.addEventListener('online', now);
    return () => {
      isOver = true;
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', now);
      window.removeEventListener('online', now);
    };
  }, [isWanted]);
  return ms;
}

async function ask(): Promise<number | null> {
  const abort = new AbortController();
  const late = window.setTimeout(() => abort.abort(), WITHIN_MS);
  const from = performance.now();
  try {
    await fetch(under('healthz'), { cache: 'no-store', credentials: 'omit', signal: abort.signal });
    return Math.max(1, Math.round(performance.now() - from));
  } catch {
    return null;
  } finally {
    window.clearTimeout(late);
  }
}
