// console-frame: what every console has: a session, its toolbar that comes and goes, and what stands over the picture.

import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { GuestRow } from '../state/guests';
import { Icon } from '../parts/icon';
import { LookBadge, Toolbar, type Choosing } from './console-bar';
import type { Scale } from './console-far';
import { Over, type Other } from './console-over';
import { PasteDialog } from './console-paste';
import { usePulse } from './console-pulse';
import { Session, type Where } from './console-session';

/** One for as long as the page shows it; `where` is asked anew each time. Leaving the page ends it. */
export function useSession(where: () => Where): { stage: RefObject<HTMLDivElement | null>; session: Session | null } {
  const stage = useRef<HTMLDivElement>(null);
  const latest = useRef(where);
  latest.current = where;
  const [session, setSession] = useState<Session | null>(null);
  useLayoutEffect(() => {
    const made = new Session(stage.current!, () => latest.current());
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
  return { stage, session };
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
  useEffect(() => {
    // Before the picture, which takes every other key.
    const key = (e: KeyboardEvent) => {
      if (!e.ctrlKey || !e.altKey || e.key !== 'Home') return;
      e.preventDefault();
      e.stopPropagation();
      wake();
      bar.current?.querySelector<HTMLElement>('.console-tools :is(button, input):not(:disabled)')?.focus();
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
  return { bar, isShown: isShown || !mayHide, wake };
}

interface InsideProps {
  session: Session;
  name: string;
  vm: GuestRow | null;       // null: the shell of a node or target
  head: ComponentChildren;
  isTerminal: boolean;       // or will be
  choosing: Choosing | null; // null: there is nothing to choose
  moved?: string | null;     // to which node
  watchers?: string;
  other?: Other | null;
  asking?: string;           // what the first step is called; without: Proxmox VE is asked
  isGone?: boolean;          // nothing can be opened there any more
}

export function Inside({ session, name, vm, head, isTerminal, choosing, moved = null, watchers = '', other = null, asking, isGone = false }: InsideProps) {
  const state = session.state.value;
  const far = session.far.value;
  const ms = usePulse(session);
  const isLive = state.at === 'live' && !state.isQuiet;
  const { bar, isShown, wake } = useHiding(isLive && !isTerminal);
  const [isPasting, setPasting] = useState(false);
  const [scale, setScale] = useState<Scale>('fit');
  const [isRead, setRead] = useState(false);
  useEffect(() => {
    if (!isLive || !far) return setPasting(false);
    far.scale?.(scale);
    far.readers?.(isRead);
    if (!document.querySelector('dialog[open]') && !bar.current?.contains(document.activeElement)) far.focus();
  }, [isLive, far]);
  const wasPasting = useRef(false);
  useEffect(() => {
    if (wasPasting.current && !isPasting) session.far.peek()?.focus(); // a dialog that closes gives the focus to what opened it
    wasPasting.current = isPasting;
  }, [isPasting]);
  return (
    <>
      <header ref={bar} class={`console-bar ${isShown ? '' : 'is-away'}`} onFocusCapture={wake}>
        {head}
        <Toolbar vm={vm} state={state} ms={ms} far={far} isTerminal={isTerminal} choosing={choosing} watchers={watchers} scale={scale} isRead={isRead}
          onPaste={() => setPasting(true)}
          onReopen={() => {
            (document.activeElement as HTMLElement | null)?.blur(); // the keyboard is for the guest then
            session.reopen();
          }}
          onScale={(s) => {
            setScale(s);
            far?.scale?.(s);
          }}
          onRead={(isOn) => {
            setRead(isOn);
            far?.readers?.(isOn);
          }} />
      </header>
      {!isShown && choosing?.isLook && <LookBadge isFloating isLocked={choosing.isLocked} />}
      {!isShown && <button type="button" class="console-handle" aria-label="Show the toolbar" onClick={wake}><Icon name="chevron-down" size={14} /></button>}
      <div class="console-over">
        <Over vm={vm} name={name} isTerminal={isTerminal} state={state} retryAt={session.retryAt.value} moved={moved} other={other} asking={asking} isGone={isGone} onOpen={() => session.reopen()} onNow={() => session.tell({ t: 'again' })} />
      </div>
      {isPasting && far && <PasteDialog far={far} onClose={() => setPasting(false)} />}
    </>
  );
}

/** As high as what is seen of the page: the keyboard of a phone covers the rest. */
function useSeen(main: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const seen = window.visualViewport;
    const fit = () => {
      if (main.current && seen) main.current.style.height = seen.scale === 1 && seen.height < window.innerHeight - 1 ? `${seen.height}px` : '';
    };
    fit();
    seen?.addEventListener('resize', fit);
    return () => seen?.removeEventListener('resize', fit);
  }, []);
}

/** The page around one: `inside` once there is a session. */
export function Frame({ session, stage, isTerminal, inside, children }: { session: Session | null; stage: RefObject<HTMLDivElement | null>; isTerminal: boolean; inside: ComponentChildren; children?: ComponentChildren }) {
  const state = session?.state.value;
  const isLive = state?.at === 'live' && !state.isQuiet;
  const main = useRef<HTMLElement>(null);
  useSeen(main);
  return (
    <main ref={main} id="main" tabIndex={-1} class={`console-main ${state?.hasFrame && !isLive ? 'is-old' : ''} ${isLive ? 'is-live' : ''} ${isTerminal ? 'is-terminal' : ''}`}
      data-state={state?.isQuiet ? 'quiet' : state?.at ?? 'idle'}>
      {session && inside}
      <div class="console-stage" ref={stage} />
      {children}
    </main>
  );
}
