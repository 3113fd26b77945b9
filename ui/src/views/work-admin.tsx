// work-admin: what administrators may do to operations: end one that hangs, delete one that is over, clean up the history.

import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { api } from '../link/api';
import { cancel, isActive, isDeed, mayCancel, titleOf, type Operation } from '../state/operations';
import { act, may, toast } from '../state/store';
import { Dialog } from '../parts/dialog';
import { Choice, Field, Switch, useSend } from '../parts/form';
import { Icon } from '../parts/icon';
import { Failure } from '../parts/panel';
import { openRowMenu, type RowAct } from '../parts/rowmenu';

/** Told to every list of the page when operations were deleted or ended by hand. */
export const CHANGED = 'binnacle:operations';

type Question = { is: 'force' | 'delete'; op: Operation } | { is: 'clean' };

const question = signal<Question | null>(null);
const close = () => (question.value = null);
const changed = () => window.dispatchEvent(new Event(CHANGED));

const pathOf = (op: Operation, tail = '') => `api/v1/operations/${encodeURIComponent(op.id)}${tail}`;

/** For the menu of its row. */
export function adminActs(op: Operation): (RowAct | false)[] {
  if (!may('admin')) return [];
  return [isActive(op) ? { label: 'End by hand …', icon: 'circle-stop', run: () => (question.value = { is: 'force', op }) }
    : { label: 'Delete …', icon: 'trash-2', run: () => (question.value = { is: 'delete', op }) }];
}

/** Beside one that is under way. */
export function AdminMenu({ op }: { op: Operation }) {
  if (!may('admin')) return null;
  return <button type="button" class="button icon-only small quiet" aria-haspopup="menu" aria-label={`More for ${titleOf(op)}`}
    onClick={(e) => openRowMenu({ title: titleOf(op), record: op, isShort: true, acts: adminActs(op) }, e)}><Icon name="ellipsis" /></button>;
}

export function CleanUpButton() {
  return may('admin') ? <button type="button" class="button" onClick={() => (question.value = { is: 'clean' })}><Icon name="trash-2" size={14} /> Clean up…</button> : null;
}

/** Whichever question is open; one place on each page with a history. */
export function AdminDialogs() {
  const of = question.value;
  if (!of) return null;
  if (of.is === 'clean') return <CleanUp />;
  return of.is === 'force' ? <Force op={of.op} /> : <Delete op={of.op} />;
}

const REASON_MAX = 119;

function Force({ op }: { op: Operation }) {
  const [status, setStatus] = useState<'failed' | 'completed'>('failed');
  const [reason, setReason] = useState('');
  const { error, isBusy, send, field } = useSend();
  const what = titleOf(op);
  return (
    <Dialog title={`End “${what}” by hand?`} class="deed-ask" onClose={close}>
      <form onSubmit={(e) => {
        e.preventDefault();
        if (!isBusy) void send(async () => {
          await api('POST', pathOf(op, '/force-complete'), { status, reason: reason.trim() });
          close();
          changed();
          toast('ok', `${what} was ended as ${status}`);
        });
      }}>
        <p class="deed-warning"><Icon name="triangle-alert" size={16} /> <span>This is for one that hangs. Everybody sees it as ended, and {op.type === 'batch' ? 'what it has begun is cancelled' : 'the next one can begin at once'}. <strong>{isDeed(op) ? 'What runs on the target' : 'What runs'} is not stopped by it</strong>: look there yourself.{mayCancel(op) ? ' Most of the time cancelling is enough.' : ''}</span></p>
        <Choice label="How it ended" value={status} onChange={setStatus} options={[{ id: 'failed', label: 'It failed' }, { id: 'completed', label: 'It completed' }]} />
        <Field label="Why" name="reason" value={reason} onInput={setReason} maxLength={REASON_MAX} autofocus required error={field('reason')} hint="Everybody reads it with your name, and the audit keeps it" />
        {error && error.field !== 'reason' && <Failure error={error} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>Leave it</button>
          {mayCancel(op) && <button type="button" class="button" onClick={() => {
            close();
            void act(() => cancel(op), 'Asked to cancel it');
          }}>Cancel it instead</button>}
          <button type="submit" class="button primary danger" disabled={isBusy || reason.trim() === ''}>{isBusy ? 'Ending…' : 'End it'}</button>
        </div>
      </form>
    </Dialog>
  );
}

function Delete({ op }: { op: Operation }) {
  const [isBusy, setBusy] = useState(false);
  return (
    <Dialog title={`Delete “${titleOf(op)}”?`} class="narrow" onClose={close}>
      <div class="stack">
        <p>It leaves the history for everybody, with all that was written{op.type === 'batch' ? '; its operations stay' : ''}. Nothing changes on the machine, and the audit keeps who deleted it. This cannot be undone.</p>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close} autofocus>Keep it</button>
          <button type="button" class="button primary danger" disabled={isBusy} onClick={() => void (async () => {
            setBusy(true);
            const isGone = await act(() => api('DELETE', pathOf(op)), `${titleOf(op)} is deleted`);
            setBusy(false);
            if (!isGone) return;
            close();
            changed();
          })()}>{isBusy ? 'Deleting…' : 'Delete'}</button>
        </div>
      </div>
    </Dialog>
  );
}

