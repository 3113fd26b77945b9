// infra-vm: one guest: its state, its charts, what can be done with it and what was done.

import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks';
import { go, href, route, withQuery } from '../link/route';
import type { Vm } from '../model.gen';
import { bitRate, byteRate, bytes, count, line, percent } from '../state/format';
import { assignedSection, isRestricted, serverName, useAssigned } from '../state/assigned';
import { serverOf, servers, useTopic } from '../state/fleet';
import { cpuPct, diskPct, groupOf, memPct, statusWord, type GuestRow } from '../state/guests';
import { openRrd, rrdRange, rrdRanges } from '../state/rrd';
import { own } from '../state/own';
import { Chart } from '../parts/chart';
import { Choice } from '../parts/form';
import { Dial } from '../parts/gauge';
import { Icon } from '../parts/icon';
import { Empty, Failure, Forbidden, Panel, Skeleton, Stale } from '../parts/panel';
import { Facts, guestName, Marks, PowerButtons, PowerQuestion, Rates, STALE, StatusBadge, typeWords } from './infra-vm-parts';
import { History } from './work-history';

const cores = count('vCPU');

export function VmPage({ id }: { id: string }) {
  const topic = useTopic('infra.vms');
  useAssigned();
  const isMine = isRestricted();
  const vms = isMine ? assignedSection.value : (topic.value.value as { vms?: Record<string, Vm> } | undefined)?.vms;
  const found = vms?.[id];
  const vm: GuestRow | undefined = found && { ...found, id };
  const server = serverOf(id.split('/')[0]!);
  const name = serverName(id.split('/')[0]) ?? '-';
  if (topic.phase.value === 'refused' && !isMine) return <div class="page"><section class="panel"><Forbidden what="Seeing virtual machines" role="viewer" isPage /></section></div>;
  if (!vm) {
    const isKnown = vms !== undefined && (isMine || servers.value !== undefined);
    return (
      <div class="page">
        {!isKnown ? <><h1>Virtual machine</h1><section class="panel"><Skeleton lines={8} label="Virtual machine" /></section></> : (
          <section class="panel">
            <Empty icon="boxes" isPage title={isMine ? 'This machine is not assigned to you' : 'There is no such virtual machine'}>
              <p>{isMine ? <>No machine with this address is assigned to you, or not any more. Somebody with the role admin can assign it.</> : server ? <>The server {own(server.name ?? '')} lists no machine with the number {id.split('/')[1]}. It may have been removed.</> : <>Its server is not among yours any more.</>}</p>
              <div><a class="button" href={href('vms')}>All virtual machines</a></div>
            </Empty>
          </section>
        )}
      </div>
    );
  }
  return (
    <div class="page guest">
      <div class="page-head">
        <div>
          <p class="dim"><a href={href('vms')}>Virtual machines</a> / <a href={href('vms', { server: vm.server_id ?? '' })}>{name}</a></p>
          <h1>{guestName(vm)} {!isMine && <Stale topic={topic} />}</h1>
          <p class="page-facts">
            <span><StatusBadge vm={vm} /></span>
            <span>{typeWords(vm)} {vm.vmid}</span>
            <span>node {own(vm.node ?? '–')}</span>
            <span>server {own(name)}</span>
          </p>
        </div>
        <PowerButtons vm={vm} />
      </div>
      {vm.is_stale && <p class="note warn"><Icon name="triangle-alert" /> {STALE}. Nothing can be done with it until the node is back.</p>}
      {server?.health_check_error && <p class="note warn"><Icon name="triangle-alert" /> <span>{own(server.name ?? '')} did not answer: {own(server.health_check_error)} <a href={`${href(`servers/${server.id}`)}#why`}>Why?</a></span></p>}
      <div class="guest-top">
        <Now vm={vm} />
        <Panel title="What it is" icon="info" class="guest-is"><div class="guest-facts"><Facts vm={vm} /><p class="vm-under"><Marks vm={vm} /></p></div></Panel>
      </div>
      <Charts key={`${vm.node} ${vm.type}`} vm={vm} />
      <History title="What was done with it" fixed={{ type: 'vm_power', server_id: vm.server_id ?? '', vmid: String(vm.vmid ?? '') }} guest={id} />
      <PowerQuestion />
    </div>
  );
}

