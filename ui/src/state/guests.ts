// guests: virtual machines and containers as lists show them; which row passes, in which order, what can be done.
//
// Knows no page: rows in, rows out. A change of 200 rows among 20,000 costs what it must: the rows that changed are
// read again, and the order is merged, not sorted anew.

import type { Vm } from '../model.gen';

export type GuestRow = Vm & { id: string };
export type Group = 'running' | 'stopped' | 'paused' | 'unknown';
export type PowerAction = 'start' | 'shutdown' | 'reboot' | 'stop' | 'reset' | 'suspend' | 'resume';

/** Paused and suspended count as one; words nobody knows are no reason to hide a row. */
export function groupOf(vm: Pick<Vm, 'status' | 'lock'>): Group {
  if (vm.lock === 'suspended' && vm.status === 'stopped') return 'paused'; // suspended to disk
  switch (vm.status) {
    case 'running': return 'running';
    case 'stopped': return 'stopped';
    case 'paused': case 'suspended': case 'prelaunch': case 'io-error': case 'inmigrate': return 'paused';
    default: return 'unknown';
  }
}

/** Its state in one word, as the badge says it. */
export function statusWord(vm: Pick<Vm, 'status' | 'lock'>): string {
  if (vm.lock === 'suspended' && vm.status === 'stopped') return 'suspended';
  return vm.status || 'unknown';
}

/** What makes sense now, the likeliest first. Nothing for templates, and nothing where nobody could do it. */
export function actionsOf(vm: Pick<Vm, 'status' | 'lock' | 'type' | 'template' | 'is_stale'>): PowerAction[] {
  if (vm.template || vm.is_stale) return [];
  const isContainer = vm.type === 'lxc'; // no reset; its suspend is an experiment of Proxmox VE
  if (vm.status === 'running') return isContainer ? ['shutdown', 'stop', 'reboot'] : ['shutdown', 'stop', 'reset', 'reboot', 'suspend'];
  if (vm.lock === 'suspended') return ['resume'];
  if (vm.status === 'stopped') return ['start'];
  if (groupOf(vm) === 'paused') return isContainer ? ['resume', 'stop'] : ['resume', 'stop', 'reset'];
  return [];
}

/** Why there is nothing to press. */
export function whyIdle(vm: Pick<Vm, 'status' | 'template' | 'is_stale'>): string {
  if (vm.template) return 'A template cannot be started; clone it in Proxmox VE';
  if (vm.is_stale || groupOf(vm) === 'unknown') return 'Its node does not answer; nothing can be done with it now';
  return '';
}

export interface Filter {
  server: string; // id, or 'all'
  status: 'all' | Group;
  text: string;
  templates: boolean;
}

export const NO_FILTER: Filter = { server: 'all', status: 'all', text: '', templates: false };

export function filterOf(query: URLSearchParams): Filter {
  const status = query.get('status');
  return {
    server: query.get('server') || 'all',
    status: status === 'running' || status === 'stopped' || status === 'paused' || status === 'unknown' ? status : 'all',
    text: query.get('q') ?? '',
    templates: query.get('templates') === '1',
  };
}

/** What of it stands in the address: only what differs from showing all. */
export function queryOf(f: Filter, sort: string): Record<string, string> {
  return {
    ...(f.server !== 'all' ? { server: f.server } : {}),
    ...(f.status !== 'all' ? { status: f.status } : {}),
    ...(f.text ? { q: f.text } : {}),
    ...(f.templates ? { templates: '1' } : {}),
    ...(sort !== 'name' ? { sort } : {}),
  };
}

export interface Counts {
  total: number;
  running: number;
  stopped: number;
  paused: number;
  unknown: number;
}

type Key = string | number | null;

interface Entry {
  row: GuestRow;
  serverName: string;
  hay: string;
  group: Group;
  name: string; // sorts by value of its numbers: web-2 before web-10
  key: Key;
}

/** Text whose plain order is the one people expect. */
export function natural(text: string): string {
  return text.toLowerCase().replace(/\d+/g, (d) => d.padStart(12, '0'));
}

export function share(part: number | undefined, whole: number | undefined): number | null {
  return part === undefined || !whole ? null : (part / whole) * 100;
}

/** In percent of its own processors. */
export const cpuPct = (vm: Vm): number | null => (vm.cpu === undefined ? null : vm.cpu * 100);
export const memPct = (vm: Vm): number | null => share(vm.mem, vm.maxmem);
export const diskPct = (vm: Vm): number | null => (vm.type === 'qemu' ? null : share(vm.disk, vm.maxdisk));

