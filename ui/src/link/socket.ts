// socket: one live/1 connection; opens, watches, backs off, resumes, and falls back to polling.
//
// It knows nothing of topics: its owner says what to send on opening and takes what arrives.

export interface Frame {
  t: string;
  [name: string]: unknown;
}

/** What the connection needs of the world; tests give it a clock that they move. */
export interface LinkEnv {
  now(): number;
  after(ms: number, run: () => void): number;
  cancel(timer: number): void;
  random(): number; // 0 <= x < 1
  open(): SocketLike;
  /** Status of GET api/v1/session: 0 when nobody answered. */
  askSession(): Promise<number>;
  /** Does the server answer at all? */
  knock(): Promise<boolean>;
  isHidden(): boolean;
}

export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface LinkOwner {
  /** Frames to send right behind hello. */
  opening(): object[];
  receive(frames: Frame[]): void;
  lost(): void;
  hidden(isHidden: boolean): void;
  unauthorized(): void;
  /** WebSockets do not get through: ask over HTTP until stopPolling. */
  startPolling(): void;
  stopPolling(): void;
  status(status: LinkStatus): void;
}

export type LinkPhase = 'idle' | 'connecting' | 'live' | 'polling' | 'waiting' | 'refused';

export interface LinkStatus {
  phase: LinkPhase;
  attempt: number;         // attempts since the connection was lost
  retryAt: number | null;  // when the next one starts
  lostAt: number | null;   // since when nothing live arrives
  lastAt: number | null;   // last message of any kind
  reason: string;          // why it was lost, one sentence
  messages: number;
  bytes: number;
  skewMs: number;          // server clock minus ours
}

const BACKOFF_MS = [250, 500, 1000, 2000, 4000, 5000];
const OPEN_TIMEOUT_MS = 10_000;
const KNOCK_MS = 1000;          // so that a restarted server is found within a second or so
const KNOCK_FOR_MS = 600_000;
const POLL_AFTER = 3;           // failed openings while HTTP works
const SOCKET_RETRY_MS = 30_000; // while polling
const DEFAULT_HB_MS = 15_000;

export class Link {
  private socket: SocketLike | null = null;
  private isOpen = false;
  private timer = 0;       // next attempt
  private knockTimer = 0;
  private watch = 0;       // silence
  private hb = DEFAULT_HB_MS;
  private failures = 0;    // openings that failed although HTTP answered
  private byeRetry: number | null = null;
  private byeText = '';
  private s: LinkStatus = {
    phase: 'idle', attempt: 0, retryAt: null, lostAt: null, lastAt: null, reason: '', messages: 0, bytes: 0, skewMs: 0,
  };

  constructor(private env: LinkEnv, private owner: LinkOwner) {}

  get status(): LinkStatus {
    return this.s;
  }

  start(): void {
    if (this.s.phase === 'idle' || this.s.phase === 'refused') this.connect();
  }

  /** Ends the connection for good (logout). */
  stop(): void {
    this.clear();
    this.drop();
    this.owner.stopPolling();
    this.failures = 0;
    this.set({ phase: 'idle', attempt: 0, retryAt: null, lostAt: null, reason: '' });
  }

  /** Tries at once: the network came back, the tab was shown, or the user asked. */
  hurry(): void {
    if (this.s.phase === 'waiting' || this.s.phase === 'refused' || (this.s.phase === 'polling' && !this.socket)) {
      this.set({ attempt: 0 });
      this.connect();
    }
  }

  send(frames: object[]): boolean {
    if (!this.isOpen || !this.socket || frames.length === 0) return false;
    this.socket.send(frames.map((f) => JSON.stringify(f) + '\n').join(''));
    return true;
  }

  visibility(): void {
    const hidden = this.env.isHidden();
    if (!hidden) {
      const silent = this.isOpen && this.env.now() - (this.s.lastAt ?? 0) > this.silenceMs();
      if (silent) this.fail(1006, 'nothing was heard while the tab was hidden');
      this.hurry();
    }
    if (this.isOpen) this.owner.hidden(hidden);
  }

  /** The owner's topics are answered: data flows. */
  settled(): void {
    if (this.s.phase === 'connecting') {
      this.owner.stopPolling();
      this.set({ phase: 'live', attempt: 0, retryAt: null, lostAt: null, reason: '' });
    }
  }

  private set(part: Partial<LinkStatus>): void {
    this.s = { ...this.s, ...part };
    this.owner.status(this.s);
  }

  private silenceMs(): number {
    return 2 * this.hb + 5000;
  }

