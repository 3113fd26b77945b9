// work-target: what can be done on a target from its page or its row, and what was done there.

import { useEffect, useMemo } from 'preact/hooks';
import { computed } from '@preact/signals';
import { go, route, withQuery } from '../link/route';
import { buttonOf, restartOf, serviceOf, sheet, watch } from '../state/deeds';
import { buttonWords, type ButtonState, type DeedType } from '../state/deedwords';
import { may, who } from '../state/store';
import { active, isDeed, phaseOf } from '../state/operations';
import { own } from '../state/own';
import type { Target } from '../state/targets';
import { Icon, type IconName } from '../parts/icon';
import type { RowAct } from '../parts/rowmenu';
import { NEEDS_MANAGER } from './infra-server-acts';
import { ActButton } from './infra-server-parts';
import { History } from './work-history';
import { Running } from './work-running';

const PLATFORMS = ['systemd', 'vos', 'custom'];

export const OPERATIONS_OFF = 'Operations over SSH are switched off here, by the setting "operations"';

/** Why nothing can be done on it, or null. */
export function whyNothing(target: Target): string | null {
  if (who.value?.operations === false) return OPERATIONS_OFF;
  if (target.is_active === false) return 'Switched off: no operation starts on it';
  if (!PLATFORMS.includes(target.platform ?? '')) return `Nothing can be done on the platform ${target.platform ?? 'it has'}`;
  return null;
}

const others: { type: DeedType; label: string; icon: IconName; on: string[] }[] = [
  { type: 'service_status', label: 'Status of a service …', icon: 'activity', on: ['systemd'] },
  { type: 'service_status', label: 'Status of its services …', icon: 'activity', on: ['vos'] },
  { type: 'logs', label: 'Journal of a service …', icon: 'scroll-text', on: ['systemd'] },
  { type: 'service_restart', label: 'Restart another service …', icon: 'server', on: ['systemd', 'vos'] },
];

/** For the target's menu, beside the restart of its own service. */
export function targetActs(target: Target): RowAct[] {
  if (whyNothing(target) || !may('operate')) return [];
  const acts: RowAct[] = others.filter((o) => o.on.includes(target.platform ?? '')).map((o) => ({
    label: o.label, icon: o.icon,
    run: () => (sheet.value = { ask: o.label.startsWith('Restart another') ? { ...target, service: '' } : target, type: o.type }),
  }));
  if (may('admin') && target.allows_commands && target.platform !== 'vos') acts.push({ label: 'Run a command …', icon: 'terminal', run: () => (sheet.value = { ask: target, type: 'command' }) });
  return acts;
}

/** The button's state as one value, so that it is drawn again when its own changes and for no other's sake. */
function useButton(target: Target): { state: ButtonState; id: string | null; tip: string } {
  const text = useMemo(() => computed(() => {
    const op = restartOf(target);
    return JSON.stringify({ state: buttonOf(target), id: op?.id ?? null, tip: op ? `${phaseOf(op)}, ${op.progress ?? 0} %, begun by ${op.created_by ?? 'somebody'}` : 'It was asked for; the first word of it is awaited' });
  }), [target.id, target.platform, target.service]);
  return JSON.parse(text.value) as { state: ButtonState; id: string | null; tip: string };
}

function RestartButton({ target, state, tip, isSmall }: { target: Target; state: ButtonState; tip: string; isSmall?: boolean | undefined }) {
  const name = own(target.name ?? '');
  const service = serviceOf(target);
  const off = may('operate') ? null : NEEDS_MANAGER;
  const small = isSmall ? 'small' : '';
  switch (state.is) {
    case 'idle': return (
      <ActButton class={`restart ${small}`} off={off} label={`Restart Service${service ? ` ${service}` : ''} on ${name}`} onClick={() => (sheet.value = { ask: target, type: 'service_restart' })}>
        <Icon name="server" size={14} /> {buttonWords(state)}
      </ActButton>
    );
    case 'completed': return (
      <button type="button" class={`button restart is-done ${small}`} disabled data-tip={`${service || 'It'} on ${name} was restarted`}><Icon name="check" size={14} /> {buttonWords(state)}</button>
    );
    default: return (
      <button type="button" class={`button restart is-busy ${small}`} disabled data-tip={tip}><i class="spinner" aria-hidden="true" /> {buttonWords(state)}</button>
    );
  }
}

/** The restart, as it goes on for everybody; the rest is in the target's menu. */
export function TargetActs({ target, isSmall }: { target: Target; isSmall?: boolean }) {
  const { state, id, tip } = useButton(target);
  const why = whyNothing(target);
  useEffect(() => watch(target.id), [target.id]);
  useWish(target, isSmall || why !== null);
  if (why && !id) return isSmall ? <></> : <span class="dim target-why">{why}.</span>;
  return (
    <span class="deed-acts">
      <span role="status" class="visually-hidden">{state.is === 'idle' ? '' : buttonWords(state)}</span>
      <RestartButton target={target} state={state} tip={tip} isSmall={isSmall} />
      {id && <button type="button" class={`button quiet ${isSmall ? 'small icon-only' : ''}`} aria-label={`Watch the restart of ${own(target.name ?? '')}`} data-tip="Watch it" onClick={() => (sheet.value = { operation: id })}><Icon name="eye" size={14} />{!isSmall && ' Watch'}</button>}
      {!isSmall && !may('operate') && <span class="dim target-why">{NEEDS_MANAGER}.</span>}
    </span>
  );
}

/** The address of the page may ask for the question, as the palette does: "targets/ID?act=restart". */
function useWish(target: Target, isNone: boolean): void {
  const wish = isNone ? null : route.value.query.get('act');
  useEffect(() => {
    if (wish !== 'restart') return;
    go(withQuery('act', null), 'replace');
    if (may('operate')) sheet.value = { ask: target, type: 'service_restart' };
  }, [wish]);
}

/** What goes on there now, and what was done. */
export function TargetOperations({ target }: { target: Target }) {
  const list = useMemo(() => computed(() => active.value.filter((op) => isDeed(op) && op.target_id === target.id)), [target.id]);
  useEffect(() => watch(target.id), [target.id]);
  return (
    <>
      {list.value.length > 0 && <Running list={list.value} title="Under way on it" onOpen={(id) => (sheet.value = { operation: id })} />}
      <History title="What was done with it" fixed={{ target_id: target.id }} target={target.id} />
    </>
  );
}
