// infra-vms-list: the same guests as rows of a table and as cards; only those in sight stand in the page.

import type { ComponentChildren } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { go, href } from '../link/route';
import { bytes, line } from '../state/format';
import { groupOf, statusWord, type GuestIndex, type GuestRow } from '../state/guests';
import { busyOf } from '../state/operations';
import { own } from '../state/own';
import { Icon } from '../parts/icon';
import { openRowMenu, type RowMenu } from '../parts/rowmenu';
import { useColumns, useSlots, useWalk, useWindow } from '../parts/virtual';
import { CpuMeter, DiskMeter, guestHref, guestName, Marks, MemMeter, nameAndNumber, powerActs, PowerButtons, Rates, StatusBadge, tagsOf, typeWord, typeWords, Uptime } from './infra-vm-parts';

interface ListProps {
  rows: GuestRow[];
  index: GuestIndex;
  sort: string;
  onSort: (sort: string) => void;
  redraw: () => void;
}

interface Column {
  id: string;
  head: string;
  isNumber?: boolean;
  sort?: boolean;
  tip?: string;
  cell: (vm: GuestRow, server: string) => ComponentChildren;
}

/** A running one shows how full it is; of others it is known how large they are. */
function orSize(vm: GuestRow, meter: ComponentChildren, size: string): ComponentChildren {
  return groupOf(vm) === 'running' ? meter : <span class="dim" data-tip={`VM is ${statusWord(vm)}`}>{size}</span>;
}

const columns: Column[] = [
  { id: 'name', head: 'Name', sort: true, cell: (vm, server) => (
    <>
      <a class="vm-name" href={guestHref(vm.id)} data-tip={vm.name}>{guestName(vm)}</a>
      <span class="vm-under"><span class="vm-where dim">{vm.vmid} on {own(server || '-')}</span><Marks vm={vm} />{tagsOf(vm).map((t) => <span key={t} class="tag">{t}</span>)}</span>
    </>
  ) },
  { id: 'status', head: 'Status', sort: true, cell: (vm) => <StatusBadge vm={vm} /> },
  { id: 'server', head: 'Server', sort: true, cell: (_, server) => <span class="vm-cut" data-tip={server}>{server || '-'}</span> },
  { id: 'node', head: 'Node', sort: true, cell: (vm) => <span class="vm-cut" data-tip={vm.node}>{vm.node ?? '–'}</span> },
  { id: 'vmid', head: 'ID', sort: true, isNumber: true, cell: (vm) => <span class="num" data-tip={`number ${vm.vmid} in its cluster`}>{vm.vmid}</span> },
  { id: 'type', head: 'Type', sort: true, cell: (vm) => <span class="dim" data-tip={typeWords(vm)}>{typeWord(vm)}</span> },
  { id: 'cpu', head: 'CPU', sort: true, isNumber: true, tip: 'Of its own processors', cell: (vm) => orSize(vm, <CpuMeter vm={vm} />, `${vm.maxcpu ?? '–'} vCPU`) },
  { id: 'mem', head: 'Memory', sort: true, isNumber: true, cell: (vm) => orSize(vm, <MemMeter vm={vm} />, line(bytes(vm.maxmem))) },
  { id: 'disk', head: 'Disk', sort: true, isNumber: true, tip: 'Of containers; of virtual machines only the size is known', cell: (vm) => orSize(vm, <DiskMeter vm={vm} />, line(bytes(vm.maxdisk))) },
  { id: 'net', head: 'Network', sort: true, isNumber: true, tip: 'In and out', cell: (vm) => <Rates vm={vm} of="net" /> },
  { id: 'io', head: 'Disk I/O', sort: true, isNumber: true, tip: 'Read and written', cell: (vm) => <Rates vm={vm} of="disk" /> },
  { id: 'uptime', head: 'Up', sort: true, isNumber: true, cell: (vm) => <Uptime vm={vm} /> },
  { id: 'act', head: 'Actions', cell: (vm) => <PowerButtons vm={vm} isSmall /> },
];

function menuOf(vm: GuestRow): RowMenu {
  return {
    title: nameAndNumber(vm), record: vm, path: href('api/v1/vms', { server_id: vm.server_id ?? '', q: String(vm.vmid ?? '') }),
    acts: [{ label: 'Open', icon: 'chevron-right', run: () => go(guestHref(vm.id)) }, ...powerActs(vm)],
  };
}

const ROW_REM = 3;

function Row({ vm, at, server }: { vm: GuestRow; at: number; server: string }) {
  const isBusy = busyOf(vm.id) !== null;
  // A row that only moves keeps them: the same nodes are not looked at again.
  const cells = useMemo(() => columns.map((c) => <td key={c.id} class={`vmc-${c.id}`}>{c.cell(vm, server)}</td>), [vm, server]);
  return (
    <tr data-row="" data-index={at} data-vm={vm.id} tabIndex={-1} aria-rowindex={at + 2} class={`${vm.is_stale ? 'is-old' : ''} ${isBusy ? 'is-busy' : ''}`}
      onContextMenu={(e) => openRowMenu(menuOf(vm), e)}>
      {cells}
    </tr>
  );
}

