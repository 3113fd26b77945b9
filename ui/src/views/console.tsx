// console: the screen or the terminal of one guest, with nothing around it but its toolbar.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { linkStatus } from '../link/live';
import { go, href, route, thing } from '../link/route';
import type { Vm } from '../model.gen';
import { assignedError, assignedSection, askAssigned, isRestricted, mayLook, serverName, useAssigned } from '../state/assigned';
import { addressOf, guestAt, isOn, START, type Address } from '../state/console';
import { consolesOf, useConsoles } from '../state/consoles';
import { serverOf, servers, useTopic } from '../state/fleet';
import type { GuestRow } from '../state/guests';
import { own } from '../state/own';
import { Icon } from '../parts/icon';
import { Empty, Failure, Forbidden, Skeleton } from '../parts/panel';
import { ConsoleHead, Toolbar } from './console-bar';
import type { Scale } from './console-far';
import { Over } from './console-over';
import { PasteDialog } from './console-paste';
import { Session } from './console-session';
import { CONSOLE_FORBIDDEN, consoleHref, guestName, PowerQuestion } from './infra-vm-parts';

export function ConsolePage() {
  const { page, query } = route.value;
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

const HIDES_AFTER_MS = 3000;
const EDGE_PX = 56;

/** The toolbar leaves the picture alone after a while, and is back when somebody comes for it. */
function useHiding(mayHide: boolean) {
  const bar = useRef<HTMLElement>(null);
  const timer = useRef(0);
  const [isShown, show] = useState(true);
  const wake = () => {
    show(true);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      if (bar.current?.matches(':hover, :focus-within') || document.querySelector('dialog[open]')) wake();
      else show(false);
    }, HIDES_AFTER_MS);
  };
  useEffect(() => {
    if (mayHide) wake();
    else show(true);
    return () => window.clearTimeout(timer.current);
  }, [mayHide]);
  return { bar, isShown: isShown || !mayHide, wake };
}

function Console({ vm, isGone, address }: { vm: GuestRow; isGone: boolean; address: Address }) {
  const stage = useRef<HTMLDivElement>(null);
  const latest = useRef(vm);
  latest.current = vm;
  const [session, setSession] = useState<Session | null>(null);
  useLayoutEffect(() => {
    const made = new Session(stage.current!, () => {
      const v = latest.current;
      const part = (x: string | number | undefined) => encodeURIComponent(String(x ?? ''));
      return {
        path: `api/v1/servers/${part(v.server_id)}/nodes/${part(v.node)}/${part(v.type)}/${part(v.vmid)}`,
        label: `${v.type === 'lxc' ? 'Terminal' : 'Screen'} of ${guestName(v)}`, guess: v.type === 'lxc' ? 'terminal' : 'vnc',
      };
    });
    setSession(made);
    const leave = () => made.end();
    const back = (e: PageTransitionEvent) => e.persisted && made.reopen();
    window.addEventListener('pagehide', leave);
    window.addEventListener('pageshow', back);
    return () => {
      window.removeEventListener('pagehide', leave);
      window.removeEventListener('pageshow', back);
      made.end();
    };
  }, []);
  const state = session?.state.value ?? START;
  const isAllowed = mayLook(vm.id);
  const isTerminal = (state.kind ?? (vm.type === 'lxc' ? 'terminal' : 'vnc')) === 'terminal';
  return (
    <main id="main" tabIndex={-1} class={`console-main ${state.at !== 'live' && state.hasFrame ? 'is-old' : ''} ${state.at === 'live' ? 'is-live' : ''} ${isTerminal ? 'is-terminal' : ''}`} data-state={state.at}>
      {session && isAllowed && <Inside session={session} vm={vm} isGone={isGone} address={address} />}
      <div class="console-stage" ref={stage} />
      {!isAllowed && (
        <section class="panel console-refused">
          <Empty icon="lock" isPage title={`You don't have console access to ${guestName(vm)}`}><p>{CONSOLE_FORBIDDEN}.</p><Way /></Empty>
        </section>
      )}
      <PowerQuestion />
    </main>
  );
}

