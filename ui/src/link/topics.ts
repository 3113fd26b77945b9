// topics: joins topics and folds snapshot and deltas into one value each; the only writer of live state.

import { batch, signal, type Signal } from '@preact/signals';
import { fold, isObject, type Value } from './fold';
import type { Frame } from './socket';

export interface LogEvent {
  seq: number;
  data: Value | null;      // null: a gap
  gap?: [number, number];  // sequence numbers that this browser will not get
  why?: string;
}

export type TopicPhase = 'loading' | 'live' | 'cached' | 'refused';

export interface Refusal {
  code: string;
  message: string;
}

/** One topic as views see it. `value` of a state topic, `events` (newest last) of a log topic. */
export interface Topic {
  readonly name: string;
  readonly value: Signal<Value | undefined>;
  readonly events: Signal<LogEvent[]>;
  readonly phase: Signal<TopicPhase>;
  readonly refusal: Signal<Refusal | undefined>;
  /** When the last frame came, by our clock; 0 for never. */
  readonly at: Signal<number>;
}

interface Entry extends Topic {
  refs: number;
  leaving: number;
  tail: number;
  k: number | null;
  e: string;
  s: number;
}

export const RATE_MS = 100;           // visible: as fast as samples come
export const HIDDEN_RATE_MS = 30_000; // hidden: enough for the title
const EVENTS_MAX = 1000;
const LEAVE_MS = 5000;                // going to the next page and back does not ask anew

export interface TopicsEnv {
  now(): number;
  after(ms: number, run: () => void): number;
  cancel(timer: number): void;
  isHidden(): boolean;
  send(frames: object[]): boolean;
  settled(): void;
}

export class Topics {
  private entries = new Map<string, Entry>();
  private byK = new Map<number, Entry>();
  private nextId = 1;

  constructor(private env: TopicsEnv) {}

  /** `tail`: how many past events of a log topic to begin with. Leave it when the view goes. */
  join(name: string, tail = 0): Topic {
    let entry = this.entries.get(name);
    if (!entry) {
      entry = {
        name, tail, refs: 0, leaving: 0, k: null, e: '', s: 0,
        value: signal(undefined), events: signal([]), phase: signal('loading'), refusal: signal(undefined), at: signal(0),
      };
      this.entries.set(name, entry);
    }
    this.env.cancel(entry.leaving);
    entry.refs += 1;
    if (entry.refs === 1 && entry.k === null) this.env.send([this.subscribe([entry])]);
    return entry;
  }

  leave(topic: Topic): void {
    const entry = this.entries.get(topic.name);
    if (!entry || --entry.refs > 0) return;
    entry.leaving = this.env.after(LEAVE_MS, () => {
      if (entry.refs > 0) return;
      this.entries.delete(entry.name);
      if (entry.k !== null) this.byK.delete(entry.k);
      this.env.send([{ t: 'unsub', id: this.nextId++, topics: [entry.name] }]);
    });
  }

  names(): string[] {
    return [...this.entries.keys()];
  }

  position(name: string): { e: string; s: number } | null {
    const entry = this.entries.get(name);
    return entry && entry.e !== '' ? { e: entry.e, s: entry.s } : null;
  }

  /** Frames for a new connection: one subscription with every position. */
  opening(): object[] {
    this.byK.clear();
    for (const entry of this.entries.values()) entry.k = null;
    return this.entries.size > 0 ? [this.subscribe([...this.entries.values()])] : [];
  }

  lost(): void {
    batch(() => {
      for (const entry of this.entries.values()) {
        entry.k = null;
        if (entry.phase.value === 'live') entry.phase.value = 'cached';
      }
    });
  }

  /** Somebody else may look next: nothing of the last one stays in memory. */
  forget(): void {
    this.byK.clear();
    batch(() => {
      for (const entry of this.entries.values()) {
        entry.k = null;
        entry.e = '';
        entry.s = 0;
        entry.value.value = undefined;
        entry.events.value = [];
        entry.phase.value = 'loading';
        entry.refusal.value = undefined;
      }
    });
  }

  hidden(isHidden: boolean): void {
    this.env.send([...this.byK.keys()].map((k) => ({ t: 'rate', k, min: isHidden ? HIDDEN_RATE_MS : RATE_MS })));
  }

  receive(frames: Frame[]): void {
    batch(() => {
      for (const frame of frames) this.one(frame);
    });
  }

  private subscribe(entries: Entry[]): object {
    return {
      t: 'sub',
      id: this.nextId++,
      topics: entries.map((entry) => {
        const from: Value = entry.e === '' ? {} : { e: entry.e, s: entry.s };
        if (entry.tail > 0) from.tail = entry.tail;
        return Object.keys(from).length > 0 ? [entry.name, from] : [entry.name];
      }),
      min: this.env.isHidden() ? HIDDEN_RATE_MS : RATE_MS,
    };
  }

