// console-over: what stands over the picture while there is none: how far it is, how it ended, and what to do.

import type { ApiError } from '../link/api';
import { mayDo } from '../state/assigned';
import { conOf, holdersOf, STEPS, TRIES, type Holder, type State, type Step } from '../state/console';
import { endConsole } from '../state/consoles';
import { actionsOf, statusWord, whyIdle, type GuestRow } from '../state/guests';
import { busyOf, verbs } from '../state/operations';
import { own, ownSubject } from '../state/own';
import { act, copy, now } from '../state/store';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Choice } from '../parts/form';
import { Icon, type IconName } from '../parts/icon';
import { Ago } from '../parts/num';
import { ErrorCode, Hint, said } from '../parts/panel';
import { Busy, guestName, icons, want } from './infra-vm-parts';

/** Another way to look at it, when this one is refused. */
export interface Other {
  label: string;
  run: () => void;
}

interface OverProps {
  vm: GuestRow | null; // null: the shell of a node or target
  name: string;
  isTerminal: boolean;
  state: State;
  other: Other | null;
  retryAt: number;
  moved: string | null; // to which node
  asking?: string | undefined; // what the first step is called
  isGone?: boolean;
  onOpen: () => void;
  onNow: () => void;
}

const stepWords = (step: Step, isTerminal: boolean, asking = 'Asking Proxmox…'): string =>
  step === 'ask' ? asking : step === 'open' ? `Opening the ${isTerminal ? 'terminal' : 'screen'}…` : 'First picture';

