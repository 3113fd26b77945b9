// palette: one box that finds pages, servers, guests, targets, parts of this machine and actions.

import { useMemo, useRef, useState } from 'preact/hooks';
import { api } from '../link/api';
import { link } from '../link/live';
import { go, href, route } from '../link/route';
import { bitRate, bytes, line, percent } from '../state/format';
import { ranges } from '../state/history';
import { curl, json, markdown } from '../state/record';
import { Index, wordsOf } from '../state/search';
import { act, copy, disks, host, leave, may, nics, procs, realMounts, rows, self, theme, toast, unitName, units } from '../state/store';
import { Icon, type IconName } from '../parts/icon';
import { useModal } from '../parts/dialog';
import { fleetEntries, useThings, type Entry } from './palette-fleet';
import { isHelpOpen, pages } from './shell';

const SHOWN = 40; // more is a list, and has its page

/** To a part of the host page, opened there. */
function jump(section: string, query: Record<string, string> = {}): void {
  const range = route.peek().page === 'host' ? route.peek().query.get('range') : null;
  go(`${href('host', { ...(range ? { range } : {}), ...query })}#${section}`);
}

const isAboutItself = () => route.peek().page === 'diagnostics';

function curlHere(): string {
  if (!may('read')) return curl(location.origin, href('api/v1/vms'));
  return curl(location.origin, href('api/v1/state', { topic: isAboutItself() ? 'self' : 'meter.host' }));
}

function shownHere(): object {
  return (isAboutItself() ? self : host).peek() ?? {};
}

