// infra-import-table: the rows of a list before it is imported; cells are edited where they stand.

import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { href } from '../link/route';
import { fixOf, kindOf, mayPin, whyBad, type Importer, type ImportRow, type ReportRow, type Tested } from '../state/import';
import { own } from '../state/own';
import { said } from '../parts/panel';

interface Props {
  of: Importer;
  onFix: (row: ImportRow, command: string) => void;
}

/** "5A:1F…C2" */
export function shortPrint(fingerprint: string): string {
  return fingerprint.length > 14 ? `${fingerprint.slice(0, 5)}…${fingerprint.slice(-2)}` : fingerprint;
}

const AT_A_TIME = 120; // rows drawn before the page may do something else

/** How many of so many are drawn by now. */
function useGrowing(all: number): number {
  const [drawn, draw] = useState(AT_A_TIME);
  useEffect(() => {
    if (drawn >= all) return;
    const timer = window.setTimeout(() => draw(drawn + AT_A_TIME), 0);
    return () => window.clearTimeout(timer);
  }, [drawn, all]);
  return Math.min(drawn, all);
}

export function PreviewTable({ of, onFix }: Props) {
  const rows = of.rows.value;
  const drawn = useGrowing(rows.length);
  // The same node for the same row: it draws itself anew when its own signals change, and only then.
  const nodes = useMemo(() => new WeakMap<ImportRow, VNode>(), [of]);
  const nodeOf = (r: ImportRow): VNode => {
    let node = nodes.get(r);
    if (!node) nodes.set(r, (node = <PreviewRow key={r.index} row={r} of={of} onFix={onFix} />));
    return node;
  };
  const hasVpn = rows.some((r) => r.row.value.vpn_host);
  const c = of.counts.value;
  const isAll = c.picked > 0 && c.picked === c.valid;
  return (
    <div class="preview" role="table" aria-label="Rows of the list" aria-rowcount={rows.length + 1} aria-busy={of.isReading.value}>
      <div role="rowgroup">
        <div class="preview-head" role="row">
          <span role="columnheader">
            <input type="checkbox" aria-label="All rows that can be imported" checked={isAll} disabled={c.valid === 0 || of.result.value !== undefined}
              ref={(box) => { if (box) box.indeterminate = c.picked > 0 && !isAll; }} onChange={(e) => of.pickAll(e.currentTarget.checked)} />
            <span class="preview-all" aria-hidden="true">All rows</span>
          </span>
          <span role="columnheader" class="preview-number">#</span>
          <span role="columnheader">Name</span>
          <span role="columnheader">Host{hasVpn && ' (VPN)'}</span>
          <span role="columnheader">Port</span>
          <span role="columnheader">Token</span>
          <span role="columnheader">TLS</span>
          <span role="columnheader">Test result</span>
        </div>
      </div>
      <div role="rowgroup" class="preview-rows">
        {rows.slice(0, drawn).map(nodeOf)}
      </div>
    </div>
  );
}

const sign = { new: '●', there: '=', same: '=', bad: '✖' } as const;
const CELLS = new Set(['name', 'host', 'port', 'api_token', 'verify_ssl', 'fingerprint']);

function PreviewRow({ row: { index, row: signal, isPicked }, row, of, onFix }: Props & { row: ImportRow }) {
  const it = signal.value;
  const kind = kindOf(it);
  const isDone = of.result.value !== undefined;
  const what = it.name || it.host || `row ${index + 1}`;
  const cell = (column: string, label: string, text: string, empty = '') => (
    <EditCell key={column} column={column} label={`${label} of row ${index + 1}`} text={text} empty={empty} row={it} isFixed={isDone}
      onEdit={(value) => of.edit([{ index, column, value }])} />
  );
  const others = [...it.errors, ...it.warnings].filter((n) => n.field && !CELLS.has(n.field) && it.errors.includes(n));
  return (
    <div class={`preview-row ${kind} ${it.warnings.length > 0 ? 'has-warning' : ''}`} role="row" data-index={index}>
      <span role="cell" class="preview-pick">
        <input type="checkbox" aria-label={kind === 'there' ? `Update ${what}` : `Import ${what}`} checked={isPicked.value}
          disabled={isDone || kind === 'bad' || kind === 'same'} onChange={(e) => of.pick(row, e.currentTarget.checked)} />
      </span>
      <span role="cell" class="preview-number num dim">{index + 1}{kind === 'bad' && <span class="visually-hidden">, cannot be imported</span>}</span>
      <span role="cell" class="preview-name">{cell('name', 'Name', it.name ?? '', '(no name)')}
        {(it.site || it.tags) && <span class="preview-also">{[it.site, it.tags?.split(',').join(', ')].filter(Boolean).join(' · ')}</span>}
        {others.map((n) => <span key={n.field} class="preview-other"><span class="dim">{n.field}</span> {cell(n.field!, n.field!, of.edited(index).get(n.field!) ?? '', '(change)')}</span>)}
      </span>
      <span role="cell" class="preview-host">{cell('host', 'Host', it.host ?? '', '(no host)')}
        {it.vpn_host && <span class="preview-also">VPN {own(it.vpn_host)}{it.vpn_port ? `:${it.vpn_port}` : ''}</span>}
      </span>
      <span role="cell" class="preview-port" data-label="Port">{cell('port', 'Port', it.port === null ? '' : String(it.port), '(port)')}</span>
      <span role="cell" class="preview-token" data-label="Token">{cell('api_token', 'Token', it.token_hint ?? '', '(empty)')}</span>
      <span role="cell" class="preview-tls" data-label="TLS"><Tls row={it} isFixed={isDone} onEdit={(edits) => of.edit(edits.map((e) => ({ index, ...e })))} /></span>
      <span role="cell" class="preview-result">
        <Verdict row={row} of={of} onFix={onFix} />
      </span>
    </div>
  );
}

