// extra: answers that are more than "data": other fields at the top, or another protocol.

export class WithExtra {
  constructor(data, extra) {
    this.data = data;
    this.extra = extra;
  }
}

// The 101 of a WebSocket: the head of the answer, and what then happens on the connection.
export class Upgrade {
  // take(socket, rest): rest are the bytes that came with the request.
  constructor(head, take) {
    this.head = head;
    this.take = take;
  }
}
