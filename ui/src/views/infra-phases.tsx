// infra-phases: how long each phase of an attempt took, as one bar of pieces.

import { failedIn, msText, phasesOf, phaseWords, type Timed } from '../state/attempts';

const W = 200;
const H = 12;

/** `full` is the time that fills the bar. A failed attempt ends with a cross where it failed. */
export function PhaseBar({ of, full, failed }: { of: Timed; full: number; failed?: string | null | undefined }) {
  const phases = phasesOf(of);
  const words = phases.map((p) => `${phaseWords[p.name]} ${msText(p.ms)}`);
  const where = failedIn(failed);
  if (where) words.push(`failed in ${where}`);
  const text = words.join('\n') || 'no phase was measured';
  let x = 0;
  return (
    <span class="phase-bar" data-tip={text} role="img" aria-label={text.replaceAll('\n', ', ')}>
      <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
        {phases.map((p) => {
          // What took next to nothing is still seen to have been.
          const w = Math.max(1.5, (p.ms / Math.max(full, 1e-9)) * W);
          const piece = <rect key={p.name} class={`phase ph-${p.name}`} x={x} y="1" width={Math.max(1, w - 0.75)} height={H - 2} />;
          x += w;
          return piece;
        })}
      </svg>
      {failed !== undefined && failed !== null && <span class="phase-cross" aria-hidden="true">✖</span>}
    </span>
  );
}

const names = ['dns', 'tcp', 'tls', 'wait', 'body'] as const;

export function PhaseLegend() {
  return (
    <ul class="phase-legend">
      {names.map((n) => <li key={n}><i class={`swatch phase ph-${n}`} /> {phaseWords[n]}</li>)}
    </ul>
  );
}
