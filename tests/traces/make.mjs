// make: the traces of test_why.c, each half a day of checks with a known cause: `node make.mjs`.
//
// Seeded, so that running it again writes the same files. Checks come as the fleet makes them: every 120 s give or take a tenth,
// after a failure in 10, 20, 40 … 300 s, after a 401 in 300 s.
//
//   want KIND STATE            the finding that must stand first, and the state
//   server KEY=VALUE…          of the record
//   peer NAME TIE              net, site, cluster or other; its points follow
//   p SECONDS ok|fail [vpn]    of the last peer; seconds before now
//   change SECONDS ACTION ACTOR DETAIL
//   task FROM TO TYPE NODE                                    seconds before now
//   a SECONDS ok DNS TCP TLS WAIT [vpn] [@ADDRESS]            milliseconds; - is unknown
//   a SECONDS CLASS PHASE TIMEOUT DNS TCP TLS [vpn] [@ADDRESS] | SENTENCE

import fs from 'node:fs';

const SPAN = 12 * 3600;

function random(seed) {
  let x = seed >>> 0 || 1;
  return () => {
    x ^= x << 13; x >>>= 0; x ^= x >>> 17; x ^= x << 5; x >>>= 0;
    return x / 2 ** 32;
  };
}

const about = (rnd, ms, share = 0.25) => Math.max(1, ms * (1 + share * (2 * rnd() - 1)));
const round = (ms) => (ms === null ? '-' : String(Math.round(ms * 10) / 10));

const sentences = {
  refused: 'the connection was refused', dns: 'the name does not resolve', timeout: 'no answer within 10 s',
  auth: 'authentication failed (401): no such token', cert_changed: 'its certificate is another one than the pinned one; nothing was sent',
  reset: 'the connection was cut', http: 'HTTP 500: internal error', unreachable: 'no route to host', tls: 'the TLS handshake failed',
};

/** judge(at, rnd) says what a check at that second meets: null for fine, with `ms` for slow, or a failure; with `to`, the
 *  address its name led to. */
function attempts(rnd, judge, { vpn = () => false, dns = 2 } = {}) {
  const lines = [];
  let failures = 0;
  for (let at = -SPAN + rnd() * 120; at < 0;) {
    const met = judge(at, rnd) ?? {};
    const way = (vpn(at) ? ' vpn' : '') + (met.to ? ` @${met.to}` : '');
    const known = [about(rnd, dns), about(rnd, 1.2), about(rnd, 14), about(rnd, met.ms ?? 120)];
    const order = ['dns', 'tcp', 'tls', 'answer'];
    const ago = Math.round(-at);
    if (met.fails) {
      const reached = order.indexOf(met.phase);
      const ms = known.slice(0, 3).map((one, i) => (i < reached ? round(one) : '-')).join(' ');
      lines.push(`a ${ago} ${met.fails} ${met.phase} 10000 ${ms}${way} | ${sentences[met.fails]}`);
      failures++;
      at += met.fails === 'auth' ? about(rnd, 300, 0.1) : about(rnd, Math.min(10 * 2 ** (failures - 1), 300), 0.1);
    } else {
      lines.push(`a ${ago} ok ${known.map(round).join(' ')}${way}`);
      failures = 0;
      at += about(rnd, 120, 0.1);
    }
  }
  return lines;
}

function peer(rnd, name, tie, fails = () => false, { vpn = false } = {}) {
  const lines = [`peer ${name} ${tie}`];
  let failures = 0;
  for (let at = -SPAN + rnd() * 120; at < 0;) {
    const bad = fails(at, rnd);
    lines.push(`p ${Math.round(-at)} ${bad ? 'fail' : 'ok'}${vpn ? ' vpn' : ''}`);
    failures = bad ? failures + 1 : 0;
    at += about(rnd, bad ? Math.min(10 * 2 ** (failures - 1), 300) : 120, 0.1);
  }
  return lines;
}

const within = (at, ...spans) => spans.some(([from, to]) => at >= from && at < to);
const fail = (fails, phase) => ({ fails, phase });
const traces = {};
const trace = (name, make) => { traces[name] = make(random(Object.keys(traces).length * 7919 + 17)); };

trace('01-overload', (rnd) => {
  // Six times a load builds up over ten minutes, then nothing comes for some, then it calms down; not regular.
  const starts = [-40100, -33300, -25700, -14200, -9100, -1500];
  const load = (at) => {
    const start = starts.find((one) => at >= one && at < one + 1500);
    return start === undefined ? 0 : at - start;
  };
  return ['want overload failing', 'server host=10.0.0.3',
    ...peer(rnd, 'pve1', 'net'), ...peer(rnd, 'pve2', 'net'),
    ...attempts(rnd, (at) => {
      const since = load(at);
      if (!since) return null;
      return since < 700 ? { ms: 300 + 6 * since } : fail('timeout', rnd() < 0.8 ? 'tls' : 'answer');
    })];
});

trace('02-every-10-min', (rnd) => ['want periodic flapping', 'server host=10.0.0.3',
  ...peer(rnd, 'pve1', 'net'),
  // Now is a whole multiple of an hour plus 100 s in the test, so that :02 to :05 is 20 to 200 s.
  ...attempts(rnd, (at) => (((at + 100) % 600 + 600) % 600 >= 120 && ((at + 100) % 600 + 600) % 600 < 300 ? fail('timeout', 'answer') : null))]);

