import { dismiss, toasts } from '../state/store';
import { Icon } from './icon';
import { ErrorCode, Hint, said } from './panel';

const sign = { ok: 'circle-check', info: 'info', error: 'circle-alert' } as const;

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
