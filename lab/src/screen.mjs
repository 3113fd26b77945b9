// screen: a QEMU per guest, started when somebody looks, with the machine of guest.s in it.

import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL('./guest.s', import.meta.url));
const QEMU = 'qemu-system-x86_64';
const DISK = 64 * 1024;
const NAME_AT = 512;
const NAME_ROOM = 63;
const SERIAL_KEPT = 64 * 1024;
const STARTS_WITHIN = 30_000; // ms until its monitor answers: a busy machine of two cores takes a while
const MEMORY = 4; // MB: the least with which its BIOS starts

export function found(program) {
  return (process.env.PATH ?? '').split(path.delimiter).some((dir) => fs.existsSync(path.join(dir, program)));
}

// What is needed for it: elsewhere than on x86 the assembler speaks another language.
export const hasQemu = () => process.arch === 'x64' && [QEMU, 'as', 'ld'].every(found);

// The machine of guest.s, assembled.
export async function assemble(folder) {
  const [object, image] = [path.join(folder, 'guest.o'), path.join(folder, 'guest.bin')];
  await run('as', ['--32', SOURCE, '-o', object]);
  await run('ld', ['-m', 'elf_i386', '-Ttext', '0x7c00', '--oformat', 'binary', '-e', 'start', object, '-o', image]);
  return fs.readFileSync(image);
}

// A socket that somebody is about to listen on.
async function connect(file, until) {
  for (;;) {
    const socket = net.connect(file);
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (open) return socket.on('error', () => socket.destroy());
    if (Date.now() > until()) throw new Error(`nobody listens at ${path.basename(file)}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

// One question after the other to the monitor.
class Monitor {
  constructor(socket) {
    this.socket = socket;
    this.text = '';
    this.waiting = [];
    socket.setEncoding('utf8');
    socket.on('data', (part) => this.#data(part));
    socket.on('close', () => this.waiting.splice(0).forEach(({ reject }) => reject(new Error('the monitor has gone'))));
  }

  #data(part) {
    const lines = (this.text + part).split('\n');
    this.text = lines.pop();
    for (const line of lines) {
      const said = JSON.parse(line);
      if (!('return' in said) && !('error' in said)) continue;
      const { resolve, reject } = this.waiting.shift();
      if ('error' in said) reject(new Error(said.error.desc));
      else resolve(said.return);
    }
  }

  ask(execute, more = {}) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.socket.write(`${JSON.stringify({ execute, arguments: more })}\n`);
    });
  }
}

export class Screen {
  // gone(): it ended without being asked to.
  constructor({ folder, image, name, gone }) {
    Object.assign(this, { folder, name, gone });
    this.sockets = new Set();
    this.over = false;
    this.startedAt = Date.now();
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const disk = Buffer.alloc(DISK);
    image.copy(disk);
    Buffer.from(name.replace(/[^ -~]/g, '?')).subarray(0, NAME_ROOM).copy(disk, NAME_AT);
    fs.writeFileSync(path.join(folder, 'disk'), disk);
    this.ended = new Promise((resolve) => { this.resolve = resolve; });
    this.#spawn();
    this.ready = this.#begin();
    this.ready.catch(() => {});
  }

  get pid() {
    return this.child.pid;
  }

  #file(name) {
    return path.join(this.folder, name);
  }

  #spawn() {
    const socket = (id, more = '') => ['-chardev', `socket,id=${id},path=${id},server=on,wait=off${more}`];
    const name = this.name.replaceAll(',', ',,');
    const args = ['-name', name, '-nodefaults', '-no-user-config', '-machine', 'pc,accel=tcg,usb=off', '-m', String(MEMORY), '-vga', 'std', '-display', 'none',
      '-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny', '-vnc', 'unix:vnc,password=on', '-drive', 'file=disk,format=raw,if=ide',
      ...socket('serial', ',logfile=serial.log'), '-serial', 'chardev:serial', ...socket('monitor'), '-mon', 'chardev=monitor,mode=control'];
    // It ends with the lab, however that ends.
    const [program, ...before] = found('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', QEMU] : [QEMU];
    this.child = spawn(program, [...before, ...args], { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.complaint = '';
    this.child.stderr.on('data', (part) => { this.complaint = `${this.complaint}${part}`.slice(-2000); });
    const over = () => {
      const asked = this.over;
      this.over = true;
      for (const each of this.sockets) each.destroy();
      this.resolve();
      if (!asked) this.gone(this);
    };
    this.child.once('exit', over).once('error', over);
  }

  async #begin() {
    const until = () => (this.over ? 0 : this.startedAt + STARTS_WITHIN);
    try {
      this.monitor = new Monitor(await connect(this.#file('monitor'), until));
    } catch (error) {
      throw new Error(`${error.message} ${this.complaint}`);
    }
    await this.monitor.ask('qmp_capabilities');
  }

  // A connection to its picture. As `qm vncproxy` does: the password first, which holds 30 seconds.
  async look(password) {
    await this.ready;
    await this.monitor.ask('set_password', { protocol: 'vnc', password });
    await this.monitor.ask('expire_password', { protocol: 'vnc', time: '+30' });
    return this.#keep(await connect(this.#file('vnc'), () => 0));
  }

  // A connection to its serial port.
  async listen() {
    await this.ready;
    return this.#keep(await connect(this.#file('serial'), () => 0));
  }

  #keep(socket) {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    return socket;
  }

  async command(name) {
    await this.ready;
    await this.monitor.ask(name);
  }

  // What it has written to its serial port, from its first byte or the last ones.
  serial() {
    try {
      return fs.readFileSync(this.#file('serial.log'), 'latin1').slice(-SERIAL_KEPT);
    } catch {
      return '';
    }
  }

  // By its own pid; answers when it has gone.
  async stop() {
    if (!this.over) {
      this.over = true;
      this.child.kill('SIGKILL');
    }
    await this.ended;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
