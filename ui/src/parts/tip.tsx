// tip: one tooltip for the whole page; any element with data-tip shows it on hover and on keyboard focus.

import { useEffect, useRef } from 'preact/hooks';
import { clockTime, dateTime, time } from '../state/format';
import { host, self } from '../state/store';

const REFRESH_MS = 250;
const HALF_DAY_MS = 43_200_000;

/** The exact value, and for a live number when it was measured. */
function textOf(target: Element): string {
  const text = target.getAttribute('data-tip') ?? '';
  const topic = target.closest<HTMLElement>('[data-topic]')?.dataset.topic;
  if (topic === undefined || text === '' || !target.matches('.num:not(time), .dial-middle, .meter, .core')) return text;
  const at = time((topic === 'self' ? self : host).peek()?.at);
  return at === null ? text : `${text}\nmeasured ${Date.now() - at < HALF_DAY_MS ? clockTime(at) : dateTime(at)}`;
}

export function TipLayer() {
  const box = useRef<HTMLDivElement>(null);
  const home = useRef<HTMLDivElement>(null); // the tip wanders; what the page is drawn around stays
  useEffect(() => {
    let owner: Element | null = null;
    let timer = 0;

    function show(target: Element): void {
      const tip = box.current;
      const text = textOf(target);
      if (!tip || text === '') return hide();
      owner = target;
      window.clearInterval(timer);
      timer = window.setInterval(refresh, REFRESH_MS);
      tip.textContent = text;
      // Above an open dialog only what is inside its top layer is seen.
      const host = target.closest('dialog[open]') ?? home.current;
      if (host && tip.parentElement !== host) host.append(tip);
      tip.hidden = false;
      const at = target.getBoundingClientRect();
      const { width, height } = tip.getBoundingClientRect();
      const left = Math.min(Math.max(6, at.left + at.width / 2 - width / 2), window.innerWidth - width - 6);
      const below = at.top - height - 8 < 4;
      tip.style.left = `${left}px`;
      tip.style.top = `${below ? at.bottom + 8 : at.top - height - 8}px`;
    }

    // The number goes on while it is looked at; a row may even go.
    function refresh(): void {
      if (!owner?.isConnected) hide();
      else if (textOf(owner) !== box.current?.textContent) show(owner);
    }

    function hide(): void {
      owner = null;
      window.clearInterval(timer);
      if (box.current) box.current.hidden = true;
    }

    function over(event: Event): void {
      const target = (event.target as Element | null)?.closest?.('[data-tip]') ?? null;
      if (target === owner) return;
      if (target) show(target);
      else if (owner) hide();
    }

    function focus(event: FocusEvent): void {
      const target = event.target as Element | null;
      if (target?.matches?.('[data-tip]') && target.matches(':focus-visible')) show(target);
    }

    // Tab does not stop at every number; the key t does, one after the other.
    function walk(step: 1 | -1): void {
      const all = [...document.querySelectorAll<HTMLElement>('main [data-tip]')].filter((e) => e.dataset.tip && e.offsetParent !== null);
      const from = document.activeElement?.closest<HTMLElement>('[data-tip]') ?? null;
      const next = all[(all.indexOf(from as HTMLElement) + step + all.length) % all.length] ?? all[0];
      if (!next) return;
      if (!next.hasAttribute('tabindex')) next.tabIndex = -1;
      next.setAttribute('aria-describedby', 'tip');
      next.focus();
      show(next);
    }

    function key(event: KeyboardEvent): void {
      if (event.key === 'Escape') return hide();
      const isTyping = (event.target as Element | null)?.closest?.('input, textarea, select, dialog');
      if (event.key.toLowerCase() !== 't' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      walk(event.shiftKey ? -1 : 1);
    }

    document.addEventListener('pointerover', over);
    document.addEventListener('focusin', focus);
    document.addEventListener('focusout', hide);
    document.addEventListener('scroll', hide, true);
    document.addEventListener('keydown', key);
    document.addEventListener('pointerdown', hide);
    return () => {
      hide();
      document.removeEventListener('pointerover', over);
      document.removeEventListener('focusin', focus);
      document.removeEventListener('focusout', hide);
      document.removeEventListener('scroll', hide, true);
      document.removeEventListener('keydown', key);
      document.removeEventListener('pointerdown', hide);
    };
  }, []);
  return <div ref={home}><div class="tip" id="tip" role="tooltip" ref={box} hidden /></div>;
}
