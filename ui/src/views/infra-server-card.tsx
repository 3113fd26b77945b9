// infra-server-card: one server of the list, as a card or as a row of the compact table.

import { useState } from 'preact/hooks';
import { sentence } from '../link/api';
import { href } from '../link/route';
import type { Server } from '../model.gen';
import { line, millis, percent } from '../state/format';
import type { ServerRow } from '../state/fleet';
import { helpOf } from '../state/serverhelp';
import { isUp, placeOf, settledOf, stateOf, STATES, type ServerState } from '../state/servers';
import { may } from '../state/store';
import { own } from '../state/own';
import { Icon } from '../parts/icon';
import { openRowMenu, type RowMenu } from '../parts/rowmenu';
import type { Column } from '../parts/table';
import { actsOf, isAwaited, NEEDS_ADMIN, NEEDS_MANAGER, open, setActive, testing, testOne } from './infra-server-acts';
import { Ago, ActButton, CertTag, DemoTag, FailedTag, SilenceTag, StateSign, useNodesDown } from './infra-server-parts';
import { HelpText } from './infra-server-test';

export const pageOf = (s: ServerRow, part = '') => href(`servers/${encodeURIComponent(s.id)}`) + part;

export function menuOf(s: ServerRow): RowMenu {
  return { title: s.name ?? s.id, record: s, path: href('api/v1/servers'), acts: actsOf(s) };
}

/** Where a failing one is called, for its help. */
export function atOf(s: Server) {
  const byVpn = Boolean(s.vpn_enabled);
  return { host: (byVpn ? s.vpn_host : s.host) ?? '', port: (byVpn ? s.vpn_port : s.port) ?? 8006, timeout_s: Math.round((s.connection_timeout_ms ?? 10_000) / 1000), by_vpn: byVpn };
}

/** 95 and 80 percent are the limits everywhere (FEATURES E14). */
export function rateLevel(pct: number | undefined): 'ok' | 'warn' | 'crit' | 'unknown' {
  return pct === undefined ? 'unknown' : pct >= 95 ? 'ok' : pct >= 80 ? 'warn' : 'crit';
}

export function ServerCard({ server: s }: { server: ServerRow }) {
  const [isOpen, show] = useState(false);
  const down = useNodesDown(s.id).value;
  const state: ServerState = isAwaited(s) ? 'checking' : stateOf(s, down);
  const settled = settledOf(s, down);
  const isFailing = isUp(s) === false && s.is_active !== false;
  const name = s.name ?? s.id;
  return (
    <article class={`panel server-card ${settled}`} data-row="" data-id={s.id} data-topic="infra.servers" tabIndex={-1} aria-labelledby={`s-${s.id}`}
      onContextMenu={(e) => openRowMenu(menuOf(s), e)}>
      <header class="card-head">
        <Status server={s} state={state} isOpen={isOpen} onToggle={isFailing ? () => show(!isOpen) : null} />
        <span class="card-checked dim">{s.last_health_check_at ? <>checked <Ago at={s.last_health_check_at} /></> : s.is_active === false ? 'not checked' : 'Not tested'}</span>
        <button type="button" class="button icon-only small quiet" aria-haspopup="menu" aria-label={`Actions for ${name}`} onClick={(e) => openRowMenu(menuOf(s), e)}><Icon name="ellipsis" /></button>
      </header>
      <h2 class="card-name" id={`s-${s.id}`}><a href={pageOf(s)}>{name}</a> <DemoTag server={s} /></h2>
      <Place server={s} />
      <Facts server={s} down={down} settled={settled} />
      {isFailing && <Failing server={s} isOpen={isOpen} onToggle={() => show(!isOpen)} />}
      {settled === 'flapping' && <p class="card-note warn-text">Up and down all the time{isFailing ? '' : ', answers now'}. <a href={pageOf(s, '#why')}>Why?</a></p>}
      <Buttons server={s} name={name} />
    </article>
  );
}

/** The badge; at a failing one it says why on hover and focus, and opens the help for a finger. */
function Status({ server: s, state, isOpen, onToggle }: { server: ServerRow; state: ServerState; isOpen: boolean; onToggle: (() => void) | null }) {
  const badge = <><StateSign state={state} />{STATES[state].word}</>;
  if (!onToggle) return <span class={`server-status ${state}`}>{badge}</span>;
  return (
    <button type="button" class={`server-status ${state}`} aria-expanded={isOpen} aria-controls={`help-${s.id}`} data-tip={s.health_check_error ?? undefined} onClick={onToggle}>{badge}</button>
  );
}

function Place({ server: s }: { server: ServerRow }) {
  const limit = Math.round((s.connection_timeout_ms ?? 10_000) / 1000);
  return (
    <div class="card-place">
      <p><span class={`mono ${s.vpn_enabled ? 'dim' : ''}`}>{placeOf(s.host, s.port)}</span> <TrustTag server={s} /></p>
      {s.vpn_enabled && (
        <p><span class="tag">VPN</span> <span class="mono">{placeOf(s.vpn_host, s.vpn_port)}</span> <span class="dim">({limit}s timeout)</span> {/\.ts\.net$/i.test(s.vpn_host ?? '') && <span class="badge quiet">Funnel</span>}</p>
      )}
    </div>
  );
}

