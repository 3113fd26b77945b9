// window: which of very many equal rows must stand in the page, and how much room the others take.

export interface Window {
  first: number; // index of the first row drawn
  last: number;  // behind the last one
  before: number; // px above
  after: number;  // px below
}

/** `top`: where the list begins, in px from the upper edge of what is seen (negative once scrolled past). */
export function windowOf(count: number, height: number, top: number, seen: number, over = 6): Window {
  if (count <= 0 || height <= 0) return { first: 0, last: 0, before: 0, after: 0 };
  const first = Math.max(0, Math.min(count - 1, Math.floor(-top / height)) - over);
  const last = Math.min(count, Math.max(first + 1, Math.ceil((seen - top) / height) + over));
  return { first, last, before: first * height, after: (count - last) * height };
}

/** Where a key leads from one row; null when it is none of the keys that lead anywhere. */
export function stepOf(key: string, at: number, count: number, page: number, columns = 1): number | null {
  if (count === 0) return null;
  const to = {
    ArrowDown: at < 0 ? 0 : at + columns,
    ArrowUp: at - columns,
    PageDown: at + page * columns,
    PageUp: at - page * columns,
    Home: 0,
    End: count - 1,
    ...(columns > 1 ? { ArrowRight: at + 1, ArrowLeft: at - 1 } : {}),
  }[key];
  if (to === undefined) return null;
  if (at < 0 && (key === 'ArrowUp' || key === 'PageUp' || key === 'ArrowLeft')) return null;
  return Math.max(0, Math.min(count - 1, to));
}
