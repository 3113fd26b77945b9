// target_corpus: hostile names of services, accounts and hosts, and ports, for what is done over SSH (SECURITY A24): each with
// what it is about. None may be taken. GOOD are beside them, so that a server that refuses everything is noticed.

const NUL = '\u0000';

/** What a shell, an option parser, a dialogue or a reader of lines would take for more than a word. */
const INSIDE = [
  ';', '&', '|', '&&', '||', '`', '$', '>', '<', '(', ')', '{', '}', '[', ']', '*', '?', '~', '!', '#', '%', '^', '=', '+', ',', '"', "'", '\\', '/../',
  '\t', '\n', '\r', '\r\n', '\v', '\f', '\b', '\u001b[2J', '\u007f', '\u0004', '\u0003', '\u001a',
].map((what) => [`a${what}b`, `${JSON.stringify(what)} inside`]);

/** Letters that look like others, marks that are not seen, and spaces that are none of ASCII. */
const FOREIGN = [
  'nginх', 'ngіnx', 'nginⅹ', 'ｎｇｉｎｘ', 'nginx．service', 'nginx。service', 'nginx․service', 'ngınx', 'nginx­', 'ng\u200binx', 'ng\u200dinx', 'nginx\ufeff', '\ufeffnginx',
  '\u202exnign', 'nginx\u2066', 'nginx\u00a0x', 'nginx\u2003x', 'nginx\u2028x', 'nginx\u2029x', 'nginx\u0085x', 'n̈ginx', 'nginx﹣x', 'nginx；reboot', '﹩(id)', '｀id｀', 'nginx＆x', 'nginx｜x',
  '➊nginx', '🔥', '١٢٣', 'nginx\ue000', '\ud83d',
].map((value) => [value, 'no letter of ASCII']);

const OPTIONS = [
  '-', '--', '-H', '-M', '-oProxyCommand=id', '-o ProxyCommand=id', '--root=/', '--host=evil', '--machine=x', '--force', '-lroot', '-F/etc/passwd', '-i/etc/shadow', '-E/tmp/x', '-S/tmp/x', '-w0', '-R1:x:1',
].map((value) => [value, 'an option']);

const COMMANDS = [
  'x; touch /tmp/owned', 'x && reboot', 'x | sh', '$(touch /tmp/owned)', '`touch /tmp/owned`', '${IFS}id', 'x\nreboot', 'x\r\nutils system restart', 'x\nBINNACLE_ENDS_HERE\nid', "x'; id; '", 'x"; id; "',
  'x #', 'x\\\nid', '$HOME', '~root', '../../../etc/passwd', '/bin/sh', '!!', 'x >/etc/cron.d/x', '<(id)', '%h', '%n', '%s%s%n', '{x,y}', 'x*', '[a-z]', 'a\\x2db', '\\$(id)', '$\'\\x69\\x64\'', '|id', ';id', '&id',
].map((value) => [value, 'a command']);

const LONG = [[200, 'a'], [256, 'x'], [5000, 'n'], [60000, 'z'], [129, 'ab']].map(([times, what]) => [what.repeat(times), `${times * what.length} bytes`]);

const AROUND = [' nginx', '\tnginx', '\nnginx', `nginx${NUL}`, `nginx${NUL}; id`, `${NUL}nginx`, '.', '..', '.nginx', '@nginx', ':nginx'].map((value) => [value, 'before or after it']);
const TRAILING = ['nginx ', 'nginx\n', 'nginx\r', 'nginx\t'].map((value) => [value, 'after it']);

const HOSTS = [
  ...OPTIONS, ...COMMANDS.filter(([value]) => value !== '/bin/sh'), ...FOREIGN.filter(([value]) => !/^ｎ/.test(value)),
  ...['', ' ', 'a b', 'a\tb', 'a\nb', `a${NUL}b`, '..', '.a', 'a..b', '-a', 'a-.b', 'a.-b', 'root@web3', 'web3,web4', 'ssh://web3', 'http://web3/', 'file:///etc/passwd', 'unix:/run/x.sock', '/run/x.sock', '@/x',
    '[::1', '[::1]', '::1]', '[::1]x', '[]', ':::', '1::2::3', '::ffff:1.2.3.4.5', 'fe80::1%eth0', 'fe80::1%25eth0', 'fe80::1%$(id)', 'fe80::1%', '::1%lo', '[fe80::1%lo]', '[fe80::1%-oProxyCommand]', 'fe80::1%../../x',
    '1.2.3', '1.2.3.4.5', '256.1.1.1', '1.2.3.256', '0x7f.1', '0x7f000001.1.', '127.1', '2130706433', '017700000001', '1.2.3.4/8', '127.0.0.1\\@evil', '127.0.0.1#x', '127.0.0.1?x', 'a%2eb', 'a%00b', '*', '*.example.org',
    `${'a'.repeat(64)}.example.org`, `${'a.'.repeat(130)}b`, 'a'.repeat(5000)].map((value) => [value, 'no name and no address']),
];

const PORTS = [
  0, -1, 65536, 65537, 131094, 4294967318, 2147483648, -65514, 22.5, 1e300, -0.0001, 1e-9, '22; id', '-oProxyCommand', '22\n', ' 22', '22 ', '0x16', '022', '٢٢', '', 'ssh', '$(id)', '+22', '22,23', '22/tcp', true, [22], [], { port: 22 }, `2${NUL}2`, '２２',
].map((value) => [value, 'no port']);

const names = [...INSIDE, ...FOREIGN, ...OPTIONS, ...COMMANDS, ...LONG, ...AROUND, ...TRAILING];
const isOf = (pattern) => ([value]) => !pattern.test(value);

/** { field: [[value, why], …] }; `vos` are services of a Voice OS, whose words may have blanks and a little more. */
export const CORPUS = {
  service: names,
  vos: names.filter(isOf(/^(?:a\/\.\.\/b|a[()]b)$/)),
  username: [...names, ['', 'nothing'], [':x', 'before it']],
  host: HOSTS,
  port: PORTS,
};

export const GOOD = {
  service: ['nginx', 'nginx.service', 'getty@tty1.service', 'a:b_c-d', 'x'.repeat(127)],
  vos: ['Cisco Tomcat', 'SOAP -Real-Time Service APIs'],
  username: ['root', 'svc-web', 'max.muster', '_backup', 'ops@example.org'],
  host: ['web3', 'web3.example.org', '127.0.0.1', 'fd00::1', 'xn--bcher-kva.example'],
  port: [1, 22, 65535],
};
