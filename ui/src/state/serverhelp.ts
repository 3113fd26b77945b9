// serverhelp: for every way a check can fail, what it means and what to do, in the words of people.

export interface Help {
  title: string;
  means: string;
  todo: string[];       // what stands in backticks is to be typed
  command?: string;     // to copy
  fix?: 'edit' | 'trust'; // what a button here can do about it
}

export interface At {
  host: string;
  port: number;
  timeout_s: number;
  by_vpn?: boolean;
}

type Word = (at: At) => Help;

const words: Record<string, Word> = {
  dns: (a) => ({
    title: 'Name not found',
    means: `The name ${a.host} does not resolve on the machine Binnacle runs on.`,
    todo: ['Look for a typing error, or enter the IP address instead.', 'Ask that machine what it knows:'],
    command: `getent hosts ${a.host}`, fix: 'edit',
  }),
  refused: (a) => ({
    title: 'Connection refused',
    means: `The machine is there, but nothing listens on port ${a.port}.`,
    todo: ['Is pveproxy running? On the server:', `Is ${a.port} the right port? Proxmox VE listens on 8006, Proxmox Backup Server on 8007.`],
    command: 'systemctl status pveproxy', fix: 'edit',
  }),
  unreachable: (a) => ({
    title: 'No way there',
    means: `The network has no way to ${a.host}, or the machine is switched off.`,
    todo: [a.by_vpn ? 'Is the VPN connected on the machine Binnacle runs on?' : 'Is it switched on, and in a network Binnacle can reach?', 'Which way is taken:'],
    command: `ip route get ${a.host}`,
  }),
  timeout: (a) => ({
    title: 'No answer in time',
    means: `Nothing came back within ${a.timeout_s} s. A firewall that drops packets looks like this, and so does a machine that is off or overloaded.`,
    todo: [`Does a firewall let port ${a.port} through?`, a.by_vpn ? 'By VPN 30 to 60 s are usual: raise the time limit.' : 'If the line is slow, raise the time limit.', 'From the machine Binnacle runs on:'],
    command: `curl -skv https://${a.host.includes(':') ? `[${a.host}]` : a.host}:${a.port}/ -o /dev/null`, fix: 'edit',
  }),
  reset: (a) => ({
    title: 'Connection cut',
    means: 'It accepted the connection and closed it before the answer was there.',
    todo: ['pveproxy may be restarting, or a proxy or firewall between cuts connections. On the server:', `Does something else answer on port ${a.port}?`],
    command: 'journalctl -u pveproxy -n 50',
  }),
  tls: (a) => ({
    title: 'TLS failed',
    means: 'Something answers, but no secure connection came about.',
    todo: [`Is it Proxmox VE that listens on port ${a.port}? Plain HTTP and other services look like this.`, 'What it says:'],
    command: `openssl s_client -connect ${a.host.includes(':') ? `[${a.host}]` : a.host}:${a.port} </dev/null`, fix: 'edit',
  }),
  untrusted: () => ({
    title: 'Certificate not trusted',
    means: 'No authority this machine trusts vouches for its certificate. Proxmox VE signs its own unless told otherwise. Nothing was sent.',
    todo: ['Compare its fingerprint and confirm it under Edit, or give the server a certificate of a known authority (Let’s Encrypt, under Node, Certificates, ACME).'],
    fix: 'edit',
  }),
  cert_changed: () => ({
    title: 'Certificate changed',
    means: 'It shows another certificate than the one that was confirmed. The token was not sent.',
    todo: ['If its certificate was renewed or the server reinstalled, compare the new fingerprint and trust it. If not, somebody may stand in between: do not.'],
    fix: 'trust',
  }),
  unconfirmed: () => ({
    title: 'Certificate not confirmed yet',
    means: 'It showed a certificate that nobody has confirmed. The token was not sent.',
    todo: ['Compare the fingerprint with the one the server shows for itself, then confirm it.'],
    fix: 'edit',
  }),
  not_allowed: () => ({
    title: 'Address not allowed',
    means: 'This Binnacle does not call addresses like that: loopback, link-local and metadata addresses are closed, so that nobody can make it ask its own machine.',
    todo: ['If it is meant, start Binnacle with `--allow-target` and that network.'],
    fix: 'edit',
  }),
  auth: () => ({
    title: 'Token refused',
    means: 'The server answers, but does not accept the API token: it is wrong, was deleted, has expired, or its user is disabled. It is tried again every 5 minutes only.',
    todo: ['Make a new token on the server and paste it under Edit. What it knows:'],
    command: 'pveum user token list binnacle@pve', fix: 'edit',
  }),
  forbidden: () => ({
    title: 'Privileges missing',
    means: 'The token is right, but may not do what is asked.',
    todo: ['Grant it on the server. A token with privilege separation needs its own permissions besides those of its user:'],
    command: "pveum acl modify / --tokens 'USER@REALM!TOKENID' --roles PVEAuditor",
  }),
  node: () => ({
    title: 'Node behind it does not answer',
    means: 'This server passed the question on to another node of its cluster, and that one did not answer.',
    todo: ['Is that node up, and does the cluster have its quorum? On the server:'],
    command: 'pvecm status',
  }),
  redirect: () => ({
    title: 'It sends elsewhere',
    means: 'It answers with another address. A token is not carried there.',
    todo: ['Enter the address of Proxmox VE itself, not of a proxy that redirects.'],
    fix: 'edit',
  }),
  http: () => ({
    title: 'Answered with an error',
    means: 'It answers, but not as it should.',
    todo: ['The log of its API says more. On the server:'],
    command: 'journalctl -u pveproxy -u pvedaemon -n 50',
  }),
  protocol: (a) => ({
    title: 'Not a Proxmox VE API',
    means: `What answers on port ${a.port} does not speak like Proxmox VE.`,
    todo: ['Is it the right port? A web server, or Proxmox Backup Server (8007), looks like this.', `Open https://${a.host.includes(':') ? `[${a.host}]` : a.host}:${a.port}/ in a browser to see what it is.`],
    fix: 'edit',
  }),
  too_big: () => ({
    title: 'Answer too large',
    means: 'The answer was larger than a cluster of 20,000 guests would need, so it was not read to its end.',
    todo: ['Is it Proxmox VE? If it is, please report it with the size of the cluster.'],
  }),
  token: () => ({
    title: 'Token cannot be opened',
    means: 'The stored token cannot be opened with the master key this Binnacle runs with.',
    todo: ['Start it with the key the token was stored with, or enter the token again under Edit.'],
    fix: 'edit',
  }),
};

const PVEUM_LINE = /pveum .*$/;

/** Help for the word of a failure; the server's own line to type, where it said one. */
export function helpOf(word: string | undefined, said: string | undefined, at: At): Help {
  const found = words[word ?? '']?.(at) ?? {
    title: 'Check failed',
    means: 'The last check did not succeed.',
    todo: ['Test it again. If it stays, the connectivity test shows how far it comes.'],
  };
  const line = word === 'forbidden' ? PVEUM_LINE.exec(said ?? '')?.[0] : undefined;
  return line ? { ...found, command: line } : found;
}

export const HELP_WORDS: readonly string[] = Object.keys(words);
