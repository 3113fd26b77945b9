// auth: who asks. Tokens, tickets and the protection against forged requests.

import crypto from 'node:crypto';
import { ApiError } from './errors.mjs';

const LIFETIME = 2 * 3600;

// 256 bytes that only this cluster can make, as long as the signature of a real ticket.
function signature(cluster, text) {
  const parts = [];
  for (let i = 0; i < 8; i++) parts.push(crypto.createHmac('sha256', cluster.secret).update(`${i}:${text}`).digest());
  return Buffer.concat(parts).toString('base64');
}

const hexTime = (seconds) => Math.floor(seconds).toString(16).toUpperCase().padStart(8, '0');

export function makeTicket(cluster, user, seconds, prefix = 'PVE', bound = '') {
  const plain = prefix === 'PVE' ? `PVE:${user}:${hexTime(seconds)}` : `${prefix}:${hexTime(seconds)}`;
  return `${plain}::${signature(cluster, `${plain}:${user}:${bound}`)}`;
}

// The user of a ticket, or null.
export function ticketUser(cluster, ticket, seconds) {
  const match = /^PVE:([^:\s]+):([0-9A-F]{8})::/.exec(ticket);
  if (!match) return null;
  const at = parseInt(match[2], 16);
  if (makeTicket(cluster, match[1], at) !== ticket) return null;
  const age = seconds - at;
  return age > -300 && age < LIFETIME ? match[1] : null;
}

// A console ticket holds 40 seconds, and 20 before its time.
export function consoleTicketHolds(cluster, ticket, user, bound, seconds) {
  const plain = ticket.replace(/^[!-`]{8}:(?=PVEVNC:)/, '');
  const match = /^PVEVNC:([0-9A-F]{8})::/.exec(plain);
  if (!match) return false;
  const at = parseInt(match[1], 16);
  const age = seconds - at;
  return makeTicket(cluster, user, at, 'PVEVNC', bound) === plain && age > -20 && age < 40;
}

export function makeCsrf(cluster, user, seconds) {
  const time = hexTime(seconds);
  const mac = crypto.createHmac('sha256', cluster.secret).update(`${time}:${user}`).digest('base64').replace(/=+$/, '');
  return `${time}:${mac}`;
}

function csrfHolds(cluster, user, token, seconds) {
  const match = /^([0-9A-F]{8}):/.exec(token ?? '');
  if (!match) return false;
  const at = parseInt(match[1], 16);
  return makeCsrf(cluster, user, at) === token && seconds - at > -300 && seconds - at < LIFETIME;
}

function denied(version, reason) {
  return new ApiError(401, version.uniform401 ? 'Authentication failed!' : reason, { empty: true });
}

function userHolds(rights, id, seconds) {
  const user = rights.users.get(id);
  if (!user) return `no such user ('${id}')`;
  if (!user.enabled) return `user '${id}' is disabled`;
  if (user.expire && user.expire < seconds) return `user '${id}' access expired`;
  return null;
}

function byToken(cluster, version, value, seconds) {
  const fail = (reason) => denied(version, reason);
  let plain = value;
  try {
    plain = decodeURIComponent(value);
  } catch {
    // Not escaped after all.
  }
  const match = /^([^\s:/]+@[A-Za-z0-9.\-_]+)!([A-Za-z][A-Za-z0-9.\-_]+)=(.*)$/.exec(plain);
  if (!match) throw fail('no tokenid specified');
  const [, user, name, secret] = match;
  const { rights } = cluster;
  const wrong = userHolds(rights, user, seconds);
  if (wrong) throw fail(wrong);
  const id = `${user}!${name}`;
  const token = rights.tokens.get(id);
  if (!token) throw fail(`no such token '${name}' for user '${user}'`);
  if (token.expire && token.expire < seconds) throw fail(`token '${name}' access expired`);
  if (token.secret !== secret) throw fail('invalid token value!');
  return { id, user, token: name };
}

function cookieOf(header) {
  const match = /(?:^|\s|;)PVEAuthCookie=([^;]*)/.exec(header ?? '');
  if (!match) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}

// { id, user, token? } of a request, or an ApiError. A cookie wins over a token.
export function whoAsks(cluster, version, request, seconds) {
  const cookie = cookieOf(request.headers.cookie);
  if (cookie !== null) {
    const user = ticketUser(cluster, cookie, seconds);
    if (!user || userHolds(cluster.rights, user, seconds)) throw denied(version, 'permission denied - invalid PVE ticket');
    if (request.method !== 'GET' && !csrfHolds(cluster, user, request.headers.csrfpreventiontoken, seconds)) {
      throw new ApiError(401, 'Permission denied - invalid csrf token', { empty: true });
    }
    return { id: user, user };
  }
  const match = /(?:^|\s)PVEAPIToken(?:=| )([^;]*)/.exec(request.headers.authorization ?? '');
  if (!match) throw new ApiError(401, 'No ticket', { empty: true });
  return byToken(cluster, version, match[1], seconds);
}

// The user of a password, or an ApiError. A ticket is as good as a password.
export function login(cluster, user, password, seconds) {
  const known = cluster.rights.users.get(user);
  const renewed = ticketUser(cluster, password, seconds) === user;
  if (!known || userHolds(cluster.rights, user, seconds) || !(renewed || (known.password !== null && known.password === password))) {
    throw new ApiError(401, 'authentication failure');
  }
  return user;
}