function both(a: number | undefined, b: number | undefined): number | null {
  return a === undefined && b === undefined ? null : (a ?? 0) + (b ?? 0);
}

const RANK: Record<Group, number> = { running: 0, paused: 1, stopped: 2, unknown: 3 };

const keys: Record<string, (e: Entry) => Key> = {
  name: (e) => e.name,
  server: (e) => natural(e.serverName),
  node: (e) => natural(e.row.node ?? ''),
  vmid: (e) => e.row.vmid ?? null,
  type: (e) => e.row.type ?? null,
  status: (e) => RANK[e.group],
  cpu: (e) => (e.group === 'running' ? cpuPct(e.row) : null),
  mem: (e) => (e.group === 'running' ? memPct(e.row) : null),
  disk: (e) => diskPct(e.row),
  net: (e) => both(e.row.net_in_bps, e.row.net_out_bps),
  io: (e) => both(e.row.disk_read_bps, e.row.disk_write_bps),
  uptime: (e) => (e.group === 'running' ? (e.row.uptime ?? null) : null),
};

export const sortable = Object.keys(keys);

function compare(a: Key, b: Key, down: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1; // unknown last, whichever way
  const order = a < b ? -1 : a > b ? 1 : 0;
  return down ? -order : order;
}

function hayOf(row: GuestRow, serverName: string): string {
  return `${row.name ?? ''} ${row.vmid ?? ''} ${row.node ?? ''} ${serverName} ${(row.tags ?? '').replace(/;/g, ' ')}`.toLowerCase();
}

const MANY = 4; // of so many rows one moved: sorting anew is cheaper than merging

/** All guests in the order asked for. One owner; not shared between views. */
export class GuestIndex {
  private section: Record<string, Vm> = {};
  private entries = new Map<string, Entry>();
  private names = new Map<string, string>();
  private order: Entry[] = [];
  private sort = 'name';
  private isHeld = false;
  private late = new Set<Entry>();
  private cache: { filter: Filter; rows: GuestRow[]; entries: Entry[]; passed: Entry[]; counts: Counts } | null = null;

  get size(): number {
    return this.entries.size;
  }

  serverName(id: string | undefined): string {
    return this.names.get(id ?? '') ?? '';
  }

  /** What is known now. `names`: the active servers; guests of others are left out. */
  take(section: Record<string, Vm>, names: Map<string, string>): void {
    const renamed = this.rename(names);
    const moved = new Set<Entry>();
    let seen = 0;
    let isOther = false; // something a filter looks at
    for (const id in section) {
      const vm = section[id]!;
      const server = this.names.get(vm.server_id ?? '');
      if (server === undefined) continue;
      seen += 1;
      const was = this.section[id];
      const entry = this.entries.get(id);
      if (entry && was === vm && !renamed.has(vm.server_id ?? '')) continue;
      if (this.put(id, vm, server, entry, moved)) isOther = true;
    }
    if (seen < this.entries.size) {
      isOther = true;
      for (const [id, entry] of this.entries) {
        if (section[id] !== undefined && this.names.has(section[id].server_id ?? '')) continue;
        this.entries.delete(id);
        moved.delete(entry);
        this.late.delete(entry);
      }
      this.order = this.order.filter((e) => this.entries.has(e.row.id));
    }
    this.section = section;
    if (moved.size > 0) isOther = this.move(moved) || isOther;
    if (isOther) this.cache = null;
    else if (this.cache) this.refresh(this.cache);
  }

  // The servers whose guests are to be read again.
  private rename(names: Map<string, string>): Set<string> {
    const renamed = new Set<string>();
    for (const [id, name] of names) if (this.names.get(id) !== name) renamed.add(id);
    this.names = names;
    return renamed;
  }

