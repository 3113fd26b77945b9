// infra-import: servers from a CSV file or a pasted list: read, corrected, tried, and only then kept.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { ApiError, sentence } from '../link/api';
import { go, href, route } from '../link/route';
import { useAsk } from '../state/ask';
import { decode, failedName, TEMPLATE, TEMPLATE_NAME } from '../state/csv';
import { servers as serverTopicRows } from '../state/fleet';
import { clockTime, duration, time } from '../state/format';
import { countsLine, Importer, kindOf, leftMs, overLimit, servers, undoImport, type ImportRow, type Report } from '../state/import';
import { act, copy, may, now, toast } from '../state/store';
import { own } from '../state/own';
import { Dialog } from '../parts/dialog';
import { Choice } from '../parts/form';
import { Icon } from '../parts/icon';
import { Failure, Forbidden, Panel, said, Skeleton } from '../parts/panel';
import { PreviewTable } from './infra-import-table';

const BYTES_MAX = 1 << 20; // of a file, as the server has it
const BACK_MS = 1500;

/** A file made here; nothing is asked of anybody. */
function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export const saveTemplate = () => save(TEMPLATE_NAME, TEMPLATE);

async function readFile(it: Importer, file: File): Promise<void> {
  if (file.size > BYTES_MAX) {
    it.load('', file.name, `${own(file.name)} has ${(file.size / BYTES_MAX).toFixed(1)} MiB; at most 1 MiB is read. That is some ten thousand servers: is it the right file?`);
    return;
  }
  const { text, note } = decode(new Uint8Array(await file.arrayBuffer()));
  it.load(text, file.name, text.trim() === '' ? `${own(file.name)} is empty.` : note);
}

export function ImportPage() {
  if (!may('operate')) return <div class="page"><section class="panel"><Forbidden what="Importing servers" role="manager" isPage /></section></div>;
  return <Import />;
}

function Import() {
  const it = useMemo(() => new Importer(), []);
  const isOver = useSignal(false);
  useEffect(() => () => it.close(), [it]);

  // Anywhere on the page: a file let go, a list from the clipboard.
  useEffect(() => {
    const over = (e: DragEvent) => {
      if (!e.dataTransfer?.types.includes('Files')) return;
      e.preventDefault();
      isOver.value = true;
    };
    const out = (e: DragEvent) => {
      if (e.relatedTarget === null) isOver.value = false;
    };
    const drop = (e: DragEvent) => {
      isOver.value = false;
      const file = e.dataTransfer?.files[0];
      if (!file) return;
      e.preventDefault();
      void readFile(it, file);
    };
    const paste = (e: ClipboardEvent) => {
      if ((e.target as Element | null)?.closest?.('input, textarea, dialog')) return;
      const text = e.clipboardData?.getData('text/plain') ?? '';
      if (text.trim() !== '' && it.rows.peek().length === 0) it.load(text, 'pasted list');
    };
    document.addEventListener('dragover', over);
    document.addEventListener('dragleave', out);
    document.addEventListener('drop', drop);
    document.addEventListener('paste', paste);
    return () => {
      document.removeEventListener('dragover', over);
      document.removeEventListener('dragleave', out);
      document.removeEventListener('drop', drop);
      document.removeEventListener('paste', paste);
    };
  }, [it]);

  const hasRows = it.rows.value.length > 0;
  return (
    <div class={`page import ${isOver.value ? 'is-over' : ''}`}>
      <header class="page-head">
        <div>
          <h1>Import Proxmox Servers from CSV</h1>
          <p class="page-facts"><span>Nothing is kept before you press Import</span><Slots of={it} /></p>
        </div>
        <div class="row">
          <a class="button" href={href('servers')}>Cancel</a>
          <button type="button" class="button" onClick={saveTemplate}><Icon name="download" /> Download template</button>
        </div>
      </header>
      {hasRows ? <Preview of={it} /> : <Begin of={it} />}
    </div>
  );
}

