import type { ComponentChildren } from 'preact';
import type { Asked } from '../state/ask';
import { Failure, Skeleton } from './panel';

/** The answer, or where it is: being fetched, or refused with a way to try again. */
export function Answer<T>({ of, lines = 4, children }: { of: Asked<T>; lines?: number; children: (value: T) => ComponentChildren }) {
  const value = of.value.value;
  const error = of.error.value;
  return (
    <>
      {error && <div class="panel-body"><Failure error={error} retry={() => void of.again()} /></div>}
      {value !== undefined ? children(value) : !error && <Skeleton lines={lines} />}
    </>
  );
}
