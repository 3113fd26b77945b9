// console-shell: the shell of a node, for administrators.

import { useEffect, useLayoutEffect } from 'preact/hooks';
import { href, thing } from '../link/route';
import { START } from '../state/console';
import { nodes, serverOf, servers, type NodeRow } from '../state/fleet';
import { own } from '../state/own';
import { homeOf } from '../state/servers';
import { may } from '../state/store';
import { Icon } from '../parts/icon';
import { Empty, Forbidden, Skeleton } from '../parts/panel';
import { Frame, Inside, useSession } from './console-frame';

interface ShellProps {
  of: { node: string; serverId: string };
}

export function ShellPage({ of }: ShellProps) {
  const server = serverOf(of.serverId);
  const home = server ? homeOf(server) : of.serverId; // the nodes of a cluster stand under one of its members
  const node = nodes.value.find((n) => n.server_id === home && n.node === of.node);
  useLayoutEffect(() => () => {
    thing.value = null;
  }, []);
  useEffect(() => {
    thing.value = `${own(of.node)} shell`;
  }, [of.node]);
  if (node && may('admin')) return <Shell node={node} />;
  return (
    <main id="main" class="console-plain" tabIndex={-1}>
      <section class="panel">
        {!may('admin') ? <Forbidden what="The shell of a node" role="admin" isPage /> : servers.value === undefined ? <><h1>Shell</h1><Skeleton lines={6} label="Shell" /></> : (
          <Empty icon="server" isPage title="There is no such node">
            <p>No node called {own(of.node)} is known on {own(server?.name ?? 'this server')}. Nodes are listed on the page of their server when it answers.</p>
            <div><a class="button" href={href('servers')}>All servers</a></div>
          </Empty>
        )}
      </section>
    </main>
  );
}

function Shell({ node }: { node: NodeRow }) {
  const name = node.node ?? '?';
  const { stage, session } = useSession(() => ({
    path: `api/v1/servers/${encodeURIComponent(node.server_id ?? '')}/nodes/${encodeURIComponent(name)}`, label: `Shell of ${own(name)}`, guess: 'terminal', isShell: true,
  }));
  const state = session?.state.value ?? START;
  const isOnline = node.status === 'online';
  useEffect(() => {
    if (!session) return;
    if (session.state.peek().at === 'idle') session.tell({ t: 'open' });
    else if (isOnline) session.back(); // it was rebooted
  }, [session, isOnline]);
  const isTerminal = state.kind !== 'vnc'; // some give a token the picture of one alone
  return (
    <Frame session={session} stage={stage} isTerminal={isTerminal}
      inside={<Inside session={session!} name={own(name)} vm={null} isTerminal={isTerminal} choosing={null} head={<ShellHead node={node} name={name} />} />} />
  );
}

function ShellHead({ node, name }: { node: NodeRow; name: string }) {
  return (
    <div class="console-who">
      <a class="button small quiet" href={`${href(`servers/${encodeURIComponent(node.server_id ?? '')}`)}#nodes`} aria-label="Back" data-tip="To the page of its server"><Icon name="arrow-left" size={14} /> <span class="wide-only">Back</span></a>
      <h1>{own(name)} <span class="dim">shell</span></h1>
      <span class={`vm-status ${node.status === 'online' ? 'running' : node.status === 'offline' ? 'stopped' : 'unknown'}`}><i class="vm-dot" aria-hidden="true" />{node.status ?? 'unknown'}</span>
      <span class="dim vm-cut">{own(serverOf(node.server_id ?? '')?.name ?? '–')}</span>
    </div>
  );
}
