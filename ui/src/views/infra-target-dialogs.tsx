// infra-target-dialogs: the dialogs about one SSH target, for the list and for its own page.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../link/api';
import { go, href, route } from '../link/route';
import { own } from '../state/own';
import { act } from '../state/store';
import { displayOf, targetOf, targets, type Target } from '../state/targets';
import { Dialog } from '../parts/dialog';
import { open, pathOf } from './infra-target-acts';
import { BatchDialog } from './infra-target-batch';
import { TargetForm } from './infra-target-form';
import { TestDialog } from './infra-target-key';
import { Fingerprint } from './infra-server-test';

/** Whichever dialog is open; one place on each page about targets. */
export function TargetDialogs() {
  const what = open.value;
  const close = () => (open.value = null);
  useEffect(() => close, []);
  if (!what) return null;
  if (what.kind === 'add') return <TargetForm target={null} onClose={close} />;
  if (what.kind === 'batch') return <BatchDialog type={what.type} ids={what.ids} onClose={close} />;
  return <OfOne key={`${what.kind} ${what.id}`} kind={what.kind} id={what.id} onClose={close} />;
}

/** The topic tells a target a moment after the answer did: nobody is told that it is gone meanwhile. */
const SOON_MS = 3000;

function OfOne({ kind, id, onClose }: { kind: 'edit' | 'delete' | 'test' | 'forget'; id: string; onClose: () => void }) {
  const target = targetOf(id);
  const [seen, setSeen] = useState<Target | undefined>(target);
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (target) setSeen(target);
  }, [target]);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), SOON_MS);
    return () => window.clearTimeout(timer);
  }, []);
  if (!target && kind === 'delete' && seen) return null; // by this dialog, which closes
  if (!target) return seen || isLate ? <Gone onClose={onClose} /> : null;
  switch (kind) {
    case 'edit': return <TargetForm target={target} onClose={onClose} />;
    case 'delete': return <Delete target={target} onClose={onClose} />;
    case 'test': return <TestDialog target={target} onClose={onClose} />;
    case 'forget': return <Forget target={target} onClose={onClose} />;
  }
}

function Gone({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="This target is gone" class="narrow" onClose={onClose}>
      <div class="stack">
        <p>Somebody deleted it while you looked at it.</p>
        <div class="dialog-foot"><button type="button" class="button primary" onClick={onClose}>Close</button></div>
      </div>
    </Dialog>
  );
}

function Delete({ target, onClose }: { target: Target; onClose: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const { name, place } = displayOf(target);
  const through = targets.value.filter((t) => t.jump_id === target.id);
  return (
    <Dialog title={`Delete ${own(name)}?`} class="narrow" onClose={onClose}>
      <div class="stack">
        <p><strong>{name}</strong> <span class="mono">{place}</span></p>
        {through.length > 0
          ? <p>{through.length === 1 ? 'One target is' : `${through.length} targets are`} reached through it: {through.map((t) => own(displayOf(t).name)).join(', ')}. Give {through.length === 1 ? 'it' : 'them'} another way first.</p>
          : <p>Its secret and its host key leave Binnacle, and its terminals end. What was done on it stays in the history. Nothing changes on the machine itself. This cannot be undone; to keep it, switch it off instead.</p>}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose} autofocus>Keep</button>
          <button type="button" class="button primary danger" disabled={isBusy || through.length > 0} onClick={() => void (async () => {
            setBusy(true);
            const isHere = route.peek().page === `targets/${encodeURIComponent(target.id)}`;
            if (!await act(() => api('DELETE', pathOf(target)), `${name} is deleted`)) return setBusy(false);
            onClose();
            if (isHere) go(href('targets'), 'replace');
          })()}>{isBusy ? 'Deleting…' : 'Delete'}</button>
        </div>
      </div>
    </Dialog>
  );
}

function Forget({ target, onClose }: { target: Target; onClose: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const name = own(displayOf(target).name);
  return (
    <Dialog title={`Forget the host key of ${name}?`} class="narrow" onClose={onClose}>
      <div class="stack">
        <Fingerprint of={target.host_key} label="Confirmed" />
        <p>The next one it shows is asked about like the first. Until somebody confirms it nothing secret is sent to {name}, and no operation runs on it.</p>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose} autofocus>Keep it</button>
          <button type="button" class="button primary" disabled={isBusy} onClick={() => void (async () => {
            setBusy(true);
            if (await act(() => api('PATCH', pathOf(target), { host_key: null }), `The host key of ${name} is forgotten`)) onClose();
            else setBusy(false);
          })()}>{isBusy ? 'Forgetting…' : 'Forget it'}</button>
        </div>
      </div>
    </Dialog>
  );
}
