// menu: a button with a small sheet below it; closes on Escape, on leaving and on a choice.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export function Menu({ label, button, disabled = false, children }: { label: string; button: ComponentChildren; disabled?: boolean; children: ComponentChildren }) {
  const [isOpen, open] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const id = useId();

  useLayoutEffect(() => {
    if (!isOpen) return;
    const outside = (e: Event) => {
      const at = e.target as Node;
      // What cannot have the focus gives it to what is around it, and around the menu: that is no way out.
      if (!root.current?.contains(at) && !(e.type === 'focusin' && at.contains(root.current))) open(false);
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
      <button type="button" class="menu-button" aria-label={label} aria-expanded={isOpen} aria-controls={isOpen ? id : undefined} disabled={disabled}
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
