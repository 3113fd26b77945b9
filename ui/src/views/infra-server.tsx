// infra-server: one server: what it is, its history, and why it fails.

import { useEffect, useState } from 'preact/hooks';
import { go, href, route, withQuery } from '../link/route';
import { useAsk } from '../state/ask';
import { spanById, spans } from '../state/attempts';
import { serverOf, servers, serversTopic, type ServerRow } from '../state/fleet';
import { helpOf } from '../state/serverhelp';
import { homeOf, isUp, placeOf, settledOf } from '../state/servers';
import { may } from '../state/store';
import { Icon } from '../parts/icon';
import { Empty, Forbidden, Skeleton, Stale } from '../parts/panel';
import { openRowMenu } from '../parts/rowmenu';
import { isOpen, Section, setOpen } from '../parts/section';
import { Attempts } from './infra-attempts';
import { History } from './infra-history';
import { Facts, Nodes } from './infra-server-facts';
import { NEEDS_MANAGER, open, testing, testOne } from './infra-server-acts';
import { atOf, menuOf, nodesLine, saidOnce } from './infra-server-card';
import { ServerDialogs } from './infra-server-dialogs';
import { ActButton, Ago, CertTag, DemoTag, FailedTag, ServerStatus, SilenceTag, useNodesDown } from './infra-server-parts';
import { HelpText } from './infra-server-test';
import { WhyPanel } from './infra-why';

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
  const state = settledOf(server);
  const isBad = state === 'offline' || state === 'flapping';
  const isDown = isUp(server) === false && server.is_active !== false;
  const [isWhyOpen, openWhy] = useWhyOpen(isBad);
  const span = spanById(route.value.query.get('range'));
  return (
    <div class="page server" key={server.id}>
      <Head server={server} />
      <ServerDialogs />
      {isDown && <Trouble server={server} />}
      <Section id="why" title={isBad ? 'Why does it fail?' : 'Why?'} icon="circle-help" open={isWhyOpen} onToggle={openWhy}
        note={isBad ? undefined : 'how the connection stands, and what would be the cause if it failed'}>
        {() => <WhyPanel server={server} />}
      </Section>
      <Section id="history" title="History" icon="chart" open={isOpen('history', true)} onToggle={(open) => setOpen('history', open)}>
        {() => <History id={server.id} name={server.name ?? server.id} span={span} onSpan={(s) => go(withQuery('range', s === spans[0]!.id ? null : s), 'replace')} />}
      </Section>
      <div class="server-columns">
        <div class="column">
          <Section id="nodes" title="Nodes" icon="boxes" open={isOpen('nodes', true)} onToggle={(open) => setOpen('nodes', open)} note={server.is_active === false || !server.last_connected_at ? undefined : <Guests id={homeOf(server)} />}>
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
  const down = useNodesDown(homeOf(s)).value;
  const available = isUp(s) && s.is_active !== false ? nodesLine(s, down) : null;
  const off = may('operate') ? null : NEEDS_MANAGER;
  return (
    <div class="page-head">
      <div>
        <h1 class="server-title">{s.name} <DemoTag server={s} /> <FailedTag server={s} /> <SilenceTag server={s} /> <CertTag server={s} /> <Stale topic={serversTopic} /></h1>
        <p class="page-facts">
          <span><ServerStatus server={s} /></span>
          {available && <span class={down > 0 ? 'warn-text' : ''}>{available}</span>}
          <span>checked <Ago at={s.last_health_check_at} none="never" /></span>
          <span>{placeOf(s.host, s.port)}</span>
          {s.vpn_enabled && <span>VPN {placeOf(s.vpn_host, s.vpn_port)}</span>}
          {s.version && <span>Proxmox VE {s.version}</span>}
        </p>
      </div>
      <div class="row head-actions">
        <ActButton isBusy={testing.value.has(s.id)} off={off ?? (s.is_active === false ? 'It is disabled: enable it first' : null)} onClick={() => void testOne(s)}><Icon name="refresh-cw" /> Check now</ActButton>
        <ActButton off={off} onClick={() => (open.value = { kind: 'edit', id: s.id })}><Icon name="pencil" /> Edit</ActButton>
        <a class="button primary" href={`${href(route.value.page)}#why`}><Icon name="circle-help" /> Why?</a>
        <button type="button" class="button icon-only" aria-haspopup="menu" aria-label={`Actions for ${s.name}`} onClick={(e) => openRowMenu(menuOf(s), e)}><Icon name="ellipsis" /></button>
      </div>
    </div>
  );
}

/** Why it does not answer, what that means, and what to do. */
function Trouble({ server: s }: { server: ServerRow }) {
  const help = helpOf(s.error_class, s.health_check_error, atOf(s));
  const off = may('operate') ? null : NEEDS_MANAGER;
  return (
    <div class="failure" role="alert">
      <Icon name="circle-alert" size={18} />
      <div class="failure-body">
        <p><strong>{help.title}.</strong> {saidOnce(s.health_check_error ?? '', help.title)}</p>
        <HelpText help={help} />
        <p class="failure-code">Last connected <Ago at={s.last_connected_at} /></p>
        {help.fix && <div class="row"><ActButton class="small" off={off} onClick={() => (open.value = { kind: help.fix!, id: s.id })}>{help.fix === 'trust' ? 'Compare certificates' : 'Edit'}</ActButton></div>}
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
