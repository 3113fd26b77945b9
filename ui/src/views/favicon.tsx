// favicon: the worst state in the tab: a shape and a colour, and the count in the title.

import { useSignalEffect } from '@preact/signals';
import { concerns, door, host, indicator, who, worst } from '../state/store';
import { route, thing } from '../link/route';

const shapes = {
  ok: ['#3aa56c', '<circle cx="8" cy="8" r="5.5"/>'],
  warn: ['#d08a12', '<path d="M8 2 15 14H1Z"/>'],
  crit: ['#d0362c', '<path d="M8 .8 15.2 8 8 15.2 .8 8Z"/>'],
  unknown: ['#7b8794', '<circle cx="8" cy="8" r="4.5" fill="none" stroke="#7b8794" stroke-width="2.5"/>'],
} as const;

const names: Record<string, string> = { host: 'This machine', servers: 'Servers', vms: 'Virtual machines', monitoring: 'Monitoring', operations: 'Operations', settings: 'Settings', diagnostics: 'Diagnostics', audit: 'Audit', '': 'Overview' };

export function useFavicon(): void {
  useSignalEffect(() => {
    const inside = door.value.at === 'inside';
    const level = !inside || indicator.value.kind !== 'live' ? 'unknown' : worst.value;
    const [colour, shape] = shapes[level];
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="${colour}">${shape}</svg>`;
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    const address = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    if (link && link.getAttribute('href') !== address) link.setAttribute('href', address);

    const count = concerns.value.length;
    const place = thing.value ?? names[route.value.page.split('/')[0]!] ?? 'Not found';
    const name = host.value?.name ?? who.value?.host_name;
    const title = !inside ? 'Binnacle' : `${place}${name ? ' · ' + name : ''} · Binnacle`;
    const mark = !inside ? '' : indicator.value.kind !== 'live' ? '◌ ' : level === 'crit' ? `▲ ${count} ` : level === 'warn' ? `△ ${count} ` : '';
    document.title = mark + title;
  });
}
