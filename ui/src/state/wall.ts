// wall: what a screen on the wall shows: `?kiosk` alone, or `?kiosk=overview,host:24h&every=30`.

export interface WallView {
  page: string;
  range: string; // "" where the page has none
}

export interface Wall {
  views: WallView[];
  every_s: number;
}

const DEFAULT = 'overview,host:5m,host:24h';
const WITH_FLEET = 'overview,servers,host:5m,host:24h';
const EVERY_S = 20;
const EVERY_MIN_S = 5; // less, and nobody can read it
const EVERY_MAX_S = 3600;

/** What the address asks for, of the pages this user may see; null when it asks for no wall. */
export function wallOf(query: URLSearchParams, pages: readonly string[], hasFleet = false): Wall | null {
  const asked = query.get('kiosk');
  if (asked === null) return null;
  const read = (list: string) => list.split(',').flatMap((word): WallView[] => {
    const [name = '', range = ''] = word.trim().split(':');
    const page = name === 'overview' ? '' : name;
    return word.trim() !== '' && pages.includes(page) ? [{ page, range }] : [];
  });
  const views = read(asked);
  const every = Number(query.get('every') || EVERY_S);
  return {
    views: views.length > 0 ? views : read(hasFleet ? WITH_FLEET : DEFAULT),
    every_s: Number.isFinite(every) ? Math.min(EVERY_MAX_S, Math.max(EVERY_MIN_S, every)) : EVERY_S,
  };
}

/** The query of a view's address; it keeps what the wall was asked for, so that a reload goes on. */
export function wallQuery(query: URLSearchParams, view: WallView): Record<string, string> {
  const every = query.get('every');
  return { kiosk: query.get('kiosk') ?? '', ...(every ? { every } : {}), ...(view.range ? { range: view.range } : {}) };
}

/** Which view an address shows; the first when it shows none. */
export function wallAt(wall: Wall, page: string, range: string): number {
  const exact = wall.views.findIndex((v) => v.page === page && v.range === range);
  return Math.max(0, exact >= 0 ? exact : wall.views.findIndex((v) => v.page === page));
}
