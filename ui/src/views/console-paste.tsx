// console-paste: a text typed for a person: into a screen key by key, into a terminal as it is.

import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import { layoutOf, layouts, likely, strokesOf, type Bad } from '../state/keys';
import { toast } from '../state/store';
import { Dialog } from '../parts/dialog';
import { Choice, Select } from '../parts/form';
import { Icon } from '../parts/icon';
import type { Far } from './console-far';

const KEY = 'binnacle.console.layout';
const MAX = 20_000; // letters: more is a file, and takes minutes

/** Which layout the guest has, as the person chose last in this browser. */
export function storedLayout(): string {
  try {
    return localStorage.getItem(KEY) ?? likely(navigator.language);
  } catch {
    return likely(navigator.language);
  }
}

function storeLayout(id: string): void {
  try {
    localStorage.setItem(KEY, id);
  } catch {
    // The choice then lasts as long as the dialog.
  }
}

const speeds = [
  { id: '10', label: '10/s', words: '10 keys a second, for slow guests' },
  { id: '40', label: '40/s', words: '40 keys a second' },
  { id: '100', label: '100/s', words: '100 keys a second' },
] as const;
type Speed = (typeof speeds)[number]['id'];

const NAMED = 5;

const shown = (char: string) => (/[\p{L}\p{N}\p{P}\p{S}]/u.test(char) ? `“${char}”` : `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`);

/** "“€” at 17, “→” at 20 and 3 more" */
export function badWords(bad: readonly Bad[], lines: number): string {
  const some = bad.slice(0, NAMED).map((b) => `${shown(b.char)} at ${b.at}${lines > 1 ? ` (line ${b.line})` : ''}`).join(', ');
  return bad.length > NAMED ? `${some} and ${bad.length - NAMED} more` : some;
}

const letters = (n: number) => `${n.toLocaleString('en')} ${n === 1 ? 'character' : 'characters'}`;

export function PasteDialog({ far, onClose }: { far: Far; onClose: () => void }) {
  const id = useId();
  const [text, setText] = useState('');
  const [layout, setLayout] = useState(storedLayout);
  const [speed, setSpeed] = useState<Speed>('40');
  const [note, setNote] = useState('');
  const [done, setDone] = useState<number | null>(null); // typed so far
  const [isStopped, setStopped] = useState(false);
  const timer = useRef(0);
  const isScreen = far.type !== undefined;
  const { strokes, bad } = useMemo(() => (isScreen ? strokesOf(text, layoutOf(layout)) : { strokes: [], bad: [] }), [text, layout, isScreen]);
  const isTyping = done !== null && !isStopped;
  const count = [...text].length;
  const unsaid = useRef(''); // what is to be said if it ends by itself
  unsaid.current = isTyping ? `${done} of ${strokes.length}` : '';
  useEffect(() => () => {
    window.clearInterval(timer.current);
    if (unsaid.current) toast('info', `The console was lost while a text was typed: ${unsaid.current} keys were sent.`);
  }, []);

  // Only when asked to: what lies on the clipboard is nobody's business until then.
  async function fromClipboard(): Promise<void> {
    try {
      setText((await navigator.clipboard.readText()).slice(0, MAX));
      setNote('');
    } catch {
      setNote('The browser does not give the clipboard away here: it does over HTTPS or localhost, and when you allow it. Paste into the field with the keyboard instead.');
    }
  }

  function begin(): void {
    if (!isScreen) {
      far.paste?.(text);
      return onClose();
    }
    let at = isStopped ? done! : 0;
    setStopped(false);
    setDone(at);
    timer.current = window.setInterval(() => {
      const stroke = strokes[at];
      if (!stroke) {
        unsaid.current = '';
        return onClose();
      }
      far.type!(stroke);
      at += 1;
      setDone(at);
    }, 1000 / Number(speed));
  }

  /** What was typed is in the guest and stays there; the rest can follow. */
  function stop(): void {
    window.clearInterval(timer.current);
    setStopped(true);
  }

  const close = isTyping ? stop : onClose;
  return (
    <Dialog title={isScreen ? 'Type a text as keystrokes' : 'Paste into the terminal'} class="console-paste" onClose={close} holds>
      <div class="console-paste-body">
        <div class="field">
          <label for={id}>Text</label>
          <textarea id={id} rows={6} value={text} maxLength={MAX} spellcheck={false} autocapitalize="none" autocomplete="off" readOnly={isTyping} autofocus
            aria-describedby={`${id}-note`} onInput={(e) => {
              setText(e.currentTarget.value);
              setStopped(false);
              setDone(null);
            }} />
          <p class="field-hint" id={`${id}-note`}>
            {letters(count)}{isScreen && ' · the guest hears keys, not letters: choose the layout that is set in it'}
          </p>
        </div>
        <div class="row">
          <button type="button" class="button small" disabled={isTyping} onClick={() => void fromClipboard()}><Icon name="clipboard" size={14} /> From the clipboard</button>
          {isScreen && !isTyping && (
            <>
              <Select label="Keyboard layout of the guest" value={layout} options={layouts.map((l) => ({ id: l.id, label: `${l.label} layout` }))} onChange={(v) => {
                setLayout(v);
                storeLayout(v);
                setStopped(false);
                setDone(null);
              }} />
              <Choice<Speed> label="How fast" value={speed} options={speeds} onChange={setSpeed} />
            </>
          )}
        </div>
        {note && <p class="note" role="status">{note}</p>}
        {bad.length > 0 && <p class="note warn" role="alert"><Icon name="triangle-alert" /> <span>No key of the {layoutOf(layout).label} layout gives {badWords(bad, text.split('\n').length)}.</span></p>}
        {isTyping && <p role="status" class="console-typing"><progress max={strokes.length} value={done} aria-label="Typed so far" /> <span class="num">{done} of {strokes.length} keys</span></p>}
        {isStopped && <p role="status" class="note">Stopped: {done} of {strokes.length} keys were typed and are in the guest; the others were not sent.</p>}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>{isTyping ? 'Stop typing' : isStopped ? 'Close' : 'Cancel'}</button>
          {!isTyping && <button type="button" class="button primary" disabled={isScreen ? strokes.length === 0 : count === 0} onClick={begin}>{isStopped ? 'Type the rest' : !isScreen ? 'Paste' : bad.length > 0 ? `Type without ${bad.length === 1 ? 'it' : 'them'}` : 'Type'}</button>}
        </div>
      </div>
    </Dialog>
  );
}
