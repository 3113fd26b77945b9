// settings-assigned: what one person may see and do with single guests, for administrators.

import { useMemo, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import type { Assignment, Vm } from '../model.gen';
import { useAsk } from '../state/ask';
import { isIncluded, OFFERED, permissionsOf, withPermission, type Permission } from '../state/assignments';
import { serverOf, servers, useTopic } from '../state/fleet';
import { statusWord } from '../state/guests';
import { Index, wordsOf } from '../state/search';
import { Answer } from '../parts/asked';
import { Dialog } from '../parts/dialog';
import { Field, Switch } from '../parts/form';
import { Icon } from '../parts/icon';
import { Empty, Failure } from '../parts/panel';

type Row = Assignment & { id: string; server_id: string; vmid: number; permissions: string };
type Guest = Vm & { id: string };

interface Person {
  id: string;
  name: string;
  is_restricted?: boolean;
}

interface SheetProps {
  user: Person;
  onClose: () => void;
  onChanged: () => Promise<void>; // the list of people is to be asked again
}

const SHOWN = 6; // found at once; more words find fewer

const words: Record<Permission, string> = {
  view: 'See its state and charts', console_view: 'Look into its console without typing', console: 'Open its console', start: 'Start and resume', stop: 'Shut down, stop and suspend', restart: 'Reboot and reset',
};

interface Removed {
  row: Row;
  name: string;
}

const placeOf = (of: { server_id?: string; vmid?: number }) => `${of.vmid} on ${serverOf(of.server_id ?? '')?.name ?? 'a server that is gone'}`;
const guestId = (row: Row) => `${row.server_id}/${row.vmid}`;

export function AssignedSheet({ user, onClose, onChanged }: SheetProps) {
  const path = `api/v1/users/${encodeURIComponent(user.id)}`;
  const asked = useAsk<{ assignments: Row[] }>(`${path}/assignments`);
  const topic = useTopic('infra.vms');
  const vms = (topic.value.value as { vms?: Record<string, Vm> } | undefined)?.vms ?? {};
  const [error, setError] = useState<ApiError | null>(null);
  const [isOnly, setOnly] = useState(user.is_restricted === true);
  const [removed, setRemoved] = useState<Removed | null>(null);
  const [wanted, setWanted] = useState<Record<string, string>>({}); // said and not answered yet
  const search = useRef<HTMLDivElement>(null);
  const queue = useRef<Promise<unknown>>(Promise.resolve());

  const nameOf = (row: Row) => `${vms[guestId(row)]?.name || 'guest'} (${placeOf(row)})`;

  /** One after the other, so that two ticks in a row do not undo each other. */
  function say(run: () => Promise<unknown>): Promise<boolean> {
    const done = queue.current.then(async () => {
      try {
        await run();
        setError(null);
        return true;
      } catch (cause) {
        if (!(cause instanceof ApiError)) throw cause;
        setError(cause);
        return false;
      }
    });
    queue.current = done;
    return done.finally(() => asked.again());
  }

  const put = (server_id: string, vmid: number, permissions: string) =>
    say(() => api('POST', `${path}/assignments`, { server_id, vmid, permissions }));

  async function restrict(is: boolean): Promise<void> {
    setOnly(is);
    if (await say(() => api('PATCH', path, { is_restricted: is }))) await onChanged();
    else setOnly(!is);
  }

  async function change(row: Row, permissions: string): Promise<void> {
    setWanted((all) => ({ ...all, [row.id]: permissions }));
    await put(row.server_id, row.vmid, permissions);
    setWanted(({ [row.id]: mine, ...rest }) => (mine === undefined || mine === permissions ? rest : { ...rest, [row.id]: mine }));
  }

  async function remove(row: Row): Promise<void> {
    const name = nameOf(row);
    if (!await say(() => api('DELETE', `${path}/assignments/${encodeURIComponent(row.server_id)}/${row.vmid}`))) return;
    setRemoved({ row, name });
    search.current?.querySelector('input')?.focus();
  }

  async function add(vm: Guest, permissions: string): Promise<void> {
    setRemoved(null);
    await put(vm.server_id ?? '', vm.vmid ?? 0, permissions);
  }

  const rows = asked.value.value?.assignments ?? [];
  const taken = new Set(rows.map(guestId));
  return (
    <Dialog title={`Machines of ${user.name}`} class="assigned-sheet" onClose={onClose} holds>
      <div class="assigned">
        <Switch label="Only machines assigned to them" name="is_restricted" value={isOnly} onChange={(is) => void restrict(is)}>
          {isOnly ? `${user.name} sees the machines below and nothing else: no servers, no other machines, not this machine.`
            : `${user.name} sees everything, as every viewer does. The machines below add what ${user.name} may do with them.`}
        </Switch>
        {error && <Failure error={error} />}
        <div ref={search}><Finder vms={vms} taken={taken} isLoading={topic.phase.value === 'loading'} onAdd={add} /></div>
        <section aria-label="Assigned machines">
          <h3>Assigned{rows.length > 0 && <> <span class="badge quiet num" data-tip="Machines assigned to this person">{rows.length}</span></>}</h3>
          <p class="assigned-removed" role="status">
            {removed && <><span>{removed.name} is no longer assigned.</span> <button type="button" class="button small" onClick={() => {
              const { row } = removed;
              setRemoved(null);
              void put(row.server_id, row.vmid, row.permissions);
            }}><Icon name="undo" size={14} /> Undo</button></>}
          </p>
          <Answer of={asked} lines={3}>{() => rows.length === 0 ? (
            <Empty icon="boxes" title="Nothing is assigned yet">
              {isOnly ? `${user.name} sees an empty list until you add a machine above.` : 'Find a machine above to let this viewer start, stop or restart it.'}
            </Empty>
          ) : (
            <ul class="assigned-list">
              {rows.map((row) => {
                const vm = vms[guestId(row)];
                const permissions = wanted[row.id] ?? row.permissions;
                return (
                  <li key={row.id} data-assigned={guestId(row)}>
                    <div class="assigned-what">
                      <strong>{vm?.name || `Guest ${row.vmid}`}</strong>{' '}
                      <span class="dim">{placeOf(row)}{vm ? `, ${statusWord(vm)}` : ', not listed now'}</span>
                    </div>
                    <button type="button" class="button icon-only small quiet" aria-label={`Take away ${nameOf(row)}`} data-tip="Take it away" onClick={() => void remove(row)}><Icon name="x" size={14} /></button>
                    <Permissions label={`What ${user.name} may do with ${nameOf(row)}`} value={permissions} onChange={(v) => void change(row, v)} />
                  </li>
                );
              })}
            </ul>
          )}</Answer>
        </section>
        <div class="dialog-foot"><button type="button" class="button" onClick={onClose}>Done</button></div>
      </div>
    </Dialog>
  );
}

function Permissions({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const has = permissionsOf(value);
  return (
    <div class="assigned-may" role="group" aria-label={label}>
      {OFFERED.map((p) => (
        <label key={p} data-tip={p === 'view' ? `${words.view}; part of every assignment` : isIncluded(p, has) ? `${words[p]}; part of console` : words[p]}>
          <input type="checkbox" name={p} checked={has.has(p) || isIncluded(p, has)} disabled={isIncluded(p, has)} onChange={(e) => onChange(withPermission(value, p, e.currentTarget.checked))} /> {p === 'console_view' ? 'look' : p}
        </label>
      ))}
    </div>
  );
}

interface FinderProps {
  vms: Record<string, Vm>;
  taken: Set<string>;
  isLoading: boolean;
  onAdd: (vm: Guest, permissions: string) => Promise<void>;
}

function Finder({ vms, taken, isLoading, onAdd }: FinderProps) {
  const [text, setText] = useState('');
  const [permissions, setPermissions] = useState('view,console');
  const ids = Object.keys(vms).length;
  const named = useMemo(() => new Map((servers.value ?? []).map((s) => [s.id, s.name ?? ''])), [servers.value]);
  // Not anew with every number that changes: only when guests come or go.
  const index = useMemo(() => new Index(Object.keys(vms).filter((id) => !vms[id]!.template), (id) => {
    const vm = vms[id]!;
    return { text: vm.name ?? '', rest: `${vm.vmid} ${named.get(vm.server_id ?? '') ?? ''} ${vm.node ?? ''} ${(vm.tags ?? '').replaceAll(';', ' ')}` };
  }), [ids, named]);
  const asked = wordsOf(text);
  const found = asked.length === 0 ? [] : index.find(asked, SHOWN + 1 + taken.size).map((h) => h.of).filter((id) => vms[id] && !taken.has(id));
  const shown = found.slice(0, SHOWN);

  const choose = (id: string) => {
    setText('');
    void onAdd({ ...vms[id]!, id }, permissions);
  };
  return (
    <section class="assigned-add" aria-label="Assign a machine">
      <form role="search" onSubmit={(e) => {
        e.preventDefault();
        if (shown.length === 1) choose(shown[0]!);
      }}>
        <Field label="Assign a machine" name="machine" value={text} onInput={setText} autofocus placeholder="Name, number or server" hint="Choose what is allowed, then the machine." />
      </form>
      <Permissions label="What is allowed with the machine you add" value={permissions} onChange={setPermissions} />
      <p class="visually-hidden" role="status">{asked.length > 0 && `${found.length > SHOWN ? `More than ${SHOWN}` : found.length} ${found.length === 1 ? 'machine' : 'machines'} found`}</p>
      {asked.length > 0 && (
        <ul class="assigned-found">
          {shown.map((id) => (
            <li key={id}>
              <button type="button" class="button" onClick={() => choose(id)}>
                <Icon name="plus" size={14} /> <span class="visually-hidden">Assign</span> <strong>{vms[id]!.name || `Guest ${vms[id]!.vmid}`}</strong> <span class="dim">{placeOf(vms[id]!)}, {statusWord(vms[id]!)}</span>
              </button>
            </li>
          ))}
          {found.length > SHOWN && <li class="dim">More are found; another word finds fewer.</li>}
          {found.length === 0 && <li class="dim">{isLoading ? 'Machines are being fetched.' : 'No machine is found that is not assigned yet. Templates cannot be assigned.'}</li>}
        </ul>
      )}
    </section>
  );
}
