// import: a list of servers on its way in: what the server says of each row, what was tried, edited and chosen.

import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { api, ApiError } from '../link/api';
import { failedCsv, type Edit, type FailedRow } from './csv';

export interface Note {
  field: string | null;
  message: string;
  value?: string | null; // what stands there, shortened
}

export type RowState = 'ready' | 'warning' | 'problem' | 'duplicate' | 'unchanged' | 'added' | 'updated' | 'skipped';

/** One row as the server read it; no token in it, only its hint. */
export interface ReportRow {
  index: number;
  line: number;
  line_to: number;
  name: string | null;
  host: string | null;
  port: number | null;
  verify_ssl: boolean | null;
  fingerprint: string | null;
  token_hint: string | null;
  vpn_host?: string | null;
  vpn_port?: number | null;
  tags?: string | null;
  site?: string | null;
  notes?: string | null;
  state: RowState;
  errors: Note[];
  warnings: Note[];
  duplicate_of: { id?: string; name?: string; index?: number } | null;
  server_id: string | null;
}

export interface Report {
  success: number;
  failed: { index: number; name: string; error: string }[];
  message: string;
  refusal?: string | null; // of a reading: why all of it will be refused
  rows: ReportRow[];
  slots_left: number;
  unknown_columns: string[];
  separator: string;
  header_line: number;
  header_line_to: number;
  undo_id: string | null;
  undo_until: string | null;
}

/** What one attempt at a row found; as POST servers/test. */
export interface TestAnswer {
  success: boolean;
  error: string | null;
  error_class: string | null;
  nodes: number | null;
  guests?: number | null;
  version?: string | null;
  total_ms: number | null;
  fingerprint: string | null;
  hint?: string | null;
  missing_privileges?: string[] | null;
}

export type Tested =
  | { at: 'none' | 'waiting' | 'running' }
  | { at: 'done'; answer: TestAnswer }
  | { at: 'refused'; error: ApiError };

export interface ImportRow {
  readonly index: number;
  readonly row: Signal<ReportRow>;
  readonly test: Signal<Tested>;
  readonly isPicked: Signal<boolean>;
}

export interface Counts {
  rows: number;
  ready: number;
  warnings: number;
  problems: number;
  there: number;     // in the registry already, with other values
  unchanged: number;
  valid: number;     // may be imported
  picked: number;    // will be imported
  fresh: number;     // of these, those that take a slot
}

/** new: takes a slot. there: the registry has it, and an import may change it. same: and nothing differs. bad: cannot be imported. */
export function kindOf(row: ReportRow): 'new' | 'there' | 'same' | 'bad' {
  if (row.errors.length > 0) return 'bad';
  switch (row.state) {
    case 'ready': case 'warning': case 'added': return 'new';
    case 'duplicate': case 'skipped': case 'updated': return row.duplicate_of?.id ? 'there' : 'bad';
    case 'unchanged': return 'same';
    case 'problem': return 'bad';
  }
}

export function countsOf(rows: { row: ReportRow; isPicked: boolean }[]): Counts {
  const c: Counts = { rows: rows.length, ready: 0, warnings: 0, problems: 0, there: 0, unchanged: 0, valid: 0, picked: 0, fresh: 0 };
  for (const { row, isPicked } of rows) {
    const kind = kindOf(row);
    if (kind === 'bad') c.problems += 1;
    else if (kind === 'same') c.unchanged += 1;
    else if (kind === 'there') c.there += 1;
    else if (row.warnings.length > 0) c.warnings += 1;
    else c.ready += 1;
    if (kind === 'new' || kind === 'there') {
      c.valid += 1;
      if (isPicked) c.picked += 1;
      if (isPicked && kind === 'new') c.fresh += 1;
    }
  }
  return c;
}

export const servers = (n: number) => `${n} ${n === 1 ? 'server' : 'servers'}`;

/** "50 rows · 46 ready · 2 warnings · 2 problems" */
export function countsLine(c: Counts): string {
  const part = (n: number, one: string, many = `${one}s`) => (n > 0 ? `${n} ${n === 1 ? one : many}` : '');
  return [`${c.rows} ${c.rows === 1 ? 'row' : 'rows'}`, `${c.ready} ready`, part(c.warnings, 'warning'), part(c.problems, 'problem'),
    part(c.there, 'already here', 'already here'), part(c.unchanged, 'unchanged', 'unchanged')].filter(Boolean).join(' · ');
}

