// shell: navigation, header, banners; the frame around every page.

import type { ComponentChildren } from 'preact';
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { sentence } from '../link/api';
import { href, route } from '../link/route';
import { openAlerts, servers } from '../state/fleet';
import { dateTime, time, zone } from '../state/format';
import { concerns, host, indicator, leave, act, may, self, theme, who, type Theme } from '../state/store';
import { Icon, Mark, type IconName } from '../parts/icon';
import { Choice } from '../parts/form';
import { Indicator } from '../parts/indicator';
import { Menu } from '../parts/menu';
import { Skeleton } from '../parts/panel';
import { wallOf } from '../state/wall';
import { lazy } from '../parts/lazy';
import { Clock } from './clock';
import { Help } from './help';

interface Item {
  page: string;
  label: string;
  short?: string; // where there is room for little
  icon: IconName;
  right?: string;
}

export const pages: readonly Item[] = [
  { page: '', label: 'Overview', icon: 'layout-dashboard', right: 'read' },
  { page: 'host', label: 'This machine', short: 'Machine', icon: 'gauge', right: 'read' },
  { page: 'servers', label: 'Servers', icon: 'server', right: 'read' },
  { page: 'vms', label: 'Virtual machines', short: 'VMs', icon: 'boxes' },
  { page: 'targets', label: 'Targets', icon: 'terminal', right: 'read' },
  { page: 'monitoring', label: 'Monitoring', icon: 'chart', right: 'read' },
  { page: 'operations', label: 'Operations', icon: 'list' },
  { page: 'diagnostics', label: 'Diagnostics', icon: 'activity', right: 'admin' },
  { page: 'audit', label: 'Audit', icon: 'scroll-text', right: 'admin' },
  { page: 'settings', label: 'Settings', icon: 'settings' },
];

const WallHead = lazy(() => import('./wall').then((m) => m.WallHead), () => <header class="head" />);

const AlertList = lazy(() => import('./alerts').then((m) => m.AlertList), () => <Skeleton lines={3} label="Alerts" />);

const Palette = lazy<{ onClose: () => void }>(() => import('./palette').then((m) => m.Palette), () => <></>);

export const isPaletteOpen = signal(false);
export const isHelpOpen = signal(false);

function useKeys(): void {
  useEffect(() => {
    let lastG = 0;
    function key(event: KeyboardEvent): void {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        isHelpOpen.value = false;
        isPaletteOpen.value = !isPaletteOpen.value;
        return;
      }
      const target = event.target as HTMLElement | null;
      const isTyping = target?.closest?.('input, textarea, select, [contenteditable], dialog');
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '?') isHelpOpen.value = true;
      else if (event.key === '/') {
        event.preventDefault();
        isPaletteOpen.value = true;
      } else if (event.key === 'g') lastG = event.timeStamp;
      else if (event.timeStamp - lastG < 1000) {
        lastG = 0;
        const to: Record<string, string> = { o: '', h: 'host', r: 'servers', v: 'vms', x: 'targets', m: 'monitoring', w: 'operations', d: 'diagnostics', a: 'audit', s: 'settings' };
        const page = to[event.key];
        const item = page === undefined ? undefined : pages.find((p) => p.page === page);
        if (item && (!item.right || may(item.right))) document.querySelector<HTMLAnchorElement>(`[data-page="${item.page}"]`)?.click();
      }
    }
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);
}

export function Shell({ children, ahead }: { children: ComponentChildren; ahead: () => void }) {
  useKeys();
  useEffect(() => {
    Palette.ahead();
    const timer = window.setTimeout(ahead, 300);
    return () => window.clearTimeout(timer);
  }, []);
  const seen = pages.filter((p) => !p.right || may(p.right)).map((p) => p.page);
  const wall = wallOf(route.value.query, seen, (servers.value?.length ?? 0) > 0);
  return (
    <div class={`shell ${indicator.value.kind === 'live' ? '' : 'is-stale'} ${wall ? 'is-wall' : ''}`}>
      <a class="skip" href={location.pathname + '#main'} data-native onClick={(e) => {
        e.preventDefault();
        document.getElementById('main')?.focus();
      }}>Skip to the content</a>
      {wall ? <WallHead wall={wall} /> : (
        <>
          <Side />
          <Header />
        </>
      )}
      <div class="stage">
        <Banners />
        <PrintHead />
        <main id="main" tabIndex={-1}>{children}</main>
      </div>
      {isPaletteOpen.value && <Palette onClose={() => (isPaletteOpen.value = false)} />}
      {isHelpOpen.value && <Help onClose={() => (isHelpOpen.value = false)} />}
    </div>
  );
}

