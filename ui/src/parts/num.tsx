// num: a number with its unit; the exact value is in its tooltip, and so is the reason when unknown.

import type { ReadonlySignal } from '@preact/signals';
import { useComputed } from '@preact/signals';
import { ago, dateTime, duration, time, zone, type Shown } from '../state/format';
import { local, now } from '../state/store';

export function Num({ of, class: name = '' }: { of: Shown; class?: string }) {
  return (
    <span class={`num ${name}`} data-tip={of.exact}>
      {of.text}
      {of.unit !== '' && <span class="unit"> {of.unit}</span>}
    </span>
  );
}

/** A server time as "3 min ago"; ticks by itself, absolute on hover. */
export function Ago({ at, none = 'never' }: { at: string | null | undefined; none?: string }) {
  const ms = time(at);
  if (ms === null) return <span class="num dim">{none}</span>;
  return <AgoKnown ms={ms} />;
}

function AgoKnown({ ms }: { ms: number }) {
  const text: ReadonlySignal<string> = useComputed(() => ago(local(ms), now.value));
  return (
    <time class="num" dateTime={new Date(ms).toISOString()} data-tip={`${dateTime(ms)}, ${zone}`}>
      {text}
    </time>
  );
}

/** Time since, as "12 d 3 h". */
export function Since({ at }: { at: string | null | undefined }) {
  const ms = time(at);
  if (ms === null) return <span class="num dim" data-tip="not measured">–</span>;
  return <SinceKnown key={ms} ms={ms} />;
}

function SinceKnown({ ms }: { ms: number }) {
  const text = useComputed(() => duration(now.value - local(ms)));
  return (
    <time class="num" dateTime={new Date(ms).toISOString()} data-tip={`since ${dateTime(ms)}, ${zone}`}>
      {text}
    </time>
  );
}
