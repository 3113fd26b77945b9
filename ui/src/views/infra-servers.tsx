// infra-servers: the registry of Proxmox VE servers: the list, its filters, and what is done with all.

import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../link/api';
import { go, href, route, withQuery } from '../link/route';
import { useAsk } from '../state/ask';
import { serversTopic, servers, nodesDown, type ServerRow } from '../state/fleet';
import { matches, settledOf, STATES, type ServerState } from '../state/servers';
import { cancel } from '../state/operations';
import { act, may, toast, who } from '../state/store';
import { Choice } from '../parts/form';
import { Icon } from '../parts/icon';
import { Empty, Forbidden, Skeleton, Stale } from '../parts/panel';
import { Table } from '../parts/table';
import { checkAll, fullRun, NEEDS_MANAGER, open, run, useFreshOnReturn, whyNoMore } from './infra-server-acts';
import { columns, menuOf, ServerCard } from './infra-server-card';
import { ServerDialogs } from './infra-server-dialogs';
import { ActButton, StateSign } from './infra-server-parts';

export function ServersPage() {
  useFreshOnReturn();
  const wantsAdd = route.value.query.get('add') !== null;
  useEffect(() => {
    if (!wantsAdd) return;
    const why = whyNoMore.peek();
    if (why) toast('info', `${why}.`);
    else open.value = { kind: 'add' };
    go(withQuery('add', null), 'replace');
  }, [wantsAdd]);
  if (serversTopic.phase.value === 'refused') {
    return <div class="page"><section class="panel"><Forbidden what="Seeing servers" role="viewer" isPage /></section></div>;
  }
  const list = servers.value;
  return (
    <div class="page servers">
      <div class="page-head">
        <div>
          <h1>Proxmox servers <Stale topic={serversTopic} /></h1>
          <LiveNote />
        </div>
        {list !== undefined && <Acts list={list} />}
      </div>
      {list === undefined ? <Waiting /> : list.length === 0 ? <None /> : <List list={list} />}
      <ServerDialogs />
    </div>
  );
}

/** F6: of the data itself, not of the socket. */
function LiveNote() {
  const isLive = serversTopic.phase.value === 'live';
  return (
    <p class={`live-note ${isLive ? 'is-live' : ''}`}>
      <Icon name={isLive ? 'activity' : 'wifi-off'} size={14} /> {isLive ? 'Live updates active' : 'Connecting…'}
    </p>
  );
}

function Waiting() {
  return (
    <div class="server-cards" role="status" aria-label="Servers are being fetched">
      {[0, 1, 2].map((i) => <section key={i} class="panel"><Skeleton lines={5} /></section>)}
    </div>
  );
}

function None() {
  return (
    <section class="panel">
      <Empty icon="server" title="No servers configured">
        <p>Add a Proxmox VE server with an API token, and its nodes and guests appear here, checked every two minutes.</p>
        <div class="row center"><AddButton /><ImportButton /><DemoButton /></div>
      </Empty>
    </section>
  );
}

/** Only where a demo fleet is at hand: `./run demo` starts one. */
function DemoButton() {
  const asked = useAsk<{ available: boolean }>('api/v1/demo').value.value;
  if (!asked?.available || !may('operate')) return null;
  return <button type="button" class="button" onClick={() => void act(() => api('POST', 'api/v1/demo'), 'The demo fleet is loaded')}>Load a demo fleet</button>;
}

function AddButton() {
  return <ActButton class="primary" off={whyNoMore.value} onClick={() => (open.value = { kind: 'add' })}><Icon name="plus" /> Add server</ActButton>;
}

function ImportButton() {
  return <ActButton off={whyNoMore.value} onClick={() => go(href('servers/import'))}><Icon name="upload" /> Import CSV</ActButton>;
}

function Acts({ list }: { list: ServerRow[] }) {
  const isRunning = run.value !== null || fullRun.value !== null;
  const isNone = list.every((s) => s.is_active === false);
  return (
    <div class="page-acts">
      {list.length > 0 && (
        <>
          <ActButton isBusy={isRunning} off={!may('operate') ? NEEDS_MANAGER : isNone ? 'Every server is disabled' : null} onClick={() => void checkAll('asked')}>
            <Icon name="refresh-cw" /> {isRunning ? 'Checking…' : 'Refresh all'}
          </ActButton>
          <a class="button" href={href('api/v1/servers/export')} download data-tip="Without the tokens"><Icon name="download" /> Export CSV</a>
          <ImportButton />
          <AddButton />
        </>
      )}
    </div>
  );
}

// --- the list ----------------------------------------------------------------------------------------

type View = 'cards' | 'table';

const VIEW = 'binnacle.servers';
const TABLE_FROM = 13; // fewer are seen at once as cards

function storedView(): View {
  try {
    return localStorage.getItem(VIEW) === 'table' ? 'table' : 'cards';
  } catch {
    return 'cards';
  }
}

const view = signal<View>(storedView());

function choose(v: View): void {
  view.value = v;
  try {
    localStorage.setItem(VIEW, v);
  } catch {
    // It then lasts as long as the page.
  }
}

