// routes_access: version, login, realms, permissions.

import { login, makeCsrf, makeTicket } from './auth.mjs';
import { ApiError } from './errors.mjs';

const LOGIN = {
  username: { needed: true, length: 64 }, password: { needed: true }, realm: { length: 32 }, otp: {}, 'tfa-challenge': {},
  'new-format': { type: 'boolean' }, path: {}, privs: {},
};

export const routes = {
  'GET /version': {
    code: ({ version }) => ({
      version: version.full, release: version.release, repoid: version.repoid, ...(version.strings ? { keyboard: 'en-us' } : {}),
    }),
  },
  'GET /access/domains': {
    anonymous: true,
    code: () => [
      { realm: 'pam', type: 'pam', comment: 'Linux PAM standard authentication' },
      { realm: 'pve', type: 'pve', comment: 'Proxmox VE authentication server' },
    ],
  },
  'GET /access/ticket': { anonymous: true, code: () => null },
  'POST /access/ticket': {
    anonymous: true,
    noToken: true,
    isProtected: true,
    quorumFree: true,
    params: LOGIN,
    code: ({ cluster, local, params, rights }) => {
      const name = params.realm && !params.username.includes('@') ? `${params.username}@${params.realm}` : params.username;
      const user = login(cluster, name, params.password, local.seconds());
      return {
        username: user,
        ticket: makeTicket(cluster, user, local.seconds()),
        CSRFPreventionToken: makeCsrf(cluster, user, local.seconds()),
        cap: rights.capabilities(user),
        ...(cluster.name ? { clustername: cluster.name } : {}),
      };
    },
  },
  'PUT /access/password': {
    noToken: true,
    isProtected: true,
    params: { userid: { needed: true }, password: { needed: true, length: 64 } },
    code: ({ auth, params, rights }) => {
      if (auth.id !== 'root@pam' && auth.id !== params.userid) throw new ApiError(403, 'Permission check failed (user != root@pam)');
      const user = rights.users.get(params.userid);
      if (!user) throw new ApiError(500, `no such user ('${params.userid}')`);
      user.password = params.password;
      return null;
    },
  },
  'GET /access/permissions': {
    params: { path: {}, userid: {} },
    code: ({ auth, params, rights }) => {
      const id = params.userid ?? auth.id;
      if (id !== auth.id && !rights.may(auth.id, '/access', 'Sys.Audit')) {
        throw new ApiError(403, 'Permission check failed (/access, Sys.Audit)');
      }
      return params.path ? { [params.path]: Object.fromEntries(rights.on(id, params.path)) } : rights.table(id);
    },
  },
};
