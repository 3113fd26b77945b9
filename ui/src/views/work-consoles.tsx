// work-consoles: consoles that are open, with a way to end them, and those that were; one's own for who is no administrator.

import { computed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { go, href, route, withQuery } from '../link/route';
import { useAsk } from '../state/ask';
import { consolesOf, endConsole, isOfTarget, isOpen, isShell, kindOf, lastedOf, useConsoles, type ConsolePage, type ConsoleRow } from '../state/consoles';
import { servers } from '../state/fleet';
import { bytes, line } from '../state/format';
import { own, ownSubject } from '../state/own';
import { act, may, who } from '../state/store';
import { Answer } from '../parts/asked';
import { Dialog } from '../parts/dialog';
import { Select } from '../parts/form';
import { Icon } from '../parts/icon';
import { Ago, Since } from '../parts/num';
import { Empty, Panel, Skeleton, Stale } from '../parts/panel';
import { Table, type Column } from '../parts/table';
import { guestHref } from './infra-vm-parts';

const titleOf = (c: ConsoleRow) => ownSubject(c.subject ?? '') || (isShell(c) ? `Node ${c.node ?? '?'}` : `VM ${c.vmid}`);

/** The guest it is of, the server of the node, or the target. */
function Guest({ of }: { of: ConsoleRow }) {
  if (isOfTarget(of)) return <a class="vm-name" href={href(`targets/${encodeURIComponent(of.target_id!)}`)} data-tip={titleOf(of)}>{titleOf(of)}</a>;
  if (!of.server_id) return <>{titleOf(of)}</>;
  return <a class="vm-name" href={isShell(of) ? href(`servers/${encodeURIComponent(of.server_id)}`) : guestHref(`${of.server_id}/${of.vmid}`)} data-tip={titleOf(of)}>{titleOf(of)}</a>;
}

const LOOK = 'Nothing was sent to it: looked at only';

const common: Column<ConsoleRow>[] = [
  { id: 'at', head: 'Opened', cell: (c) => <Ago at={c.started_at ?? null} /> },
  { id: 'who', head: 'Who', cell: (c) => <span class="vm-cut">{own(c.user_name || 'a key')}</span> },
  { id: 'what', head: 'Of what', isWide: true, cell: (c) => <span class="consoles-what"><Guest of={c} />{c.view_only && <span class="badge quiet" data-tip={LOOK}><Icon name="eye" size={11} /> look only</span>}</span> },
  { id: 'kind', head: 'What', minor: 2, cell: (c) => <span class="dim">{kindOf(c) ?? '–'}</span> },
  { id: 'from', head: 'From', minor: 2, cell: (c) => <code>{c.address || '–'}</code> },
  { id: 'lasted', head: 'For', isNumber: true, cell: (c) => (isOpen(c) ? <Since at={c.started_at} /> : <span class="num">{lastedOf(c) ?? '–'}</span>) },
  { id: 'bytes', head: 'Bytes', isNumber: true, minor: 1, cell: (c) => (isOpen(c) ? <span class="dim" data-tip="known when it is over">–</span>
    : <span class="num" data-tip={`${line(bytes(c.bytes_in))} typed and moved, ${line(bytes(c.bytes_out))} shown`}>{line(bytes((c.bytes_in ?? 0) + (c.bytes_out ?? 0)))}</span>) },
];

export function ConsolesPage() {
  return (
    <div class="page consoles">
      <div class="page-head">
        <div>
          <p class="dim"><a href={href('operations')}>Operations</a></p>
          <h1>Consoles</h1>
        </div>
      </div>
      <Open />
      <Past />
    </div>
  );
}

const AGAIN_MS = 5000;

/** Those of everybody by the topic; one's own are asked for. */
function Open() {
  const isAdmin = may('admin');
  const topic = useConsoles();
  const asked = useAsk<ConsolePage>('api/v1/consoles?open=1');
  const ending = useSignal<ConsoleRow | null>(null);
  useEffect(() => {
    if (isAdmin) return;
    const timer = window.setInterval(() => document.visibilityState === 'visible' && void asked.again(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [isAdmin, asked]);
  const rows = (isAdmin ? consolesOf(topic.value.value) : (asked.value.value?.consoles ?? [])).filter(isOpen);
  const isLoading = isAdmin ? topic.phase.value === 'loading' : asked.value.value === undefined && !asked.error.value;
  const columns: Column<ConsoleRow>[] = [...common.filter((c) => c.id !== 'bytes'), {
    id: 'end', head: 'End', isSilent: true, cell: (c) => <button type="button" class="button small danger" aria-label={`End the console of ${titleOf(c)}, ${c.user_name ?? 'a key'}`} onClick={() => (ending.value = c)}>End</button>,
  }];
  return (
    <Panel title={isAdmin ? 'Open now' : 'Yours, open now'} icon="terminal" topic={isAdmin ? topic : null}>
      {isLoading ? <Skeleton lines={2} label="Open consoles" /> : rows.length === 0 ? (
        <Empty icon="terminal" title="No console is open">The screen of a running machine is opened from its row or its page. Who looks at what is listed here while it lasts.</Empty>
      ) : <Table label="Open consoles" columns={columns} rows={rows} keyOf={(c) => c.id} />}
      {ending.value && <EndQuestion of={ending.value} onClose={() => (ending.value = null)} onEnded={() => void asked.again()} />}
    </Panel>
  );
}

function EndQuestion({ of, onClose, onEnded }: { of: ConsoleRow; onClose: () => void; onEnded: () => void }) {
  const isMine = of.user_id === who.value?.user?.id;
  return (
    <Dialog title={`End the console of ${titleOf(of)}?`} class="narrow" onClose={onClose}>
      <div class="vm-question">
        <p>{isMine ? 'It is yours' : <><strong>{own(of.user_name || 'A key')}</strong> has it open</>}{of.address ? ` from ${of.address}` : ''}. It closes at once and says who ended it; {isShell(of) ? 'what runs in that shell ends with it' : 'what runs in the machine goes on'}.</p>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="button" class="button danger primary" onClick={() => {
            onClose();
            void act(() => endConsole(of.id), 'The console was ended').then(onEnded);
          }}>End it</button>
        </div>
      </div>
    </Dialog>
  );
}

/** Of one server or person. */
function Filters({ of: { server, user } }: { of: { server: string; user: string } }) {
  const people = useAsk<{ users: { id: string; name: string }[] }>('api/v1/users');
  const set = (name: string, value: string) => go(withoutPage(withQuery(name, value || null)), 'replace');
  const some = <T extends { id: string; name?: string }>(all: readonly T[] | undefined) => (all ?? []).map((x) => ({ id: x.id, label: own(x.name ?? x.id) }));
  return (
    <>
      <Select label="Of which server" value={server} options={[{ id: '', label: 'All servers' }, ...some(servers.value)]} onChange={(v) => set('server', v)} />
      <Select label="Of whom" value={user} options={[{ id: '', label: 'Everybody' }, ...some(people.value.value?.users)]} onChange={(v) => set('user', v)} />
    </>
  );
}

/** Another choice begins at its first page. */
function withoutPage(address: string): string {
  const url = new URL(address, location.href);
  url.searchParams.delete('page');
  return url.pathname + url.search;
}

function Past() {
  const topic = useConsoles();
  const { query } = route.value;
  const [page, server, user] = [query.get('page') ?? '1', query.get('server') ?? '', query.get('user') ?? ''];
  const asked = useAsk<ConsolePage>(`api/v1/consoles?${new URLSearchParams({ page, ...(server ? { server_id: server } : {}), ...(user ? { user_id: user } : {}) })}`);
  // Each beginning is a line more, and each end changes one.
  const changes = useMemo(() => computed(() => consolesOf(topic.value.value).map((c) => (isOpen(c) ? 1 : 2)).reduce((a, b) => a + b, 0)), [topic]);
  const n = changes.value;
  useEffect(() => {
    if (n > 0) void asked.again();
  }, [n]);
  const turn = (to: number) => go(withQuery('page', to <= 1 ? null : String(to)));
  const columns: Column<ConsoleRow>[] = [...common, {
    id: 'why', head: 'How it ended', minor: 1, isWide: true, cell: (c) => (isOpen(c) ? <span class="badge quiet">open</span> : <span class="cell-command" data-tip={c.reason || undefined}>{c.reason || '–'}</span>),
  }];
  return (
    <Panel title="Of the last 90 days" icon="list" class="consoles-past" aside={<>{may('admin') && <Filters of={{ server, user }} />}<Stale topic={topic} /></>}>
      <Answer of={asked} lines={5}>
        {(answer) => answer.consoles.length === 0 ? server || user || page !== '1' ? (
          <Empty icon="list" title="None of these"><p>No console of the last 90 days fits what was chosen.</p><div><a class="button" href={href('operations/consoles')}>Show all</a></div></Empty>
        ) : <Empty icon="list" title="No console was opened yet">Who looked at which machine, from where and for how long is kept here. What was typed is not.</Empty> : (
          <>
            <Table label="Consoles of the last 90 days" columns={columns} rows={answer.consoles} keyOf={(c) => c.id} />
            {answer.pages > 1 && (
              <nav class="table-foot" aria-label="Pages of the history">
                <button type="button" class="button small" disabled={answer.page <= 1} onClick={() => turn(answer.page - 1)}>Newer</button>
                <span class="dim num" data-tip={`${answer.total} consoles`}>page {answer.page} of {answer.pages}</span>
                <button type="button" class="button small" disabled={answer.page >= answer.pages} onClick={() => turn(answer.page + 1)}>Older <Icon name="chevron-right" size={14} /></button>
              </nav>
            )}
          </>
        )}
      </Answer>
    </Panel>
  );
}
