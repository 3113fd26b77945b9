// infra-target-acts: what can be done with SSH targets, from their list, their pages and their menus alike.

import { signal } from '@preact/signals';
import { api } from '../link/api';
import { go, href } from '../link/route';
import type { RowAct, RowMenu } from '../parts/rowmenu';
import type { BatchType } from '../state/batch';
import { own } from '../state/own';
import { serviceOf, sheet } from '../state/deeds';
import { act, may, who } from '../state/store';
import { displayOf, keyStateOf, type Target } from '../state/targets';
import { OPERATIONS_OFF, targetActs } from './work-target';

export const pathOf = (t: { id: string }, tail = ''): string => `api/v1/targets/${encodeURIComponent(t.id)}${tail}`;
export const targetHref = (t: { id: string }): string => href(`targets/${encodeURIComponent(t.id)}`);
export const terminalHref = (t: { id: string }): string => href(`console/target/${encodeURIComponent(t.id)}`);

// --- which dialog is open ---------------------------------------------------------------------------

export type Open =
  | { kind: 'add' }
  | { kind: 'edit' | 'delete' | 'test' | 'forget'; id: string }
  | { kind: 'batch'; type: BatchType; ids: string[] };

export const open = signal<Open | null>(null);

/** Those chosen in the list; one that was removed is none any more. */
export const chosen = signal<ReadonlySet<string>>(new Set());

// --- why a button is off ----------------------------------------------------------------------------

export const NEEDS_MANAGER = 'This needs the role manager; somebody with the role admin can give it to you under Settings, Users';

/** Why nothing can be begun on it by who looks, or null. */
export function whyNot(t: Target): string | null {
  if (who.value?.operations === false) return OPERATIONS_OFF;
  if (!may('operate')) return NEEDS_MANAGER;
  return t.is_active === false ? 'It is switched off: switch it on first' : null;
}

export function whyNoTerminal(t: Target): string | null {
  if (who.value?.operations === false) return OPERATIONS_OFF;
  if (!may('admin')) return 'A terminal needs the role admin';
  if (t.is_active === false) return 'It is switched off: switch it on first';
  return t.host_key ? null : 'Its host key is to be confirmed first: test it';
}

// --- one target -------------------------------------------------------------------------------------

export function setActive(t: Target, isActive: boolean): void {
  const name = own(displayOf(t).name);
  void act(() => api('PATCH', pathOf(t), { is_active: isActive }),
    isActive ? `${name} is switched on: operations may be started on it` : `${name} is switched off: no operation starts on it, and its terminals end`, () => setActive(t, !isActive));
}

/** Exactly the one that was looked at. */
export async function trust(t: Target, fingerprint: string): Promise<void> {
  await api('PATCH', pathOf(t), { host_key: fingerprint });
}

export function actsOf(t: Target): (RowAct | false)[] {
  const mayAct = may('operate');
  const isOn = t.is_active !== false;
  const mayBegin = whyNot(t) === null;
  const hasQuestion = ['seen', 'changed'].includes(keyStateOf(t));
  const service = serviceOf(t);
  return [
    mayBegin && { label: t.platform === 'custom' ? 'Restart …' : `Restart ${service || 'a service'} …`, icon: 'rotate-cw', run: () => (sheet.value = { ask: t, type: 'service_restart' }) },
    ...targetActs(t),
    { label: 'Details', icon: 'chart', run: () => go(targetHref(t)) },
    mayBegin && { label: hasQuestion ? 'Test, and look at its host key' : 'Test', icon: 'activity', run: () => (open.value = { kind: 'test', id: t.id }) },
    whyNoTerminal(t) === null && { label: 'Terminal', icon: 'terminal', run: () => void window.open(terminalHref(t), '_blank', 'noopener') },
    mayAct && { label: 'Edit', icon: 'pencil', run: () => (open.value = { kind: 'edit', id: t.id }) },
    mayAct && (isOn ? { label: 'Switch off', icon: 'pause', run: () => setActive(t, false) } : { label: 'Switch on', icon: 'play', run: () => setActive(t, true) }),
    may('admin') && Boolean(t.host_key) && { label: 'Forget its host key', icon: 'key-round', run: () => (open.value = { kind: 'forget', id: t.id }) },
    may('admin') && { label: 'Delete', icon: 'trash-2', run: () => (open.value = { kind: 'delete', id: t.id }) },
  ];
}

export function menuOf(t: Target): RowMenu {
  return { title: displayOf(t).name, record: t, path: href('api/v1/targets'), acts: actsOf(t) };
}
