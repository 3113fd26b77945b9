// search: which of many things people mean by a few words; 20,000 of them answer while a key is still down.

interface Doc<T> {
  of: T;
  text: string; // its name, in small letters
  rest: string; // what else finds it
}

export interface Hit<T> {
  of: T;
  score: number;
}

const isWordStart = (text: string, at: number): boolean => at > 0 && !/[a-z0-9]/.test(text[at - 1]!);

/** Where the word begins a word of the text, else where it stands at all. */
function scoreOf(text: string, rest: string, word: string): number {
  let at = text.indexOf(word);
  if (at === 0) return text.length === word.length ? 9 : 8;
  if (at > 0) {
    for (let i = at; i > 0; i = text.indexOf(word, i + 1)) if (isWordStart(text, i)) return 5;
    return 3;
  }
  at = rest.indexOf(word);
  if (at < 0) return 0;
  const end = rest[at + word.length];
  return (at === 0 || rest[at - 1] === ' ') && (end === undefined || end === ' ') ? 4 : 1; // a whole word: a number, a node
}

export class Index<T> {
  private docs: Doc<T>[];

  constructor(items: Iterable<T>, read: (item: T) => { text: string; rest: string }) {
    this.docs = [];
    for (const of of items) {
      const { text, rest } = read(of);
      this.docs.push({ of, text: text.toLowerCase(), rest: rest.toLowerCase() });
    }
  }

  get size(): number {
    return this.docs.length;
  }

  /** The best, best first; equals in the order in which they came. Every word must be found. */
  find(words: readonly string[], limit: number): Hit<T>[] {
    const byScore = new Map<number, T[]>(); // each no longer than what can be shown
    for (const doc of this.docs) {
      let score = 1;
      for (const word of words) {
        const part = scoreOf(doc.text, doc.rest, word);
        if (part === 0) {
          score = 0;
          break;
        }
        score += part;
      }
      if (score === 0) continue;
      const same = byScore.get(score);
      if (!same) byScore.set(score, [doc.of]);
      else if (same.length < limit) same.push(doc.of);
    }
    return [...byScore].sort((a, b) => b[0] - a[0]).flatMap(([score, list]) => list.map((of) => ({ of, score }))).slice(0, limit);
  }
}

/** "start web" means web, to be started; null where the first word is no verb or stands alone. */
export function verbOf<V extends string>(words: readonly string[], verbs: readonly V[]): { verb: V; words: string[] } | null {
  const first = words[0] ?? '';
  const rest = words.slice(1);
  const verb = first.length < 3 ? undefined : verbs.find((v) => v.startsWith(first));
  return verb && rest.length > 0 ? { verb, words: rest } : null;
}

export const wordsOf = (query: string): string[] => query.toLowerCase().split(/\s+/).filter(Boolean);
