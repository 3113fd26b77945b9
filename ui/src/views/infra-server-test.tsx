// infra-server-test: one attempt at a server, phase by phase, as it was measured.

import { dateTime, line, millis, time, zone } from '../state/format';
import { helpOf, type At, type Help } from '../state/serverhelp';
import { copy } from '../state/store';
import { Icon } from '../parts/icon';
import { said } from '../parts/panel';
import { sentence } from '../link/api';
import type { Tested } from './infra-server-acts';

const phases = [
  { id: 'dns', label: 'DNS', of: (t: Tested) => t.dns_ms, what: 'looking the name up' },
  { id: 'tcp', label: 'TCP', of: (t: Tested) => t.tcp_ms, what: 'connecting' },
  { id: 'tls', label: 'TLS', of: (t: Tested) => t.tls_ms, what: 'the TLS handshake' },
  { id: 'answer', label: 'API', of: (t: Tested) => t.wait_ms, what: 'waiting for the answer of its API' },
] as const;

/** How far it came, in words. */
export function stageOf(phase: string | null): string {
  return phases.find((p) => p.id === phase || (phase === 'body' && p.id === 'answer'))?.what ?? 'the attempt';
}

/** Phases as bars of one scale; the one it failed in is marked, those behind it were not reached. */
export function Phases({ of }: { of: Tested }) {
  const failed = of.success ? -1 : phases.findIndex((p) => p.id === (of.error_phase === 'body' ? 'answer' : of.error_phase));
  const values = phases.map((p) => p.of(of));
  const scale = Math.max(1, ...values.map((v) => v ?? 0));
  return (
    <dl class="phases">
      {phases.map((p, i) => {
        const ms = values[i];
        const isFailed = i === failed;
        const text = ms == null ? (isFailed ? 'failed here' : '–') : line(millis(ms));
        return (
          <div key={p.id} class={isFailed ? 'is-failed' : ''}>
            <dt>{p.label}</dt>
            <dd>
              <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width={ms == null ? 0 : Math.max(0.6, (ms / scale) * 100)} height="6" /></svg>
              <span class="num" data-tip={ms == null ? (isFailed ? `It failed while ${p.what}` : 'not reached') : `${millis(ms).exact}, ${p.what}`}>
                {isFailed && <span aria-hidden="true">✖ </span>}{text}{isFailed && ms != null && <span> failed here</span>}
              </span>
            </dd>
          </div>
        );
      })}
      <div class="phases-total"><dt>Total</dt><dd><span class="num" data-tip={millis(of.total_ms).exact}>{line(millis(of.total_ms))}</span></dd></div>
    </dl>
  );
}

/** What one attempt found, or what its failure means and what helps. */
export function TestReport({ of, at }: { of: Tested; at: At }) {
  const ends = time(of.cert_expires_at);
  return (
    <div class="test-report">
      {of.success ? (
        <p class="test-sum ok"><Icon name="circle-check" size={18} /> <strong>
          Connected. {of.version && `Proxmox VE ${of.version}. `}{of.nodes !== null && `Found ${of.nodes} ${of.nodes === 1 ? 'node' : 'nodes'}.`}
        </strong></p>
      ) : <HelpText help={helpOf(of.error_class ?? undefined, of.error ?? undefined, at)} said={of.error} />}
      <Phases of={of} />
      <dl class="pairs test-facts">
        <dt>Address</dt><dd class="mono">{of.resolved_ip ?? <span class="dim" data-tip="It came to no connection">–</span>}</dd>
        {of.path && <><dt>Way</dt><dd>{of.path === 'vpn' ? 'by VPN' : 'direct'}</dd></>}
        {ends !== null && <><dt>Certificate ends</dt><dd><span class="num" data-tip={`${dateTime(ends)}, ${zone}`}>{dateTime(ends)}</span></dd></>}
      </dl>
    </div>
  );
}

/** What happened (unless it stands above already), what it means, what to do. */
export function HelpText({ help, said: text }: { help: Help; said?: string | null | undefined }) {
  return (
    <div class="help-text">
      {text && (
        <>
          <p class="test-sum crit"><Icon name="circle-alert" size={18} /> <strong>{help.title}</strong></p>
          <p class="help-said">{said(sentence(text))}</p>
        </>
      )}
      <p>{said(help.means)}</p>
      <ul>{help.todo.map((t) => <li key={t}>{said(t)}</li>)}</ul>
      {help.command && <Command text={help.command} />}
    </div>
  );
}

/** A line to type somewhere else, with its copy button. */
export function Command({ text, what = 'Command' }: { text: string; what?: string }) {
  return (
    <div class="secret command-line">
      <code class="secret-text" tabIndex={0}>{text}</code>
      <button type="button" class="button icon-only" aria-label={`Copy ${what.toLowerCase()}`} onClick={() => void copy(text, what)}><Icon name="copy" /></button>
    </div>
  );
}

/** A fingerprint in two lines that can be compared by eye. */
export function Fingerprint({ of, label }: { of: string | undefined | null; label: string }) {
  return <p class="fingerprint"><span class="field-label">{label}</span> <code>{of ?? 'none'}</code></p>;
}
