// ping: how long the way to the server and back is, by a live connection of its own: a question it answers at once, a few times.

import { under } from '../link/base';

export interface Pinged {
  openMs: number;    // until the connection stood and was greeted
  roundMs: number[]; // there and back, in order
}

const TIMES = 7;
const PATIENCE_MS = 10_000;

/** The middle one: a single slow answer says little. */
export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

export function ping(times = TIMES): Promise<Pinged> {
  return new Promise((resolve, reject) => {
    const url = new URL(under('api/v1/live'), location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const begun = performance.now();
    const socket = new WebSocket(url.href, 'live.1');
    const roundMs: number[] = [];
    let openMs = 0;
    let asked = 0;
    const timer = window.setTimeout(() => end(new Error('No answer within 10 s.')), PATIENCE_MS);
    function end(error?: Error): void {
      window.clearTimeout(timer);
      socket.onclose = null;
      socket.close();
      if (error) reject(error);
      else resolve({ openMs, roundMs });
    }
    function ask(): void {
      asked = performance.now();
      socket.send('{"t":"sub","id":1,"topics":[["ping"]]}\n'); // there is no such topic, which is said at once
    }
    socket.onopen = () => socket.send('{"t":"hello","v":1}\n');
    socket.onclose = () => end(new Error('WebSockets do not get through.'));
    socket.onmessage = ({ data }) => {
      for (const line of String(data).split('\n')) {
        const frame = line === '' ? null : JSON.parse(line) as { t: string; topic?: string };
        if (frame?.t === 'welcome') openMs = performance.now() - begun;
        else if (frame?.t !== 'sub') continue;
        else roundMs.push(performance.now() - asked);
        if (roundMs.length === times) return end();
        ask();
      }
    };
  });
}
