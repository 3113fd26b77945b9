// toast: what is said in passing, in front of everything: behind an open dialog it could be neither read nor touched.

import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { dismiss, toasts } from '../state/store';
import { Icon } from './icon';
import { ErrorCode, Hint, said } from './panel';

const sign = { ok: 'circle-check', info: 'info', error: 'circle-alert' } as const;

const places = signal<readonly object[]>([]); // open dialogs, the topmost last

/** Whether the dialog that asks is the one in front. */
export function useToastPlace(): boolean {
  const me = useRef({}).current;
  useLayoutEffect(() => {
    places.value = [...places.peek(), me];
    return () => (places.value = places.peek().filter((p) => p !== me));
  }, []);
  return places.value.at(-1) === me;
}

/** For when no dialog is open. */
export const PageToasts = () => (places.value.length > 0 ? null : <Toasts />);

export function Toasts() {
  return (
    <div class="toasts" role="region" aria-label="Notifications">
      <div aria-live="polite" aria-relevant="additions">
        {toasts.value.map((t) => (
          <div key={t.id} class={`toast ${t.kind}`}>
            <Icon name={sign[t.kind]} />
            <div class="toast-body">
              <p>{t.error ? said(t.text) : t.text}</p>
              <Hint text={t.hint ?? t.error?.hint} />
              {t.link && <p><a href={t.link.href} onClick={() => dismiss(t.id)}>{t.link.text}</a></p>}
              {t.error && <ErrorCode error={t.error} />}
            </div>
            {t.undo && <button type="button" class="button small" onClick={() => {
              dismiss(t.id);
              t.undo!();
            }}>Undo</button>}
            <button type="button" class="button icon-only quiet small" aria-label="Dismiss" onClick={() => dismiss(t.id)}>
              <Icon name="x" size={14} />
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}
