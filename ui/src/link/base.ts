// base: where the server's pages begin, so that a proxy may put Binnacle under any prefix.

// The script lies in BASE/assets/; this holds even where a <base> element is not allowed.
const base = typeof document === 'undefined' ? '/' : new URL('../', import.meta.url).pathname;

export const BASE: string = base;

/** Absolute path of an address relative to the base: "api/v1/session". */
export function under(path: string): string {
  return BASE + path;
}
