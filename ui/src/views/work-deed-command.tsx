// work-deed-command: the question before a command of an administrator's own runs on a target.

import { useId, useMemo, useState } from 'preact/hooks';
import { computed } from '@preact/signals';
import { begin, sheet } from '../state/deeds';
import { keyOf } from '../state/deedwords';
import { active } from '../state/operations';
import { own } from '../state/own';
import type { Target } from '../state/targets';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { By } from './work-parts';

const BYTES_MAX = 511;

const close = () => (sheet.value = null);

export function CommandQuestion({ target, text: first }: { target: Target; text: string }) {
  const [text, setText] = useState(first);
  const [isBusy, setBusy] = useState(false);
  const id = useId();
  const name = own(target.name ?? '');
  const bytes = new TextEncoder().encode(text).length;
  const isTooLong = bytes > BYTES_MAX;
  const running = useMemo(() => computed(() => active.value.find((op) => keyOf(op.target_id, op.type, op.object) === keyOf(target.id, 'command', ''))), [target.id]).value;
  const isReady = !isBusy && text.trim() !== '' && !isTooLong && !running;
  const go = async () => {
    setBusy(true);
    const begun = await begin(target, 'command', '', text);
    setBusy(false);
    if (begun) sheet.value = { operation: begun };
  };
  return (
    <Dialog title={`Run a command on ${name}`} class="deed-ask" onClose={close} holds>
      <form onSubmit={(e) => {
        e.preventDefault();
        if (isReady) void go();
      }}>
        <p class="deed-warning"><Icon name="triangle-alert" size={16} /> <span>It runs as <strong>{target.username}</strong> on <strong>{name}</strong> exactly as it is written, and nothing takes it back. Whoever sees operations reads it and what it says: <strong>no passwords in it</strong>.</span></p>
        <div class={`field key-text ${isTooLong ? 'has-error' : ''}`}>
          <label for={id}>Command</label>
          <textarea id={id} name="command" class="mono" rows={4} value={text} spellcheck={false} autocapitalize="none" autocomplete="off" autofocus placeholder="df -h /" aria-invalid={isTooLong ? true : undefined} aria-describedby={`${id}-hint`}
            onInput={(e) => setText(e.currentTarget.value.replace(/\r\n?/g, '\n'))} onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && isReady) void go();
            }} />
          <p class="field-hint" id={`${id}-hint`}>For sh, one line or several; it ends within ten minutes. Ctrl+Enter runs it.</p>
          {isTooLong && <p class="field-error"><Icon name="circle-alert" size={14} /> {bytes} bytes: at most {BYTES_MAX}. Longer ones belong into a file on the target.</p>}
        </div>
        {running && <p class="dim">Another command is under way on it, begun by <By op={running} />: one at a time. <button type="button" class="link" onClick={() => (sheet.value = { operation: running.id })}>Watch it</button></p>}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>Cancel</button>
          <button type="submit" class="button primary restart-now" disabled={!isReady}>{isBusy ? 'Starting…' : 'Run it'}</button>
        </div>
      </form>
    </Dialog>
  );
}
