// infra-server-dialogs: the dialogs about one server, for the list and for its own page.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../link/api';
import { serverOf, servers, type ServerRow } from '../state/fleet';
import { millis, short } from '../state/format';
import { bareToken, SHOW_FINGERPRINT, tokenProblem } from '../state/serverform';
import { placeOf } from '../state/servers';
import { act, may, toast } from '../state/store';
import { own } from '../state/own';
import { Dialog } from '../parts/dialog';
import { Field, useSend } from '../parts/form';
import { Icon } from '../parts/icon';
import { Failure, Skeleton } from '../parts/panel';
import { open, pathOf, type Tested } from './infra-server-acts';
import { ServerForm } from './infra-server-form';
import { Command, Fingerprint, TestReport } from './infra-server-test';

/** Whichever dialog is open; one place on each page about servers. */
export function ServerDialogs() {
  const what = open.value;
  const close = () => (open.value = null);
  useEffect(() => close, []);
  if (!what) return null;
  if (what.kind === 'add') return <ServerForm server={null} onClose={close} />;
  if (what.kind === 'demo') return <RemoveDemo onClose={close} />;
  const server = serverOf(what.id);
  if (!server) return <Gone onClose={close} />;
  switch (what.kind) {
    case 'edit': return <ServerForm key={what.id} server={server} onClose={close} />;
    case 'delete': return <Delete server={server} onClose={close} />;
    case 'connect': return <Connectivity server={server} onClose={close} />;
    case 'confirm': return <ConfirmPin server={server} onClose={close} />;
    case 'trust': return <TrustNew server={server} onClose={close} />;
  }
}

function Gone({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="This server is gone" class="narrow" onClose={onClose}>
      <div class="stack">
        <p>Somebody deleted it while you looked at it.</p>
        <div class="dialog-foot"><button type="button" class="button primary" onClick={onClose}>Close</button></div>
      </div>
    </Dialog>
  );
}

function Delete({ server, onClose }: { server: ServerRow; onClose: () => void }) {
  const [isBusy, setBusy] = useState(false);
  return (
    <Dialog title={`Delete ${own(server.name ?? '')}?`} class="narrow" onClose={onClose}>
      <div class="stack">
        <p><strong>{server.name}</strong> <span class="mono">{placeOf(server.host, server.port)}</span></p>
        <p>Its token, its history of checks and its guests leave Binnacle. Nothing changes on the server itself. This cannot be undone; to keep the history, disable it instead.</p>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose} autofocus>Keep</button>
          <button type="button" class="button primary danger" disabled={isBusy} onClick={() => void (async () => {
            setBusy(true);
            const { name } = server;
            if (await act(() => api('DELETE', pathOf(server)), `${name} is deleted`)) onClose();
            else setBusy(false);
          })()}>{isBusy ? 'Deleting…' : 'Delete'}</button>
        </div>
      </div>
    </Dialog>
  );
}

/** Time limits are spoken of in seconds. */
const limitText = (ms: number | null) => (ms === null ? '–' : `${short(ms / 1000)} s`);

/** A18: one attempt at a saved server, measured phase by phase. */
function Connectivity({ server, onClose }: { server: ServerRow; onClose: () => void }) {
  const [tested, setTested] = useState<Tested | null>(null);
  const { error, isBusy, send } = useSend();

  async function go(): Promise<void> {
    await send(async () => setTested(await api<Tested>('POST', pathOf(server, '/test'))));
  }
  useEffect(() => void go(), []);

  const byVpn = Boolean(server.vpn_enabled);
  const limit = tested?.timeout_ms ?? server.connection_timeout_ms ?? null;
  const wish = tested?.recommended_timeout_ms ?? null;
  const at = { host: (byVpn ? server.vpn_host : server.host) ?? '', port: (byVpn ? server.vpn_port : server.port) ?? 8006, timeout_s: Math.round((limit ?? 10_000) / 1000), by_vpn: byVpn };
  return (
    <Dialog title={`Connectivity test: ${own(server.name ?? '')}`} onClose={onClose}>
      <div class="stack" aria-busy={isBusy}>
        <p class="mono dim">{placeOf(at.host, at.port)}</p>
        {error && <Failure error={error} />}
        {!tested && !error && <Skeleton lines={5} label={`Connecting to ${at.host}`} />}
        {tested && <TestReport of={tested} at={at} />}
        {tested && (
          <dl class="pairs test-facts">
            <dt>Time limit</dt><dd><span class="num" data-tip={millis(limit).exact}>{limitText(limit)}</span></dd>
            <dt>Recommended</dt>
            <dd>{wish === null ? <span class="dim">known after 10 checks that succeeded</span> : <span class="num" data-tip={`${millis(wish).exact}: half as long again as 95 % of the last checks took`}>{limitText(wish)}</span>}</dd>
          </dl>
        )}
        <div class="dialog-foot">
          {wish !== null && limit !== null && wish !== limit && may('operate') && (
            <button type="button" class="button foot-first" onClick={() => void act(() => api('PATCH', pathOf(server), { connection_timeout_ms: wish }),
              `The time limit of ${own(server.name ?? '')} is now ${limitText(wish)}`).then((done) => done && void go())}>Apply recommendation</button>
          )}
          <button type="button" class="button" onClick={onClose}>Close</button>
          <button type="button" class="button primary" disabled={isBusy} onClick={() => void go()}><Icon name="refresh-cw" /> {isBusy ? 'Running…' : 'Run again'}</button>
        </div>
      </div>
    </Dialog>
  );
}