/** A value that becomes a field when it is chosen; Enter keeps, Escape does not. */
function EditCell({ column, label, text: known, empty, row, isFixed, onEdit }: {
  column: string; label: string; text: string; empty: string; row: ReportRow; isFixed: boolean; onEdit: (value: string) => void;
}) {
  const [isOpen, open] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const back = useRef(false);
  const error = row.errors.find((e) => e.field === column);
  const warning = row.warnings.find((e) => e.field === column);
  const isSecret = column === 'api_token';
  const text = (isSecret ? null : error?.value) ?? known; // what cannot be read is shown as it stands
  useLayoutEffect(() => {
    if (isOpen) field.current?.select();
    else if (back.current) button.current?.focus();
    back.current = false;
  }, [isOpen]);

  function keep(value: string): void {
    open(false);
    // The token itself is not here; nothing typed means that it stays as it is.
    if (value !== (isSecret ? '' : text)) onEdit(value);
  }
  const id = `cell-${row.index}-${column}`;
  return (
    <span class={`edit ${error ? 'has-error' : ''} ${warning ? 'has-warning' : ''}`}>
      {isFixed ? <span class={text ? '' : 'dim'}>{text || empty}</span> : isOpen ? (
        <input ref={field} class="edit-field" defaultValue={isSecret ? '' : text} aria-label={label} placeholder={isSecret ? 'user@realm!id=uuid' : ''}
          autocomplete="off" spellcheck={false} autocapitalize="none" inputMode={column === 'port' ? 'numeric' : undefined} autofocus
          onBlur={(e) => isOpen && keep(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === 'Enter') {
              back.current = true;
              keep(e.currentTarget.value);
            } else if (e.key === 'Escape') {
              back.current = true;
              open(false);
            } else return;
            e.preventDefault();
          }} />
      ) : (
        <button ref={button} type="button" class={`edit-button ${text ? '' : 'dim'}`} aria-label={`${label}: ${text || 'empty'}`} aria-invalid={error ? true : undefined}
          aria-describedby={error || warning ? id : undefined} onClick={() => open(true)}>{text || empty}</button>
      )}
      {(error ?? warning) && <span id={id} class={error ? 'edit-error' : 'edit-warning'}>{said((error ?? warning)!.message)}</span>}
    </span>
  );
}

function Tls({ row, isFixed, onEdit }: { row: ReportRow; isFixed: boolean; onEdit: (edits: { column: string; value: string }[]) => void }) {
  const mine = [...row.errors, ...row.warnings].filter((n) => n.field === 'verify_ssl' || n.field === 'fingerprint');
  const is = row.fingerprint ? 'pinned' : row.verify_ssl === false ? 'pin' : 'verify';
  const words = { verify: 'verify', pin: '▲ to be pinned', pinned: `pinned ${shortPrint(row.fingerprint ?? '')}` }[is];
  const bad = mine.some((n) => row.errors.includes(n));
  return (
    <span class={`edit ${bad ? 'has-error' : ''}`}>
      {isFixed ? words : (
        <select class="edit-select" aria-label={`Certificate of row ${row.index + 1}`} value={is} data-tip={row.fingerprint ?? undefined}
          onChange={(e) => onEdit([{ column: 'verify_ssl', value: String(e.currentTarget.value === 'verify') }, { column: 'fingerprint', value: '' }])}>
          <option value="verify">verify</option>
          <option value="pin">▲ to be pinned</option>
          {row.fingerprint && <option value="pinned">pinned {shortPrint(row.fingerprint)}</option>}
        </select>
      )}
      {mine.map((n) => <span key={n.message} class={row.errors.includes(n) ? 'edit-error' : 'edit-warning'}>{said(n.message)}</span>)}
    </span>
  );
}

