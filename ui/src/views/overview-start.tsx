// overview-start: the three ways to more than this machine.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { api, ApiError } from '../link/api';
import { href } from '../link/route';
import { servers } from '../state/fleet';
import { act, copy, may, toast } from '../state/store';
import { Dialog } from '../parts/dialog';
import { Icon, type IconName } from '../parts/icon';
import { Panel } from '../parts/panel';

interface Demo {
  available: boolean;
  servers: number;
  why?: string | null;
}

const COMMAND = './run demo';

function Face({ icon, title, text }: { icon: IconName; title: string; text: string }) {
  return (
    <>
      <span class="start-icon"><Icon name={icon} size={20} /></span>
      <span class="start-text"><strong>{title}</strong><span>{text}</span></span>
      <Icon name="chevron-right" size={14} />
    </>
  );
}

/** Large while there is no server; one line once there is. */
export function Start() {
  const isExplained = useSignal(false);
  const why = useSignal('');
  const isBusy = useSignal(false);
  const list = servers.value ?? [];
  const demos = list.filter((s) => s.is_demo).length;
  const role = may('operate') ? null : 'Needs the role manager; somebody with the role admin can give it to you under Settings, Users.';

  async function loadDemo(): Promise<void> {
    isBusy.value = true;
    try {
      const demo = await api<Demo>('GET', 'api/v1/demo');
      if (!demo.available) {
        why.value = demo.why ?? '';
        isExplained.value = true;
      }
      else if (await act(() => api('POST', 'api/v1/demo'))) toast('ok', 'The demo fleet is here; it is marked DEMO and goes with one click');
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      if (cause.status === 404) isExplained.value = true;
      else if (cause.status !== 401) toast('error', cause.message, { error: cause });
    }
    isBusy.value = false;
  }

  async function removeDemo(): Promise<void> {
    await act(async () => {
      const gone = await api<{ servers: number }>('DELETE', 'api/v1/demo');
      toast('ok', `The demo fleet is gone: ${gone.servers} ${gone.servers === 1 ? 'server' : 'servers'} removed, 0 left`);
    });
  }

  const explained = isExplained.value && <DemoDialog why={why.value} onClose={() => (isExplained.value = false)} />;
  if (list.length > 0) {
    return (
      <Panel title="Add more" icon="plus" class="start is-small">
        {role && <p class="dim start-lead">{role}</p>}
        <div class="row start-row">
          {!role && <a class="button small" href={href('servers', { add: '1' })}><Icon name="plus" size={14} /> Proxmox server</a>}
          {!role && <a class="button small" href={href('servers/import')}><Icon name="upload" size={14} /> List or CSV</a>}
          {demos > 0 && !role && <button type="button" class="button small" onClick={() => void removeDemo()}><Icon name="trash-2" size={14} /> Remove the demo ({demos})</button>}
        </div>
        {explained}
      </Panel>
    );
  }
  return (
    <Panel title="Start here" icon="plus" class="start">
      <p class="dim start-lead">{role ?? 'This machine is already on screen. Add what else there is:'}</p>
      <ul>
        <li><StartLink off={role} to={href('servers', { add: '1' })}><Face icon="server" title="Add a Proxmox server" text="Nodes, guests and their history, from one API token." /></StartLink></li>
        <li><StartLink off={role} to={href('servers/import')}><Face icon="file-spreadsheet" title="Paste a list or CSV" text="Fifty servers at once, tested before anything is kept." /></StartLink></li>
        <li>
          <button type="button" class="start-card" disabled={role !== null || isBusy.value} aria-busy={isBusy.value} onClick={() => void loadDemo()}>
            <Face icon="boxes" title="Load a demo fleet" text="Simulated and marked as such, removable with one click." />
          </button>
        </li>
      </ul>
      {explained}
    </Panel>
  );
}

function StartLink({ off, to, children }: { off: string | null; to: string; children: ComponentChildren }) {
  return off ? <span class="start-card is-off">{children}</span> : <a class="start-card" href={to}>{children}</a>;
}

/** Where this server cannot start it by itself: the command that does. */
function DemoDialog({ why, onClose }: { why: string; onClose: () => void }) {
  return (
    <Dialog title="A demo fleet" class="narrow" onClose={onClose}>
      <div class="stack">
        <p>The demo is a simulator beside Binnacle: six Proxmox servers with 80 guests, one of them flapping. {why.startsWith('the demo') ? 'It is not running now.' : 'This server was started without it.'} In the folder of the source, this starts both:</p>
        <div class="secret"><code class="secret-text">{COMMAND}</code>
          <button type="button" class="button" onClick={() => void copy(COMMAND, 'Command')}><Icon name="copy" /> Copy</button></div>
        <p class="dim">Its servers are marked DEMO, and leave with one click.</p>
        <div class="dialog-foot"><button type="button" class="button primary" onClick={onClose}>Close</button></div>
      </div>
    </Dialog>
  );
}
