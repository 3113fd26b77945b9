// console: the screen or the terminal of one guest, or a shell of a node or target, with nothing around it but its toolbar.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { go, href, route, thing } from '../link/route';
import type { Vm } from '../model.gen';
import { assignedError, assignedSection, askAssigned, isRestricted, mayLook, mayType, serverName, useAssigned } from '../state/assigned';
import { addressOf, guestAt, isOn, shellOf, START, targetAt, usualKind, type Address, type Kind } from '../state/console';
import { consolesOf, useConsoles } from '../state/consoles';
import { serverOf, servers, useTopic } from '../state/fleet';
import type { GuestRow } from '../state/guests';
import { own } from '../state/own';
import { Empty, Failure, Forbidden, Skeleton } from '../parts/panel';
import { ConsoleHead } from './console-bar';
import { Frame, Inside, useSession } from './console-frame';
import type { Session } from './console-session';
import { ShellPage } from './console-shell';
import { TargetConsole } from './console-target';
import { CONSOLE_FORBIDDEN, consoleHref, guestName, PowerQuestion } from './infra-vm-parts';

export function ConsolePage() {
  const { page, query } = route.value;
  const shell = shellOf(page, query);
  const target = targetAt(page);
  if (target) return <TargetConsole key={target} id={target} />;
  return shell ? <ShellPage key={`${shell.serverId} ${shell.node}`} of={shell} /> : <GuestPage page={page} query={query} />;
}

function GuestPage({ page, query }: { page: string; query: URLSearchParams }) {
  const address = useMemo(() => addressOf(page, query), [page, query]);
  const topic = useTopic('infra.vms');
  const isMine = isRestricted();
  useAssigned();
  const vms = isMine ? assignedSection.value : (topic.value.value as { vms?: Record<string, Vm> } | undefined)?.vms;
  const isKnown = vms !== undefined && (isMine || servers.value !== undefined);
  const found = address && isKnown ? guestAt(address, vms, (id) => serverOf(id)?.listed_under ?? id) : null;
  // Once found it is followed by its number, wherever it goes.
  const id = found?.at === 'one' ? found.id : null;
  const [seen, setSeen] = useState<GuestRow | null>(null);
  const vm = useMemo(() => (id ? { ...vms![id]!, id } : null), [id, id && vms![id]]);
  useLayoutEffect(() => {
    if (vm) setSeen(vm);
  }, [vm]);
  useLayoutEffect(() => () => {
    thing.value = null;
  }, []);
  useEffect(() => {
    thing.value = vm ? `${guestName(vm)} console` : 'Console';
  }, [vm && guestName(vm)]);

  if (!address) return <Plain><Empty icon="triangle-alert" isPage title="Invalid VM ID"><p>The address of a console ends with the number of a machine, such as 100.</p><Way /></Empty></Plain>;
  if (topic.phase.value === 'refused' && !isMine) return <Plain><Forbidden what="Seeing virtual machines" role="viewer" isPage /></Plain>;
  if (isMine && assignedError.value && !isKnown) return <Plain><h1>Console</h1><Failure error={assignedError.value} retry={() => void askAssigned()} /></Plain>;
  if (!isKnown && !seen) return <Plain><h1>Console</h1><Skeleton lines={6} label="Console" /></Plain>;
  if (found?.at === 'many') return <Which ids={found.ids} vms={vms!} address={address} />;
  const here = vm ?? seen;
  if (!here) return <Plain><Empty icon="boxes" isPage title="There is no such virtual machine"><p>No machine with the number {address.vmid} is known{address.serverId ? ` on ${own(serverName(address.serverId) ?? 'this server')}` : ` on a node called ${own(address.node)}`}. It may have been removed, or it is not assigned to you.</p><Way /></Empty></Plain>;
  return <Console key={here.id} vm={here} isGone={isKnown && !vm} address={address} />;
}

const Way = () => <div><a class="button" href={href('vms')}>All virtual machines</a></div>;

const Plain = ({ children }: { children: ComponentChildren }) => <main id="main" class="console-plain" tabIndex={-1}><section class="panel">{children}</section></main>;

/** The address says no server, and several have a machine with this number on a node of this name. */
function Which({ ids, vms, address }: { ids: string[]; vms: Record<string, Vm>; address: Address }) {
  return (
    <Plain>
      <Empty icon="boxes" isPage title="Which one?">
        <p>Several servers have a node {own(address.node)} with a machine {address.vmid}.</p>
        <ul class="console-which">
          {ids.map((id) => <li key={id}><a class="button" href={consoleHref(vms[id]!)}>{guestName(vms[id]!)} on {own(serverName(vms[id]!.server_id) ?? '-')}</a></li>)}
        </ul>
      </Empty>
    </Plain>
  );
}

const addressHref = (vm: GuestRow, kind: Kind | null, isLook: boolean): string => `${consoleHref(vm)}${kind ? `&kind=${kind}` : ''}${isLook ? '&look=1' : ''}`;

