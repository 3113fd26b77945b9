// work-parts: what every list and sheet of operations shows: how far it is, who began it, how it ended.

import type { ComponentChildren } from 'preact';
import { href } from '../link/route';
import { dateTime, time } from '../state/format';
import { operationsTopic, titleOf, type Operation } from '../state/operations';
import { Icon } from '../parts/icon';

/** How far it is; without a figure it only moves. */
export function Bar({ op }: { op: Operation }) {
  const isWaiting = op.status === 'pending' && Boolean(op.parent_id); // for its turn
  const known = isWaiting || (op.progress != null && op.progress > 0);
  const words = `${titleOf(op)}, ${isWaiting ? 'waiting' : known ? `${op.progress} %` : 'under way'}`;
  return (
    <svg class={`op-bar ${known ? '' : 'is-open'}`} viewBox="0 0 100 6" preserveAspectRatio="none" role="progressbar" aria-label={words}
      {...(known ? { 'aria-valuenow': op.progress ?? 0, 'aria-valuemin': 0, 'aria-valuemax': 100 } : {})}>
      <rect class="meter-track" width="100" height="6" />
      <rect width={known ? op.progress ?? 0 : 30} height="6" />
    </svg>
  );
}

export function By({ op }: { op: Operation }) {
  const how = { key: 'by a key', schedule: 'by the schedule', auto: 'by itself' }[op.created_by_kind ?? ''];
  return <span data-tip={how}>{op.created_by?.replace(/^key:/, '') || how || 'somebody'}</span>;
}

const words: Record<string, [string, string]> = {
  pending: ['⋯', 'waiting'], in_progress: ['⟳', 'under way'], completed: ['✓', 'completed'], failed: ['✖', 'failed'], cancelled: ['–', 'cancelled'],
};

export function OperationStatus({ op }: { op: Operation }) {
  const [sign, word] = words[op.status ?? ''] ?? ['?', op.status ?? 'unknown'];
  const isDoubtful = op.status === 'completed' && (op.timed_out || op.has_warnings);
  return <span class={`op-status ${isDoubtful ? 'doubtful' : op.status ?? ''}`}><span aria-hidden="true">{isDoubtful ? '▲' : sign}</span> {isDoubtful ? (op.timed_out ? 'timed out' : 'with warnings') : word}</span>;
}

export function At({ at }: { at: string | null | undefined }) {
  const ms = time(at);
  return <>{ms === null ? '–' : dateTime(ms)}</>;
}

export const targetHref = (id: string): string => href(`targets/${encodeURIComponent(id)}`);

/** That nobody answers, and what comes of it. */
export function Away({ children }: { children: ComponentChildren }) {
  if (operationsTopic.phase.value !== 'cached') return null;
  return <p class="deed-away" role="status"><Icon name="wifi-off" size={16} /> <span><strong>Binnacle does not answer.</strong> This is what was known then. {children}</span></p>;
}
