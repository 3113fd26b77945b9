// screenshots: the pictures the README shows, taken of the real server: `node tools/screenshots.mjs [SECONDS]`.
// It runs build/release/binnacle in a folder of its own and lets it measure this machine for a while first.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const { chromium } = createRequire(join(root, 'tests/e2e/'))('playwright-core');
const out = join(root, 'docs/screenshots');
const data = mkdtempSync(join(tmpdir(), 'binnacle-'));
const seconds = Number(process.argv[2] ?? 330);

const server = spawn(join(root, 'build/release/binnacle'), ['serve', '--listen', '127.0.0.1:0', '--data', data]);
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

async function shoot(page, path, name) {
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
  await first.waitForTimeout(seconds * 1000);
  await shoot(first, '/', 'overview-light');
  await shoot(await open(1440, 900, 'dark', state), '/host', 'machine-dark');
  await shoot(await open(1440, 900, 'light', state), '/diagnostics', 'diagnostics-light');
  await shoot(await open(390, 844, 'dark', state), '/', 'overview-phone-dark');
  await shoot(await open(390, 844, 'light', state), '/host', 'machine-phone-light');
} finally {
  await browser.close();
  server.kill('SIGTERM');
  server.on('exit', () => rmSync(data, { recursive: true, force: true }));
}
