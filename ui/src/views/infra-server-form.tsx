// infra-server-form: adding and editing a server, with a test of what is typed before it is kept.

import { useState } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import type { ServerRow } from '../state/fleet';
import { bareToken, portProblem, PORT, PVEUM, SHOW_FINGERPRINT, splitHost, TIMEOUT, tokenDoubt, tokenProblem } from '../state/serverform';
import { toast } from '../state/store';
import { own } from '../state/own';
import { Dialog } from '../parts/dialog';
import { Field, Slider, Switch } from '../parts/form';
import { Icon } from '../parts/icon';
import { Failure } from '../parts/panel';
import { pathOf, type Tested } from './infra-server-acts';
import { Command, Fingerprint, TestReport } from './infra-server-test';

interface Form {
  name: string;
  host: string;
  port: string;
  token: string;
  verify: boolean;
  pin: string;    // the certificate that was confirmed, or ""
  pinned: string; // the place it was confirmed for
  vpn: boolean;
  vpnHost: string;
  vpnPort: string;
  timeout: number; // seconds
  failAfter: number;
  isActive: boolean;
  tags: string;
  site: string;
  notes: string;
}

/** Addresses as they are meant, also when Enter came before the field was left. */
function tidy(f: Form): Form {
  const [one, vpn] = [splitHost(f.host), splitHost(f.vpnHost)];
  return { ...f, host: one.host, port: one.port ?? f.port.trim(), vpnHost: vpn.host, vpnPort: vpn.port ?? f.vpnPort.trim() };
}

/** Where it is called. */
const placeOf = (f: Form) => (f.vpn ? `${f.vpnHost}:${f.vpnPort}` : `${f.host}:${f.port}`);

function formOf(s: ServerRow | null): Form {
  const f: Form = {
    name: s?.name ?? '', host: s?.host ?? '', port: String(s?.port ?? PORT), token: '',
    verify: s ? s.verify_ssl !== false && !s.fingerprint : true, pin: s?.fingerprint ?? '', pinned: '',
    vpn: s?.vpn_enabled ?? false, vpnHost: s?.vpn_host ?? '', vpnPort: String(s?.vpn_port ?? PORT),
    timeout: Math.round((s?.connection_timeout_ms ?? TIMEOUT.usual * 1000) / 1000), failAfter: s?.fail_after ?? 1, isActive: s?.is_active ?? true,
    tags: s?.tags ?? '', site: s?.site ?? '', notes: s?.notes ?? '',
  };
  return { ...f, pinned: placeOf(f) };
}

/** The pin, unless it was confirmed for another machine or an authority is to vouch instead. */
const pinOf = (f: Form) => (!f.verify && f.pinned === placeOf(f) ? f.pin : '');

/** What the server is told. */
function bodyOf(f: Form): Record<string, unknown> {
  return {
    name: f.name.trim(), host: f.host, port: Number(f.port), verify_ssl: f.verify, fingerprint: pinOf(f) || null,
    connection_timeout_ms: f.timeout * 1000, fail_after: f.failAfter, is_active: f.isActive,
    vpn_enabled: f.vpn, vpn_host: f.vpnHost, vpn_port: portProblem(f.vpnPort) ? PORT : Number(f.vpnPort),
    tags: f.tags.trim(), site: f.site.trim(), notes: f.notes.trim(),
  };
}

/** The stored token would go to another place: the server then wants it again. */
const isElsewhere = (f: Form, was: Form) => f.host.toLowerCase() !== was.host.toLowerCase() || f.port !== was.port || f.vpn !== was.vpn ||
  (f.vpn && (f.vpnHost.toLowerCase() !== was.vpnHost.toLowerCase() || f.vpnPort !== was.vpnPort));

/** Only what was changed: what somebody else changed meanwhile stays. Another place needs its own trust said. */
function changesOf(f: Form, was: Form): Record<string, unknown> {
  const before = bodyOf(was);
  const said = isElsewhere(f, was) ? ['verify_ssl', 'fingerprint'] : [];
  const changed = Object.entries(bodyOf(f)).filter(([name, value]) => before[name] !== value || said.includes(name));
  return { ...Object.fromEntries(changed), ...(f.token.trim() ? { api_token: bareToken(f.token) } : {}) };
}

type Errors = Partial<Record<string, string>>;

