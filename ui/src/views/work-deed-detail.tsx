// work-deed-detail: one operation over SSH: its steps, what runs, what it writes, how it ended and what to do then.

import { useEffect } from 'preact/hooks';
import { href } from '../link/route';
import { sheet, watch } from '../state/deeds';
import { cancelMeans, curlOf, hostKeysOf, stepsOf, sudoLine, VERIFY, type DeedType } from '../state/deedwords';
import { cancel, isActive, mayCancel, phaseOf, resultOf, tookOf, type Operation } from '../state/operations';
import { own } from '../state/own';
import { act, copy, may } from '../state/store';
import { targetOf } from '../state/targets';
import { Icon } from '../parts/icon';
import { Hint, said } from '../parts/panel';
import { NEEDS_MANAGER } from './infra-server-acts';
import { Command } from './work-command';
import { OutputView } from './work-output';
import { detailsOf } from './work-operation';
import { At, Away, Bar, By, OperationStatus, targetHref } from './work-parts';

export function DeedDetail({ op }: { op: Operation }) {
  const isOn = isActive(op);
  const target = targetOf(op.target_id ?? '');
  useEffect(() => watch(op.id), [op.id]);
  return (
    <div class="op-detail deed">
      <Where op={op} />
      {isOn && <Away>{op.sent_at ? 'The target goes on by itself, and its end is read when Binnacle is back.' : 'This goes on by itself when Binnacle is back.'}</Away>}
      <dl class="pairs deed-pairs">
        <dt>Target</dt><dd>{target ? <a href={targetHref(target.id)} onClick={() => (sheet.value = null)}>{own(target.name ?? '')}</a> : <span class="dim">not among yours any more</span>}</dd>
        <dt>Started by</dt><dd><By op={op} />, <At at={op.started_at} /></dd>
        {op.command && <><dt>Command</dt><dd><Command text={op.command} /></dd></>}
        <dt>Operation</dt><dd class="deed-id"><code>{op.id}</code> <button type="button" class="button icon-only small quiet" aria-label="Copy the operation's id" data-tip="Copy" onClick={() => void copy(op.id, 'Id')}><Icon name="copy" size={14} /></button></dd>
      </dl>
      <End op={op} />
      <OutputView id={op.id} isActive={isOn} />
      {isOn && <p class="dim deed-means">{cancelMeans(op)}</p>}
      <div class="dialog-foot deed-foot">
        {op.target_id && <button type="button" class="button quiet" data-tip="The same once more, for a shell" onClick={() => void copy(curlOf(`${location.origin}${href(`api/v1/targets/${encodeURIComponent(op.target_id!)}/operations`)}`, op), 'Command')}><Icon name="terminal" size={14} /> Copy as curl</button>}
        <button type="button" class="button quiet" onClick={() => void copy(detailsOf(op), 'Details')}><Icon name="copy" size={14} /> Copy details</button>
        {isOn && <button type="button" class="button" disabled={!mayCancel(op)} data-tip={mayCancel(op) ? cancelMeans(op) : NEEDS_MANAGER} onClick={() => void act(() => cancel(op), 'Asked to cancel it')}>{op.sent_at ? 'Stop watching' : 'Cancel'}</button>}
      </div>
    </div>
  );
}

