// infra-import: servers from a CSV file or a pasted list.

import { Skeleton } from '../parts/panel';

export function ImportPage() {
  return <div class="page"><h1>Import servers</h1><section class="panel"><Skeleton lines={6} label="Import servers" /></section></div>;
}
