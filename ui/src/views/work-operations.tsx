// work-operations: what Binnacle does, live, and what it did.

import { useMemo } from 'preact/hooks';
import { computed } from '@preact/signals';
import { go, href, route, withQuery } from '../link/route';
import { servers } from '../state/fleet';
import { active, cancel, isActive, mayCancel, operations, operationsTopic, phaseOf, titleOf, tookOf, type Operation } from '../state/operations';
import { useAsk } from '../state/ask';
import { assignedServers, isRestricted, useAssigned } from '../state/assigned';
import { act } from '../state/store';
import { Answer } from '../parts/asked';
import { Select } from '../parts/form';
import { Icon } from '../parts/icon';
import { Ago, Since } from '../parts/num';
import { Empty, Panel, Skeleton, Stale } from '../parts/panel';
import { Table, type Column } from '../parts/table';
import { guestHref } from './infra-vm-parts';
import { OperationSheet, OperationStatus } from './work-operation';

const open = (id: string | null) => go(withQuery('id', id));

export function OperationsPage() {
  const query = route.value.query;
  const id = query.get('id');
  useAssigned();
  return (
    <div class="page operations">
      <div class="page-head"><h1>Operations <Stale topic={operationsTopic} /></h1><a class="button" href={href('operations/consoles')}><Icon name="terminal" size={14} /> Consoles</a></div>
      <Active />
      <History title="What was done" isFiltered />
      {id && <OperationSheet key={id} id={id} onClose={() => open(null)} />}
    </div>
  );
}

/** How far it is; without a figure it only moves. */
export function Bar({ op }: { op: Operation }) {
  const known = op.progress != null && op.progress > 0;
  const words = `${titleOf(op)}, ${known ? `${op.progress} %` : 'under way'}`;
  return (
    <svg class={`op-bar ${known ? '' : 'is-open'}`} viewBox="0 0 100 6" preserveAspectRatio="none" role="progressbar" aria-label={words}
      {...(known ? { 'aria-valuenow': op.progress!, 'aria-valuemin': 0, 'aria-valuemax': 100 } : {})}>
      <rect class="meter-track" width="100" height="6" />
      <rect width={known ? op.progress! : 30} height="6" />
    </svg>
  );
}

export function By({ op }: { op: Operation }) {
  const how = { key: 'by a key', schedule: 'by the schedule', auto: 'by itself' }[op.created_by_kind ?? ''];
  return <span data-tip={how}>{op.created_by?.replace(/^key:/, '') || how || 'somebody'}</span>;
}

