// infra-server-facts: what is known of one server, and the nodes of its cluster.

import type { ComponentChildren } from 'preact';
import { href } from '../link/route';
import { timeLimit } from '../state/attempts';
import { nodes, serverOf, type NodeRow, type ServerRow } from '../state/fleet';
import { dateTime, duration, line, bytes, percent, time, zone } from '../state/format';
import { CERT_WARN_DAYS, homeOf, isUp, placeOf } from '../state/servers';
import { own } from '../state/own';
import { copy, local, may, now } from '../state/store';
import { Meter } from '../parts/gauge';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import { Empty } from '../parts/panel';
import { Table, type Column } from '../parts/table';
import { Rate } from './infra-history';
import { shellHref } from './infra-server-acts';
import { CertTag } from './infra-server-parts';

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div class="pair"><dt>{name}</dt><dd>{children}</dd></div>;
}

export function Group({ title, children }: { title: string; children: ComponentChildren }) {
  return <section><h3>{title}</h3><dl>{children}</dl></section>;
}

const unknown = (why: string) => <span class="num dim" data-tip={why}>–</span>;

function Ms({ ms, why }: { ms: number | null | undefined; why: string }) {
  if (ms == null) return unknown(why);
  return <span class="num" data-tip={`${ms} ms`}>{ms.toLocaleString('en')} ms</span>;
}

