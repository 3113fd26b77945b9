// gate: the frame of the pages before the shell: setup, login, no answer.

import type { ComponentChildren } from 'preact';
import type { ApiError } from '../link/api';
import { duration } from '../state/format';
import { Icon, Mark } from '../parts/icon';
import { ErrorCode } from '../parts/panel';

export function Gate({ title, lead, children }: { title: string; lead?: ComponentChildren; children: ComponentChildren }) {
  return (
    <main class="gate" id="main" tabIndex={-1}>
      <div class="gate-card">
        <p class="brand"><Mark size={26} /> Binnacle</p>
        <h1>{title}</h1>
        {lead && <p class="gate-lead">{lead}</p>}
        {children}
      </div>
    </main>
  );
}

/** Too many tries: counted down, and what it does not mean. */
export function Throttled({ error, wait, children }: { error: ApiError; wait: number; children: ComponentChildren }) {
  return (
    <div class="note warn">
      <Icon name="lock" />
      <div>
        {/* Read out once, not with every second. */}
        <p class="visually-hidden" role="alert">{error.message}</p>
        <p>{error.message.replace(/: try again in .*$/, '.')} You can try again in <strong class="num">{duration(wait)}</strong>. {children}</p>
        <ErrorCode error={error} />
      </div>
    </div>
  );
}
