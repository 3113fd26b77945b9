// virtual: very many equal rows of which only those in sight stand in the page; scrolled with the page itself.

import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { stepOf, windowOf, type Window } from '../state/window';

const rootPx = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

const AROUND = 6; // rows beyond both edges, ready for the wheel
const NEAR = 1;
const SETTLED_MS = 400; // longer than between two letters

/**
 * Which rows to draw. `height` of one in rem; `box` begins where the first one would stand. When the list becomes
 * another, what is in sight is drawn at once and the rows around it when that has settled: while somebody types, half
 * as much is drawn for each letter.
 */
export function useWindow(box: RefObject<HTMLElement | null>, count: number, height: number): Window & { px: number } {
  const [at, setAt] = useState({ top: 0, seen: window.innerHeight, px: rootPx() * height });
  const [settled, setSettled] = useState(-1); // the count that has stood for a while
  const over = settled === count ? AROUND : NEAR;
  const measure = useRef(() => {});
  measure.current = () => {
    if (!box.current) return;
    const px = rootPx() * height;
    const top = box.current.getBoundingClientRect().top;
    const seen = window.innerHeight;
    const old = windowOf(count, at.px, at.top, at.seen, over);
    const fresh = windowOf(count, px, top, seen, over);
    if (old.first !== fresh.first || old.last !== fresh.last || px !== at.px) setAt({ top, seen, px });
  };
  useLayoutEffect(() => {
    let frame = 0;
    const later = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        measure.current();
      });
    };
    measure.current();
    document.addEventListener('scroll', later, { passive: true });
    window.addEventListener('resize', later);
    return () => {
      cancelAnimationFrame(frame);
      document.removeEventListener('scroll', later);
      window.removeEventListener('resize', later);
    };
  }, []);
  // What stands above may have grown, or the list become shorter than where one was.
  useLayoutEffect(() => {
    measure.current();
    const timer = window.setTimeout(() => setSettled(count), SETTLED_MS);
    return () => window.clearTimeout(timer);
  }, [count]);
  return { ...windowOf(count, at.px, at.top, at.seen, over), px: at.px };
}

/** How many columns of at least `min` rem fit. */
export function useColumns(box: RefObject<HTMLElement | null>, min: number): number {
  const [columns, setColumns] = useState(1);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setColumns(Math.max(1, Math.floor(entry!.contentRect.width / (min * rootPx())))));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return columns;
}

/**
 * The key of each row: one that stays keeps its own, one that comes takes that of one that went, whose elements are
 * then written anew instead of made anew. Not of a row that has the focus, and not while a button of the pointer is
 * down: what is pressed on one row must not become a press on another.
 */
export function useSlots(box: RefObject<HTMLElement | null>, shown: readonly { id: string }[]): (id: string) => string {
  const slots = useRef(new Map<string, string>());
  const made = useRef(0);
  const isDown = useRef(false);
  useLayoutEffect(() => {
    const set = (e: PointerEvent) => {
      isDown.current = e.buttons !== 0;
    };
    const kinds = ['pointerdown', 'pointerup', 'pointercancel'] as const;
    for (const kind of kinds) document.addEventListener(kind, set, true);
    return () => {
      for (const kind of kinds) document.removeEventListener(kind, set, true);
    };
  }, []);
  const had = slots.current;
  const has = new Map<string, string>();
  for (const { id } of shown) if (had.has(id)) has.set(id, had.get(id)!);
  const focus = document.activeElement?.closest<HTMLElement>('[data-row]');
  const focused = focus && box.current?.contains(focus) ? focus.dataset.vm : undefined;
  const free = isDown.current ? [] : [...had].filter(([id]) => !has.has(id) && id !== focused).map(([, slot]) => slot).reverse();
  for (const { id } of shown) if (!has.has(id)) has.set(id, free.pop() ?? `slot ${(made.current += 1)}`);
  slots.current = has;
  return (id) => has.get(id)!;
}

/** Arrow keys, Page and Home/End go from row to row, also to rows that are not drawn yet. Rows carry `data-index`. */
export function useWalk(box: RefObject<HTMLElement | null>, rows: RefObject<HTMLElement | null>, px: number, count: number, columns = 1) {
  return (e: KeyboardEvent): void => {
    const target = e.target as HTMLElement;
    if (e.ctrlKey || e.metaKey || e.altKey || target.closest('select, input, textarea')) return;
    const row = target.closest<HTMLElement>('[data-index]');
    const at = row ? Number(row.dataset.index) : -1;
    const page = Math.max(1, Math.floor(window.innerHeight / px) - 3);
    if (e.key === 'Enter' && row === target) return row.querySelector<HTMLElement>('a')?.click();
    if (e.key === 'ArrowUp' && at >= 0 && at < columns) {
      e.preventDefault();
      return box.current?.focus();
    }
    const to = stepOf(e.key, at, count, page, columns);
    if (to === null) return;
    e.preventDefault();
    const find = () => rows.current?.querySelector<HTMLElement>(`[data-index="${to}"]`);
    if (!find()) {
      // There is nothing to stand on where the old row was: the list itself keeps the focus until the new one is drawn.
      box.current?.focus({ preventScroll: true });
      const top = rows.current!.getBoundingClientRect().top + window.scrollY + Math.floor(to / columns) * px;
      window.scrollTo(0, Math.max(0, top - window.innerHeight / 2));
    }
    focusSoon(find);
  };
}

function focusSoon(find: () => HTMLElement | null | undefined, tries = 20): void {
  const row = find();
  if (row) {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' }); // heeds the margin under the head
  } else if (tries > 0) requestAnimationFrame(() => focusSoon(find, tries - 1));
}
