// Set by build.mjs.
declare const BN_DEV: boolean;

/** What we use of noVNC, which brings no types. */
declare module '@novnc/novnc' {
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: WebSocket, options?: { shared?: boolean });
    scaleViewport: boolean;
    clipViewport: boolean;
    resizeSession: boolean;
    viewOnly: boolean;
    focusOnClick: boolean;
    background: string;
    disconnect(): void;
    focus(options?: FocusOptions): void;
    blur(): void;
    sendKey(keysym: number, code: string, down?: boolean): void;
  }
}

declare module '*/novnc/core/util/logging.js' {
  export function initLogging(level: 'none' | 'error' | 'warn'): void;
}
