// work-operation: one operation with all that is known of it: the log of its task, or what its command writes.

import { useEffect, useMemo, useRef } from 'preact/hooks';
import { useComputed } from '@preact/signals';
import { href } from '../link/route';
import { serverName } from '../state/assigned';
import { serverOf } from '../state/fleet';
import { cancel, guestOf, isActive, isDeed, mayCancel, operations, phaseOf, titleOf, tookOf, type Operation } from '../state/operations';
import { useAsk } from '../state/ask';
import { act, copy } from '../state/store';
import { Answer } from '../parts/asked';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Hint, said } from '../parts/panel';
import { guestHref } from './infra-vm-parts';
import { BatchDetail } from './work-batch';
import { DeedDetail } from './work-deed-detail';
import { At, Bar, By, OperationStatus } from './work-parts';

interface Told extends Operation {
  log?: { n: number; t: string }[] | null;
}

const FOLLOW_MS = 2000; // the log of a task that runs; everything else is told by the topic

/** For the clipboard: what support would ask for; holds no secret. */
export function detailsOf(op: Told): string {
  return [
    titleOf(op), `status: ${op.status ?? 'unknown'}`, op.message ? `message: ${op.message}` : '', op.error ? `error: ${op.error}` : '', op.hint ? `to do: ${op.hint}` : '',
    `operation: ${op.id}`, op.command ? `command: ${op.command}` : '', op.upid ? `task: ${op.upid}` : '', op.node ? `node: ${op.node}` : '', `by: ${op.created_by ?? '-'}`,
    `started: ${op.started_at ?? '-'}`, `ended: ${op.completed_at ?? '-'}`, ...(op.log?.length ? ['', ...op.log.map((l) => l.t)] : []),
  ].filter((l, i, all) => l !== '' || (i > 0 && all[i - 1] !== '')).join('\n');
}

export function OperationSheet({ id, onClose }: { id: string; onClose: () => void }) {
  const asked = useAsk<Told>(`api/v1/operations/${encodeURIComponent(id)}`);
  const live = useComputed(() => operations.value.find((op) => op.id === id));
  const status = live.value?.status;
  // The log moves while it runs, and once more when it is over.
  useEffect(() => {
    if (status && !isActive({ status })) return void asked.again();
    if (!status || (live.value && (isDeed(live.value) || live.value.type === 'batch'))) return;
    const timer = window.setInterval(() => void asked.again(), FOLLOW_MS);
    return () => window.clearInterval(timer);
  }, [status]);
  // One over SSH is told whole by the topic: nothing has to be waited for.
  const known = live.value ?? asked.value.value;
  return (
    <Dialog title={known ? titleOf(known) : 'Operation'} class={known && (isDeed(known) || known.type === 'batch') ? 'op-sheet is-deed' : 'op-sheet'} onClose={onClose}>
      <div>
        {known?.type === 'batch' ? <BatchDetail op={{ ...(asked.value.value ?? {}), ...known, id }} />
          : known && isDeed(known) ? <DeedDetail op={{ ...(asked.value.value ?? {}), ...known, id }} />
          : <Answer of={asked} lines={6}>{(got) => <Detail op={{ ...got, ...(live.value ?? {}), id }} />}</Answer>}
      </div>
    </Dialog>
  );
}

function Detail({ op }: { op: Told }) {
  const guest = guestOf(op);
  const server = serverOf(op.server_id ?? '');
  return (
    <div class="op-detail">
      <p><OperationStatus op={op} />{tookOf(op) ? ` after ${tookOf(op)}` : ''}{isActive(op) ? `, ${phaseOf(op)}` : ''}{op.message ? `. ${op.message}` : ''}</p>
      {isActive(op) && <Bar op={op} />}
      {op.error && <div class="failure"><Icon name="circle-alert" size={18} /><div class="failure-body"><p>{said(op.error)}</p><Hint text={op.hint} /></div></div>}
      <dl class="pairs">
        {guest && <><dt>Machine</dt><dd><a href={guestHref(guest)}>{op.subject}</a></dd></>}
        {op.server_id && <><dt>Server</dt><dd>{server ? <a href={href(`servers/${server.id}`)}>{server.name}</a> : (serverName(op.server_id) ?? 'not among yours any more')}</dd></>}
        {op.node && <><dt>Node</dt><dd>{op.node}</dd></>}
        <dt>Begun</dt><dd><At at={op.started_at} />, <By op={op} /></dd>
        <dt>Ended</dt><dd><At at={op.completed_at} /></dd>
        {op.upid && <><dt>Task</dt><dd class="mono">{op.upid}</dd></>}
      </dl>
      <Log lines={op.log} isActive={isActive(op)} />
      <div class="dialog-foot">
        <button type="button" class="button" onClick={() => void copy(detailsOf(op), 'Details')}><Icon name="copy" size={14} /> Copy details</button>
        {isActive(op) && <button type="button" class="button" disabled={!mayCancel(op)} onClick={() => void act(() => cancel(op), 'Asked to cancel it')}>Cancel it</button>}
      </div>
    </div>
  );
}

function Log({ lines, isActive: isOpen }: { lines: Told['log']; isActive: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const text = useMemo(() => (lines ?? []).map((l) => l.t).join('\n'), [lines]);
  useEffect(() => {
    if (isOpen && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  if (!lines || lines.length === 0) return <p class="dim">{isOpen ? 'The task has written nothing yet.' : 'There is no log of it.'}</p>;
  return <div class="op-log" ref={box} tabIndex={0} role="log" aria-label="Log of the task">{text}</div>;
}
