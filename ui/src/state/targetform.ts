// targetform: what is typed about an SSH target, judged before it is sent, and as the server takes it. Knows no page.

import type { Target } from '../model.gen';

export type AuthKind = 'password' | 'key';
export type Platform = 'systemd' | 'vos' | 'custom';

export interface TargetForm {
  name: string;
  host: string;
  port: string;
  username: string;
  kind: AuthKind;
  password: string;
  privateKey: string;
  passphrase: string;
  jumpId: string; // "": directly
  platform: Platform;
  sudo: boolean;
  service: string;
  command: string;
  success: string;
  failure: string;
  prompt: string;
  isActive: boolean;
  allowsCommands: boolean;
  tags: string;
  site: string;
  notes: string;
}

export function formOf(t: Target | null): TargetForm {
  return {
    name: t?.name ?? '', host: t?.host ?? '', port: String(t?.port ?? 22), username: t?.username ?? '',
    kind: t?.auth?.kind ?? 'key', password: '', privateKey: '', passphrase: '', jumpId: t?.jump_id ?? '',
    platform: t?.platform ?? 'systemd', sudo: t?.sudo ?? true, service: t?.service ?? '',
    command: t?.custom?.command ?? '', success: t?.custom?.success ?? '', failure: t?.custom?.failure ?? '', prompt: t?.custom?.prompt ?? '',
    isActive: t?.is_active ?? true, allowsCommands: t?.allows_commands ?? false, tags: t?.tags ?? '', site: t?.site ?? '', notes: t?.notes ?? '',
  };
}

/** What was pasted as one: "ssh -p 2222 root@web3", "ssh://ops@web3:2222", "root@web3", "web3:2222", "[fe80::1]:22". */
export function splitLogin(text: string): { host: string; port: string | null; username: string | null } {
  let rest = text.trim();
  let port: string | null = null;
  let username: string | null = null;
  rest = rest.replace(/^ssh\s+/i, '').replace(/^ssh:\/\//i, '').replace(/\/.*$/, '');
  rest = rest.replace(/(?:^|\s)-p\s*(\d+)(?=\s|$)/, (_, p: string) => ((port = p), ' ')).replace(/(?:^|\s)-l\s*(\S+)(?=\s|$)/, (_, u: string) => ((username = u), ' ')).trim();
  const at = rest.lastIndexOf('@');
  if (at > 0) {
    username = rest.slice(0, at);
    rest = rest.slice(at + 1);
  }
  const m = /^\[([^\]]+)\](?::(\d+))?$/.exec(rest) ?? (rest.split(':').length === 2 ? /^([^:]+):(\d+)$/.exec(rest) : null);
  return m ? { host: m[1]!, port: m[2] ?? port, username } : { host: rest, port, username };
}

/** Addresses as they are meant, also when Enter came before the field was left. */
export function tidy(f: TargetForm): TargetForm {
  const one = splitLogin(f.host);
  return { ...f, host: one.host, port: one.port ?? f.port.trim(), username: one.username ?? f.username.trim(), privateKey: f.privateKey.replace(/\r\n?/g, '\n') };
}

function custom(f: TargetForm) {
  return { command: f.command.trim(), success: f.success, failure: f.failure, prompt: f.prompt };
}

function plain(f: TargetForm): Record<string, unknown> {
  return {
    name: f.name.trim(), host: f.host, port: Number(f.port), username: f.username, jump_id: f.jumpId, platform: f.platform, sudo: f.sudo,
    service: f.service.trim(), is_active: f.isActive, allows_commands: f.allowsCommands, tags: f.tags.trim(), site: f.site.trim(), notes: f.notes.trim(),
  };
}

function secret(f: TargetForm): Record<string, unknown> | null {
  if (f.kind === 'password') return f.password === '' ? null : { kind: 'password', password: f.password };
  const key = f.privateKey.trim();
  return key === '' ? null : { kind: 'key', private_key: `${key}\n`, ...(f.passphrase === '' ? {} : { passphrase: f.passphrase }) };
}

