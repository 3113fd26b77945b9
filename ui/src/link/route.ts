// route: the address bar as a signal; pages are one level deep below the base path.

import { signal } from '@preact/signals';
import { BASE } from './base';

export interface Route {
  page: string; // "" is the overview
  query: URLSearchParams;
}

function read(): Route {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : '';
  return { page: path.replace(/\/+$/, ''), query: new URLSearchParams(location.search) };
}

export const route = signal<Route>(read());

/** What the page of one thing is about, for the title of the tab. */
export const thing = signal<string | null>(null);

export function href(page: string, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  return BASE + page + (search ? '?' + search : '');
}

/** The address of this page with one part of its query changed; null leaves it out. */
export function withQuery(name: string, value: string | null): string {
  const query = Object.fromEntries(route.value.query);
  if (value === null) delete query[name];
  else query[name] = value;
  return href(route.value.page, query);
}

// The part of a page an address points at, once it is drawn; readers continue there.
function showPart(id: string, triesLeft = 60): void {
  const part = document.getElementById(id);
  if (part) {
    part.scrollIntoView({ block: 'start' });
    part.focus({ preventScroll: true });
  } else if (triesLeft > 0) requestAnimationFrame(() => showPart(id, triesLeft - 1));
}

/** Shows another page. `replace` leaves no step behind for the back button. */
export function go(target: string, how: 'push' | 'replace' = 'push'): void {
  const path = target.split('#')[0]!.split('?')[0]!;
  const isOtherPage = path !== location.pathname;
  if (how === 'push') history.pushState(null, '', target);
  else history.replaceState(null, '', target);
  route.value = read();
  const part = target.split('#')[1];
  if (part) showPart(part);
  else if (isOtherPage) {
    window.scrollTo(0, 0);
    // Readers hear the new page's name, as after a real page load.
    queueMicrotask(() => document.getElementById('main')?.focus({ preventScroll: true }));
  }
}

window.addEventListener('popstate', () => {
  route.value = read();
});

// Plain links to our own pages do not load anew; modified clicks and other origins stay the browser's.
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = (event.target as Element | null)?.closest?.('a[href]');
  if (!(anchor instanceof HTMLAnchorElement) || anchor.target || anchor.hasAttribute('download')) return;
  const url = new URL(anchor.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(BASE) || anchor.dataset.native !== undefined) return;
  if (url.hash && url.pathname === location.pathname && url.search === location.search) return;
  event.preventDefault();
  go(url.pathname + url.search + url.hash);
});
