// work-filters: what narrows the history of operations, kept in the address.

import { under } from '../link/base';
import { go, href, route } from '../link/route';
import { assignedServers, isRestricted } from '../state/assigned';
import { useAsk } from '../state/ask';
import { csvPath, SPANS } from '../state/deedfilter';
import { servers } from '../state/fleet';
import { own } from '../state/own';
import { targets } from '../state/targets';
import { may, toast, who } from '../state/store';
import { Select } from '../parts/form';
import { Icon } from '../parts/icon';
import { saveAs } from './work-save';

const statusOptions = [
  { id: 'all', label: 'Every result' }, { id: 'active', label: 'Under way' }, { id: 'completed', label: 'Completed' },
  { id: 'failed', label: 'Failed' }, { id: 'cancelled', label: 'Cancelled' },
];
const typeOptions = [
  { id: 'all', label: 'Every kind' }, { id: 'vm_power', label: 'Power' }, { id: 'service_restart', label: 'Restarts of services' }, { id: 'service_status', label: 'Status of services' },
  { id: 'logs', label: 'Journals' }, { id: 'ssh_test', label: 'SSH tests' }, { id: 'command', label: 'Commands' }, { id: 'batch', label: 'Batches' }, { id: 'health_check', label: 'Checks' }, { id: 'import', label: 'Imports' },
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

export function Filters({ query, wanted, total }: { query: URLSearchParams; wanted: URLSearchParams; total: number }) {
  const select = (name: string, label: string, options: { id: string; label: string }[]) => (
    <Select label={label} value={query.get(name) ?? 'all'} options={withOwn(options, query.get(name), 'another')} onChange={(v) => filterTo(name, v)} />
  );
  return (
    <>
      {query.get('vmid') && <button type="button" class="button small" data-tip="Show those of every machine" onClick={() => filterTo('vmid', 'all')}>of number {query.get('vmid')} <Icon name="x" size={14} /></button>}
      {select('status', 'Result', statusOptions)}
      {select('type', 'Kind', typeOptions)}
      {select('server_id', 'Server', [{ id: 'all', label: 'All servers' }, ...((isRestricted() ? assignedServers.value : servers.value) ?? []).map((s) => ({ id: s.id, label: s.name ?? s.id }))])}
      {targets.value.length > 0 && select('target_id', 'Target', [{ id: 'all', label: 'All targets' }, ...targets.value.map((t) => ({ id: t.id, label: own(t.name ?? t.id) }))])}
      {may('admin') ? <PersonOfAll of={query.get('created_by')} /> : <Person of={query.get('created_by')} names={[]} />}
      {select('since', 'Time', spanOptions)}
      <button type="button" class="button small" disabled={total === 0} data-tip="Everything that matches, as a file for a spreadsheet" onClick={() => void saveCsv(csvPath(wanted))}><Icon name="download" size={14} /> CSV</button>
    </>
  );
}

/** Who may see people chooses among them; others between everybody and themselves. */
function PersonOfAll({ of }: { of: string | null }) {
  const people = useAsk<{ users: { name: string }[] }>('api/v1/users');
  return <Person of={of} names={(people.value.value?.users ?? []).map((u) => u.name)} />;
}

function Person({ of, names }: { of: string | null; names: string[] }) {
  const me = who.value?.user?.name;
  const options = [{ id: 'all', label: 'Everybody' }, ...(me ? [{ id: me, label: 'Me' }] : []), ...names.filter((name) => name !== me).map((name) => ({ id: name, label: own(name) }))];
  return <Select label="Person" value={of ?? 'all'} options={withOwn(options, of, of ?? '')} onChange={(v) => filterTo('created_by', v)} />;
}

const TOO_MANY = 413;

async function saveCsv(path: string): Promise<void> {
  const answer = await fetch(under(path), { credentials: 'same-origin', cache: 'no-store' }).catch(() => null);
  if (!answer?.ok) {
    toast('error', answer?.status === TOO_MANY ? 'These are more than 20,000 operations, the most of one file. Narrow the list, by time for example.'
      : answer ? `The file was refused: the server answered ${answer.status}.` : 'The server did not answer. Try again in a moment.', { forMs: 10_000 });
    return;
  }
  saveAs('operations.csv', await answer.blob());
}
