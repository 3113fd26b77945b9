// routes_task: the tasks of a node, their state and their log.

import { WithExtra } from './extra.mjs';
import { forbidden } from './errors.mjs';
import { findTask, visible } from './tasks.mjs';

function seen({ cluster, node, params, auth }) {
  const task = findTask(cluster, node, params.upid);
  if (!visible(task, auth)) throw forbidden(`/nodes/${node.name}`, 'Sys.Audit');
  return task;
}

function list(ctx) {
  const { cluster, node, params, auth } = ctx;
  const source = params.source ?? 'archive';
  const found = cluster.tasks.filter((task) => task.node === node && visible(task, auth)
    && (source === 'all' || (source === 'active') === (task.exit === null))
    && (params.vmid === undefined || task.id === String(params.vmid))
    && (params.since === undefined || task.starttime >= params.since)
    && (params.until === undefined || task.starttime <= params.until)
    && (params.typefilter === undefined || task.type === params.typefilter)
    && (params.userfilter === undefined || task.auth.includes(params.userfilter))
    && (!params.errors || (task.exit !== null && task.exit !== 'OK')));
  found.reverse();
  const { start = 0, limit = 50 } = params;
  return new WithExtra(found.slice(start, start + limit).map((task) => task.row({ live: true })), { total: found.length });
}

function status(ctx) {
  const task = seen(ctx);
  const { upid, node, pid, pstart, starttime, type, id, user, tokenid } = task.row();
  return { upid, node, pid, pstart, starttime, type, id, user, tokenid, status: task.exit === null ? 'running' : 'stopped', exitstatus: task.exit ?? undefined };
}

// An empty log is one line that says so; limit 0 is to the end.
function log(ctx) {
  const { lines } = seen(ctx);
  const { start = 0, limit = 50 } = ctx.params;
  const page = lines.slice(start, limit === 0 ? undefined : start + limit).map((t, i) => ({ n: start + i + 1, t }));
  if (page.length === 0) page.push({ n: start + 1, t: 'no content' });
  return new WithExtra(page, { total: Math.max(1, lines.length) });
}

export const routes = {
  'GET /nodes/{node}/tasks': {
    params: {
      start: { type: 'integer', min: 0 }, limit: { type: 'integer', min: 0 }, since: { type: 'integer' }, until: { type: 'integer' }, vmid: { type: 'integer' },
      typefilter: {}, userfilter: {}, statusfilter: {}, errors: { type: 'boolean' }, source: { enum: ['archive', 'active', 'all'] },
    },
    code: list,
  },
  'GET /nodes/{node}/tasks/{upid}/status': { isProtected: true, code: status },
  'GET /nodes/{node}/tasks/{upid}/log': {
    isProtected: true,
    params: { start: { type: 'integer', min: 0 }, limit: { type: 'integer', min: 0 } },
    code: log,
  },
  'DELETE /nodes/{node}/tasks/{upid}': {
    quorumFree: true,
    code: (ctx) => {
      const task = seen(ctx);
      const { rights, auth, node } = ctx;
      if (task.auth !== auth.id && !rights.may(auth.id, `/nodes/${node.name}`, 'Sys.Modify')) throw forbidden(`/nodes/${node.name}`, 'Sys.Modify');
      task.end('received interrupt');
      return null;
    },
  },
};
