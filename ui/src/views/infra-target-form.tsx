// infra-target-form: adding and editing a machine that is acted on over SSH.

import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { own } from '../state/own';
import { may, toast } from '../state/store';
import { bodyOf, changesOf, fieldSays, formOf, judge, KEY_BYTES_MAX, needsSecret, splitLogin, tidy, type AuthKind, type Errors, type Platform, type TargetForm as Form } from '../state/targetform';
import { displayOf, targetOf, targets, type Target } from '../state/targets';
import { jumpChoices } from '../state/targetwords';
import { Dialog } from '../parts/dialog';
import { Choice, Field, Switch } from '../parts/form';
import { Icon } from '../parts/icon';
import { Failure, said } from '../parts/panel';
import { open, pathOf } from './infra-target-acts';

const FIELDS = ['name', 'host', 'port', 'username', 'auth.password', 'auth.private_key', 'auth.passphrase', 'jump_id', 'service', 'sudo', 'custom.command', 'custom.success', 'custom.failure', 'custom.prompt', 'tags', 'site', 'notes'];

const without = (errors: Errors, names: string[]): Errors => Object.fromEntries(Object.entries(errors).filter(([name]) => !names.includes(name)));

function focus(name: string): void {
  // After the sentence stands below it, so that readers hear both.
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`.target-form [name="${name}"]`)?.focus());
}

interface PartProps {
  form: Form;
  errors: Errors;
  set: (change: Partial<Form>, ...names: string[]) => void;
}

export function TargetForm({ target, onClose }: { target: Target | null; onClose: () => void }) {
  const [was] = useState(() => formOf(target));
  const [form, setForm] = useState(was);
  const [errors, setErrors] = useState<Errors>({});
  const [failure, fail] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const isSudoChosen = useRef(target !== null);
  const isNew = target === null;
  const before = isNew ? null : was;

  function set(change: Partial<Form>, ...names: string[]): void {
    if (change.sudo !== undefined) isSudoChosen.current = true;
    setForm((f) => {
      const next = { ...f, ...change };
      if (change.username !== undefined && !isSudoChosen.current) next.sudo = change.username.trim() !== 'root'; // root needs none
      return next;
    });
    setErrors((e) => without(e, names));
    fail(null);
  }

  function split(text: string): void {
    const { host, port, username } = splitLogin(text);
    set({ host, ...(port === null ? {} : { port }), ...(username === null ? {} : { username }) }, 'host', 'port', 'username');
  }

  /** True when nothing is wrong; else the first wrong field has the focus. */
  function stands(found: Errors): boolean {
    setErrors(found);
    const first = FIELDS.find((name) => found[name]);
    if (first) focus(first);
    return !first;
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const now = tidy(form);
    if (isBusy || !stands(judge(now, before))) return;
    setForm(now);
    setBusy(true);
    fail(null);
    try {
      const kept = isNew ? await api<Target>('POST', 'api/v1/targets', bodyOf(now)) : await api<Target>('PATCH', pathOf(target), changesOf(now, was));
      toast('ok', isNew ? `${own(now.name.trim())} was added` : `${own(now.name.trim())} is saved`);
      onClose(); // and with this dialog the secret leaves the page
      if (isNew && now.isActive) open.value = { kind: 'test', id: kept.id }; // its host key is to be looked at
    } catch (cause) {
      setBusy(false);
      if (!(cause instanceof ApiError)) throw cause;
      if (cause.field && FIELDS.includes(cause.field)) stands({ [cause.field]: fieldSays(cause.field, cause.message) });
      else fail(cause);
    }
  }

  const part = { form, errors, set };
  return (
    <Dialog title={isNew ? 'Add a target' : `Edit ${own(displayOf(target).name)}`} class="server-form target-form" onClose={onClose} holds>
      <form onSubmit={(e) => void submit(e)} noValidate>
        <Field label="Name" name="name" value={form.name} onInput={(name) => set({ name }, 'name')} autofocus maxLength={100} error={errors.name ?? null} hint="What people call it." />
        <div class="host-port">
          <Field label="Host" name="host" value={form.host} onInput={(host) => set({ host }, 'host')} error={errors.host ?? null} maxLength={300} mono
            hint={<>A name or an address; <code>ssh -p 2222 root@web3</code> is split.</>} onBlur={() => split(form.host)} onPaste={(e) => paste(e, split)} />
          <Field label="Port" name="port" value={form.port} onInput={(port) => set({ port }, 'port')} inputMode="numeric" error={errors.port ?? null} maxLength={5} mono />
        </div>
        <Field label="Account" name="username" value={form.username} onInput={(username) => set({ username }, 'username')} error={errors.username ?? null} maxLength={63} mono
          hint="Who Binnacle logs in as. One of its own, such as binnacle, can be allowed exactly what it needs." />
        <Login {...part} was={before} />
        <Jump {...part} id={target?.id} />
        <What {...part} />
        <Switch label="Active" name="is_active" value={form.isActive} onChange={(isActive) => set({ isActive })}>
          {form.isActive ? 'Operations may be started on it.' : 'It stays in the list; no operation starts on it, and no terminal opens.'}
        </Switch>
        <details class="form-more" open={Boolean(errors.tags ?? errors.site ?? errors.notes) || undefined}>
          <summary>Tags, site and notes</summary>
          <div class="form-more-body">
            <Field label="Tags" name="tags" value={form.tags} onInput={(tags) => set({ tags }, 'tags')} maxLength={127} error={errors.tags ?? null} hint="Words separated by commas: prod, edge" />
            <Field label="Site" name="site" value={form.site} onInput={(site) => set({ site }, 'site')} maxLength={63} error={errors.site ?? null} hint="Where it stands: rack2, Frankfurt" />
            <Field label="Notes" name="notes" value={form.notes} onInput={(notes) => set({ notes }, 'notes')} maxLength={255} error={errors.notes ?? null} />
          </div>
        </details>
        {failure && <Failure error={failure} />}
        <div class="dialog-foot">
          {isNew && <p class="dim foot-first">It is tested then, and you confirm its host key.</p>}
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="button primary" disabled={isBusy}>{isNew ? (isBusy ? 'Adding…' : 'Add and test') : isBusy ? 'Saving…' : 'Save'}</button>
        </div>
      </form>
    </Dialog>
  );
}

