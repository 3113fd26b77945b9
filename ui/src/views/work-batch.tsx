// work-batch: one deed on many targets: how far all of it is, which failed and why, and each of its operations.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { sheet, watch } from '../state/deeds';
import { cancel, isActive, mayCancel, operations, operationsTopic, phaseOf, tookOf, type Operation } from '../state/operations';
import { own } from '../state/own';
import { act, copy } from '../state/store';
import { targetOf } from '../state/targets';
import { Icon } from '../parts/icon';
import { Failure, said, Skeleton } from '../parts/panel';
import { NEEDS_MANAGER } from './infra-server-acts';
import { detailsOf } from './work-operation';
import type { OperationsPage } from './work-history';
import { At, Away, Bar, By, OperationStatus } from './work-parts';

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
      {isOn && <Away>What was begun goes on by itself, and the rest begins when Binnacle is back.</Away>}
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

/** All of it in one list, those that failed first. What the topic told last replaces what was asked for, also when it is out of its sight again. */
function Children({ of }: { of: Operation }) {
  const [listed, setListed] = useState<Operation[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const told = useRef(new Map<string, Operation>()).current;
  const isOn = isActive(of);
  const isLive = operationsTopic.phase.value === 'live';
  const load = async (): Promise<void> => {
    try {
      const all: Operation[] = [];
      for (let page = 1, pages = 1; page <= Math.min(pages, PAGE_MAX); page++) {
        const got = await api<OperationsPage>('GET', `api/v1/operations?${new URLSearchParams({ parent_id: of.id, page: String(page) })}`);
        pages = got.pages;
        all.push(...got.operations);
      }
      for (const op of all) if (!isActive(op)) told.delete(op.id); // its end is known: nothing comes after it
      setListed(all);
      setError(null);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
  };
  useEffect(() => {
    if (isLive || !listed) void load(); // at first, after having been away, and at its end
  }, [of.id, isOn, isLive]);
  for (const op of operations.value) if (op.parent_id === of.id) told.set(op.id, op);
  if (error && !listed) return <Failure error={error} retry={() => void load()} />;
  if (!listed && told.size === 0) return <Skeleton lines={4} label="Its operations" />;
  const rows = new Map((listed ?? []).map((op) => [op.id, op]));
  for (const [id, op] of told) rows.set(id, op);
  const sorted = [...rows.values()].sort((a, b) => rank(a) - rank(b) || (a.subject ?? '').localeCompare(b.subject ?? '', undefined, { numeric: true }));
  return (
    <ul class="batch-list" tabIndex={0} aria-label="Its operations">
      {sorted.map((op) => (
        <li key={op.id} data-operation={op.id}>
          <button type="button" class="link" onClick={() => (sheet.value = { operation: op.id })}>{own(targetOf(op.target_id ?? '')?.name ?? op.subject ?? op.id)}</button>
          <OperationStatus op={op} />
          <span class="batch-said">{op.status === 'pending' ? phaseOf(op) : isActive(op) ? `${op.progress ?? 0} %, ${phaseOf(op)}` : op.error || op.message}</span>
        </li>
      ))}
    </ul>
  );
}
