// rowmenu: what can be done with one row; the same by right click, by long press and by the key "."

import { signal } from '@preact/signals';
import { useLayoutEffect, useEffect, useRef } from 'preact/hooks';
import { curl, json, markdown } from '../state/record';
import { copy } from '../state/store';
import { Icon, type IconName } from './icon';

export interface RowAct {
  label: string;
  icon: IconName;
  run: () => void;
}

export interface RowMenu {
  title: string;      // what the row is called
  record: object;     // as it came from the server
  path?: string;      // where a program finds it
  acts?: (RowAct | false)[];
  isShort?: boolean;  // only what is to be done, not what is to be copied
}

interface Open extends RowMenu {
  x: number;
  y: number;
  from: HTMLElement;  // focus goes back there
}

const open = signal<Open | null>(null);

// What is selected is to be copied as it stands, with the browser's own menu.
function isSelected(target: Element): boolean {
  const chosen = getSelection();
  return chosen !== null && !chosen.isCollapsed && chosen.containsNode(target, true);
}

/** For the row's `contextmenu` event, or a button's click; with Shift the browser's own menu comes. */
export function openRowMenu(menu: RowMenu, event: MouseEvent): void {
  const target = event.target as Element;
  if (event.shiftKey || target.closest('input, textarea, select') || (event.type === 'contextmenu' && isSelected(target))) return;
  event.preventDefault();
  const from = event.currentTarget as HTMLElement;
  const box = from.getBoundingClientRect();
  const isByKey = event.clientX === 0 && event.clientY === 0;
  open.value = { ...menu, from, x: isByKey ? box.left + 24 : event.clientX, y: isByKey ? box.bottom : event.clientY };
}

function actsOf(m: RowMenu): RowAct[] {
  const acts = (m.acts ?? []).filter((a): a is RowAct => a !== false);
  if (m.isShort) return acts;
  if (m.path) {
    const path = m.path;
    acts.push({ label: 'Copy as curl', icon: 'terminal', run: () => void copy(curl(location.origin, path), 'Command') });
  }
  acts.push({ label: 'Copy as JSON', icon: 'copy', run: () => void copy(json(m.record), 'JSON') });
  acts.push({ label: 'Copy as Markdown', icon: 'copy', run: () => void copy(markdown(m.title, m.record), 'Markdown') });
  return acts;
}

/** The key opens the menu of the row that has the focus, or of the one under the pointer. */
function useDot(): void {
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key !== '.' || e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest('input, textarea, select, dialog')) return;
      const row = document.activeElement?.closest('[data-row]') ?? document.querySelector('[data-row]:hover');
      if (!row) return;
      e.preventDefault();
      row.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }));
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);
}

export function RowMenuLayer() {
  useDot();
  const m = open.value;
  return m && <div role="region" aria-label={`Menu of ${m.title}`}><Sheet key={`${m.title} ${m.x} ${m.y}`} of={m} /></div>;
}

function Sheet({ of }: { of: Open }) {
  const box = useRef<HTMLDivElement>(null);
  const acts = actsOf(of);

  const close = (takesFocus: boolean) => {
    open.value = null;
    if (takesFocus && of.from.isConnected) of.from.focus({ preventScroll: true });
  };

  useLayoutEffect(() => {
    const sheet = box.current!;
    const { width, height } = sheet.getBoundingClientRect();
    sheet.style.left = `${Math.max(6, Math.min(of.x, window.innerWidth - width - 6))}px`;
    sheet.style.top = `${Math.max(6, Math.min(of.y, window.innerHeight - height - 6))}px`;
    sheet.querySelector('button')?.focus({ preventScroll: true });
    const outside = (e: Event) => {
      if (!sheet.contains(e.target as Node)) close(false);
    };
    const top = of.from.getBoundingClientRect().top;
    // The end of a scroll that brought the row here is none that takes it away.
    const scrolled = () => {
      if (Math.abs(of.from.getBoundingClientRect().top - top) > 8) close(false);
    };
    const away = () => close(false);
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    document.addEventListener('scroll', scrolled, true);
    window.addEventListener('resize', away);
    window.addEventListener('popstate', away);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
      document.removeEventListener('scroll', scrolled, true);
      window.removeEventListener('resize', away);
      window.removeEventListener('popstate', away);
    };
  }, []);

  function key(e: KeyboardEvent): void {
    const all = [...box.current!.querySelectorAll('button')];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[e.key];
    if (e.key === 'Escape' || e.key === 'Tab') close(true);
    else if (to !== undefined) all[to % all.length]?.focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  return (
    <div class="row-menu" role="menu" aria-label={of.title} ref={box} onKeyDown={key} onContextMenu={(e) => e.preventDefault()}>
      <p class="row-menu-title" aria-hidden="true">{of.title}</p>
      {acts.map((a) => (
        <button key={a.label} type="button" role="menuitem" tabIndex={-1} class="menu-item" onClick={() => {
          close(true);
          a.run();
        }}><Icon name={a.icon} /> {a.label}</button>
      ))}
    </div>
  );
}
