// keys: a text as strokes of a keyboard, for a screen that knows keys only. Knows no page.
//
// A guest hears which key was pressed, not which letter is meant: what comes of it is the guest's layout, so the person
// says which one that is. What no key of it gives is named with its place and never guessed.

export interface Layout {
  id: string;
  label: string;
  keys: Record<string, string>; // by the place of the key: plain, with shift, with AltGr
  dead: string;                 // those that wait for the next letter: a space makes them stand alone
}

const LETTERS = Object.fromEntries([...'abcdefghijklmnopqrstuvwxyz'].map((c) => [`Key${c.toUpperCase()}`, c + c.toUpperCase()]));

const US: Layout = {
  id: 'us', label: 'US', dead: '',
  keys: {
    ...LETTERS,
    Backquote: '`~', Digit1: '1!', Digit2: '2@', Digit3: '3#', Digit4: '4$', Digit5: '5%', Digit6: '6^', Digit7: '7&', Digit8: '8*', Digit9: '9(', Digit0: '0)',
    Minus: '-_', Equal: '=+', BracketLeft: '[{', BracketRight: ']}', Backslash: '\\|', Semicolon: ';:', Quote: '\'"', Comma: ',<', Period: '.>', Slash: '/?',
  },
};

const GB: Layout = {
  id: 'gb', label: 'UK', dead: '',
  keys: {
    ...US.keys,
    Backquote: '`¬¦', Digit2: '2"', Digit3: '3£', Digit4: '4$€', Quote: "'@", Backslash: '#~', IntlBackslash: '\\|',
  },
};

const DE: Layout = {
  id: 'de', label: 'German', dead: '^´`',
  keys: {
    ...LETTERS, KeyZ: 'yY', KeyY: 'zZ', KeyQ: 'qQ@', KeyE: 'eE€', KeyM: 'mMµ',
    Backquote: '^°', Digit1: '1!', Digit2: '2"²', Digit3: '3§³', Digit4: '4$', Digit5: '5%', Digit6: '6&', Digit7: '7/{', Digit8: '8([', Digit9: '9)]', Digit0: '0=}',
    Minus: 'ß?\\', Equal: '´`', BracketLeft: 'üÜ', BracketRight: '+*~', Backslash: "#'", Semicolon: 'öÖ', Quote: 'äÄ', Comma: ',;', Period: '.:', Slash: '-_', IntlBackslash: '<>|',
  },
};

export const layouts: readonly Layout[] = [US, GB, DE];

export const layoutOf = (id: string): Layout => layouts.find((l) => l.id === id) ?? US;

/** The layout a person's own browser speaks is likely that of the guest. */
export function likely(language: string): string {
  const word = language.toLowerCase();
  return word.startsWith('de') ? 'de' : word === 'en-gb' ? 'gb' : 'us';
}

export interface Stroke {
  keysym: number;
  code: string;
  shift?: boolean;
  altgr?: boolean;
}

/** A letter no key gives; places count from 1. */
export interface Bad {
  char: string;
  at: number;
  line: number;
}

const ENTER: Stroke = { keysym: 0xff0d, code: 'Enter' };
const TAB: Stroke = { keysym: 0xff09, code: 'Tab' };
const SPACE: Stroke = { keysym: 0x20, code: 'Space' };

/** As X names it: Latin letters are their own numbers. */
export function keysymOf(char: string): number {
  const n = char.codePointAt(0)!;
  if (n === 0x20ac) return n; // the euro has the number of its code point in X as well
  return n <= 0xff ? n : 0x01000000 | n;
}

function table(layout: Layout): Map<string, Stroke[]> {
  const found = new Map<string, Stroke[]>([['\n', [ENTER]], ['\t', [TAB]], [' ', [SPACE]]]);
  for (const [code, chars] of Object.entries(layout.keys)) {
    [...chars].forEach((char, i) => {
      if (found.has(char)) return;
      const stroke: Stroke = { keysym: keysymOf(char), code, ...(i === 1 ? { shift: true } : {}), ...(i === 2 ? { altgr: true } : {}) };
      found.set(char, layout.dead.includes(char) ? [stroke, SPACE] : [stroke]);
    });
  }
  return found;
}

/** What is to be pressed for it, and what cannot be. */
export function strokesOf(text: string, layout: Layout): { strokes: Stroke[]; bad: Bad[] } {
  const keys = table(layout);
  const strokes: Stroke[] = [];
  const bad: Bad[] = [];
  let at = 0;
  let line = 1;
  for (const char of text.replace(/\r\n?/g, '\n')) {
    at += 1;
    const found = keys.get(char);
    if (found) strokes.push(...found);
    else bad.push({ char, at, line });
    if (char === '\n') line += 1;
  }
  return { strokes, bad };
}

/** What a phone wrote: from one value of a field to the next: how many letters went, and which came. */
export function changeOf(was: string, is: string): { gone: number; came: string } {
  let same = 0;
  while (same < was.length && same < is.length && was[same] === is[same]) same += 1;
  return { gone: was.length - same, came: is.slice(same) };
}

const SHIFT: Stroke = { keysym: 0xffe1, code: 'ShiftLeft' };
const ALTGR: Stroke = { keysym: 0xfe03, code: 'AltRight' };

/** One stroke as presses and releases, what is held down around it included. */
export function press(s: Stroke, send: (keysym: number, code: string, isDown: boolean) => void): void {
  const held = [...(s.shift ? [SHIFT] : []), ...(s.altgr ? [ALTGR] : [])];
  for (const h of held) send(h.keysym, h.code, true);
  send(s.keysym, s.code, true);
  send(s.keysym, s.code, false);
  for (const h of held.reverse()) send(h.keysym, h.code, false);
}

// --- what a browser keeps for itself ----------------------------------------------------------------

const CTRL: Stroke = { keysym: 0xffe3, code: 'ControlLeft' };
const ALT: Stroke = { keysym: 0xffe9, code: 'AltLeft' };

export interface Chord {
  label: string;
  keys: Stroke[];
}

export const CTRL_ALT_DEL: Chord = { label: 'Ctrl+Alt+Del', keys: [CTRL, ALT, { keysym: 0xffff, code: 'Delete' }] };

export const chords: readonly Chord[] = [
  CTRL_ALT_DEL,
  { label: 'Alt+Tab', keys: [ALT, TAB] },
  { label: 'Esc', keys: [{ keysym: 0xff1b, code: 'Escape' }] },
  { label: 'Print Screen', keys: [{ keysym: 0xff61, code: 'PrintScreen' }] },
  { label: 'Super', keys: [{ keysym: 0xffeb, code: 'MetaLeft' }] },
  ...Array.from({ length: 12 }, (_, i) => ({ label: `Ctrl+Alt+F${i + 1}`, keys: [CTRL, ALT, { keysym: 0xffbe + i, code: `F${i + 1}` }] })),
];

/** All down in their order, and up in the opposite one. */
export function pressChord(c: Chord, send: (keysym: number, code: string, isDown: boolean) => void): void {
  for (const k of c.keys) send(k.keysym, k.code, true);
  for (const k of [...c.keys].reverse()) send(k.keysym, k.code, false);
}
