import { useState } from 'preact/hooks';
import { api } from '../link/api';
import { href } from '../link/route';
import type { User } from '../model.gen';
import { useAsk } from '../state/ask';
import { act, may, toast, who } from '../state/store';
import { Answer } from '../parts/asked';
import { Dialog } from '../parts/dialog';
import { Choice, Field, Select, Strength, useSend } from '../parts/form';
import { PASSWORD_MIN, strength } from '../state/strength';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import { Failure, Forbidden, Panel } from '../parts/panel';
import { openRowMenu, type RowAct, type RowMenu } from '../parts/rowmenu';
import { Table, type Column } from '../parts/table';
import { AssignedSheet } from './settings-assigned';

type Role = 'viewer' | 'manager' | 'admin';
type Row = User & { id: string; name: string; role: Role };

const roles: { id: Role; label: string; words: string }[] = [
  { id: 'viewer', label: 'viewer', words: 'Viewer: sees' },
  { id: 'manager', label: 'manager', words: 'Manager: sees and acts' },
  { id: 'admin', label: 'admin', words: 'Admin: also people, settings and diagnostics' },
];

const path = (u: Row) => `api/v1/users/${encodeURIComponent(u.id)}`;

export function Users() {
  if (!may('admin')) return <Panel title="Users" icon="users"><Forbidden what="Seeing users" role="admin" /></Panel>;
  return <UserList />;
}

function UserList() {
  const asked = useAsk<{ users: Row[] }>('api/v1/users');
  const [isAdding, add] = useState(false);
  const [dropping, drop] = useState<Row | null>(null);
  const [resetting, reset] = useState<Row | null>(null);
  const [assigning, assign] = useState<Row | null>(null);
  const me = who.value?.user?.id;

  const change = async (u: Row, body: Partial<Pick<Row, 'role' | 'disabled'>>, done: string, undo?: () => void) => {
    await act(() => api('PATCH', path(u), body), done, undo);
    await asked.again(); // also after a refusal: the list shows what is true
  };
  const setRole = (u: Row, role: Role) =>
    void change(u, { role }, `${u.name} is now ${role}`, () => void change(u, { role: u.role }, `${u.name} is ${u.role} again`));
  const disable = (u: Row) =>
    void change(u, { disabled: true }, `${u.name} is disabled and logged out`, () => enable(u));
  const enable = (u: Row) => void change(u, { disabled: false }, `${u.name} may log in again`);

  const actsOf = (u: Row): RowAct[] => [
    ...(u.role === 'viewer' ? [{ label: 'Assigned machines', icon: 'boxes' as const, run: () => assign(u) }] : []),
    { label: 'Set a new password', icon: 'lock', run: () => reset(u) },
    u.disabled ? { label: 'Enable', icon: 'check', run: () => enable(u) } : { label: 'Disable', icon: 'x', run: () => disable(u) },
    { label: 'Delete', icon: 'trash-2', run: () => drop(u) },
  ];

  const menuOf = (u: Row): RowMenu => ({ title: u.name, record: u, path: href('api/v1/users'), acts: u.id === me ? [] : actsOf(u) });

  const columns: Column<Row>[] = [
    { id: 'name', head: 'User', sort: (u) => u.name, cell: (u) => (
      <>
        <span class="cell-name">{u.name}</span>{' '}
        {u.id === me ? <span class="badge ok">you</span> : u.disabled && <span class="badge warn">disabled</span>}
        {u.is_restricted && <span class="kept dim" data-tip="Sees the machines assigned to them and nothing else">assigned</span>}
      </>
    ) },
    { id: 'role', head: 'Role', sort: (u) => roles.findIndex((r) => r.id === u.role), cell: (u) => u.id === me
      ? <span data-tip="Nobody changes their own role">{u.role}</span>
      : <Select label={`Role of ${u.name}`} value={u.role} options={roles.map((r) => ({ id: r.id, label: r.label }))} onChange={(role) => setRole(u, role as Role)} /> },
    { id: 'sees', head: 'Sees', minor: 2, tip: 'Viewers can be kept to the machines assigned to them', sort: (u) => (u.is_restricted ? 1 : 0), cell: (u) => u.role === 'viewer'
      ? <button type="button" class="link" aria-haspopup="dialog" data-tip={`What ${u.name} may see and do`} onClick={() => assign(u)}><span class="visually-hidden">{u.name} sees </span>{u.is_restricted ? 'assigned machines' : 'everything'}</button>
      : <span class="dim">everything</span> },
    { id: 'last', head: 'Last login', sort: (u) => u.last_login_at, cell: (u) => <Ago at={u.last_login_at} /> },
    { id: 'created', head: 'Added', minor: 2, sort: (u) => u.created_at, cell: (u) => <Ago at={u.created_at} none="–" /> },
    { id: 'act', head: 'Act', isSilent: true, isNumber: true, cell: (u) => u.id === me ? null : (
      <button type="button" class="button icon-only small quiet" aria-haspopup="menu" aria-label={`Actions for ${u.name}`}
        onClick={(e) => openRowMenu(menuOf(u), e)}><Icon name="ellipsis" /></button>
    ) },
  ];
  return (
    <Panel title="Users" icon="users" aside={<button type="button" class="button small" onClick={() => add(true)}><Icon name="plus" size={14} /> Add user</button>}>
      <p class="panel-body dim">Viewers see, managers also act, admins also change people and settings. A viewer can be kept to single machines, and may then do with each what you allow.</p>
      <Answer of={asked}>{(v) => <Table label="Users" columns={columns} rows={v.users} keyOf={(u) => u.id} sort="name" menu={menuOf} />}</Answer>
      {isAdding && <AddUser onClose={() => add(false)} onDone={() => { add(false); void asked.again(); }} />}
      {resetting && <NewPassword user={resetting} onClose={() => reset(null)} />}
      {assigning && <AssignedSheet user={assigning} onClose={() => assign(null)} onChanged={asked.again} />}
      {dropping && <DeleteUser user={dropping} onClose={() => drop(null)} onDone={() => { drop(null); void asked.again(); }} />}
    </Panel>
  );
}

