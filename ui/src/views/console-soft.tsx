// console-soft: the keyboard of a phone for a screen: what is written into a field nobody sees becomes keystrokes.

import { useRef } from 'preact/hooks';
import { changeOf, keysymOf, layoutOf, strokesOf, type Stroke } from '../state/keys';
import { Icon } from '../parts/icon';
import type { Far } from './console-far';
import { storedLayout } from './console-paste';

const FILL = '_'.repeat(40); // something to delete: phones tell of a deleted letter by the letter that is gone
const BACK: Stroke = { keysym: 0xff08, code: 'Backspace' };

export function SoftKeyboard({ far, disabled }: { far: Far | null; disabled: boolean }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const was = useRef(FILL);
  const open = () => {
    if (far && !far.type) return far.focus(); // a terminal has a field of its own
    field.current?.focus();
    return undefined;
  };
  const input = (e: InputEvent & { currentTarget: HTMLTextAreaElement }) => {
    const { gone, came } = changeOf(was.current, e.currentTarget.value);
    was.current = e.currentTarget.value;
    for (let i = 0; i < gone; i++) far?.type?.(BACK);
    const layout = layoutOf(storedLayout());
    for (const char of came) {
      const { strokes } = strokesOf(char, layout);
      for (const s of strokes.length > 0 ? strokes : [{ keysym: keysymOf(char), code: '' }]) far?.type?.(s);
    }
    if (!e.isComposing && (was.current.length < 20 || was.current.length > 400)) e.currentTarget.value = was.current = FILL;
  };
  return (
    <span class="console-soft">
      <button type="button" class="button small icon-only" aria-label="Keyboard" data-tip="Show the keyboard of this device" disabled={disabled} onClick={open}><Icon name="keyboard" size={14} /></button>
      <textarea ref={field} class="console-soft-field" tabIndex={-1} aria-label="What is written here is typed in the guest" autocapitalize="none" autocomplete="off" spellcheck={false} onInput={input}
        onFocus={(e) => {
          e.currentTarget.value = was.current = FILL;
          e.currentTarget.setSelectionRange(FILL.length, FILL.length);
        }} />
    </span>
  );
}
