// console-terminal: a terminal as Proxmox VE's termproxy speaks it, drawn by xterm.

import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { ALIVE, ALIVE_MS, binaryOf, inputOf, sizeOf } from '../state/termproxy';
import { copy } from '../state/store';
import { tellTouches, type Far, type FarEvents, type FarWish } from './console-far';

const THEME = {
  background: '#0b0f14', foreground: '#dfe6ec', cursor: '#dfe6ec', cursorAccent: '#0b0f14', selectionBackground: '#2f5568',
  black: '#1b232c', red: '#ff7b72', green: '#63c98f', yellow: '#e3b056', blue: '#6cb6ff', magenta: '#d29bf0', cyan: '#5fc9d8', white: '#c6d0da',
  brightBlack: '#7b8794', brightRed: '#ffa198', brightGreen: '#8be0ae', brightYellow: '#f2cc7f', brightBlue: '#9ccfff', brightMagenta: '#e2bdf7', brightCyan: '#8fe0ea', brightWhite: '#f4f7fa',
};

export function openFar(host: HTMLElement, socket: WebSocket, { label, isLook }: FarWish, on: FarEvents): Far {
  const term = new Terminal({
    theme: THEME, fontSize: 14, scrollback: 5000, cursorBlink: !isLook, disableStdin: isLook,
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono').trim() || 'monospace',
  });
  const fit = new FitAddon();
  term.loadAddon(fit);
  term.open(host);
  term.textarea?.setAttribute('aria-label', label);
  fit.fit();

  const send = (bytes: Uint8Array<ArrayBuffer>) => socket.readyState === WebSocket.OPEN && socket.send(bytes);
  const alive = window.setInterval(() => send(ALIVE), ALIVE_MS);
  const size = () => send(sizeOf(term.cols, term.rows));
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => {
    size();
    on.joined();
    on.picture(); // a terminal that says nothing waits for somebody to type
  });
  if (isLook) inputOf(' ').forEach((message) => tellTouches(host, socket, message));
  socket.addEventListener('message', (e: MessageEvent<ArrayBuffer>) => term.write(new Uint8Array(e.data))); // it puts letters together that came in parts
  term.onData((text) => inputOf(text).forEach(send));
  term.onBinary((text) => send(binaryOf(text)));
  term.onResize(size);
  term.attachCustomKeyEventHandler((e) => {
    const isCopy = (e.ctrlKey && e.shiftKey && e.code === 'KeyC') || (e.ctrlKey && !e.shiftKey && e.code === 'Insert');
    if (isCopy && e.type === 'keydown' && term.hasSelection()) void copy(term.getSelection(), 'Selection');
    if (isCopy) e.preventDefault();
    // Pasting is the browser's own: its event reaches the terminal.
    return !isCopy && !(e.ctrlKey && e.shiftKey && e.code === 'KeyV') && !(e.shiftKey && !e.ctrlKey && e.code === 'Insert');
  });

  let frame = 0;
  const watch = new ResizeObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => fit.fit());
  });
  watch.observe(host);

  const end = () => {
    window.clearInterval(alive);
    cancelAnimationFrame(frame);
    watch.disconnect();
  };
  return {
    focus: () => term.focus(),
    hold(isHeld) {
      term.options.disableStdin = isLook || isHeld;
    },
    freeze() {
      end();
      term.options.disableStdin = true;
      term.options.cursorBlink = false;
      term.blur();
    },
    close() {
      end();
      term.dispose();
      host.remove();
    },
    paste: (text) => term.options.disableStdin || term.paste(text),
    readers: (isOn) => {
      term.options.screenReaderMode = isOn;
    },
  };
}
