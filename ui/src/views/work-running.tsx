// work-running: operations that are under way, as they go, each with a way to cancel it.

import { useState } from 'preact/hooks';
import { cancel, mayCancel, operationsTopic, phaseOf, titleOf, type Operation } from '../state/operations';
import { act } from '../state/store';
import { Since } from '../parts/num';
import { Empty, Panel } from '../parts/panel';
import { NEEDS_MANAGER } from './infra-server-acts';
import { AdminMenu } from './work-admin';
import { Bar, By } from './work-parts';

const CHILDREN_SHOWN = 3; // of a batch: its sheet has them all

const rank = (op: Operation) => (op.status === 'in_progress' ? 0 : 1);

/** Each batch with those of it that are under way behind it, the others as they come. */
function grouped(list: Operation[]): { op: Operation; children: Operation[] }[] {
  const tops = new Set(list.filter((op) => op.type === 'batch').map((op) => op.id));
  const children = new Map<string, Operation[]>();
  const out: { op: Operation; children: Operation[] }[] = [];
  for (const op of list) {
    if (op.parent_id && tops.has(op.parent_id)) children.set(op.parent_id, [...(children.get(op.parent_id) ?? []), op]);
    else out.push({ op, children: [] });
  }
  for (const group of out) {
    group.children = (children.get(group.op.id) ?? []).sort((a, b) => rank(a) - rank(b) || (a.subject ?? '').localeCompare(b.subject ?? '', undefined, { numeric: true }));
  }
  return out;
}

/** Those that are under way, as they go. */
export function Running({ list, title, onOpen }: { list: Operation[]; title: string; onOpen: (id: string) => void }) {
  return (
    <Panel title={title} icon="activity" topic={operationsTopic} aside={list.length > 1 && <span class="dim num">{list.length}</span>}>
      {list.length === 0 ? (
        <Empty icon="circle-check" title="Nothing is under way">What you or others start on a machine is seen here while it lasts, in every tab.</Empty>
      ) : (
        <ul class="op-list">{grouped(list).map(({ op, children }) => <Group key={op.id} op={op} of={children} onOpen={onOpen} />)}</ul>
      )}
    </Panel>
  );
}

function Group({ op, of, onOpen }: { op: Operation; of: Operation[]; onOpen: (id: string) => void }) {
  const [isAll, setAll] = useState(false);
  const shown = isAll || of.length <= CHILDREN_SHOWN + 1 ? of : of.slice(0, CHILDREN_SHOWN);
  return (
    <>
      <Row op={op} onOpen={onOpen} />
      {shown.map((child) => <Row key={child.id} op={child} onOpen={onOpen} isChild />)}
      {shown.length < of.length && <li class="op-more"><button type="button" class="link" onClick={() => setAll(true)}>and {of.length - shown.length} more of this batch</button></li>}
    </>
  );
}

function Row({ op, onOpen, isChild }: { op: Operation; onOpen: (id: string) => void; isChild?: boolean }) {
  return (
    <li class={`op-active ${isChild ? 'is-child' : ''}`} data-operation={op.id}>
      <div class="op-title-box">
        <button type="button" class="link op-title" onClick={() => onOpen(op.id)}>{titleOf(op)}</button>
        <p class="dim">{op.message || phaseOf(op)} · <By op={op} />, for <Since at={op.started_at} /></p>
      </div>
      <span class="row"><Bar op={op} /></span>
      <span class="row">
        <button type="button" class="button small" disabled={!mayCancel(op)} data-tip={mayCancel(op) ? undefined : NEEDS_MANAGER} onClick={() => void act(() => cancel(op), 'Asked to cancel it')}>Cancel</button>
        <AdminMenu op={op} />
      </span>
    </li>
  );
}