/** "12 server slots remaining" */
function Slots({ of }: { of: Importer }) {
  const asked = useAsk<{ servers: unknown[]; servers_max: number }>('api/v1/servers');
  const a = asked.value.value;
  const known = serverTopicRows.value?.length ?? a?.servers.length ?? 0;
  const left = of.report.value?.slots_left ?? (a ? Math.max(0, a.servers_max - known) : null);
  return left === null ? null : <span class="num">{left} server {left === 1 ? 'slot' : 'slots'} remaining</span>;
}

// --- before there is a list ---------------------------------------------------------------------------

function Begin({ of: it }: { of: Importer }) {
  const chooser = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  return (
    <div class="import-begin">
      <Panel title="A file" icon="file-spreadsheet">
        <div class="drop">
          <Icon name="upload" size={28} />
          <p><strong>Drop a CSV file anywhere on this page</strong></p>
          <button type="button" class="button primary" onClick={() => chooser.current?.click()}>Choose a file</button>
          <input ref={chooser} type="file" accept=".csv,.tsv,.txt,text/csv" class="visually-hidden" tabIndex={-1} aria-label="CSV file"
            onChange={(e) => {
              const file = e.currentTarget.files?.[0];
              e.currentTarget.value = '';
              if (file) void readFile(it, file);
            }} />
          <Chosen of={it} />
        </div>
      </Panel>
      <Panel title="Or paste from a spreadsheet" icon="clipboard">
        <div class="panel-body">
          <textarea class="paste mono" aria-label="List of servers, its first row the names of the columns" spellcheck={false} autocapitalize="none" autocomplete="off"
            placeholder={'name,host,api_token\nProd A,pve1.example.com,root@pam!binnacle=…'} value={it.text.value}
            onInput={(e) => {
              const text = e.currentTarget.value;
              it.text.value = text;
              window.clearTimeout(timer.current);
              timer.current = window.setTimeout(() => it.load(text, 'pasted list'), 400);
            }} />
          <p class="field-hint">With its first row, the names of the columns. Commas, semicolons or tabs.</p>
        </div>
      </Panel>
      {it.isReading.value && <section class="panel import-wide"><Skeleton lines={4} label="Reading the list" /></section>}
      {it.error.value && <section class="panel import-wide"><div class="panel-body import-error"><Failure error={it.error.value} /></div></section>}
      <Help />
    </div>
  );
}

function Chosen({ of: it }: { of: Importer }) {
  return (
    <>
      {it.source.value && <p class="dim">{it.source.value}</p>}
      {it.note.value && <p class="note warn"><Icon name="triangle-alert" /> {it.note.value}</p>}
    </>
  );
}

const required = [['name', 'what you call it'], ['host', 'a name or an address; a whole URL is taken apart'], ['api_token', 'user@realm!id=secret']] as const;
const optional = [
  ['port', '8006 unless given'], ['verify_ssl', 'true, or false to pin its own certificate'], ['fingerprint', 'SHA-256 of that certificate'],
  ['tags', 'words, separated by commas'], ['site', 'where it stands'], ['notes', 'for people'],
  ['vpn_host, vpn_port', 'a second address'], ['connection_timeout', 'seconds, 5 to 120'], ['enabled', 'false: not checked for now'],
] as const;

function Help() {
  return (
    <Panel title="What stands in the list" icon="info" class="import-wide">
      <div class="panel-body import-help">
        <div>
          <h3>Needed</h3>
          <dl>{required.map(([name, text]) => <div key={name}><dt><code>{name}</code></dt><dd>{text}</dd></div>)}</dl>
          <p class="dim">Columns in any order; capitals and other columns do not matter. Tokens are sealed when they are kept, and never shown again.</p>
        </div>
        <div>
          <h3>If you like</h3>
          <dl>{optional.map(([name, text]) => <div key={name}><dt><code>{name}</code></dt><dd>{text}</dd></div>)}</dl>
        </div>
      </div>
    </Panel>
  );
}

