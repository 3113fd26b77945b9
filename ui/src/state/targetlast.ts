// targetlast: what was done last on each target: what the history says, and what the topic tells since.

import { effect, signal, type ReadonlySignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { operations, type Operation } from './operations';
import { laterOf } from './targetwords';

const last = signal<ReadonlyMap<string, Operation>>(new Map());

export const lastOfTarget: ReadonlySignal<ReadonlyMap<string, Operation>> = last;

function take(list: readonly Operation[]): void {
  last.value = laterOf(last.peek(), list);
}

const TYPES = ['service_restart', 'service_status', 'logs', 'ssh_test']; // each has a page of its own: restarts are not pushed out by tests

/** Keeps it as long as a page shows it. The history has the last fifty of each kind; targets nothing was done on lately have none. */
export function useLast(): void {
  useEffect(() => {
    const stop = effect(() => take(operations.value.filter((op) => op.target_id)));
    for (const type of TYPES) {
      api<{ operations: Operation[] }>('GET', `api/v1/operations?type=${type}`).then((page) => take(page.operations), (cause) => {
        if (!(cause instanceof ApiError)) throw cause; // the column then says less
      });
    }
    return stop;
  }, []);
}