/** What the page can judge before the server is asked. */
function judge(f: Form, needsToken: boolean): Errors {
  const out: Errors = {};
  if (f.name.trim() === '') out.name = 'A name is needed: what people call it.';
  if (f.host === '') out.host = 'A name or an address is needed, like pve1.lan or 192.168.1.10.';
  const token = f.token.trim() === '' && !needsToken ? null : tokenProblem(f.token);
  if (token) out.api_token = token;
  const port = portProblem(f.port);
  if (port) out.port = port;
  if (f.vpn && f.vpnHost === '') out.vpn_host = 'The address by VPN is needed, or switch the VPN off.';
  const vpnPort = portProblem(f.vpnPort);
  if (f.vpn && vpnPort) out.vpn_port = vpnPort;
  return out;
}

const without = (errors: Errors, names: string[]): Errors => Object.fromEntries(Object.entries(errors).filter(([name]) => !names.includes(name)));

export function ServerForm({ server, onClose }: { server: ServerRow | null; onClose: () => void }) {
  const [was] = useState(() => formOf(server));
  const [form, setForm] = useState(was);
  const [errors, setErrors] = useState<Errors>({});
  const [failure, fail] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [tested, setTested] = useState<{ of: Tested; place: string } | null>(null);
  const [isTesting, setTesting] = useState(false);
  const isNew = server === null;

  function set(change: Partial<Form>, ...names: string[]): void {
    setForm((f) => ({ ...f, ...change }));
    setErrors((e) => without(e, names));
    fail(null);
  }

  /** What was pasted or typed as one address becomes host and port. */
  function split(text: string, which: 'host' | 'vpnHost'): void {
    const { host, port } = splitHost(text);
    const isVpn = which === 'vpnHost';
    set({ [which]: host, ...(port === null ? {} : { [isVpn ? 'vpnPort' : 'port']: port }) }, isVpn ? 'vpn_host' : 'host', isVpn ? 'vpn_port' : 'port');
  }

  function refused(cause: unknown): void {
    if (!(cause instanceof ApiError)) throw cause;
    if (cause.field && FIELDS.includes(cause.field)) {
      setErrors({ [cause.field]: cause.message });
      focus(cause.field);
    } else fail(cause);
  }

  /** True when nothing is wrong; else the first wrong field has the focus. */
  function stands(found: Errors): boolean {
    setErrors(found);
    const first = FIELDS.find((name) => found[name]);
    if (first) focus(first);
    return !first;
  }

  const wantsToken = (f: Form) => isNew || isElsewhere(f, was) || pinOf(f) !== pinOf(was) || (was.verify && !f.verify);
  const needsToken = wantsToken(form);

  async function test(typed: Form): Promise<void> {
    const now = tidy(typed);
    const asSaved = !wantsToken(now) && now.token.trim() === '';
    setForm(now);
    if (isTesting || !stands(without(judge(now, !asSaved), ['name']))) return;
    setTesting(true);
    fail(null);
    try {
      const of = asSaved ? await api<Tested>('POST', pathOf(server!, '/test')) : await api<Tested>('POST', 'api/v1/servers/test', {
        host: now.vpn ? now.vpnHost : now.host, port: Number(now.vpn ? now.vpnPort : now.port), api_token: bareToken(now.token),
        verify_ssl: now.verify, fingerprint: pinOf(now) || null, connection_timeout_ms: now.timeout * 1000,
      });
      setTested({ of, place: placeOf(now) });
      requestAnimationFrame(() => document.querySelector('.form-test')?.scrollIntoView({ block: 'nearest' }));
    } catch (cause) {
      setTested(null);
      refused(cause);
    } finally {
      setTesting(false);
    }
  }

  function confirm(fingerprint: string): void {
    const next = { ...form, verify: false, pin: fingerprint, pinned: placeOf(form) };
    setForm(next);
    setErrors((e) => without(e, ['fingerprint', 'verify_ssl']));
    void test(next);
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const now = tidy(form);
    if (isBusy || !stands(judge(now, isNew))) return;
    setForm(now);
    setBusy(true);
    fail(null);
    try {
      if (isNew) await api('POST', 'api/v1/servers', { ...bodyOf(now), api_token: bareToken(now.token) });
      else await api('PATCH', pathOf(server), changesOf(now, was));
      toast('ok', isNew ? `${own(now.name.trim())} was added${now.isActive ? ' and is being checked' : ''}` : `${own(now.name.trim())} is saved`);
      onClose(); // and with this dialog the token leaves the page
    } catch (cause) {
      setBusy(false);
      refused(cause);
    }
  }

  const isStale = tested !== null && tested.place !== placeOf(form);
  const offer = tested && !isStale && !tested.of.success && tested.of.fingerprint && tested.of.fingerprint !== pinOf(form) ? tested.of.fingerprint : null;
  const at = { host: form.vpn ? form.vpnHost : form.host, port: Number(form.vpn ? form.vpnPort : form.port), timeout_s: form.timeout, by_vpn: form.vpn };
  return (
    <Dialog title={isNew ? 'Add a Proxmox VE server' : `Edit ${own(server.name ?? '')}`} class="server-form" onClose={onClose} holds>
      <form onSubmit={(e) => void submit(e)} noValidate>
        <Field label="Name" name="name" value={form.name} onInput={(name) => set({ name }, 'name')} autofocus maxLength={100} error={errors.name ?? null} hint="What people call it." />
        <div class="host-port">
          <Field label="Host" name="host" value={form.host} onInput={(host) => set({ host }, 'host')} error={errors.host ?? null} maxLength={300} mono
            hint="A name or an address; an address copied from the browser is split."
            onBlur={() => split(form.host, 'host')} onPaste={(e) => paste(e, (text) => split(text, 'host'))} />
          <Field label="Port" name="port" value={form.port} onInput={(port) => set({ port }, 'port')} inputMode="numeric" error={errors.port ?? null} maxLength={5} mono />
        </div>
        <Field label="API token" name="api_token" type="password" secret="token" autocomplete="new-password" value={form.token} onInput={(token) => set({ token }, 'api_token')} mono
          error={errors.api_token ?? null} placeholder={isNew ? 'USER@REALM!TOKENID=SECRET' : server.token_hint ?? ''}
          hint={isNew ? <>The form is <code>USER@REALM!TOKENID=SECRET</code>. It is stored encrypted and never shown again.</>
            : needsToken ? 'It must be entered again: the stored one would be sent somewhere else.' : 'Left empty, the stored one stays.'}>
          {tokenDoubt(form.token) && <p class="field-doubt"><Icon name="triangle-alert" size={14} /> {tokenDoubt(form.token)}</p>}
        </Field>
        <HowToToken />
        <Trust form={form} set={set} error={errors.fingerprint ?? errors.verify_ssl ?? null} />
        <Vpn form={form} set={set} split={split} errors={errors} />
        <Slider label="Time limit" name="connection_timeout_ms" value={form.timeout} min={TIMEOUT.min} max={TIMEOUT.max} step={TIMEOUT.step} unit="s"
          onInput={(timeout) => set({ timeout }, 'connection_timeout_ms')} error={errors.connection_timeout_ms ?? null}
          hint={form.vpn ? 'How long an attempt may take. By VPN 30 to 60 s are advised: the first connection after a pause is slow.' : 'How long an attempt may take. In the same network 10 to 15 s are enough.'} />
        <Slider label="Offline after" name="fail_after" value={form.failAfter} min={1} max={10} step={1} unit={form.failAfter === 1 ? 'failure' : 'failures'}
          onInput={(failAfter) => set({ failAfter }, 'fail_after')} error={errors.fail_after ?? null}
          hint={form.failAfter === 1 ? 'The first attempt that fails makes it offline.' : 'So many attempts in a row must fail; meanwhile it is asked every 10 s.'} />
        <Switch label="Enabled" name="is_active" value={form.isActive} onChange={(isActive) => set({ isActive })}>
          {form.isActive ? 'It is checked, and its guests are listed.' : 'It stays in the list, but is not checked and counts nowhere.'}
        </Switch>
        <details class="form-more" open={Boolean(errors.tags ?? errors.site ?? errors.notes) || undefined}>
          <summary>Tags, site and notes</summary>
          <div class="form-more-body">
            <Field label="Tags" name="tags" value={form.tags} onInput={(tags) => set({ tags }, 'tags')} maxLength={127} error={errors.tags ?? null} hint="Words separated by commas: prod, edge" />
            <Field label="Site" name="site" value={form.site} onInput={(site) => set({ site }, 'site')} maxLength={63} error={errors.site ?? null} hint="Where it stands: rack2, Frankfurt" />
            <Field label="Notes" name="notes" value={form.notes} onInput={(notes) => set({ notes }, 'notes')} maxLength={255} error={errors.notes ?? null} />
          </div>
        </details>
        <div class="form-test" aria-live="polite">
          {isTesting && <p class="dim">Connecting to {at.host}…</p>}
          {!isTesting && tested && (isStale
            ? <p class="dim">The last test was of another address.</p>
            : <>
                <TestReport of={tested.of} at={at} />
                {offer && <Confirm fingerprint={offer} was={pinOf(form)} onConfirm={() => confirm(offer)} />}
              </>)}
        </div>
        {failure && <Failure error={failure} />}
        <div class="dialog-foot">
          <button type="button" class="button foot-first" aria-busy={isTesting || undefined} onClick={() => void test(form)}>
            {isTesting ? <Icon name="refresh-cw" /> : <Icon name="activity" />} Test connection
          </button>
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="button primary" disabled={isBusy}>{isNew ? (isBusy ? 'Adding…' : 'Add server') : isBusy ? 'Saving…' : 'Save'}</button>
        </div>
      </form>
    </Dialog>
  );
}

