// fold: RFC 7396 merge patch over plain objects, sharing every part that did not change.

export type Value = { [name: string]: unknown };

export function isObject(v: unknown): v is Value {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}

/** The patched value. Neither argument is changed; an untouched member is the same object as before, so
 *  that a view comparing by identity redraws only what moved. `null` removes. */
export function fold(value: Value | undefined, patch: Value): Value {
  const out: Value = { ...value };
  for (const name of Object.keys(patch)) {
    if (name === '__proto__') continue; // assigning it would change the prototype, not add a member
    const part = patch[name];
    if (part === null) delete out[name];
    else if (isObject(part)) out[name] = fold(isObject(out[name]) ? out[name] : undefined, part);
    else out[name] = part;
  }
  return out;
}
