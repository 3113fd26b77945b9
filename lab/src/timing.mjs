// timing: every delay of the lab in milliseconds, so that tests can shorten them.

export const TIMING = {
  tick: 10_000, // pvestatd publishes
  cache: 2_000, // the dump of the cluster file system
  expiry: 300_000, // older numbers vanish
  corosync: 1_000, // a dead node becomes offline
  idle: 5_000, // a silent connection is closed
  denied: 3_000, // a 401 waits
  proxy: 30_000, // the inner timeout towards another node
  console: 10_000, // nobody came to the console
  terminal: 300_000, // nothing is typed in a terminal
  ha: 10_000, // the high-availability manager acts
  reboot: 20_000, // a node comes back
  tasks: 1, // factor on what tasks take
};

// `scale` shortens all of them, names win over it.
export function timingOf({ scale = 1, ...own } = {}) {
  const timing = {};
  for (const [name, value] of Object.entries(TIMING)) timing[name] = own[name] ?? value * scale;
  for (const name of Object.keys(own)) if (!(name in TIMING)) throw new Error(`no timing ${name}`);
  return timing;
}