/** A mark where no authority vouches for the certificate, and what counts instead. */
export function TrustTag({ server: s }: { server: ServerRow }) {
  if (s.fingerprint && s.is_pin_auto) {
    return <span class="badge warn trust-tag" data-tip={`Nobody has compared this certificate yet; it was the first one it showed, and only it is accepted:\n${s.fingerprint}`}><Icon name="triangle-alert" size={12} /> pinned at first contact</span>;
  }
  if (s.fingerprint) {
    return <span class="badge quiet trust-tag" data-tip={`No authority vouches for its certificate; only the confirmed one is accepted:\n${s.fingerprint}`}><Icon name="triangle-alert" size={12} /> pinned</span>;
  }
  if (s.verify_ssl !== false) return null;
  return <span class="badge warn trust-tag" data-tip="Its certificate is not verified: the first one it shows will be trusted and kept"><Icon name="triangle-alert" size={12} /> not verified</span>;
}

/** "3 nodes available", or how many of them. */
export function nodesLine(s: Server, down: number): string | null {
  if (s.nodes === undefined) return null;
  const nodes = s.nodes === 1 ? 'node' : 'nodes';
  return down > 0 ? `${Math.max(0, s.nodes - down)} of ${s.nodes} ${nodes} available` : `${s.nodes} ${nodes} available`;
}

function Facts({ server: s, down, settled }: { server: ServerRow; down: number; settled: ServerState }) {
  const isOnline = settled === 'online' || settled === 'degraded' || (settled === 'flapping' && isUp(s));
  const nodes = isOnline ? nodesLine(s, down) : null;
  const [rate, mean] = [percent(s.success_rate, 'no attempts yet'), millis(s.avg_response_time_ms, 'no attempt has succeeded yet')];
  return (
    <>
      <p class="card-facts">
        {nodes && <span class={down > 0 ? 'warn-text' : ''}>{nodes}</span>}
        {s.version && <span>Proxmox VE {s.version}</span>}
        {s.cluster && <span>cluster {own(s.cluster)}</span>}
        {s.site && <span>{s.site}</span>}
      </p>
      <p class="card-tags">
        {isOnline && s.is_quorate === false && <span class="badge crit" data-tip="The cluster has lost its quorum: nothing in it can be started or changed until enough nodes are back">Quorum lost</span>}
        <FailedTag server={s} /><SilenceTag server={s} />
        <CertTag server={s} />
        {(s.tags ?? '').split(',').map((t) => t.trim()).filter(Boolean).map((t) => <span key={t} class="tag">{t}</span>)}
      </p>
      <dl class="card-figures">
        <div><dt>Success</dt><dd class={`num rate ${rateLevel(s.success_rate)}`} data-tip={`${rate.exact} of the last 100 attempts`}>{line(rate)}</dd></div>
        <div><dt>Mean response</dt><dd class="num" data-tip={`${mean.exact}, of the last 100 attempts that succeeded`}>{line(mean)}</dd></div>
      </dl>
    </>
  );
}

/** The sentence, without the words that already stand before it. */
export function saidOnce(text: string, title: string): string {
  const rest = text.toLowerCase().startsWith(`${title.toLowerCase()}: `) ? text.slice(title.length + 2) : text;
  return rest === '' ? '' : sentence(rest);
}

function Failing({ server: s, isOpen, onToggle }: { server: ServerRow; isOpen: boolean; onToggle: () => void }) {
  const help = helpOf(s.error_class, s.health_check_error, atOf(s));
  return (
    <div class="card-failing">
      <p class="card-error"><strong>{help.title}.</strong> {saidOnce(s.health_check_error ?? '', help.title)}</p>
      <p class="row">
        <button type="button" class="link" aria-expanded={isOpen} aria-controls={`help-${s.id}`} onClick={onToggle}>{isOpen ? 'Hide help' : 'What to do'}</button>
        <a href={pageOf(s, '#why')}>Why?</a>
      </p>
      <div class="card-help" id={`help-${s.id}`} hidden={!isOpen}>
        {isOpen && (
          <>
            <HelpText help={help} />
            {s.error_class === 'cert_changed' && (
              <div class="fingerprints">
                <p class="fingerprint"><span class="field-label">Old SHA-256</span> <code>{s.fingerprint}</code></p>
                <p class="fingerprint"><span class="field-label">New SHA-256</span> <code>{s.seen_fingerprint}</code></p>
              </div>
            )}
            {help.fix === 'trust' && <ActButton class="small" off={may('operate') ? null : NEEDS_MANAGER} onClick={() => (open.value = { kind: 'trust', id: s.id })}>Trust the new certificate</ActButton>}
            {help.fix === 'edit' && <ActButton class="small" off={may('operate') ? null : NEEDS_MANAGER} onClick={() => (open.value = { kind: 'edit', id: s.id })}><Icon name="pencil" size={14} /> Edit</ActButton>}
          </>
        )}
      </div>
    </div>
  );
}