const part = (x: string | number | undefined) => encodeURIComponent(String(x ?? ''));

function Console({ vm, isGone, address }: { vm: GuestRow; isGone: boolean; address: Address }) {
  const usual = usualKind(vm.type);
  const kind = address.kind ?? usual;
  const { stage, session } = useSession(() => ({
    path: `api/v1/servers/${part(vm.server_id)}/nodes/${part(vm.node)}/${part(vm.type)}/${part(vm.vmid)}`,
    label: `${kind === 'terminal' ? 'Terminal' : 'Screen'} of ${guestName(vm)}`,
    guess: kind,
    wish: { ...(address.kind ? { kind: address.kind } : {}), ...(address.isLook ? { view_only: true } : {}) },
  }));
  const state = session?.state.value ?? START;
  const isAllowed = mayLook(vm.id);
  const isTerminal = (state.kind ?? kind) === 'terminal';
  return (
    <Frame session={session} stage={stage} isTerminal={isTerminal} inside={isAllowed && <Guest session={session!} vm={vm} isGone={isGone} address={address} isTerminal={isTerminal} />}>
      {!isAllowed && (
        <section class="panel console-refused">
          <Empty icon="lock" isPage title={`You don't have console access to ${guestName(vm)}`}><p>{CONSOLE_FORBIDDEN}.</p><Way /></Empty>
        </section>
      )}
      <PowerQuestion />
    </Frame>
  );
}

/** What moves it: the guest's own state, and the address. */
function useCourse(session: Session, vm: GuestRow, isGone: boolean, address: Address): string | null {
  const state = session.state.value;
  const [moved, setMoved] = useState<string | null>(null);
  const node = useRef(vm.node);
  useEffect(() => {
    // The address says where it is now, so that a reload finds it.
    const to = addressHref(vm, address.kind, address.isLook);
    if (to !== location.pathname + location.search) go(to, 'replace');
    if (node.current !== vm.node) {
      setMoved(vm.node ?? null);
      node.current = vm.node;
      if (session.state.peek().at === 'waiting') session.tell({ t: 'again' });
    }
  }, [vm.node, vm.type, address]);
  const wish = `${address.kind} ${address.isLook}`;
  const was = useRef(wish);
  useEffect(() => {
    if (was.current !== wish && session.state.peek().at !== 'off') session.reopen();
    was.current = wish;
  }, [wish]);
  useEffect(() => {
    if (state.at === 'live') setMoved(null);
  }, [state.at]);
  const on = isOn(vm);
  const wasGone = useRef(false);
  useEffect(() => {
    if (!isGone && wasGone.current) session.tell({ t: 'again' });
    wasGone.current = isGone;
    if (isGone) session.tell({ t: 'gone' });
    else if (!on) session.tell({ t: 'off' });
    else if (state.at === 'idle' || state.at === 'off') session.tell({ t: 'open' });
  }, [on, isGone, state.at]);
  return moved;
}

function Guest({ session, vm, isGone, address, isTerminal }: { session: Session; vm: GuestRow; isGone: boolean; address: Address; isTerminal: boolean }) {
  const state = session.state.value;
  const moved = useCourse(session, vm, isGone, address);
  const watchers = useWatchers(vm.id, session.id.value);
  const usual = usualKind(vm.type);
  const kind = address.kind ?? usual;
  // A container that was shown its screen because its terminal is not to be had: who asks for that is told why.
  const isInstead = address.kind === null && state.kind !== null && state.kind !== usual;
  const choose = (to: Kind, isLook: boolean) => {
    (document.activeElement as HTMLElement | null)?.blur(); // the keyboard is for the guest then
    go(addressHref(vm, to === usual && !isInstead ? null : to, isLook), 'replace');
  };
  const isLocked = !mayType(vm.id);
  const other: Kind = kind === 'vnc' ? 'terminal' : 'vnc';
  return (
    <Inside session={session} name={guestName(vm)} vm={vm} head={<ConsoleHead vm={vm} />} isTerminal={isTerminal} moved={moved} watchers={watchers}
      choosing={{ kind: state.kind ?? kind, isLook: address.isLook || isLocked, isLocked, onKind: (to) => choose(to, address.isLook), onLook: (isOn) => choose(kind, isOn) }}
      other={address.kind && state.at === 'failed' && !state.isLost ? { label: other === 'vnc' ? 'Show the screen' : 'Open the terminal', run: () => choose(other, address.isLook) } : null} />
  );
}

/** "owner is watching too", for who may know. */
function useWatchers(guest: string, mine: string | null): string {
  const all = useConsoles();
  const names = new Set(consolesOf(all.value.value).filter((c) => !c.ended_at && c.id !== mine && `${c.server_id}/${c.vmid}` === guest).map((c) => c.user_name ?? 'a key'));
  return names.size === 0 || mine === null ? '' : names.size === 1 ? `${own([...names][0]!)} is watching too` : `${names.size} others are watching too`;
}