/** How far it is: percent, words, and each step with its sign. */
function Where({ op }: { op: Operation }) {
  const isOn = isActive(op);
  const progress = op.progress ?? 0;
  const steps = stepsOf(op);
  const isGood = op.status === 'completed';
  const isPast = (at: number) => isGood || progress >= at && !(at === 100 && !isGood);
  const current = isOn ? steps.filter((s) => progress >= s.at).at(-1)?.at : undefined;
  return (
    <div class="deed-where">
      <p class="deed-phase" role="status">
        <OperationStatus op={op} />
        <strong class="num">{isOn ? `${progress} %` : ''}</strong>
        <span>{isOn ? phaseOf(op) : tookOf(op) ? `after ${tookOf(op)}` : ''}</span>
      </p>
      {isOn && <Bar op={op} />}
      {(isOn || isGood) && (
        <ol class="deed-steps">
          {steps.map((s) => (
            <li key={s.at} class={s.at === current ? 'is-now' : isPast(s.at) ? 'is-past' : ''} aria-current={s.at === current ? 'step' : undefined}>
              <span aria-hidden="true">{s.at === current ? '⟳' : isPast(s.at) ? '✓' : '○'}</span> <span class="num">{s.at} %</span> {s.words}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** One line about how it ended, and what to do when it did not end well. */
function End({ op }: { op: Operation }) {
  if (isActive(op)) return null;
  if (op.status === 'failed') return <Failed op={op} />;
  if (op.timed_out) return (
    <div class="deed-end is-doubtful" role="status">
      <Icon name="triangle-alert" size={18} />
      <div><p><strong>{VERIFY}.</strong> {said(op.message || 'It was sent, and nothing said in time how it ended.')}</p><Hint text={op.hint} /></div>
    </div>
  );
  const isCancelled = op.status === 'cancelled';
  return (
    <div class={`deed-end ${isCancelled ? '' : op.has_warnings ? 'is-doubtful' : 'is-good'}`} role="status">
      <Icon name={isCancelled ? 'circle-stop' : op.has_warnings ? 'triangle-alert' : 'circle-check'} size={18} />
      <div>
        <p><strong>{resultOf(op)}.</strong>{op.message && op.message !== resultOf(op) && !resultOf(op).startsWith(op.message) ? <> {said(sentenceOf(op.message))}</> : ''}</p>
        {op.type === 'service_restart' && !isCancelled && <p class="dim">A restart cannot be undone.</p>}
      </div>
    </div>
  );
}

const sentenceOf = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);

function Failed({ op }: { op: Operation }) {
  const sudo = sudoLine(op.hint);
  const keys = hostKeysOf(op.error);
  const target = targetOf(op.target_id ?? '');
  const again = target && may(op.type === 'command' ? 'admin' : 'operate') ? () => (sheet.value = { ask: { ...target, ...(op.object ? { service: op.object } : {}) }, type: op.type as DeedType, ...(op.type === 'command' && op.command ? { command: op.command } : {}) }) : null;
  return (
    <div class="deed-end is-bad" role="alert">
      <Icon name="circle-alert" size={18} />
      <div>
        <p><strong>{op.timed_out ? `${VERIFY}. ` : ''}{said(op.error || resultOf(op))}</strong></p>
        {sudo ? (
          <>
            <p>Add this line with <code>visudo</code> there:</p>
            <Command text={sudo} what="Line" />
          </>
        ) : <Hint text={op.hint} />}
        {!op.sent_at && !/nothing was/i.test(`${op.error} ${op.hint}`) && <p>Nothing was sent to it, so nothing was changed.</p>}
        {keys && (
          <>
            <dl class="pairs deed-keys">
              {keys.was && <><dt>Confirmed</dt><dd class="mono">{keys.was}</dd></>}
              <dt>Shown now</dt><dd class="mono">{keys.now}</dd>
            </dl>
            {target && <p><a href={targetHref(target.id)} onClick={() => (sheet.value = null)}>{keys.was ? `Accept new key on the page of ${own(target.name ?? '')}` : `Confirm it on the page of ${own(target.name ?? '')}`}</a>{keys.was && !may('admin') ? ', which the role admin may.' : ''}</p>}
          </>
        )}
        {again && <div class="row"><button type="button" class="button small" onClick={again}>{sudo ? <><Icon name="rotate-cw" size={14} /> Recheck</> : 'Try again'}</button>{sudo && <span class="dim">looks whether sudo is allowed first, and restarts if it is</span>}</div>}
      </div>
    </div>
  );
}
