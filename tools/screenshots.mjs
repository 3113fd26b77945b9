// screenshots: the pictures the README shows, taken of the real server: `node tools/screenshots.mjs [SECONDS [NAME…]]`.
// It runs build/release/binnacle in a folder of its own, beside the simulated fleet of lab/, and lets it measure
// for a while first. NAME…: only these pictures.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLab } from '../lab/lib.mjs';

const root = new URL('..', import.meta.url).pathname;
const { chromium } = createRequire(join(root, 'tests/e2e/'))('playwright-core');
const out = join(root, 'docs/screenshots');
const data = mkdtempSync(join(tmpdir(), 'binnacle-'));
const seconds = Number(process.argv[2] ?? 330);

const wanted = process.argv.slice(3);

const lab = await startLab({ scenario: 'demo' });
const server = spawn(join(root, 'build/release/binnacle'), ['serve', '--listen', '127.0.0.1:0', '--data', data, '--allow-target', '127.0.0.0/8']);
const setup = await new Promise((found) => {
  let said = '';
  server.stdout.on('data', (piece) => {
    said += piece;
    const url = said.match(/Open\s+(\S+)/);
    if (url) found(url[1]);
  });
});
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-background-networking'] });

async function open(width, height, colorScheme, state) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, storageState: state, deviceScaleFactor: width < 500 ? 2 : 1 });
  return context.newPage();
}

/** The simulated fleet, as a person would add it. */
async function addFleet(page) {
  for (const it of lab.servers) {
    await page.evaluate((body) => fetch('/api/v1/servers', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      { name: it.name, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, is_demo: true });
  }
}

async function shoot(page, path, name) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  await page.goto(new URL(path, setup).href);
  await page.waitForSelector('.indicator.live');
  await page.waitForTimeout(2500);
  await page.screenshot({ path: join(out, `${name}.png`) });
}

try {
  mkdirSync(out, { recursive: true });
  const first = await open(1440, 900, 'light');
  await first.goto(setup);
  await first.locator('input[autocomplete=username]').fill('vega');
  for (const field of await first.locator('input[type=password]').all()) await field.fill('lodestone and lantern');
  await first.locator('button[type=submit]').click();
  await first.waitForSelector('.indicator.live');
  const state = await first.context().storageState();
  await addFleet(first);
  await first.waitForTimeout(seconds * 1000);
  await shoot(first, '/', 'overview-light');
  await shoot(await open(1440, 900, 'dark', state), '/host', 'machine-dark');
  await shoot(await open(1440, 900, 'light', state), '/diagnostics', 'diagnostics-light');
  await shoot(await open(1440, 900, 'light', state), '/servers', 'servers-light');
  await shoot(await open(390, 844, 'dark', state), '/servers', 'servers-phone-dark');
  await shoot(await open(390, 844, 'dark', state), '/', 'overview-phone-dark');
  await shoot(await open(390, 844, 'light', state), '/host', 'machine-phone-light');
} finally {
  await browser.close();
  const gone = new Promise((done) => { server.on('exit', done); });
  server.kill('SIGTERM');
  await gone;
  await lab.stop();
  rmSync(data, { recursive: true, force: true });
}
