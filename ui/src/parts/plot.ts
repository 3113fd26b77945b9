// plot: a drawing in a box, sized with it, walked through by arrow keys, with what it says beside the cursor.

import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { loadCharts } from './charts';

export type Library = typeof uPlot;

/** What was drawn, and what ends with it. */
export interface Drawn {
  plot: uPlot;
  stop?: () => void;
}

/** Draws into the box, anew when one of `on` has changed; nothing while `draw` is null or answers null.
 *  True when the library could not be fetched. */
export function usePlot(box: RefObject<HTMLElement | null>, draw: ((lib: Library, target: HTMLElement) => Drawn | null) | null, on: unknown[]): boolean {
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    const target = box.current;
    if (!draw || !target) return;
    let drawn: Drawn | null = null;
    let isGone = false;
    const key = (e: KeyboardEvent) => drawn && step(drawn.plot, e);
    const leave = () => drawn?.plot.setCursor({ left: -10, top: -10 });
    const size = new ResizeObserver(() => drawn?.plot.setSize({ width: target.clientWidth, height: target.clientHeight }));
    void loadCharts().then((lib) => {
      drawn = isGone ? null : draw(lib, target);
      if (!drawn) return;
      size.observe(target);
      target.addEventListener('keydown', key);
      target.addEventListener('blur', leave);
    }, () => {
      if (!isGone) setBroken(true);
    });
    return () => {
      isGone = true;
      drawn?.stop?.();
      size.disconnect();
      target.removeEventListener('keydown', key);
      target.removeEventListener('blur', leave);
      drawn?.plot.destroy();
    };
  }, on);
  return isBroken;
}

/** Arrow keys walk from point to point, with Shift ten at once. */
function step(u: uPlot, e: KeyboardEvent): void {
  const last = u.data[0]!.length - 1;
  const at = u.cursor.idx ?? last + 1;
  const by = e.shiftKey ? 10 : 1;
  const to = { ArrowLeft: at - by, ArrowRight: at + by, Home: 0, End: last }[e.key];
  if (e.key === 'Escape') u.setCursor({ left: -10, top: -10 });
  if (to === undefined || last < 0) return;
  e.preventDefault();
  const i = Math.min(last, Math.max(0, to));
  u.setCursor({ left: Math.max(0, u.valToPos(u.data[0]![i]!, 'x')), top: 10 });
}

/** The box beside the cursor, only in the chart under the pointer: a time, and what `rows` says of that point. */
export function showTip(u: uPlot, tip: HTMLElement | null, say: (i: number) => { time: string; rows: HTMLElement[] }): void {
  if (!tip) return;
  const i = u.cursor.idx ?? null;
  const isHere = u.over.matches(':hover') || document.activeElement === u.root.parentElement;
  if (!isHere || i === null || (u.cursor.left ?? -1) < 0) {
    tip.hidden = true;
    return;
  }
  const { time, rows } = say(i);
  const head = document.createElement('p');
  head.className = 'chart-tip-time';
  head.textContent = time;
  tip.replaceChildren(head, ...rows);
  tip.hidden = false;
  const x = u.over.offsetLeft + (u.cursor.left ?? 0);
  const w = tip.offsetWidth;
  tip.style.left = `${x + 14 + w > u.root.clientWidth ? Math.max(0, x - w - 14) : x + 14}px`;
}

// A custom property is text to scripts; the computed colour of an element is a colour.
export function colours(names: string[]): Record<string, string> {
  const probe = document.createElement('i');
  document.body.append(probe);
  const out: Record<string, string> = {};
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    out[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return out;
}

export function fade(rgb: string, alpha: number): string {
  return rgb.replace(/^rgb\(([^)]+)\)$/, (_, parts: string) => `rgba(${parts}, ${alpha})`);
}
