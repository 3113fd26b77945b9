// wall: the page without its frame for a screen that nobody operates; views in turn, large, never asleep.

import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { go, href, route } from '../link/route';
import { concerns, host, who } from '../state/store';
import { wallAt, wallQuery, type Wall } from '../state/wall';
import { Icon, Mark } from '../parts/icon';
import { Indicator } from '../parts/indicator';
import { Clock } from './clock';

const REST_MS = 3000; // without a movement the pointer and the buttons go

/** The screen stays on where the browser allows it: over HTTPS or on localhost. */
function useAwake(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let isGone = false;
    const ask = () => {
      if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
      navigator.wakeLock.request('screen').then((l) => {
        if (isGone) void l.release();
        else lock = l;
      }, () => {}); // refused on battery: the screen then sleeps as it is set to
    };
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      isGone = true;
      document.removeEventListener('visibilitychange', ask);
      void lock?.release();
    };
  }, []);
}

function useRest(): boolean {
  const [rests, rest] = useState(false);
  useEffect(() => {
    let timer = 0;
    const moved = () => {
      rest(false);
      window.clearTimeout(timer);
      timer = window.setTimeout(() => rest(true), REST_MS);
    };
    moved();
    for (const what of ['pointermove', 'pointerdown', 'keydown']) document.addEventListener(what, moved);
    return () => {
      window.clearTimeout(timer);
      for (const what of ['pointermove', 'pointerdown', 'keydown']) document.removeEventListener(what, moved);
    };
  }, []);
  return rests;
}

// Of the wall, not of the view that is shown: the head is another one after each turn.
const paused = signal(false);

export function WallHead({ wall }: { wall: Wall }) {
  const isPaused = paused.value;
  const pause = (to: boolean) => { paused.value = to; };
  const rests = useRest();
  useAwake();
  const { page, query } = route.value;
  const at = wallAt(wall, page, query.get('range') ?? '');
  const count = wall.views.length;

  const show = (i: number) => {
    const view = wall.views[(i + count) % count]!;
    go(href(view.page, wallQuery(route.peek().query, view)), 'replace');
  };
  const leave = () => {
    pause(false);
    go(href(page), 'replace');
  };

  useEffect(() => {
    if (isPaused || count < 2) return;
    const timer = window.setTimeout(() => show(at + 1), wall.every_s * 1000);
    return () => window.clearTimeout(timer);
  }, [isPaused, at, count, wall.every_s]);

  // Before the next frame: a key pressed just as the view turns is heard too.
  useLayoutEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest('input, select, textarea, dialog, button, .menu, .chart-box, [role="menu"]')) return;
      if (e.key === 'Escape') leave();
      else if (e.key === ' ') pause(!isPaused);
      else if (e.key === 'ArrowRight') show(at + 1);
      else if (e.key === 'ArrowLeft') show(at - 1);
      else return;
      e.preventDefault();
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, [isPaused, at]);

  const n = concerns.value.length;
  const level = concerns.value[0]?.level;
  return (
    <header class={`head wall-head ${rests ? 'rests' : ''}`}>
      <Mark />
      <strong>{host.value?.name ?? who.value?.host_name}</strong>
      {level && <span class={`count ${level}`}>{level === 'crit' ? '◆' : '▲'} {n} to look at</span>}
      <div class="wall-acts">
        {count > 1 && <span class="num dim" data-tip={`one after the other, every ${wall.every_s} s`}>{at + 1} of {count}</span>}
        {count > 1 && <button type="button" class="button small" aria-pressed={isPaused} onClick={() => pause(!isPaused)}><Icon name={isPaused ? 'play' : 'pause'} size={14} /> {isPaused ? 'Go on' : 'Pause'}</button>}
        <button type="button" class="button small" onClick={leave}><Icon name="x" size={14} /> Leave the wall</button>
      </div>
      <div class="head-right"><Indicator /><Clock /></div>
    </header>
  );
}
