// split: names of series, and the numbers of a live value by those names.

import { time } from './format';

/** Where live samples come from: an object with `at` whose numbers are named as series are. */
export interface Sample {
  at: number;
  read: (series: string) => number | undefined;
}

/** "core/3.busy_pct" is the number busy_pct of row 3 in the section of cores. */
export function splitSeries(name: string): { kind: string; id: string; field: string } {
  const slash = name.indexOf('/');
  const dot = name.lastIndexOf('.');
  return { kind: name.slice(0, slash), id: name.slice(slash + 1, dot), field: name.slice(dot + 1) };
}

const SECTIONS: Record<string, string> = { core: 'cores', mount: 'mounts', disk: 'disks', nic: 'nics' };

/** The sample that a topic's value holds, or null without a time. */
export function sampleOf(value: unknown): Sample | null {
  const root = value as Record<string, unknown> | undefined;
  const at = time(root?.at as string | undefined);
  if (!root || at === null) return null;
  return {
    at,
    read: (name) => {
      const { kind, id, field } = splitSeries(name);
      const section = SECTIONS[kind];
      const row = section ? (root[section] as Record<string, Record<string, unknown>> | undefined)?.[id] : root;
      const v = row?.[field];
      return typeof v === 'number' ? v : undefined;
    },
  };
}
