// tasks: workers with their UPID, a log that grows line by line, and an end.

import { badParameter } from './errors.mjs';

const KEEP = 500; // tasks of one cluster
const RECENT = 25; // of one node in the list of the cluster
const UPID = /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/;

const hex8 = (n) => (n >>> 0).toString(16).toUpperCase().padStart(8, '0');

export class Task {
  constructor(node, type, id, auth, starttime = node.seconds()) {
    const { cluster } = node;
    const { lab } = cluster;
    Object.assign(this, { node, type, id: String(id), auth: auth.id, user: auth.user, token: auth.token });
    this.pid = 1000 + cluster.random.int(4_000_000);
    this.pstart = Math.floor((lab.now() - node.bootedAt) / 10);
    this.starttime = starttime;
    this.endtime = null;
    this.exit = null; // text when it ended
    this.lines = [];
    const pstart = this.pstart.toString(16).toUpperCase().padStart(8, '0');
    const escaped = this.id.replace(/:/g, '\\x3a');
    this.upid = `UPID:${node.name}:${hex8(this.pid)}:${pstart}:${hex8(this.starttime)}:${type}:${escaped}:${this.auth}:`;
    this.ended = new Promise((resolve) => { this.resolve = resolve; });
    cluster.tasks.push(this);
    if (cluster.tasks.length > KEEP) cluster.tasks.shift();
  }

  log(text) {
    if (this.exit === null) this.lines.push(text);
  }

  // exit: OK, "WARNINGS: 2" or what went wrong.
  end(exit = 'OK') {
    if (this.exit !== null) return;
    const warnings = /^WARNINGS: (\d+)$/.exec(exit);
    if (exit !== 'unexpected status') this.log(exit === 'OK' ? 'TASK OK' : warnings ? `TASK WARNINGS: ${warnings[1]}` : `TASK ERROR: ${exit}`);
    this.endtime = this.node.seconds();
    this.exit = exit;
    this.resolve(exit);
  }

  row({ live = false } = {}) {
    const row = { upid: this.upid, node: this.node.name, pid: this.pid, pstart: this.pstart, starttime: this.starttime, type: this.type, id: this.id,
      user: this.user, tokenid: this.token };
    if (this.exit !== null) Object.assign(row, { endtime: this.endtime, status: this.exit });
    else if (live) row.status = 'RUNNING';
    return row;
  }
}

// A token sees what it started, a user what he and his tokens started, an auditor of the node all.
export function visible(task, auth) {
  const { rights } = task.node.cluster;
  if (rights.may(auth.id, `/nodes/${task.node.name}`, 'Sys.Audit')) return true;
  return auth.token ? task.auth === auth.id : task.user === auth.user;
}

export function clusterTasks(cluster, auth) {
  const rows = [];
  for (const node of cluster.nodes.values()) {
    const recent = cluster.tasks.filter((task) => task.node === node).slice(-RECENT);
    for (const task of recent) {
      if (!visible(task, auth)) continue;
      const { pid, pstart, ...row } = task.row();
      rows.push({ ...row, saved: task.exit === null ? undefined : '1' });
    }
  }
  return cluster.lab.random.shuffle(rows);
}

export function findTask(cluster, node, upid) {
  if (!UPID.test(upid)) throw badParameter({ upid: 'unable to parse worker upid' });
  const task = cluster.tasks.find((t) => t.upid === upid && t.node === node);
  if (!task) throw badParameter({ upid: 'no such task' });
  return task;
}

// Starts a worker: `steps` is an async function that logs, waits and throws; its end is the task's.
export function work(task, steps) {
  const { lab } = task.node.cluster;
  const run = async () => {
    try {
      await steps(task);
      task.end('OK');
    } catch (error) {
      task.end(error.exit ?? error.message);
    }
  };
  run().catch((error) => lab.complain(error));
  return task.upid;
}

// Thrown by steps to end with warnings.
export class Warnings extends Error {
  constructor(count) {
    super('warnings');
    this.exit = `WARNINGS: ${count}`;
  }
}
