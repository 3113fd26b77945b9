// consoles: what listens on the ports 5900 to 5999 of a node after vncproxy and termproxy, until somebody comes, and what
// stands behind: the screen of a machine, a shell, an echo.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { died } from './errors.mjs';
import { Pipe } from './pipe.mjs';
import { Exact, RfbServer } from './rfb.mjs';
import { Screens } from './screens.mjs';
import { TermProxy } from './shell.mjs';
import { Task, work } from './tasks.mjs';

const FIRST = 5900;
const LAST = 5999;
const POWER = { running: 'cont', paused: 'stop' };

const on = (guest) => guest.state.status === 'running';
const nameOf = ({ guest, node }) => guest?.name ?? node.name;
// What a scenario wants behind the console of a guest: screen, echo, or { kind: 'source', … }.
const wishOf = ({ guest }) => (typeof guest?.console === 'object' ? guest.console : { kind: guest?.console ?? 'screen' });

// A folder of our own, named after this process; those of labs that were killed go.
function folderOf(parent) {
  for (const name of fs.readdirSync(parent)) {
    const pid = Number(/^binnacle-lab-(\d+)-/.exec(name)?.[1] ?? 0);
    if (pid === 0 || fs.lstatSync(path.join(parent, name), { throwIfNoEntry: false })?.uid !== process.getuid()) continue;
    try {
      process.kill(pid, 0);
    } catch {
      fs.rmSync(path.join(parent, name), { recursive: true, force: true });
    }
  }
  return fs.mkdtempSync(path.join(parent, `binnacle-lab-${process.pid}-`));
}

