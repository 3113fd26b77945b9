// console-over: what stands over the picture while there is none: how far it is, how it ended, and what to do.

import { ApiError } from '../link/api';
import { mayDo } from '../state/assigned';
import { STEPS, TRIES, type State, type Step } from '../state/console';
import { actionsOf, statusWord, whyIdle, type GuestRow } from '../state/guests';
import { busyOf, verbs } from '../state/operations';
import { own } from '../state/own';
import { now } from '../state/store';
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from '../parts/icon';
import { ErrorCode, Hint, said } from '../parts/panel';
import { Busy, guestName, icons, want } from './infra-vm-parts';

interface OverProps {
  vm: GuestRow;
  state: State;
  retryAt: number;
  moved: string | null; // to which node
  onOpen: () => void;
  onNow: () => void;
}

const stepWords = (step: Step, isTerminal: boolean): string =>
  step === 'ask' ? 'Asking Proxmox…' : step === 'open' ? `Opening the ${isTerminal ? 'terminal' : 'screen'}…` : 'First picture';

function Steps({ state, isTerminal }: { state: State; isTerminal: boolean }) {
  const at = STEPS.indexOf(state.step);
  return (
    <ol class="console-steps">
      {STEPS.map((step, i) => (
        <li key={step} class={i < at ? 'done' : i === at ? 'now' : ''} aria-current={i === at ? 'step' : undefined}>
          <span aria-hidden="true">{i < at ? '✓' : i === at ? <i class="spinner" /> : '·'}</span> {stepWords(step, isTerminal)}{i < at && <span class="visually-hidden"> done</span>}
        </li>
      ))}
    </ol>
  );
}

function Card({ icon, title, role, children }: { icon: IconName; title: string; role: 'status' | 'alert'; children: ComponentChildren }) {
  return (
    <div class="console-card" role={role}>
      <h2><Icon name={icon} size={18} /> {title}</h2>
      {children}
    </div>
  );
}

export function Over({ vm, state, retryAt, moved, onOpen, onNow }: OverProps) {
  const name = guestName(vm);
  const isTerminal = (state.kind ?? (vm.type === 'lxc' ? 'terminal' : 'vnc')) === 'terminal';
  switch (state.at) {
    case 'live': return null;
    case 'idle':
    case 'connecting':
    case 'waiting': return state.tries > 0 || moved ? (
      <Card icon="refresh-cw" title={moved ? `${name} moved to ${own(moved)}, following…` : `Reconnecting ${Math.max(1, state.tries)}/${TRIES}`} role="status">
        {!moved && state.why && <p>{said(state.why)}</p>}
        {state.at === 'waiting' && (
          <div class="row">
            <button type="button" class="button small" onClick={onNow}>Try now</button>
            {retryAt - now.value > 1000 && <span class="dim num" aria-hidden="true">next try in {Math.ceil((retryAt - now.value) / 1000)} s</span>}
          </div>
        )}
      </Card>
    ) : (
      <Card icon="terminal" title={isTerminal ? 'Opening the terminal…' : 'Establishing VNC connection…'} role="status"><Steps state={state} isTerminal={isTerminal} /></Card>
    );
    case 'off': return <Off vm={vm} />;
    case 'closed': return (
      <Card icon="circle-stop" title="Connection closed" role="status">
        <p>{said(state.why)}</p>
        <div class="row"><button type="button" class="button primary" onClick={onOpen}>Reconnect</button></div>
      </Card>
    );
    case 'failed': return (
      <Card icon="circle-alert" title={state.isEmpty ? 'No connection data received' : 'Connection error'} role="alert">
        {state.isEmpty ? <p>Binnacle answered without the data a console needs. Nothing was left open; trying again asks for a new ticket.</p> : <p>{said(state.why)}</p>}
        <Refusal error={state.error} />
        <div class="row">
          <button type="button" class="button primary" onClick={onOpen}>Try again</button>
        </div>
      </Card>
    );
  }
}

function Refusal({ error }: { error: ApiError | null }) {
  if (!error) return null;
  return (
    <>
      <Hint text={error.hint} />
      {error.con && <p class="failure-code"><code>{error.con}</code>{error.step && <> · failed at: {error.step}</>}</p>}
      <ErrorCode error={error} />
    </>
  );
}

function Off({ vm }: { vm: GuestRow }) {
  const name = guestName(vm);
  const action = actionsOf(vm).find((a) => a === 'start' || a === 'resume');
  const isBusy = busyOf(vm.id) !== null;
  const idle = whyIdle(vm);
  return (
    <Card icon="power" title={`${name} is ${statusWord(vm)}`} role="status">
      <p>{idle ? `${idle}.` : 'Its console opens by itself as soon as it runs.'}</p>
      {action && !idle && (
        <div class="row">
          <button type="button" class="button primary" disabled={isBusy || !mayDo(vm.id, action)} onClick={() => want(vm, action)}><Icon name={icons[action]} size={14} /> {verbs[action].label} {name}</button>
          <Busy id={vm.id} />
        </div>
      )}
      {action && !mayDo(vm.id, action) && <p class="dim">Starting it needs the role manager, or an assignment that allows it.</p>}
    </Card>
  );
}
