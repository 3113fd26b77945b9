// extra: an answer with more than "data" at its top.

export class WithExtra {
  constructor(data, extra) {
    this.data = data;
    this.extra = extra;
  }
}
