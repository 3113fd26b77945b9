import { copy, dismiss, toasts } from '../state/store';
import { Icon } from './icon';

const sign = { ok: 'circle-check', info: 'info', error: 'circle-alert' } as const;

export function Toasts() {
  return (
    <div class="toasts" role="region" aria-label="Notifications">
      <div aria-live="polite" aria-relevant="additions">
        {toasts.value.map((t) => (
          <div key={t.id} class={`toast ${t.kind}`}>
            <Icon name={sign[t.kind]} />
            <div class="toast-body">
              <p>{t.text}</p>
              {t.error && (
                <p class="failure-code">
                  <code>{t.error.code}</code>{t.error.requestId && <> · req <code>{t.error.requestId}</code></>}
                  {' · '}<button type="button" class="link" onClick={() => void copy(t.error!.details(), 'Details')}>Copy details</button>
                </p>
              )}
            </div>
            <button type="button" class="button icon-only quiet small" aria-label="Dismiss" onClick={() => dismiss(t.id)}>
              <Icon name="x" size={14} />
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}
