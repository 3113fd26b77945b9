// sshd: openssh-server on loopback with a home, keys and programs of its own: a service manager of one service
// whose behaviour the test sets, sudo, a journal, and a dialogue like that of Cisco Voice OS.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { makeFolder, until } from './server.mjs';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((file) => fs.existsSync(file));

/** What stands in the folder `bin`; $STATE holds a file for each wish of the test. */
const PROGRAMS = {
  systemctl: `#!/bin/sh
verb= unit=
for word in "$@"; do
  case $word in --*) ;; show | restart | status) verb=$word ;; *) unit=$word ;; esac
done
said() { cat "$STATE/$1" 2>/dev/null || echo "$2"; }
echo "$verb $unit" >>"$STATE/calls"
case $verb in
show)
  load=loaded
  [ "$unit" = nginx.service ] || load=not-found
  if [ -f "$STATE/loops" ]; then n=$(($(said restarts 0) + 1)); echo $n >"$STATE/restarts"; fi
  printf 'LoadState=%s\\nActiveState=%s\\nSubState=%s\\nResult=%s\\nNRestarts=%s\\nExecMainStatus=%s\\n' \\
    $load "$(said active active)" "$(said sub running)" "$(said result success)" "$(said restarts 0)" "$(said status 0)" ;;
restart)
  trap 'echo "$unit" >>"$STATE/over"' EXIT
  echo "Stopping $unit"
  sleep "$(said slow 0.3)"
  while [ -f "$STATE/holds" ]; do sleep 0.1; done
  n=0
  while [ -f "$STATE/drips" ]; do n=$((n + 1)); echo "line $n$(said drips)"; sleep 0.1; done
  [ ! -f "$STATE/stays" ] || tail -f -n 0 --pid "$(cat "$STATE/stays")" "$STATE/stays"
  [ ! -f "$STATE/flood" ] || yes 'what a busy program writes, line after line, all day long' | head -c "$(said flood 0)"
  echo "Started $unit"
  [ ! -f "$STATE/fails" ] || { echo "Job for $unit failed" >&2; exit 1; } ;;
status)
  [ "$unit" = nginx.service ] || { echo "Unit $unit could not be found." >&2; exit 4; }
  printf '\\342\\227\\217 %s - a web server\\n     Active: %s\\n' "$unit" "$(said active active)"
  [ "$(said active active)" = active ] || exit 3 ;;
esac
`,
  journalctl: `#!/bin/sh
echo "journal" >>"$STATE/calls"
[ ! -f "$STATE/stays" ] || exec tail -f -n 0 --pid "$(cat "$STATE/stays")" "$STATE/journal"
echo "2026-11-28T23:00:00+0000 web3 nginx[1]: bind() to 0.0.0.0:80 failed (98: Address already in use)"
`,
  sudo: `#!/bin/sh
[ "$1" != -n ] || shift
[ ! -f "$STATE/nosudo" ] || { echo "sudo: a password is required" >&2; exit 1; }
[ "$1" != -l ] || exit 0
exec "$@"
`,
  vos: `#!/bin/sh
said() { cat "$STATE/$1" 2>/dev/null || echo "$2"; }
echo 'Command Line Interface is starting up, please wait ...'
sleep "$(said slow 0.2)"
printf '\\n   Welcome to the Platform Command Line Interface\\n\\nVMware Installation:\\n  ERROR count 0\\n\\n'
[ ! -f "$STATE/hangs" ] || sleep 1000
printf 'admin:'
while read -r line; do
  echo "$line" >>"$STATE/calls"
  case $line in
  'utils service restart '*)
    name=\${line#utils service restart }
    printf 'Do not press Ctrl+C while the service is restarting.\\n%s[STOPPING]\\n' "$name"
    sleep 0.3
    [ ! -f "$STATE/cut" ] || kill -9 $PPID
    [ ! -f "$STATE/fails" ] || { printf '%s[FAILED]\\n' "$name"; printf 'admin:'; continue; }
    printf '%s[STARTING]\\n' "$name"
    sleep 0.3
    printf '%s[STARTED]\\n' "$name" ;;
  'utils service list') printf 'Cisco Tomcat[STARTED]\\nA Cisco DB[STARTED]\\n' ;;
  '') ;;
  *) printf 'Executed command unsuccessfully\\n' ;;
  esac
  printf 'admin:'
done
`,
};

