// output: what a command wrote, put together from pieces that come by two ways; head and tail stay, and what lies between is known by the offsets.

export interface Piece {
  at: number;    // offset of its first byte, as it came
  bytes: number; // as they came; the text is what can be shown of them
  text: string;
}

export interface Block {
  at: number;
  end: number;
  text: string;
  isCut: boolean; // what is missing before it is gone for good, and not on its way
}

export const HEAD_CHARS = 128 * 1024;
export const TAIL_CHARS = 512 * 1024;
const BLOCK_CHARS = 4096;

export class Transcript {
  blocks: Block[] = [];
  private chars = 0;

  get end(): number {
    return this.blocks.at(-1)?.end ?? 0;
  }

  /** Where to ask for what the live pieces left out; null when nothing is missing. */
  get hole(): number | null {
    const i = this.blocks.findIndex((block, n) => !block.isCut && block.at > (this.blocks[n - 1]?.end ?? 0));
    return i < 0 ? null : this.blocks[i - 1]?.end ?? 0;
  }

  /** A piece as it is told while the command runs: what it leaves out may still be asked for. */
  tell(piece: Piece): void {
    if (piece.at + piece.bytes <= this.end && this.blocks.length > 0) return;
    if (piece.at < this.end) return; // begins within what is known: asking brings the rest
    this.append(piece, false);
    this.shorten();
  }

  /** Pieces as the server keeps them, from that offset on: what they leave out is gone. Later ones that are known stay behind them. */
  take(from: number, pieces: readonly Piece[]): void {
    const till = pieces.length > 0 ? pieces.at(-1)!.at + pieces.at(-1)!.bytes : from;
    const later = this.blocks.filter((block) => block.at >= till && block.at >= from);
    const kept = this.blocks.filter((block) => block.at < from);
    this.blocks = kept;
    this.chars = kept.reduce((sum, block) => sum + block.text.length, 0);
    for (const piece of pieces) {
      if (piece.at >= this.end) this.append(piece, true);
    }
    for (const block of later) {
      this.blocks.push(block);
      this.chars += block.text.length;
    }
    this.shorten();
  }

  private append(piece: Piece, isCut: boolean): void {
    const last = this.blocks.at(-1);
    this.chars += piece.text.length;
    if (last && last.end === piece.at && last.text.length + piece.text.length <= BLOCK_CHARS) {
      this.blocks[this.blocks.length - 1] = { ...last, end: piece.at + piece.bytes, text: last.text + piece.text };
    } else {
      this.blocks.push({ at: piece.at, end: piece.at + piece.bytes, text: piece.text, isCut });
    }
  }

  private shorten(): void {
    if (this.chars <= HEAD_CHARS + TAIL_CHARS) return;
    let head = 0;
    let first = 0; // behind the head
    while (first < this.blocks.length && !(first > 0 && gapBefore(this.blocks, first) > 0) && head + this.blocks[first]!.text.length <= HEAD_CHARS) head += this.blocks[first++]!.text.length;
    // What lies between the head and another cut goes with it: one cut is said, not two.
    const cut = this.blocks.findIndex((block, i) => i > first && block.isCut && gapBefore(this.blocks, i) > 0);
    let to = first;
    while (to < this.blocks.length - 1 && (to < cut || this.chars > HEAD_CHARS + TAIL_CHARS)) this.chars -= this.blocks[to++]!.text.length;
    const next = this.blocks[to]!;
    this.blocks = [...this.blocks.slice(0, first), { ...next, isCut: true }, ...this.blocks.slice(to + 1)];
  }
}

/** How many bytes are missing before each block. */
export function gapBefore(blocks: readonly Block[], i: number): number {
  return blocks[i]!.at - (blocks[i - 1]?.end ?? 0);
}
