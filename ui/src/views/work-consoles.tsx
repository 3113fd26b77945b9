// work-consoles: consoles that are open, with a way to end them, and those that were; one's own for who is no administrator.

import { computed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { go, href, route, withQuery } from '../link/route';
import { useAsk } from '../state/ask';
import { consolesOf, endConsole, isOpen, lastedOf, useConsoles, type ConsolePage, type ConsoleRow } from '../state/consoles';
import { bytes, line } from '../state/format';
import { own, ownSubject } from '../state/own';
import { act, may, who } from '../state/store';
import { Answer } from '../parts/asked';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Ago, Since } from '../parts/num';
import { Empty, Panel, Skeleton, Stale } from '../parts/panel';
import { Table, type Column } from '../parts/table';
import { guestHref } from './infra-vm-parts';

const kinds: Record<string, string> = { vnc: 'screen', terminal: 'terminal' };
const guestOf = (c: ConsoleRow) => (c.server_id && c.vmid !== undefined ? `${c.server_id}/${c.vmid}` : null);
const titleOf = (c: ConsoleRow) => ownSubject(c.subject ?? '') || `VM ${c.vmid}`;

function Guest({ of }: { of: ConsoleRow }) {
  const id = guestOf(of);
  return id ? <a class="vm-name" href={guestHref(id)} data-tip={titleOf(of)}>{titleOf(of)}</a> : <>{titleOf(of)}</>;
}

const common: Column<ConsoleRow>[] = [
  { id: 'at', head: 'Opened', cell: (c) => <Ago at={c.started_at ?? null} /> },
  { id: 'who', head: 'Who', cell: (c) => <span class="vm-cut">{own(c.user_name || 'a key')}</span> },
  { id: 'what', head: 'Machine', isWide: true, cell: (c) => <Guest of={c} /> },
  { id: 'kind', head: 'What', minor: 2, cell: (c) => <span class="dim">{kinds[c.kind ?? ''] ?? '–'}</span> },
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
        <p>{isMine ? 'It is yours' : <><strong>{own(of.user_name || 'A key')}</strong> has it open</>}{of.address ? ` from ${of.address}` : ''}. It closes at once and says who ended it; what runs in the machine goes on.</p>
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

function Past() {
  const topic = useConsoles();
  const query = route.value.query;
  const page = query.get('page') ?? '1';
  const asked = useAsk<ConsolePage>(`api/v1/consoles?page=${encodeURIComponent(page)}`);
  // Each end is a line more.
  const ended = useMemo(() => computed(() => consolesOf(topic.value.value).filter((c) => !isOpen(c)).length), [topic]);
  const n = ended.value;
  useEffect(() => {
    if (n > 0) void asked.again();
  }, [n]);
  const turn = (to: number) => go(withQuery('page', to <= 1 ? null : String(to)));
  const columns: Column<ConsoleRow>[] = [...common, {
    id: 'why', head: 'How it ended', minor: 1, isWide: true, cell: (c) => (isOpen(c) ? <span class="badge quiet">open</span> : <span class="cell-command" data-tip={c.reason || undefined}>{c.reason || '–'}</span>),
  }];
  return (
    <Panel title="Of the last 90 days" icon="list" aside={<Stale topic={topic} />}>
      <Answer of={asked} lines={5}>
        {(answer) => answer.consoles.length === 0 ? <Empty icon="list" title="No console was opened yet">Who looked at which machine, from where and for how long is kept here. What was typed is not.</Empty> : (
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
