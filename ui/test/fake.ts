// fake: a clock that tests move, sockets that tests open and break.

import type { LinkEnv, LinkOwner, LinkStatus, SocketLike, Frame } from '../src/link/socket';

export class Clock {
  t = 1_000_000;
  private next = 1;
  private timers = new Map<number, { at: number; run: () => void }>();

  now = (): number => this.t;
  after = (ms: number, run: () => void): number => {
    this.timers.set(this.next, { at: this.t + ms, run });
    return this.next++;
  };
  cancel = (timer: number): void => {
    this.timers.delete(timer);
  };

  /** Moves time; timers fire in their order, and what they awaited settles in between. */
  async pass(ms: number): Promise<void> {
    const end = this.t + ms;
    for (;;) {
      await settle();
      const due = [...this.timers.entries()].filter(([, x]) => x.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.t = due[1].at;
      due[1].run();
    }
    this.t = end;
    await settle();
  }
}

export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  sent: Frame[] = [];
  isClosed = false;

  send(text: string): void {
    for (const line of text.split('\n')) if (line) this.sent.push(JSON.parse(line) as Frame);
  }
  close(): void {
    this.isClosed = true;
  }
  open(): void {
    this.onopen?.();
  }
  say(...frames: object[]): void {
    this.onmessage?.({ data: frames.map((f) => JSON.stringify(f) + '\n').join('') });
  }
  raw(text: string): void {
    this.onmessage?.({ data: text });
  }
  break(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason });
  }
}

export class World implements LinkEnv, LinkOwner {
  clock = new Clock();
  sockets: FakeSocket[] = [];
  session = 200;    // what GET api/v1/session answers; 0: nobody
  isThere = false;  // whether healthz answers
  hiddenTab = false;
  knocks = 0;
  chance = 0.5;     // no jitter
  received: Frame[] = [];
  history: LinkStatus[] = [];
  lostCount = 0;
  outCount = 0;
  isPolling = false;
  hiddenCalls: boolean[] = [];
  openingFrames: object[] = [{ t: 'sub', id: 1, topics: [['meter.host']] }];

  now = (): number => this.clock.now();
  after = (ms: number, run: () => void): number => this.clock.after(ms, run);
  cancel = (timer: number): void => this.clock.cancel(timer);
  random = (): number => this.chance;
  open = (): SocketLike => {
    const s = new FakeSocket();
    this.sockets.push(s);
    return s;
  };
  askSession = async (): Promise<number> => this.session;
  knock = async (): Promise<boolean> => {
    this.knocks += 1;
    return this.isThere;
  };
  isHidden = (): boolean => this.hiddenTab;

  opening = (): object[] => this.openingFrames;
  receive = (frames: Frame[]): void => {
    this.received.push(...frames);
  };
  lost = (): void => {
    this.lostCount += 1;
  };
  hidden = (h: boolean): void => {
    this.hiddenCalls.push(h);
  };
  unauthorized = (): void => {
    this.outCount += 1;
  };
  startPolling = (): void => {
    this.isPolling = true;
  };
  stopPolling = (): void => {
    this.isPolling = false;
  };
  status = (s: LinkStatus): void => {
    this.history.push(s);
  };

  get last(): FakeSocket {
    return this.sockets.at(-1)!;
  }
}