// --- the list -----------------------------------------------------------------------------------------

function Preview({ of: it }: { of: Importer }) {
  const fix = useSignal<{ row: ImportRow; command: string } | null>(null);
  const isPinning = useSignal(false);
  const c = it.counts.value;
  const unknown = it.report.value?.unknown_columns ?? [];
  const waiting = useComputed(() => it.rows.value.filter((r) => {
    const t = r.test.value;
    return r.isPicked.value && t.at === 'done' && !t.answer.success && /^(unconfirmed|untrusted)$/.test(t.answer.error_class ?? '') && t.answer.fingerprint;
  }));
  const result = it.result.value;
  const isDone = result !== undefined;
  return (
    <>
      {result && <Result of={it} result={result} />}
      <section class="panel import-panel" aria-label="The list">
        <div class="import-bar">
          <p class="import-counts">
            <strong>{it.source.value || 'pasted list'}</strong>
            <span class="num">{countsLine(c)}</span>
          </p>
          <div class="row">
            {c.problems > 0 && <NextProblem of={it} />}
            {c.there > 0 && !isDone && <Duplicates of={it} />}
            {waiting.value.length > 1 && !isDone && <button type="button" class="button small" onClick={() => (isPinning.value = true)}><Icon name="shield-check" size={14} /> Pin {waiting.value.length} certificates</button>}
            {c.problems > 0 && !isDone && <SaveFailed of={it} />}
            {!isDone && <button type="button" class="button small" onClick={() => it.load('', '')}>Another list</button>}
          </div>
        </div>
        {it.note.value && <p class="note warn import-note"><Icon name="triangle-alert" /> {it.note.value}</p>}
        {unknown.length > 0 && <p class="note import-note"><Icon name="info" /> <span>Not read, because {unknown.length === 1 ? 'it means' : 'they mean'} nothing here: {unknown.join(', ')}.</span></p>}
        {it.error.value && <div class="import-note"><Failure error={it.error.value} retry={() => void it.read()} /></div>}
        <PreviewTable of={it} onFix={(row, command) => (fix.value = { row, command })} />
      </section>
      <Foot of={it} />
      {fix.value && <FixDialog command={fix.value.command} row={fix.value.row} of={it} onClose={() => (fix.value = null)} />}
      {isPinning.value && <PinDialog rows={waiting.value} of={it} onClose={() => (isPinning.value = false)} />}
    </>
  );
}

/** "3 problems": from one to the next, its first wrong cell ready to be typed into. */
function NextProblem({ of: it }: { of: Importer }) {
  const n = it.counts.value.problems;
  const at = useRef(-1);
  function next(): void {
    const bad = it.rows.peek().filter((r) => kindOf(r.row.peek()) === 'bad');
    const row = bad.find((r) => r.index > at.current) ?? bad[0];
    if (!row) return;
    at.current = row.index;
    const line = document.querySelector<HTMLElement>(`.preview-row[data-index="${row.index}"]`);
    line?.scrollIntoView({ block: 'center' });
    (line?.querySelector<HTMLElement>('[aria-invalid]') ?? line?.querySelector<HTMLElement>('.edit-button'))?.focus();
  }
  return <button type="button" class="button small danger" onClick={next} aria-label={`${n} ${n === 1 ? 'problem' : 'problems'}, go to the next`}>✖ {n} {n === 1 ? 'problem' : 'problems'}</button>;
}

function Duplicates({ of: it }: { of: Importer }) {
  const isUpdate = it.rows.value.filter((r) => kindOf(r.row.value) === 'there').every((r) => r.isPicked.value);
  return (
    <span class="import-there">
      <span>Already here</span>
      <Choice<'skip' | 'update'> label="Servers that are already here" value={isUpdate ? 'update' : 'skip'}
        options={[{ id: 'skip', label: 'skip' }, { id: 'update', label: 'update' }]} onChange={(how) => it.pickAll(how === 'update', 'there')} />
    </span>
  );
}

