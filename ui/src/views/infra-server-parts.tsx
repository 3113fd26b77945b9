// infra-server-parts: what every page about Proxmox VE servers shows the same way.

import { computed, type ReadonlySignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useMemo } from 'preact/hooks';
import type { Server } from '../model.gen';
import { dateTime, time, zone } from '../state/format';
import { nodesDown, type ServerRow } from '../state/fleet';
import { certOf, stateOf, STATES, type ServerState } from '../state/servers';
import { endText } from '../state/silence';
import { local, now } from '../state/store';
import { silencedUntil } from './silence';

export { Ago } from '../parts/num';

// 12 x 12, filled unless it is a line: the same on every system, where ✖ or ⟳ may be a coloured picture.
const shapes: Record<ServerState, { d: string; isLine?: boolean }> = {
  online: { d: 'M6 1a5 5 0 1 1 0 10A5 5 0 1 1 6 1z' },
  degraded: { d: 'M6 1a5 5 0 1 1 0 10A5 5 0 1 1 6 1zm0 1.6v6.8a3.4 3.4 0 0 0 0-6.8z' },
  flapping: { d: 'M1 4.6c1.7-2 3.3-2 5 0s3.3 2 5 0M1 8.6c1.7-2 3.3-2 5 0s3.3 2 5 0', isLine: true },
  offline: { d: 'M2 2l8 8M10 2l-8 8', isLine: true },
  unknown: { d: 'M3.6 4.1a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2.8-1.2 1.6M6 10.4v.1', isLine: true },
  checking: { d: 'M10.5 6a4.5 4.5 0 1 1-1.6-3.4M9.4.6v2.3H7.1', isLine: true },
  disabled: { d: 'M4 2v8M8 2v8', isLine: true },
};

/** The sign of a state alone; the word must stand beside it, or be its label. */
export function StateSign({ state }: { state: ServerState }) {
  const { d, isLine } = shapes[state];
  return (
    <svg class={`state-sign ${state} ${isLine ? 'is-line' : ''}`} viewBox="0 0 12 12" aria-hidden="true"><path d={d} fill-rule="evenodd" /></svg>
  );
}

/** Sign, word and colour of a state: of a server as it is now, or of a state alone. */
export function ServerStatus({ server, state, children }: { server?: ServerRow; state?: ServerState; children?: ComponentChildren }) {
  const down = useNodesDown(server?.id ?? '');
  const is = state ?? (server ? stateOf(server, down.value) : 'unknown');
  return <span class={`server-status ${is}`}><StateSign state={is} />{STATES[is].word}{children}</span>;
}

/** How many nodes of a server do not answer; renders again only when that changes. */
export function useNodesDown(id: string): ReadonlySignal<number> {
  return useMemo(() => computed(() => nodesDown.value.get(id) ?? 0), [id]);
}

export function DemoTag({ server }: { server: Server }) {
  return server.is_demo ? <span class="tag demo" data-tip="Belongs to the demo fleet; no machine of yours">DEMO</span> : null;
}

const minute = computed(() => Math.floor(now.value / 60_000) * 60_000);

/** A certificate that ends within 30 days, or has; nothing while it is good for longer. */
export function CertTag({ server }: { server: Server }) {
  const ends = time(server.cert_expires_at);
  const found = ends === null ? null : certOf(local(ends), minute.value);
  return found && <span class={`badge ${found.level}`} data-tip={`${dateTime(ends!)}, ${zone}. Renew it there: ${server.fingerprint ? 'pvecm updatecerts --force' : 'pvenode acme cert renew'}`}>{found.text}</span>;
}

/** Until when its alerts keep still; nothing when they do not. */
export function SilenceTag({ server }: { server: Server }) {
  const until = silencedUntil(server, minute.value);
  return until === null ? null : <span class="badge quiet silence-tag" data-tip={`${dateTime(until)}, ${zone}. Until then its alerts neither count nor notify`}>Silenced until {endText(until, minute.value)}</span>;
}

/** How many of the failures it is waited for have come, while it still counts as online. */
export function FailedTag({ server: s }: { server: Server }) {
  if (!s.failed_in_row || s.error_class || s.is_active === false) return null;
  return <span class="badge warn" data-tip={`It counts as offline after ${s.fail_after ?? 1} failed attempts in a row`}>{s.failed_in_row} of {s.fail_after ?? 1} failed</span>;
}

/** A button that, when it cannot be used, can still be reached and says why. */
export function ActButton({ off, onClick, class: name = '', label, isBusy, children }: {
  off?: string | null; onClick: () => void; class?: string; label?: string; isBusy?: boolean; children: ComponentChildren;
}) {
  const id = useId();
  const isOff = Boolean(off) || isBusy;
  return (
    <>
      <button type="button" class={`button ${name}`} aria-label={label} aria-disabled={isOff || undefined} aria-busy={isBusy || undefined}
        aria-describedby={off ? id : undefined} data-tip={off ?? undefined} onClick={() => {
          if (!isOff) onClick();
        }}>{children}</button>
      {off && <span class="visually-hidden" id={id}>{off}</span>}
    </>
  );
}
