// bus: a D-Bus of a test's own, and a manager on it that answers as it is told.
//
//   const bus = await startBus(all);
//   await bus.manage('--ok', '132', '--failed', '1');       // tests/programs/fake_systemd.c says what it takes
//   const server = await startServer(all, { env: bus.env });

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolder, root } from './server.mjs';

const fake = process.env.BINNACLE_FAKE_SYSTEMD ?? path.join(root, 'build/release/tests/fake_systemd');

/** Starts a program and waits for the first line it says. */
function ready(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it was ready`)));
    child.stdout.once('data', () => resolve(child));
  });
}

function end(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return null;
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });
}

class Bus {
  constructor() {
    this.folder = makeFolder('binnacle-bus-');
    this.address = `unix:path=${this.folder}/socket`;
    this.env = { DBUS_SYSTEM_BUS_ADDRESS: this.address };
  }

  async open() {
    const config = path.join(this.folder, 'config');
    fs.writeFileSync(config, `<busconfig><listen>${this.address}</listen><auth>EXTERNAL</auth><policy context="default">
      <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`);
    this.daemon = await ready('dbus-daemon', [`--config-file=${config}`, '--nofork', '--nopidfile', '--nosyslog', '--print-address=1']);
  }

  /** Another manager in the place of the one before. */
  async manage(...knobs) {
    await end(this.manager);
    this.manager = await ready(fake, ['--address', this.address, ...knobs]);
  }

  async close() {
    await end(this.manager);
    await end(this.daemon);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function startBus(t, { isOpen = true } = {}) {
  const bus = new Bus();
  t.after(() => bus.close());
  if (isOpen) await bus.open();
  return bus;
}
