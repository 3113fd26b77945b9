// fleet: Proxmox VE servers, their nodes and guests as the topics tell them.

import { computed, type ReadonlySignal } from '@preact/signals';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import { topics } from '../link/live';
import type { Topic } from '../link/topics';
import type { Alert, Node, Server, Vm } from '../model.gen';
import { rows } from './store';

export type ServerRow = Server & { id: string };
export type NodeRow = Node & { id: string };
export type VmRow = Vm & { id: string };

interface ServersValue {
  servers?: Record<string, Server>;
  nodes?: Record<string, Node>;
}

export const serversTopic: Topic = topics.join('infra.servers'); // for as long as the page lives: navigation counts what needs attention

const value = computed(() => serversTopic.value.value as ServersValue | undefined);
const byId = computed(() => value.value?.servers);
const nodesById = computed(() => value.value?.nodes);

// A row keeps its identity while nothing in it changes: a thousand cards are then not drawn for one.
const known = new WeakMap<Server, ServerRow>();

function rowOf(id: string, of: Server): ServerRow {
  let row = known.get(of);
  if (row?.id !== id) known.set(of, row = { ...of, id });
  return row;
}

const isBefore = (a: ServerRow, b: ServerRow): number => {
  const [at, bt] = [a.created_at ?? '', b.created_at ?? ''];
  return at === bt ? (a.id < b.id ? -1 : 1) : at > bt ? -1 : 1;
};

/** Newest first, as people added them (FEATURES A11); undefined until the first value. */
export const servers: ReadonlySignal<ServerRow[] | undefined> = computed(() =>
  value.value === undefined ? undefined
    : Object.entries(byId.value ?? {}).map(([id, of]) => rowOf(id, of)).sort(isBefore));

export const nodes: ReadonlySignal<NodeRow[]> = computed(() => rows(nodesById.value));

export function serverOf(id: string): ServerRow | undefined {
  const row = byId.value?.[id];
  return row && rowOf(id, row);
}

/** How many nodes of each server its cluster calls offline. */
export const nodesDown: ReadonlySignal<Map<string, number>> = computed(() => {
  const count = new Map<string, number>();
  for (const n of Object.values(nodesById.value ?? {})) {
    if (n.status === 'offline' && n.server_id) count.set(n.server_id, (count.get(n.server_id) ?? 0) + 1);
  }
  return count;
});

export type AlertRow = Alert & { id: string };

export const alertsTopic: Topic = topics.join('alerts'); // for as long as the page lives: what wants attention hangs on it

/** Those that fire and those just over: first what nobody has dismissed, then what somebody has or what is silenced, then what is over; of each the newest first. */
export const alerts: ReadonlySignal<AlertRow[]> = computed(() => {
  const rank = (a: Alert) => (a.state === 'resolved' ? '0' : a.dismissed_at || a.silenced_until ? '1' : '2') + (a.fired_at ?? '');
  return rows((alertsTopic.value.value as { alerts?: Record<string, Alert> } | undefined)?.alerts)
    .sort((a, b) => (rank(a) < rank(b) ? 1 : -1));
});

/** Those that want somebody. */
export const openAlerts: ReadonlySignal<AlertRow[]> = computed(() => alerts.value.filter((a) => a.state === 'firing' && !a.dismissed_at && !a.silenced_until));

/** Since when each server has been offline for which an alert fires that nobody dismissed: not each blip wants attention. */
export const offlineSince: ReadonlySignal<Map<string, number>> = computed(() => {
  const since = new Map<string, number>();
  for (const a of openAlerts.value) {
    if (a.rule === 'server_offline' && a.subject_id) since.set(a.subject_id, Date.parse(a.since ?? a.fired_at ?? ''));
  }
  return since;
});

/** A topic for as long as the component lives. It is left by a layout effect: an effect of a component that goes
 *  within a frame never begins, and neither does its end. */
export function useTopic(name: string, tail = 0): Topic {
  const topic = useMemo(() => topics.join(name, tail), [name, tail]);
  useLayoutEffect(() => () => topics.leave(topic), [topic]);
  return topic;
}

/** Guests of all servers; the topic is joined while a view needs it. */
export function vmsOf(topic: Topic): VmRow[] {
  return rows((topic.value.value as { vms?: Record<string, Vm> } | undefined)?.vms);
}