  /** What we hold cannot be continued: ask for the whole. */
  private anew(entry: Entry): void {
    if (entry.k !== null) this.byK.delete(entry.k);
    entry.k = null;
    entry.e = '';
    entry.s = 0;
    this.env.send([{ t: 'unsub', id: this.nextId++, topics: [entry.name] }, this.subscribe([entry])]);
  }

  private one(frame: Frame): void {
    if (frame.t === 'sub') return this.reply(frame);
    const entry = typeof frame.k === 'number' ? this.byK.get(frame.k) : undefined;
    if (!entry) return;
    switch (frame.t) {
      case 'd': return this.delta(entry, frame);
      case 'snap': return this.whole(entry, frame);
      case 'e': return this.append(entry, [[frame.s, frame.d]]);
      case 'gap': return this.gap(entry, frame.from, frame.to, frame.why);
      case 'off': return this.off(entry, frame);
    }
  }

  private reply(frame: Frame): void {
    const entry = typeof frame.topic === 'string' ? this.entries.get(frame.topic) : undefined;
    if (!entry) return;
    if (isObject(frame.error)) {
      entry.refusal.value = { code: String(frame.error.code ?? 'forbidden'), message: String(frame.error.message ?? '') };
      entry.phase.value = 'refused';
      this.env.settled();
      return;
    }
    if (typeof frame.k === 'number') {
      entry.k = frame.k;
      this.byK.set(frame.k, entry);
    }
    switch (frame.mode) {
      case 'snapshot':
        this.whole(entry, frame);
        break;
      case 'resumed':
        if (isObject(frame.p)) this.delta(entry, frame);
        else this.tail(entry, frame);
        break;
      case 'same':
        this.heard(entry);
        break;
      case 'tail':
        this.tail(entry, frame);
        break;
    }
    this.env.settled();
  }

  private heard(entry: Entry): void {
    entry.at.value = this.env.now();
    entry.phase.value = 'live';
    entry.refusal.value = undefined;
  }

  private whole(entry: Entry, frame: Frame): void {
    if (typeof frame.e === 'string') entry.e = frame.e;
    if (typeof frame.s === 'number') entry.s = frame.s;
    if (Array.isArray(frame.ev)) return this.tail(entry, frame);
    entry.value.value = isObject(frame.v) ? frame.v : {};
    this.heard(entry);
  }

  private delta(entry: Entry, frame: Frame): void {
    if (typeof frame.s !== 'number' || !isObject(frame.p)) return;
    if (frame.s <= entry.s) return; // already in what we have
    const from = typeof frame.from === 'number' ? frame.from : frame.s - 1;
    if (from > entry.s) return this.anew(entry); // a hole: never guess
    entry.value.value = fold(entry.value.value, frame.p);
    entry.s = frame.s;
    if (typeof frame.e === 'string') entry.e = frame.e;
    this.heard(entry);
  }

  private tail(entry: Entry, frame: Frame): void {
    if (typeof frame.e === 'string' && frame.e !== entry.e) {
      entry.e = frame.e;
      entry.s = 0;
      entry.events.value = [];
    }
    if (Array.isArray(frame.gap)) this.gap(entry, frame.gap[0], frame.gap[1], 'while this browser was away');
    if (Array.isArray(frame.ev)) this.append(entry, frame.ev as [unknown, unknown][]);
    if (typeof frame.s === 'number') entry.s = Math.max(entry.s, frame.s);
    this.heard(entry);
  }

  private append(entry: Entry, pairs: [unknown, unknown][]): void {
    const events = [...entry.events.value];
    for (const [seq, data] of pairs) {
      if (typeof seq !== 'number' || seq <= entry.s || !isObject(data)) continue;
      entry.s = seq;
      events.push({ seq, data });
    }
    entry.events.value = events.slice(-EVENTS_MAX);
    this.heard(entry);
  }

  private gap(entry: Entry, from: unknown, to: unknown, why: unknown): void {
    if (typeof from !== 'number' || typeof to !== 'number' || to < from) return;
    // Before the first event nothing is missed that was ever asked for.
    if (entry.events.value.length > 0) {
      const marker: LogEvent = { seq: to, data: null, gap: [from, to], why: String(why ?? '') };
      entry.events.value = [...entry.events.value, marker].slice(-EVENTS_MAX);
    }
    entry.s = Math.max(entry.s, to);
  }

  private off(entry: Entry, frame: Frame): void {
    const code = typeof frame.code === 'number' ? frame.code : 0;
    if (entry.k !== null) this.byK.delete(entry.k);
    entry.k = null;
    if (code >= 2500) {
      this.env.send([this.subscribe([entry])]);
      return;
    }
    entry.value.value = undefined;
    entry.events.value = [];
    entry.e = '';
    entry.s = 0;
    entry.refusal.value = { code: 'forbidden', message: String(frame.msg ?? 'the right to see this was withdrawn') };
    entry.phase.value = 'refused';
  }
}