const FIELDS = ['name', 'host', 'port', 'api_token', 'verify_ssl', 'fingerprint', 'vpn_host', 'vpn_port', 'connection_timeout_ms', 'fail_after', 'tags', 'site', 'notes'];

function focus(name: string): void {
  // After the sentence stands below it, so that readers hear both.
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`.server-form [name="${name}"]`)?.focus());
}

function paste(event: ClipboardEvent, take: (text: string) => void): void {
  const text = event.clipboardData?.getData('text') ?? '';
  const box = event.currentTarget as HTMLInputElement;
  const isWhole = box.value === '' || (box.selectionStart === 0 && box.selectionEnd === box.value.length);
  if (!isWhole || splitHost(text).host === text) return;
  event.preventDefault();
  take(text);
}

type Set = (change: Partial<Form>, ...names: string[]) => void;

function HowToToken() {
  return (
    <details class="form-more">
      <summary>How to make a token</summary>
      <div class="form-more-body">
        <p>Paste these lines on the shell of a Proxmox VE node. The last one shows the secret once, as <code>value</code>; the token is then <code>binnacle@pve!binnacle=</code> and that value.</p>
        <Command text={PVEUM.join('\n')} what="Commands" />
        <p class="dim">Leave out the third line if Binnacle shall only watch: it is what allows starting, stopping and consoles.</p>
      </div>
    </details>
  );
}

