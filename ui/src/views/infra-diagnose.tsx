// infra-diagnose: ten attempts in a row, drawn as they come, and what they say together.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { msText } from '../state/attempts';
import { diagnosis, type TestResult } from '../state/why';
import { Failure } from '../parts/panel';
import { PhaseBar, PhaseLegend } from './infra-phases';

const TRIES = 10;
const WAIT_MAX_S = 30; // a limit of attempts that passes by itself

export interface Diagnosis {
  isRunning: boolean;
  isDone: boolean;
  results: TestResult[];
  waiting_s: number;
  error: ApiError | null;
}

const IDLE: Diagnosis = { isRunning: false, isDone: false, results: [], waiting_s: 0, error: null };

export function useDiagnosis(id: string) {
  const state = useSignal<Diagnosis>(IDLE);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  async function one(mine: AbortController): Promise<TestResult> {
    for (;;) {
      try {
        return await api<TestResult>('POST', `api/v1/servers/${encodeURIComponent(id)}/test`, undefined, mine.signal);
      } catch (cause) {
        const wait_s = cause instanceof ApiError && cause.status === 429 ? cause.retryAfterS : null;
        if (wait_s === null || wait_s > WAIT_MAX_S) throw cause;
        state.value = { ...state.value, waiting_s: wait_s };
        await new Promise((done) => window.setTimeout(done, wait_s * 1000));
        if (mine.signal.aborted) throw cause;
        state.value = { ...state.value, waiting_s: 0 };
      }
    }
  }

  async function run(): Promise<void> {
    abort.current?.abort();
    const mine = (abort.current = new AbortController());
    state.value = { ...IDLE, isRunning: true };
    try {
      for (let i = 0; i < TRIES; i++) {
        const result = await one(mine);
        if (mine.signal.aborted) return;
        state.value = { ...state.value, results: [...state.value.results, result] };
      }
      state.value = { ...state.value, isRunning: false, isDone: true };
    } catch (cause) {
      if (mine.signal.aborted) return;
      if (!(cause instanceof ApiError)) throw cause;
      state.value = { ...state.value, isRunning: false, error: cause };
    }
  }

  function cancel(): void {
    abort.current?.abort();
    state.value = { ...state.value, isRunning: false, waiting_s: 0, isDone: state.value.results.length > 0 };
  }

  return { state, run, cancel };
}

export function DiagnosisResults({ of: d, cancel, run }: { of: Diagnosis; cancel: () => void; run: () => void }) {
  if (!d.isRunning && !d.isDone && !d.error && d.results.length === 0) return null;
  const full = Math.max(1, ...d.results.map((r) => r.total_ms ?? 0));
  const rows = Array.from({ length: d.isRunning ? TRIES : d.results.length }, (_, i) => d.results[i]);
  return (
    <div class="diagnosis" aria-busy={d.isRunning}>
      <div class="row">
        <h3>Diagnosis</h3>
        <span class="dim num" data-tip="attempts made of those planned">{d.results.length} of {TRIES}</span>
        {d.isRunning && <button type="button" class="button small" onClick={cancel}>Stop</button>}
      </div>
      <ol class="diagnosis-rows">
        {rows.map((r, i) => (
          <li key={i} class={r ? (r.success ? 'ok' : 'crit') : 'waits'}>
            <span class="diagnosis-sign" aria-hidden="true">{r ? (r.success ? '✓' : '✖') : '·'}</span>
            {r ? <PhaseBar of={r} full={full} failed={r.success ? undefined : r.error_phase} /> : <span class="phase-bar" />}
            <span class="num diagnosis-ms" data-tip={r?.total_ms == null ? 'not measured' : `${r.total_ms} ms`}>{r ? msText(r.total_ms) : ''}</span>
            <span class="diagnosis-words">{r ? (r.success ? 'answered' : (r.error ?? r.error_class)) : i === d.results.length ? 'trying' : ''}</span>
          </li>
        ))}
      </ol>
      <PhaseLegend />
      {d.waiting_s > 0 && <p class="dim" role="status">Too many attempts at once; going on in {d.waiting_s} s.</p>}
      {d.error && <Failure error={d.error} retry={run} />}
      <p class="diagnosis-sum" role="status">{d.isRunning ? '' : diagnosis(d.results)}</p>
    </div>
  );
}