function Now({ vm }: { vm: GuestRow }) {
  const isRunning = groupOf(vm) === 'running';
  const idle = `it is ${statusWord(vm)}`;
  return (
    <Panel title="Now" icon="gauge">
      <div class="guest-now">
        {!isRunning && <p>VM is {statusWord(vm)}: {line(bytes(vm.maxmem))} RAM, {vm.maxcpu ?? '–'} vCPU.</p>}
        <div class="guest-dials">
          <Dial label="CPU" pct={isRunning ? cpuPct(vm) : null} shown={isRunning ? percent(cpuPct(vm)) : percent(null, idle)}>of {line(cores(vm.maxcpu))}</Dial>
          <Dial label="Memory" pct={isRunning ? memPct(vm) : null} shown={isRunning ? percent(memPct(vm)) : percent(null, idle)}>{isRunning ? `${line(bytes(vm.mem))} of ` : ''}{line(bytes(vm.maxmem))}</Dial>
          <Dial label="Disk" pct={diskPct(vm)} shown={percent(diskPct(vm), vm.type === 'qemu' ? 'Proxmox VE cannot look into the disk of a virtual machine' : 'not reported')}>
            {vm.type === 'qemu' ? `use unknown, ${line(bytes(vm.maxdisk))}` : `${line(bytes(vm.disk))} of ${line(bytes(vm.maxdisk))}`}
          </Dial>
        </div>
        <dl class="pairs">
          <dt>Network, in and out</dt><dd><Rates vm={vm} of="net" /></dd>
          <dt>Disk, read and written</dt><dd><Rates vm={vm} of="disk" /></dd>
        </dl>
      </div>
    </Panel>
  );
}

function Charts({ vm }: { vm: GuestRow }) {
  const wanted = rrdRange(route.value.query.get('range'));
  const range = useSignal(wanted);
  useEffect(() => {
    range.value = wanted;
  }, [wanted]);
  const feed = useMemo(() => openRrd(`api/v1/servers/${encodeURIComponent(vm.server_id ?? '')}/nodes/${encodeURIComponent(vm.node ?? '')}/${vm.type}/${vm.vmid}/rrd`, range), []);
  useLayoutEffect(() => feed.stop, [feed]);
  return (
    <>
      <div class="page-head">
        <h2>Over time</h2>
        <Choice label="Range of the charts" value={range.value.id} onChange={(id) => go(withQuery('range', id), 'replace')}
          options={rrdRanges.map((r) => ({ id: r.id, label: r.label, words: r.words }))} />
      </div>
      {feed.error.value && <Failure error={feed.error.value} retry={feed.retry} />}
      {feed.phase.value !== 'failed' && (
        <div class="charts">
          <Chart title="CPU" feed={feed} format={percent} max={100} lines={[{ label: 'of its processors', series: ['cpu'], color: 1, isFilled: true }]} />
          <Chart title="Memory" feed={feed} format={bytes} base={1024} {...(vm.maxmem ? { max: vm.maxmem } : {})} lines={[{ label: 'used', series: ['mem'], color: 2, isFilled: true }]} />
          <Chart title="Network" feed={feed} format={bitRate} factor={8} atLeast={1250} lines={[
            { label: 'in', series: ['net_in_bps'], color: 3, isFilled: true }, { label: 'out', series: ['net_out_bps'], color: 2 },
          ]} />
          <Chart title="Disk" feed={feed} format={byteRate} atLeast={10_000} lines={[
            { label: 'read', series: ['disk_read_bps'], color: 1, isFilled: true }, { label: 'write', series: ['disk_write_bps'], color: 5 },
          ]} />
        </div>
      )}
    </>
  );
}
