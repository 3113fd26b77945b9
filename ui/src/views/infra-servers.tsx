// infra-servers: the registry of Proxmox VE servers.

import { Skeleton } from '../parts/panel';

export function ServersPage() {
  return <div class="page"><h1>Proxmox servers</h1><section class="panel"><Skeleton lines={6} label="Proxmox servers" /></section></div>;
}
