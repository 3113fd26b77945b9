// json: writes JSON as Perl's JSON module does: keys in random order, numbers with 15 digits and
// two-digit exponents, text as raw UTF-8.

const ESCAPE = /["\\\u0000-\u001f\u007f]/g;
const NAMED = { '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(c) {
  return NAMED[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

export function text(value) {
  ESCAPE.lastIndex = 0;
  return ESCAPE.test(value) ? `"${value.replace(ESCAPE, escaped)}"` : `"${value}"`;
}

// Perl prints doubles with %.15g.
export function number(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  if (!Number.isFinite(value)) return 'null';
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e15) return String(Number(value.toPrecision(15)));
  const [mantissa, exponent] = Number(value.toPrecision(15)).toExponential().split('e');
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

// Keys whose value is undefined are left out.
export function encode(value, random) {
  switch (typeof value) {
    case 'number': return number(value);
    case 'string': return text(value);
    case 'boolean': return value ? 'true' : 'false';
    case 'bigint': return String(value);
    case 'undefined': return 'null';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map((v) => encode(v, random)).join(',')}]`;
  const keys = random.shuffle(Object.keys(value));
  let out = '{';
  for (const key of keys) {
    const v = value[key];
    if (v === undefined) continue;
    out += `${out.length > 1 ? ',' : ''}${text(key)}:${encode(v, random)}`;
  }
  return `${out}}`;
}
