// shell: termproxy (pve-xtermjs, termproxy/src/main.rs): a line with user and ticket, "OK", then a program on a terminal.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Exact, echo, endless } from './rfb.mjs';

const TERMINAL = fileURLToPath(new URL('./terminal.py', import.meta.url));
const PYTHON = '/usr/bin/python3';
const LINE = 4096; // bytes of the first line: the buffer of the real one

// `verify(user, ticket)` answers null or why not; `program`: { kind, … }: shell, toy and login (with a name, and what it lets into by which password), echo,
// source, words (that it says before it ends) and stream (the serial port of a machine).
export class TermProxy extends Exact {
  constructor({ verify, program, folder, denied, patience, failed, fault = null }) {
    super();
    Object.assign(this, { verify, program, folder, denied, failed, fault, queue: Buffer.alloc(0), remaining: 0 });
    this.timer = setTimeout(() => this.#refuse('failed reading ticket: timed out'), patience);
    this.on('close', () => {
      clearTimeout(this.timer);
      this.child?.stdin.destroy();
      this.program.stream?.destroy();
    });
  }

  * script() {
    let line = '';
    while (!line.endsWith('\n')) {
      line += (yield 1).toString('latin1');
      if (line.length >= LINE) return void this.#refuse('authentication data is incomplete');
    }
    const colon = line.indexOf(':');
    if (colon < 0) return void this.#refuse('authentication data is invalid');
    const wrong = this.fault?.how === 'password' ? this.fault.text ?? '401 permission denied' : this.verify(line.slice(0, colon), line.slice(colon + 1, -1));
    // Its own question of the daemon is refused after the three seconds of every 401.
    if (wrong) return void setTimeout(() => this.#refuse(`invalid authentication - ${wrong}`), this.denied).unref();
    clearTimeout(this.timer);
    this.say(Buffer.from(this.fault?.how === 'greeting' ? this.fault.text ?? 'NO' : 'OK'));
    const { kind, text, stream } = this.program;
    if (kind === 'source') endless(this, this.program);
    else if (kind === 'words') {
      this.say(Buffer.from(text));
      this.hangUp();
    } else if (kind === 'stream') this.#joins(stream, stream);
    else if (kind !== 'echo') this.#start();
  }

  #refuse(why) {
    if (this.over) return;
    this.hangUp();
    this.failed(why);
  }

  #start() {
    const { kind, name, then } = this.program;
    this.child = spawn(PYTHON, [TERMINAL, kind, name, ...(then ?? [])], { cwd: this.folder, stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.on('error', (error) => this.#refuse(error.message));
    this.#joins(this.child.stdin, this.child.stdout);
  }

  // What is typed goes there, what comes from here is shown.
  #joins(typed, shown) {
    this.typed = typed;
    typed.on('error', () => {});
    shown.on('data', (chunk) => { if (!this.push(chunk)) shown.pause(); });
    this.more = () => shown.resume();
    shown.on('end', () => this.hangUp());
    shown.on('close', () => this.hangUp());
  }

  #command(letter, bytes) {
    if (this.program.kind === 'stream') return letter !== 'd' || this.typed.write(bytes);
    const head = letter === 'd' ? Buffer.alloc(5) : Buffer.alloc(1);
    head.write(letter, 0);
    if (letter === 'd') head.writeUInt32BE(bytes.length, 1);
    return this.typed.write(Buffer.concat([head, bytes]));
  }

  rest(chunk, done) {
    if (this.program.kind === 'echo') return void echo(this, chunk, done);
    if (!this.typed) return void done();
    this.queue = Buffer.concat([this.queue, chunk]);
    let room = true;
    for (;;) {
      if (this.remaining === 0 && !this.#message()) break;
      const data = this.queue.subarray(0, this.remaining);
      if (data.length === 0) break;
      this.queue = this.queue.subarray(data.length);
      this.remaining -= data.length;
      room = this.#command('d', data);
    }
    if (room || this.typed.destroyed) return void done();
    // The program may end instead of reading.
    const { typed } = this;
    const go = () => {
      typed.off('drain', go).off('close', go);
      done();
    };
    typed.on('drain', go).on('close', go);
  }

  // Up to the next piece of input; as forgetful as the real one: a head of a message that is cut is lost.
  #message() {
    while (this.queue.length >= 2) {
      const type = String.fromCharCode(this.queue[0]);
      if (type !== '0' && type !== '1') {
        this.queue = this.queue.subarray(1);
        continue;
      }
      this.queue = this.queue.subarray(2);
      const first = this.#number();
      if (first === null) continue;
      if (type === '0') {
        this.remaining = first;
        if (first > 0) return true;
        continue;
      }
      const second = this.#number();
      if (second === null) continue;
      const size = Buffer.alloc(4);
      size.writeUInt16BE(first & 0xffff, 0);
      size.writeUInt16BE(second & 0xffff, 2);
      this.#command('r', size);
    }
    return false;
  }

  #number() {
    for (;;) {
      const colon = this.queue.indexOf(0x3a);
      if (colon >= 0) {
        const text = this.queue.toString('latin1', 0, colon);
        this.queue = this.queue.subarray(colon + 1);
        return /^\d{1,9}$/.test(text) ? Number(text) : null;
      }
      if (this.queue.length <= 20) return null;
      this.queue = this.queue.subarray(20);
    }
  }
}
