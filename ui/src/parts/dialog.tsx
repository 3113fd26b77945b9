// dialog: the browser's own modal, which traps focus, closes on Escape and gives focus back.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icon';
import { Toasts, useToastPlace } from './toast';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  class?: string;
  holds?: boolean; // much was typed: a click beside it does not throw that away
}

export function Dialog({ title, onClose, children, class: name = '', holds }: DialogProps) {
  const id = useId();
  const box = useModal(onClose, holds);
  const hasToasts = useToastPlace();
  return (
    <dialog ref={box} class={`dialog ${name}`} aria-labelledby={id}>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="button icon-only quiet" aria-label="Close" onClick={onClose}><Icon name="x" /></button>
      </header>
      {children}
      {hasToasts && <Toasts />}
    </dialog>
  );
}

export function useModal(onClose: () => void, holds = false) {
  const box = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  // Before the next key: what is typed right behind the shortcut belongs into the box.
  useLayoutEffect(() => {
    const dialog = box.current!;
    const cancel = (event: Event) => {
      event.preventDefault();
      close.current();
    };
    const click = (event: MouseEvent) => {
      if (event.target === dialog && !holds) close.current(); // the backdrop
    };
    dialog.addEventListener('cancel', cancel);
    dialog.addEventListener('click', click);
    dialog.showModal();
    return () => {
      dialog.removeEventListener('cancel', cancel);
      dialog.removeEventListener('click', click);
      dialog.close();
    };
  }, []);
  return box;
}
