// work-operations: what Binnacle does and did.

import { Skeleton } from '../parts/panel';

export function OperationsPage() {
  return <div class="page"><h1>Operations</h1><section class="panel"><Skeleton lines={6} label="Operations" /></section></div>;
}