function Head({ sort, onSort }: { sort: string; onSort: (sort: string) => void }) {
  const by = sort.replace(/^-/, '');
  const isDown = sort.startsWith('-');
  const choose = (c: Column) => onSort(sort === c.id ? `-${c.id}` : sort === `-${c.id}` ? c.id : c.isNumber && c.id !== 'vmid' ? `-${c.id}` : c.id);
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((c) => (
          <th key={c.id} scope="col" class={`vmc-${c.id}`} data-tip={c.tip} aria-sort={by === c.id ? (isDown ? 'descending' : 'ascending') : undefined}>
            {c.sort ? (
              <button type="button" class={`sort ${by === c.id ? 'is-on' : ''}`} onClick={() => choose(c)}>
                {c.head}<Icon name={by === c.id && !isDown ? 'arrow-up' : 'arrow-down'} size={12} />
              </button>
            ) : <span class="visually-hidden">{c.head}</span>}
          </th>
        ))}
      </tr>
    </thead>
  );
}

export function GuestTable({ rows, index, sort, onSort, redraw }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const w = useWindow(body, rows.length, ROW_REM);
  const walk = useWalk(box, body, w.px, rows.length);
  const hold = (isHeld: boolean) => {
    index.hold(isHeld);
    if (!isHeld) redraw();
  };
  const shown = rows.slice(w.first, w.last);
  const slotOf = useSlots(body, shown);
  return (
    <section class="panel vm-list">
      <div class="vm-table" ref={box} tabIndex={0} role="group" aria-label="Virtual machines" aria-keyshortcuts="ArrowDown . Enter" onKeyDown={walk}>
        <table aria-rowcount={rows.length + 1}>
          <Head sort={sort} onSort={onSort} />
          <tbody ref={body} onPointerEnter={(e) => e.pointerType !== 'touch' && hold(true)} onPointerLeave={() => hold(false)}>
            {w.before > 0 && <tr key="before" class="vm-space" aria-hidden="true"><td style={{ height: `${w.before}px` }} /></tr>}
            {shown.map((vm, i) => <Row key={slotOf(vm.id)} vm={vm} at={w.first + i} server={index.serverName(vm.server_id)} />)}
            {w.after > 0 && <tr key="after" class="vm-space" aria-hidden="true"><td style={{ height: `${w.after}px` }} /></tr>}
          </tbody>
        </table>
      </div>
    </section>
  );
}

// --- cards ------------------------------------------------------------------------------------------

const CARD_REM = 20;       // wide at least
const CARD_ROW_REM = 13.5; // high, with the gap below

function Card({ vm, at, of, server }: { vm: GuestRow; at: number; of: number; server: string }) {
  const isBusy = busyOf(vm.id) !== null;
  return (
    <li class={`panel vm-card ${vm.is_stale ? 'is-old' : ''} ${isBusy ? 'is-busy' : ''}`} data-row="" data-index={at} data-vm={vm.id} tabIndex={-1}
      aria-posinset={at + 1} aria-setsize={of} onContextMenu={(e) => openRowMenu(menuOf(vm), e)}>
      <header>
        <a class="vm-name" href={guestHref(vm.id)} data-tip={vm.name}>{guestName(vm)}</a>
        <StatusBadge vm={vm} />
      </header>
      <p class="vm-card-facts">
        {server && <span class="badge quiet" data-tip="Server">{server}</span>}
        <span class="vm-cut dim">{typeWord(vm)} {vm.vmid} on {own(vm.node ?? '–')}</span>
      </p>
      <p class="vm-under"><Marks vm={vm} />{tagsOf(vm).map((t) => <span key={t} class="tag">{t}</span>)}</p>
      {groupOf(vm) === 'running' ? (
        <dl class="vm-card-meters">
          <dt>CPU</dt><dd><CpuMeter vm={vm} /></dd>
          <dt>Memory</dt><dd><MemMeter vm={vm} /></dd>
          <dt>Disk</dt><dd><DiskMeter vm={vm} /></dd>
        </dl>
      ) : (
        <p class="vm-card-idle">VM is {statusWord(vm)}<span class="dim">{line(bytes(vm.maxmem))} RAM · {vm.maxcpu ?? '–'} vCPU</span></p>
      )}
      <footer><PowerButtons vm={vm} isSmall={isBusy} /></footer>
    </li>
  );
}

export function GuestGrid({ rows, index }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const columnCount = useColumns(box, CARD_REM);
  const w = useWindow(list, Math.ceil(rows.length / columnCount), CARD_ROW_REM);
  const walk = useWalk(box, list, w.px, rows.length, columnCount);
  const shown = rows.slice(w.first * columnCount, w.last * columnCount);
  return (
    <div class="vm-grid" ref={box} tabIndex={0} role="group" aria-label="Virtual machines" aria-keyshortcuts="ArrowDown . Enter" onKeyDown={walk}>
      <ul ref={list} style={{ paddingTop: `${w.before}px`, paddingBottom: `${w.after}px`, gridTemplateColumns: `repeat(${columnCount}, minmax(0, 1fr))` }}>
        {shown.map((vm, i) => <Card key={vm.id} vm={vm} at={w.first * columnCount + i} of={rows.length} server={index.serverName(vm.server_id)} />)}
      </ul>
    </div>
  );
}
