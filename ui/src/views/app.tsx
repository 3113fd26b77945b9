// app: which door is open, and behind it the shell with the page of the address.

import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { loadCharts } from '../parts/charts';
import { lazy } from '../parts/lazy';
import { go, href, route } from '../link/route';
import { isRestricted } from '../state/assigned';
import { door, enter } from '../state/store';
import { Empty, Failure } from '../parts/panel';
import { RowMenuLayer } from '../parts/rowmenu';
import { TipLayer } from '../parts/tip';
import { PageToasts } from '../parts/toast';
import { Gate } from './gate';
import { Login } from './login';
import { Overview } from './overview';
import { Shell } from './shell';
import { NotFound } from './notfound';
import { useFavicon } from './favicon';

const SetupPage = lazy(() => import('./setup').then((m) => m.SetupPage)); // once in a server's life
const HostPage = lazy(() => import('./host').then((m) => m.HostPage));
const Settings = lazy(() => import('./desk').then((m) => m.SettingsPage));
const Diagnostics = lazy(() => import('./desk').then((m) => m.DiagnosticsPage));
const AuditPage = lazy(() => import('./desk').then((m) => m.AuditPage));

const ServersPage = lazy(() => import('./infra-servers').then((m) => m.ServersPage));
const ServerPage = lazy(() => import('./infra-server').then((m) => m.ServerPage));
const ImportPage = lazy(() => import('./infra-import').then((m) => m.ImportPage));
const MonitoringPage = lazy(() => import('./infra-monitoring').then((m) => m.MonitoringPage));
const VmsPage = lazy(() => import('./infra-vms').then((m) => m.VmsPage));
const VmPage = lazy(() => import('./infra-vm').then((m) => m.VmPage));
const TargetsPage = lazy(() => import('./infra-targets').then((m) => m.TargetsPage));
const TargetPage = lazy(() => import('./infra-target').then((m) => m.TargetPage));
const OperationsPage = lazy(() => import('./work-operations').then((m) => m.OperationsPage));

const ConsolesPage = lazy(() => import('./work-consoles').then((m) => m.ConsolesPage));
const ConsolePage = lazy(() => import('./console').then((m) => m.ConsolePage), () => <main class="boot" id="main"><h1 class="boot-name">Console</h1></main>);

const Watch = lazy(() => import('./work-watch').then((m) => m.Watch), () => <></>);

/** Pages of one thing: "servers/ID", "targets/ID", "vms/SERVER/VMID". */
function Thing({ page }: { page: string }) {
  const [kind, ...rest] = page.split('/');
  const id = rest.map(decodeURIComponent).join('/');
  if (kind === 'servers' && rest.length === 1) return <ServerPage key={id} id={id} />;
  if (kind === 'targets' && rest.length === 1) return <TargetPage key={id} id={id} />;
  if (kind === 'vms' && rest.length === 2) return <VmPage key={id} id={id} />;
  return <NotFound />;
}

const DOORS = ['', 'login', 'setup']; // where one lands
const THEIRS = ['vms', 'operations', 'settings'];

/** For who sees assigned machines and nothing else: those are where they land, and other addresses say so. */
function NotTheirs({ page }: { page: string }) {
  const isDoor = DOORS.includes(page);
  useLayoutEffect(() => {
    if (isDoor) go(href('vms'), 'replace');
  }, [isDoor]);
  if (isDoor) return null;
  return (
    <div class="page">
      <section class="panel">
        <Empty icon="lock" isPage title="You see the machines assigned to you">
          <p>This page is about more than those. Somebody with the role admin can let you see everything under Settings, Users.</p>
          <div><a class="button primary" href={href('vms')}>Your machines</a></div>
        </Empty>
      </section>
    </div>
  );
}

function Page() {
  const { page } = route.value;
  if (isRestricted() && !THEIRS.includes(page.split('/')[0]!)) return <NotTheirs page={page} />;
  switch (route.value.page) {
    case '': case 'login': case 'setup': return <Overview />;
    case 'host': return <HostPage />;
    case 'settings': return <Settings />;
    case 'diagnostics': return <Diagnostics />;
    case 'audit': return <AuditPage />;
    case 'servers': return <ServersPage />;
    case 'servers/import': return <ImportPage />;
    case 'monitoring': return <MonitoringPage />;
    case 'vms': return <VmsPage />;
    case 'targets': return <TargetsPage />;
    case 'operations/consoles': return <ConsolesPage />;
    case 'operations': return <OperationsPage />;
    default: return <Thing page={route.value.page} />;
  }
}

/** Once the first page stands, the one most likely next. */
function ahead(): void {
  (isRestricted() ? VmPage : HostPage).ahead();
  loadCharts().catch(() => {}); // the page that needs them says so
}

const SLOW_MS = 1500;

/** Nothing to say while an answer is a moment away; then that it is not. */
function Boot() {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setSlow(true), SLOW_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <main class="boot">
      <h1 class="boot-name">Binnacle</h1>
      <p class="boot-slow" role="status">{isSlow && <>Waiting for the server. <button type="button" class="link" onClick={() => location.reload()}>Try again</button></>}</p>
    </main>
  );
}

function Inside() {
  switch (door.value.at) {
    case 'asking': return <Boot />;
    case 'setup': return <SetupPage setup={door.value.setup} />;
    case 'login': return route.value.page === 'setup' ? <SetupPage setup={null} /> : <Login note={door.value.note} />;
    case 'broken': return <Gate title="Binnacle does not answer"><Failure error={door.value.error} retry={() => void enter()} /></Gate>;
    case 'inside': if (/^console(\/|$)/.test(route.value.page)) return <><ConsolePage /><Watch /></>; // all of the window is the guest's
      return <><Shell ahead={ahead}><Page /></Shell><Watch /></>;
  }
}

export function App() {
  useFavicon();
  return (
    <>
      <Inside />
      <PageToasts />
      <RowMenuLayer />
      <TipLayer />
    </>
  );
}
