// infra-vms: guests of all servers in one list.

import { Skeleton } from '../parts/panel';

export function VmsPage() {
  return <div class="page"><h1>Virtual machines</h1><section class="panel"><Skeleton lines={6} label="Virtual machines" /></section></div>;
}