function Buttons({ server: s, name }: { server: ServerRow; name: string }) {
  const off = may('operate') ? null : NEEDS_MANAGER;
  const isOn = s.is_active !== false;
  return (
    <footer class="card-acts">
      <ActButton class="small" label={`Test ${name}`} isBusy={testing.value.has(s.id)} off={off ?? (isOn ? null : 'It is disabled: enable it first')} onClick={() => void testOne(s)}><Icon name="refresh-cw" size={14} /> Test</ActButton>
      <ActButton class="small" label={`Edit ${name}`} off={off} onClick={() => (open.value = { kind: 'edit', id: s.id })}>Edit</ActButton>
      <ActButton class="small" label={`${isOn ? 'Disable' : 'Enable'} ${name}`} off={off} onClick={() => setActive(s, !isOn)}>{isOn ? 'Disable' : 'Enable'}</ActButton>
      <a class="button small" href={pageOf(s)} aria-label={`Details of ${name}`}>Details</a>
      <ActButton class="small danger" label={`Delete ${name}`} off={may('admin') ? null : NEEDS_ADMIN} onClick={() => (open.value = { kind: 'delete', id: s.id })}>Delete</ActButton>
    </footer>
  );
}

// --- the compact table -------------------------------------------------------------------------------

function Cell({ server: s }: { server: ServerRow }) {
  const down = useNodesDown(s.id).value;
  const state = isAwaited(s) ? 'checking' : stateOf(s, down);
  return <span class={`server-status ${state}`} data-tip={s.health_check_error ?? undefined}><StateSign state={state} />{STATES[state].word}</span>;
}

function Nodes({ server: s }: { server: ServerRow }) {
  const down = useNodesDown(s.id).value;
  const text = nodesLine(s, down);
  return text && isUp(s) && s.is_active !== false ? <span class={`num ${down > 0 ? 'warn-text' : ''}`} data-tip={text}>{down > 0 ? `${s.nodes! - down}/${s.nodes}` : s.nodes}</span> : <span class="dim" data-tip="not known while it does not answer">–</span>;
}

const order = Object.keys(STATES);

export const columns: Column<ServerRow>[] = [
  { id: 'state', head: 'State', sort: (s) => order.indexOf(settledOf(s)), cell: (s) => <Cell server={s} /> },
  { id: 'name', head: 'Name', sort: (s) => s.name, cell: (s) => <><a class="cell-name" href={pageOf(s)}>{s.name}</a> <DemoTag server={s} /> <FailedTag server={s} /> <SilenceTag server={s} /></> },
  { id: 'host', head: 'Address', minor: 2, sort: (s) => s.host, cell: (s) => <><span class="mono">{placeOf(s.vpn_enabled ? s.vpn_host : s.host, s.vpn_enabled ? s.vpn_port : s.port)}</span> {s.vpn_enabled && <span class="tag">VPN</span>} <TrustTag server={s} /></> },
  { id: 'nodes', head: 'Nodes', minor: 2, isNumber: true, sort: (s) => s.nodes, cell: (s) => <Nodes server={s} /> },
  { id: 'version', head: 'Version', minor: 1, sort: (s) => s.version, cell: (s) => s.version ?? <span class="dim" data-tip="not told yet">–</span> },
  { id: 'cluster', head: 'Cluster', minor: 1, sort: (s) => s.cluster, cell: (s) => s.cluster ?? <span class="dim" data-tip="none, or not told yet">–</span> },
  { id: 'rate', head: 'Success', minor: 2, isNumber: true, sort: (s) => s.success_rate, cell: (s) => <span class={`num rate ${rateLevel(s.success_rate)}`} data-tip={`${percent(s.success_rate, 'no attempts yet').exact} of the last 100 attempts`}>{line(percent(s.success_rate))}</span> },
  { id: 'mean', head: 'Mean', minor: 1, isNumber: true, sort: (s) => s.avg_response_time_ms, cell: (s) => <span class="num" data-tip={millis(s.avg_response_time_ms, 'no attempt has succeeded yet').exact}>{line(millis(s.avg_response_time_ms))}</span> },
  { id: 'at', head: 'Checked', minor: 2, sort: (s) => s.last_health_check_at, cell: (s) => <Ago at={s.last_health_check_at} none="Not tested" /> },
  { id: 'act', head: 'Act', isSilent: true, isNumber: true, cell: (s) => (
    <button type="button" class="button icon-only small quiet" aria-haspopup="menu" aria-label={`Actions for ${own(s.name ?? '')}`} onClick={(e) => openRowMenu(menuOf(s), e)}><Icon name="ellipsis" /></button>
  ) },
];
