// work-running: operations that are under way, as they go, each with a way to cancel it.

import { cancel, mayCancel, operationsTopic, phaseOf, titleOf, type Operation } from '../state/operations';
import { act } from '../state/store';
import { Since } from '../parts/num';
import { Empty, Panel } from '../parts/panel';
import { NEEDS_MANAGER } from './infra-server-acts';
import { AdminMenu } from './work-admin';
import { Bar, By } from './work-parts';

/** Those that are under way, as they go. */
export function Running({ list, title, onOpen }: { list: Operation[]; title: string; onOpen: (id: string) => void }) {
  return (
    <Panel title={title} icon="activity" topic={operationsTopic} aside={list.length > 1 && <span class="dim num">{list.length}</span>}>
      {list.length === 0 ? (
        <Empty icon="circle-check" title="Nothing is under way">What you or others start on a machine is seen here while it lasts, in every tab.</Empty>
      ) : (
        <ul class="op-list">
          {list.map((op) => (
            <li key={op.id} class="op-active" data-operation={op.id}>
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
          ))}
        </ul>
      )}
    </Panel>
  );
}
