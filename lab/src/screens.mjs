// screens: which machines run: started when somebody looks, at most so many, and following the power of their guests.

import path from 'node:path';
import { Screen, assemble, hasQemu } from './screen.mjs';

const AT_ONCE = 8; // the one that was looked at longest ago makes room

export class Screens {
  // gone(owner): its machine has ended by itself.
  constructor({ folder, limit = AT_ONCE, gone }) {
    Object.assign(this, { folder, limit, gone });
    this.real = hasQemu();
    this.running = new Map(); // guest or node → { screen, ready, lookedAt }
    this.count = 0;
    this.over = false;
  }

  // The machine of a guest or node, started if need be.
  async of(owner) {
    let found = this.running.get(owner);
    if (!found) {
      found = { screen: null, lookedAt: 0 };
      this.running.set(owner, found);
      found.ready = this.#start(owner, found);
      found.ready.catch(() => this.#forget(owner, found));
    }
    found.lookedAt = ++this.count;
    return found.ready;
  }

  #forget(owner, found) {
    if (this.running.get(owner) === found) this.running.delete(owner);
  }

  async #start(owner, found) {
    await this.#makeRoom(owner);
    this.image ??= assemble(this.folder());
    const image = await this.image;
    // Stopped in the meantime.
    if (this.over || this.running.get(owner) !== found) throw new Error('the machine has gone');
    const folder = path.join(this.folder(), `m${++this.count}`);
    const gone = () => {
      this.#forget(owner, found);
      this.gone(owner);
    };
    found.screen = new Screen({ folder, image, name: owner.name, gone });
    try {
      await found.screen.ready;
    } catch (error) {
      await found.screen.stop();
      throw error;
    }
    return found.screen;
  }

  async #makeRoom(owner) {
    if (this.running.size <= this.limit) return;
    const others = [...this.running].filter(([other, found]) => other !== owner && found.screen);
    const idle = others.filter(([, { screen }]) => screen.sockets.size === 0).sort(([, a], [, b]) => a.lookedAt - b.lookedAt);
    if (idle.length === 0) throw new Error(`the lab runs ${this.limit} machines at most, and somebody looks at each`);
    await this.stop(idle[0][0]);
  }

  async stop(owner) {
    const found = this.running.get(owner);
    if (!found) return;
    this.running.delete(owner);
    await found.screen?.stop();
  }

  // reset, pause or continue: what the monitor calls system_reset, stop and cont.
  async command(owner, name) {
    const found = this.running.get(owner);
    if (found) await (await found.ready).command(name);
  }

  // For tests: what runs, and what it wrote to its serial port.
  show(owner) {
    const screen = this.running.get(owner)?.screen;
    if (!screen) return { running: false };
    return { running: !screen.over, pid: screen.pid, viewers: screen.sockets.size, serial: screen.serial() };
  }

  async close() {
    this.over = true;
    await this.image?.catch(() => {});
    await Promise.all([...this.running.keys()].map((owner) => this.stop(owner)));
  }
}
