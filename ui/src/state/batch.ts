// batch: one deed on many targets: who takes part, who cannot and why, and what came of it.

import type { ApiError } from '../link/api';
import type { DeedType } from './deedwords';
import { keyStateOf, PLATFORMS, type KeyState } from './targetwords';
import type { Target } from './targets';

export const TARGETS_MAX = 200; // of one batch
export const AT_ONCE_MAX = 32;
export const AT_ONCE = 8;

export type BatchType = Exclude<DeedType, 'command'>;

interface Kind {
  title: (n: string) => string; // with "6 targets"
  button: (n: string) => string;
  what: string;                 // "… is not possible on"
  on: readonly string[];
  needsService: readonly string[];
}

export const KINDS: Record<BatchType, Kind> = {
  service_restart: { title: (n) => `Restart a service on ${n}?`, button: (n) => `Restart on ${n}`, what: 'A restart', on: ['systemd', 'vos', 'custom'], needsService: ['systemd', 'vos'] },
  service_status: { title: (n) => `Status of a service on ${n}`, button: (n) => `Show status of ${n}`, what: 'The status of a service', on: ['systemd', 'vos'], needsService: ['systemd'] },
  logs: { title: (n) => `Journal of a service on ${n}`, button: (n) => `Read journals of ${n}`, what: 'A journal', on: ['systemd'], needsService: ['systemd'] },
  ssh_test: { title: (n) => `Test SSH to ${n}`, button: (n) => `Test ${n}`, what: 'A test', on: ['systemd', 'vos', 'custom'], needsService: [] },
};

export const targetsOf = (n: number): string => `${n} target${n === 1 ? '' : 's'}`;

const KEYS: Record<KeyState, string | null> = {
  confirmed: null, seen: 'its host key is to be confirmed first', unknown: 'its host key was not seen yet: test it first', changed: 'its host key has changed: look at it first',
};

/** Which service it is about there; '' when none is named. On the platform custom there is none. */
export function serviceThere(target: Pick<Target, 'platform' | 'service'>, type: BatchType, typed: string): string {
  return KINDS[type].needsService.includes(target.platform ?? '') ? typed || (target.service ?? '') : '';
}

/** Why it cannot take part, as it ends a line behind its name; null when it can. */
export function whyNotThere(target: Target, type: BatchType, typed: string): string | null {
  const kind = KINDS[type];
  if (target.is_active === false) return 'it is switched off';
  if (!kind.on.includes(target.platform ?? '')) return `${kind.what} is not possible on ${target.platform ? PLATFORMS[target.platform] : 'its platform'}`;
  const key = type === 'ssh_test' ? null : KEYS[keyStateOf(target)]; // a test is how one gets to see it
  if (key) return key;
  return kind.needsService.includes(target.platform!) && !serviceThere(target, type, typed) ? 'it names no service: name one below' : null;
}

export interface Plan {
  takes: Target[];
  cannot: { target: Target; why: string }[];
  /** Those whose command is the same but for the service; the most first. */
  groups: { service: string; targets: Target[] }[];
}

export function planOf(targets: readonly Target[], type: BatchType, typed: string): Plan {
  const plan: Plan = { takes: [], cannot: [], groups: [] };
  const groups = new Map<string, { service: string; targets: Target[] }>();
  for (const target of targets) {
    const why = whyNotThere(target, type, typed);
    if (why !== null) {
      plan.cannot.push({ target, why });
      continue;
    }
    plan.takes.push(target);
    const service = serviceThere(target, type, typed);
    const key = JSON.stringify([target.platform, target.sudo, service, target.custom?.command]);
    const group = groups.get(key) ?? { service, targets: [] };
    group.targets.push(target);
    groups.set(key, group);
  }
  plan.groups = [...groups.values()].sort((a, b) => b.targets.length - a.targets.length);
  return plan;
}

export interface Fate {
  target_id: string;
  operation_id: string | null;
  status: 'started' | 'already_running' | 'refused';
  message: string | null;
}

export interface Begun {
  operation_id: string;
  targets: Fate[];
}

/** Of a refusal: what each of them said against it. */
export function fatesOf(error: ApiError): Fate[] {
  return Array.isArray(error.said.targets) ? (error.said.targets as Fate[]) : [];
}

/** "Begun on 5 of 6 targets. web4: …"; the first few of those that did not begin. */
export function begunWords(fates: readonly Fate[], nameOf: (id: string) => string): string {
  const others = fates.filter((f) => f.status !== 'started');
  const started = fates.length - others.length;
  if (others.length === 0) return `Begun on ${targetsOf(started)}.`;
  const said = others.slice(0, 3).map((f) => `${nameOf(f.target_id)}: ${f.status === 'already_running' ? 'the same is under way there already' : f.message ?? 'refused'}`);
  return `Begun on ${started} of ${targetsOf(fates.length)}. ${said.join('; ')}${others.length > 3 ? `; and ${others.length - 3} more` : ''}.`;
}
