// own: a name inside a sentence, which must not turn the words around it.
//
// Text is laid out from right to left by its letters, and by marks that may stand in any name: one that is never closed
// turns the rest of the sentence, so that "a (100) on b" reads as another machine. Elements that hold a name alone are
// isolated by their style; where a name is a part of a text, it is put between the marks of Unicode for that.

const TURNS = /[\u0590-\u08FF\u200E\u200F\u202A-\u202E\u2066-\u2069\uFB1D-\uFDFF\uFE70-\uFEFC]|[\uD802\uD803\uD83A\uD83B]/;

/** The same letters; isolated, also where its own isolates are not closed or are closed too often. Others come back as they are. */
export function own(name: string): string {
  if (!TURNS.test(name)) return name;
  let open = 0;
  let out = '\u2068';
  for (const c of name) {
    if (c === '\u2069' && open === 0) continue; // would end ours
    if (c === '\u2069') open -= 1;
    else if (c >= '\u2066' && c <= '\u2068') open += 1;
    out += c;
  }
  return out + '\u2069'.repeat(open + 1);
}

/** "NAME (100) on SERVER", as the server says what an operation is about. */
export function ownSubject(subject: string): string {
  if (!TURNS.test(subject)) return subject;
  const m = /^([^]*) \((\d+)\) on ([^]*)$/.exec(subject);
  return m ? `${own(m[1]!)} (${m[2]}) on ${own(m[3]!)}` : own(subject);
}
