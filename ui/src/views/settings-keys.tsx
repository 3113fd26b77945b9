import { useState } from 'preact/hooks';
import { api } from '../link/api';
import { BASE } from '../link/base';
import type { Key } from '../model.gen';
import { useAsk } from '../state/ask';
import { act, copy, may, who } from '../state/store';
import { Answer } from '../parts/asked';
import { Dialog } from '../parts/dialog';
import { Field, useSend } from '../parts/form';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import { Empty, Failure, Panel } from '../parts/panel';
import { Table, type Column } from '../parts/table';

type Row = Key & { id: string; user_name?: string };

// What each scope allows; only those that this user's role covers are offered.
const scopes: { id: string; text: string; right: string }[] = [
  { id: 'read', text: 'see everything you see', right: 'read' },
  { id: 'metrics', text: 'only /metrics, for Prometheus', right: 'read' },
  { id: 'operate', text: 'act on things', right: 'operate' },
  { id: 'admin', text: 'people, settings, diagnostics', right: 'admin' },
];

export function Keys() {
  const asked = useAsk<{ keys: Row[] }>('api/v1/keys');
  const [isMaking, make] = useState(false);
  const [dropping, drop] = useState<Row | null>(null);
  const columns: Column<Row>[] = [
    { id: 'name', head: 'Name', sort: (k) => k.name, cell: (k) => <span class="cell-name">{k.name}</span> },
    { id: 'prefix', head: 'Key', minor: 2, cell: (k) => <span class="mono dim">{k.prefix}</span> },
    { id: 'scopes', head: 'May', sort: (k) => k.scopes, cell: (k) => (k.scopes ?? '').split(',').filter(Boolean).map((s) => <span key={s} class="tag scope">{s}</span>) },
    { id: 'user', head: 'Made by', minor: 2, sort: (k) => k.user_name, cell: (k) => k.user_name || <span class="dim">command line</span> },
    { id: 'used', head: 'Last used', minor: 2, sort: (k) => k.last_used_at, cell: (k) => <Ago at={k.last_used_at} /> },
    { id: 'expires', head: 'Ends', minor: 2, sort: (k) => k.expires_at, cell: (k) => <Ago at={k.expires_at} none="never" /> },
    { id: 'act', head: 'Act', isSilent: true, isNumber: true, cell: (k) => <button type="button" class="button small danger" aria-label={`Revoke ${k.name}`} onClick={() => drop(k)}>Revoke</button> },
  ];
  return (
    <Panel title="API keys" icon="key-round" aside={<button type="button" class="button small" onClick={() => make(true)}><Icon name="plus" size={14} /> New key</button>}>
      <p class="panel-body dim">For programs: <code>Authorization: Bearer bnk_…</code>. Only a hash is kept here.</p>
      <Answer of={asked}>
        {(v) => v.keys.length === 0
          ? <Empty icon="key-round" title="No keys yet"><p>A key lets Prometheus read <code>{BASE}metrics</code> or a script read <code>{BASE}api/v1/state</code>, without your password.</p></Empty>
          : <Table label="API keys" columns={columns} rows={v.keys} keyOf={(k) => k.id} sort="name"
              menu={(k) => ({ title: k.name ?? k.id, record: k, acts: [{ label: 'Revoke', icon: 'trash-2', run: () => drop(k) }] })} />}
      </Answer>
      {isMaking && <NewKey onClose={() => { make(false); void asked.again(); }} />}
      {dropping && (
        <Dialog title={`Revoke ${dropping.name}?`} class="narrow" onClose={() => drop(null)}>
          <div class="stack">
            <p>Programs that use <span class="mono">{dropping.prefix}</span> are refused from now on. This cannot be undone; a new key can be made.</p>
            <div class="dialog-foot">
              <button type="button" class="button" onClick={() => drop(null)}>Keep it</button>
              <button type="button" class="button primary danger" onClick={() => void (async () => {
                const row = dropping;
                drop(null);
                if (await act(() => api('DELETE', `api/v1/keys/${encodeURIComponent(row.id)}`), `Key ${row.name} revoked`)) await asked.again();
              })()}>Revoke</button>
            </div>
          </div>
        </Dialog>
      )}
    </Panel>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [chosen, choose] = useState<string[]>(['read']);
  const [until, setUntil] = useState('');
  const [made, setMade] = useState<string | null>(null);
  const { error, isBusy, send, field } = useSend();

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    await send(async () => {
      const body = { name: name.trim(), scopes: chosen.join(','), ...(until ? { expires_at: new Date(`${until}T23:59:59`).toISOString() } : {}) };
      setMade((await api<{ key: string }>('POST', 'api/v1/keys', body)).key);
    });
  }

  if (made !== null) {
    return (
      <Dialog title={`Key ${name.trim()}`} onClose={onClose}>
        <div class="stack">
          <p>Copy it now: it is shown this once and cannot be read again.</p>
          <div class="secret">
            <code class="secret-text">{made}</code>
            <button type="button" class="button" onClick={() => void copy(made, 'Key')}><Icon name="copy" /> Copy</button>
          </div>
          <details>
            <summary>Try it</summary>
            <pre class="mono">{`curl -sS -H "Authorization: Bearer $BINNACLE_KEY" \\\n  '${location.origin}${BASE}${chosen.includes('read') || chosen.includes('admin') ? 'api/v1/state?topic=meter.host' : 'metrics'}'`}</pre>
          </details>
          <div class="dialog-foot"><button type="button" class="button primary" onClick={onClose}>I have copied it</button></div>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New API key" onClose={onClose}>
      <form onSubmit={(e) => void submit(e)} noValidate>
        <Field label="Name" name="name" value={name} onInput={setName} autofocus error={field('name')} maxLength={95} hint="What will use it: prometheus, backup script" />
        <fieldset class="checks">
          <legend class="field-label">It may</legend>
          {scopes.filter((s) => may(s.right)).map((s) => (
            <label key={s.id}>
              <input type="checkbox" checked={chosen.includes(s.id)} onChange={(e) => choose(e.currentTarget.checked ? [...chosen, s.id] : chosen.filter((x) => x !== s.id))} />
              <span><strong>{s.id}</strong> <span class="dim">{s.text}</span></span>
            </label>
          ))}
          {field('scopes') && <p class="field-error">{field('scopes')}</p>}
        </fieldset>
        <Field label="Ends after (optional)" name="expires" type="date" value={until} onInput={setUntil} error={field('expires_at')} hint="Left empty, it works until it is revoked." />
        {error && !error.field && <Failure error={error} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="button primary" disabled={isBusy || name.trim() === '' || chosen.length === 0}>{isBusy ? 'Making…' : `Make key as ${who.value?.user?.name ?? 'you'}`}</button>
        </div>
      </form>
    </Dialog>
  );
}
