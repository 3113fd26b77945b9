// palette-fleet: servers and guests as the palette finds them, with what can be done with them.

import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { api } from '../link/api';
import { topics } from '../link/live';
import { go, href } from '../link/route';
import type { Topic } from '../link/topics';
import type { Vm } from '../model.gen';
import { askAssigned, assignedSection, isRestricted, mayDo, mayLook, serverName } from '../state/assigned';
import { nodes, nodesDown, serverOf, servers } from '../state/fleet';
import { actionsOf, type GuestRow, type PowerAction } from '../state/guests';
import { busyOf, power, verbs } from '../state/operations';
import { Index, verbOf, type Hit } from '../state/search';
import { homeOf, placeOf, settledOf, STATES } from '../state/servers';
import { act, may } from '../state/store';
import { own } from '../state/own';
import type { IconName } from '../parts/icon';

export interface Entry {
  id: string;
  group: string;
  icon: IconName;
  text: string;
  note?: string;
  words?: string; // also found by these
  run: () => void;
}

interface Thing {
  kind: 'server' | 'vm';
  id: string;
}

const GUESTS = 'infra.vms';
const VERBS = ['check', 'open', 'console', 'shell', 'start', 'shutdown', 'reboot', 'stop', 'reset', 'suspend', 'resume'] as const;
const ACTED_ON = 8; // things one verb is offered for
const SHELLS = 4;   // of nodes, of one server
const FEW = 3;      // as many are likely meant, and get what can be done with them

/** All servers, and the guests from the first word on: they are many, and the topic is joined for them alone. */
export function useThings(isWanted: boolean): { index: Index<Thing>; vms: () => Record<string, Vm> } {
  const topic = useRef<Topic | null>(null);
  const isMine = isRestricted();
  if (isWanted && topic.current === null && !isMine) topic.current = topics.join(GUESTS);
  useEffect(() => {
    if (!may('operate')) void askAssigned();
  }, []);
  useLayoutEffect(() => () => {
    if (topic.current) topics.leave(topic.current);
  }, []);
  const vms = () => (isMine ? assignedSection.value : (topic.current?.value.value as { vms?: Record<string, Vm> } | undefined)?.vms) ?? {};
  // Built once and not again with every change of a number: names hardly ever change while a palette is open.
  const isThere = isMine ? assignedSection.value !== undefined : topic.current?.value.value !== undefined;
  const index = useMemo(() => {
    const all: Thing[] = (servers.peek() ?? []).map((s) => ({ kind: 'server', id: s.id }));
    const guests = vms();
    for (const id of Object.keys(guests)) all.push({ kind: 'vm', id });
    const named = new Map((servers.peek() ?? []).map((s) => [s.id, s.name ?? '']));
    return new Index(all, ({ kind, id }) => {
      if (kind === 'server') {
        const s = serverOf(id);
        return { text: s?.name ?? '', rest: `${s?.host ?? ''} ${s?.site ?? ''} ${(s?.tags ?? '').replaceAll(',', ' ')} ${s?.cluster ?? ''} proxmox server` };
      }
      const v = guests[id]!;
      return { text: v.name ?? `vm ${v.vmid}`, rest: `${v.vmid} ${v.node ?? ''} ${named.get(v.server_id ?? '') ?? serverName(v.server_id) ?? ''} ${(v.tags ?? '').replaceAll(';', ' ')} ${v.type === 'lxc' ? 'container' : 'vm'}` };
    });
  }, [isThere, isWanted]);
  return { index, vms };
}

function goTo(t: Thing): void {
  go(href(t.kind === 'server' ? `servers/${t.id}` : `vms/${t.id.split('/').map(encodeURIComponent).join('/')}`));
}

export function check(id: string): Promise<boolean> {
  return act(() => api('POST', 'api/v1/servers/health-check', { server_ids: [id] }), `${own(serverOf(id)?.name ?? 'The server')} is being checked`);
}

