// assigned: what somebody may see and do who is no manager; asked of the server, because topics tell all or nothing.

import { computed, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import type { Vm } from '../model.gen';
import { serverOf, type ServerRow } from './fleet';
import type { PowerAction } from './guests';
import { may, who } from './store';

interface Answer {
  vms: (Vm & { id: string; permissions?: string | null; server_name?: string })[];
  servers: { id: string; name: string }[];
  errors: { server_id: string; name: string; error: string }[];
}

/** Sees the guests assigned to him and nothing else: whoever else may log in may read. */
export const isRestricted = (): boolean => who.value !== null && !may('read');

const answer = signal<Answer | undefined>(undefined);
export const assignedError = signal<ApiError | undefined>(undefined);

/** In the form of the topic; undefined until the first answer. Unknown comes as null there and is absent here. */
export const assignedSection = computed(() => answer.value && Object.fromEntries(answer.value.vms.map((vm) =>
  [vm.id, Object.fromEntries(Object.entries(vm).filter(([, v]) => v !== null)) as Vm])));

export const assignedServers = computed<ServerRow[] | undefined>(() => answer.value?.servers.map((s) => {
  const failed = answer.value!.errors.find((e) => e.server_id === s.id);
  return { id: s.id, name: s.name, is_active: true, ...(failed ? { health_check_error: failed.error } : {}) };
}));

const permissions = computed(() => new Map((answer.value?.vms ?? []).map((vm) => [vm.id, (vm.permissions ?? '').split(',')])));

const needs: Record<PowerAction, string> = {
  start: 'start', resume: 'start', stop: 'stop', shutdown: 'stop', suspend: 'stop', reset: 'restart', reboot: 'restart',
};

/** A manager may do everything, others what an assignment says. */
export function mayDo(id: string, action: PowerAction): boolean {
  return may('operate') || permissions.value.get(id)?.includes(needs[action]) === true;
}

/** The same for typing into its console. */
export function mayType(id: string): boolean {
  return may('operate') || permissions.value.get(id)?.includes('console') === true;
}

/** And for looking into it. */
export function mayLook(id: string): boolean {
  return mayType(id) || permissions.value.get(id)?.includes('console_view') === true;
}

export function serverName(id: string | undefined): string | undefined {
  return serverOf(id ?? '')?.name ?? answer.value?.servers.find((s) => s.id === id)?.name;
}

export async function askAssigned(): Promise<void> {
  try {
    answer.value = await api<Answer>('GET', 'api/v1/vms');
    assignedError.value = undefined;
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw cause;
    assignedError.value = cause;
  }
}

const AGAIN_MS = 10_000; // as often as servers are asked for their guests

/** For pages about guests: managers need no more than the topic; who is restricted has this alone. */
export function useAssigned(): void {
  useEffect(() => {
    if (may('operate')) return;
    void askAssigned();
    if (!isRestricted()) return;
    const timer = window.setInterval(() => {
      if (document.visibilityState === 'visible') void askAssigned();
    }, AGAIN_MS);
    return () => window.clearInterval(timer);
  }, []);
}
