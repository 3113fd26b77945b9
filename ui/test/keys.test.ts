import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOf, chords, CTRL_ALT_DEL, keysymOf, layoutOf, layouts, likely, press, pressChord, strokesOf } from '../src/state/keys';

const us = layoutOf('us');
const de = layoutOf('de');
const gb = layoutOf('gb');

/** What the guest's keyboard would feel. */
function felt(text: string, layout = us): string {
  const out: string[] = [];
  for (const s of strokesOf(text, layout).strokes) press(s, (_, code, isDown) => out.push((isDown ? '+' : '-') + code));
  return out.join(' ');
}

/** What a guest with this layout makes of the strokes: the way back, written without the table of strokesOf. */
function read(text: string, layout = us): string {
  let out = '';
  let dead = '';
  for (const s of strokesOf(text, layout).strokes) {
    const char = s.code === 'Enter' ? '\n' : s.code === 'Tab' ? '\t' : s.code === 'Space' ? ' ' : [...layout.keys[s.code]!][s.altgr ? 2 : s.shift ? 1 : 0]!;
    if (dead) {
      assert.equal(char, ' ', 'a dead key is followed by a space');
      out += dead;
      dead = '';
    } else if (layout.dead.includes(char)) dead = char;
    else out += char;
  }
  assert.equal(dead, '');
  return out;
}

const ASCII = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');

test('every printable letter of ASCII can be typed in every layout, and reads as it was meant', () => {
  for (const layout of layouts) {
    assert.deepEqual(strokesOf(ASCII, layout).bad, [], layout.id);
    assert.equal(read(ASCII, layout), ASCII, layout.id);
  }
  assert.equal(read('Grüße 5 € µ\n\tÄÖÜ²³°§', de), 'Grüße 5 € µ\n\tÄÖÜ²³°§');
  assert.equal(read('£5 is €6 ¬', gb), '£5 is €6 ¬');
});

test('shift and AltGr are held around their key and let go after it', () => {
  assert.equal(felt('aB!'), '+KeyA -KeyA +ShiftLeft +KeyB -KeyB -ShiftLeft +ShiftLeft +Digit1 -Digit1 -ShiftLeft');
  assert.equal(felt('@', de), '+AltRight +KeyQ -KeyQ -AltRight');
  assert.equal(felt('zy', de), '+KeyY -KeyY +KeyZ -KeyZ', 'the two changed places');
  assert.equal(felt('^', de), '+Backquote -Backquote +Space -Space', 'stands alone only after a space');
  assert.equal(felt('a\r\nb\rc'), '+KeyA -KeyA +Enter -Enter +KeyB -KeyB +Enter -Enter +KeyC -KeyC');
});

test('what no key gives is named with its place and line, and left out', () => {
  const { strokes, bad } = strokesOf('price\n5 € or 🚀', us);
  assert.deepEqual(bad, [{ char: '€', at: 9, line: 2 }, { char: '🚀', at: 14, line: 2 }]);
  assert.equal(strokes.length, 12);
  assert.deepEqual(strokesOf('\u0007', us).bad, [{ char: '\u0007', at: 1, line: 1 }], 'control characters are no keys');
  assert.deepEqual(strokesOf('', us), { strokes: [], bad: [] });
});

test('a key stands at one place, and no layout gives a letter twice on one key', () => {
  for (const layout of layouts) {
    for (const [code, chars] of Object.entries(layout.keys)) {
      assert.ok([...chars].length <= 3, `${layout.id} ${code}`);
      assert.equal(new Set(chars).size, [...chars].length, `${layout.id} ${code}`);
    }
  }
  assert.equal(layoutOf('none').id, 'us');
  assert.deepEqual([likely('de-AT'), likely('en-GB'), likely('fr')], ['de', 'gb', 'us']);
});

test('chords go down in their order and come up in the opposite one', () => {
  const out: string[] = [];
  pressChord(CTRL_ALT_DEL, (keysym, code, isDown) => out.push(`${isDown ? '+' : '-'}${code} ${keysym.toString(16)}`));
  assert.deepEqual(out, ['+ControlLeft ffe3', '+AltLeft ffe9', '+Delete ffff', '-Delete ffff', '-AltLeft ffe9', '-ControlLeft ffe3']);
  const f12 = chords.find((c) => c.label === 'Ctrl+Alt+F12')!;
  assert.deepEqual(f12.keys.at(-1), { keysym: 0xffc9, code: 'F12' });
  assert.deepEqual(chords.map((c) => c.label).slice(0, 5), ['Ctrl+Alt+Del', 'Alt+Tab', 'Esc', 'Print Screen', 'Super']);
  assert.equal(chords.length, 17);
});

test('X names letters by their code points, beyond Latin with a mark', () => {
  assert.deepEqual(['a', 'ß', '€', 'ω', '🚀'].map(keysymOf), [0x61, 0xdf, 0x20ac, 0x010003c9, 0x0101f680]);
});

test('what a phone writes is told by what went and what came', () => {
  assert.deepEqual(changeOf('___', '___a'), { gone: 0, came: 'a' });
  assert.deepEqual(changeOf('___a', '___'), { gone: 1, came: '' });
  assert.deepEqual(changeOf('___teh', '___the '), { gone: 2, came: 'he ' }, 'a word put right');
  assert.deepEqual(changeOf('___', '___'), { gone: 0, came: '' });
});