function Side() {
  const page = route.value.page;
  const list = useRef<HTMLUListElement>(null);
  useLayoutEffect(() => {
    // Sideways only, and nothing else: a row of pages on a phone.
    const [row, here] = [list.current!, list.current!.querySelector<HTMLElement>('[aria-current]')];
    if (here) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  }, [page]);
  return (
    <nav class="side" aria-label="Pages">
      <a class="brand" href={href('')} aria-label="Binnacle, overview"><Mark /> <span>Binnacle</span></a>
      <ul ref={list}>
        {pages.filter((p) => !p.right || may(p.right)).map((p) => {
          const here = concerns.value.filter((c) => c.page.split(/[?#]/)[0] === p.page);
          const count = here.reduce((sum, c) => sum + (c.count ?? 1), 0);
          return (<li key={p.page}>
            <a href={href(p.page)} data-page={p.page} aria-current={p.page === page || (p.page !== '' && page.startsWith(`${p.page}/`)) ? 'page' : undefined}>
              <Icon name={p.icon} size={18} />
              <span>{p.short ? <><span class="wide-only">{p.label}</span><span class="narrow-only">{p.short}</span></> : p.label}</span>
              {here[0] && <span class={`count ${here[0].level}`} role="img" aria-label={`${count} to look at`}>{count}</span>}
            </a>
          </li>);
        })}
      </ul>
      <p class="side-foot" data-tip="Version of the server">v{who.value?.version}</p>
    </nav>
  );
}

function Header() {
  return (
    <header class="head">
      <a class="brand head-brand" href={href('')} aria-label="Binnacle, overview"><Mark /></a>
      <button type="button" class="search" onClick={() => (isPaletteOpen.value = true)} aria-keyshortcuts="Control+K">
        <Icon name="search" />
        <span class="search-text">Search or act</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div class="head-right">
        {may('read') && <Bell />}
        <Indicator />
        <Clock />
        <UserMenu />
      </div>
    </header>
  );
}

/** How many alerts nobody has dismissed, from every page. */
function Bell() {
  const n = openAlerts.value.length;
  return (
    <div class="bell">
      <span class="visually-hidden" role="status">{n > 0 ? `${n} ${n === 1 ? 'alert' : 'alerts'}` : ''}</span>
      <Menu label={n > 0 ? `Alerts, ${n} open` : 'Alerts, none open'} button={<><Icon name="bell" size={18} />{n > 0 && <span class="count crit">{n}</span>}</>}><AlertList /></Menu>
    </div>
  );
}

const themes = [
  { id: 'system', label: <Icon name="monitor" />, words: 'As the system' },
  { id: 'light', label: <Icon name="sun" />, words: 'Light' },
  { id: 'dark', label: <Icon name="moon" />, words: 'Dark' },
] as const;

function UserMenu() {
  const user = who.value?.user;
  const name = user?.name ?? 'key';
  return (
    <Menu label={`${name}, account menu`} button={<><span class="avatar" data-letter={name[0]?.toUpperCase()} /><span class="user-name">{name}</span><Icon name="chevron-down" size={14} /></>}>
      <div class="menu-who">
        <strong>{name}</strong>
        <span class="dim">{user?.role} on {who.value?.host_name ?? host.value?.name}</span>
      </div>
      <div class="menu-row">
        <span>Theme</span>
        <Choice<Theme> label="Theme" value={theme.value} options={themes} onChange={(t) => (theme.value = t)} />
      </div>
      <a class="menu-item" href={href('settings')}><Icon name="settings" /> Settings</a>
      <button type="button" class="menu-item" onClick={() => (isHelpOpen.value = true)}><Icon name="keyboard" /> Keyboard <kbd>?</kbd></button>
      <button type="button" class="menu-item" onClick={() => void act(leave)}><Icon name="log-out" /> Log out</button>
    </Menu>
  );
}

/** What a sheet of paper says that a screen need not: whose it is, and from when. */
function PrintHead() {
  const at = time(host.value?.at);
  return <p class="print-only">Binnacle · {host.value?.name ?? who.value?.host_name} · {at === null ? 'no sample yet' : `${dateTime(at)}, ${zone}`} · {indicator.value.label}</p>;
}

/** What must not be missed, on every page. */
function Banners() {
  const s = self.value;
  if (!s?.degraded) return null;
  return (
    <div class="banner crit" role="alert">
      <Icon name="triangle-alert" size={18} />
      <div>
        <strong>The store refuses writes.</strong>{' '}
        {s.degraded_why ? `${sentence(s.degraded_why)} ` : ''}
        What is on screen stays live, but history is not kept and changes are refused until the disk takes writes again.
      </div>
      <a class="button small" href={href('diagnostics')}>Diagnostics</a>
    </div>
  );
}
