// fleet: Proxmox VE servers, their nodes and guests as the topics tell them.

import { computed, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { topics } from '../link/live';
import type { Topic } from '../link/topics';
import type { Node, Server, Vm } from '../model.gen';
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

/** Newest first, as people added them (FEATURES A11); undefined until the first value. */
export const servers: ReadonlySignal<ServerRow[] | undefined> = computed(() =>
  value.value === undefined ? undefined
    : rows(byId.value).sort((a, b) => (b.created_at ?? '').localeCompare(a.created_at ?? '') || a.id.localeCompare(b.id)));

export const nodes: ReadonlySignal<NodeRow[]> = computed(() => rows(nodesById.value));

export function serverOf(id: string): ServerRow | undefined {
  const row = byId.value?.[id];
  return row && { ...row, id };
}

/** A topic for as long as the component lives. */
export function useTopic(name: string, tail = 0): Topic {
  const topic = useMemo(() => topics.join(name, tail), [name, tail]);
  useEffect(() => () => topics.leave(topic), [topic]);
  return topic;
}

/** Guests of all servers; the topic is joined while a view needs it. */
export function vmsOf(topic: Topic): VmRow[] {
  return rows((topic.value.value as { vms?: Record<string, Vm> } | undefined)?.vms);
}
