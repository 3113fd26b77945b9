// consoles: who has which console open, and who had; for administrators those of everybody, live.

import { api } from '../link/api';
import type { Topic } from '../link/topics';
import type { Console } from '../model.gen';
import { useTopic } from './fleet';
import { duration, time } from './format';

export type ConsoleRow = Console & { id: string };

export interface ConsolePage {
  consoles: ConsoleRow[];
  page: number;
  pages: number;
  total: number;
}

/** The topic of open ones; refused to who is no administrator. */
export const useConsoles = (): Topic => useTopic('work.consoles');

/** Newest first. */
export function consolesOf(value: unknown): ConsoleRow[] {
  const section = (value as { consoles?: Record<string, Console> } | undefined)?.consoles ?? {};
  return Object.entries(section).map(([id, c]) => ({ ...c, id }))
    .sort((a, b) => (b.started_at ?? '').localeCompare(a.started_at ?? '') || b.id.localeCompare(a.id));
}

/** Over SSH, of a target. */
export const isOfTarget = (c: Pick<Console, 'target_id'>): boolean => Boolean(c.target_id);

/** Of a node or target, and not of a guest. */
export const isShell = (c: Pick<Console, 'vmid'>): boolean => c.vmid === undefined || c.vmid === null;

/** "serial terminal"; null: unknown. */
export function kindOf(c: Pick<Console, 'vmid' | 'kind' | 'vm_type' | 'target_id'>): string | null {
  if (isOfTarget(c)) return 'terminal over SSH';
  if (isShell(c)) return 'shell of a node';
  if (c.kind === 'terminal') return c.vm_type === 'lxc' ? 'terminal' : 'serial terminal';
  return c.kind === 'vnc' ? 'screen' : null;
}

export const isOpen = (c: Pick<Console, 'ended_at'>): boolean => !c.ended_at;

/** "4 min"; null while it is open. */
export function lastedOf(c: Pick<Console, 'started_at' | 'ended_at'>): string | null {
  const from = time(c.started_at);
  const to = time(c.ended_at);
  return from === null || to === null ? null : duration(Math.max(0, to - from));
}

export async function endConsole(id: string): Promise<void> {
  await api('DELETE', `api/v1/consoles/${encodeURIComponent(id)}`);
}
