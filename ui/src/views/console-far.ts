// console-far: what the page knows of the far end, a screen or a terminal; each is a part of its own, fetched when needed.

import type { Chord, Stroke } from '../state/keys';

export type Scale = 'fit' | 'full' | 'resize';

export interface FarEvents {
  joined(): void;
  picture(): void;
  trouble(reason: string): void; // said before the connection ends because of it
}

export interface Far {
  focus(): void;
  /** Nothing is sent while it is held; what is only looked at is always. */
  hold(isHeld: boolean): void;
  /** Nothing comes any more: what was seen last stays. Before the connection's end is told to anybody else. */
  freeze(): void;
  /** Nothing of it is left in the page. */
  close(): void;
  chord?(chord: Chord): void;
  type?(stroke: Stroke): void;
  scale?(how: Scale): void;
  paste?(text: string): void;
  readers?(isOn: boolean): void;
}

export interface FarWish {
  label: string;    // for who hears the page
  isLook: boolean;  // it is only looked at
}

export type OpenFar = (host: HTMLElement, socket: WebSocket, wish: FarWish, on: FarEvents) => Far;

const TOUCH_MS = 60_000;

/**
 * One that is only looked at ends like any other when nobody touches it for long: the server drops `message`, which is
 * of a hand, and knows that somebody is there.
 */
export function tellTouches(host: HTMLElement, socket: WebSocket, message: Uint8Array<ArrayBuffer>): void {
  let last = Date.now();
  const touch = () => {
    if (Date.now() - last < TOUCH_MS || socket.readyState !== WebSocket.OPEN) return;
    last = Date.now();
    socket.send(message);
  };
  for (const what of ['pointermove', 'pointerdown', 'keydown', 'wheel']) host.addEventListener(what, touch, { passive: true, capture: true });
}