function Trust({ form, set, error }: { form: Form; set: Set; error: string | null }) {
  const pin = pinOf(form);
  return (
    <div class={`trust ${error ? 'has-error' : ''}`}>
      <Switch label="Verify SSL certificate" name="verify_ssl" value={form.verify} onChange={(verify) => set({ verify }, 'verify_ssl', 'fingerprint')}>
        {form.verify
          ? 'An authority this machine trusts must vouch for its certificate. Proxmox VE signs its own unless told otherwise: test the connection, and you can confirm the one it shows.'
          : pin ? 'Only the certificate below is accepted. With any other nothing is sent, and the server shows as offline.'
            : 'No certificate is confirmed yet. Test the connection to see and confirm it; otherwise the first one it shows is trusted and kept.'}
      </Switch>
      {pin && <Fingerprint of={pin} label="Confirmed SHA-256" />}
      {error && <p class="field-error">{error}</p>}
    </div>
  );
}

function Confirm({ fingerprint, was, onConfirm }: { fingerprint: string; was: string; onConfirm: () => void }) {
  return (
    <div class="note warn confirm-cert">
      <Icon name="shield-check" size={18} />
      <div>
        {was && <Fingerprint of={was} label="Old SHA-256" />}
        <Fingerprint of={fingerprint} label={was ? 'New SHA-256' : 'Its SHA-256'} />
        <p>Compare it with what the server shows for itself, on its own shell:</p>
        <Command text={SHOW_FINGERPRINT} />
        <button type="button" class="button primary" onClick={onConfirm}>{was ? 'Trust the new certificate' : 'Confirm this certificate'}</button>
      </div>
    </div>
  );
}

function Vpn({ form, set, split, errors }: { form: Form; set: Set; split: (text: string, which: 'vpnHost') => void; errors: Errors }) {
  return (
    <div class="vpn-part">
      <Switch label="Reach it by VPN" name="vpn_enabled" value={form.vpn} onChange={(vpn) => set({ vpn }, 'vpn_host', 'vpn_port')}>
        All traffic then goes to a second address: Tailscale, WireGuard, a tunnel.
      </Switch>
      {form.vpn && (
        <div class="host-port">
          <Field label="Host by VPN" name="vpn_host" value={form.vpnHost} onInput={(vpnHost) => set({ vpnHost }, 'vpn_host')} error={errors.vpn_host ?? null} maxLength={300} mono
            onBlur={() => split(form.vpnHost, 'vpnHost')} onPaste={(e) => paste(e, (text) => split(text, 'vpnHost'))} />
          <Field label="Port by VPN" name="vpn_port" value={form.vpnPort} onInput={(vpnPort) => set({ vpnPort }, 'vpn_port')} inputMode="numeric" error={errors.vpn_port ?? null} maxLength={5} mono />
        </div>
      )}
    </div>
  );
}