function SaveFailed({ of: it }: { of: Importer }) {
  const n = it.result.value ? it.failed().length : it.counts.value.problems;
  return (
    <button type="button" class="button small" data-tip="The rows as they stand in your list, with a column that says what is wrong; the file holds their tokens"
      onClick={() => save(failedName(n), it.failedCsv())}><Icon name="download" size={14} /> {failedName(n)}</button>
  );
}

function Foot({ of: it }: { of: Importer }) {
  const c = it.counts.value;
  const result = it.result.value;
  const over = result ? null : overLimit(c.fresh, it.report.value?.slots_left ?? Infinity);
  const refusal = it.report.value?.refusal ?? '';
  const isRefused = !result && refusal !== '' && !/^cannot import/i.test(refusal); // for reasons of its own, not of how many
  const run = it.run.value;
  return (
    <section class={`import-foot ${result ? 'is-done' : ''}`} aria-label="Test and import">
      {over && <p class="note warn" role="alert"><Icon name="triangle-alert" /> <span>{over} Leave some out, or have whoever runs Binnacle raise <code>--max-servers</code>.</span></p>}
      {isRefused && <p class="note warn" role="alert"><Icon name="triangle-alert" /> <span>{said(sentence(refusal))}</span></p>}
      <div class="import-acts">
        <div class="import-test">
          {run ? <Progress of={it} /> : !result && (
            <button type="button" class="button" disabled={c.picked === 0} onClick={() => void it.test(it.testable())}><Icon name="activity" /> Test {servers(c.picked)}</button>
          )}
        </div>
        <p class="import-sum" aria-live="polite">
          {!result && <span>{servers(c.picked)} will be imported</span>}
          <span class="badge ok">{c.valid} valid</span>
          <span class={`badge ${c.problems > 0 ? 'crit' : 'quiet'}`}>{c.problems} invalid</span>
        </p>
        {!result && (
          <label class="import-all"><input type="checkbox" checked={it.allOrNothing.value} onChange={(e) => (it.allOrNothing.value = e.currentTarget.checked)} /> All or nothing</label>
        )}
        <button type="button" class="button primary" disabled={c.picked === 0 || over !== null || isRefused || it.isImporting.value || it.isReading.value || result !== undefined}
          onClick={() => void start(it)}>
          {it.isImporting.value ? 'Importing…' : `Import ${servers(c.picked)}`}
        </button>
      </div>
    </section>
  );
}

function Progress({ of: it }: { of: Importer }) {
  const run = it.run.value!;
  const left = leftMs(run.done, run.total, now.value - run.startedAt);
  return (
    <>
      <progress class="import-progress" max={run.total} value={run.done} aria-label="Tests" />
      <span class="num" role="status">{run.done}/{run.total}{left !== null && ` · ${duration(Math.max(1000, left))} left`}</span>
      <button type="button" class="button small" onClick={() => it.stopTests()}>Stop testing</button>
    </>
  );
}

async function takeBack(id: string): Promise<void> {
  await act(async () => {
    const { removed, restored } = await undoImport(id);
    toast('ok', `The import is taken back: ${servers(removed)} removed${restored > 0 ? `, ${restored} as before` : ''}`);
  });
}

async function start(it: Importer): Promise<void> {
  let report: Report;
  try {
    report = await it.import();
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw cause;
    if (cause.status !== 401) toast('error', cause.message, { error: cause });
    void it.read(); // somebody may have taken slots or places meanwhile
    return;
  }
  if (report.success === 0 && report.failed.length > 0) return;
  const id = report.undo_id;
  const until = time(report.undo_until);
  const hint = until === null ? '' : `. Undo works until ${clockTime(until).slice(0, 5)}`;
  toast('ok', `${sentenceOf(report)}${hint}`, id ? { undo: () => void takeBack(id).then(() => (it.isUndone.value = true)), forMs: until === null ? undefined : until - Date.now() } : {});
  if (it.failed().length > 0) return;
  window.setTimeout(() => {
    if (route.peek().page === 'servers/import' && it.result.peek() === report) go(href('servers'));
  }, BACK_MS);
}

