// infra-server: one server: what it is, its history, and why it fails.

import { Skeleton } from '../parts/panel';

export function ServerPage({ id: _id }: { id: string }) {
  return <div class="page"><h1>Server</h1><section class="panel"><Skeleton lines={6} label="Server" /></section></div>;
}
