// menu: a button with a small sheet below it; closes on Escape, on leaving and on a choice.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export function Menu({ label, button, children }: { label: string; button: ComponentChildren; children: ComponentChildren }) {
  const [isOpen, open] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const id = useId();

  useLayoutEffect(() => {
    if (!isOpen) return;
    const outside = (e: Event) => {
      if (!root.current?.contains(e.target as Node)) open(false);
    };
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      open(false);
      root.current?.querySelector('button')?.focus();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    document.addEventListener('keydown', key);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
      document.removeEventListener('keydown', key);
    };
  }, [isOpen]);

  return (
    <div class="menu" ref={root}>
      <button type="button" class="menu-button" aria-label={label} aria-expanded={isOpen} aria-controls={isOpen ? id : undefined}
        onClick={() => open(!isOpen)}>
        {button}
      </button>
      {isOpen && (
        <div class="menu-sheet" id={id} onClick={(e) => {
          if ((e.target as Element).closest('.menu-item, a')) open(false);
        }}>
          {children}
        </div>
      )}
    </div>
  );
}
