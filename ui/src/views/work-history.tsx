// work-history: operations as they were asked for, by pages, narrowed in the address; what the topic knows better replaces what was asked.

import { useLayoutEffect, useMemo } from 'preact/hooks';
import { computed } from '@preact/signals';
import { go, href, route, withQuery } from '../link/route';
import { sheet } from '../state/deeds';
import { isActive, cancel, mayCancel, operations, operationsTopic, titleOf, tookOf, type Operation } from '../state/operations';
import { fitsOf, FILTERS, searchOf } from '../state/deedfilter';
import { useAsk } from '../state/ask';
import { act } from '../state/store';
import { Answer } from '../parts/asked';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import { Empty, Panel } from '../parts/panel';
import { Table, type Column } from '../parts/table';
import { guestHref } from './infra-vm-parts';
import { adminActs, AdminDialogs, CHANGED } from './work-admin';
import { Filters } from './work-filters';
import { By, OperationStatus, targetHref } from './work-parts';

const PAGE = 50; // rows, as many as the server puts on one

const open = (id: string | null) => go(withQuery('id', id));

export interface OperationsPage {
  operations: Operation[];
  page: number;
  pages: number;
  total: number;
}

interface HistoryProps {
  title: string;
  fixed?: Record<string, string>;         // always asked for
  guest?: string;                         // the id of the guest's row it is about
  target?: string;                        // the id of the target it is about
  isFiltered?: boolean;                   // narrowed in the address
}

/** Of the page of one machine: details are shown where all are, or, of a target, over the page. */
function show(op: Operation, { guest, target }: Pick<HistoryProps, 'guest' | 'target'>): void {
  if (target !== undefined) sheet.value = { operation: op.id };
  else if (guest !== undefined) go(href('operations', { id: op.id }));
  else open(op.id);
}

const columnsOf = (of: Pick<HistoryProps, 'guest' | 'target'>): Column<Operation>[] => [
  { id: 'at', head: 'When', cell: (op) => <Ago at={op.started_at} /> },
  { id: 'what', head: 'What', isWide: true, cell: (op) => <button type="button" class="link op-link" data-tip={titleOf(op)} onClick={() => show(op, of)}>{titleOf(op)}</button> },
  { id: 'status', head: 'Result', cell: (op) => <OperationStatus op={op} /> },
  { id: 'took', head: 'Took', isNumber: true, minor: 2, cell: (op) => tookOf(op) ? <span class="num" data-tip="from the request to its real end">{tookOf(op)}</span> : <span class="dim" data-tip="not over">–</span> },
  { id: 'by', head: 'Who', minor: 2, cell: (op) => <By op={op} /> },
  { id: 'said', head: 'Said', minor: 1, isWide: true, cell: (op) => <span class="cell-command" data-tip={op.error || op.message || undefined}>{op.error || op.message}</span> },
];

/** Newest first; what the topic knows better replaces what was asked for. */
export function History({ title, fixed = {}, guest, target, isFiltered }: HistoryProps) {
  const query = route.value.query;
  const wanted = searchOf(isFiltered ? query : new URLSearchParams(), fixed, useMemo(() => Date.now(), [query.get('since')]));
  const asked = useAsk<OperationsPage>(`api/v1/operations?${wanted}`);
  const columns = useMemo(() => columnsOf({ guest, target }), [guest, target]);
  const isFirstPage = !wanted.has('page') || wanted.get('page') === '1';
  const fits = useMemo(() => fitsOf(wanted), [wanted.toString()]);
  const held = useMemo(() => computed(() => {
    const listed = asked.value.value?.operations ?? [];
    const known = new Map(operations.value.map((op) => [op.id, op]));
    const ids = new Set(listed.map((op) => op.id));
    const fresh = isFirstPage && asked.value.value ? operations.value.filter((op) => !ids.has(op.id) && fits(op)
      && (listed.length === 0 || (op.started_at ?? '') >= (listed[0]!.started_at ?? ''))) : [];
    const rows = [...fresh, ...listed.map((op) => known.get(op.id) ?? op)];
    const total = (asked.value.value?.total ?? 0) + fresh.length;
    // What is pushed off the page is the next one's.
    return { rows: rows.slice(0, PAGE), total, pages: Math.max(asked.value.value?.pages ?? 1, Math.ceil(total / PAGE)) };
  }), [asked, fits, isFirstPage, guest]);
  const { rows, total, pages } = held.value;
  const isNarrowed = isFiltered && FILTERS.some((name) => name !== 'page' && query.get(name));
  const turn = (page: number) => go(withQuery('page', page <= 1 ? null : String(page)));
  // What somebody deletes or cleans up is gone here too.
  const again = asked.again;
  useLayoutEffect(() => {
    const listen = () => void again();
    window.addEventListener(CHANGED, listen);
    return () => window.removeEventListener(CHANGED, listen);
  }, [again]);
  return (
    <Panel title={title} icon="list" topic={operationsTopic} aside={isFiltered && <Filters query={query} wanted={wanted} total={total} />}>
      <Answer of={asked} lines={6}>
        {(answer) => rows.length === 0 ? (
          isNarrowed ? <Empty icon="search" title="No operation matches"><div><button type="button" class="button" onClick={() => go(href('operations'), 'replace')}>Clear filters</button></div></Empty>
            : <Empty icon="list" title="Nothing was done yet">{lessonOf(guest, target)}</Empty>
        ) : (
          <>
            <Table label={title} columns={columns} rows={rows} keyOf={(op) => op.id}
              menu={(op) => ({
                title: titleOf(op), record: op, path: href(`api/v1/operations/${op.id}`),
                acts: [
                  { label: 'Show details', icon: 'info', run: () => show(op, { ...(guest === undefined ? {} : { guest }), ...(target === undefined ? {} : { target }) }) },
                  !guest && op.vmid != null && op.server_id ? { label: 'Show the machine', icon: 'boxes' as const, run: () => go(guestHref(`${op.server_id}/${op.vmid}`)) } : false,
                  !target && op.target_id ? { label: 'Show the target', icon: 'terminal' as const, run: () => go(targetHref(op.target_id!)) } : false,
                  isActive(op) && mayCancel(op) ? { label: 'Cancel', icon: 'x' as const, run: () => void act(() => cancel(op), 'Asked to cancel it') } : false,
                  ...adminActs(op),
                ],
              })} />
            {pages > 1 && !isFiltered && <p class="table-foot"><a href={href('operations', fixed)}>All {total} of this machine</a></p>}
            {pages > 1 && isFiltered && (
              <nav class="table-foot" aria-label="Pages of the history">
                <button type="button" class="button small" disabled={answer.page <= 1} onClick={() => turn(answer.page - 1)}>Newer</button>
                <span class="dim num" data-tip={`${total} operations`}>page {answer.page} of {pages}</span>
                <button type="button" class="button small" disabled={answer.page >= pages} onClick={() => turn(answer.page + 1)}>Older <Icon name="chevron-right" size={14} /></button>
              </nav>
            )}
          </>
        )}
      </Answer>
      <AdminDialogs />
    </Panel>
  );
}

function lessonOf(guest: string | undefined, target: string | undefined): string {
  if (guest) return 'Starts, stops and the like of this machine are kept here with their result and their log.';
  if (target) return 'What is done on it over SSH is kept here for 90 days with who began it, how it ended and what it wrote.';
  return 'Starts and stops of machines, restarts of services and checks of servers are kept here with who began them, how they ended and their log.';
}
