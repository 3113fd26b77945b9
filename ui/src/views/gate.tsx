// gate: the frame of the pages before the shell: setup, login, no answer.

import type { ComponentChildren } from 'preact';
import { Mark } from '../parts/icon';

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
