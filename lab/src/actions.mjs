// actions: start, stop and the rest, with their checks, tasks and durations.
//
// Success of the request means that a worker was started; what comes of it is the end of the task.

import { died } from './errors.mjs';
import { Task, Warnings, work } from './tasks.mjs';

// Milliseconds that a task takes, as recorded; timing.tasks scales them.
const TAKES = {
  qmstart: 1500, qmstop: 1000, qmshutdown: 3000, qmreboot: 3500, qmreset: 300, qmpause: 300, qmsuspend: 4000, qmresume: 400,
  vzstart: 1000, vzstop: 800, vzshutdown: 2000, vzreboot: 2500, vzsuspend: 1500, vzresume: 800,
};
const ROOT = { id: 'root@pam', user: 'root@pam' };

const nameOf = (guest) => (guest.type === 'qemu' ? 'VM' : 'CT');
const running = (guest) => guest.state.status === 'running';
const paused = (guest) => guest.state.qmp === 'paused';
const onDisk = (guest) => guest.state.qmp === 'suspended';

// Refusals of the request itself.
const notRunning = (guest) => { if (!running(guest)) throw died(`VM ${guest.vmid} not running`); };
const ctRunning = (guest) => { if (running(guest)) throw died(`CT ${guest.vmid} already running`); };
const ctStopped = (guest) => { if (!running(guest)) throw died(`CT ${guest.vmid} not running`); };
const noPaused = (guest, params) => { if (paused(guest) && !params.forceStop) throw died('VM is paused - cannot shutdown'); };

const shutDown = { params: { timeout: { type: 'integer', min: 0 }, forceStop: { type: 'boolean' }, keepActive: { type: 'boolean', rootOnly: true } } };
const lock = { skiplock: { type: 'boolean', rootOnly: true } };
const overrule = { 'overrule-shutdown': { type: 'boolean', since: 'overrule' } };
const timeout = { timeout: { type: 'integer', min: 0 } };

// Each verb: the type of its task, the check before, what the worker does.
const QEMU = {
  start: { type: 'qmstart', ha: 'start', params: { ...timeout, ...lock }, steps: startGuest },
  stop: { type: 'qmstop', ha: 'stop', params: { ...timeout, ...lock, ...overrule, keepActive: { type: 'boolean', rootOnly: true } }, steps: stopGuest },
  shutdown: { type: 'qmshutdown', ha: 'stop', params: { ...shutDown.params, ...lock }, before: noPaused, steps: stopGuest },
  reboot: { type: 'qmreboot', params: timeout, before: (guest) => { noPaused(guest, {}); notRunning(guest); }, steps: rebootGuest },
  reset: { type: 'qmreset', params: lock, before: notRunning, steps: resetGuest },
  suspend: { type: 'qmpause', params: { todisk: { type: 'boolean' }, statestorage: {}, ...lock }, before: suspendable, steps: suspendGuest },
  resume: { type: 'qmresume', params: { nocheck: { type: 'boolean' }, ...lock }, before: (guest) => { if (!onDisk(guest)) notRunning(guest); }, steps: resumeGuest },
};
const LXC = {
  start: { type: 'vzstart', ha: 'start', params: { debug: { type: 'boolean' }, ...lock }, before: ctRunning, steps: startGuest },
  stop: { type: 'vzstop', ha: 'stop', params: { ...lock, ...overrule }, before: ctStopped, steps: stopGuest },
  shutdown: { type: 'vzshutdown', ha: 'stop', params: { ...timeout, forceStop: { type: 'boolean' } }, before: ctStopped, steps: stopGuest },
  reboot: { type: 'vzreboot', params: timeout, before: notRunning, steps: rebootGuest },
  suspend: { type: 'vzsuspend', params: lock, before: ctStopped, steps: () => { throw new Error('checkpoint failed: CRIU said no'); } },
  resume: { type: 'vzresume', params: lock, before: ctRunning, steps: startGuest },
};
export const VERBS = { qemu: QEMU, lxc: LXC };

function suspendable(guest, params) {
  notRunning(guest);
  if (params.todisk && guest.ha) throw died('Cannot suspend HA managed VM to disk');
}

