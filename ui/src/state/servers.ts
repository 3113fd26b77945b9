// servers: what a row of the registry says to people: its state, its certificate, why it fails and what helps.

import type { Server } from '../model.gen';
import { duration, time } from './format';

export type ServerState = 'online' | 'degraded' | 'flapping' | 'offline' | 'unknown' | 'checking' | 'disabled';

/** Each state by sign and word, in the order in which people want to see them. */
export const STATES: Record<ServerState, { glyph: string; word: string; level: 'ok' | 'warn' | 'crit' | 'unknown' | 'busy' }> = {
  offline: { glyph: '✖', word: 'Offline', level: 'crit' },
  flapping: { glyph: '≈', word: 'Flapping', level: 'warn' },
  degraded: { glyph: '◐', word: 'Degraded', level: 'warn' },
  online: { glyph: '●', word: 'Online', level: 'ok' },
  checking: { glyph: '⟳', word: 'Checking', level: 'busy' },
  unknown: { glyph: '?', word: 'Unknown', level: 'unknown' },
  disabled: { glyph: '‖', word: 'Disabled', level: 'unknown' },
};

/** Up or down while a check is under way: what was known before it. */
function settledStatus(s: Server): 'online' | 'offline' | 'unknown' {
  if (s.connection_status === 'online' || s.connection_status === 'offline') return s.connection_status;
  if (s.connection_status !== 'checking') return 'unknown';
  return s.error_class ? 'offline' : s.last_connected_at ? 'online' : 'unknown';
}

/** The state that lists, filters and counts go by: a check that has begun changes nothing yet. */
export function settledOf(s: Server, nodesDown = 0): ServerState {
  if (s.is_active === false) return 'disabled';
  const status = settledStatus(s);
  if (status === 'unknown') return 'unknown';
  if (s.is_flapping) return 'flapping';
  if (status === 'offline') return 'offline';
  return s.is_quorate === false || nodesDown > 0 ? 'degraded' : 'online';
}

/** The state as it is this moment. */
export function stateOf(s: Server, nodesDown = 0): ServerState {
  return s.is_active !== false && s.connection_status === 'checking' ? 'checking' : settledOf(s, nodesDown);
}

/** It answered the last time it was asked; unknown when it never was. */
export function isUp(s: Server): boolean | null {
  const status = settledStatus(s);
  return status === 'unknown' ? null : status === 'online';
}

/** Under which server the nodes and guests of its cluster stand: a cluster is listed once. */
export function homeOf(s: Server & { id: string }): string {
  return s.listed_under || s.id;
}

/** host:port as people read it; an IPv6 address in brackets. */
export function placeOf(host: string | undefined, port: number | undefined): string {
  return `${host?.includes(':') ? `[${host}]` : (host ?? '')}:${port ?? 8006}`;
}

export const CERT_WARN_DAYS = 30;
const CERT_CRIT_DAYS = 7;
const DAY_MS = 86_400_000;

/** What a certificate's end asks for; null while it has more than a month left, or is not known. */
export function certOf(ends: number, now: number): { level: 'warn' | 'crit'; text: string } | null {
  if (ends - now > CERT_WARN_DAYS * DAY_MS) return null;
  if (ends <= now) return { level: 'crit', text: 'Certificate expired' };
  return { level: ends - now <= CERT_CRIT_DAYS * DAY_MS ? 'crit' : 'warn', text: `Certificate ends in ${duration(ends - now).split(' ').slice(0, 2).join(' ')}` };
}

const RETURN_MS = 30_000;

/** Whether somebody who comes back needs fresh results (B15): not within 30 s of the last run, nor when all are fresh.
 *  `at` and `lastRun` by the clock of the server. */
export function wantsFresh(list: Server[], at: number, lastRun: number): boolean {
  return at - lastRun >= RETURN_MS && list.some((s) => s.is_active !== false && at - (time(s.last_health_check_at) ?? 0) >= RETURN_MS);
}

/** Case does not matter; every word must be somewhere. */
export function matches(s: Server, q: string): boolean {
  const text = [s.name, s.host, s.vpn_enabled ? s.vpn_host : '', s.tags, s.site, s.cluster].join('\n').toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