function AddUser({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [username, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const { error, isBusy, send, field } = useSend();

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    await send(async () => {
      await api('POST', 'api/v1/users', { username: username.trim(), password, role });
      toast('ok', `${username.trim()} may log in now`);
      onDone();
    });
  }

  return (
    <Dialog title="Add user" onClose={onClose}>
      <form onSubmit={(e) => void submit(e)} noValidate>
        <Field label="User name" name="username" value={username} onInput={setName} autofocus error={field('username')} maxLength={63} hint="Letters, digits and . _ - @" />
        <Field label="First password" name="password" type="password" value={password} onInput={setPassword} autocomplete="new-password" error={field('password')}
          hint={`${PASSWORD_MIN} to 128 characters. Tell it to them; they can change it under Settings.`}>
          <Strength password={password} userName={username} />
        </Field>
        <div class="field">
          <span class="field-label">Role</span>
          <div><Choice label="Role" value={role} options={roles} onChange={setRole} /></div>
          <p class="field-hint">{roles.find((r) => r.id === role)!.words}</p>
        </div>
        {error && !field('username') && !field('password') && <Failure error={error} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="button primary" disabled={isBusy || username.trim() === '' || strength(password, username).score < 1}>{isBusy ? 'Adding…' : 'Add user'}</button>
        </div>
      </form>
    </Dialog>
  );
}

function NewPassword({ user, onClose }: { user: Row; onClose: () => void }) {
  const [password, setPassword] = useState('');
  const { error, send, field } = useSend();

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    await send(async () => {
      await api('PATCH', path(user), { password });
      toast('ok', `${user.name} has a new password; their sessions are ended`);
      onClose();
    });
  }

  return (
    <Dialog title={`New password for ${user.name}`} class="narrow" onClose={onClose}>
      <form onSubmit={(e) => void submit(e)} noValidate>
        <Field label="New password" name="password" type="password" value={password} onInput={setPassword} autocomplete="new-password" autofocus
          error={field('password')}>
          <Strength password={password} userName={user.name} />
        </Field>
        {error && !field('password') && <Failure error={error} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="button primary" disabled={strength(password, user.name).score < 1}>Set password</button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteUser({ user, onClose, onDone }: { user: Row; onClose: () => void; onDone: () => void }) {
  const [typed, type] = useState('');
  return (
    <Dialog title={`Delete ${user.name}?`} class="narrow" onClose={onClose}>
      <form onSubmit={(e) => {
        e.preventDefault();
        void act(() => api('DELETE', path(user)), `${user.name} is deleted`).then(onDone);
      }}>
        <p>Their sessions and keys end at once. What they did stays in the audit. To keep the account but lock it, disable it instead.</p>
        <Field label={`Type ${user.name} to confirm`} name="confirm" value={typed} onInput={type} autofocus />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Keep</button>
          <button type="submit" class="button primary danger" disabled={typed !== user.name}>Delete</button>
        </div>
      </form>
    </Dialog>
  );
}
