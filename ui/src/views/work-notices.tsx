// work-notices: the last operations that nobody began, until they are dismissed.

import { useMemo } from 'preact/hooks';
import { computed } from '@preact/signals';
import { go, withQuery } from '../link/route';
import { useAsk } from '../state/ask';
import { dismiss, dismissed, noticesOf } from '../state/notices';
import { isActive, operations, phaseOf, resultOf, titleOf, type Operation } from '../state/operations';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import type { OperationsPage } from './work-history';

const signOf = (op: Operation): [string, string, string] =>
  isActive(op) ? ['is-busy', '', 'in progress'] : op.status === 'completed' ? ['is-good', '✓', 'success'] : op.status === 'failed' ? ['is-bad', '✖', 'failed'] : ['', '–', op.status ?? 'unknown'];

export function Notices() {
  const asked = useAsk<OperationsPage>('api/v1/operations?created_by_kind=nobody');
  const list = useMemo(() => computed(() => noticesOf(operations.value, asked.value.value?.operations ?? [], dismissed.value)), [asked]).value;
  if (list.length === 0) return null;
  return (
    <section class="panel notices" aria-label="Automatic activity">
      <header class="panel-head">
        <h2><Icon name="refresh-cw" /> Automatic activity</h2>
        <div class="panel-aside"><button type="button" class="button small quiet" onClick={() => dismiss(list.map((op) => op.started_at ?? '').sort().at(-1)!)}><Icon name="x" size={14} /> Dismiss</button></div>
      </header>
      <ul>
        {list.map((op) => {
          const [kind, sign, word] = signOf(op);
          return (
            <li key={op.id} class={`notice ${kind}`} data-notice={op.id}>
              <i class="notice-sign" role="img" aria-label={word}>{sign}</i>
              <button type="button" class="link" onClick={() => go(withQuery('id', op.id))}>{titleOf(op)}</button>
              <span class="notice-said dim">{isActive(op) ? phaseOf(op) : op.status === 'failed' ? op.error || resultOf(op) : op.message || resultOf(op)}</span>
              <Ago at={op.completed_at ?? op.started_at} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
