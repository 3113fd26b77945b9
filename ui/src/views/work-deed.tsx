// work-deed: the question before something is done over SSH, with the command as it will be sent; then how it goes.

import { useMemo, useRef, useState } from 'preact/hooks';
import { computed } from '@preact/signals';
import { begin, serviceOf, sheet, type Open } from '../state/deeds';
import { keyOf, type DeedType } from '../state/deedwords';
import { useAsk } from '../state/ask';
import { duration } from '../state/format';
import { active, isActive, tookOf, type Operation } from '../state/operations';
import { own } from '../state/own';
import type { Target } from '../state/targets';
import { Answer } from '../parts/asked';
import { Dialog } from '../parts/dialog';
import { Field } from '../parts/form';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import { Failure, Skeleton } from '../parts/panel';
import { Command } from './work-command';
import { CommandQuestion } from './work-deed-command';
import { useLater } from './work-later';
import { OperationSheet } from './work-operation';
import { By, OperationStatus } from './work-parts';

const close = () => (sheet.value = null);

export function DeedSheet({ of }: { of: Open }) {
  if ('operation' in of) return <OperationSheet key={of.operation} id={of.operation} onClose={close} />;
  if (of.type === 'command') return <CommandQuestion key={of.ask.id} target={of.ask} text={of.command ?? ''} />;
  return <Question key={`${of.ask.id} ${of.type}`} target={of.ask} type={of.type} />;
}

interface Action {
  type: DeedType;
  command: string | null;
  needs_service: boolean;
  changes: boolean;
  allowed: boolean;
  estimated_duration_ms: number;
}

const words: Record<DeedType, { title: (what: string) => string; button: string }> = {
  service_restart: { title: (what) => `Restart ${what}?`, button: 'Restart Service' },
  service_status: { title: (what) => `Status of ${what}`, button: 'Show status' },
  logs: { title: (what) => `Journal of ${what}`, button: 'Show journal' },
  ssh_test: { title: (what) => `Test SSH to ${what}`, button: 'Test SSH' },
  command: { title: (what) => `Run a command on ${what}`, button: 'Run' },
};

function Question({ target, type }: { target: Target; type: DeedType }) {
  const [service, setService] = useState(serviceOf(target));
  const [isBusy, setBusy] = useState(false);
  const meant = useLater(service.trim());
  const isTyping = meant !== service.trim();
  const path = `api/v1/targets/${encodeURIComponent(target.id)}/actions`;
  const asked = useAsk<{ actions: Action[] }>(meant ? `${path}?service=${encodeURIComponent(meant)}` : path);
  // While the command for another name is asked for, everything but the command stays.
  const last = useRef<Action | undefined>(undefined);
  const told = asked.value.value?.actions.find((a) => a.type === type);
  if (told) last.current = told;
  const action = told ?? (last.current && { ...last.current, command: null });
  const name = own(target.name ?? '');
  const takesService = action?.needs_service ?? false;
  const isOpenService = takesService && (type !== 'service_restart' || !serviceOf(target));
  const what = takesService && meant ? `${meant} on ${name}` : name;
  const running = useMemo(() => computed(() => active.value.find((op) => keyOf(op.target_id, op.type, op.object) === keyOf(target.id, type, takesService ? meant : ''))), [meant, takesService]).value;
  const isRestart = type === 'service_restart';
  const go = async () => {
    setBusy(true);
    const id = await begin(target, type, takesService ? meant : '');
    setBusy(false);
    if (id) sheet.value = { operation: id };
  };
  return (
    <Dialog title={words[type].title(what)} class="deed-ask" onClose={close}>
      <form onSubmit={(e) => {
        e.preventDefault();
        if (!isBusy) void go();
      }}>
        {isRestart && <p class="deed-warning"><Icon name="triangle-alert" size={16} /> <span><strong>{takesService && meant ? meant : 'The service'}</strong> on <strong>{name}</strong> is interrupted while it restarts: who uses it then is cut off.{action ? ` Usually ${duration(action.estimated_duration_ms)}.` : ''}</span></p>}
        {isOpenService && <Field label="Service" name="service" mono value={service} onInput={setService} maxLength={128} autofocus required
          error={asked.error.value?.field === 'service' ? asked.error.value.message : null} hint={target.platform === 'systemd' ? 'A unit, such as nginx.service' : 'As the platform calls it, such as Cisco Tomcat'} />}
        {asked.error.value && asked.error.value.field !== 'service' && <Failure error={asked.error.value} retry={() => void asked.again()} />}
        {!action && !asked.error.value ? <Skeleton lines={3} /> : (
          <dl class="pairs deed-pairs">
            <dt>Target</dt><dd>{name} <span class="dim mono">{target.username}@{target.host}:{target.port}</span></dd>
            <dt>Command</dt><dd>{action?.command ? <Command text={action.command} /> : <span class="dim">{takesService ? (meant && !asked.error.value ? '…' : 'Say which service is meant.') : 'None: it only logs in and looks for the prompt.'}</span>}</dd>
            {isRestart && <><dt>Last restart</dt><dd><LastRestart target={target} service={takesService ? meant : ''} /></dd></>}
          </dl>
        )}
        {running && <p class="dim">The same is already under way, begun by <By op={running} />: starting it now joins that one.</p>}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>Cancel</button>
          <button type="submit" class={`button primary ${isRestart ? 'restart-now' : ''}`} disabled={isBusy || isTyping || !told?.allowed || (takesService && !meant) || asked.error.value !== undefined}>{isBusy ? 'Starting…' : words[type].button}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** How it went the last time, so far as it was done from here. */
function LastRestart({ target, service }: { target: Target; service: string }) {
  const asked = useAsk<{ operations: Operation[] }>(`api/v1/operations?${new URLSearchParams({ target_id: target.id, type: 'service_restart' })}`);
  return (
    <Answer of={asked} lines={1}>
      {({ operations }) => {
        const last = operations.find((op) => !isActive(op) && (op.object ?? '') === service);
        return last ? <span><Ago at={last.started_at} /> by <By op={last} />: <OperationStatus op={last} />{tookOf(last) ? ` after ${tookOf(last)}` : ''}</span> : <span class="dim">none from here so far</span>;
      }}
    </Answer>
  );
}
