// infra-monitoring: all servers side by side.

import { Skeleton } from '../parts/panel';

export function MonitoringPage() {
  return <div class="page"><h1>Monitoring</h1><section class="panel"><Skeleton lines={6} label="Monitoring" /></section></div>;
}