/** The one of the first contact: nobody has looked at it yet. */
function ConfirmPin({ server, onClose }: { server: ServerRow; onClose: () => void }) {
  const [pin] = useState(server.fingerprint);
  return (
    <Dialog title={`Confirm the certificate of ${own(server.name ?? '')}?`} onClose={onClose}>
      <div class="stack">
        <p>It was the first one the server showed, and nothing else has been accepted since. Whether it is the right one nobody has looked yet.</p>
        <Fingerprint of={pin} label="Pinned SHA-256" />
        <p>Compare it with what the server shows for itself, on its own shell:</p>
        <Command text={SHOW_FINGERPRINT} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="button" class="button primary" onClick={() => void act(() => api('PATCH', pathOf(server), { fingerprint: pin }), `The certificate of ${own(server.name ?? '')} is confirmed`).then((done) => done && onClose())}>It is the same</button>
        </div>
      </div>
    </Dialog>
  );
}

/** Another certificate than the confirmed one: both, and the token again, for it goes to whoever shows it. */
function TrustNew({ server, onClose }: { server: ServerRow; onClose: () => void }) {
  const [token, setToken] = useState('');
  const { error, isBusy, send, field } = useSend();
  const [wrong, setWrong] = useState<string | null>(null);
  const [seen] = useState(server.seen_fingerprint);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const problem = tokenProblem(token);
    setWrong(problem);
    if (problem || isBusy) return;
    await send(async () => {
      await api('PATCH', pathOf(server), { fingerprint: seen, api_token: bareToken(token) });
      toast('ok', `The new certificate of ${own(server.name ?? '')} is trusted`);
      onClose();
    });
  }

  return (
    <Dialog title={`Trust the new certificate of ${own(server.name ?? '')}?`} onClose={onClose}>
      <form onSubmit={(e) => void submit(e)} noValidate>
        <div class="stack">
          <Fingerprint of={server.fingerprint} label="Old SHA-256" />
          <Fingerprint of={seen} label="New SHA-256" />
          {server.seen_fingerprint !== seen && <p class="note warn"><Icon name="triangle-alert" /> It shows yet another one by now: close this and look again.</p>}
          <p>Compare the new one with what the server shows for itself, on its own shell:</p>
          <Command text={SHOW_FINGERPRINT} />
          <p>If you did not renew the certificate or reinstall the server, do not trust it: somebody may stand in between.</p>
        </div>
        <Field label="API token" name="api_token" type="password" secret="token" autocomplete="new-password" value={token} mono placeholder={server.token_hint ?? ''}
          onInput={(t) => {
            setToken(t);
            setWrong(null);
          }} error={wrong ?? field('api_token')} hint="Asked again, because it will be sent to whoever has this certificate." />
        {error && !field('api_token') && <Failure error={error} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="button primary" disabled={isBusy}>{isBusy ? 'Saving…' : 'Trust the new certificate'}</button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDemo({ onClose }: { onClose: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const count = (servers.value ?? []).filter((s) => s.is_demo).length;
  return (
    <Dialog title="Remove the demo fleet?" class="narrow" onClose={onClose}>
      <div class="stack">
        <p>{count === 1 ? 'The 1 server' : `All ${count} servers`} tagged DEMO leave Binnacle, with their guests and history. Your own servers stay as they are.</p>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose} autofocus>Keep it</button>
          <button type="button" class="button primary danger" disabled={isBusy} onClick={() => void (async () => {
            setBusy(true);
            await act(async () => {
              const { servers: gone } = await api<{ servers: number }>('DELETE', 'api/v1/demo');
              toast('ok', `The demo fleet is gone: ${gone} ${gone === 1 ? 'server' : 'servers'} removed, none left`);
              onClose();
            });
            setBusy(false);
          })()}>{isBusy ? 'Removing…' : 'Remove demo'}</button>
        </div>
      </div>
    </Dialog>
  );
}
