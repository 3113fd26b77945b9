// notices: what was begun by nobody: by a schedule, a rule, or Binnacle itself; the last ten, until they are dismissed.

import { signal } from '@preact/signals';
import { isActive } from './deedwords';
import type { Operation } from './operations';

export const NOTICES = 10;
const KEY = 'binnacle.notices';

const AUTOMATIC = ['schedule', 'rule', 'auto', 'cron'];

export const isAutomatic = (op: Pick<Operation, 'created_by_kind'>): boolean => AUTOMATIC.includes(op.created_by_kind ?? '');

function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

/** Those begun until then were dismissed in this browser. */
export const dismissed = signal(stored());

export function dismiss(until: string): void {
  dismissed.value = until;
  try {
    localStorage.setItem(KEY, until);
  } catch {
    // It then lasts as long as the page.
  }
}

/** The last ten of both lists, what the topic tells before what was asked for; newest first. */
export function noticesOf(live: readonly Operation[], asked: readonly Operation[], until: string): Operation[] {
  const all = new Map<string, Operation>();
  for (const op of [...asked, ...live]) if (isAutomatic(op) && (isActive(op) || (op.started_at ?? '') > until)) all.set(op.id, op);
  return [...all.values()].sort((a, b) => (b.started_at ?? '').localeCompare(a.started_at ?? '')).slice(0, NOTICES);
}
