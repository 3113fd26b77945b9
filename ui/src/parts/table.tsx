// table: sortable rows with stable keys; the order is held while a pointer is over them.

import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Icon } from './icon';
import { openRowMenu, type RowMenu } from './rowmenu';

export interface Column<T> {
  id: string;
  head: string;
  isSilent?: boolean; // the head is for readers only
  cell: (row: T) => ComponentChildren;
  sort?: (row: T) => number | string | null | undefined;
  then?: (row: T) => number; // among equals, greatest first
  isNumber?: boolean;
  isWide?: boolean; // takes the room the others leave
  minor?: 1 | 2; // left out below 1100 px, below 720 px
  tip?: string;
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  sort?: string;       // column id, "-id" for descending
  limit?: number;      // rows shown until "show all"
  keyOf: (row: T) => string;
  marked?: (row: T) => boolean;
  menu?: (row: T) => RowMenu;
  class?: string;
}

function compare(a: number | string | null | undefined, b: number | string | null | undefined): number {
  const noA = a === null || a === undefined || a === '';
  const noB = b === null || b === undefined || b === '';
  if (noA || noB) return noA === noB ? 0 : noA ? 1 : -1; // unknown last, whichever way
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true, sensitivity: 'base' });
}

export function sorted<T>(rows: T[], column: Column<T> | undefined, isDown: boolean): T[] {
  if (!column?.sort) return rows;
  const key = column.sort;
  return [...rows].sort((x, y) => {
    const a = key(x);
    const b = key(y);
    const order = compare(a, b);
    if (order === 0) return column.then ? column.then(y) - column.then(x) : 0;
    const isUnknown = a == null || b == null;
    return isDown && !isUnknown ? -order : order;
  });
}

export function Table<T>({ label, columns, rows, sort = '', limit, keyOf, marked, menu, class: name = '' }: TableProps<T>) {
  const [by, setBy] = useState(sort);
  const [isAll, setAll] = useState(false);
  const [isHeld, hold] = useState(false);
  const held = useRef<Map<string, number> | null>(null);
  const isDown = by.startsWith('-');
  const column = columns.find((c) => c.id === by.replace(/^-/, ''));

  let list = sorted(rows, column, isDown);
  if (isHeld) {
    // The order as it was when the pointer came, or the column was chosen; newcomers line up behind.
    const place = (held.current ??= new Map<string, number>());
    for (const row of list) if (!place.has(keyOf(row))) place.set(keyOf(row), place.size);
    list = [...list].sort((a, b) => place.get(keyOf(a))! - place.get(keyOf(b))!);
  }
  const shown = limit && !isAll ? list.slice(0, limit) : list;

  function choose(c: Column<T>): void {
    held.current = null;
    const down = by === c.id ? true : by === `-${c.id}` ? false : c.isNumber;
    setBy(down ? `-${c.id}` : c.id);
  }

  return (
    <div class={`table-box ${name}`} tabIndex={0} role="group" aria-label={label}
      onKeyDown={menu && walk} aria-keyshortcuts={menu && 'ArrowDown .'}
      onPointerEnter={(e) => {
        if (!column?.isNumber || e.pointerType === 'touch') return;
        hold(true);
      }}
      onPointerLeave={() => {
        held.current = null;
        hold(false);
      }}>
      <table>
        <thead>
          <tr>
            {columns.map((c) => {
              const isBy = column?.id === c.id;
              return (
                <th key={c.id} scope="col" class={cls(c)} data-tip={c.tip}
                  aria-sort={isBy ? (isDown ? 'descending' : 'ascending') : undefined}>
                  {c.sort ? (
                    <button type="button" class={`sort ${isBy ? 'is-on' : ''}`} onClick={() => choose(c)}>
                      {c.head}
                      <Icon name={isBy && !isDown ? 'arrow-up' : 'arrow-down'} size={12} />
                    </button>
                  ) : c.isSilent ? <span class="visually-hidden">{c.head}</span> : c.head}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={keyOf(row)} class={marked?.(row) ? 'is-marked' : ''} data-row={menu && ''} tabIndex={menu && -1}
              onContextMenu={menu && ((e) => openRowMenu(menu(row), e))}>
              {columns.map((c) => <td key={c.id} class={cls(c)}>{c.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
      {limit && (rows.length > limit || column?.isNumber) && (
        <div class="table-foot">
          {rows.length > limit && (
            <button type="button" class="link" onClick={() => setAll(!isAll)}>
              {isAll ? 'Show fewer' : `Show all ${rows.length}`}
            </button>
          )}
          <span class="dim">{isHeld ? 'Order held while you point' : ''}</span>
        </div>
      )}
    </div>
  );
}

/** Arrow keys go from row to row. */
function walk(e: KeyboardEvent): void {
  const box = e.currentTarget as HTMLElement;
  const at = document.activeElement?.closest('tr[data-row]');
  // A list inside a row has its own use for them.
  if ((e.key !== 'ArrowDown' && e.key !== 'ArrowUp') || (e.target as Element).closest('select, input')) return;
  const all = [...box.querySelectorAll<HTMLElement>('tr[data-row]')];
  const to = all.indexOf(at as HTMLElement) + (e.key === 'ArrowDown' ? 1 : -1);
  e.preventDefault();
  if (to < 0) box.focus();
  else all[to]?.focus();
}

function cls<T>(c: Column<T>): string {
  return `${c.isNumber ? 'right' : ''} ${c.isWide ? 'wide' : ''} ${c.minor ? `minor-${c.minor}` : ''}`.trim().replace(/  +/g, ' ');
}
