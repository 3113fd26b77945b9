// ask: what a page fetches once, with its states; for lists that no topic brings.

import { signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api, ApiError } from '../link/api';

export interface Asked<T> {
  readonly value: ReadonlySignal<T | undefined>;
  readonly error: ReadonlySignal<ApiError | undefined>;
  again(): Promise<void>;
}

/** The last good answer stays on screen while a newer one is asked for or refused. */
export function useAsk<T>(path: string): Asked<T> {
  const asked = useMemo(() => {
    const value = signal<T | undefined>(undefined);
    const error = signal<ApiError | undefined>(undefined);
    return {
      value,
      error,
      async again(): Promise<void> {
        try {
          value.value = await api<T>('GET', path);
          error.value = undefined;
        } catch (cause) {
          if (!(cause instanceof ApiError)) throw cause;
          error.value = cause;
        }
      },
    };
  }, [path]);
  useEffect(() => void asked.again(), [asked]);
  return asked;
}
