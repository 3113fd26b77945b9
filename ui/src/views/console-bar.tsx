// console-bar: who is looked at, how the connection stands, and what can be done with it.

import type { ComponentChildren } from 'preact';
import { mayDo } from '../state/assigned';
import { signOf, type Kind, type State } from '../state/console';
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

function Sign({ state, ms }: { state: State; ms: number | null }) {
  const { level, word } = signOf(state);
  return (
    <span class={`console-sign ${level}`}>
      <span role="status"><i class="vm-dot" aria-hidden="true" /> {word}</span>
      {ms !== null && level === 'ok' && <span class="dim num" data-tip="From this browser to Binnacle and back">{ms} ms</span>}
    </span>
  );
}

const scales = [
  { id: 'fit', label: 'Fit', words: 'Fit into the window' },
  { id: 'full', label: '1:1', words: 'As large as it is' },
  { id: 'resize', label: 'Resize', words: 'Ask the guest to take the size of the window' },
] as const;

/** What it shows of a guest, and whether it is only looked at. */
export interface Choosing {
  kind: Kind;
  isLook: boolean;
  isLocked: boolean; // it may be looked at and nothing else
  onKind: (kind: Kind) => void;
  onLook: (isOn: boolean) => void;
}

interface BarProps {
  vm: GuestRow | null; // null: the shell of a node
  state: State;
  ms: number | null;
  far: Far | null;
  isTerminal: boolean;
  choosing: Choosing | null;
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

const shows: Record<'qemu' | 'lxc', readonly { id: Kind; label: string; words: string }[]> = {
  qemu: [{ id: 'vnc', label: 'Screen', words: 'Show its screen' }, { id: 'terminal', label: 'Serial', words: 'Show its serial terminal' }],
  lxc: [{ id: 'terminal', label: 'Terminal', words: 'Show its terminal' }, { id: 'vnc', label: 'Screen', words: 'Show its screen' }],
};

export function LookBadge({ isFloating, isLocked }: { isFloating?: boolean; isLocked: boolean }) {
  return <span class={`badge console-look ${isFloating ? 'is-floating' : ''}`} role="status" data-tip={isLocked ? LOCKED : 'Keys and pointer are not sent to it'}><Icon name="eye" size={12} /> Look only</span>;
}

function Tool({ icon, label, tip, disabled, onClick, children }: { icon: 'maximize' | 'refresh-cw' | 'clipboard'; label: string; tip: string; disabled: boolean; onClick: () => void; children?: ComponentChildren }) {
  return (
    <button type="button" class="button small" aria-label={label} data-tip={tip} disabled={disabled} onClick={onClick}>
      <Icon name={icon} size={14} />{children}
    </button>
  );
}

const LOCKED = 'You may look at this console; typing into it needs the role manager, or an assignment that allows the console';

/** Screen or terminal, and whether keys and pointer go there. */
function Choices({ vm, choosing }: { vm: GuestRow; choosing: Choosing }) {
  const { kind, isLook, isLocked, onKind, onLook } = choosing;
  return (
    <>
      <Choice<Kind> class="console-kinds" label="What is shown" value={kind} options={shows[vm.type === 'lxc' ? 'lxc' : 'qemu']} onChange={onKind} />
      <button type="button" class={`button small console-eye ${isLook ? 'is-on' : ''}`} aria-pressed={isLook} aria-label="Look only" disabled={isLocked} data-tip={isLocked ? LOCKED : isLook ? 'Let keys and pointer through again' : 'Look only: keys and pointer are not sent'} onClick={() => onLook(!isLook)}>
        <Icon name="eye" size={14} /><span class="wide-only"> Look only</span>
      </button>
    </>
  );
}

function Chords({ far, disabled }: { far: Far | null; disabled: boolean }) {
  const press = (c: (typeof chords)[number]) => {
    far?.chord?.(c);
    far?.focus();
  };
  return (
    <>
      <button type="button" class="button small" disabled={disabled} onClick={() => press(CTRL_ALT_DEL)}>Ctrl+Alt+Del</button>
      <Menu label="Keys" disabled={disabled} button={<>Keys <Icon name="chevron-down" size={14} /></>}>
        <div class="console-keys">
          {chords.filter((c) => c !== CTRL_ALT_DEL).map((c) => <button key={c.label} type="button" class="menu-item" onClick={() => press(c)}>{c.label}</button>)}
        </div>
      </Menu>
    </>
  );
}

function Power({ vm }: { vm: GuestRow }) {
  const actions = actionsOf(vm);
  return (
    <Menu label="Power" disabled={busyOf(vm.id) !== null || actions.length === 0} button={<><Icon name="power" size={14} /> <span class="wide-only">Power</span> <Icon name="chevron-down" size={14} /></>}>
      {actions.map((a) => (
        <button key={a} type="button" class="menu-item" disabled={!mayDo(vm.id, a)} onClick={() => want(vm, a)}>
          <Icon name={icons[a]} /> {verbs[a].label}{a === 'stop' || a === 'reset' ? ' …' : ''}
        </button>
      ))}
    </Menu>
  );
}

export function Toolbar({ vm, state, ms, far, isTerminal, choosing, watchers, scale, onScale, isRead, onRead, onPaste, onReopen }: BarProps) {
  const isOff = state.at !== 'live' || state.isQuiet || !far;
  const isMute = isOff || choosing?.isLook === true;
  const fullScreen = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else document.documentElement.requestFullscreen().then(() => far?.focus(), () => {}); // the page, so that what it asks is seen too
  };
  return (
    <div class="console-tools" role="group" aria-label="Console">
      {vm && !isTerminal && <Chords far={far} disabled={isMute} />}
      <Tool icon="clipboard" label="Paste" tip={isTerminal ? 'Paste a text' : 'Type a text as keystrokes'} disabled={isMute} onClick={onPaste}><span class="wide-only"> Paste</span></Tool>
      <SoftKeyboard far={far} disabled={isMute} />
      {vm && choosing && <Choices vm={vm} choosing={choosing} />}
      <Menu label="View" disabled={isOff} button={<><Icon name="monitor" size={14} /> <span class="wide-only">View</span> <Icon name="chevron-down" size={14} /></>}>
        {isTerminal ? (
          <label class="console-readers"><input type="checkbox" checked={isRead} onChange={(e) => onRead(e.currentTarget.checked)} /> For screen readers</label>
        ) : (
          <div class="menu-row"><span>Picture</span><Choice<Scale> label="Size of the picture" value={scale} options={scales} onChange={onScale} /></div>
        )}
        <p class="console-hint dim">Ctrl+Alt+Home brings the keyboard to this toolbar.</p>
      </Menu>
      <Tool icon="maximize" label="Full screen" tip="Full screen, and back" disabled={isOff} onClick={fullScreen} />
      {vm && <Power vm={vm} />}
      <Tool icon="refresh-cw" label="Reconnect" tip={vm ? 'Close it and open it anew' : 'Close this shell and open another'} disabled={state.at !== 'live' || !far} onClick={onReopen} />
      <span class="console-state">
        {choosing?.isLook && <LookBadge isLocked={choosing.isLocked} />}
        {watchers && <span class="dim" role="status">{watchers}</span>}
        <Sign state={state} ms={ms} />
      </span>
    </div>
  );
}