  private clear(): void {
    for (const t of [this.timer, this.knockTimer, this.watch]) this.env.cancel(t);
    this.timer = this.knockTimer = this.watch = 0;
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.isOpen = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      socket.close();
    } catch {
      // A socket that never opened may refuse to close; it is forgotten either way.
    }
  }

  private connect(): void {
    this.clear();
    this.drop();
    this.byeRetry = null;
    this.byeText = '';
    if (this.s.phase !== 'polling') this.set({ phase: 'connecting', retryAt: null });
    let socket: SocketLike;
    try {
      socket = this.env.open();
    } catch {
      this.fail(1006, 'the browser refused to open a socket');
      return;
    }
    this.socket = socket;
    this.watch = this.env.after(OPEN_TIMEOUT_MS, () => this.fail(1006, 'the server did not answer within 10 s'));
    socket.onopen = () => {
      this.isOpen = true;
      this.send([{ t: 'hello', v: 1 }, ...this.owner.opening()]);
    };
    socket.onmessage = (event) => this.message(event.data);
    socket.onclose = (event) => this.fail(event.code, event.reason);
  }

  private message(data: unknown): void {
    if (typeof data !== 'string') return;
    this.env.cancel(this.watch);
    this.watch = this.env.after(this.silenceMs(), () =>
      this.fail(1006, `nothing was heard for ${Math.round(this.silenceMs() / 1000)} s`));
    this.s.lastAt = this.env.now();
    this.s.messages += 1;
    this.s.bytes += data.length;
    const frames: Frame[] = [];
    for (const line of data.split('\n')) {
      if (line === '') continue;
      let frame: unknown;
      try {
        frame = JSON.parse(line);
      } catch {
        this.fail(1007, 'the server sent something that is not JSON');
        return;
      }
      if (typeof frame === 'object' && frame !== null && typeof (frame as Frame).t === 'string') {
        this.own(frame as Frame);
        frames.push(frame as Frame);
      }
    }
    this.owner.receive(frames);
  }

  private own(frame: Frame): void {
    if (frame.t === 'welcome') {
      this.failures = 0;
      if (typeof frame.hb === 'number' && frame.hb > 0) this.hb = frame.hb;
      if (this.s.phase === 'polling') {
        this.owner.stopPolling();
        this.set({ phase: 'connecting' });
      }
    }
    const now = frame.t === 'hb' || frame.t === 'welcome' ? frame.now : undefined;
    if (typeof now === 'number') this.s.skewMs = now - this.env.now();
    if (frame.t === 'hb') this.send([{ t: 'pong' }]);
    if (frame.t === 'bye') {
      this.byeRetry = typeof frame.retry === 'number' ? frame.retry : null;
      this.byeText = typeof frame.msg === 'string' ? frame.msg : '';
      // The close that follows may be lost with the connection; what was said here is enough.
      this.fail(typeof frame.code === 'number' ? frame.code : 4000, this.byeText);
    }
  }

  private fail(code: number, reason: string): void {
    const wasOpen = this.isOpen;
    this.clear();
    this.drop();
    this.owner.lost();
    const text = reason || this.byeText || sentence(code);
    if (this.s.lostAt === null) this.set({ lostAt: this.env.now() });
    if (code === 4100) {
      this.set({ phase: 'idle', reason: text });
      this.owner.unauthorized();
      return;
    }
    if (code > 4100 && code < 4200) {
      this.set({ phase: 'refused', retryAt: null, reason: text });
      return;
    }
    this.wait(text);
    if (!wasOpen) void this.diagnose();
  }

  /** A socket that never opened says nothing about why; HTTP does. */
  private async diagnose(): Promise<void> {
    const status = await this.env.askSession();
    if (this.s.phase !== 'waiting' && this.s.phase !== 'polling') return;
    if (status === 401) {
      this.clear();
      this.set({ phase: 'idle', reason: 'the session ended' });
      this.owner.stopPolling();
      this.owner.unauthorized();
    } else if (status > 0 && status < 500) {
      this.failures += 1;
      if (this.failures >= POLL_AFTER && this.s.phase === 'waiting') this.poll();
    }
  }

  private poll(): void {
    this.clear();
    this.timer = this.env.after(SOCKET_RETRY_MS, () => this.connect());
    this.set({ phase: 'polling', retryAt: null, reason: 'WebSockets do not get through; asking over HTTP instead' });
    this.owner.startPolling();
  }

  private wait(reason: string): void {
    if (this.s.phase === 'polling') {
      this.timer = this.env.after(SOCKET_RETRY_MS, () => this.connect());
      return;
    }
    const attempt = this.s.attempt;
    const base = this.byeRetry ?? BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)]!;
    const delay = Math.round(base * (0.75 + this.env.random() * 0.5));
    this.set({ phase: 'waiting', attempt: attempt + 1, retryAt: this.env.now() + delay, reason });
    this.timer = this.env.after(delay, () => this.connect());
    if (this.byeRetry === null && delay > KNOCK_MS) this.knockLater();
  }

  private knockLater(): void {
    this.knockTimer = this.env.after(KNOCK_MS * (0.75 + this.env.random() * 0.5), async () => {
      const since = this.env.now() - (this.s.lostAt ?? 0);
      if (this.env.isHidden() || since > KNOCK_FOR_MS) return;
      const isThere = await this.env.knock();
      if (this.s.phase !== 'waiting') return;
      if (isThere) this.connect();
      else this.knockLater();
    });
  }
}

function sentence(code: number): string {
  switch (code) {
    case 1001: return 'the server is going away';
    case 1006: return 'the connection broke';
    case 1012: case 4001: return 'the server is restarting';
    case 4002: return 'this browser was too slow to read';
    case 4003: return 'this browser did not answer in time';
    case 4004: return 'the server asked to connect anew';
    case 4008: return 'too many requests';
    case 4103: return 'you may not open the live connection';
    case 4106: return 'the server speaks another version; reload the page';
    default: return `closed with code ${code}`;
  }
}
