// infra-server: one server: what it is, its history, and why it fails.

import { useEffect, useState } from 'preact/hooks';
import { go, href, route, withQuery } from '../link/route';
import { useAsk } from '../state/ask';
import { spanById, spans } from '../state/attempts';
import { nodes, serverOf, servers, serversTopic, type ServerRow } from '../state/fleet';
import { placeOf, stateOf } from '../state/servers';
import { Icon } from '../parts/icon';
import { Empty, Forbidden, said, Skeleton, Stale } from '../parts/panel';
import { isOpen, Section, setOpen } from '../parts/section';
import { Attempts } from './infra-attempts';
import { History } from './infra-history';
import { Facts, Nodes } from './infra-server-facts';
import { Ago, CertTag, DemoTag, ServerStatus } from './infra-server-parts';
import { CheckButton, WhyPanel } from './infra-why';

export function ServerPage({ id }: { id: string }) {
  if (serversTopic.phase.value === 'refused') return <div class="page"><section class="panel"><Forbidden what="Seeing servers" role="viewer" isPage /></section></div>;
  if (servers.value === undefined) return <div class="page"><h1>Server</h1><section class="panel"><Skeleton lines={8} label="Waiting for the servers" /></section></div>;
  const server = serverOf(id);
  if (!server) {
    return (
      <div class="page"><section class="panel">
        <Empty icon="server" title="This server is not here" isPage>
          It was removed, or the address is wrong.
          <a class="button" href={href('servers')}>All servers</a>
        </Empty>
      </section></div>
    );
  }
  return <Server server={server} />;
}

/** Whether the panel is open: where the address points at it or the server fails, until a person says otherwise. */
function useWhyOpen(isBad: boolean): [boolean, (open: boolean) => void] {
  const [chosen, choose] = useState<boolean | null>(null);
  useEffect(() => {
    const look = () => {
      if (location.hash !== '#why') return;
      choose(true);
      requestAnimationFrame(() => {
        const part = document.getElementById('why');
        part?.scrollIntoView({ block: 'start' });
        part?.focus({ preventScroll: true });
      });
    };
    look();
    window.addEventListener('hashchange', look);
    return () => window.removeEventListener('hashchange', look);
  }, []);
  return [chosen ?? isBad, choose];
}

function Server({ server }: { server: ServerRow }) {
  const state = stateOf(server);
  const isBad = state === 'offline' || state === 'flapping';
  const [isWhyOpen, openWhy] = useWhyOpen(isBad);
  const span = spanById(route.value.query.get('range'));
  return (
    <div class="page server" key={server.id}>
      <Head server={server} />
      {state === 'offline' && <Trouble server={server} />}
      <Section id="why" title={isBad ? 'Why does it fail?' : 'Why?'} icon="circle-help" open={isWhyOpen} onToggle={openWhy}
        note={isBad ? undefined : 'how the connection stands, and what would be the cause if it failed'}>
        {() => <WhyPanel server={server} />}
      </Section>
      <Section id="history" title="History" icon="chart" open={isOpen('history', true)} onToggle={(open) => setOpen('history', open)}>
        {() => <History id={server.id} name={server.name ?? server.id} span={span} onSpan={(s) => go(withQuery('range', s === spans[0]!.id ? null : s), 'replace')} />}
      </Section>
      <div class="server-columns">
        <div class="column">
          <Section id="nodes" title="Nodes" icon="boxes" open={isOpen('nodes', true)} onToggle={(open) => setOpen('nodes', open)} note={server.is_active === false ? undefined : <Guests id={server.id} />}>
            {() => <Nodes server={server} />}
          </Section>
          <Section id="attempts" title="Attempts" icon="list" open={isOpen('attempts', true)} onToggle={(open) => setOpen('attempts', open)} note="the last 50, as they come">
            {() => <Attempts id={server.id} />}
          </Section>
        </div>
        <Section id="details" title="Details" icon="info" open={isOpen('details', true)} onToggle={(open) => setOpen('details', open)}>
          {() => <Facts server={server} />}
        </Section>
      </div>
    </div>
  );
}

function Head({ server: s }: { server: ServerRow }) {
  const known = nodes.value.filter((n) => n.server_id === s.id).length;
  const count = s.nodes ?? (known || undefined);
  return (
    <div class="page-head">
      <div>
        <h1 class="server-title">{s.name} <DemoTag server={s} /> <CertTag server={s} /> <Stale topic={serversTopic} /></h1>
        <p class="page-facts">
          <span><ServerStatus server={s} /></span>
          {s.connection_status === 'online' && count !== undefined && <span class="num" data-tip="nodes its cluster lists">{count} {count === 1 ? 'node' : 'nodes'} available</span>}
          <span>checked <Ago at={s.last_health_check_at} none="never" /></span>
          <span>{placeOf(s.host, s.port)}</span>
          {s.vpn_enabled && <span>VPN {placeOf(s.vpn_host, s.vpn_port)}</span>}
          {s.version && <span>Proxmox VE {s.version}</span>}
        </p>
      </div>
      <div class="row head-actions">
        <CheckButton server={s} />
        <a class="button primary" href={`${href(route.value.page)}#why`}><Icon name="circle-help" /> Why?</a>
      </div>
    </div>
  );
}

/** Why it is offline, in the words of the last attempt. */
function Trouble({ server: s }: { server: ServerRow }) {
  if (!s.health_check_error) return null;
  return (
    <div class="failure" role="alert">
      <Icon name="circle-alert" size={18} />
      <div class="failure-body">
        <p>{said(s.health_check_error)}</p>
        <p class="failure-code">Last connected <Ago at={s.last_connected_at} />{s.error_class && <> · <code>{s.error_class}</code></>}</p>
      </div>
    </div>
  );
}

/** How many guests it has, with the way to them. */
function Guests({ id }: { id: string }) {
  const asked = useAsk<{ vms: unknown[] }>(`api/v1/vms?server_id=${encodeURIComponent(id)}`);
  const list = asked.value.value?.vms;
  if (list === undefined) return null;
  return <a href={href('vms', { server: id })}>{list.length === 1 ? '1 guest' : `${list.length} guests`}</a>;
}
