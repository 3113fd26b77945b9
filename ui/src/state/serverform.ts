// serverform: what the form of a server judges before the server does, with the server's own rules.

export const PORT = 8006;
export const TIMEOUT = { min: 5, max: 120, step: 5, usual: 10 } as const; // seconds

const PREFIX = 'PVEAPIToken=';
const SECRET_LENGTH = 36; // of the secrets Proxmox VE makes

/** As it is pasted from a header or with spaces around, without what is not the token's. */
export function bareToken(text: string): string {
  const bare = text.trim();
  return bare.startsWith(PREFIX) ? bare.slice(PREFIX.length) : bare;
}

/** Why a token cannot be one, or null: the rule of src/model/token.c. */
export function tokenProblem(text: string): string | null {
  const token = bareToken(text);
  const form = 'The form is `USER@REALM!TOKENID=SECRET`.';
  if (token === '') return `The API token is needed. ${form}`;
  if (/^[\w.-]+@[\w.-]+![\w.-]+=[\w-]+$/.test(token)) return null;
  if (/\s/.test(token)) return `There is a space inside the token. ${form}`;
  if (!token.includes('@')) return `The user has no realm, like \`root@pam\`. ${form}`;
  if (!token.includes('!')) return `The name of the token is missing after the realm: \`!TOKENID\`. ${form}`;
  if (!token.includes('=')) return `The secret is missing after the name: \`=SECRET\`. ${form}`;
  return `A character does not belong there: letters, digits, \`.\`, \`_\` and \`-\` do. ${form}`;
}

/** What makes a token of the right form look wrong all the same. */
export function tokenDoubt(text: string): string | null {
  const secret = bareToken(text).split('=')[1] ?? '';
  if (tokenProblem(text) !== null || secret.length >= SECRET_LENGTH || !/^[0-9a-f-]{20,}$/i.test(secret)) return null;
  return `It looks as if the secret was cut: ${secret.length} characters, ${SECRET_LENGTH} expected.`;
}

export interface Place {
  host: string;
  port: string | null; // null: not said
}

/** "https://pve1:8006/#v1" as it is copied from a browser, "pve1:8006", "[fd00::1]:8006", "fd00::1". */
export function splitHost(text: string): Place {
  const bare = text.trim().replace(/^https?:\/\//i, '').replace(/[/?#].*$/, '');
  const six = /^\[([^\]]*)\](?::(\d+))?$/.exec(bare);
  if (six) return { host: six[1]!, port: six[2] ?? null };
  const one = /^([^:]*):(\d+)$/.exec(bare);
  return one ? { host: one[1]!, port: one[2]! } : { host: bare, port: null };
}

/** Why that cannot be a port, or null. */
export function portProblem(text: string): string | null {
  const ok = /^\d{1,5}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 65535;
  return ok ? null : 'A port is a number from 1 to 65535. Proxmox VE listens on 8006.';
}

/** What to type on the shell of a Proxmox VE node; the last line shows the secret once. */
export const PVEUM: readonly string[] = [
  'pveum user add binnacle@pve --comment "Binnacle"',
  'pveum acl modify / --users binnacle@pve --roles PVEAuditor',
  'pveum acl modify /vms --users binnacle@pve --roles PVEVMUser',
  'pveum user token add binnacle@pve binnacle --privsep 0',
];

/** What shows a server's own certificate, to compare. */
export const SHOW_FINGERPRINT = 'openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem';
