// console-target: a shell on a target over SSH, for administrators.

import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { go, href, thing } from '../link/route';
import { START } from '../state/console';
import { own } from '../state/own';
import { may } from '../state/store';
import { displayOf, isTold, targetOf, targetsTopic, type Target } from '../state/targets';
import { Icon } from '../parts/icon';
import { Empty, Forbidden, Skeleton } from '../parts/panel';
import { Frame, Inside, useSession } from './console-frame';
import { pathOf, targetHref } from './infra-target-acts';
import { KeyTag } from './infra-target-key';

export function TargetConsole({ id }: { id: string }) {
  const target = targetOf(id);
  // Its end is told in its place, also when it was removed.
  const [seen, setSeen] = useState<Target | null>(target ?? null);
  const name = (target ?? seen) && displayOf((target ?? seen)!).name;
  useLayoutEffect(() => {
    if (target) setSeen(target);
  }, [target]);
  useLayoutEffect(() => () => {
    thing.value = null;
  }, []);
  useEffect(() => {
    thing.value = name ? `${own(name)} terminal` : 'Terminal';
  }, [name]);
  const here = target ?? seen;
  if (here && may('admin')) return <Shell target={here} isGone={!target} />;
  return (
    <main id="main" class="console-plain" tabIndex={-1}>
      <section class="panel">
        {!may('admin') || targetsTopic.phase.value === 'refused' ? <Forbidden what="A terminal on a target" role="admin" isPage /> : !isTold.value ? <><h1>Terminal</h1><Skeleton lines={6} label="Terminal" /></> : (
          <Empty icon="terminal" isPage title="There is no such target">
            <p>It was removed, or the address is wrong.</p>
            <div><a class="button" href={href('targets')}>All targets</a></div>
          </Empty>
        )}
      </section>
    </main>
  );
}

function Shell({ target, isGone }: { target: Target; isGone: boolean }) {
  const name = own(displayOf(target).name);
  const { stage, session } = useSession(() => ({ path: pathOf(target), label: `Terminal on ${name}`, guess: 'terminal', isShell: true }));
  const state = session?.state.value ?? START;
  const isOn = target.is_active !== false && !isGone;
  useEffect(() => {
    if (!session) return;
    if (session.state.peek().at === 'idle') session.tell({ t: 'open' });
  }, [session]);
  // What was refused for its sake is asked for again as soon as it is settled: the key, or that it was switched off.
  const key = `${isOn} ${target.host_key ?? ''}`;
  useEffect(() => {
    if (session && isOn && session.state.peek().at === 'failed') session.reopen();
  }, [session, key]);
  const wantsKey = state.at === 'failed' && !isGone && /host key/i.test(state.why);
  return (
    <Frame session={session} stage={stage} isTerminal
      inside={<Inside session={session!} name={name} vm={null} isTerminal choosing={null} asking={`Logging in as ${target.username ?? '?'}…`} isGone={isGone}
        head={<Head target={target} isGone={isGone} />} other={wantsKey ? { label: 'Look at its host key', run: () => go(targetHref(target)) } : null} />} />
  );
}

function Head({ target, isGone }: { target: Target; isGone: boolean }) {
  const { name, place } = displayOf(target);
  return (
    <div class="console-who">
      <a class="button small quiet" href={isGone ? href('targets') : targetHref(target)} aria-label="Back" data-tip={isGone ? 'To all targets' : 'To the page of this target'}><Icon name="arrow-left" size={14} /> <span class="wide-only">Back</span></a>
      <h1>{own(name)} <span class="dim">terminal</span></h1>
      {isGone ? <span class="badge crit">removed</span> : target.is_active === false ? <span class="badge quiet">switched off</span> : !target.host_key || target.seen_host_key ? <KeyTag target={target} /> : null}
      <span class="dim mono vm-cut">{place}</span>
    </div>
  );
}