const HOURS_MAX = 8760;

interface Cleaned {
  force_failed: { operation_id: string; subject: string }[];
  removed: number;
  hours_old: number;
}

const countOf = (n: number): string => `${n} operation${n === 1 ? '' : 's'}`;

/** "250 operations were removed, and 1 operation that hung has failed". */
function cleanedWords({ removed, force_failed: failed }: Cleaned): string {
  const removal = removed === 0 ? 'Nothing was old enough to be removed' : `${countOf(removed)} ${removed === 1 ? 'was' : 'were'} removed`;
  return failed.length === 0 ? removal : `${removal}; ${countOf(failed.length)} that hung: ended as failed`;
}

function CleanUp() {
  const [hours, setHours] = useState('24');
  const [isStuckToo, setStuckToo] = useState(false);
  const { error, isBusy, send, field } = useSend();
  const wanted = /^\d+$/.test(hours) ? Number(hours) : 0;
  const isWrong = hours !== '' && (wanted < 1 || wanted > HOURS_MAX);
  return (
    <Dialog title="Clean up the operations" class="deed-ask" onClose={close}>
      <form onSubmit={(e) => {
        e.preventDefault();
        if (!isBusy) void send(async () => {
          const cleaned = await api<Cleaned>('POST', 'api/v1/operations/cleanup', { hours_old: wanted, force_stuck: isStuckToo });
          close();
          changed();
          toast('ok', cleanedWords(cleaned));
        });
      }}>
        <Field label="Remove what ended more than so many hours ago" name="hours_old" value={hours} onInput={setHours} inputMode="numeric" maxLength={4} required autofocus error={isWrong ? `From 1 hour to ${HOURS_MAX}, which is a year` : field('hours_old')}
          hint={wanted > 24 ? `That is ${(wanted / 24).toFixed(wanted % 24 === 0 ? 0 : 1)} days. Without this, everything is kept for 90 days` : 'Without this, everything is kept for 90 days'} />
        <Switch label="End what hangs" name="force_stuck" value={isStuckToo} onChange={setStuckToo}>What has been under way for more than 30 minutes is ended as failed first. What runs on a target or as a task is not stopped by it.</Switch>
        <p class="deed-warning"><Icon name="triangle-alert" size={16} /> <span>It leaves the history for everybody, with all that was written. This cannot be undone; the CSV of the list keeps the lines.</span></p>
        {error && error.field !== 'hours_old' && <Failure error={error} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>Keep all</button>
          <button type="submit" class="button primary danger" disabled={isBusy || isWrong || hours === ''}>{isBusy ? 'Cleaning up…' : 'Clean up'}</button>
        </div>
      </form>
    </Dialog>
  );
}
