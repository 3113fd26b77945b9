// outputs: what an operation's command writes, live by its topic and whole by asking; the topic is quick, asking leaves nothing out.

import { effect, signal, type ReadonlySignal } from '@preact/signals';
import { api, ApiError } from '../link/api';
import { linkStatus, topics } from '../link/live';
import type { LogEvent } from '../link/topics';
import { Transcript, type Block, type Piece } from './output';

interface Page {
  pieces: Piece[];
  next: number | null;
}

const LOOK_MS = 1000;   // is something missing, or does the topic not tell?
const PAGES_MAX = 64;   // in one go: more than is ever kept of one operation
const TAIL = 200;       // events of the topic to begin with

export interface Output {
  readonly blocks: ReadonlySignal<Block[]>;
  readonly isRead: ReadonlySignal<boolean>;          // it was asked for at least once
  readonly error: ReadonlySignal<ApiError | undefined>;
  again(): void;
  /** It is over: what was written last is asked for. */
  ended(): void;
  stop(): void;
}

const isCutOff = (): boolean => linkStatus.peek().lostAt !== null && ['waiting', 'connecting'].includes(linkStatus.peek().phase);

export function pathOf(id: string, from: number): string {
  return `api/v1/operations/${encodeURIComponent(id)}/output?from=${from}`;
}

export function openOutput(id: string, isActive: boolean): Output {
  const transcript = new Transcript();
  const blocks = signal<Block[]>([]);
  const isRead = signal(false);
  const error = signal<ApiError | undefined>(undefined);
  const topic = isActive ? topics.join(`work.output/${id}`, TAIL) : null;
  let isAsking = false;
  let isStopped = false;
  let last: LogEvent | undefined; // of the topic's events, up to which all are taken
  let isOver = !isActive;
  let isDoubtful = false; // cut off: Binnacle may have begun anew since, and put the same bytes together in other pieces

  const show = () => (blocks.value = [...transcript.blocks]);

  async function ask(from: number): Promise<void> {
    if (isAsking || isStopped || isCutOff()) return;
    isAsking = true;
    const isAnew = isDoubtful;
    isDoubtful = false;
    try {
      let at: number | null = isAnew ? 0 : from;
      for (let n = 0; at !== null && n < PAGES_MAX && !isStopped; n++) {
        const page: Page = await api<Page>('GET', pathOf(id, at));
        if ((page.pieces[0]?.at ?? at) < at) { // the same bytes in other pieces than before: all of it anew
          at = 0;
          continue;
        }
        transcript.take(at, page.pieces);
        at = page.next;
        show();
      }
      error.value = undefined;
      isRead.value = true;
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      isDoubtful ||= isAnew || cause.status === 0;
      if (!isCutOff()) error.value = cause; // else the page says that nobody answers, and this goes on by itself
    }
    isAsking = false;
    if (!isStopped) take();
  }

  function take(): void {
    if (!topic || isAsking || !isRead.peek()) return; // what comes meanwhile is taken behind the answer
    const events = topic.events.peek();
    let i = last ? events.lastIndexOf(last) + 1 : 0;
    if (i === events.length) return;
    for (; i < events.length; i++) {
      const piece = events[i]!.data as Piece | null;
      if (piece && typeof piece.at === 'number') transcript.tell({ at: piece.at, bytes: piece.bytes ?? 0, text: piece.text ?? '' });
    }
    last = events.at(-1);
    show();
  }

  const stopLink = effect(() => {
    if (linkStatus.value && isCutOff()) isDoubtful = true;
    else if (isDoubtful) queueMicrotask(() => void ask(0));
  });
  const stopTopic = topic ? effect(() => {
    if (topic.events.value.length > 0) queueMicrotask(take);
  }) : () => {};
  const timer = window.setInterval(() => {
    const isDeaf = topic !== null && topic.phase.peek() !== 'live';
    if (!isRead.peek() || isDoubtful || (isDeaf && !isOver)) void ask(transcript.hole ?? transcript.end);
    else if (transcript.hole !== null) void ask(transcript.hole);
    else if (isOver) window.clearInterval(timer);
  }, LOOK_MS);
  void ask(0);

  return {
    blocks, isRead, error,
    again: () => void ask(transcript.hole ?? transcript.end),
    ended() {
      if (isOver) return;
      isOver = true;
      const rest = () => (isAsking || isCutOff() ? window.setTimeout(rest, 50) : void ask(transcript.hole ?? transcript.end));
      rest();
    },
    stop() {
      isStopped = true;
      window.clearInterval(timer);
      stopTopic();
      stopLink();
      if (topic) topics.leave(topic);
    },
  };
}

/** All that is kept of it, as one text. */
export async function wholeOutput(id: string): Promise<string> {
  const parts: string[] = [];
  let end = 0;
  for (let at: number | null = 0; at !== null;) {
    const page: Page = await api<Page>('GET', pathOf(id, at));
    for (const piece of page.pieces) {
      if (piece.at > end) parts.push(`\n[cut ${piece.at - end} bytes here]\n`);
      parts.push(piece.text);
      end = piece.at + piece.bytes;
    }
    at = page.next;
  }
  return parts.join('');
}
