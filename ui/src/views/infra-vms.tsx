// infra-vms: guests of all servers in one list; filtered in the address, counted, acted on.

import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { go, href, route } from '../link/route';
import type { Vm } from '../model.gen';
import { askAssigned, assignedError, assignedSection, assignedServers, isRestricted, useAssigned } from '../state/assigned';
import { servers, useTopic, type ServerRow } from '../state/fleet';
import { filterOf, GuestIndex, NO_FILTER, queryOf, sortable, type Counts, type Filter } from '../state/guests';
import { who } from '../state/store';
import { own } from '../state/own';
import { Choice, Select } from '../parts/form';
import { Icon } from '../parts/icon';
import { Empty, Failure, Forbidden, Skeleton, Stale } from '../parts/panel';
import { GuestGrid, GuestTable } from './infra-vms-list';
import { PowerQuestion } from './infra-vm-parts';

interface Looked {
  filter: Filter;
  sort: string;
}

function sortOf(query: URLSearchParams): string {
  const sort = query.get('sort') ?? 'name';
  return sortable.includes(sort.replace(/^-/, '')) ? sort : 'name';
}

const TYPING_MS = 250; // browsers take so many changes of the address and no more

/** What is looked for: at once on screen, a moment later in the address. */
function useLooked(): [Looked, (next: Partial<Looked>, isTyping?: boolean) => void] {
  const query = route.value.query;
  const text = query.toString();
  const written = useRef(text);
  const timer = useRef(0);
  const state = useSignal<Looked>({ filter: filterOf(query), sort: sortOf(query) });
  useEffect(() => {
    if (text === written.current) return;
    written.current = text;
    state.value = { filter: filterOf(query), sort: sortOf(query) };
  }, [text]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const set = (next: Partial<Looked>, isTyping = false) => {
    state.value = { ...state.value, ...next };
    window.clearTimeout(timer.current);
    const write = () => {
      const q = queryOf(state.value.filter, state.value.sort);
      written.current = new URLSearchParams(q).toString();
      go(href('vms', q), 'replace');
    };
    if (isTyping) timer.current = window.setTimeout(write, TYPING_MS);
    else write();
  };
  return [state.value, set];
}

type View = 'table' | 'grid';
const viewKey = () => `binnacle.vms.view.${who.value?.user?.id ?? 'key'}`;

/** Kept for each user of this browser. */
function useView(): [View, (v: View) => void] {
  const [view, setView] = useState<View>(() => {
    try {
      return localStorage.getItem(viewKey()) === 'grid' ? 'grid' : 'table';
    } catch {
      return 'table';
    }
  });
  return [view, (v) => {
    setView(v);
    try {
      localStorage.setItem(viewKey(), v);
    } catch {
      // The choice then lasts as long as the page.
    }
  }];
}

const views = [
  { id: 'table', label: <Icon name="list" />, words: 'As a table' },
  { id: 'grid', label: <Icon name="layout-grid" />, words: 'As cards' },
] as const;

export function VmsPage() {
  const topic = useTopic('infra.vms');
  const [index] = useState(() => new GuestIndex());
  const [{ filter, sort }, look] = useLooked();
  const [view, setView] = useView();
  const [, redraw] = useState(0);
  useAssigned();
  const isMine = isRestricted();
  const all = isMine ? assignedServers.value : servers.value;
  const activeServers = useMemo(() => (all ?? []).filter((s) => s.is_active !== false).sort((a, b) => (a.name ?? '').localeCompare(b.name ?? '', undefined, { numeric: true })), [all]);
  const namesText = activeServers.map((s) => `${s.id} ${s.name}`).join('\n');
  const names = useMemo(() => new Map(activeServers.map((s) => [s.id, s.name ?? s.id])), [namesText]);
  const section = isMine ? assignedSection.value : (topic.value.value as { vms?: Record<string, Vm> } | undefined)?.vms;
  const error = isMine ? assignedError.value : undefined;
  useMemo(() => index.take(section ?? {}, names), [section, names]);
  index.sortBy(sort);
  // The guests of a cluster stand under one of its members, whichever of them is chosen.
  const home = activeServers.find((s) => s.id === filter.server)?.listed_under ?? filter.server;
  const { rows, counts } = index.view(home === filter.server ? filter : { ...filter, server: home });

  const isLoading = (isMine ? section === undefined : topic.phase.value === 'loading') || all === undefined;
  const set = (change: Partial<Filter>, isTyping = false) => look({ filter: { ...filter, ...change } }, isTyping);
  const list = { rows, index, sort, onSort: (s: string) => look({ sort: s }), redraw: () => redraw((n) => n + 1) };
  return (
    <div class="page vms">
      <div class="page-head">
        <div>
          <h1>
            Virtual machines{' '}
            {!isLoading && <span class="badge quiet num" data-tip="As many as pass the filters below">{rows.length.toLocaleString('en')} {rows.length === 1 ? 'VM' : 'VMs'}</span>}{' '}
            {activeServers.length > 1 && <span class="badge quiet num" data-tip="Servers that are switched on">{activeServers.length} Servers</span>}{' '}
            {!isMine && <Stale topic={topic} />}
          </h1>
        </div>
        <Choice<View> label="How to show them" value={view} options={views} onChange={setView} />
      </div>
      {error && <Failure error={error} retry={() => void askAssigned()} />}
      {topic.phase.value === 'refused' && !isMine ? <section class="panel"><Forbidden what="Seeing virtual machines" role="viewer" /></section> : (
        <>
          <Tiles counts={counts} isLoading={isLoading} status={filter.status} onStatus={(status) => set({ status })} />
          <Silent servers={activeServers} />
          <Filters filter={filter} servers={activeServers} set={set} />
          {isLoading ? !error && <section class="panel"><Skeleton lines={8} label="Virtual machines" /></section>
            : rows.length === 0 ? <Nothing index={index} hasServers={activeServers.length > 0} filter={filter} onClear={() => look({ filter: NO_FILTER })} />
            : view === 'grid' ? <GuestGrid {...list} /> : <GuestTable {...list} />}
        </>
      )}
      <PowerQuestion />
    </div>
  );
}

function Tiles({ counts, isLoading, status, onStatus }: { counts: Counts; isLoading: boolean; status: Filter['status']; onStatus: (s: Filter['status']) => void }) {
  const tiles: [Filter['status'], string, number][] = [
    ['all', 'Total', counts.total], ['running', 'Running', counts.running], ['stopped', 'Stopped', counts.stopped], ['paused', 'Paused', counts.paused],
  ];
  if (counts.unknown > 0) tiles.push(['unknown', 'Unknown', counts.unknown]);
  return (
    <ul class="vm-tiles" aria-label="How many of each">
      {tiles.map(([id, label, n]) => (
        <li key={id}>
          <button type="button" class={`vm-tile ${id}`} aria-pressed={status === id} onClick={() => onStatus(status === id ? 'all' : id)}>
            <span class="vm-tile-n num" data-tip={isLoading ? 'not known yet' : `${n} ${label.toLowerCase()}; shows only these`}>{isLoading ? '–' : n.toLocaleString('en')}</span>
            <span class="vm-tile-label"><i class="vm-dot" aria-hidden="true" />{label}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

const NAMED = 5; // servers in the banner before «and N more»

/** Servers whose last attempt failed: what is listed of them is what was known before (FEATURES D4). */
function Silent({ servers: list }: { servers: ServerRow[] }) {
  const [isAll, setAll] = useState(false);
  const failing = list.filter((s) => s.health_check_error);
  if (failing.length === 0) return null;
  const shown = isAll ? failing : failing.slice(0, NAMED);
  return (
    <div class="banner warn vm-silent" role="status">
      <Icon name="triangle-alert" size={18} />
      <div>
        <strong>{failing.length} of {list.length} {list.length === 1 ? 'server' : 'servers'} did not answer.</strong> What is listed of {failing.length === 1 ? 'it' : 'them'} is what was known before.
        <ul>
          {shown.map((s) => <li key={s.id}>{isRestricted() ? <strong>{s.name}</strong> : <a href={`${href(`servers/${s.id}`)}#why`}>{s.name}</a>}: {own(s.health_check_error ?? '')}</li>)}
        </ul>
        {failing.length > NAMED && <button type="button" class="link" onClick={() => setAll(!isAll)}>{isAll ? 'Name fewer' : `and ${failing.length - NAMED} more`}</button>}
      </div>
    </div>
  );
}

const statuses = [
  { id: 'all', label: 'All statuses' }, { id: 'running', label: 'Running' }, { id: 'stopped', label: 'Stopped' },
  { id: 'paused', label: 'Paused' }, { id: 'unknown', label: 'Unknown' },
];

function Filters({ filter, servers: list, set }: { filter: Filter; servers: ServerRow[]; set: (change: Partial<Filter>, isTyping?: boolean) => void }) {
  const options = [{ id: 'all', label: 'All Servers' }, ...list.map((s) => ({ id: s.id, label: s.name ?? s.id }))];
  // The address may name one that is gone or switched off.
  if (!options.some((o) => o.id === filter.server)) options.push({ id: filter.server, label: 'No such server' });
  return (
    <div class="vm-filters" role="search" aria-label="Filter">
      <label class="vm-search">
        <Icon name="search" />
        <span class="visually-hidden">Name, number, node, server or tag</span>
        <input type="search" value={filter.text} placeholder="Name, number, node, server or tag" spellcheck={false}
          autocomplete="off" onInput={(e) => set({ text: e.currentTarget.value }, true)} />
      </label>
      <Select label="Status" value={filter.status} options={statuses} onChange={(status) => set({ status: status as Filter['status'] })} />
      <span class="vm-servers"><Select label="Server" value={filter.server} options={options} onChange={(server) => set({ server })} /></span>
      <label class="vm-templates"><input type="checkbox" checked={filter.templates} onChange={(e) => set({ templates: e.currentTarget.checked })} /> Templates</label>
    </div>
  );
}

function Nothing({ index, hasServers, filter, onClear }: { index: GuestIndex; hasServers: boolean; filter: Filter; onClear: () => void }) {
  const isFiltered = filter.server !== 'all' || filter.status !== 'all' || filter.text !== '';
  return (
    <section class="panel">
      {index.size > 0 && isFiltered ? (
        <Empty icon="search" title="No VMs match these filters">
          <p>{index.size.toLocaleString('en')} are known{filter.templates ? '' : ', templates not shown'}.</p>
          <div><button type="button" class="button" onClick={onClear}>Clear filters</button></div>
        </Empty>
      ) : isRestricted() ? (
        <Empty icon="boxes" title="No virtual machines are assigned to you">
          Somebody with the role admin can assign some to you under Settings, Users. They appear here by themselves.
        </Empty>
      ) : hasServers ? (
        <Empty icon="boxes" title="No virtual machines are visible">
          Its servers list none: there may be none yet, or the API tokens may not see them. A token sees guests with the privilege <code>VM.Audit</code> on <code>/vms</code>.
        </Empty>
      ) : (
        <Empty icon="server" title="No server to list machines of">
          <p>Machines appear here by themselves once a Proxmox server is added and answers.</p>
          <div><a class="button primary" href={href('servers')}>Add a server</a></div>
        </Empty>
      )}
    </section>
  );
}
