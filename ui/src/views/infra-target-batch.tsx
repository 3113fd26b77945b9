// infra-target-batch: the question before one deed is done on many targets: on which, with what commands, so many at once, and who cannot take part.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { api } from '../link/api';
import { useAsk } from '../state/ask';
import { AT_ONCE, AT_ONCE_MAX, begunWords, fatesOf, KINDS, planOf, targetsOf, TARGETS_MAX, type BatchType, type Begun, type Plan } from '../state/batch';
import { joined, sheet } from '../state/deeds';
import { own } from '../state/own';
import { toast } from '../state/store';
import { displayOf, targetOf, targets, type Target } from '../state/targets';
import { Dialog } from '../parts/dialog';
import { Field, Slider, useSend } from '../parts/form';
import { Icon } from '../parts/icon';
import { Failure } from '../parts/panel';
import { chosen, pathOf } from './infra-target-acts';
import { Command } from './work-command';
import { useLater } from './work-later';

const GROUPS_SHOWN = 4;

const nameOf = (t: Target) => own(displayOf(t).name);

export function BatchDialog({ type, ids, onClose }: { type: BatchType; ids: readonly string[]; onClose: () => void }) {
  const [service, setService] = useState('');
  const [atOnce, setAtOnce] = useState(AT_ONCE);
  const [bad, setBad] = useState<string | null>(null); // what is wrong with the name
  const { error, isBusy, send, forget, field } = useSend();
  const meant = useLater(service.trim());
  const wanted = new Set(ids);
  const all = targets.value.filter((t) => wanted.has(t.id));
  const plan = useMemo(() => planOf(all, type, meant), [all, type, meant]);
  const kind = KINDS[type];
  const n = plan.takes.length;
  const isTooMany = n > TARGETS_MAX;
  const namesService = kind.needsService.length > 0;
  const go = () => send(async () => {
    const begun = await api<Begun>('POST', 'api/v1/operations/batch', { type, ...(meant ? { params: { service: meant } } : {}), target_ids: plan.takes.map((t) => t.id), concurrency: atOnce });
    joined(begun.operation_id);
    chosen.value = new Set();
    onClose();
    const isAll = begun.targets.every((f) => f.status === 'started');
    toast('info', begunWords(begun.targets, (id) => own(targetOf(id)?.name ?? id)), isAll ? {} : { forMs: 10_000 });
    sheet.value = { operation: begun.operation_id };
  });
  return (
    <Dialog title={kind.title(targetsOf(n))} class="deed-ask batch-ask" onClose={onClose}>
      <form onSubmit={(e) => {
        e.preventDefault();
        if (!isBusy) void go();
      }}>
        {type === 'service_restart' && n > 0 && (
          <p class="deed-warning"><Icon name="triangle-alert" size={16} /> <span><strong>{meant || 'The service'}</strong> on <strong>{n === 1 ? nameOf(plan.takes[0]!) : `each of these ${n} targets`}</strong> is interrupted while it restarts: who uses it then is cut off{n > 1 ? `, on ${Math.min(atOnce, n)} of them at the same time` : ''}.</span></p>
        )}
        <section>
          <h3>On {targetsOf(n)}</h3>
          {n === 0 ? <p class="dim">None of those chosen can take part.</p> : (
            <ul class="batch-names" tabIndex={0} aria-label={`${targetsOf(n)} that take part`}>{plan.takes.map((t) => <li key={t.id} data-tip={displayOf(t).place}>{nameOf(t)}</li>)}</ul>
          )}
        </section>
        {plan.cannot.length > 0 && (
          <section class="batch-cannot">
            <h3><Icon name="circle-alert" size={14} /> {plan.cannot.length === 1 ? 'One takes' : `${plan.cannot.length} take`} no part</h3>
            <ul tabIndex={0} aria-label="Targets that take no part, and why">{plan.cannot.map(({ target, why }) => <li key={target.id}><strong>{nameOf(target)}</strong>: {why}</li>)}</ul>
          </section>
        )}
        {namesService && <Field label="Service" name="service" mono value={service} maxLength={128} placeholder="each target’s own" error={bad ?? field('params.service')} onInput={(v) => {
          setService(v);
          setBad(null);
          forget();
        }} hint="Left empty, each target's own; otherwise this one on all of them" />}
        {n > 0 && type !== 'ssh_test' && <Commands plan={plan} type={type} onBad={setBad} />}
        {n > 1 && <Slider label="At once" name="concurrency" value={Math.min(atOnce, n, AT_ONCE_MAX)} min={1} max={Math.min(n, AT_ONCE_MAX)} step={1} unit={`of ${n}`} onInput={setAtOnce} hint="The others wait for their turn; 1 is one after the other." />}
        {isTooMany && <p class="deed-warning"><Icon name="triangle-alert" size={16} /> <span>At most {TARGETS_MAX} at a time: choose fewer.</span></p>}
        {error && error.field !== 'params.service' && <Failure error={error} />}
        {error && fatesOf(error).length > 0 && <ul class="batch-fates">{fatesOf(error).map((f) => <li key={f.target_id}><strong>{own(targetOf(f.target_id)?.name ?? f.target_id)}</strong>: {f.status === 'already_running' ? 'the same is under way there already' : f.message}</li>)}</ul>}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>Cancel</button>
          <button type="submit" class={`button primary ${type === 'service_restart' ? 'restart-now' : ''}`} disabled={isBusy || n === 0 || isTooMany || bad !== null || meant !== service.trim()}>{isBusy ? 'Starting…' : kind.button(targetsOf(n))}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** What is sent, once for all who are sent the same. */
function Commands({ plan, type, onBad }: { plan: Plan; type: BatchType; onBad: (why: string) => void }) {
  const rest = plan.groups.slice(GROUPS_SHOWN).reduce((sum, group) => sum + group.targets.length, 0);
  return (
    <dl class="pairs deed-pairs">
      {plan.groups.slice(0, GROUPS_SHOWN).map((group) => <OfGroup key={group.targets[0]!.id} onBad={onBad} type={type} service={group.service} target={group.targets[0]!} label={plan.groups.length === 1 ? 'Command' : group.targets.length === 1 ? `On ${nameOf(group.targets[0]!)}` : `On ${group.targets.length}`} />)}
      {rest > 0 && <><dt>On {rest} more</dt><dd class="dim">the same for their own services and platforms</dd></>}
    </dl>
  );
}

function OfGroup({ target, type, service, label, onBad }: { target: Target; type: BatchType; service: string; label: string; onBad: (why: string) => void }) {
  const asked = useAsk<{ actions: { type: string; command: string | null }[] }>(`${pathOf(target, '/actions')}${service ? `?${new URLSearchParams({ service })}` : ''}`);
  const error = asked.error.value;
  useEffect(() => {
    if (error?.field === 'service') onBad(error.message);
  }, [error]);
  const command = asked.value.value?.actions.find((a) => a.type === type)?.command;
  return <><dt>{label}</dt><dd>{command ? <Command text={command} /> : <span class="dim">{error && error.field !== 'service' ? error.message : '…'}</span>}</dd></>;
}
