// work-operations: what Binnacle does, live, and what it did.

import { go, href, route, withQuery } from '../link/route';
import { active, operationsTopic } from '../state/operations';
import { isRestricted, useAssigned } from '../state/assigned';
import { may } from '../state/store';
import { Icon } from '../parts/icon';
import { Panel, Skeleton, Stale } from '../parts/panel';
import { CleanUpButton } from './work-admin';
import { History } from './work-history';
import { OperationSheet } from './work-operation';
import { LiveFigures } from './work-live';
import { Notices } from './work-notices';
import { Running } from './work-running';

const open = (id: string | null) => go(withQuery('id', id));

export function OperationsPage() {
  const id = route.value.query.get('id');
  useAssigned();
  return (
    <div class="page operations">
      <div class="page-head"><h1>Operations <Stale topic={operationsTopic} /></h1><div class="page-acts"><CleanUpButton /><a class="button" href={href('operations/consoles')}><Icon name="terminal" size={14} /> Consoles</a></div></div>
      {!isRestricted() && <Notices />}
      <Active />
      {may('admin') && <LiveFigures />}
      <History title="What was done" isFiltered />
      {id && <OperationSheet key={id} id={id} onClose={() => open(null)} />}
    </div>
  );
}

function Active() {
  const list = active.value;
  if (operationsTopic.phase.value === 'loading') return <Panel title="Under way" icon="activity" topic={operationsTopic}><Skeleton lines={2} label="Operations under way" /></Panel>;
  return <Running list={list} title="Under way" onOpen={open} />;
}
