// infra-target-key: how the host key of an SSH target stands, the question to confirm it, and the test that shows it.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../link/api';
import { toldHere } from '../state/deeds';
import { isActive, operations, type Operation } from '../state/operations';
import { own } from '../state/own';
import { may, toast } from '../state/store';
import { displayOf, keyStateOf, targetOf, type Target } from '../state/targets';
import { jumpsOf, KEY_STATES, type KeyState } from '../state/targetwords';
import { Dialog } from '../parts/dialog';
import { useSend } from '../parts/form';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import { Failure, Hint, said } from '../parts/panel';
import { NEEDS_MANAGER, pathOf, targetHref, trust } from './infra-target-acts';
import { ActButton } from './infra-server-parts';
import { Command, Fingerprint } from './infra-server-test';

const icons: Record<KeyState, 'triangle-alert' | 'shield-check' | 'circle-help' | 'key-round'> = { changed: 'triangle-alert', seen: 'key-round', unknown: 'circle-help', confirmed: 'shield-check' };

/** Sign, word and colour. */
export function KeyTag({ target: t }: { target: Target }) {
  const state = keyStateOf(t);
  const { word, level, about } = KEY_STATES[state];
  const shown = t.host_key ?? t.seen_host_key;
  return <span class={`badge ${level} key-tag`} data-tip={`${about}${shown ? `\n${shown}` : ''}`}><Icon name={icons[state]} size={12} /> {word}</span>;
}

/** How the machine itself says which host key it has. */
function showKey(type: string | undefined): string {
  const kind = /ed25519/.test(type ?? '') ? 'ed25519' : /ecdsa/.test(type ?? '') ? 'ecdsa' : 'rsa';
  return `ssh-keygen -lf /etc/ssh/ssh_host_${kind}_key.pub`;
}

const labelOf = (what: string, type: string | undefined) => (type ? `${what}, ${type}` : what);

/**
 * What it shows and nobody has confirmed: asked about the first time, a stop when it is another one than before.
 * What is confirmed is what was looked at, also when it shows yet another one meanwhile.
 */
export function KeyQuestion({ target, onTrusted, isPage }: { target: Target; onTrusted?: () => void; isPage?: boolean }) {
  const [shown] = useState({ key: target.seen_host_key ?? '', type: target.seen_host_key_type });
  const { error, isBusy, send } = useSend();
  const name = own(displayOf(target).name);
  const isChanged = keyStateOf(target) === 'changed';
  const Title = isPage ? 'h2' : 'h3';
  const confirm = () => void send(async () => {
    await trust(target, shown.key);
    toast('ok', isChanged ? `The new host key of ${name} is accepted` : `The host key of ${name} is confirmed`);
    onTrusted?.();
  });
  const off = isChanged ? (may('admin') ? null : 'Accepting another host key needs the role admin') : may('operate') ? null : NEEDS_MANAGER;
  return (
    <section class={`key-question ${isChanged ? 'is-changed' : ''}`} role={isChanged ? 'alert' : 'group'} aria-label={`Host key of ${name}`}>
      <Title><Icon name={isChanged ? 'triangle-alert' : 'key-round'} size={18} /> {isChanged ? `The host key of ${name} has changed` : `Is this the host key of ${name}?`}</Title>
      {isChanged && <p>It is not the machine that was confirmed, or it was installed anew, or somebody stands in between. Nothing was sent to it, and nothing will be.</p>}
      {isChanged && <Fingerprint of={target.host_key} label={labelOf('Old', target.host_key_type)} />}
      <Fingerprint of={shown.key} label={isChanged ? labelOf('New', shown.type) : labelOf('It showed', shown.type)} />
      {target.seen_host_key !== shown.key && <p class="warn-text">It shows yet another one by now: close this and look again.</p>}
      <p>{isChanged ? <>If you reinstalled {name}, press Accept new key. If not, do not.</> : <>Nobody has confirmed it yet, so nothing was sent to {name}.</>} Compare it with what the machine says of itself, on its own console:</p>
      <Command text={showKey(shown.type)} />
      {error && <Failure error={error} />}
      <div class="row">
        <ActButton class={isChanged ? 'danger' : 'primary'} off={off} isBusy={isBusy} onClick={confirm}>{isChanged ? 'Accept new key' : 'It is the same: confirm'}</ActButton>
        {off && <span>{off}.</span>}
      </div>
    </section>
  );
}

/** Whichever of the way to it and itself wants its key to be looked at, the nearest first. */
export function questionOf(t: Target): Target | null {
  return [...jumpsOf(t, targetOf), t].find((x) => ['seen', 'changed'].includes(keyStateOf(x))) ?? null;
}

const isAboutKey = (op: Operation | undefined): boolean => op?.status === 'failed' && /host key/i.test(op.error ?? '');

/** Logs in once and runs nothing that changes anything; what it finds is said here. */
export function TestDialog({ target, onClose }: { target: Target; onClose: () => void }) {
  const { place } = displayOf(target);
  const name = own(displayOf(target).name);
  const [id, setId] = useState<string | null>(null);
  const { error, isBusy, send, forget } = useSend();
  const op = operations.value.find((o) => o.id === id);
  const isRunning = isBusy || (id !== null && (!op || isActive(op)));
  const question = isAboutKey(op) ? questionOf(target) : null;

  async function begin(): Promise<void> {
    setId(null);
    const follow = (began: string) => {
      toldHere(began);
      setId(began);
    };
    const refused = await send(async () => follow((await api<{ operation_id: string }>('POST', pathOf(target, '/operations'), { type: 'ssh_test' })).operation_id));
    if (!refused?.operationId) return;
    follow(refused.operationId); // it is being tested: this one's result is as good
    forget();
  }
  useEffect(() => void begin(), []);

  return (
    <Dialog title={`Test ${name}`} class="target-test" onClose={onClose}>
      <div class="stack" aria-live="polite">
        <p class="mono dim">{place}</p>
        {error && <Failure error={error} />}
        {isRunning && (
          <div class="target-testing">
            <progress max={100} value={op?.progress ?? 0} aria-label="How far the test is" />
            <span class="dim">{op?.phase || 'Starting…'}</span>
          </div>
        )}
        {op?.status === 'completed' && <p class="test-sum ok"><Icon name="circle-check" size={18} /> <strong>{said(op.message || `${name} answers`)}</strong></p>}
        {op?.status === 'completed' && op.command && <p class="dim">Logged in as {target.username} and ran <code>{op.command}</code>.</p>}
        {op?.status === 'cancelled' && <p>The test was cancelled.</p>}
        {op?.status === 'failed' && (question ? <KeyQuestion key={`${question.id} ${question.seen_host_key}`} target={question} onTrusted={() => void begin()} /> : (
          <div class="failure" role="alert">
            <Icon name="circle-alert" size={18} />
            <div class="failure-body"><p>{said(op.error || 'The test failed.')}</p><Hint text={op.hint} /></div>
          </div>
        ))}
        <div class="dialog-foot">
          <a class="button foot-first" href={targetHref(target)} onClick={onClose}>Its page</a>
          <button type="button" class="button" onClick={onClose}>Close</button>
          <button type="button" class={`button ${question ? '' : 'primary'}`} disabled={isRunning} onClick={() => void begin()}><Icon name="refresh-cw" /> {isRunning ? 'Testing…' : 'Test again'}</button>
        </div>
      </div>
    </Dialog>
  );
}

/** "seen 3 min ago" */
export function SeenAt({ target: t }: { target: Target }) {
  return t.seen_at ? <span class="dim">shown <Ago at={t.seen_at} /></span> : null;
}
