// monitoring: figures over all servers; only what was measured counts, and what was not stays unknown.

import type { Server } from '../model.gen';
import { meanOf } from './attempts';
import { isUp, settledOf, type ServerState } from './servers';

type Row = Server & { id: string };

export interface FleetFigures {
  total: number;
  disabled: number;
  online: number;
  offline: number;
  avgSuccess: number | null;
  avgMs: number | null;
  measured: number; // servers behind the means
  vpn: number;
  states: [ServerState, number][]; // those that occur, worst first
}

const ORDER: ServerState[] = ['offline', 'flapping', 'degraded', 'online', 'unknown', 'disabled'];

/** A server that is switched off is counted and otherwise left out: its numbers are old. */
export function figuresOf(list: readonly Row[], nodesDown: ReadonlyMap<string, number>): FleetFigures {
  const active = list.filter((s) => s.is_active !== false);
  const counts = new Map<ServerState, number>();
  for (const s of list) {
    const state = settledOf(s, nodesDown.get(s.id) ?? 0);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return {
    total: list.length,
    disabled: list.length - active.length,
    online: active.filter((s) => isUp(s) === true).length,
    offline: active.filter((s) => isUp(s) === false).length,
    avgSuccess: meanOf(active.map((s) => s.success_rate)),
    avgMs: meanOf(active.map((s) => s.avg_response_time_ms)),
    measured: active.filter((s) => s.success_rate !== undefined).length,
    vpn: list.filter((s) => s.vpn_enabled).length,
    states: ORDER.filter((s) => counts.has(s)).map((s) => [s, counts.get(s)!]),
  };
}

/** Slowest first; what was never timed comes last, by name. */
export function bySlowness<T extends Row>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => {
    const [x, y] = [a.avg_response_time_ms, b.avg_response_time_ms];
    if (x === undefined || y === undefined) return x === y ? byName(a, b) : x === undefined ? 1 : -1;
    return y - x || byName(a, b);
  });
}

export function byName(a: Row, b: Row): number {
  return (a.name ?? '').localeCompare(b.name ?? '', 'en', { numeric: true, sensitivity: 'base' }) || a.id.localeCompare(b.id);
}

const PRESELECTED = 4;

/** The servers to compare: those the address names, or the first four. Ids that are gone are left out. */
export function chosenOf<T extends Row>(list: readonly T[], asked: string | null): T[] {
  if (asked === null) return list.slice(0, PRESELECTED);
  const ids = new Set(asked.split(',').filter(Boolean));
  return list.filter((s) => ids.has(s.id));
}

/** The address's list with one server more or less; null for the first four, which need no words. */
export function toggled(list: readonly Row[], chosen: readonly Row[], id: string): string | null {
  const ids = new Set(chosen.map((s) => s.id));
  if (!ids.delete(id)) ids.add(id);
  const next = list.filter((s) => ids.has(s.id)).map((s) => s.id);
  return next.join() === list.slice(0, PRESELECTED).map((s) => s.id).join() ? null : next.join();
}

export interface Arc {
  state: ServerState;
  from: number; // 0 to 1 of the ring
  to: number;
}

/** The ring in pieces, in the order of the states. */
export function arcsOf(states: readonly [ServerState, number][]): Arc[] {
  const total = states.reduce((n, [, count]) => n + count, 0);
  let at = 0;
  return states.map(([state, count]) => {
    const from = at;
    at += count / Math.max(1, total);
    return { state, from, to: at };
  });
}
