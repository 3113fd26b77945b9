// api: from a request to an answer, in the order of the real one: who, route, may a token, privilege,
// the node that owns it, parameters, code.

import { whoAsks } from './auth.mjs';
import { ApiError, badParameter, died, forbidden } from './errors.mjs';
import { Upgrade, WithExtra } from './extra.mjs';
import { encode } from './json.mjs';
import { check, decodeBody, decodeForm } from './schema.mjs';
import { routes as accessRoutes } from './routes_access.mjs';
import { routes as clusterRoutes } from './routes_cluster.mjs';
import { routes as consoleRoutes } from './routes_console.mjs';
import { routes as guestRoutes } from './routes_guest.mjs';
import { routes as nodeRoutes } from './routes_node.mjs';
import { routes as taskRoutes } from './routes_task.mjs';

const PREFIX = '/api2/json';
const PATH_RULES = { node: { format: 'node', needed: true }, vmid: { type: 'integer', format: 'vmid', needed: true } };

// routes: 'GET /nodes/{node}/status' → { need, anonymous, noToken, local, isProtected, since, params, code }.
function compile(tables) {
  const tree = new Map();
  for (const table of tables) {
    for (const [key, route] of Object.entries(table)) {
      const [method, path] = key.split(' ');
      const parts = path.split('/').filter(Boolean);
      let at = tree;
      for (const part of parts) {
        const slot = part.startsWith('{') ? '{}' : part;
        if (!at.has(slot)) at.set(slot, new Map());
        at = at.get(slot);
      }
      const names = parts.map((part) => (part.startsWith('{') ? part.slice(1, -1) : null));
      at.set(`:${method}`, { ...route, names, rules: { ...route.params } });
    }
  }
  return tree;
}

const TREE = compile([accessRoutes, clusterRoutes, consoleRoutes, guestRoutes, nodeRoutes, taskRoutes]);

function findRoute(method, path) {
  const parts = path.split('/').filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  let at = TREE;
  for (const part of parts) {
    // Methods stand beside the parts, after a colon.
    at = (part.startsWith(':') ? undefined : at.get(part)) ?? at.get('{}');
    if (!at) return null;
  }
  const route = at.get(`:${method}`);
  if (!route) return null;
  const found = {};
  route.names.forEach((name, i) => { if (name) found[name] = parts[i]; });
  return { route, found };
}

// What the node at the other end of the cluster answers instead of its data.
function otherNode(ctx, name) {
  const { cluster, local, lab, request } = ctx;
  if (name === 'localhost') return local;
  const node = cluster.nodes.get(name);
  if (!node) throw died(`hostname lookup '${name}' failed - failed to get address info for: ${name}: Name or service not known`);
  if (node === local) return node;
  if ('pvedisableproxy' in request.headers) throw died('proxy loop detected');
  const gone = (status, reason, after = 0) => new ApiError(status, reason, { empty: true, after });
  const peer = ['595', '596', '597', '599'].map((kind) => lab.faults.hit(node, kind, request)).find(Boolean);
  if (peer) {
    const usual = { 595: 'Connection refused', 596: 'tls_process_server_certificate: certificate verify failed',
      597: 'Connection timed out', 599: 'Too many redirections' };
    throw gone(Number(peer.kind), peer.reason ?? usual[peer.kind], peer.after ?? 0);
  }
  if (node.lostSince(local) !== null) {
    const how = node.dead?.how ?? 'noroute';
    if (how === 'timeout') throw gone(595, 'Connection timed out', lab.timing.proxy);
    throw gone(595, how === 'noroute' ? 'No route to host' : 'Connection refused');
  }
  if (lab.faults.hit(node, 'refused')) throw gone(595, 'Connection refused');
  if (lab.faults.hit(node, 'unreachable')) throw gone(595, 'Connection timed out', lab.timing.proxy);
  if (lab.faults.hit(node, 'blackhole') || lab.faults.hit(node, 'stall')) throw gone(596, 'Connection timed out', lab.timing.proxy);
  return node;
}

// Faults that answer in the place of the code.
function faulty(ctx) {
  const { lab, local, request } = ctx;
  const hit = (kind) => lab.faults.hit(local, kind, request);
  const any = hit('status');
  if (any) throw new ApiError(Number(any.status), any.reason ?? '', { empty: any.empty ?? Number(any.status) > 500, after: any.after ?? 0 });
  const unknown = hit('401');
  if (unknown) throw new ApiError(401, unknown.reason ?? (local.version.uniform401 ? 'Authentication failed!' : 'invalid token value!'), { empty: true });
  const no = hit('403');
  if (no) throw forbidden(no.where ?? '/', no.privilege ?? 'Sys.Audit');
  const broken = hit('500');
  if (broken) throw died(broken.reason ?? 'got no worker upid - start worker failed');
}

