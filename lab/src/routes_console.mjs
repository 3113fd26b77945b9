// routes_console: tickets of consoles. Nobody listens behind them yet: an upgrade is closed without a
// word, as the real one does when its listener is dead.

import { consoleTicketHolds, makeTicket } from './auth.mjs';
import { ApiError } from './errors.mjs';
import { guestOf } from './routes_guest.mjs';
import { Task, work } from './tasks.mjs';

const need = ({ vmid }) => [`/vms/${vmid}`, 'VM.Console'];
const FIRST = 5900;

// Since April 2026 the port is part of the ticket and a password stands before it.
function bound(version, path, port) {
  return version.vncPassword ? `${path}:${port}` : path;
}

// Both kinds are a task called vncproxy.
function proxy(type, kind) {
  return (ctx) => {
    const { cluster, local, lab, auth, version, params } = ctx;
    const guest = guestOf(ctx, type);
    const port = FIRST + (cluster.consoles = ((cluster.consoles ?? -1) + 1) % 100);
    const task = new Task(local, 'vncproxy', guest.vmid, auth);
    const upid = work(task, async () => {
      await lab.sleep(lab.timing.console);
      throw new Error('connection timed out');
    });
    const path = `/vms/${guest.vmid}`;
    const plain = makeTicket(cluster, auth.id, local.seconds(), 'PVEVNC', bound(version, path, port));
    const password = Array.from({ length: 8 }, () => String.fromCharCode(0x21 + cluster.random.int(0x40))).join('');
    const answer = { user: auth.id, upid, ticket: version.vncPassword ? `${password}:${plain}` : plain, port: version.strings || version.lxcText ? String(port) : port };
    if (kind === 'vncproxy') answer.cert = local.certificate.cert;
    if (kind === 'vncproxy' && (version.vncPassword || params['generate-password'])) answer.password = password;
    return answer;
  };
}

function websocket(ctx) {
  const { cluster, local, auth, params, version, request } = ctx;
  const path = `/vms/${params.vmid}`;
  if (!consoleTicketHolds(cluster, params.vncticket, auth.id, bound(version, path, params.port), local.seconds())) {
    throw Object.assign(new ApiError(401, 'permission denied - invalid PVEVNC ticket'), { quick: true });
  }
  if (request.headers.upgrade) throw Object.assign(new ApiError(595, 'Connection refused', { empty: true }), { mute: true });
  return { port: String(params.port) };
}

function tableOf(type) {
  const one = `/nodes/{node}/${type}/{vmid}`;
  return {
    [`POST ${one}/vncproxy`]: {
      need, local: true, isProtected: true,
      params: { websocket: { type: 'boolean' }, 'generate-password': { type: 'boolean' }, width: { type: 'integer' }, height: { type: 'integer' } },
      code: (ctx) => proxy(type, 'vncproxy')(onOwner(ctx)),
    },
    [`POST ${one}/termproxy`]: { need, local: true, isProtected: true, params: { serial: {} }, code: (ctx) => proxy(type, 'termproxy')(onOwner(ctx)) },
    [`GET ${one}/vncwebsocket`]: {
      need, local: true,
      params: { vncticket: { needed: true, length: 512 }, port: { type: 'integer', needed: true, min: FIRST, max: 5999 } },
      code: websocket,
    },
  };
}

// The listener opens where one asks; the guest may live elsewhere.
function onOwner(ctx) {
  return { ...ctx, node: ctx.cluster.nodes.get(ctx.params.node) ?? ctx.local };
}

export const routes = { ...tableOf('qemu'), ...tableOf('lxc') };