function startGuest(task, guest) {
  if (guest.template) throw new Error(`you can't start a ${guest.type === 'qemu' ? 'vm' : 'CT'} if it's a template`);
  if (running(guest)) throw new Error(`${nameOf(guest)} ${guest.vmid} already running`);
  // Logs of the real one hold control bytes, too.
  if (guest.type === 'qemu') task.log(`generating cloud-init ISO\b\b\b ${guest.vmid}`);
  guest.lock = guest.lock === 'suspended' ? undefined : guest.lock;
  guest.enter('running', undefined, guest.cluster.lab.now());
}

function stopGuest(task, guest) {
  if (running(guest)) guest.enter('stopped');
}

function resetGuest(task, guest) {
  guest.enter('running');
  guest.cluster.lab.consoles.reset(guest);
}

function rebootGuest(task, guest) {
  task.log(`Requesting reboot of ${nameOf(guest)} ${guest.vmid}`);
  guest.enter('running', undefined, guest.cluster.lab.now());
  guest.cluster.lab.consoles.reboot(guest);
}

function suspendGuest(task, guest, params) {
  if (!params.todisk) {
    guest.enter('paused');
    return;
  }
  task.log('State saved, quitting');
  guest.enter('suspended');
  guest.lock = 'suspended';
}

function resumeGuest(task, guest) {
  if (onDisk(guest)) startGuest(task, guest);
  else guest.enter('running');
}

// One worker of a guest after the other, as its lock file wants it.
function perform(guest, verb, type, auth, params) {
  const { lab } = guest.cluster;
  const task = new Task(guest.node, type, guest.vmid, auth);
  const before = guest.busy;
  const steps = async () => {
    await before;
    if (guest.lock && !params.skiplock && !(guest.lock === 'suspended' && ['start', 'resume'].includes(verb))) {
      throw new Error(`${nameOf(guest)} is locked (${guest.lock})`);
    }
    const took = TAKES[type] * lab.timing.tasks;
    task.log(`${type}: ${guest.type}/${guest.vmid}`);
    await lab.sleep(took / 2);
    const failing = lab.faults.hitGuest(guest, 'taskfail');
    if (failing) throw new Error(failing.text ?? 'start failed: QEMU exited with code 1');
    const killed = lab.faults.hitGuest(guest, 'taskkilled');
    if (killed) return void task.end('unexpected status');
    const hanging = lab.faults.hitGuest(guest, 'taskhang');
    if (hanging) return void await task.ended;
    await lab.sleep(took / 2);
    if (task.exit !== null) return;
    if (!guest.cluster.guests.has(guest.vmid)) throw new Error(`Configuration file '${guest.config}' does not exist`);
    VERBS[guest.type][verb].steps(task, guest, params);
    const warning = lab.faults.hitGuest(guest, 'taskwarn');
    if (!warning) return;
    for (let i = 0; i < (warning.warnings ?? 1); i++) task.log(`WARN: ${warning.text ?? 'iothread is only valid with virtio disk'}`);
    throw new Warnings(warning.warnings ?? 1);
  };
  const upid = work(task, steps);
  guest.busy = task.ended;
  return upid;
}

// The manager takes the wish at once and acts when it gets to it.
function viaManager(guest, verb, wish, auth, params) {
  const { lab } = guest.cluster;
  const task = new Task(guest.node, wish === 'start' ? 'hastart' : 'hastop', guest.vmid, auth);
  guest.ha.state = wish === 'start' ? 'started' : 'stopped';
  lab.later(lab.timing.ha, () => {
    if (running(guest) !== (wish === 'start')) perform(guest, verb === 'shutdown' ? 'shutdown' : wish, VERBS[guest.type][verb].type, ROOT, params);
  });
  return work(task, async () => {
    task.log(`Requesting HA ${wish} for ${nameOf(guest)} ${guest.vmid}`);
    await lab.sleep(200 * lab.timing.tasks);
  });
}

// The UPID of a verb on a guest.
export function act(guest, verb, auth, params) {
  const action = VERBS[guest.type][verb];
  if (guest.ha && action.ha) return viaManager(guest, verb, action.ha, auth, params);
  action.before?.(guest, params);
  const type = verb === 'suspend' && params.todisk ? 'qmsuspend' : action.type;
  return perform(guest, verb, type, auth, params);
}