// One listener. state: waiting, open, ended.
class Session {
  constructor(consoles, wish) {
    Object.assign(this, wish, { consoles, state: 'waiting', pipe: null, key: `${wish.local.id}:${wish.port}` });
    this.isTerminal = this.kind === 'termproxy';
    this.ended = new Promise((resolve, reject) => { Object.assign(this, { resolve, reject }); });
    const { lab } = consoles;
    this.timer = lab.later(lab.timing.console, () => { if (this.state === 'waiting') this.#timedOut(); });
  }

  #timedOut() {
    if (!this.isTerminal) return void this.end('connection timed out');
    this.task.log('failed waiting for client: timed out');
    this.fail();
  }

  // The program behind it ended badly; `log` is what it said.
  fail(log) {
    if (log) this.task.log(log);
    const program = `/usr/bin/termproxy ${this.port} --path ${this.path} --perm ${this.guest ? 'VM' : 'Sys'}.Console --`;
    this.end(this.isTerminal ? `command '${program}' failed: exit code 1` : 'Failed to run vncproxy.');
  }

  // exit: what its task ends with.
  end(exit = 'OK') {
    if (this.state === 'ended') return;
    this.state = 'ended';
    clearTimeout(this.timer);
    this.consoles.sessions.delete(this.key);
    this.pipe?.close();
    if (exit === 'OK') this.resolve();
    else this.reject(new Error(exit));
  }

  show() {
    const { pipe, local, port, kind, guest, auth, state, upid } = this;
    return { node: local.id, port, kind, vmid: guest?.vmid ?? null, user: auth.id, state, upid, in: pipe?.taken ?? 0, out: pipe?.sent ?? 0,
      frames: pipe?.frames ?? 0, held: pipe?.held ?? false };
  }
}

export class Consoles {
  constructor(lab) {
    this.lab = lab;
    this.sessions = new Map(); // node and port → session
    this.screens = new Screens({ folder: () => this.folder(), limit: lab.scenario.screens, gone: (owner) => this.#gone(owner) });
  }

  folder() {
    this.dir ??= folderOf(os.tmpdir());
    return this.dir;
  }

  // Of one machine: the ports of another are others.
  freePort(local) {
    for (let port = FIRST; port <= LAST; port++) if (!this.sessions.has(`${local.id}:${port}`)) return port;
    throw died(`unable to find free port (${FIRST}-${LAST + 1})`);
  }

  // Opens a listener: { local, port, kind, guest, node, auth, version, path, password, verify, websocket }.
  open(wish) {
    const session = new Session(this, wish);
    this.sessions.set(session.key, session);
    session.task = new Task(wish.local, wish.guest ? 'vncproxy' : 'vncshell', wish.guest?.vmid ?? '', wish.auth);
    session.upid = work(session.task, () => session.ended);
    // Whoever asks for a console will look: the machine starts now.
    const looks = !session.isTerminal && (!wish.guest || on(wish.guest)) && wishOf(session).kind === 'screen';
    if (looks && this.screens.real) this.screens.of(wish.guest ?? wish.node).catch(() => {});
    return session;
  }

  // The listener at a port of this node, which takes one connection; null if nobody listens.
  take(local, port) {
    const session = this.sessions.get(`${local.id}:${port}`);
    if (session?.state !== 'waiting') return null;
    session.state = 'open';
    clearTimeout(session.timer);
    return session;
  }

  // Joins the connection of a client, whose bytes after the head are `rest`, with what stands behind the listener.
  join(session, socket, rest) {
    const { guest, local } = session;
    const { faults, timing, random } = this.lab;
    const fault = guest ? faults.hitGuest(guest, 'console') : faults.hit(local, 'console');
    session.pipe = new Pipe(socket, { fault, random, idle: session.isTerminal ? timing.terminal : 0, text: session.isTerminal, closed: () => session.end() });
    const behind = session.isTerminal ? this.#terminal(session, fault) : this.#picture(session, fault);
    behind.then((upstream) => session.pipe.attach(upstream, rest), (error) => session.fail(error.message));
  }

  // Throws what the program behind says before it ends.
  async #picture(session, fault) {
    const { guest, node, local, version, password } = session;
    // Without websocket=1 there is a password or TLS that nobody at this end of the pipe speaks.
    if (!session.websocket && !version.vncPassword) throw new Error('LC_PVE_TICKET not set, VNC proxy without password is forbidden');
    // A TLS server that waits for its client.
    if (!session.websocket) return new Exact();
    if (node.lostSince(local) !== null) throw new Error(`ssh: connect to host ${node.ip} port 22: No route to host`);
    if (guest && !on(guest)) throw new Error(`VM ${guest.vmid} not running`);
    const wish = wishOf(session);
    const played = ['greeting', 'password'].includes(fault?.how);
    if (wish.kind === 'screen' && this.screens.real && !played) return (await this.screens.of(guest ?? node)).look(password);
    return new RfbServer({ password, after: wish.kind === 'screen' ? { kind: 'picture' } : wish, fault, name: nameOf(session) });
  }

  async #terminal(session, fault) {
    const { guest, verify } = session;
    const { timing } = this.lab;
    const failed = (why) => session.fail(why);
    return new TermProxy({ program: await this.#program(session), fault, folder: this.folder(), denied: timing.denied, patience: timing.console, verify, failed });
  }

  // What runs on the terminal: `qm terminal`, `lxc-console`, `login`.
  async #program(session) {
    const { guest, auth, node, local } = session;
    const wish = wishOf(session);
    const name = nameOf(session);
    const shell = this.lab.shell ? 'shell' : 'toy';
    if (wish.kind !== 'screen') return wish;
    if (node.lostSince(local) !== null) return { kind: 'words', text: `ssh: connect to host ${node.ip} port 22: No route to host\r\n` };
    if (!guest) return auth.id === 'root@pam' ? { kind: shell, name } : { kind: 'login', name, then: [shell, 'lab-root'] };
    if (guest.type === 'lxc') return on(guest) ? { kind: shell, name } : { kind: 'words', text: `lxc-console: ${guest.vmid}: ${guest.vmid} is not running\r\n` };
    if (!guest.serial) return { kind: 'words', text: 'unable to find a serial interface\r\n' };
    if (!on(guest)) return { kind: 'words', text: `VM ${guest.vmid} not running\r\n` };
    if (!this.screens.real) return { kind: 'toy', name };
    const stream = await (await this.screens.of(guest)).listen();
    return { kind: 'stream', stream };
  }

  // The guest is in another state: its machine follows.
  follow(guest) {
    const { qmp } = guest.state;
    const done = POWER[qmp] ? this.screens.command(guest, POWER[qmp]) : this.screens.stop(guest);
    done.catch(() => {});
    if (!POWER[qmp]) this.end(guest);
  }

  // reboot: Proxmox VE shuts the guest down and starts it again, which is another process: who looks has to look again.
  reboot(guest) {
    this.screens.stop(guest).catch(() => {});
    this.end(guest);
  }

  // reset: the machine begins anew, and who looks goes on looking.
  reset(guest) {
    this.screens.command(guest, 'system_reset').catch(() => {});
  }

  // Switched off from inside, or crashed.
  #gone(owner) {
    if (!this.lab.over && owner.state && on(owner)) owner.enter('stopped');
  }

  // All consoles of a guest end: it has gone to another node, or away.
  end(guest) {
    for (const session of [...this.sessions.values()]) if (session.guest === guest && session.state === 'open') session.end();
  }

  ofGuest(guest) {
    return [...this.sessions.values()].filter((session) => session.guest === guest && session.state === 'open');
  }

  show() {
    return [...this.sessions.values()].map((session) => session.show());
  }

  async close() {
    for (const session of [...this.sessions.values()]) session.end();
    await this.screens.close();
    if (this.dir) fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
