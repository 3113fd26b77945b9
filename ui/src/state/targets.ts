// targets: machines that are acted on over SSH, as the topic tells them, and what is said of one in words.

import { computed, type ReadonlySignal } from '@preact/signals';
import { topics } from '../link/live';
import type { Topic } from '../link/topics';
import type { Target as TargetRecord } from '../model.gen';
import { displayOf, keyStateOf, matches, placeOf, sortTargets } from './targetwords';

export { displayOf, keyStateOf, matches, placeOf, sortTargets };

export interface Target extends TargetRecord {
  id: string;
}

export const targetsTopic: Topic = topics.join('work.targets'); // from the first page that needs it on, for as long as the page lives

const section = computed(() => (targetsTopic.value.value as { targets?: Record<string, TargetRecord> } | undefined)?.targets);

/** The topic has told them; before that an empty list says nothing. */
export const isTold: ReadonlySignal<boolean> = computed(() => targetsTopic.value.value !== undefined);

// A row keeps its identity while nothing in it changes.
const known = new WeakMap<TargetRecord, Target>();

function rowOf(id: string, of: TargetRecord): Target {
  let row = known.get(of);
  if (row?.id !== id) known.set(of, row = { ...of, id });
  return row;
}

/** By name. */
export const targets: ReadonlySignal<Target[]> = computed(() => sortTargets(Object.entries(section.value ?? {}).map(([id, of]) => rowOf(id, of))));

export function targetOf(id: string): Target | undefined {
  const of = section.value?.[id];
  return of && rowOf(id, of);
}
