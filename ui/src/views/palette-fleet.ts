// palette-fleet: servers, guests and targets as the palette finds them, with what can be done with them.

import { useComputed } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { api } from '../link/api';
import { topics } from '../link/live';
import { go, href } from '../link/route';
import type { Topic } from '../link/topics';
import type { Target, Vm } from '../model.gen';
import { askAssigned, assignedSection, isRestricted, mayDo, mayLook, serverName } from '../state/assigned';
import { nodes, nodesDown, serverOf, servers } from '../state/fleet';
import { actionsOf, type GuestRow, type PowerAction } from '../state/guests';
import { busyOf, power, verbs } from '../state/operations';
import { Index, verbOf, type Hit } from '../state/search';
import { homeOf, placeOf, settledOf, STATES } from '../state/servers';
import { act, may, who } from '../state/store';
import { displayOf, PLATFORMS } from '../state/targetwords';
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
  kind: 'server' | 'vm' | 'target';
  id: string;
}

const GUESTS = 'infra.vms';
const TARGETS = 'work.targets';
const VERBS = ['check', 'open', 'console', 'shell', 'terminal', 'test', 'start', 'shutdown', 'reboot', 'stop', 'reset', 'restart', 'suspend', 'resume'] as const;
const ACTED_ON = 8; // things one verb is offered for
const SHELLS = 4;   // of nodes, of one server
const FEW = 3;      // as many are likely meant, and get what can be done with them

type Targets = Record<string, Target>;

export interface Things {
  index: Index<Thing>;
  vms: () => Record<string, Vm>;
  targets: () => Targets;
}

/** All servers, and the guests and targets from the first word on: they are many, and their topics are joined for them alone. */
export function useThings(isWanted: boolean): Things {
  const topic = useRef<Topic | null>(null);
  const targetsTopic = useRef<Topic | null>(null);
  const isMine = isRestricted();
  if (isWanted && topic.current === null && !isMine) {
    topic.current = topics.join(GUESTS);
    targetsTopic.current = topics.join(TARGETS);
  }
  useEffect(() => {
    if (!may('operate')) void askAssigned();
  }, []);
  useLayoutEffect(() => () => {
    for (const joined of [topic.current, targetsTopic.current]) if (joined) topics.leave(joined);
  }, []);
  const targets = () => (targetsTopic.current?.value.value as { targets?: Targets } | undefined)?.targets ?? {};
  const vms = () => (isMine ? assignedSection.value : (topic.current?.value.value as { vms?: Record<string, Vm> } | undefined)?.vms) ?? {};
  // Built once and not again with every change of a number: names hardly ever change while a palette is open.
  const isThere = isMine ? assignedSection.value !== undefined : topic.current?.value.value !== undefined;
  const areTargetsThere = targetsTopic.current?.value.value !== undefined;
  const areServersThere = useComputed(() => servers.value !== undefined).value;
  const index = useMemo(() => {
    const all: Thing[] = (servers.peek() ?? []).map((s) => ({ kind: 'server', id: s.id }));
    const guests = vms();
    for (const id of Object.keys(guests)) all.push({ kind: 'vm', id });
    const machines = targets();
    for (const id of Object.keys(machines)) all.push({ kind: 'target', id });
    const named = new Map((servers.peek() ?? []).map((s) => [s.id, s.name ?? '']));
    return new Index(all, ({ kind, id }) => {
      if (kind === 'server') {
        const s = serverOf(id);
        return { text: s?.name ?? '', rest: `${s?.host ?? ''} ${s?.site ?? ''} ${(s?.tags ?? '').replaceAll(',', ' ')} ${s?.cluster ?? ''} proxmox server` };
      }
      if (kind === 'target') {
        const t = machines[id]!;
        return { text: t.name ?? '', rest: `${t.host ?? ''} ${t.username ?? ''} ${t.service ?? ''} ${t.site ?? ''} ${(t.tags ?? '').replaceAll(',', ' ')} ssh target` };
      }
      const v = guests[id]!;
      return { text: v.name ?? `vm ${v.vmid}`, rest: `${v.vmid} ${v.node ?? ''} ${named.get(v.server_id ?? '') ?? serverName(v.server_id) ?? ''} ${(v.tags ?? '').replaceAll(';', ' ')} ${v.type === 'lxc' ? 'container' : 'vm'}` };
    });
  }, [areServersThere, isThere, areTargetsThere, isWanted]);
  return { index, vms, targets };
}