function Active() {
  const list = active.value;
  return (
    <Panel title="Under way" icon="activity" topic={operationsTopic}>
      {operationsTopic.phase.value === 'loading' ? <Skeleton lines={2} label="Operations under way" /> : list.length === 0 ? (
        <Empty icon="circle-check" title="Nothing is under way">What you or others start on a machine is seen here while it lasts, in every tab.</Empty>
      ) : (
        <ul class="op-list">
          {list.map((op) => (
            <li key={op.id} class="op-active" data-operation={op.id}>
              <div class="op-title-box">
                <button type="button" class="link op-title" onClick={() => open(op.id)}>{titleOf(op)}</button>
                <p class="dim">{op.message || phaseOf(op)} · <By op={op} />, for <Since at={op.started_at} /></p>
              </div>
              <span class="row"><Bar op={op} /></span>
              <button type="button" class="button small" disabled={!mayCancel(op)} onClick={() => void act(() => cancel(op), 'Asked to cancel it')}>Cancel</button>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

// --- history ----------------------------------------------------------------------------------------

interface Page {
  operations: Operation[];
  page: number;
  pages: number;
  total: number;
}

interface HistoryProps {
  title: string;
  fixed?: Record<string, string>;         // always asked for
  guest?: string;                         // the id of the guest's row it is about
  isFiltered?: boolean;                   // status, type and server in the address
}

const columnsOf = (isOneGuest: boolean): Column<Operation>[] => [
  { id: 'at', head: 'When', cell: (op) => <Ago at={op.started_at} /> },
  { id: 'what', head: 'What', isWide: true, cell: (op) => <button type="button" class="link op-link" data-tip={titleOf(op)} onClick={() => (isOneGuest ? go(href('operations', { id: op.id })) : open(op.id))}>{titleOf(op)}</button> },
  { id: 'status', head: 'Result', cell: (op) => <OperationStatus op={op} /> },
  { id: 'took', head: 'Took', isNumber: true, minor: 2, cell: (op) => tookOf(op) ? <span class="num" data-tip="from the request to its real end">{tookOf(op)}</span> : <span class="dim" data-tip="not over">–</span> },
  { id: 'by', head: 'Who', minor: 2, cell: (op) => <By op={op} /> },
  { id: 'said', head: 'Said', minor: 1, isWide: true, cell: (op) => <span class="cell-command" data-tip={op.error || op.message || undefined}>{op.error || op.message}</span> },
];

const statusOptions = [
  { id: 'all', label: 'Every result' }, { id: 'active', label: 'Under way' }, { id: 'completed', label: 'Completed' },
  { id: 'failed', label: 'Failed' }, { id: 'cancelled', label: 'Cancelled' },
];
const typeOptions = [
  { id: 'all', label: 'Every kind' }, { id: 'vm_power', label: 'Power' }, { id: 'health_check', label: 'Checks' }, { id: 'import', label: 'Imports' },
];
const FILTERS = ['status', 'type', 'server_id', 'vmid', 'page'] as const;

const filterTo = (name: string, value: string) => {
  const query = Object.fromEntries(route.peek().query);
  delete query.page;
  delete query[name];
  if (value !== 'all') query[name] = value;
  go(href('operations', query), 'replace');
};

/** Newest first; what the topic knows better replaces what was asked for. */
export function History({ title, fixed = {}, guest, isFiltered }: HistoryProps) {
  const query = route.value.query;
  const wanted = new URLSearchParams(fixed);
  if (isFiltered) for (const name of FILTERS) if (query.get(name)) wanted.set(name, query.get(name)!);
  const asked = useAsk<Page>(`api/v1/operations?${wanted}`);
  const columns = useMemo(() => columnsOf(guest !== undefined), [guest]);
  const isFirstPage = !wanted.has('page') || wanted.get('page') === '1';
  const fits = useMemo(() => (op: Operation) =>
    (!wanted.has('status') || op.status === wanted.get('status') || (wanted.get('status') === 'active' && isActive(op))) && (!wanted.has('type') || op.type === wanted.get('type'))
    && (!wanted.has('server_id') || op.server_id === wanted.get('server_id')) && (!wanted.has('vmid') || String(op.vmid) === wanted.get('vmid')), [wanted.toString()]);
  const rows = useMemo(() => computed(() => {
    const listed = asked.value.value?.operations ?? [];
    const known = new Map(operations.value.map((op) => [op.id, op]));
    const ids = new Set(listed.map((op) => op.id));
    const fresh = isFirstPage && asked.value.value ? operations.value.filter((op) => !ids.has(op.id) && fits(op)
      && (listed.length === 0 || (op.started_at ?? '') >= (listed[0]!.started_at ?? ''))) : [];
    return [...fresh, ...listed.map((op) => known.get(op.id) ?? op)];
  }), [asked, fits, isFirstPage, guest]);
  const isNarrowed = isFiltered && FILTERS.some((name) => name !== 'page' && query.get(name));
  const turn = (page: number) => go(withQuery('page', page <= 1 ? null : String(page)));
  return (
    <Panel title={title} icon="list" topic={operationsTopic} aside={isFiltered && (
      <>
        {query.get('vmid') && <button type="button" class="button small" data-tip="Show those of every machine" onClick={() => filterTo('vmid', 'all')}>of number {query.get('vmid')} <Icon name="x" size={14} /></button>}
        <Select label="Result" value={query.get('status') ?? 'all'} options={statusOptions} onChange={(v) => filterTo('status', v)} />
        <Select label="Kind" value={query.get('type') ?? 'all'} options={typeOptions} onChange={(v) => filterTo('type', v)} />
        <Select label="Server" value={query.get('server_id') ?? 'all'} onChange={(v) => filterTo('server_id', v)}
          options={[{ id: 'all', label: 'All servers' }, ...((isRestricted() ? assignedServers.value : servers.value) ?? []).map((s) => ({ id: s.id, label: s.name ?? s.id }))]} />
      </>
    )}>
      <Answer of={asked} lines={6}>
        {(answer) => rows.value.length === 0 ? (
          isNarrowed ? <Empty icon="search" title="No operation matches"><div><button type="button" class="button" onClick={() => go(href('operations'), 'replace')}>Clear filters</button></div></Empty>
            : <Empty icon="list" title="Nothing was done yet">{guest ? 'Starts, stops and the like of this machine are kept here with their result and their log.' : 'Starts and stops of machines and checks of servers are kept here with who began them, how they ended and their log.'}</Empty>
        ) : (
          <>
            <Table label={title} columns={columns} rows={rows.value} keyOf={(op) => op.id}
              menu={(op) => ({
                title: titleOf(op), record: op, path: href(`api/v1/operations/${op.id}`),
                acts: [
                  { label: 'Show details', icon: 'info', run: () => (guest ? go(href('operations', { id: op.id })) : open(op.id)) },
                  !guest && op.vmid != null && op.server_id ? { label: 'Show the machine', icon: 'boxes' as const, run: () => go(guestHref(`${op.server_id}/${op.vmid}`)) } : false,
                  isActive(op) && mayCancel(op) ? { label: 'Cancel', icon: 'x' as const, run: () => void act(() => cancel(op), 'Asked to cancel it') } : false,
                ],
              })} />
            {answer.pages > 1 && guest && <p class="table-foot"><a href={href('operations', fixed)}>All {answer.total} of this machine</a></p>}
            {answer.pages > 1 && !guest && (
              <nav class="table-foot" aria-label="Pages of the history">
                <button type="button" class="button small" disabled={answer.page <= 1} onClick={() => turn(answer.page - 1)}>Newer</button>
                <span class="dim num" data-tip={`${answer.total} operations`}>page {answer.page} of {answer.pages}</span>
                <button type="button" class="button small" disabled={answer.page >= answer.pages} onClick={() => turn(answer.page + 1)}>Older <Icon name="chevron-right" size={14} /></button>
              </nav>
            )}
          </>
        )}
      </Answer>
    </Panel>
  );
}
