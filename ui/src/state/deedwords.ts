// deedwords: what is said of operations over SSH, where it takes more than the operation itself says.

import type { Operation } from './operations';

export function isActive(op: Pick<Operation, 'status'>): boolean {
  return op.status === 'pending' || op.status === 'in_progress';
}

export type DeedType = 'service_restart' | 'service_status' | 'logs' | 'ssh_test' | 'command';

export type ButtonState =
  | { is: 'idle' }
  | { is: 'starting' }
  | { is: 'running'; progress: number | null }
  | { is: 'completed' };

/** The button's words, by its state (FEATURES J19-J22). */
export function buttonWords(state: ButtonState): string {
  switch (state.is) {
    case 'idle': return 'Restart Service';
    case 'starting': return 'Starting…';
    case 'running': return `Restarting… (${state.progress ?? 0}%)`;
    case 'completed': return 'Restart Completed';
  }
}

/** Of two operations with the same key only one is under way. */
export function keyOf(target: string | null | undefined, type: string | undefined, service: string | null | undefined): string {
  return `${target}/${type}/${service ?? ''}`;
}

export interface Step {
  at: number;
  words: string;
}

/** The steps every operation over SSH takes (FEATURES J7). */
export function stepsOf(op: Pick<Operation, 'type'>): Step[] {
  return [
    { at: 10, words: 'Testing SSH connection' }, { at: 30, words: 'SSH connection successful' },
    { at: 50, words: op.type === 'service_restart' ? 'Executing restart command' : 'Executing command' }, { at: 90, words: 'Processing results' }, { at: 100, words: 'Done' },
  ];
}

/** What cancelling does, which depends on whether the command was sent. */
export function cancelMeans(op: Pick<Operation, 'sent_at' | 'progress'>): string {
  return op.sent_at || (op.progress ?? 0) >= 50
    ? 'The command was sent: the target finishes what it began. Cancelling only ends watching it.'
    : 'Nothing has run yet: cancelled now, nothing will.';
}

/** The line for visudo that a hint holds. */
export function sudoLine(hint: string | null | undefined): string | null {
  return /^Add this line with visudo: (.+)$/.exec(hint ?? '')?.[1] ?? null;
}

/** Both fingerprints of a host key that has changed, or the one nobody has confirmed. */
export function hostKeysOf(error: string | null | undefined): { was: string | null; now: string } | null {
  const changed = /it was (SHA256:\S+), now it is (SHA256:[^\s.]+)/.exec(error ?? '');
  if (changed) return { was: changed[1]!, now: changed[2]! };
  const unknown = /shows a host key that nobody has confirmed: (SHA256:\S+)/.exec(error ?? '');
  return unknown ? { was: null, now: unknown[1]! } : null;
}

/** The same once more from a shell that has a key in $BINNACLE_KEY; nothing of this session goes into it. */
export function curlOf(url: string, op: Pick<Operation, 'type' | 'object' | 'command'>): string {
  const params = op.type === 'command' ? { command: op.command } : op.object ? { service: op.object } : null;
  const body = JSON.stringify({ type: op.type, ...(params ? { params } : {}) }).replace(/'/g, "'\\''");
  return `curl -sS -X POST -H "Authorization: Bearer $BINNACLE_KEY" -H 'Content-Type: application/json' -d '${body}' '${url.replace(/'/g, '%27')}'`;
}

export const VERIFY = 'Manual verification recommended';
