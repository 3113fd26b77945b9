// targetwords: what is said of a machine that is acted on over SSH; knows no topic.

import type { Target } from '../model.gen';

/** host:port as people read it; an IPv6 address in brackets. */
export function placeOf(t: Pick<Target, 'host' | 'port'>): string {
  return `${t.host?.includes(':') ? `[${t.host}]` : (t.host ?? '?')}:${t.port ?? 22}`;
}

/** Its name, and where one is logged in to: "root@web3.lan:22". */
export function displayOf(t: Pick<Target, 'id' | 'name' | 'username' | 'host' | 'port'>): { name: string; place: string } {
  return { name: t.name || t.host || t.id || '?', place: `${t.username ?? '?'}@${placeOf(t)}` };
}

/** By name, numbers by their value. */
export function sortTargets<T extends Pick<Target, 'id' | 'name'>>(list: T[]): T[] {
  return list.sort((a, b) => (a.name ?? '').localeCompare(b.name ?? '', 'en', { numeric: true, sensitivity: 'base' }) || (a.id ?? '').localeCompare(b.id ?? ''));
}

/**
 * How its host key stands. unknown: it was never seen, or forgotten. seen: it showed one that nobody has confirmed.
 * changed: it showed another one than the confirmed, and nothing is sent to it.
 */
export type KeyState = 'unknown' | 'seen' | 'confirmed' | 'changed';

export function keyStateOf(t: Pick<Target, 'host_key' | 'seen_host_key'>): KeyState {
  const hasSeen = Boolean(t.seen_host_key) && t.seen_host_key !== t.host_key;
  if (t.host_key) return hasSeen ? 'changed' : 'confirmed';
  return hasSeen ? 'seen' : 'unknown';
}

export const KEY_STATES: Record<KeyState, { word: string; level: 'ok' | 'warn' | 'crit' | 'quiet'; about: string }> = {
  changed: { word: 'Key CHANGED', level: 'crit', about: 'It shows another host key than the confirmed one. Nothing is sent to it.' },
  seen: { word: 'To be confirmed', level: 'warn', about: 'It showed its host key, and nobody has confirmed it yet. Nothing secret is sent to it until then.' },
  unknown: { word: 'Unknown', level: 'warn', about: 'Its host key was not seen yet. Test it, and confirm what it shows.' },
  confirmed: { word: 'Confirmed', level: 'ok', about: 'Only the confirmed host key is accepted.' },
};

/** Its tags as words. */
export const tagsOf = (t: Pick<Target, 'tags'>): string[] => [...new Set((t.tags ?? '').split(',').map((w) => w.trim()).filter(Boolean))];

export const PLATFORMS = { systemd: 'systemd', vos: 'Cisco Voice OS', custom: 'custom command' } as const;

/** Case does not matter; every word must be somewhere. */
export function matches(t: Target, q: string): boolean {
  const text = [t.name, t.host, t.username, t.service, t.tags, t.site, t.platform && PLATFORMS[t.platform], t.notes].join('\n').toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Through which machines it is reached, the nearest to us first; a jump host that is gone or goes in a circle ends it. */
export function jumpsOf<T extends Pick<Target, 'id' | 'jump_id'>>(of: T, find: (id: string) => T | undefined): T[] {
  const out: T[] = [];
  const seen = new Set([of.id]);
  for (let at = of; at.jump_id && !seen.has(at.jump_id);) {
    seen.add(at.jump_id);
    const next = find(at.jump_id);
    if (!next) break;
    out.unshift(next);
    at = next;
  }
  return out;
}

/** What can be a jump host of it: not itself, and nothing that is reached through it. */
export function jumpChoices<T extends Pick<Target, 'id' | 'jump_id'>>(all: T[], id: string | undefined, find: (id: string) => T | undefined): T[] {
  return all.filter((t) => t.id !== id && !jumpsOf(t, find).some((j) => j.id === id));
}

// --- what was done on it ----------------------------------------------------------------------------

interface Done {
  id: string;
  target_id?: string | null;
  type?: string;
  status?: string;
  subject?: string;
  progress?: number | null;
  started_at?: string | null;
  updated_at?: string | null;
  has_warnings?: boolean | null;
}

// Two steps can be of one millisecond: then an end is the later one.
function isEarlier(op: Done, than: Done): boolean {
  if (op.id !== than.id) return (op.started_at ?? '') <= (than.started_at ?? '');
  const [at, was] = [op.updated_at ?? '', than.updated_at ?? ''];
  return at < was || (at === was && isOver(than));
}

const isOver = (op: Done): boolean => op.status !== 'pending' && op.status !== 'in_progress';

/** Of each target the one begun last; of one operation what was told last. */
export function laterOf<T extends Done>(had: ReadonlyMap<string, T>, list: readonly T[]): ReadonlyMap<string, T> {
  const out = new Map(had);
  let isChanged = false;
  for (const op of list) {
    if (!op.target_id) continue;
    const old = out.get(op.target_id);
    if (op === old || (old && isEarlier(op, old))) continue;
    out.set(op.target_id, op);
    isChanged = true;
  }
  return isChanged ? out : had;
}

const DEEDS: Record<string, [doing: string, done: string, failed: string]> = {
  service_restart: ['restarting', 'restarted', 'restart failed'],
  service_status: ['looking at', 'looked at', 'status failed'],
  logs: ['reading the log of', 'read the log of', 'logs failed'],
  ssh_test: ['testing', 'tested', 'test failed'],
  command: ['running a command', 'ran a command', 'command failed'],
};

/** "restarted nginx.service": in few words, for a list; the sign says the same as the colour. */
export function deedOf(op: Done, name: string): { glyph: string; level: 'ok' | 'warn' | 'crit' | 'busy' | 'quiet'; text: string } {
  const [doing, done, failed] = DEEDS[op.type ?? ''] ?? ['working', 'done', 'failed'];
  const tail = ` on ${name}`;
  const what = op.subject?.endsWith(tail) ? ` ${op.subject.slice(0, -tail.length)}` : '';
  if (op.status === 'failed') return { glyph: '✖', level: 'crit', text: `${failed}${what && `:${what}`}` };
  if (op.status === 'cancelled') return { glyph: '‖', level: 'quiet', text: `${doing}${what}, cancelled` };
  if (op.status === 'completed') return op.has_warnings ? { glyph: '!', level: 'warn', text: `${done}${what}, with warnings` } : { glyph: '✓', level: 'ok', text: `${done}${what}` };
  return { glyph: '⟳', level: 'busy', text: `${doing}${what}${op.progress == null ? '' : ` ${op.progress} %`}` };
}
