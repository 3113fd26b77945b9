// random: numbers that look random and are the same for the same seed.

// Mixes two 32-bit numbers into one.
export function hash(a, b = 0) {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

export function hashText(text, seed = 0) {
  let h = seed >>> 0;
  for (let i = 0; i < text.length; i++) h = hash(h, text.charCodeAt(i));
  return h;
}

// One number of [0, 1) for the k-th question about a thing.
export const unit = (seed, k) => hash(seed, k) / 4294967296;

export class Random {
  constructor(seed) {
    this.state = seed >>> 0 || 1;
  }

  // xorshift32: cheap enough to shuffle every key of every answer.
  next32() {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state;
  }

  next() {
    return this.next32() / 4294967296;
  }

  int(n) {
    return Math.floor(this.next() * n);
  }

  pick(list) {
    return list[this.int(list.length)];
  }

  // In place; answers the list.
  shuffle(list) {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.next32() % (i + 1);
      const kept = list[i];
      list[i] = list[j];
      list[j] = kept;
    }
    return list;
  }

  hex(n) {
    let text = '';
    while (text.length < n) text += this.next32().toString(16).padStart(8, '0');
    return text.slice(0, n);
  }

  uuid() {
    const h = this.hex(32);
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`;
  }
}
