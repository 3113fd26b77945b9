import { Dialog } from '../parts/dialog';

const keys: [string[], string][] = [
  [['Ctrl', 'K'], 'Search for anything or act'],
  [['/'], 'The same'],
  [['g', 'o'], 'Overview'],
  [['g', 'h'], 'This machine'],
  [['g', 'r'], 'Servers'],
  [['g', 'v'], 'Virtual machines'],
  [['g', 'x'], 'Targets'],
  [['g', 'm'], 'Monitoring'],
  [['g', 'w'], 'Operations'],
  [['g', 'd'], 'Diagnostics'],
  [['g', 'a'], 'Audit'],
  [['g', 's'], 'Settings'],
  [['1', '…', '6'], 'Where charts are: range from 5 minutes to 1 year'],
  [['←', '→'], 'In a chart: from point to point'],
  [['↓', '↑'], 'In a table: from row to row'],
  [['.'], 'What can be done with the row; the same as a right click'],
  [['t'], 'Exact value of the next number; with Shift the one before'],
  [['Space'], 'On a wall (?kiosk): stay; ← → go on, Esc leaves'],
  [['?'], 'This list'],
  [['Esc'], 'Close what is open'],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose} class="narrow">
      <dl class="keys">
        {keys.map(([combo, what]) => (
          <div key={what + combo.join()}>
            <dt>{combo.map((k) => (k === '…' ? ' to ' : <kbd key={k}>{k}</kbd>))}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="dim">Every number shows its exact value when you point at it. Tables keep their order while you point at them.</p>
    </Dialog>
  );
}
