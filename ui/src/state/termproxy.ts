// termproxy: what a terminal of Proxmox VE takes: input with its length, its size, and a sign of life (PVE-API 9.4).

const utf8 = new TextEncoder();

const PIECE = 8192; // bytes of one message: a server takes 64 KiB, and what is pasted can be as long as one likes

function framed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = utf8.encode(`0:${bytes.length}:`);
  const out = new Uint8Array(head.length + bytes.length);
  out.set(head);
  out.set(bytes, head.length);
  return out;
}

/** Input as messages; the length counts bytes, and no letter is cut. */
export function inputOf(text: string): Uint8Array<ArrayBuffer>[] {
  const bytes = utf8.encode(text);
  const out: Uint8Array<ArrayBuffer>[] = [];
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(from + PIECE, bytes.length);
    while (to < bytes.length && (bytes[to]! & 0xc0) === 0x80) to -= 1;
    out.push(framed(bytes.subarray(from, to)));
    from = to;
  }
  return out;
}

/** What a terminal reports as bytes, not letters: the old forms of mouse reports. */
export function binaryOf(text: string): Uint8Array<ArrayBuffer> {
  return framed(Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff));
}

export const sizeOf = (cols: number, rows: number): Uint8Array<ArrayBuffer> => utf8.encode(`1:${cols}:${rows}:`);

export const ALIVE: Uint8Array<ArrayBuffer> = utf8.encode('2');
export const ALIVE_MS = 30_000;
