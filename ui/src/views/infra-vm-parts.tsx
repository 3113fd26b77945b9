// infra-vm-parts: what lists, cards and the page of a guest share: badge, meters, power buttons, the question before harm.

import { computed, signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { href } from '../link/route';
import type { Vm } from '../model.gen';
import { mayDo, mayLook, serverName, useAssigned } from '../state/assigned';
import { serverOf, servers, useTopic } from '../state/fleet';
import { actionsOf, cpuPct, diskPct, groupOf, memPct, natural, statusWord, whyIdle, type GuestRow, type PowerAction } from '../state/guests';
import { busyOf, power, verbs } from '../state/operations';
import { bitRate, byteRate, bytes, duration, line } from '../state/format';
import { own } from '../state/own';
import { Dialog } from '../parts/dialog';
import { Meter } from '../parts/gauge';
import { Icon, type IconName } from '../parts/icon';
import { Num } from '../parts/num';
import { Empty, Panel, Skeleton } from '../parts/panel';
import { openRowMenu, type RowAct } from '../parts/rowmenu';

export const guestHref = (id: string): string => href(`vms/${id.split('/').map(encodeURIComponent).join('/')}`);
export const consoleHref = (vm: Pick<Vm, 'node' | 'vmid' | 'type' | 'server_id'>): string =>
  href(`console/${encodeURIComponent(vm.node ?? '')}/${vm.vmid}`, { type: vm.type ?? 'qemu', serverId: vm.server_id ?? '' });
export const guestName = (vm: Pick<Vm, 'name' | 'vmid'>): string => vm.name || `VM ${vm.vmid ?? '?'}`;
export const typeWord = (vm: Pick<Vm, 'type'>): string => (vm.type === 'lxc' ? 'CT' : 'VM');
export const typeWords = (vm: Pick<Vm, 'type'>): string => (vm.type === 'lxc' ? 'container (LXC)' : 'virtual machine (QEMU)');
export const tagsOf = (vm: Pick<Vm, 'tags'>): string[] => (vm.tags ?? '').split(';').map((t) => t.trim()).filter(Boolean);

// --- state ------------------------------------------------------------------------------------------

/** Dot and word; the word alone tells it too. */
export function StatusBadge({ vm }: { vm: GuestRow }) {
  const group = groupOf(vm);
  const word = statusWord(vm);
  return (
    <span class={`vm-status ${group}`} data-tip={group === 'unknown' ? 'Proxmox VE does not know: its node does not answer' : undefined}>
      <i class="vm-dot" aria-hidden="true" />{word}
    </span>
  );
}

export const STALE = 'Its node does not answer, or its numbers do not move: these are the last known values';

/** What else is to be known about it at a glance. */
export function Marks({ vm }: { vm: GuestRow }) {
  return (
    <>
      {vm.is_stale && <span class="badge warn" data-tip={STALE}>last known</span>}
      {vm.template && <span class="badge quiet" data-tip="A template: cloned, never started">template</span>}
      {vm.lock && <span class="badge quiet" data-tip={`Locked by Proxmox VE: ${vm.lock}. Most actions are refused until that is done.`}><Icon name="lock" size={11} /> {vm.lock}</span>}
      {vm.ha_state && <span class="badge quiet" data-tip={`Managed by high availability: ${vm.ha_state}`}>HA {vm.ha_state}</span>}
    </>
  );
}

const QEMU_DISK = 'Proxmox VE cannot look into the disk of a virtual machine; only its size is known';

export function CpuMeter({ vm }: { vm: GuestRow }) {
  return <Meter pct={cpuPct(vm)} label={`CPU of ${guestName(vm)}`} why="not reported" />;
}

export function MemMeter({ vm }: { vm: GuestRow }) {
  return <span data-tip={`${line(bytes(vm.mem))} of ${line(bytes(vm.maxmem))}`}><Meter pct={memPct(vm)} label={`Memory of ${guestName(vm)}`} why="not reported" /></span>;
}

export function DiskMeter({ vm }: { vm: GuestRow }) {
  if (vm.type === 'qemu') return <span class="vm-size" data-tip={QEMU_DISK}><span aria-hidden="true">of </span>{line(bytes(vm.maxdisk))}</span>;
  return <Meter pct={diskPct(vm)} label={`Disk of ${guestName(vm)}`} why="not reported" />;
}

/** Two rates in two short lines. */
export function Rates({ vm, of }: { vm: GuestRow; of: 'net' | 'disk' }) {
  const [a, b] = of === 'net' ? [vm.net_in_bps, vm.net_out_bps] : [vm.disk_read_bps, vm.disk_write_bps];
  const format = of === 'net' ? bitRate : byteRate;
  const [inTip, outTip] = of === 'net' ? ['in', 'out'] : ['read', 'written'];
  if (a === undefined && b === undefined) return <span class="dim" data-tip={groupOf(vm) === 'running' ? 'known after two readings' : `it is ${statusWord(vm)}`}>–</span>;
  return (
    <span class="vm-rates num" data-tip={`${format(a).exact} ${inTip}\n${format(b).exact} ${outTip}`}>
      <span><i aria-label={inTip}>↓</i> {line(format(a))}</span>
      <span><i aria-label={outTip}>↑</i> {line(format(b))}</span>
    </span>
  );
}

export function Uptime({ vm }: { vm: GuestRow }) {
  if (groupOf(vm) !== 'running' || !vm.uptime) return <span class="dim" data-tip={`it is ${statusWord(vm)}`}>–</span>;
  return <span class="num" data-tip={`${vm.uptime.toLocaleString('en')} seconds`}>{duration(vm.uptime * 1000)}</span>;
}

// --- power ------------------------------------------------------------------------------------------

export const icons: Record<PowerAction, IconName> = {
  start: 'play', shutdown: 'power', reboot: 'refresh-cw', stop: 'circle-stop', reset: 'zap', suspend: 'pause', resume: 'play',
};

const FORBIDDEN = 'Needs the role manager, or an assignment that allows it; somebody with the role admin can give it to you';

export const CONSOLE_FORBIDDEN = 'Needs the role manager, or an assignment that allows the console; somebody with the role admin can give it to you';

const tips: Record<PowerAction, string> = {
  start: 'Start',
  shutdown: 'Shut down: asks the system inside to end',
  reboot: 'Reboot: asks the system inside to start again',
  stop: 'Stop: as if the power were cut',
  reset: 'Reset: as the button at the front',
  suspend: 'Suspend: stands still in memory',
  resume: 'Resume: goes on where it stood',
};

const asking = signal<{ vm: GuestRow; action: 'stop' | 'reset'; server: string } | null>(null);

export function nameAndNumber(vm: GuestRow): string {
  return vm.name ? `${own(vm.name)} (${vm.vmid})` : `VM ${vm.vmid}`;
}

/** What harms is asked about first; the rest begins at once. */
export function want(vm: GuestRow, action: PowerAction): void {
  const server = own(serverName(vm.server_id) ?? 'unknown server');
  if (action === 'stop' || action === 'reset') asking.value = { vm, action, server };
  else void power(vm, `${nameAndNumber(vm)} on ${server}`, action);
}

/** Stands once on each page that has power buttons. */
export function PowerQuestion() {
  const ask = asking.value;
  if (!ask) return null;
  const { vm, action, server } = ask;
  const close = () => (asking.value = null);
  const isStop = action === 'stop';
  return (
    <Dialog title={`${isStop ? 'Stop' : 'Reset'} ${nameAndNumber(vm)} on ${server}?`} class="narrow" onClose={close}>
      <div class="vm-question">
        <p>{isStop
          ? <>This is as if the power of <strong>{guestName(vm)}</strong> were cut: it may lose unsaved data. To let it end by itself, shut it down instead.</>
          : <>This is as if somebody pressed the reset button of <strong>{guestName(vm)}</strong>: it begins anew immediately, and unsaved data is lost.</>}</p>
        <p class="dim">Number {vm.vmid}, node {own(vm.node ?? '–')}, server {server}.</p>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>Cancel</button>
          <button type="button" class="button danger primary" onClick={() => {
            close();
            void power(vm, `${nameAndNumber(vm)} on ${server}`, action);
          }}>{isStop ? 'Stop now' : 'Reset now'}</button>
        </div>
      </div>
    </Dialog>
  );
}

/** For the menu of a row. */
export function powerActs(vm: GuestRow): RowAct[] {
  const look: RowAct[] = hasConsole(vm) && mayLook(vm.id) ? [{ label: 'Open console', icon: 'terminal', run: () => void window.open(consoleHref(vm), '_blank', 'noopener') }] : [];
  if (busyOf(vm.id)) return look;
  return look.concat(actionsOf(vm).filter((a) => mayDo(vm.id, a)).map((a) => ({ label: a === 'stop' || a === 'reset' ? `${verbs[a].label} …` : verbs[a].label, icon: icons[a], run: () => want(vm, a) })));
}

const hasConsole = (vm: GuestRow): boolean => groupOf(vm) === 'running' && !vm.template && !vm.is_stale;

/** Its screen or terminal, in a tab of its own, so that the list stays where it is. */
function ConsoleButton({ vm, isSmall }: { vm: GuestRow; isSmall?: boolean | undefined }) {
  const style = `button small ${isSmall ? 'icon-only quiet' : ''}`;
  const inside = <><Icon name="terminal" size={14} />{!isSmall && ' Console'}</>;
  const label = `Open console of ${guestName(vm)}`;
  if (!mayLook(vm.id)) return <button type="button" class={style} disabled aria-label={label} data-tip={CONSOLE_FORBIDDEN}>{inside}</button>;
  return <a class={style} href={consoleHref(vm)} target="_blank" rel="noopener" aria-label={label} data-tip="Open Console">{inside}</a>;
}

/** What it is busy with, as it goes. */
export function Busy({ id }: { id: string }) {
  const busy = busyOf(id);
  if (!busy) return null;
  return (
    <span class="vm-busy" role="status" data-tip={busy.progress ? `${busy.words}, ${busy.progress} %` : busy.words}>
      <i class="spinner" aria-hidden="true" /> <span>{busy.words}</span>
    </span>
  );
}

interface PowerProps {
  vm: GuestRow;
  isSmall?: boolean; // icons only, in a row of a table
}

/** Start alone when it is stopped; the ways down when it runs. Busy is said by the operation, equal in all tabs. */
export function PowerButtons({ vm, isSmall }: PowerProps) {
  const busy = busyOf(vm.id);
  const actions = actionsOf(vm);
  const idle = whyIdle(vm);
  if (busy && isSmall) return <Busy id={vm.id} />;
  if (idle) return isSmall ? <span class="dim" data-tip={idle}>–</span> : <span class="dim">{idle}.</span>;
  const isForbidden = (a: PowerAction) => !mayDo(vm.id, a);
  const shown = isSmall ? actions.filter((a) => a === 'start' || a === 'resume' || a === 'stop' || a === 'reset') : actions.slice(0, 3);
  const rest = actions.filter((a) => !shown.includes(a));
  return (
    <span class="vm-power">
      {hasConsole(vm) && <ConsoleButton vm={vm} isSmall={isSmall} />}
      {shown.map((a) => (
        <button key={a} type="button" class={`button small ${isSmall ? 'icon-only quiet' : ''} ${a === 'stop' || a === 'reset' ? 'danger' : ''}`}
          disabled={busy !== null || isForbidden(a)} aria-label={`${verbs[a].label} ${guestName(vm)}`}
          data-tip={isForbidden(a) ? FORBIDDEN : tips[a]} onClick={() => want(vm, a)}>
          <Icon name={icons[a]} size={14} />{!isSmall && ` ${verbs[a].label}`}
        </button>
      ))}
      {rest.length > 0 && (
        <button type="button" class="button small icon-only quiet" disabled={busy !== null || rest.every(isForbidden)} aria-haspopup="menu" aria-label={`More for ${guestName(vm)}`}
          onClick={(e) => openRowMenu({ title: nameAndNumber(vm), record: vm, isShort: true, acts: rest.filter((a) => !isForbidden(a)).map((a) => ({ label: verbs[a].label, icon: icons[a], run: () => want(vm, a) })) }, e)}>
          <Icon name="ellipsis" size={14} />
        </button>
      )}
      {busy && !isSmall && <Busy id={vm.id} />}
    </span>
  );
}

// --- a few of them, for the overview -------------------------------------------------------------------

const FEW = 5;

/** "Machines": the first guests that run or are stopped, with what can be done at once (FEATURES G16). */
export function QuickVms() {
  const topic = useTopic('infra.vms');
  useAssigned();
  const opened = useMemo(() => signal<string | null>(null), []);
  const all = useMemo(() => computed(() => {
    const section = (topic.value.value as { vms?: Record<string, Vm> } | undefined)?.vms;
    if (!section) return undefined;
    const active = new Set((servers.value ?? []).filter((s) => s.is_active !== false).map((s) => s.id));
    const list: GuestRow[] = [];
    let count = 0;
    for (const [id, vm] of Object.entries(section)) {
      if (vm.template || !active.has(vm.server_id ?? '')) continue;
      count += 1;
      if (vm.status === 'running' || vm.status === 'stopped') list.push({ ...vm, id });
    }
    const rank = (vm: GuestRow) => (vm.status === 'running' ? '0' : '1') + natural(vm.name ?? '') + vm.id;
    const keyed = list.map((vm) => [rank(vm), vm] as const).sort((a, b) => (a[0] < b[0] ? -1 : 1));
    return { few: keyed.slice(0, FEW).map(([, vm]) => vm), count };
  }), [topic]);
  const found = all.value;
  const open = opened.value ? found?.few.find((vm) => vm.id === opened.value) : undefined;
  if (topic.phase.value === 'refused') return null;
  return (
    <Panel title="Machines" icon="boxes" topic={topic} class="quick-vms"
      aside={<a class="button small" href={href('vms')}>{found && found.count > FEW ? `All ${found.count}` : 'Open'} <Icon name="chevron-right" size={14} /></a>}>
      {found === undefined ? <Skeleton lines={4} label="Machines" /> : found.few.length === 0 ? (
        <Empty icon="boxes" title="No virtual machines yet">They appear by themselves once a Proxmox server is added and answers.</Empty>
      ) : (
        <ul class="quick-list">
          {found.few.map((vm) => (
            <li key={vm.id}>
              <div class="quick-what">
                <button type="button" class="vm-name link" onClick={() => (opened.value = vm.id)}>{guestName(vm)}</button>
                <span class="vm-cut dim">{vm.vmid} on {own(serverName(vm.server_id) ?? '-')}</span>
              </div>
              <StatusBadge vm={vm} />
              <PowerButtons vm={vm} isSmall />
            </li>
          ))}
        </ul>
      )}
      {open && <GuestSheet vm={open} onClose={() => (opened.value = null)} />}
      <PowerQuestion />
    </Panel>
  );
}

function GuestSheet({ vm, onClose }: { vm: GuestRow; onClose: () => void }) {
  return (
    <Dialog title={guestName(vm)} class="narrow" onClose={onClose}>
      <div class="guest-sheet">
        <p><StatusBadge vm={vm} /> <Marks vm={vm} /></p>
        <Facts vm={vm} />
        <p class="row"><PowerButtons vm={vm} /></p>
        <div class="dialog-foot"><a class="button" href={guestHref(vm.id)}>Charts and history <Icon name="chevron-right" size={14} /></a></div>
      </div>
    </Dialog>
  );
}

/** Where it is and what it has. */
export function Facts({ vm }: { vm: GuestRow }) {
  const server = serverOf(vm.server_id ?? '');
  return (
    <dl class="pairs">
      <dt>Server</dt><dd>{server ? <a href={href(`servers/${server.id}`)}>{server.name}</a> : (serverName(vm.server_id) ?? '-')}</dd>
      <dt>Node</dt><dd>{vm.node ?? '–'}</dd>
      <dt>Number</dt><dd class="num">{vm.vmid}</dd>
      <dt>Type</dt><dd>{typeWords(vm)}</dd>
      <dt>Processors</dt><dd class="num">{vm.maxcpu ?? '–'} vCPU</dd>
      <dt>Memory</dt><dd><Num of={bytes(vm.maxmem)} /></dd>
      <dt>Disk</dt><dd><Num of={bytes(vm.maxdisk)} /></dd>
      <dt>Up for</dt><dd><Uptime vm={vm} /></dd>
      {vm.pool && <><dt>Pool</dt><dd>{vm.pool}</dd></>}
      {vm.tags && <><dt>Tags</dt><dd>{tagsOf(vm).map((t) => <span key={t} class="tag">{t}</span>)}</dd></>}
    </dl>
  );
}
