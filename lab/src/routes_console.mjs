// routes_console: tickets of consoles, and the WebSocket through which their bytes go.
//
// None of these is handed on to the node in its path: the listener opens at the machine that was asked, and that reaches the
// other one by ssh. So the second request must go to the same machine as the first.

import { consoleTicketHolds, makeTicket } from './auth.mjs';
import { ApiError, died } from './errors.mjs';
import { Upgrade } from './extra.mjs';
import { guestOf } from './routes_guest.mjs';
import { switching } from './websocket.mjs';

const needGuest = ({ vmid }) => [`/vms/${vmid}`, 'VM.Console'];
const needNode = ({ node }) => [`/nodes/${node}`, 'Sys.Console'];
const SIZES = { width: { type: 'integer', min: 16, max: 4096 }, height: { type: 'integer', min: 16, max: 2160 } };
const COMMAND = { cmd: { enum: ['upgrade', 'ceph_install', 'login'] }, 'cmd-opts': {} };
const LOOK = { vncticket: { needed: true, length: 512 }, port: { type: 'integer', needed: true, min: 5900, max: 5999 } };

// Since April 2026 the port is part of the ticket.
const bound = (version, path, port) => (version.vncPassword ? `${path}:${port}` : path);

// Eight characters from "!" to "`".
const makePassword = (random) => Array.from({ length: 8 }, () => String.fromCharCode(0x21 + random.int(0x40))).join('');

// Why the first line of termproxy is refused, or null. Before April 2026 it asked /access/ticket, which knows
// users and no tokens, so that "OK" never came (pve-xtermjs, termproxy/src/main.rs: authenticate; PVE-API 9.5).
function verifier({ cluster, version, auth, local }, path, port) {
  const allowed = path.startsWith('/nodes/') ? version.nodeToken : version.vncPassword;
  return (user, ticket) => {
    if (auth.token && !allowed) return '401 authentication failure';
    const holds = user === auth.id && consoleTicketHolds(cluster, ticket, user, bound(version, path, port), local.seconds());
    return holds ? null : '401 permission denied - invalid PVEVNC ticket';
  };
}

function open(ctx, { kind, guest = null, node, path, websocket }) {
  const { cluster, local, lab, auth, params } = ctx;
  // The machine that was asked makes the ticket: its version counts.
  const { version } = local;
  const port = lab.consoles.freePort(local);
  const plain = makeTicket(cluster, auth.id, local.seconds(), 'PVEVNC', bound(version, path, port));
  const picture = kind !== 'termproxy';
  const generated = picture && (version.vncPassword || params['generate-password']) ? makePassword(cluster.random) : null;
  const ticket = generated && version.vncPassword ? `${generated}:${plain}` : plain;
  const { upid } = lab.consoles.open({ local, port, kind, guest, node, auth, version, path, websocket, password: generated ?? plain.slice(0, 8),
    verify: verifier({ ...ctx, version }, path, port) });
  const answer = { user: auth.id, upid, ticket, port: version.strings || version.lxcText ? String(port) : port };
  if (picture) answer.cert = local.certificate.cert;
  if (generated && !(guest && lab.faults.hitGuest(guest, 'nopassword'))) answer.password = generated;
  return answer;
}

const guestConsole = (type, kind) => (ctx) => {
  const node = ctx.cluster.nodes.get(ctx.params.node) ?? ctx.local;
  const guest = guestOf({ ...ctx, node }, type);
  return open(ctx, { kind, guest, node, path: `/vms/${guest.vmid}`, websocket: Boolean(ctx.params.websocket) });
};

// Shells of nodes were made for users of PAM; a token is none (PVE-API 9.5).
const nodeConsole = (kind) => (ctx) => {
  const { auth, local, params } = ctx;
  const { version } = local;
  if (auth.token && !(kind === 'termproxy' && version.nodeToken)) throw died(`value '${auth.id}' does not look like a valid user name`);
  if (!version.kernel && !auth.user.endsWith('@pam')) throw new ApiError(403, 'Permission check failed (realm != pam)');
  if (params.cmd && auth.id !== 'root@pam') throw new ApiError(403, 'Permission check failed (user != root@pam)');
  const node = ctx.cluster.nodes.get(params.node) ?? local;
  return open(ctx, { kind, node, path: `/nodes/${node.name}`, websocket: Boolean(params.websocket) });
};

// Without an upgrade the answer says whether the ticket is good, and the listener waits on.
const websocket = (pathOf, type) => (ctx) => {
  const { cluster, local, auth, params, request, lab } = ctx;
  const { version } = local;
  const path = pathOf(params);
  if (!consoleTicketHolds(cluster, params.vncticket, auth.id, bound(version, path, params.port), local.seconds())) {
    throw Object.assign(new ApiError(401, 'permission denied - invalid PVEVNC ticket'), { quick: true });
  }
  if (type === 'qemu') guestOf({ ...ctx, node: cluster.nodes.get(params.node) ?? local }, type);
  if (!request.headers.upgrade) return { port: String(params.port) };
  const head = switching(request, { strict: version.strings });
  const session = lab.consoles.take(local, params.port);
  // Nobody listens there: the real one dies where it should answer.
  if (!session) throw Object.assign(new ApiError(595, 'Connection refused', { empty: true }), { mute: true });
  return new Upgrade(head, (socket, rest) => lab.consoles.join(session, socket, rest));
};

function tableOf(type) {
  const one = `/nodes/{node}/${type}/{vmid}`;
  const own = type === 'qemu' ? {} : SIZES;
  return {
    [`POST ${one}/vncproxy`]: {
      need: needGuest, local: true, isProtected: true,
      params: { websocket: { type: 'boolean' }, ...(type === 'qemu' ? { 'generate-password': { type: 'boolean' } } : {}), ...own },
      code: guestConsole(type, 'vncproxy'),
    },
    [`POST ${one}/termproxy`]: {
      need: needGuest, local: true, isProtected: true,
      params: type === 'qemu' ? { serial: { enum: ['serial0', 'serial1', 'serial2', 'serial3'] } } : {},
      code: guestConsole(type, 'termproxy'),
    },
    [`GET ${one}/vncwebsocket`]: { need: needGuest, local: true, params: LOOK, code: websocket(({ vmid }) => `/vms/${vmid}`, type) },
  };
}

export const routes = {
  ...tableOf('qemu'),
  ...tableOf('lxc'),
  'POST /nodes/{node}/vncshell': {
    need: needNode, local: true, isProtected: true, params: { websocket: { type: 'boolean' }, ...SIZES, ...COMMAND }, code: nodeConsole('vncshell'),
  },
  'POST /nodes/{node}/termproxy': { need: needNode, local: true, isProtected: true, params: COMMAND, code: nodeConsole('termproxy') },
  'GET /nodes/{node}/vncwebsocket': { need: needNode, local: true, params: LOOK, code: websocket(({ node }) => `/nodes/${node}`) },
};