function entryOf(t: Thing, vms: Record<string, Vm>): Entry | null {
  if (t.kind === 'server') {
    const s = serverOf(t.id);
    if (!s) return null;
    const state = STATES[settledOf(s, nodesDown.peek().get(s.id) ?? 0)];
    return { id: `server ${t.id}`, group: s.is_demo ? 'Server, DEMO' : 'Server', icon: 'server', text: s.name ?? s.host ?? t.id, note: `${state.glyph} ${state.word.toLowerCase()} · ${own(placeOf(s.host, s.port))}`, run: () => goTo(t) };
  }
  const v = vms[t.id];
  if (!v) return null;
  const where = [v.node, serverName(v.server_id)].filter((w, i, all) => w && all.indexOf(w) === i).join(', ');
  return { id: `vm ${t.id}`, group: v.type === 'lxc' ? 'Container' : 'VM', icon: 'boxes', text: v.name || `VM ${v.vmid}`, note: `${v.vmid} · ${v.status ?? 'unknown'} · ${own(where)}`, run: () => goTo(t) };
}

const icons: Record<PowerAction, IconName> = { start: 'play', resume: 'play', shutdown: 'log-out', reboot: 'refresh-cw', stop: 'x', reset: 'refresh-cw', suspend: 'pause' };

/** What harms is asked about on the guest's own page. */
async function powerOf(t: Thing, vm: GuestRow, action: PowerAction): Promise<void> {
  const { nameAndNumber, want } = await import('./infra-vm-parts');
  if (action === 'stop' || action === 'reset') {
    goTo(t);
    want(vm, action);
  } else await power(vm, `${nameAndNumber(vm)} on ${own(serverName(vm.server_id) ?? 'unknown server')}`, action);
}

function actsOf(t: Thing, vms: Record<string, Vm>): Entry[] {
  if (t.kind === 'server') {
    if (!may('operate')) return [];
    const s = serverOf(t.id);
    if (!s || s.is_active === false) return [];
    const shells: Entry[] = !may('admin') ? [] : nodes.peek().filter((n) => n.server_id === homeOf(s) && n.status === 'online').slice(0, SHELLS).map((n) => ({
      id: `shell ${n.id}`, group: 'Act', icon: 'terminal', text: `Shell of ${own(n.node ?? '?')}`, note: own(s.name ?? s.host ?? ''),
      run: () => go(href(`console/${encodeURIComponent(n.node ?? '')}/shell`, { serverId: n.server_id ?? '' })),
    }));
    return [{ id: `check ${t.id}`, group: 'Act', icon: 'refresh-cw', text: `Check ${own(s.name ?? s.host ?? '')} now`, run: () => void check(t.id) }, ...shells];
  }
  const v = vms[t.id];
  if (!v) return [];
  const vm = { ...v, id: t.id };
  const look: Entry[] = vm.status === 'running' && !vm.template && mayLook(vm.id) ? [{
    id: `console ${t.id}`, group: 'Act', icon: 'terminal', text: `Console of ${own(v.name || `VM ${v.vmid}`)}`, note: `${v.vmid} · ${own(v.node ?? '')}`,
    run: () => go(href(`console/${encodeURIComponent(v.node ?? '')}/${v.vmid}`, { type: v.type ?? 'qemu', serverId: v.server_id ?? '' })),
  }] : [];
  if (busyOf(t.id)) return look;
  return look.concat(actionsOf(vm).filter((a) => mayDo(vm.id, a)).map((a) => ({
    id: `${a} ${t.id}`, group: 'Act', icon: icons[a], text: `${verbs[a].label} ${own(v.name || `VM ${v.vmid}`)}${a === 'stop' || a === 'reset' ? ' …' : ''}`, note: `${v.vmid} · ${own(v.node ?? '')}`,
    run: () => void powerOf(t, vm, a),
  })));
}

/** What the words mean among servers and guests: the things, and for a few of them what can be done. */
export function fleetEntries(things: ReturnType<typeof useThings>, words: string[], limit: number): Hit<Entry>[] {
  const vms = things.vms();
  const out: Hit<Entry>[] = [];
  const said = verbOf(words, VERBS);
  if (said) {
    for (const { of, score } of things.index.find(said.words, ACTED_ON)) {
      for (const e of actsOf(of, vms)) if (e.id.startsWith(`${said.verb} `)) out.push({ of: e, score: score + 8 });
      const e = said.verb === 'open' ? entryOf(of, vms) : null;
      if (e) out.push({ of: { ...e, id: `open ${e.id}` }, score });
    }
  }
  const hits = things.index.find(words, limit);
  for (const { of, score } of hits) {
    const e = entryOf(of, vms);
    if (e) out.push({ of: e, score });
    if (hits.length <= FEW) for (const a of actsOf(of, vms)) out.push({ of: a, score: score - 0.5 });
  }
  return out;
}
