// audit: who did what, newest first; new entries arrive by themselves.

import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { topics } from '../link/live';
import { href } from '../link/route';
import type { Audit } from '../model.gen';
import { act, may } from '../state/store';
import { Ago } from '../parts/num';
import { Empty, Failure, Forbidden, Panel, Skeleton, Stale } from '../parts/panel';
import { Table, type Column } from '../parts/table';

type Row = Audit & { id: string };

const columns: Column<Row>[] = [
  { id: 'at', head: 'When', cell: (a) => <Ago at={a.at} /> },
  { id: 'actor', head: 'Who', cell: (a) => <span class="cell-name">{a.actor ?? '–'}</span> },
  { id: 'action', head: 'Did', cell: (a) => <span class="mono">{a.action}</span> },
  { id: 'ok', head: 'Result', cell: (a) => a.ok === false ? <span class="badge crit">refused</span> : <span class="state ok">✓ done</span> },
  { id: 'object', head: 'To', cell: (a) => <span class="cell-name plain" data-tip={a.object}>{a.object || <span class="dim" data-tip="nothing in particular">–</span>}</span> },
  { id: 'address', head: 'From', minor: 2, cell: (a) => <span class="mono">{a.address || <span class="dim" data-tip="not over the network">–</span>}</span> },
  { id: 'detail', head: 'Detail', minor: 1, isWide: true, cell: (a) => <span class="cell-command" data-tip={a.detail}>{a.detail}</span> },
];

export function AuditPage() {
  if (!may('admin')) return <div class="page"><section class="panel"><Forbidden what="The audit" role="admin" isPage /></section></div>;
  return <AuditList />;
}

const PAGE = 50;

function AuditList() {
  const rows = useMemo(() => signal<Row[] | null>(null), []);
  const [error, setError] = useState<ApiError | null>(null);
  const [isEnd, setEnd] = useState(false);
  const topic = useMemo(() => topics.join('people.audit', PAGE), []);
  useLayoutEffect(() => () => topics.leave(topic), [topic]);

  async function more(): Promise<void> {
    const have = rows.peek() ?? [];
    const before = have.at(-1)?.id;
    const query = new URLSearchParams({ limit: String(PAGE), ...(before ? { before } : {}) });
    const { audit } = await api<{ audit: Row[] }>('GET', `api/v1/audit?${query}`);
    rows.value = [...have, ...audit];
    setEnd(audit.length < PAGE);
  }

  function first(): void {
    setError(null);
    more().catch((cause: unknown) => {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    });
  }
  useEffect(first, []);

  const listed = rows.value ?? [];
  const known = new Set(listed.map((r) => r.id));
  const fresh = rows.value === null ? [] : topic.events.value
    .flatMap((e) => (e.data && typeof e.data.id === 'string' && !known.has(e.data.id) ? [e.data as unknown as Row] : [])).reverse();
  const newest = listed[0]?.at ?? '';
  const all = [...fresh.filter((r) => (r.at ?? '') >= newest), ...listed];
  return (
    <div class="page">
      <div class="page-head"><h1>Audit <Stale topic={topic} /></h1></div>
      <Panel title="Who did what" icon="scroll-text">
        {error && <div class="panel-body"><Failure error={error} retry={first} /></div>}
        {rows.value === null ? !error && <Skeleton lines={8} /> : all.length === 0 ? <Empty title="Nothing has been done yet" /> : (
          <>
            <Table label="Audit" columns={columns} rows={all} keyOf={(a) => a.id}
              menu={(a) => ({ title: `${a.actor ?? 'somebody'} ${a.action}`, record: a, path: href('api/v1/audit', { limit: String(PAGE) }) })} />
            <div class="table-foot">
              <span class="dim num">{all.length} entries</span>
              {!isEnd && <button type="button" class="link" onClick={() => void act(more)}>Show older</button>}
            </div>
          </>
        )}
      </Panel>
    </div>
  );
}