function goTo(t: Thing): void {
  go(href(t.kind === 'target' ? `targets/${encodeURIComponent(t.id)}` : t.kind === 'server' ? `servers/${t.id}` : `vms/${t.id.split('/').map(encodeURIComponent).join('/')}`));
}

export function check(id: string): Promise<boolean> {
  return act(() => api('POST', 'api/v1/servers/health-check', { server_ids: [id] }), `${own(serverOf(id)?.name ?? 'The server')} is being checked`);
}

function entryOf(t: Thing, things: Things): Entry | null {
  if (t.kind === 'target') {
    const target = things.targets()[t.id];
    if (!target) return null;
    const { name, place } = displayOf({ ...target, id: t.id });
    return { id: `target ${t.id}`, group: 'Target', icon: 'terminal', text: name, note: `${own(place)} · ${target.platform ? PLATFORMS[target.platform] : ''}`, run: () => goTo(t) };
  }
  if (t.kind === 'server') {
    const s = serverOf(t.id);
    if (!s) return null;
    const state = STATES[settledOf(s, nodesDown.peek().get(s.id) ?? 0)];
    return { id: `server ${t.id}`, group: s.is_demo ? 'Server, DEMO' : 'Server', icon: 'server', text: s.name ?? s.host ?? t.id, note: `${state.glyph} ${state.word.toLowerCase()} · ${own(placeOf(s.host, s.port))}`, run: () => goTo(t) };
  }
  const v = things.vms()[t.id];
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

/** A restart is asked about on the target's own page, with the command that would run. */
function targetActs(t: Thing, target: Target): Entry[] {
  if (!may('operate') || target.is_active === false || who.value?.operations === false) return [];
  const name = own(displayOf(target).name);
  const at = `targets/${encodeURIComponent(t.id)}`;
  const out: Entry[] = [{ id: `test ${t.id}`, group: 'Act', icon: 'activity', text: `Test ${name} …`, note: 'over SSH', run: () => go(href(at, { act: 'test' })) }];
  if (target.service || target.platform === 'custom') out.unshift({ id: `restart ${t.id}`, group: 'Act', icon: 'rotate-cw', text: `Restart ${target.service ? `${own(target.service)} on ` : ''}${name} …`, note: 'over SSH', run: () => go(href(at, { act: 'restart' })) });
  if (may('admin') && target.host_key) out.push({ id: `terminal ${t.id}`, group: 'Act', icon: 'terminal', text: `Terminal on ${name}`, note: 'over SSH', run: () => go(href(`console/target/${encodeURIComponent(t.id)}`)) });
  return out;
}

function actsOf(t: Thing, things: Things): Entry[] {
  if (t.kind === 'target') {
    const target = things.targets()[t.id];
    return target ? targetActs(t, target) : [];
  }
  const vms = things.vms();
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

/** What the words mean among servers, guests and targets: the things, and for a few of them what can be done. */
export function fleetEntries(things: Things, words: string[], limit: number): Hit<Entry>[] {
  const out: Hit<Entry>[] = [];
  const said = verbOf(words, VERBS);
  if (said) {
    for (const { of, score } of things.index.find(said.words, ACTED_ON)) {
      for (const e of actsOf(of, things)) if (e.id.startsWith(`${said.verb} `)) out.push({ of: e, score: score + 8 });
      const e = said.verb === 'open' ? entryOf(of, things) : null;
      if (e) out.push({ of: { ...e, id: `open ${e.id}` }, score });
    }
  }
  const hits = things.index.find(words, limit);
  for (const { of, score } of hits) {
    const e = entryOf(of, things);
    if (e) out.push({ of: e, score });
    if (hits.length <= FEW) for (const a of actsOf(of, things)) out.push({ of: a, score: score - 0.5 });
  }
  return out;
}
