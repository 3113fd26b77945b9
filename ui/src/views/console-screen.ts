// console-screen: a screen by VNC: noVNC over a connection that our server has greeted already.

import RFB from '@novnc/novnc';
import { initLogging } from '../../node_modules/@novnc/novnc/core/util/logging.js'; // it exports the class alone
import { press, pressChord } from '../state/keys';
import { tellTouches, type Far, type FarEvents, type FarWish } from './console-far';

const HELD = [[0xffe3, 'ControlLeft'], [0xffe4, 'ControlRight'], [0xffe9, 'AltLeft'], [0xffea, 'AltRight'], [0xffe1, 'ShiftLeft'], [0xffe2, 'ShiftRight']] as const;

const POINTER = new Uint8Array([5, 0, 0, 0, 0, 0]); // PointerEvent (RFC 6143 section 7.5.5)

initLogging('none'); // what it would say to the browser's console stands on the page

export function openFar(host: HTMLElement, socket: WebSocket, { label, isLook }: FarWish, on: FarEvents): Far {
  const rfb = new RFB(host, socket, { shared: true });
  const canvas = host.querySelector('canvas')!;
  let isOver = false;
  rfb.background = 'transparent';
  rfb.scaleViewport = true;
  rfb.viewOnly = isLook;
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', label);
  rfb.addEventListener('securityfailure', (e) => on.trouble(`The greeting was refused: ${(e as CustomEvent<{ reason?: string }>).detail.reason ?? 'no reason was given'}`));
  rfb.addEventListener('connect', () => {
    on.joined();
    if (isLook) tellTouches(host, socket, POINTER);
    // What comes next is the first picture; drawn by the time the browser draws.
    socket.addEventListener('message', () => requestAnimationFrame(() => isOver || on.picture()), { once: true });
  });
  const send = (keysym: number, code: string, isDown: boolean) => rfb.sendKey(keysym, code, isDown); // nothing while it is only looked at
  // Keys that led out of the picture come up elsewhere: in the guest they must not stay down.
  canvas.addEventListener('blur', () => HELD.forEach(([keysym, code]) => send(keysym, code, false)));
  return {
    focus: () => rfb.focus({ preventScroll: true }),
    hold(isHeld) {
      rfb.viewOnly = isLook || isHeld;
    },
    freeze() {
      isOver = true;
      if (canvas.width === 0 || canvas.height === 0) return rfb.disconnect();
      const copy = document.createElement('canvas');
      copy.width = canvas.width;
      copy.height = canvas.height;
      copy.className = `console-frame ${rfb.scaleViewport ? 'is-fit' : ''}`;
      copy.setAttribute('role', 'img');
      copy.setAttribute('aria-label', `${label}, as it was last seen`);
      copy.getContext('2d')!.drawImage(canvas, 0, 0);
      rfb.disconnect();
      host.append(copy);
    },
    close() {
      if (!isOver) rfb.disconnect();
      isOver = true;
      host.remove();
    },
    chord: (c) => pressChord(c, send),
    type: (s) => press(s, send),
    scale(how) {
      rfb.scaleViewport = how !== 'full';
      rfb.resizeSession = how === 'resize';
    },
  };
}