function paste(event: ClipboardEvent, take: (text: string) => void): void {
  const text = event.clipboardData?.getData('text') ?? '';
  const box = event.currentTarget as HTMLInputElement;
  const isWhole = box.value === '' || (box.selectionStart === 0 && box.selectionEnd === box.value.length);
  if (!isWhole || splitLogin(text).host === text) return;
  event.preventDefault();
  take(text);
}

const KINDS = [{ id: 'key', label: 'Private key' }, { id: 'password', label: 'Password' }] as const;

function Login({ form, errors, set, was }: PartProps & { was: Form | null }) {
  const needs = needsSecret(form, was);
  const isEdit = was !== null;
  return (
    <div class="stack login-part">
      <div class="field">
        <span class="field-label">Log in with</span>
        <Choice<AuthKind> label="Log in with" value={form.kind} options={KINDS} onChange={(kind) => set({ kind }, 'auth.password', 'auth.private_key', 'auth.passphrase')} />
      </div>
      {form.kind === 'password' ? (
        <Field label="Password" name="auth.password" type="password" autocomplete="new-password" value={form.password} onInput={(password) => set({ password }, 'auth.password')} maxLength={128} mono
          error={errors['auth.password'] ?? null}
          hint={!isEdit ? 'It is stored encrypted and never shown again.' : needs ? 'It must be entered again: the stored one would be sent somewhere else.' : 'Left empty, the stored one stays.'} />
      ) : (
        <>
          <KeyText value={form.privateKey} onInput={(privateKey) => set({ privateKey }, 'auth.private_key')} error={errors['auth.private_key'] ?? null}
            hint={isEdit && !needs ? 'Left empty, the stored one stays.' : <>The private half, OpenSSH's format or PEM; a new one: <code>ssh-keygen -t ed25519</code>. It is stored encrypted and never shown again.</>} />
          <Field label="Passphrase of the key" name="auth.passphrase" type="password" secret="passphrase" autocomplete="new-password" value={form.passphrase} onInput={(passphrase) => set({ passphrase }, 'auth.passphrase')} maxLength={128} mono
            error={errors['auth.passphrase'] ?? null} hint="Only where the key has one." />
        </>
      )}
    </div>
  );
}

/** A key as a file or as its text. */
function KeyText({ value, onInput, error, hint }: { value: string; onInput: (text: string) => void; error: string | null; hint: ComponentChildren }) {
  const id = useId();
  const file = useRef<HTMLInputElement>(null);
  const take = async (chosen: File | undefined) => {
    // One byte more than allowed is enough to be refused with the reason.
    if (chosen) onInput(await chosen.slice(0, KEY_BYTES_MAX + 1).text());
  };
  return (
    <div class={`field key-text ${error ? 'has-error' : ''}`}>
      <label for={id}>Private key</label>
      <textarea id={id} name="auth.private_key" class="mono" rows={4} value={value} spellcheck={false} autocapitalize="none" autocomplete="off" placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
        aria-invalid={error ? true : undefined} aria-describedby={`${id}-hint${error ? ` ${id}-error` : ''}`} onInput={(e) => onInput(e.currentTarget.value)}
        onDragOver={(e) => e.preventDefault()} onDrop={(e) => {
          if (!e.dataTransfer?.files.length) return;
          e.preventDefault();
          void take(e.dataTransfer.files[0]);
        }} />
      <div class="row">
        <button type="button" class="button small" onClick={() => file.current!.click()}><Icon name="upload" size={14} /> Choose a file</button>
        <input ref={file} type="file" hidden aria-label="File of the private key" onChange={(e) => {
          void take(e.currentTarget.files?.[0]);
          e.currentTarget.value = '';
        }} />
      </div>
      <p class="field-hint" id={`${id}-hint`}>{hint}</p>
      {error && <p class="field-error" id={`${id}-error`}><Icon name="circle-alert" size={14} /> {said(error)}</p>}
    </div>
  );
}

function Jump({ form, errors, set, id }: PartProps & { id: string | undefined }) {
  const field = useId();
  const all = jumpChoices(targets.value, id, targetOf);
  const error = errors.jump_id;
  return (
    <div class={`field ${error ? 'has-error' : ''}`}>
      <label for={field}>Reached</label>
      <span class="select">
        <select id={field} name="jump_id" value={form.jumpId} aria-describedby={`${field}-hint`} onChange={(e) => set({ jumpId: e.currentTarget.value }, 'jump_id')}>
          <option value="">directly</option>
          {all.map((t) => <option key={t.id} value={t.id}>through {displayOf(t).name} ({displayOf(t).place})</option>)}
        </select>
        <Icon name="chevron-down" size={14} />
      </span>
      <p class="field-hint" id={`${field}-hint`}>{form.jumpId ? 'The jump host looks the name up and calls it; it sees no password and no key.' : 'Another target can be the jump host, three in a row at most.'}</p>
      {error && <p class="field-error"><Icon name="circle-alert" size={14} /> {said(error)}</p>}
    </div>
  );
}

const platforms = (isAdmin: boolean, is: Platform): { id: Platform; label: string }[] => [
  { id: 'systemd', label: 'systemd' }, { id: 'vos', label: 'Cisco Voice OS' }, ...(isAdmin || is === 'custom' ? [{ id: 'custom' as const, label: 'Custom' }] : []),
];

const about: Record<Platform, string> = {
  systemd: 'Linux: services are restarted with systemctl, and watched until they stand.',
  vos: 'Unified Communications Manager and its like: its own dialogue, utils service restart.',
  custom: 'A command you write. It runs as it stands, with the rights of the account.',
};

/** What a restart means on it. */
function What({ form, errors, set }: PartProps) {
  const isAdmin = may('admin');
  return (
    <div class="stack what-part">
      <div class="field">
        <span class="field-label">Platform</span>
        <Choice<Platform> label="Platform" value={form.platform} options={platforms(isAdmin, form.platform)} onChange={(platform) => set({ platform }, 'service', 'custom.command')} />
        <p class="field-hint">{about[form.platform]}{!isAdmin && form.platform !== 'custom' && ' A command of one\'s own needs the role admin.'}</p>
      </div>
      {form.platform !== 'custom' && (
        <Field label="Service" name="service" value={form.service} onInput={(service) => set({ service }, 'service')} maxLength={127} mono error={errors.service ?? null}
          placeholder={form.platform === 'vos' ? 'Cisco Tomcat' : 'nginx.service'} hint="What Restart restarts. Others can be named each time." />
      )}
      {form.platform === 'systemd' && (
        <Switch label="Restart with sudo" name="sudo" value={form.sudo} onChange={(sudo) => set({ sudo })}>
          {form.sudo ? <>It runs <code>sudo -n systemctl restart {form.service.trim() || 'SERVICE'}</code>. The account needs this line, written with visudo: <code>{form.username.trim() || 'binnacle'} ALL=(root) NOPASSWD: /usr/bin/systemctl restart {form.service.trim() || 'SERVICE'}</code></> : 'For root, and where systemd lets the account restart its services.'}
        </Switch>
      )}
      {isAdmin && form.platform !== 'vos' && (
        <Switch label="Own commands" name="allows_commands" value={form.allowsCommands} onChange={(allowsCommands) => set({ allowsCommands })}>
          {form.allowsCommands ? 'Administrators may run whatever they write, as this account. Everybody who sees operations reads the command and what it says.' : 'Nothing runs on it but what is listed here.'}
        </Switch>
      )}
      {form.platform === 'custom' && (
        <fieldset class="custom-part" disabled={!isAdmin}>
          <legend class="visually-hidden">Custom command</legend>
          {!isAdmin && <p class="note"><Icon name="lock" /> Only administrators write what runs on a machine.</p>}
          <Field label="Command" name="custom.command" value={form.command} onInput={(command) => set({ command }, 'custom.command')} maxLength={511} mono error={errors['custom.command'] ?? null} placeholder="/etc/init.d/web restart" />
          <Field label="It went well when it says" name="custom.success" value={form.success} onInput={(success) => set({ success }, 'custom.success')} maxLength={127} mono error={errors['custom.success'] ?? null} hint="Left empty: when its exit status is 0." />
          <Field label="It failed when it says" name="custom.failure" value={form.failure} onInput={(failure) => set({ failure }, 'custom.failure')} maxLength={127} mono error={errors['custom.failure'] ?? null} />
          <Field label="Typed after the prompt" name="custom.prompt" value={form.prompt} onInput={(prompt) => set({ prompt }, 'custom.prompt')} maxLength={63} mono error={errors['custom.prompt'] ?? null} placeholder="admin:" hint="For machines with a dialogue instead of a shell. Left empty, the command is executed." />
        </fieldset>
      )}
    </div>
  );
}