function List({ list }: { list: ServerRow[] }) {
  const query = route.value.query;
  const q = query.get('q') ?? '';
  const wanted = query.get('state') as ServerState | null;
  const stateOfRow = (s: ServerRow) => settledOf(s, nodesDown.value.get(s.id) ?? 0);
  const found = q ? list.filter((s) => matches(s, q)) : list;
  const counts = new Map<ServerState, number>();
  for (const s of found) counts.set(stateOfRow(s), (counts.get(stateOfRow(s)) ?? 0) + 1);
  const shown = wanted ? found.filter((s) => stateOfRow(s) === wanted) : found;
  const isTable = view.value === 'table' && list.length >= TABLE_FROM;
  return (
    <>
      <Demo list={list} />
      <div class="list-tools">
        <label class="search-box">
          <span class="visually-hidden">Search servers by name, host, site or tag</span>
          <Icon name="search" />
          <input type="search" placeholder="Name, host, site or tag" value={q} spellcheck={false} onInput={(e) => go(withQuery('q', e.currentTarget.value || null), 'replace')} />
        </label>
        <Chips counts={counts} all={found.length} wanted={wanted} />
        {list.length >= TABLE_FROM && <Choice<View> label="View" value={view.value} options={[{ id: 'cards', label: 'Cards' }, { id: 'table', label: 'Table' }]} onChange={choose} />}
      </div>
      <Progress />
      {shown.length === 0 ? (
        <section class="panel"><Empty icon="search" title="No server matches">
          <a class="button" href={href('servers')}>Show all {list.length}</a>
        </Empty></section>
      ) : isTable ? (
        <section class="panel" data-topic="infra.servers"><Table label="Servers" columns={columns} rows={shown} keyOf={(s) => s.id} limit={100} menu={menuOf} /></section>
      ) : <Cards list={shown} of={`${q} ${wanted}`} />}
      <p class="list-foot dim"><Slots used={list.length} /></p>
    </>
  );
}

function Slots({ used }: { used: number }) {
  const max = who.value?.servers_max;
  return <span class="num" data-tip="Each server takes a slot; --max-servers says how many there are">{max === undefined ? `${used} servers` : `${used} of ${max} server slots used`}</span>;
}

function Chips({ counts, all, wanted }: { counts: Map<ServerState, number>; all: number; wanted: ServerState | null }) {
  return (
    <nav class="chips" aria-label="Servers by state">
      <a class="chip" href={withQuery('state', null)} aria-current={wanted === null ? 'true' : undefined}>All <span class="num">{all}</span></a>
      {(Object.keys(STATES) as ServerState[]).filter((id) => counts.has(id) || id === wanted).map((id) => (
        <a key={id} class="chip" href={withQuery('state', id === wanted ? null : id)} aria-current={id === wanted ? 'true' : undefined}>
          <StateSign state={id} /> {STATES[id].word} <span class="num">{counts.get(id) ?? 0}</span>
        </a>
      ))}
    </nav>
  );
}

/** The run that checks all, in every tab; whoever may act may end it. */
function Progress() {
  const op = fullRun.value;
  if (!op && !run.value) return null;
  return (
    <div class="run-progress">
      <progress max={100} value={op?.progress ?? 0} aria-label="Servers checked" />
      <span>{op?.message || (op?.subject ? `Checking ${op.subject}` : 'Starting…')}</span>
      {op && may('operate') && <button type="button" class="link" onClick={() => void act(() => cancel(op))}>Cancel</button>}
    </div>
  );
}

const FIRST = 24; // cards that are drawn at once: two screens of a desk
const STEP = 48;  // and how many more when their end comes near

/** `of` says what the list shows; another question begins at its top. */
function Cards({ list, of }: { list: ServerRow[]; of: string }) {
  const [count, setCount] = useState(FIRST);
  const asked = useRef(of);
  if (asked.current !== of) {
    asked.current = of;
    setCount(FIRST);
  }
  const end = useRef<HTMLDivElement>(null);
  const hasMore = count < list.length;
  useEffect(() => {
    if (!end.current || !hasMore) return;
    const watch = new IntersectionObserver((seen) => {
      if (seen.some((e) => e.isIntersecting)) setCount((n) => n + STEP);
    }, { rootMargin: '600px' });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [hasMore, count]);
  return (
    <>
      <ul class="server-cards" aria-label="Servers">
        {list.slice(0, count).map((s) => <li key={s.id}><ServerCard server={s} /></li>)}
      </ul>
      {hasMore && <div ref={end} class="dim more-cards">{list.length - count} more below</div>}
    </>
  );
}

function Demo({ list }: { list: ServerRow[] }) {
  const count = list.filter((s) => s.is_demo).length;
  if (count === 0) return null;
  return (
    <div class="note demo-note">
      <Icon name="info" />
      <p>{count === 1 ? '1 server is' : `${count} servers are`} of the demo fleet: simulated, and tagged <span class="tag demo">DEMO</span>.</p>
      {may('operate') && <button type="button" class="button small" onClick={() => (open.value = { kind: 'demo' })}>Remove demo</button>}
    </div>
  );
}
