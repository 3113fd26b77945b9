// infra-vm: one guest: its state, its charts, what can be done with it.

import { Skeleton } from '../parts/panel';

export function VmPage({ id: _id }: { id: string }) {
  return <div class="page"><h1>Virtual machine</h1><section class="panel"><Skeleton lines={6} label="Virtual machine" /></section></div>;
}
