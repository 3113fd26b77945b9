#!/usr/bin/env node
// main: starts a lab and prints one line of JSON: its servers and its control port.

import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { Lab } from './src/lab.mjs';
import { SCENARIOS } from './src/scenarios.mjs';

const USAGE = `usage: node lab/main.mjs [--scenario ${Object.keys(SCENARIOS).join('|')}|servers:N|FILE] [--port-file FILE]
       [--seed N] [--timing JSON] [--control-port N] [--until-closed] [--shell] [--quiet]
`;

const OPTIONS = {
  scenario: { type: 'string', default: 'demo' },
  'scenario-json': { type: 'string' },
  'port-file': { type: 'string' },
  seed: { type: 'string' },
  timing: { type: 'string' },
  'control-port': { type: 'string' },
  'until-closed': { type: 'boolean' }, // ends when standard input does
  shell: { type: 'boolean' }, // terminals are real shells, as whoever runs this; else toys
  quiet: { type: 'boolean' },
  help: { type: 'boolean' },
};

function optionsOf() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}`);
    return process.exit(2);
  }
}

const options = optionsOf();
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const lab = new Lab({
  scenario: options['scenario-json'] ? JSON.parse(options['scenario-json']) : options.scenario,
  seed: options.seed === undefined ? undefined : Number(options.seed),
  shell: options.shell,
  timing: options.timing ? JSON.parse(options.timing) : undefined,
});
if (options['control-port']) lab.scenario.controlPort = Number(options['control-port']);
await lab.start();

const line = `${JSON.stringify(lab.describe())}\n`;
if (options['port-file']) {
  // Whole or not at all: somebody may be waiting for the file.
  fs.writeFileSync(`${options['port-file']}.part`, line, { mode: 0o600 });
  fs.renameSync(`${options['port-file']}.part`, options['port-file']);
}
if (!options.quiet) process.stdout.write(line);

// Not before the line above has gone: a pipe takes its time.
async function end() {
  await lab.stop();
  process.stdout.write('', () => process.exit(0));
}
process.on('SIGTERM', end);
process.on('SIGINT', end);
if (options['until-closed']) process.stdin.on('end', end).on('error', end).resume();