function allowed(ctx, route, found) {
  if (route.anonymous || !route.need) return;
  const [path, ...any] = route.need(found, ctx);
  if (!ctx.rights.may(ctx.auth.id, path, ...any)) throw forbidden(path, ...any);
}

async function run(ctx) {
  const { request, local } = ctx;
  const [path, query = ''] = request.target.split('?', 2);
  if (!path.startsWith(`${PREFIX}/`) && path !== PREFIX) throw new ApiError(404, 'no such file');
  const rest = path.slice(PREFIX.length) || '/';
  const hit = findRoute(request.method, rest);
  faulty(ctx);
  if (!hit?.route.anonymous) ctx.auth = whoAsks(ctx.cluster, local.version, request, local.seconds());
  if (!hit || (hit.route.since && !local.version[hit.route.since])) throw new ApiError(501, `Method '${request.method} ${rest}' not implemented`);
  const { route, found } = hit;
  if (route.noToken) {
    const token = /PVEAPIToken/.test(request.headers.authorization ?? '');
    if (ctx.auth?.token || (token && !request.headers.cookie)) {
      throw new ApiError(403, `Permission check failed (URI '${rest}' not available with API token, need proper ticket.)`);
    }
  }
  allowed(ctx, route, found);
  ctx.node = found.node === undefined || route.local ? local : otherNode(ctx, found.node);
  ctx.proxied = ctx.node !== local ? 'node' : route.isProtected || request.method !== 'GET' ? 'daemon' : null;
  ctx.version = ctx.node.version;
  const given = { ...decodeBody(request), ...decodeForm(query), ...found };
  const rules = { ...route.rules };
  for (const name of Object.keys(found)) rules[name] ??= PATH_RULES[name] ?? { needed: true };
  for (const [name, rule] of Object.entries(rules)) if (rule.since && !ctx.version[rule.since]) delete rules[name];
  ctx.params = check(rules, given);
  const rootOnly = Object.keys(ctx.params).filter((name) => rules[name].rootOnly && ctx.auth.id !== 'root@pam');
  if (rootOnly.length > 0) throw badParameter(Object.fromEntries(rootOnly.map((name) => [name, 'Only root may use this option.'])));
  if (request.method !== 'GET' && !route.quorumFree && !local.quorate()) throw died('cluster not ready - no quorum?');
  return route.code(ctx);
}

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms).unref(); });

// The answer to one request at one node; null to leave it open, { cut } to close it without a word.
export async function answer(lab, local, request) {
  lab.count.requests++;
  const told = await answerOf(lab, local, request);
  lab.remember(local, request, told?.status ?? null); // null: not a word
  return told;
}

async function answerOf(lab, local, request) {
  if (lab.faults.hit(local, 'silent', request)) return null;
  const redirect = lab.faults.hit(local, 'redirect', request);
  if (redirect) return { status: Number(redirect.status ?? 302), reason: 'Found', location: redirect.to ?? 'https://127.0.0.1:1/', body: '' };
  const ctx = { lab, local, cluster: local.cluster, rights: local.cluster.rights, request, proxied: null };
  const random = lab.random;
  try {
    const result = await run(ctx);
    if (result instanceof Upgrade) return { status: 101, upgrade: result };
    const extra = result instanceof WithExtra ? result.extra : {};
    const data = result instanceof WithExtra ? result.data : result;
    return { status: 200, reason: 'OK', body: encode({ data, ...extra }, random), proxied: ctx.proxied };
  } catch (error) {
    if (!(error instanceof ApiError)) {
      lab.complain(error);
      return { status: 500, reason: 'the lab itself failed', body: '{"data":null}' };
    }
    if (error.mute) return { cut: true };
    const delay = error.status === 401 && !error.after ? (error.quick ? 0 : lab.timing.denied) : error.after;
    if (delay > 0) await wait(delay);
    if (error.empty) return { status: error.status, reason: error.message, body: null, proxied: ctx.proxied };
    const body = { data: null };
    if (error.errors) body.errors = error.errors;
    if (local.version.message) body.message = `${error.message}\n`;
    return { status: error.status, reason: error.message.replace(/\s+$/, '').replace(/\n/g, ' '), body: encode(body, random), proxied: ctx.proxied };
  }
}
