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

export type OpenFar = (host: HTMLElement, socket: WebSocket, label: string, on: FarEvents) => Far;