function Seconds({ ms, why }: { ms: number | null | undefined; why: string }) {
  if (ms == null) return unknown(why);
  return <span class="num" data-tip={`${ms} ms`}>{(ms / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} s</span>;
}

function Mark({ fingerprint, label }: { fingerprint: string; label: string }) {
  return (
    <span class="pin-mark">
      <code data-tip={fingerprint}>{fingerprint.slice(0, 11)}…{fingerprint.slice(-5)}</code>
      <button type="button" class="button icon-only quiet small" aria-label={`Copy the ${label}`} onClick={() => void copy(fingerprint, label)}><Icon name="copy" size={14} /></button>
    </span>
  );
}

export function Facts({ server: s }: { server: ServerRow }) {
  const limit = timeLimit(s);
  return (
    <div class="facts">
      <Group title="Connection">
        <Fact name="Address"><code>{placeOf(s.host, s.port)}</code></Fact>
        <Fact name="VPN">{s.vpn_enabled ? <code>{placeOf(s.vpn_host, s.vpn_port)}</code> : 'not used'}</Fact>
        <Fact name="Success rate"><Rate pct={s.success_rate ?? null} /> <span class="dim">of the last 100</span></Fact>
        <Fact name="Mean response"><Ms ms={s.avg_response_time_ms} why="no attempt succeeded yet" /></Fact>
        <Fact name="Time limit used"><Seconds ms={limit.ms} why="not known" /> <span class="dim">{limit.isLearned ? 'learned' : 'configured'}</span></Fact>
        <Fact name="Time limit learned"><Seconds ms={s.learned_timeout_ms} why="learned from 10 successes on" />{!limit.isLearned && s.learned_timeout_ms !== undefined && <span class="dim"> used above 80 % success</span>}</Fact>
        <Fact name="Time limit configured"><Seconds ms={s.connection_timeout_ms} why="not known" /></Fact>
        <Fact name="Offline after"><span class="num">{s.fail_after ?? 1}</span> <span class="dim">{(s.fail_after ?? 1) === 1 ? 'failed attempt' : 'failed attempts in a row'}</span></Fact>
        <Fact name="Last checked"><Ago at={s.last_health_check_at} none="not tested" /></Fact>
        <Fact name="Last connected"><Ago at={s.last_connected_at} /></Fact>
      </Group>
      <Group title="Proxmox VE">
        <Fact name="Version">{s.version ?? unknown('not told yet')}</Fact>
        <Fact name="Cluster">{s.cluster ?? <span class="dim">{s.version === undefined ? 'not told yet' : 'none, a single machine'}</span>}</Fact>
        <Fact name="Quorum">{s.is_quorate === undefined ? unknown('only a cluster has a quorum') : s.is_quorate ? <span class="outcome ok"><span aria-hidden="true">✓</span> yes</span> : <span class="outcome crit"><span aria-hidden="true">✖</span> lost: nothing can be started or changed there</span>}</Fact>
      </Group>
      <Group title="Certificate and token">
        <Fact name="Trust">{s.verify_ssl !== false && !s.fingerprint ? 'vouched for by an authority of this system' : 'pinned: only this certificate is spoken to'}</Fact>
        {s.fingerprint && <Fact name="Pinned"><Mark fingerprint={s.fingerprint} label="pinned fingerprint" /></Fact>}
        {s.seen_fingerprint && s.seen_fingerprint !== s.fingerprint && (
          <Fact name="Seen last"><Mark fingerprint={s.seen_fingerprint} label="fingerprint seen last" />{s.fingerprint && <span class="outcome crit"> <span aria-hidden="true">✖</span> another one</span>}</Fact>
        )}
        <Fact name="Ends"><CertEnd server={s} /></Fact>
        <Fact name="Token">{s.token_hint ? <code>{s.token_hint}</code> : unknown('not known')}</Fact>
      </Group>
      {(s.site || s.tags || s.notes) && (
        <Group title="Notes">
          {s.site && <Fact name="Site">{s.site}</Fact>}
          {s.tags && <Fact name="Tags">{s.tags.split(',').map((t) => <span key={t} class="tag">{t.trim()}</span>)}</Fact>}
          {s.notes && <Fact name="Notes">{s.notes}</Fact>}
        </Group>
      )}
    </div>
  );
}

function CertEnd({ server }: { server: ServerRow }) {
  const ends = time(server.cert_expires_at);
  if (ends === null) return unknown('no certificate was seen yet');
  const left = local(ends) - now.value;
  return (
    <>
      <time class="num" dateTime={server.cert_expires_at} data-tip={`${dateTime(local(ends))}, ${zone}`}>{left > 0 ? `in ${duration(left)}` : `${duration(-left)} ago`}</time>
      {left < CERT_WARN_DAYS * 86_400_000 && <> <CertTag server={server} /></>}
    </>
  );
}

// --- nodes -------------------------------------------------------------------------------------------

const share = (part: number | undefined, whole: number | undefined) => (part === undefined || !whole ? null : (part / whole) * 100);
const notTold = 'the server did not tell';

function NodeState({ node }: { node: NodeRow }) {
  const state = node.status === 'online' ? 'ok' : node.status === 'offline' ? 'crit' : 'unknown';
  return (
    <>
      <span class={`outcome ${state}`}><span aria-hidden="true">{{ ok: '●', crit: '✖', unknown: '?' }[state]}</span> {node.status ?? 'unknown'}</span>
      {node.is_stale && <> <span class="badge warn" data-tip="Its cluster calls it online, but its numbers do not move: pvestatd stands still, or the node hangs">stale</span></>}
    </>
  );
}

/** Its shell, in a tab of its own. */
function ShellButton({ node: n, isOn }: { node: NodeRow; isOn: boolean }) {
  const label = `Open the shell of ${own(n.node ?? '?')}`;
  const inside = <Icon name="terminal" size={14} />;
  if (!isOn || n.status !== 'online') return <button type="button" class="button small icon-only quiet" disabled aria-label={label} data-tip={isOn ? 'A node that is not online has no shell' : 'Its server is disabled: enable it first'}>{inside}</button>;
  return <a class="button small icon-only quiet" href={shellHref(n)} target="_blank" rel="noopener" aria-label={label} data-tip="Open its shell">{inside}</a>;
}

export function Nodes({ server }: { server: ServerRow }) {
  const home = homeOf(server);
  const list = nodes.value.filter((n) => n.server_id === home);
  if (list.length === 0) {
    return <Empty icon="server" title="No node known yet">{server.connection_status === 'online' ? 'The next answer lists the nodes of this server.' : 'Nodes appear when the server answers.'}</Empty>;
  }
  const isOn = (serverOf(home) ?? server).is_active !== false;
  const columns: Column<NodeRow>[] = [
    { id: 'node', head: 'Node', sort: (n) => n.node, cell: (n) => <span class="cell-shell"><span class="cell-name">{n.node}</span>{may('admin') && <ShellButton node={n} isOn={isOn} />}</span> },
    { id: 'status', head: 'State', sort: (n) => n.status, cell: (n) => <NodeState node={n} /> },
    { id: 'cpu', head: 'CPU', isNumber: true, sort: (n) => n.cpu, cell: (n) => <span class="cell-meter"><Meter label={`CPU of ${n.node}`} pct={n.cpu === undefined ? null : n.cpu * 100} why={notTold} /><span class="dim num" data-tip="processors">{n.maxcpu === undefined ? '' : `${n.maxcpu} cores`}</span></span> },
    { id: 'mem', head: 'Memory', isNumber: true, sort: (n) => share(n.mem, n.maxmem), cell: (n) => <Of label={`memory of ${n.node}`} used={n.mem} all={n.maxmem} /> },
    { id: 'disk', head: 'Root disk', isNumber: true, minor: 2, sort: (n) => share(n.disk, n.maxdisk), cell: (n) => <Of label={`root disk of ${n.node}`} used={n.disk} all={n.maxdisk} /> },
    { id: 'uptime', head: 'Up', isNumber: true, minor: 1, sort: (n) => n.uptime, cell: (n) => <span class="num" data-tip={n.uptime === undefined ? notTold : `${n.uptime} s`}>{n.uptime === undefined ? '–' : duration(n.uptime * 1000)}</span> },
  ];
  return (
    <>
      {home !== server.id && <p class="panel-body dim">The nodes of its cluster, which is listed under <a class="in-text" href={href(`servers/${encodeURIComponent(home)}`)}>{serverOf(home)?.name ?? 'another server'}</a>.</p>}
      {isUp(serverOf(home) ?? server) === false && isUp(server) === false && <p class="panel-body dim">As they were when the server answered last. What they do now is not known.</p>}
      <Table label={`Nodes of ${server.name}`} columns={columns} rows={list} keyOf={(n) => n.id} sort="node" />
    </>
  );
}

function Of({ label, used, all }: { label: string; used: number | undefined; all: number | undefined }) {
  return (
    <span class="cell-meter">
      <Meter label={label} pct={share(used, all)} why={notTold} />
      <span class="dim num" data-tip={all === undefined ? notTold : `${line(bytes(used))} of ${line(bytes(all))}, ${line(percent(share(used, all)))}`}>{all === undefined ? '' : `${line(bytes(used))} of ${line(bytes(all))}`}</span>
    </span>
  );
}
