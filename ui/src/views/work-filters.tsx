// work-filters: what narrows the history of operations, kept in the address.

import { go, href, route } from '../link/route';
import { assignedServers, isRestricted } from '../state/assigned';
import { SPANS } from '../state/deedfilter';
import { servers } from '../state/fleet';
import { own } from '../state/own';
import { targets } from '../state/targets';
import { who } from '../state/store';
import { Select } from '../parts/form';
import { Icon } from '../parts/icon';

const statusOptions = [
  { id: 'all', label: 'Every result' }, { id: 'active', label: 'Under way' }, { id: 'completed', label: 'Completed' },
  { id: 'failed', label: 'Failed' }, { id: 'cancelled', label: 'Cancelled' },
];
const typeOptions = [
  { id: 'all', label: 'Every kind' }, { id: 'vm_power', label: 'Power' }, { id: 'service_restart', label: 'Restarts of services' }, { id: 'service_status', label: 'Status of services' },
  { id: 'logs', label: 'Journals' }, { id: 'ssh_test', label: 'SSH tests' }, { id: 'batch', label: 'Batches' }, { id: 'health_check', label: 'Checks' }, { id: 'import', label: 'Imports' },
];
const spanOptions = [{ id: 'all', label: 'Any time' }, ...Object.entries(SPANS).map(([id, { label }]) => ({ id, label }))];

const filterTo = (name: string, value: string) => {
  const query = Object.fromEntries(route.peek().query);
  delete query.page;
  delete query[name];
  if (value !== 'all') query[name] = value;
  go(href('operations', query), 'replace');
};

/** What is in the address but not in the list (deleted since, or not told yet) is still what it says. */
function withOwn(options: { id: string; label: string }[], value: string | null, label: string): { id: string; label: string }[] {
  return !value || options.some((o) => o.id === value) ? options : [...options, { id: value, label }];
}

export function Filters({ query }: { query: URLSearchParams; wanted: URLSearchParams }) {
  const select = (name: string, label: string, options: { id: string; label: string }[]) => (
    <Select label={label} value={query.get(name) ?? 'all'} options={withOwn(options, query.get(name), 'another')} onChange={(v) => filterTo(name, v)} />
  );
  const me = who.value?.user?.name;
  const by = query.get('created_by');
  return (
    <>
      {query.get('vmid') && <button type="button" class="button small" data-tip="Show those of every machine" onClick={() => filterTo('vmid', 'all')}>of number {query.get('vmid')} <Icon name="x" size={14} /></button>}
      {select('status', 'Result', statusOptions)}
      {select('type', 'Kind', typeOptions)}
      {select('server_id', 'Server', [{ id: 'all', label: 'All servers' }, ...((isRestricted() ? assignedServers.value : servers.value) ?? []).map((s) => ({ id: s.id, label: s.name ?? s.id }))])}
      {targets.value.length > 0 && select('target_id', 'Target', [{ id: 'all', label: 'All targets' }, ...targets.value.map((t) => ({ id: t.id, label: own(t.name ?? t.id) }))])}
      {HAS_PERSON && me && <Select label="Person" value={by ?? 'all'} options={withOwn([{ id: 'all', label: 'Everybody' }, { id: me, label: 'Me' }], by, by ?? '')} onChange={(v) => filterTo('created_by', v)} />}
      {select('since', 'Time', spanOptions)}
    </>
  );
}

const HAS_PERSON = false;
