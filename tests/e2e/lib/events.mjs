// events: a strict reader of an event stream (WHATWG HTML section 9.2) for a test.

import assert from 'node:assert/strict';
import http from 'node:http';

export class EventStream {
  /** Opens target on 127.0.0.1 and reads until close(); events are { id, event, data }. `connect`: a socket for it. */
  static open(port, target, headers, connect) {
    const stream = new EventStream();
    stream.events = [];
    stream.comments = 0;
    stream.rest = '';
    stream.id = '';
    stream.fields = {};
    stream.ended = false;
    return new Promise((resolve, reject) => {
      stream.request = http.get({ host: '127.0.0.1', port, path: target, headers, ...(connect ? { createConnection: connect } : { agent: false }) }, (answer) => {
        stream.status = answer.statusCode;
        stream.headers = answer.headers;
        answer.setEncoding('utf8');
        answer.on('data', (piece) => stream.feed(piece));
        answer.on('error', () => { stream.ended = true; });
        answer.on('end', () => { stream.ended = true; });
        resolve(stream);
      });
      stream.request.on('error', (error) => { stream.ended = true; reject(error); });
    });
  }

  feed(piece) {
    const lines = (this.rest + piece).split('\n');
    this.rest = lines.pop();
    for (const line of lines) this.line(line);
  }

  line(line) {
    if (line === '') {
      if ('id' in this.fields) this.id = this.fields.id;
      if ('data' in this.fields) this.events.push({ id: this.id, event: this.fields.event, data: this.fields.data });
      this.fields = {};
      return;
    }
    if (line.startsWith(':')) {
      this.comments++;
      return;
    }
    const field = /^(id|event|data|retry): (.*)$/.exec(line);
    assert.ok(field, `no field: ${JSON.stringify(line.slice(0, 100))}`);
    if (field[1] === 'retry') this.retry = Number(field[2]);
    else this.fields[field[1]] = field[1] === 'data' && 'data' in this.fields ? `${this.fields.data}\n${field[2]}` : field[2];
  }

  close() {
    this.request.destroy();
  }
}