export function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Sshd {
  constructor(dir, port, options) {
    this.dir = dir;
    this.port = port;
    this.options = options;
    this.log = '';
  }

  file(...parts) {
    return path.join(this.dir, ...parts);
  }

  /** What the programs do from now on: set('slow', '6'), set('fails'), set('fails', null). */
  set(name, value = '') {
    if (value === null) fs.rmSync(this.file('state', name), { force: true });
    else fs.writeFileSync(this.file('state', name), String(value));
  }

  /** What the programs were called with, line by line. */
  calls() {
    const file = this.file('state', 'calls');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  }

  /** How many restarts have come to their end there. */
  get over() {
    const file = this.file('state', 'over');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).length : 0;
  }

  newHostKey() {
    for (const file of ['host', 'host.pub']) fs.rmSync(this.file(file), { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', this.file('host')]);
  }

  get fingerprint() {
    return execFileSync('ssh-keygen', ['-lf', this.file('host.pub')]).toString().split(' ')[1];
  }

  get key() {
    return fs.readFileSync(this.file('user'), 'utf8');
  }

  async start() {
    fs.writeFileSync(this.file('config'), [
      ...(this.options.lines ?? []).map((line) => line.replaceAll('$DIR', this.dir)), // first, for the first word counts
      `Port ${this.port}`, 'ListenAddress 127.0.0.1', `HostKey ${this.file('host')}`,
      `AuthorizedKeysFile ${this.file('user.pub')}`, 'StrictModes no', 'PidFile none', 'UsePAM no', 'LogLevel VERBOSE',
      'PasswordAuthentication no', 'MaxStartups 500', 'MaxSessions 20', 'PrintMotd no', 'PrintLastLog no',
      `SetEnv PATH=${this.file('bin')}:/usr/bin:/bin STATE=${this.file('state')} HOME=${this.file('home')}`,
      '',
    ].join('\n'));
    fs.mkdirSync('/run/sshd', { recursive: true });
    const words = [...(this.options.wrap ?? []), SSHD, '-D', '-e', '-f', this.file('config')];
    this.child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.stderr.on('data', (piece) => { this.log += piece; });
    this.exited = new Promise((resolve) => { this.child.on('exit', resolve); });
    await until('sshd to listen', () => new Promise((resolve) => {
      const probe = net.connect(this.port, '127.0.0.1', () => { probe.destroy(); resolve(true); });
      probe.on('error', () => resolve(false));
    }));
    return this;
  }

  /** Its sessions, by pid. */
  sessions() {
    try {
      return fs.readFileSync(`/proc/${this.child.pid}/task/${this.child.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  }

  /** Every link is lost; what runs on its own goes on. */
  cut() {
    for (const pid of this.sessions()) process.kill(pid, 'SIGKILL');
  }

  async stop() {
    if (!this.child) return;
    this.cut();
    this.child.kill('SIGKILL');
    await this.exited;
    this.child = null;
  }
}

/** An sshd that ends with the test. lines: more of its configuration, $DIR its folder; wrap: words before its own. */
export async function startSshd(t, options = {}) {
  const dir = makeFolder('binnacle-sshd-');
  const sshd = new Sshd(dir, await freePort(), options);
  for (const folder of ['bin', 'state', 'home']) fs.mkdirSync(path.join(dir, folder));
  for (const [name, text] of Object.entries(PROGRAMS)) fs.writeFileSync(path.join(dir, 'bin', name), text, { mode: 0o755 });
  sshd.newHostKey();
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(dir, 'user')]);
  await sshd.start();
  t.after(async () => {
    await sshd.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  });
  return sshd;
}