function Line({ is, glyph, children }: { is: 'ok' | 'warn' | 'crit' | 'quiet'; glyph: string; children: ComponentChildren }) {
  return <span class={`verdict ${is}`}><span class="verdict-glyph" aria-hidden="true">{glyph}</span><span class="verdict-text">{children}</span></span>;
}

/** What is known of a row: after the import what became of it, else its test, else what the server said of it. */
function Verdict({ row: r, of, onFix }: Props & { row: ImportRow }) {
  const row = r.row.value;
  const result = of.result.value;
  if (result) return <Outcome row={row} of={of} />;
  const kind = kindOf(row);
  if (kind === 'same') return <Line is="quiet" glyph="=">same as “{own(row.duplicate_of?.name ?? row.name ?? '')}”, nothing to change</Line>;
  if (kind === 'bad') {
    const loose = row.errors.filter((e) => !e.field).map((e) => e.message);
    return <Line is="crit" glyph={row.errors.length > 0 ? sign.bad : '='}>{said(row.errors.length > 0 ? loose.join('; ') || 'not like this: see the marked cell' : whyBad(row))}</Line>;
  }
  return (
    <>
      {kind === 'there' && <Line is="quiet" glyph="=">already here as “{own(row.duplicate_of?.name ?? '')}”: {r.isPicked.value ? 'will be updated' : 'skipped'}</Line>}
      <Test of={r.test.value} row={r} importer={of} onFix={onFix} />
      {row.warnings.filter((w) => !w.field || !CELLS.has(w.field)).map((w) => <Line key={w.message} is="warn" glyph="▲">{said(w.message)}</Line>)}
    </>
  );
}

function Test({ of, row, importer, onFix }: { of: Tested; row: ImportRow; importer: Importer; onFix: Props['onFix'] }) {
  const again = <button type="button" class="link" onClick={() => void importer.test([row])} aria-label={`Test row ${row.index + 1}`}>test</button>;
  switch (of.at) {
    case 'none': return kindOf(row.row.value) === 'there' && !row.isPicked.value ? null : <span class="verdict quiet">{again}</span>;
    case 'waiting': return <Line is="quiet" glyph="·">waiting</Line>;
    case 'running': return <Line is="quiet" glyph="⟳">checking</Line>;
    case 'refused': return <Line is="crit" glyph="✖">{said(of.error.message)} {again}</Line>;
    case 'done': break;
  }
  const a = of.answer;
  const fix = fixOf(a, row.row.value.token_hint);
  if (mayPin(a)) {
    return (
      <Line is="warn" glyph="◐">
        {a.error_class === 'untrusted' ? 'No authority vouches for it.' : 'It answers.'} Pin this certificate? <span class="mono" data-tip={a.fingerprint!}>SHA-256 {shortPrint(a.fingerprint!)}</span>{' '}
        <button type="button" class="button small" data-tip={a.fingerprint!} onClick={() => void importer.pin([row])} aria-label={`Pin the certificate of row ${row.index + 1}`}>Pin</button>
      </Line>
    );
  }
  if (fix) {
    const why = a.success ? `works, but the token lacks ${(a.missing_privileges ?? []).join(', ')}` : (a.error ?? '').split(/:? *pveum /)[0]!;
    return <Line is="warn" glyph="◐">{why} <button type="button" class="link" onClick={() => onFix(row, fix)}>show the fix</button></Line>;
  }
  if (!a.success) return <Line is="crit" glyph="✖">{said(a.error ?? 'no answer')} {again}</Line>;
  const n = (count: number | null | undefined, one: string) => (count == null ? '' : `${count} ${one}${count === 1 ? '' : 's'}`);
  return <Line is="ok" glyph="●">{[a.version, n(a.nodes, 'node'), n(a.guests, 'guest'), a.total_ms == null ? '' : `${(a.total_ms / 1000).toFixed(2)} s`].filter(Boolean).join(', ')}</Line>;
}

function Outcome({ row, of }: { row: ReportRow; of: Importer }) {
  const result = of.result.value!;
  const failed = result.failed.find((f) => f.index === row.index);
  const now = result.rows.find((r) => r.index === row.index);
  if (failed) return <Line is="crit" glyph="✖">{said(failed.error)}</Line>;
  switch (now?.state) {
    case 'added': return of.isUndone.value ? <Line is="quiet" glyph="↩">taken back</Line>
      : <Line is="ok" glyph="●">{now.server_id ? <a href={href(`servers/${now.server_id}`)}>imported</a> : 'imported'}</Line>;
    case 'updated': return of.isUndone.value ? <Line is="quiet" glyph="↩">as it was before</Line> : <Line is="ok" glyph="●">updated</Line>;
    case 'unchanged': return <Line is="quiet" glyph="=">unchanged</Line>;
    case 'problem': return <Line is="crit" glyph="✖">{said(whyBad(now))}</Line>;
    default: return <Line is="quiet" glyph="·">left out</Line>;
  }
}