const sentenceOf = (report: Report) => `${servers(report.success)} imported`;

function Result({ of: it, result }: { of: Importer; result: Report }) {
  const failed = it.failed();
  const id = result.undo_id;
  const until = time(result.undo_until);
  const mayUndo = id !== null && !it.isUndone.value && (until === null || until > now.value);
  const isAll = failed.length === 0;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    window.scrollTo(0, 0);
    box.current?.focus({ preventScroll: true });
  }, [result]);
  return (
    <div ref={box} tabIndex={-1} class={`note ${isAll ? 'import-ok' : 'warn'}`} role="status">
      <Icon name={isAll ? 'circle-check' : 'triangle-alert'} size={18} />
      <div class="stack">
        <p><strong>{it.isUndone.value ? 'The import is taken back.' : sentenceOf(result)}</strong>{' '}
          {isAll ? !it.isUndone.value && 'Back to the servers in a moment.' : `${failed.length} ${failed.length === 1 ? 'row' : 'rows'} did not go in:`}</p>
        {!isAll && <ul class="import-failed">{failed.slice(0, 20).map((f) => <li key={f.index}><span class="num dim">{f.index + 1}</span> <strong>{f.name || '(no name)'}</strong> {f.error}</li>)}
          {failed.length > 20 && <li class="dim">and {failed.length - 20} more, all in the file</li>}</ul>}
        <div class="row">
          {!isAll && <SaveFailed of={it} />}
          {!isAll && <button type="button" class="button small" onClick={() => it.again()}>Correct them here</button>}
          {mayUndo && <button type="button" class="button small" onClick={() => void act(() => it.undo(), 'The import is taken back')}><Icon name="undo" size={14} /> Undo{until !== null && ` (${duration(until - now.value)})`}</button>}
          {it.isUndone.value && <button type="button" class="button small" onClick={() => it.again()}>Once more</button>}
          <a class="button small" href={href('servers')}>To the servers</a>
        </div>
      </div>
    </div>
  );
}

function FixDialog({ command, row, of: it, onClose }: { command: string; row: ImportRow; of: Importer; onClose: () => void }) {
  return (
    <Dialog title="Give the token what it lacks" onClose={onClose}>
      <div class="stack">
        <p>On a node of <strong>{row.row.value.name || row.row.value.host}</strong>, as root, this lets the token read. It can start and change nothing.</p>
        <div class="secret"><code class="secret-text">{command}</code>
          <button type="button" class="button" onClick={() => void copy(command, 'Command')}><Icon name="copy" /> Copy</button></div>
        <div class="dialog-foot"><button type="button" class="button primary" onClick={() => {
          onClose();
          void it.test([row]);
        }}>Done, test again</button></div>
      </div>
    </Dialog>
  );
}

/** Each certificate in full: compared once, expected from then on. */
function PinDialog({ rows, of: it, onClose }: { rows: ImportRow[]; of: Importer; onClose: () => void }) {
  return (
    <Dialog title={`Pin ${rows.length} certificates`} onClose={onClose} class="import-pins">
      <div class="stack">
        <p>No authority vouches for these. Compare them with what each server shows under Node, System, Certificates; from then on another one is refused and nothing is sent.</p>
        <dl class="import-prints">{rows.map((r) => {
          const t = r.test.value;
          return <div key={r.index}><dt>{r.row.value.name}</dt><dd class="mono">{t.at === 'done' ? t.answer.fingerprint : ''}</dd></div>;
        })}</dl>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="button" class="button primary" onClick={() => {
            onClose();
            void it.pin(rows);
          }}>Pin all {rows.length}</button>
        </div>
      </div>
    </Dialog>
  );
}
