import { copy } from '../state/store';
import { Icon } from '../parts/icon';

/** A line for a shell, with a button that copies it. */
export function Command({ text, what = 'Command' }: { text: string; what?: string }) {
  return (
    <span class="deed-command">
      <code class="command">{text}</code>
      <button type="button" class="button icon-only small quiet" aria-label={`Copy ${what.toLowerCase()}`} data-tip={`Copy ${what.toLowerCase()}`} onClick={() => void copy(text, what)}><Icon name="copy" size={14} /></button>
    </span>
  );
}