/** Why the chosen rows do not fit; null when they do. */
export function overLimit(fresh: number, slotsLeft: number): string | null {
  return fresh <= slotsLeft ? null : `Cannot import ${servers(fresh)}. Only ${slotsLeft} ${slotsLeft === 1 ? 'slot' : 'slots'} remaining.`;
}

/** What remains of a run by what it took so far; null while that says nothing. */
export function leftMs(done: number, total: number, tookMs: number): number | null {
  return done < 3 ? null : (tookMs / done) * (total - done);
}

/** The command that gives a token what it lacks: the server's own, or the usual role on everything. */
export function fixOf(answer: TestAnswer, tokenHint: string | null): string | null {
  const said = `${answer.hint ?? ''}\n${answer.error ?? ''}`.match(/pveum [^\n`]+/);
  if (said) return said[0].trim();
  const lacks = answer.error_class === 'forbidden' || (answer.missing_privileges?.length ?? 0) > 0;
  return lacks && tokenHint ? `pveum acl modify / --tokens '${tokenHint.split('=')[0]}' --roles PVEAuditor` : null;
}

/** Its certificate is shown and may be pinned: nobody vouches for it, and it is not the pinned one. */
export function mayPin(answer: TestAnswer): boolean {
  return !answer.success && Boolean(answer.fingerprint) && /^(unconfirmed|untrusted)$/.test(answer.error_class ?? '');
}

// Sixteen rows in five questions: browsers keep six connections to a server, and the sixth is for everything else.
// A question is answered when its slowest row is, so as few rows as possible share one.
export const AT_ONCE = 16;
const QUESTIONS = 5;

/** How many of the rows that wait go into the next question, `running` rows being asked by `open` others. */
export function shareOf(waiting: number, running: number, open: number): number {
  const room = Math.min(waiting, AT_ONCE - running);
  return room <= 0 || open >= QUESTIONS ? 0 : Math.ceil(room / (QUESTIONS - open));
}

const EDIT_WAIT_MS = 300;
const ABOUT_THE_WAY = new Set(['host', 'port', 'api_token', 'verify_ssl', 'fingerprint', 'vpn_enabled', 'vpn_host', 'vpn_port', 'connection_timeout']);

export interface Run {
  done: number;
  total: number;
  startedAt: number;
}

const aborted = (cause: unknown) => cause instanceof DOMException && cause.name === 'AbortError';

export class Importer {
  readonly text = signal('');
  readonly source = signal('');                              // file name, or how it came
  readonly note = signal('');                                // what was guessed about the file
  readonly report = signal<Report | undefined>(undefined);   // the newest answer about the text
  readonly error = signal<ApiError | undefined>(undefined);
  readonly rows = signal<ImportRow[]>([]);
  readonly isReading = signal(false);
  readonly isImporting = signal(false);
  readonly result = signal<Report | undefined>(undefined);
  readonly isUndone = signal(false);
  readonly run = signal<Run | null>(null);
  readonly allOrNothing = signal(false);
  readonly counts: ReadonlySignal<Counts> = computed(() => countsOf(this.rows.value.map((r) => ({ row: r.row.value, isPicked: r.isPicked.value }))));

  private edits: Edit[] = [];
  private chosen = new Map<number, boolean>();
  private reading = new AbortController();
  private testing = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Another list; what was known of the last one goes. */
  load(text: string, source: string, note = ''): void {
    this.stopTests();
    this.edits = [];
    this.chosen.clear();
    batch(() => {
      this.text.value = text;
      this.source.value = source;
      this.note.value = note;
      this.rows.value = [];
      this.report.value = undefined;
      this.result.value = undefined;
      this.isUndone.value = false;
      this.error.value = undefined;
    });
    this.reading.abort();
    clearTimeout(this.timer);
    if (text.trim() !== '') void this.read();
    else this.isReading.value = false;
  }

  /** Nothing goes on behind a page that was left. */
  close(): void {
    this.reading.abort();
    this.stopTests();
    clearTimeout(this.timer);
  }

  edited(index: number): ReadonlyMap<string, string> {
    return new Map(this.edits.filter((e) => e.index === index).map((e) => [e.column, e.value]));
  }

  /** Cells get other values; the server judges the whole again, because rows may collide. */
  edit(changes: Edit[]): void {
    for (const change of changes) {
      this.edits = [...this.edits.filter((e) => e.index !== change.index || e.column !== change.column), change];
      const row = this.rows.value.find((r) => r.index === change.index);
      if (row && ABOUT_THE_WAY.has(change.column)) row.test.value = { at: 'none' };
    }
    clearTimeout(this.timer);
    this.isReading.value = true;
    this.timer = setTimeout(() => void this.read(), EDIT_WAIT_MS);
  }

  pick(row: ImportRow, isPicked: boolean): void {
    this.chosen.set(row.index, isPicked);
    row.isPicked.value = isPicked;
  }

  pickAll(isPicked: boolean, kind?: 'there'): void {
    batch(() => {
      for (const row of this.rows.value) {
        const is = kindOf(row.row.value);
        if ((is === 'new' && !kind) || is === (kind ?? 'there')) this.pick(row, isPicked);
      }
    });
  }

  async read(): Promise<void> {
    this.reading.abort();
    const mine = (this.reading = new AbortController());
    this.isReading.value = true;
    try {
      const report = await api<Report>('POST', 'api/v1/servers/import?dry_run=1', this.body('skip', null), mine.signal);
      if (mine.signal.aborted) return;
      batch(() => this.take(report));
    } catch (cause) {
      if (mine.signal.aborted || aborted(cause)) return;
      if (!(cause instanceof ApiError)) throw cause;
      this.error.value = cause;
    }
    this.isReading.value = false;
  }

  private body(onDuplicate: 'skip' | 'update', only: number[] | null): object {
    return { csv: this.text.value, edits: this.edits, only, on_duplicate: onDuplicate, all_or_nothing: this.allOrNothing.value };
  }

  private take(report: Report): void {
    const known = this.rows.value;
    this.error.value = undefined;
    this.report.value = report;
    const list = report.rows.map((row, i): ImportRow => {
      const kind = kindOf(row);
      const isPicked = kind === 'new' ? this.chosen.get(row.index) ?? true : kind === 'there' ? this.chosen.get(row.index) ?? false : false;
      const before = known[i];
      if (before?.index !== row.index) return { index: row.index, row: signal(row), test: signal({ at: 'none' }), isPicked: signal(isPicked) };
      if (JSON.stringify(before.row.value) !== JSON.stringify(row)) before.row.value = row;
      before.isPicked.value = isPicked;
      return before;
    });
    if (list.length !== known.length || list.some((row, i) => row !== known[i])) this.rows.value = list;
  }

  // --- trying ---------------------------------------------------------------------------------------

  testable(): ImportRow[] {
    return this.rows.value.filter((r) => r.isPicked.value);
  }

  stopTests(): void {
    this.testing.abort();
    batch(() => {
      this.run.value = null;
      for (const { test } of this.rows.value) if (test.value.at === 'waiting' || test.value.at === 'running') test.value = { at: 'none' };
    });
  }

  /** Tries these rows, sixteen at once; each tells its own result as soon as its question is answered. */
  async test(rows: ImportRow[]): Promise<void> {
    this.stopTests();
    const mine = (this.testing = new AbortController());
    batch(() => {
      for (const row of rows) row.test.value = { at: 'waiting' };
      this.run.value = { done: 0, total: rows.length, startedAt: Date.now() };
    });
    await this.all(rows, mine.signal, (n) => {
      if (this.run.value) this.run.value = { ...this.run.value, done: this.run.value.done + n };
    });
    if (!mine.signal.aborted) this.run.value = null;
  }

  private async all(rows: ImportRow[], stop: AbortSignal, told: (n: number) => void): Promise<void> {
    const queue = [...rows];
    let running = 0;
    let open = 0;
    const worker = async (): Promise<void> => {
      while (queue.length > 0 && !stop.aborted) {
        const some = queue.splice(0, shareOf(queue.length, running, open));
        running += some.length;
        open += 1;
        await this.ask(some, stop);
        running -= some.length;
        open -= 1;
        if (!stop.aborted) told(some.length);
      }
    };
    await Promise.all(Array.from({ length: QUESTIONS }, worker));
  }

  // One question about a few rows; what stops one of them stops no other.
  private async ask(rows: ImportRow[], stop: AbortSignal): Promise<void> {
    batch(() => {
      for (const row of rows) row.test.value = { at: 'running' };
    });
    for (;;) {
      try {
        const { results } = await api<{ results: (TestAnswer & { index: number })[] }>('POST', 'api/v1/servers/import/test',
          { csv: this.text.value, edits: this.edits, indexes: rows.map((r) => r.index) }, stop);
        if (stop.aborted) return;
        const found = new Map(results.map(({ index, ...answer }) => [index, answer]));
        batch(() => {
          for (const row of rows) {
            const answer = found.get(row.index);
            row.test.value = answer ? { at: 'done', answer } : { at: 'none' };
          }
        });
        return;
      } catch (cause) {
        if (stop.aborted || aborted(cause)) return;
        if (!(cause instanceof ApiError)) throw cause;
        if (cause.status !== 429) {
          batch(() => {
            for (const row of rows) row.test.value = { at: 'refused', error: cause };
          });
          return;
        }
        // Others test too: it is these rows' turn a little later.
        await new Promise((wake) => setTimeout(wake, Math.min(cause.retryAfterS ?? 1, 60) * 1000));
        if (stop.aborted) return;
      }
    }
  }

  /** The certificates that were shown are the ones to expect; the rows are tried again. */
  async pin(rows: ImportRow[]): Promise<void> {
    const shown = rows.flatMap((row) => {
      const test = row.test.value;
      return test.at === 'done' && test.answer.fingerprint ? [{ row, fingerprint: test.answer.fingerprint }] : [];
    });
    this.edit(shown.flatMap(({ row, fingerprint }) => [
      { index: row.index, column: 'verify_ssl', value: 'false' },
      { index: row.index, column: 'fingerprint', value: fingerprint },
    ]));
    clearTimeout(this.timer);
    await this.read();
    if (!this.run.value) await this.test(shown.map((s) => s.row));
    else await this.all(shown.map((s) => s.row), this.testing.signal, () => {});
  }

  // --- keeping --------------------------------------------------------------------------------------

  /** Throws what refused the whole. */
  async import(): Promise<Report> {
    this.stopTests();
    const only = this.rows.value.filter((r) => r.isPicked.value);
    const isUpdate = only.some((r) => kindOf(r.row.value) === 'there');
    this.isImporting.value = true;
    try {
      const report = await api<Report>('POST', 'api/v1/servers/import', this.body(isUpdate ? 'update' : 'skip', only.map((r) => r.index)));
      this.result.value = report;
      return report;
    } finally {
      this.isImporting.value = false;
    }
  }

  async undo(): Promise<void> {
    await undoImport(this.result.value?.undo_id ?? '');
    this.isUndone.value = true;
  }

  /** After a result: the same list once more, of which what went in is unchanged. */
  again(): void {
    batch(() => {
      this.result.value = undefined;
      this.isUndone.value = false;
    });
    void this.read();
  }

  /** Rows that did not go in: those the import refused and those it was not asked for because of what is wrong with them. */
  failed(): (FailedRow & { name: string })[] {
    const refused = new Map(this.result.value?.failed.map((f) => [f.index, f.error]));
    return this.rows.value.flatMap(({ row: { value: row } }) => {
      const own = kindOf(row) === 'bad' ? whyBad(row) : null;
      const error = refused.get(row.index) ?? own;
      return error ? [{ index: row.index, line: row.line, line_to: row.line_to, name: row.name ?? '', error }] : [];
    });
  }

  failedCsv(): string {
    return this.report.value ? failedCsv(this.text.value, this.report.value, this.failed(), this.edits) : '';
  }
}

export function whyBad(row: ReportRow): string {
  if (row.errors.length > 0) return row.errors.map((e) => e.message).join('; ');
  return row.duplicate_of?.index !== undefined ? `same host and port as row ${row.duplicate_of.index + 1}` : row.state;
}

export async function undoImport(id: string): Promise<{ removed: number; restored: number }> {
  return api('POST', `api/v1/servers/import/${encodeURIComponent(id)}/undo`);
}