function Steps({ state, isTerminal, asking }: { state: State; isTerminal: boolean; asking: string | undefined }) {
  const at = STEPS.indexOf(state.step);
  return (
    <ol class="console-steps">
      {STEPS.map((step, i) => (
        <li key={step} class={i < at ? 'done' : i === at ? 'now' : ''} aria-current={i === at ? 'step' : undefined}>
          <span aria-hidden="true">{i < at ? '✓' : i === at ? <i class="spinner" /> : '·'}</span> {stepWords(step, isTerminal, asking)}{i < at && <span class="visually-hidden"> done</span>}
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

export function Over({ vm, name, isTerminal, state, retryAt, moved, other, asking, isGone = false, onOpen, onNow }: OverProps) {
  switch (state.at) {
    case 'live': return state.isQuiet ? (
      <Card icon="wifi-off" title="No answer from Binnacle" role="status"><p>This is what was seen last. What you type now is not sent; it goes on by itself as soon as there is an answer.</p></Card>
    ) : null;
    case 'idle':
    case 'connecting':
    case 'waiting': return <Coming name={name} isTerminal={isTerminal} what={vm ? 'terminal' : 'shell'} state={state} retryAt={retryAt} moved={moved} asking={asking} onNow={onNow} />;
    case 'off': return vm && <Off vm={vm} />;
    case 'closed': return (
      <Card icon="circle-stop" title={vm ? 'Connection closed' : 'Shell closed'} role="status">
        <p>{said(state.why)}</p>
        {!isGone && <div class="row"><button type="button" class="button primary" onClick={onOpen}>{vm ? 'Reconnect' : 'Open another'}</button></div>}
      </Card>
    );
    case 'failed': return (
      <Card icon="circle-alert" title={titleOf(state)} role="alert">
        {state.isEmpty ? <p>Binnacle answered without the data a console needs. Nothing was left open; trying again asks for a new ticket.</p> : <p>{said(state.why)}</p>}
        {state.isBlocked && <ProxyHelp />}
        <Refusal error={state.error} onRoom={onOpen} />
        <div class="row">
          {!isGone && <button type="button" class="button primary" onClick={onOpen}>Try again</button>}
          {other && <button type="button" class="button" onClick={other.run}>{other.label}</button>}
        </div>
      </Card>
    );
  }
}

function titleOf({ isEmpty, error }: State): string {
  if (isEmpty) return 'No connection data received';
  if (error?.status === 429) return 'No room for another console';
  return error && conOf(error) === 'CON-06' ? 'No serial port' : 'Connection error';
}

type ComingProps = Pick<OverProps, 'name' | 'isTerminal' | 'state' | 'retryAt' | 'moved' | 'asking' | 'onNow'> & { what: string };

/** On its way, for the first time or again. */
function Coming({ name, isTerminal, what, state, retryAt, moved, asking, onNow }: ComingProps) {
  const left = retryAt - now.value;
  const retry = state.at === 'waiting' && (
    <div class="row">
      <button type="button" class="button small" onClick={onNow}>Try now</button>
      {left > 1000 && <span class="dim num" aria-hidden="true">next try in {Math.ceil(left / 1000)} s</span>}
    </div>
  );
  if (state.isAway) {
    return (
      <Card icon="wifi-off" title="No connection to Binnacle" role="status">
        <p>It does not answer, or the network is down. {state.hasFrame && 'This is what was seen last. '}The console opens again by itself as soon as the way there is back.</p>
        {retry}
      </Card>
    );
  }
  if (state.tries > 0 || moved) {
    return (
      <Card icon="refresh-cw" title={moved ? `${name} moved to ${own(moved)}, following…` : `Reconnecting ${Math.max(1, state.tries)}/${TRIES}`} role="status">
        {!moved && state.why && <p>{said(state.why)}</p>}
        {retry}
      </Card>
    );
  }
  return <Card icon="terminal" title={isTerminal ? `Opening the ${what}…` : 'Establishing VNC connection…'} role="status"><Steps state={state} isTerminal={isTerminal} asking={asking} /></Card>;
}

function Refusal({ error, onRoom }: { error: ApiError | null; onRoom: () => void }) {
  if (!error) return null;
  const con = conOf(error);
  const holders = holdersOf(error);
  return (
    <>
      <Hint text={error.hint} />
      {holders.length > 0 && <Holders list={holders} onRoom={onRoom} />}
      {con && <p class="failure-code"><code>{con}</code>{typeof error.said.step === 'string' && <> · failed at: {error.said.step}</>}</p>}
      <ErrorCode error={error} />
    </>
  );
}

const PROXIES = [
  { id: 'nginx', text: 'In the location that passes to Binnacle:', lines: 'proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection "upgrade";' },
  { id: 'Caddy', text: 'Caddy passes WebSockets by itself: this line is enough, and another proxy before it may be the one that does not.', lines: 'reverse_proxy 127.0.0.1:8470' },
  { id: 'Apache', text: 'Since Apache 2.4.47, with the module proxy_http:', lines: 'ProxyPass / http://127.0.0.1:8470/ upgrade=websocket' },
  { id: 'HAProxy', text: 'HAProxy passes WebSockets by itself in mode http, and waits for their next byte as long as it is told:', lines: 'mode http\ntimeout tunnel 75s' },
] as const;
type ProxyId = (typeof PROXIES)[number]['id'];

/** What to say to the proxy that does not pass WebSockets. */
function ProxyHelp() {
  const [id, choose] = useState<ProxyId>('nginx');
  const { text, lines } = PROXIES.find((p) => p.id === id)!;
  return (
    <>
      <Choice<ProxyId> label="Which proxy" value={id} options={PROXIES.map((p) => ({ id: p.id, label: p.id }))} onChange={choose} />
      <div class="hint">
        <p>{text}</p>
        <code class="command">{lines}</code>
        <button type="button" class="button small" onClick={() => void copy(lines, 'Lines')}><Icon name="copy" size={14} /> Copy</button>
      </div>
      <p class="failure-code"><code>CON-05</code> · whole files for nginx, Caddy and HAProxy stand in docs/operations.md</p>
    </>
  );
}

/** Those that leave no room: one of them makes it. */
function Holders({ list, onRoom }: { list: Holder[]; onRoom: () => void }) {
  return (
    <ul class="console-holders" aria-label="Open consoles">
      {list.map((h) => (
        <li key={h.id}>
          <span class="console-holder"><strong>{ownSubject(h.subject ?? '') || 'a console'}</strong> <span class="dim">{own(h.user_name || 'a key')}{h.since ? <>, <Ago at={h.since} /></> : ', being opened'}</span></span>
          <button type="button" class="button small" aria-label={`End the console of ${ownSubject(h.subject ?? '')}, ${h.user_name || 'a key'}, and open this one`} onClick={() => void act(() => endConsole(h.id)).then((isDone) => isDone && onRoom())}>End</button>
        </li>
      ))}
    </ul>
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
