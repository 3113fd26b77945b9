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