function entries(): Entry[] {
  const out: Entry[] = [];
  const add = (group: string, icon: IconName, text: string, run: () => void, note = '', words = '') =>
    out.push({ id: `${group} ${text} ${note}`, group, icon, text, note, words, run });

  for (const p of pages) if (!p.right || may(p.right)) add('Go to', p.icon, p.label, () => go(href(p.page)), '', p.page);
  for (const [tab, label, icon] of [['password', 'Password', 'key-round'], ['sessions', 'Sessions', 'laptop'], ['keys', 'API keys', 'key-round'], ['users', 'Users', 'users'], ['appearance', 'Appearance', 'palette']] as const) {
    if (tab !== 'users' || may('admin')) add('Go to', icon, label, () => go(href('settings', { tab })), 'Settings');
  }
  const seesAll = may('read');
  if (seesAll) for (const [id, label, icon] of [['cores', 'Cores', 'cpu'], ['mounts', 'File systems', 'hard-drive'], ['disks', 'Disks', 'hard-drive'], ['nics', 'Network interfaces', 'network'], ['tcp', 'TCP connections', 'network'], ['units', 'systemd units', 'boxes'], ['procs', 'Processes', 'list']] as const) {
    add('Go to', icon, label, () => jump(id), 'This machine');
  }

  if (seesAll) for (const r of ranges) {
    add('Act', 'activity', `Charts: ${r.words}`, () => go(href(isAboutItself() ? 'diagnostics' : 'host', { range: r.id })), r.label, 'range time');
  }
  add('Act', 'sun', 'Theme: light', () => (theme.value = 'light'), '', 'day bright');
  add('Act', 'moon', 'Theme: dark', () => (theme.value = 'dark'), '', 'night');
  add('Act', 'monitor', 'Theme: as the system', () => (theme.value = 'system'));
  if (may('operate')) {
    add('Act', 'plus', 'Add a Proxmox server', () => go(href('servers', { add: '1' })), '', 'new node pve');
    add('Act', 'plus', 'Add a target', () => go(href('targets', { add: '1' })), 'over SSH', 'new machine ssh host key');
    add('Go to', 'file-spreadsheet', 'Import servers', () => go(href('servers/import')), 'from CSV', 'spreadsheet list paste upload');
  }
  add('Act', 'terminal', 'Copy as curl', () => void copy(curlHere(), 'Command'), 'what this page shows', 'api shell');
  add('Act', 'copy', 'Copy link to this page', () => void copy(location.href, 'Link'), '', 'url address');
  if (seesAll) add('Act', 'copy', 'Copy as JSON', () => void copy(json(shownHere()), 'JSON'), 'what this page shows', 'object');
  if (seesAll) add('Act', 'copy', 'Copy as Markdown', () => void copy(markdown(host.peek()?.name ?? 'this machine', shownHere()), 'Markdown'), 'what this page shows', 'report table issue');
  if (seesAll) add('Act', 'monitor', 'Wall mode', () => go(`${href('')}?kiosk`), 'views in turn, Esc leaves', 'kiosk tv screen full');
  add('Act', 'printer', 'Print this page', () => window.setTimeout(() => window.print(), 100), '', 'report pdf');
  add('Act', 'refresh-cw', 'Connect anew', () => link.hurry(), '', 'reconnect live socket');
  add('Act', 'laptop', 'End all my other sessions', () => void act(() => api('DELETE', 'api/v1/sessions'), 'All other sessions are ended'), '', 'revoke sign out log out');
  add('Act', 'keyboard', 'Keyboard shortcuts', () => (isHelpOpen.value = true), '?', 'help');
  add('Act', 'log-out', 'Log out', () => void act(leave), '', 'sign out leave');

  for (const u of rows(units.value)) add('Failed units', 'boxes', unitName(u), () => jump('units'), 'failed', u.description);
  for (const m of realMounts.value) add('File systems', 'hard-drive', m.id, () => jump('mounts'), `${line(percent(m.used_pct))} of ${line(bytes(m.total_bytes))}`, m.device);
  for (const n of rows(nics.value)) add('Interfaces', 'network', n.id, () => jump('nics', { nic: n.id }), `${line(bitRate(n.rx_bps))} in`, n.address);
  for (const d of rows(disks.value)) add('Disks', 'hard-drive', d.id, () => jump('disks', { disk: d.id }), d.model ?? '', '');
  for (const p of rows(procs.value)) {
    add('Processes', 'list', p.name ?? p.id, () => jump('procs', { proc: String(p.pid ?? '') }), `pid ${p.pid ?? '?'}, ${line(percent(p.cpu_pct))}`, p.command);
  }
  return out;
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const box = useModal(onClose);
  const all = useMemo(entries, []);
  const index = useMemo(() => new Index(all, (e) => ({ text: e.text, rest: `${e.note ?? ''} ${e.words ?? ''} ${e.group}` })), [all]);
  const words = wordsOf(query);
  const things = useThings(words.length > 0);
  const found = words.length === 0 ? all.filter((e) => e.group === 'Go to' || e.group === 'Act')
    : [...index.find(words, SHOWN), ...fleetEntries(things, words, SHOWN)].sort((a, b) => b.score - a.score).slice(0, SHOWN).map((h) => h.of);
  const current = Math.min(at, Math.max(0, found.length - 1));

  function choose(e: Entry | undefined): void {
    if (!e) return;
    onClose();
    // After the dialog has given focus back, so that the action decides where it goes.
    window.setTimeout(() => {
      try {
        e.run();
      } catch {
        toast('info', 'That could not be done.');
      }
    }, 0);
  }

  function move(to: number): void {
    setAt(to);
    list.current?.children[to]?.scrollIntoView({ block: 'nearest' });
  }

  function key(event: KeyboardEvent): void {
    const n = found.length;
    if (event.key === 'ArrowDown') move((current + 1) % Math.max(1, n));
    else if (event.key === 'ArrowUp') move((current - 1 + n) % Math.max(1, n));
    else if (event.key === 'Home' && event.ctrlKey) move(0);
    else if (event.key === 'End' && event.ctrlKey) move(n - 1);
    else if (event.key === 'Enter') choose(found[current]);
    else return;
    event.preventDefault();
  }

  return (
    <dialog ref={box} class="dialog palette" aria-label="Search or act">
      <div class="palette-box">
        <Icon name="search" size={18} />
        <input role="combobox" aria-expanded={found.length > 0} aria-controls="palette-list" aria-autocomplete="list" autofocus
          aria-activedescendant={found.length ? `palette-${current}` : undefined} aria-label="Search or act"
          placeholder="A server, a guest, a page, or what to do" autocomplete="off" spellcheck={false} value={query}
          onInput={(e) => {
            setQuery(e.currentTarget.value);
            setAt(0);
          }} onKeyDown={key} />
        <kbd>Esc</kbd>
      </div>
      <div class="palette-list" id="palette-list" role="listbox" aria-label="Results" ref={list} hidden={found.length === 0}>
        {found.map((e, i) => (
          <div key={e.id} id={`palette-${i}`} role="option" aria-selected={i === current} class={i === current ? 'is-on' : ''}
            onPointerMove={() => i !== current && setAt(i)} onClick={() => choose(e)}>
            <Icon name={e.icon} />
            <span class="palette-text">{e.text}</span>
            {e.note && <span class="palette-note num">{e.note}</span>}
            <span class="palette-group">{e.group}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="palette-none">Nothing here is called “{query}”.</p>}
    </dialog>
  );
}
