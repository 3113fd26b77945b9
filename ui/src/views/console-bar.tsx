// console-bar: who is looked at, how the connection stands, and what can be done with it.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { under } from '../link/base';
import { mayDo } from '../state/assigned';
import { signOf, type State } from '../state/console';
import { actionsOf, type GuestRow } from '../state/guests';
import { chords, CTRL_ALT_DEL } from '../state/keys';
import { busyOf, verbs } from '../state/operations';
import { own } from '../state/own';
import { Choice } from '../parts/form';
import { Icon } from '../parts/icon';
import { Menu } from '../parts/menu';
import { Busy, guestHref, guestName, icons, StatusBadge, want } from './infra-vm-parts';
import type { Far, Scale } from './console-far';
import { SoftKeyboard } from './console-soft';

const PING_MS = 10_000;

/** Milliseconds there and back between this browser and Binnacle, while somebody looks. */
function useRoundTrip(isWanted: boolean): number | null {
  const [ms, setMs] = useState<number | null>(null);
  useEffect(() => {
    if (!isWanted) return setMs(null);
    let isOver = false;
    const ask = async () => {
      if (document.visibilityState !== 'visible') return;
      const from = performance.now();
      try {
        await fetch(under('healthz'), { cache: 'no-store', credentials: 'omit' });
        if (!isOver) setMs(Math.max(1, Math.round(performance.now() - from)));
      } catch {
        if (!isOver) setMs(null);
      }
    };
    void ask();
    const timer = window.setInterval(() => void ask(), PING_MS);
    return () => {
      isOver = true;
      window.clearInterval(timer);
    };
  }, [isWanted]);
  return ms;
}

function Sign({ state }: { state: State }) {
  const { level, word } = signOf(state);
  const ms = useRoundTrip(state.at === 'live');
  return (
    <span class={`console-sign ${level}`}>
      <span role="status"><i class="vm-dot" aria-hidden="true" /> {word}</span>
      {ms !== null && <span class="dim num" data-tip="From this browser to Binnacle and back">{ms} ms</span>}
    </span>
  );
}

const scales = [
  { id: 'fit', label: 'Fit', words: 'Fit into the window' },
  { id: 'full', label: '1:1', words: 'As large as it is' },
  { id: 'resize', label: 'Resize', words: 'Ask the guest to take the size of the window' },
] as const;

interface BarProps {
  vm: GuestRow;
  state: State;
  far: Far | null;
  watchers: string;
  scale: Scale;
  onScale: (s: Scale) => void;
  isRead: boolean;
  onRead: (isOn: boolean) => void;
  onPaste: () => void;
  onReopen: () => void;
}

export function ConsoleHead({ vm }: { vm: GuestRow }) {
  return (
    <div class="console-who">
      <a class="button small quiet" href={guestHref(vm.id)} aria-label="Back" data-tip="To the page of this machine"><Icon name="arrow-left" size={14} /> <span class="wide-only">Back</span></a>
      <h1>{guestName(vm)} <span class="dim num">({vm.vmid})</span></h1>
      <span class="dim wide-only">{vm.type}</span>
      <StatusBadge vm={vm} />
      <span class="dim vm-cut">{own(vm.node ?? '–')}</span>
      {vm.lock && <span class="badge quiet"><Icon name="lock" size={11} /> {vm.lock}</span>}
      <Busy id={vm.id} />
    </div>
  );
}

function Tool({ icon, label, tip, disabled, onClick, children }: { icon: 'maximize' | 'refresh-cw' | 'clipboard'; label: string; tip: string; disabled: boolean; onClick: () => void; children?: ComponentChildren }) {
  return (
    <button type="button" class="button small" aria-label={label} data-tip={tip} disabled={disabled} onClick={onClick}>
      <Icon name={icon} size={14} />{children}
    </button>
  );
}

export function Toolbar({ vm, state, far, watchers, scale, onScale, isRead, onRead, onPaste, onReopen }: BarProps) {
  const isOff = state.at !== 'live' || !far;
  const isScreen = (state.kind ?? (vm.type === 'lxc' ? 'terminal' : 'vnc')) === 'vnc';
  const actions = actionsOf(vm);
  const busy = busyOf(vm.id) !== null;
  const fullScreen = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else document.documentElement.requestFullscreen().then(() => far?.focus(), () => {}); // the page, so that what it asks is seen too
  };
  return (
    <div class="console-tools" role="group" aria-label="Console">
      {isScreen && (
        <>
          <button type="button" class="button small" disabled={isOff} onClick={() => {
            far?.chord?.(CTRL_ALT_DEL);
            far?.focus();
          }}>Ctrl+Alt+Del</button>
          <Menu label="Keys" disabled={isOff} button={<>Keys <Icon name="chevron-down" size={14} /></>}>
            <div class="console-keys">
              {chords.filter((c) => c !== CTRL_ALT_DEL).map((c) => (
                <button key={c.label} type="button" class="menu-item" onClick={() => {
                  far?.chord?.(c);
                  far?.focus();
                }}>{c.label}</button>
              ))}
            </div>
          </Menu>
        </>
      )}
      <Tool icon="clipboard" label="Paste" tip={isScreen ? 'Type a text as keystrokes' : 'Paste a text'} disabled={isOff} onClick={onPaste}><span class="wide-only"> Paste</span></Tool>
      <SoftKeyboard far={far} disabled={isOff} />
      <Menu label="View" disabled={isOff} button={<><Icon name="monitor" size={14} /> <span class="wide-only">View</span> <Icon name="chevron-down" size={14} /></>}>
        {isScreen ? (
          <div class="menu-row"><span>Picture</span><Choice<Scale> label="Size of the picture" value={scale} options={scales} onChange={onScale} /></div>
        ) : (
          <label class="console-readers"><input type="checkbox" checked={isRead} onChange={(e) => onRead(e.currentTarget.checked)} /> For screen readers</label>
        )}
        <p class="console-hint dim">Ctrl+Alt+Home brings the keyboard to this toolbar.</p>
      </Menu>
      <Tool icon="maximize" label="Full screen" tip="Full screen, and back" disabled={isOff} onClick={fullScreen} />
      <Menu label="Power" disabled={busy || actions.length === 0} button={<><Icon name="power" size={14} /> <span class="wide-only">Power</span> <Icon name="chevron-down" size={14} /></>}>
        {actions.map((a) => (
          <button key={a} type="button" class="menu-item" disabled={!mayDo(vm.id, a)} onClick={() => want(vm, a)}>
            <Icon name={icons[a]} /> {verbs[a].label}{a === 'stop' || a === 'reset' ? ' …' : ''}
          </button>
        ))}
      </Menu>
      <Tool icon="refresh-cw" label="Reconnect" tip="Close it and open it anew" disabled={isOff} onClick={onReopen} />
      <span class="console-state">
        {watchers && <span class="dim" role="status">{watchers}</span>}
        <Sign state={state} />
      </span>
    </div>
  );
}
