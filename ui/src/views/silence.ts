// silence: alerts of a server that neither count nor notify for a while.

import { api } from '../link/api';
import type { Server } from '../model.gen';
import { time } from '../state/format';
import { own } from '../state/own';
import { endText } from '../state/silence';
import { act, local, now } from '../state/store';

/** Until when, by this machine's clock; null when it is over or never was. */
export function silencedUntil(s: Pick<Server, 'silenced_until'>, at: number): number | null {
  const until = time(s.silenced_until);
  return until !== null && local(until) > at ? local(until) : null;
}

/** Until then, by this machine's clock; null ends it. What was before comes back with Undo. */
export function silence(s: { id: string; name?: string; silenced_until?: string | null }, until: number | null): void {
  const name = own(s.name ?? '');
  const at = now.peek();
  const back = silencedUntil({ silenced_until: s.silenced_until ?? undefined }, at);
  const set = (value: number | null) => api('PATCH', `api/v1/servers/${encodeURIComponent(s.id)}`, { silenced_until: value === null ? null : new Date(value - local(0)).toISOString() });
  const said = (value: number | null) => (value === null ? `Alerts of ${name} count and notify again` : `Alerts of ${name} are silenced until ${endText(value, at)}`);
  void act(() => set(until), said(until), () => void act(() => set(back), said(back)));
}
