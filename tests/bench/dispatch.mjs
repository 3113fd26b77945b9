// dispatch: 200 operations over SSH that run at once: what beginning one more takes, what live connections feel of them,
// and the memory of all of Binnacle's processes, beside the same with none in the same run.
//
// `dispatch.mjs [OPERATIONS [TYPE]]`, 200 of `logs` when not said: each is sent a line a second. Of `service_restart` the memory alone
// says something: 200 shells that look at what they follow five times a second keep both cores of this machine busy. The 200
// machines are one sshd, which runs when nobody else wants to, for it stands for what is elsewhere. Needs build/release/binnacle.
// Exit code 1 when a bar is missed.

import { startMany, treeRss } from '../e2e/lib/many.mjs';
import { Server, percentile, sleep } from '../e2e/lib/server.mjs';
import { startSshd } from '../e2e/lib/sshd.mjs';

const COUNT = Number(process.argv[2] ?? 200);
const TYPE = process.argv[3] ?? 'logs';
const ASKED = 300; // in a round
const ROUNDS = 3; // the calmest counts: the disk and the cores are not ours alone
const POST_MS = 20;
const RSS_MB = 150;
let isMissed = false;

function say(what, got, bar = '', isMet = true) {
  isMissed ||= !isMet;
  console.log(`dispatch: ${what.padEnd(62)} ${got.padStart(22)}${bar ? `   bar ${bar}${isMet ? '' : '   MISSED'}` : ''}`);
}

const calmest = (rounds, of) => rounds.map(of).sort((a, b) => percentile(a, 0.99) - percentile(b, 0.99))[0];
async function rounds(many) {
  const all = [];
  for (let i = 0; i < ROUNDS; i++) all.push(await many.ask(ASKED));
  return { answers: calmest(all, (it) => it.answers), pings: calmest(all, (it) => it.pings) };
}

const spread = (list) => `${percentile(list, 0.5).toFixed(1)} / ${percentile(list, 0.99).toFixed(1)} / ${Math.max(...list).toFixed(1)} ms`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

const ends = [];
try {
  const sshd = await startSshd({ after: (end) => ends.push(end) }, { wrap: ['chrt', '-i', '0'] });
  const server = await new Server({ args: ['--allow-target', '127.0.0.0/8'] }).start();
  ends.unshift(() => server.stop());
  const many = await startMany(server, await server.setup(), sshd, COUNT);
  await many.ask(50); // everything has been done once
  const idle = treeRss(server.serverPid);
  const none = await rounds(many);
  await many.begin(COUNT, TYPE);
  await sleep(2000);
  const rss = treeRss(server.serverPid);
  const cpu = server.cpuSeconds;
  const at = performance.now();
  const busy = await rounds(many);
  const share = (server.cpuSeconds - cpu) / ((performance.now() - at) / 1000);
  const rssAfter = Math.max(rss, treeRss(server.serverPid));
  const stillActive = await many.active();
  await many.end();
  const most = percentile(busy.answers, 0.99);
  say(`POST of an operation, none runs: median, p99, worst of ${none.answers.length}`, spread(none.answers));
  say(`the same while ${stillActive} run`, spread(busy.answers), `p99 ${POST_MS} ms`, most <= POST_MS);
  say(`a ping of a live connection, none runs, of ${none.pings.length}`, spread(none.pings));
  say(`the same while ${stillActive} run`, spread(busy.pings));
  say('resident memory of all its processes, none runs', megabytes(idle));
  say(`the same while ${stillActive} run`, megabytes(rssAfter), `${RSS_MB} MB`, rssAfter <= RSS_MB * 1e6);
  say('processor of the server itself meanwhile, of one core', `${(share * 100).toFixed(1)} %`);
  if (stillActive < COUNT) say(`${COUNT} operations ran to the end of it`, String(stillActive), String(COUNT), false);
} finally {
  for (const end of ends) await end();
}
process.exitCode = isMissed ? 1 : 0;
