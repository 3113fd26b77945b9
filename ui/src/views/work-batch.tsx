// work-batch: one deed on many targets: how far all of it is, which failed and why, and each of its operations.

import { useEffect, useMemo } from 'preact/hooks';
import { computed } from '@preact/signals';
import { sheet, watch } from '../state/deeds';
import { useAsk } from '../state/ask';
import { cancel, isActive, mayCancel, operations, phaseOf, tookOf, type Operation } from '../state/operations';
import { own } from '../state/own';
import { act, copy } from '../state/store';
import { targetOf } from '../state/targets';
import { Answer } from '../parts/asked';
import { Icon } from '../parts/icon';
import { said } from '../parts/panel';
import { NEEDS_MANAGER } from './infra-server-acts';
import { detailsOf } from './work-operation';
import type { OperationsPage } from './work-history';
import { At, Bar, By, OperationStatus } from './work-parts';

const PAGE_MAX = 4; // of fifty: more than a batch may have

export function BatchDetail({ op }: { op: Operation }) {
  const isOn = isActive(op);
  useEffect(() => watch(op.id), [op.id]);
  const done = op.children_done ?? 0;
  const facts = [
    `${done} of ${op.children ?? '?'} done`, op.children_failed ? `${op.children_failed} failed` : '',
    op.children_refused ? `${op.children_refused} could not begin` : '', op.concurrency ? `${op.concurrency} at once` : '',
  ].filter(Boolean);
  return (
    <div class="op-detail deed">
      <div class="deed-where">
        <p class="deed-phase" role="status"><OperationStatus op={op} /><strong class="num">{isOn ? `${op.progress ?? 0} %` : ''}</strong><span>{tookOf(op) ? `after ${tookOf(op)}` : ''}</span></p>
        {isOn && <Bar op={op} />}
        <p class="batch-sum">{facts.map((f) => <span key={f}>{f}</span>)}</p>
      </div>
      {!isOn && op.error && <div class="deed-end is-bad"><Icon name="circle-alert" size={18} /><div><p>{said(op.error)}</p></div></div>}
      <dl class="pairs deed-pairs">
        <dt>Started by</dt><dd><By op={op} />, <At at={op.started_at} /></dd>
        <dt>Operation</dt><dd class="deed-id"><code>{op.id}</code></dd>
      </dl>
      <Children of={op} />
      {isOn && <p class="dim deed-means">Cancelled now, those that have not begun never will; on the others the target finishes what it began.</p>}
      <div class="dialog-foot deed-foot">
        <button type="button" class="button quiet" onClick={() => void copy(detailsOf(op), 'Details')}><Icon name="copy" size={14} /> Copy details</button>
        {isOn && <button type="button" class="button" disabled={!mayCancel(op)} data-tip={mayCancel(op) ? undefined : NEEDS_MANAGER} onClick={() => void act(() => cancel(op), 'Asked to cancel it')}>Cancel all</button>}
      </div>
    </div>
  );
}

const rank = (op: Operation): number => ({ failed: 0, in_progress: 1, pending: 2, cancelled: 3, completed: 4 }[op.status ?? 'pending'] ?? 5);

function Children({ of }: { of: Operation }) {
  const pages = Math.min(PAGE_MAX, Math.max(1, Math.ceil((of.children ?? 50) / 50)));
  return <>{Array.from({ length: pages }, (_, i) => <ChildrenPage key={i} of={of} page={i + 1} isLast={i === pages - 1} />)}</>;
}

/** Those that failed first. What the topic knows better replaces what was asked for. */
function ChildrenPage({ of, page, isLast }: { of: Operation; page: number; isLast: boolean }) {
  const asked = useAsk<OperationsPage>(`api/v1/operations?${new URLSearchParams({ parent_id: of.id, page: String(page) })}`);
  const rows = useMemo(() => computed(() => {
    const known = new Map(operations.value.map((op) => [op.id, op]));
    const listed = (asked.value.value?.operations ?? []).map((op) => known.get(op.id) ?? op);
    const ids = new Set(listed.map((op) => op.id));
    const fresh = isLast && page === 1 ? operations.value.filter((op) => op.parent_id === of.id && !ids.has(op.id)) : [];
    return [...listed, ...fresh].sort((a, b) => rank(a) - rank(b) || (a.subject ?? '').localeCompare(b.subject ?? '', undefined, { numeric: true }));
  }), [asked, of.id, isLast]);
  return (
    <Answer of={asked} lines={4}>
      {() => (
        <ul class="batch-list" tabIndex={0} aria-label="Its operations">
          {rows.value.map((op) => (
            <li key={op.id} data-operation={op.id}>
              <button type="button" class="link" onClick={() => (sheet.value = { operation: op.id })}>{own(targetOf(op.target_id ?? '')?.name ?? op.subject ?? op.id)}</button>
              <OperationStatus op={op} />
              <span class="batch-said">{op.status === 'pending' ? phaseOf(op) : isActive(op) ? `${op.progress ?? 0} %, ${phaseOf(op)}` : op.error || op.message}</span>
            </li>
          ))}
        </ul>
      )}
    </Answer>
  );
}