  // One row; true when a filter may see it differently now.
  private put(id: string, vm: Vm, serverName: string, entry: Entry | undefined, moved: Set<Entry>): boolean {
    const row = { ...vm, id };
    if (!entry) {
      const fresh: Entry = { row, serverName, hay: hayOf(row, serverName), group: groupOf(row), name: natural(row.name || String(row.vmid ?? '')), key: null };
      fresh.key = this.keyOf(fresh);
      this.entries.set(id, fresh);
      moved.add(fresh);
      return true;
    }
    const was = entry.row;
    let isOther = false;
    entry.row = row;
    if (was.name !== row.name || was.node !== row.node || was.tags !== row.tags || entry.serverName !== serverName) {
      entry.serverName = serverName;
      entry.hay = hayOf(row, serverName);
      entry.name = natural(row.name || String(row.vmid ?? ''));
      moved.add(entry);
      isOther = true;
    }
    const group = groupOf(row);
    if (group !== entry.group || was.template !== row.template) isOther = true;
    entry.group = group;
    const key = this.keyOf(entry);
    if (key !== entry.key) {
      entry.key = key;
      moved.add(entry);
    }
    return isOther;
  }

  private keyOf(entry: Entry): Key {
    return keys[this.sort.replace(/^-/, '')]!(entry);
  }

  private compare = (a: Entry, b: Entry): number => {
    const order = compare(a.key, b.key, this.sort.startsWith('-'));
    if (order !== 0) return order;
    return a.name < b.name ? -1 : a.name > b.name ? 1 : a.row.id < b.row.id ? -1 : 1;
  };

  // Puts the moved ones where they belong; true when the order changed.
  private move(moved: Set<Entry>): boolean {
    if (this.isHeld && this.order.length > 0) {
      const known = new Set(this.order);
      const fresh = [...moved].filter((e) => !known.has(e));
      for (const e of moved) this.late.add(e);
      if (fresh.length === 0) return false;
      this.order = [...this.order, ...fresh];
      return true;
    }
    if (moved.size * MANY > this.entries.size) {
      this.order = [...this.entries.values()].sort(this.compare);
      return true;
    }
    const some = [...moved].sort(this.compare);
    const out: Entry[] = [];
    let i = 0;
    for (const e of this.order) {
      if (moved.has(e)) continue;
      while (i < some.length && this.compare(some[i]!, e) < 0) out.push(some[i++]!);
      out.push(e);
    }
    while (i < some.length) out.push(some[i++]!);
    const isSame = out.length === this.order.length && out.every((e, n) => e === this.order[n]);
    this.order = out;
    return !isSame;
  }

  /** A column, "-column" for descending. */
  sortBy(sort: string): void {
    const by = keys[sort.replace(/^-/, '')] ? sort : 'name';
    if (by === this.sort) return;
    this.sort = by;
    for (const e of this.entries.values()) e.key = this.keyOf(e);
    this.order = [...this.entries.values()].sort(this.compare);
    this.late.clear();
    this.cache = null;
  }

  /** While a pointer is over the rows they stay where they are; newcomers line up behind. */
  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    if (isHeld || this.late.size === 0) return;
    const late = this.late;
    this.late = new Set();
    if (this.move(late)) this.cache = null;
  }

  // Same rows at the same places, with their new values.
  private refresh(cache: { rows: GuestRow[]; entries: Entry[] }): void {
    let isSame = true;
    for (let i = 0; i < cache.entries.length && isSame; i++) isSame = cache.entries[i]!.row === cache.rows[i];
    if (!isSame) cache.rows = cache.entries.map((e) => e.row);
  }

  /** The rows that pass, and how many there are of each kind when only the status is not asked for. */
  view(filter: Filter): { rows: GuestRow[]; counts: Counts } {
    const c = this.cache;
    if (c && c.filter.server === filter.server && c.filter.status === filter.status
      && c.filter.text === filter.text && c.filter.templates === filter.templates) return c;
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const counts: Counts = { total: 0, running: 0, stopped: 0, paused: 0, unknown: 0 };
    const entries: Entry[] = [];
    const passed: Entry[] = []; // whatever their status
    // A letter more can only leave fewer.
    const isMore = c && c.filter.server === filter.server && c.filter.templates === filter.templates && filter.text.startsWith(c.filter.text);
    for (const e of isMore ? c.passed : this.order) {
      if (filter.server !== 'all' && e.row.server_id !== filter.server) continue;
      if (e.row.template && !filter.templates) continue;
      if (!words.every((w) => e.hay.includes(w))) continue;
      passed.push(e);
      counts.total += 1;
      counts[e.group] += 1;
      if (filter.status === 'all' || filter.status === e.group) entries.push(e);
    }
    this.cache = { filter, entries, passed, rows: entries.map((e) => e.row), counts };
    return this.cache;
  }

  get(id: string): GuestRow | undefined {
    return this.entries.get(id)?.row;
  }
}