/** What moves it: the guest's own state, the way to Binnacle, and the address. */
function useCourse(session: Session, vm: GuestRow, isGone: boolean, address: Address): string | null {
  const state = session.state.value;
  const [moved, setMoved] = useState<string | null>(null);
  const node = useRef(vm.node);
  useEffect(() => {
    // The address says where it is now, so that a reload finds it.
    const to = consoleHref(vm);
    if (to !== location.pathname + location.search) go(to, 'replace');
    if (node.current !== vm.node) {
      setMoved(vm.node ?? null);
      node.current = vm.node;
      if (session.state.peek().at === 'waiting') session.tell({ t: 'again' });
    }
  }, [vm.node, vm.type, address]);
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
  const link = linkStatus.value.phase;
  useEffect(() => {
    if (link === 'live') session.tell({ t: 'again' }); // what was lost with the way there is back with it
  }, [link]);
  return moved;
}

function Inside({ session, vm, isGone, address }: { session: Session; vm: GuestRow; isGone: boolean; address: Address }) {
  const state = session.state.value;
  const far = session.far.value;
  const moved = useCourse(session, vm, isGone, address);
  const isLive = state.at === 'live';
  const { bar, isShown, wake } = useHiding(isLive && state.kind === 'vnc');
  const [isPasting, setPasting] = useState(false);
  const [scale, setScale] = useState<Scale>('fit');
  const [isRead, setRead] = useState(false);
  const watchers = useWatchers(vm.id, session.id.value);
  useEffect(() => {
    if (!isLive || !far) return setPasting(false);
    far.scale?.(scale);
    far.readers?.(isRead);
    if (!document.querySelector('dialog[open]') && !bar.current?.contains(document.activeElement)) far.focus();
  }, [isLive, far]);
  useEffect(() => {
    // Before the picture, which takes every other key.
    const key = (e: KeyboardEvent) => {
      if (!e.ctrlKey || !e.altKey || e.key !== 'Home') return;
      e.preventDefault();
      e.stopPropagation();
      wake();
      bar.current?.querySelector<HTMLElement>('.console-tools button:not(:disabled)')?.focus();
    };
    const move = (e: PointerEvent) => {
      if (e.clientY < EDGE_PX) wake();
    };
    window.addEventListener('keydown', key, true);
    window.addEventListener('pointermove', move, true);
    return () => {
      window.removeEventListener('keydown', key, true);
      window.removeEventListener('pointermove', move, true);
    };
  }, []);
  const reopen = () => session.reopen();
  return (
    <>
      <header ref={bar} class={`console-bar ${isShown ? '' : 'is-away'}`} onFocusCapture={wake}>
        <ConsoleHead vm={vm} />
        <Toolbar vm={vm} state={state} far={far} watchers={watchers} scale={scale} isRead={isRead} onPaste={() => setPasting(true)} onReopen={reopen}
          onScale={(s) => {
            setScale(s);
            far?.scale?.(s);
          }}
          onRead={(isOn) => {
            setRead(isOn);
            far?.readers?.(isOn);
          }} />
      </header>
      {!isShown && <button type="button" class="console-handle" aria-label="Show the toolbar" onClick={wake}><Icon name="chevron-down" size={14} /></button>}
      <div class="console-over">
        <Over vm={vm} state={state} retryAt={session.retryAt.value} moved={moved} onOpen={reopen} onNow={() => session.tell({ t: 'again' })} />
      </div>
      {isPasting && far && <PasteDialog far={far} onClose={() => {
        setPasting(false);
        far.focus();
      }} />}
    </>
  );
}

/** "owner is watching too", for who may know. */
function useWatchers(guest: string, mine: string | null): string {
  const all = useConsoles();
  const names = new Set(consolesOf(all.value.value).filter((c) => !c.ended_at && c.id !== mine && `${c.server_id}/${c.vmid}` === guest).map((c) => c.user_name ?? 'a key'));
  return names.size === 0 || mine === null ? '' : names.size === 1 ? `${own([...names][0]!)} is watching too` : `${names.size} others are watching too`;
}
