// deedfilter: which operations of the history are wanted, in the address of the page and in the question to the server.

import { isActive } from './deedwords';
import type { Operation } from './operations';

export const FILTERS = ['status', 'type', 'server_id', 'target_id', 'vmid', 'created_by', 'since', 'page'] as const;

/** How far back: as the address says it, and in milliseconds. */
export const SPANS: Record<string, { label: string; ms: number }> = {
  '1h': { label: 'Last hour', ms: 3_600_000 }, '24h': { label: 'Last 24 hours', ms: 86_400_000 },
  '7d': { label: 'Last 7 days', ms: 604_800_000 }, '30d': { label: 'Last 30 days', ms: 2_592_000_000 },
};

/** The question: what is fixed, and what the address narrows it to. A span becomes a time, counted back from `now`. */
export function searchOf(query: URLSearchParams, fixed: Record<string, string>, now: number): URLSearchParams {
  const wanted = new URLSearchParams(fixed);
  for (const name of FILTERS) {
    const value = query.get(name);
    if (!value) continue;
    const span = name === 'since' ? SPANS[value] : undefined;
    wanted.set(name, span ? new Date(now - span.ms).toISOString().replace(/\.\d+Z$/, 'Z') : value);
  }
  return wanted;
}

/** Whether an operation the topic tells belongs into the answer to that question. */
export function fitsOf(wanted: URLSearchParams): (op: Operation) => boolean {
  const is = (name: string, value: string | number | null | undefined) => !wanted.has(name) || String(value ?? '') === wanted.get(name);
  const status = wanted.get('status');
  const since = wanted.get('since');
  return (op) => (!status || op.status === status || (status === 'active' && isActive(op)))
    && is('type', op.type) && is('server_id', op.server_id) && is('target_id', op.target_id) && is('vmid', op.vmid) && is('created_by', op.created_by)
    && (!since || (op.started_at ?? '') >= since);
}

/** The address of the same rows as a file. */
export function csvPath(wanted: URLSearchParams): string {
  const query = new URLSearchParams(wanted);
  query.delete('page');
  return `api/v1/operations.csv${query.size > 0 ? `?${query}` : ''}`;
}
