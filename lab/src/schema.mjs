// schema: parameters out of path, query and body, and what is wrong with them, in the words of the server.

import { badParameter, died } from './errors.mjs';

// Splits on & and ;, and keeps the first two pieces around "=", as the server does.
export function decodeForm(text) {
  const found = Object.create(null);
  for (const pair of text.split(/[&;]/)) {
    if (pair === '') continue;
    const [name, value = ''] = pair.split('=').map(unescape8);
    if (name in found) found[name] = [].concat(found[name], value);
    else found[name] = value;
  }
  return found;
}

function unescape8(text) {
  const bytes = text.replace(/\+/g, ' ').replace(/%([0-9a-fA-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return /[\u0080-\u00ff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

export function decodeBody(request) {
  if (request.body.length === 0) return {};
  if (/^application\/json/.test(request.headers['content-type'] ?? '')) {
    let found = null;
    try {
      found = JSON.parse(request.body.toString('utf8'));
    } catch {
      throw died('malformed JSON string');
    }
    return typeof found === 'object' && found !== null ? found : {};
  }
  return decodeForm(request.body.toString('utf8'));
}

const NODE = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/;

const FORMATS = {
  vmid: (v) => (/^[1-9][0-9]{2,8}$/.test(v) ? null : 'invalid format - value does not look like a valid VM ID\n'),
  node: (v) => (NODE.test(v) ? null : 'invalid format - value does not look like a valid node name\n'),
};

const TYPES = {
  integer: (v) => /^-?\d+$/.test(v),
  number: (v) => /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(v),
  boolean: (v) => ['0', '1', 'on', 'off', 'yes', 'no', 'true', 'false'].includes(v),
};

function wrongWith(rule, value) {
  const text = String(value === true ? 1 : value === false ? 0 : value);
  if (rule.type && TYPES[rule.type] && !TYPES[rule.type](text)) return `type check ('${rule.type}') failed - got '${text}'`;
  if (rule.format) {
    const wrong = FORMATS[rule.format](text);
    if (wrong) return wrong;
  }
  if (rule.min !== undefined && Number(text) < rule.min) return `value must have a minimum value of ${rule.min}`;
  if (rule.max !== undefined && Number(text) > rule.max) return `value must have a maximum value of ${rule.max}`;
  if (rule.length !== undefined && text.length > rule.length) return `value may only be ${rule.length} characters long`;
  if (rule.enum && !rule.enum.includes(text)) return `value '${text}' does not have a value in the enumeration '${rule.enum.join(', ')}'`;
  if (rule.pattern && !rule.pattern.test(text)) return 'value does not match the regex pattern';
  return null;
}

function typed(rule, value) {
  if (rule.type === 'integer' || rule.type === 'number') return Number(value);
  if (rule.type === 'boolean') return ['1', 'on', 'yes', 'true', true].includes(typeof value === 'number' ? String(value) : value);
  return value;
}

// rules: name → { type, min, max, enum, format, pattern, length, needed, fallback }.
export function check(rules, given) {
  const errors = {};
  const params = {};
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) {
      errors[name] = 'property is not defined in schema and the schema does not allow additional properties';
      continue;
    }
    const wrong = wrongWith(rule, value);
    if (wrong) errors[name] = wrong;
    else params[name] = typed(rule, value);
  }
  for (const [name, rule] of Object.entries(rules)) {
    if (name in given) continue;
    if (rule.needed) errors[name] = 'property is missing and it is not optional';
    else if (rule.fallback !== undefined) params[name] = rule.fallback;
  }
  if (Object.keys(errors).length > 0) throw badParameter(errors);
  return params;
}