trace('03-peers-together', (rnd) => {
  const spans = [[-38000, -37700], [-30500, -30150], [-21000, -20600], [-8000, -7800], [-1900, -1650]];
  return ['want peers ok', 'server host=10.0.0.3',
    ...['pve1', 'pve2', 'pve4'].flatMap((name) => peer(rnd, name, 'net', (at) => within(at, ...spans))),
    ...peer(rnd, 'far', 'other'),
    ...attempts(rnd, (at) => (within(at, ...spans) ? fail('timeout', 'tcp') : null))];
});

trace('04-refused', (rnd) => ['want refused failing', 'server host=10.0.0.3', ...peer(rnd, 'pve1', 'net'),
  ...attempts(rnd, (at) => (at > -2400 ? fail('refused', 'tcp') : null))]);

trace('05-dns', (rnd) => ['want dns failing', 'server host=pve3.example', ...peer(rnd, 'pve1', 'site'),
  ...attempts(rnd, (at) => (at > -4000 || within(at, [-20000, -19800]) ? fail('dns', 'dns') : null))]);

trace('06-certificate', (rnd) => ['want certificate failing', 'server host=10.0.0.3', ...peer(rnd, 'pve1', 'net'),
  'change 5000 server.certificate - 3fa1… -> 99b2…',
  ...attempts(rnd, (at) => (at > -5010 ? fail('cert_changed', 'tls') : null))]);

trace('07-token-revoked', (rnd) => ['want token failing', 'server host=10.0.0.3', ...peer(rnd, 'pve1', 'net'),
  'change 90000 server.change ada notes',
  ...attempts(rnd, (at) => (at > -3000 ? fail('auth', 'answer') : within(at, [-30000, -29900]) ? fail('reset', 'tls') : null))]);

trace('08-one-host', (rnd) => ['want unreachable failing', 'server host=10.0.0.3',
  ...['pve1', 'pve2', 'pve4'].flatMap((name) => peer(rnd, name, 'net')),
  ...attempts(rnd, (at) => (at > -3600 || within(at, [-16000, -15000]) ? fail('timeout', 'tcp') : null))]);

trace('09-vpn', (rnd) => {
  const spans = [[-36000, -35500], [-22000, -21400], [-9000, -8700], [-900, 0]];
  return ['want vpn failing', 'server host=10.0.0.3 vpn=100.64.0.3',
    ...['hut', 'mast'].flatMap((name) => peer(rnd, name, 'other', (at) => within(at, ...spans), { vpn: true })),
    ...['pve1', 'pve2'].flatMap((name) => peer(rnd, name, 'site')),
    ...attempts(rnd, (at) => (within(at, ...spans) ? fail('timeout', 'tcp') : null), { vpn: () => true })];
});

trace('10-noise', (rnd) => {
  const kinds = [['timeout', 'tcp'], ['timeout', 'answer'], ['reset', 'tls'], ['http', 'answer'], ['refused', 'tcp'], ['tls', 'tls']];
  return ['want none *', 'server host=10.0.0.3', ...peer(rnd, 'pve1', 'net', () => rnd() < 0.02), ...peer(rnd, 'pve2', 'net'),
    ...attempts(rnd, () => (rnd() < 0.12 ? fail(...kinds[Math.floor(rnd() * kinds.length)]) : { ms: rnd() < 0.1 ? 600 : 120 }))];
});

trace('11-our-change', (rnd) => ['want change failing', 'server host=10.0.0.3', ...peer(rnd, 'pve1', 'net'),
  'change 2700 server.change max host, port, token', 'change 50000 server.change ada name',
  ...attempts(rnd, (at) => (at > -2690 ? fail('auth', 'answer') : null))]);

trace('12-blip', (rnd) => ['want blip ok', 'server host=10.0.0.3', ...peer(rnd, 'pve1', 'net'), ...peer(rnd, 'pve2', 'net'),
  ...attempts(rnd, (at) => (within(at, [-15000, -14860]) && rnd() < 0.2 ? fail('timeout', 'tcp') : within(at, [-15005, -14880]) ? fail('timeout', 'tcp') : null))]);

trace('13-ipv6', (rnd) => ['want ipv6 flapping', 'server host=pve3.example', ...peer(rnd, 'pve1', 'site'),
  // The resolver gives both; by IPv6 the handshake never ends.
  ...attempts(rnd, () => (rnd() < 0.4 ? { ...fail('timeout', 'tls'), to: '2001:db8::3' } : { to: '10.0.0.3' }))]);

trace('14-dns-changed', (rnd) => ['want dns_changed failing', 'server host=pve3.example', ...peer(rnd, 'pve1', 'site'),
  ...attempts(rnd, (at) => (at > -4000 ? { ...fail('refused', 'tcp'), to: '10.0.0.9' } : within(at, [-30000, -29900]) ? { ...fail('reset', 'tls'), to: '10.0.0.3' } : { to: '10.0.0.3' }))]);

trace('15-backup', (rnd) => {
  // Two backups in half a day; while one runs, every third check or so finds nobody in.
  const backups = [[-40000, -36500], [-12000, -8200]];
  return ['want backup ok', 'server host=10.0.0.3', ...peer(rnd, 'pve1', 'net'),
    'task 60000 58000 vzdump pve3', ...backups.map(([from, to]) => `task ${-from} ${-to} vzdump pve3`),
    'task 30000 29990 qmstart pve3', 'task 20000 19000 qmigrate pve3',
    ...attempts(rnd, (at) => (within(at, ...backups) && rnd() < 0.4 ? fail('timeout', rnd() < 0.6 ? 'tls' : 'answer') : null))];
});

for (const [name, lines] of Object.entries(traces))
  fs.writeFileSync(new URL(`${name}.txt`, import.meta.url), `${lines.join('\n')}\n`);
