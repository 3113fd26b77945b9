// csv: files of servers as the page writes them: the template, and rows that could not be imported. Reading is the server's.

export const TEMPLATE_NAME = 'proxmox-servers-template.csv';

const NO_SECRET = '00000000-0000-0000-0000-000000000000';

/** What a spreadsheet opens: the columns, and one row of each kind of certificate. */
export const TEMPLATE = [
  'name,host,api_token,port,verify_ssl,fingerprint,tags,site,notes',
  `Prod A,pve1.example.com,root@pam!binnacle=${NO_SECRET},8006,true,,"prod,web",Rack 2,`,
  `Dev,192.168.1.100,binnacle@pve!monitor=${NO_SECRET},8006,false,,dev,,"Its own certificate: shown, then pinned"`,
  '',
].join('\r\n');

export interface Edit {
  index: number;
  column: string;
  value: string;
}

export interface FailedRow {
  index: number;
  line: number;    // on which it begins in the text, from 1
  line_to: number; // and the last one it has
  error: string;
}

/** How the server read the text as a whole. */
export interface Form {
  separator: string;
  header_line: number;
  header_line_to: number;
}

/** One row as its cells; a doubled quote inside quotes is one. */
export function cellsOf(row: string, separator: string): string[] {
  const out: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (let i = 0; i < row.length; i++) {
    const c = row[i]!;
    if (isQuoted && c === '"' && row[i + 1] === '"') {
      cell += c;
      i += 1;
    } else if (c === '"') {
      isQuoted = !isQuoted;
    } else if (!isQuoted && c === separator) {
      out.push(cell);
      cell = '';
    } else {
      cell += c;
    }
  }
  return [...out, cell];
}

export function quote(cell: string, separator: string): string {
  return /["\r\n]/.test(cell) || cell.includes(separator) || cell !== cell.trim() ? `"${cell.replaceAll('"', '""')}"` : cell;
}

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+([.,]\d+)?$/;

/** A spreadsheet takes such a cell for a formula; the ' before it is taken off again when it is imported. */
function guard(cell: string): string {
  return FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}

/** As it was typed: what begins with a ' before such a sign gets another one, so that it keeps the first. */
function guardTyped(value: string): string {
  return /^'+[=+\-@\t\r]/.test(value) ? `'${value}` : guard(value);
}

/** The row's own text where it can stay, else its cells written anew. */
function rowOf(row: string, header: string[], edits: Edit[], separator: string): string {
  const cells = cellsOf(row, separator);
  if (edits.length === 0 && cells.every((cell) => guard(cell) === cell)) return row;
  const out = cells.map(guard);
  for (const { column, value } of edits) {
    const at = header.indexOf(column);
    if (at < 0) continue;
    while (out.length <= at) out.push('');
    out[at] = guardTyped(value);
  }
  return out.map((cell) => quote(cell, separator)).join(separator);
}

/** The rows that failed, as they stand in the text with what was edited, behind a column that says why. The reason
 *  stands first, so that it is in its column also where a row has too few cells. No cell is a formula (SECURITY A35). */
export function failedCsv(text: string, form: Form, failed: FailedRow[], edits: Edit[]): string {
  const { separator } = form;
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n/);
  const part = (from: number, to: number) => lines.slice(from - 1, to).join('\n');
  const header = part(form.header_line, form.header_line_to);
  const names = cellsOf(header, separator).map((name) => name.trim().toLowerCase());
  const mine = failed.map((f) => ({ ...f, edits: edits.filter((e) => e.index === f.index) }));
  const added = [...new Set(mine.flatMap((f) => f.edits.map((e) => e.column)))].filter((column) => !names.includes(column));
  const rows = mine.map((f) => {
    const own = part(f.line, f.line_to);
    return [quote(guard(f.error), separator), rowOf(own, [...names, ...added], f.edits, separator)].join(separator);
  });
  return [[...['error', rowOf(header, [], [], separator)], ...added].join(separator), ...rows, ''].join('\r\n');
}

export function failedName(count: number): string {
  return `${count} failed ${count === 1 ? 'row' : 'rows'}.csv`;
}

export interface Read {
  text: string;
  note: string; // what was guessed about it; empty for none
}

/** The bytes of a file as text. What is no UTF-8 is what spreadsheets on Windows write by themselves, and said so. */
export function decode(bytes: Uint8Array): Read {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { text: new TextDecoder('utf-16le').decode(bytes), note: '' };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { text: new TextDecoder('utf-16be').decode(bytes), note: '' };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), note: '' };
  } catch {
    return {
      text: new TextDecoder('windows-1252').decode(bytes),
      note: 'This file is not UTF-8; it was read as Windows-1252. Look at names with accents, or save it as “CSV UTF-8”.',
    };
  }
}
