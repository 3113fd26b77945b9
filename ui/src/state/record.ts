// record: one thing on screen as text for somewhere else: a command, JSON, a Markdown table.

/** A command for a shell that has a key in $BINNACLE_KEY; nothing of this session goes into it. */
export function curl(origin: string, path: string): string {
  return `curl -sS -H "Authorization: Bearer $BINNACLE_KEY" '${origin}${path.replace(/'/g, '%27')}'`;
}

export function json(record: object): string {
  return JSON.stringify(record, null, 2);
}

function cell(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
  return text.replace(/[\\|]/g, '\\$&').replace(/\s*\n\s*/g, ' ').replace(/[<&]/g, (c) => (c === '<' ? '&lt;' : '&amp;'));
}

/** Every field with its exact value; lists of rows inside are left to JSON. */
export function markdown(title: string, record: object): string {
  const rows = Object.entries(record).filter(([, v]) => v !== undefined && (typeof v !== 'object' || v === null || Array.isArray(v)));
  return [`### ${cell(title)}`, '', '| field | value |', '|---|---|', ...rows.map(([k, v]) => `| ${cell(k)} | ${cell(v)} |`), ''].join('\n');
}