/** What the server is told of a new one. */
export function bodyOf(f: TargetForm): Record<string, unknown> {
  const { allows_commands: allows, ...rest } = plain(f); // only administrators may name it
  return { ...rest, ...(allows ? { allows_commands: true } : {}), auth: secret(f) ?? { kind: f.kind }, ...(f.platform === 'custom' ? { custom: custom(f) } : {}) };
}

/** Only what was changed: what somebody else changed meanwhile stays. */
export function changesOf(f: TargetForm, was: TargetForm): Record<string, unknown> {
  const before = plain(was);
  const changed = Object.entries(plain(f)).filter(([name, value]) => before[name] !== value);
  const auth = secret(f) ?? (f.kind !== was.kind ? { kind: f.kind } : null);
  const isCustom = f.platform === 'custom' && (was.platform !== 'custom' || JSON.stringify(custom(f)) !== JSON.stringify(custom(was)));
  return { ...Object.fromEntries(changed), ...(auth ? { auth } : {}), ...(isCustom ? { custom: custom(f) } : {}) };
}

/** A stored password would be sent to another place, or as another person: it is asked for again. A key never leaves Binnacle. */
export function needsSecret(f: TargetForm, was: TargetForm | null): boolean {
  if (!was || f.kind !== was.kind) return true;
  const now = tidy(f);
  return f.kind === 'password' && (now.host.toLowerCase() !== was.host.toLowerCase() || now.port !== was.port || now.username !== was.username || f.jumpId !== was.jumpId);
}

const USER = /^[A-Za-z0-9_][A-Za-z0-9._@-]*$/;
const UNIT = /^[A-Za-z0-9][A-Za-z0-9@:._-]*$/;
export const KEY_BYTES_MAX = 4096;

export type Errors = Partial<Record<string, string>>;

function secretProblem(f: TargetForm, needs: boolean): Errors {
  if (f.kind === 'password') return needs && f.password === '' ? { 'auth.password': 'The password of the account is needed.' } : {};
  const key = f.privateKey.trim();
  if (key === '') return needs ? { 'auth.private_key': 'The private key is needed: paste the file, or choose it.' } : {};
  return new TextEncoder().encode(key).length > KEY_BYTES_MAX
    ? { 'auth.private_key': `A private key is ${KEY_BYTES_MAX.toLocaleString('en')} bytes at most. An ed25519 key has about 400.` } : {};
}

/** What the page can judge before the server is asked; by the names of its fields. */
export function judge(f: TargetForm, was: TargetForm | null): Errors {
  const out: Errors = {};
  if (f.name.trim() === '') out.name = 'A name is needed: what people call it.';
  if (f.host === '') out.host = 'A name or an address is needed, like web3.lan or 192.168.1.30.';
  const port = Number(f.port);
  if (!/^\d{1,5}$/.test(f.port) || port < 1 || port > 65535) out.port = 'A port is a number from 1 to 65535.';
  if (f.username === '') out.username = 'The account to log in to is needed.';
  else if (!USER.test(f.username)) out.username = 'An account begins with a letter or a digit, and holds letters, digits and . _ - @ only.';
  const service = f.service.trim();
  if (service !== '' && f.platform !== 'vos' && !UNIT.test(service)) out.service = 'One word of letters, digits and @ : . _ - that begins with a letter or a digit, like nginx.service.';
  if (f.platform === 'custom' && f.command.trim() === '') out['custom.command'] = 'The command is needed: what a restart runs.';
  return { ...out, ...secretProblem(f, needsSecret(f, was)) };
}

const NAMES: Record<string, string> = {
  'auth.private_key': 'The private key', 'auth.passphrase': 'The passphrase', 'auth.password': 'The password', 'custom.command': 'The command', jump_id: 'The jump host', host_key: 'The host key',
};

/** The server's sentence about a field, with the name the field has on the page. */
export function fieldSays(field: string, message: string): string {
  const begins = field[0]!.toUpperCase() + field.slice(1);
  return NAMES[field] && message.startsWith(`${begins} `) ? NAMES[field] + message.slice(begins.length) : message;
}
