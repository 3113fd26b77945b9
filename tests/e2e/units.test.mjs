// units: what systemd says of its units, from a real bus to the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { startBus } from './lib/bus.mjs';
import { PASSWORD, startServer, until } from './lib/server.mjs';

const UI_DIR = process.env.BINNACLE_UI_DIR; // to try a page that is not embedded yet
const args = UI_DIR ? ['--ui-dir', UI_DIR] : [];
const ASKED_WITHIN = 40_000; // every 10 s, or 20 s after two failures

async function open(t, env) {
  const server = await startServer(t, { args, env });
  const admin = await server.setup();
  const browser = await startBrowser(t);
  const page = await browser.open(server.origin, { path: '/login' });
  await page.fill('input[name=username]', 'ada');
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.waitForSelector('.indicator.live');
  return { server, admin, page };
}

const line = (page) => page.locator('.units-line').innerText();
const says = (page, text, within = 10_000) => page.waitForFunction(
  (want) => document.querySelector('.units-line')?.innerText.includes(want), text, { timeout: within });
const metrics = async ({ server, admin }) =>
  (await server.request('GET', '/metrics', { cookie: admin.cookie })).text.split('\n').filter((l) => l.startsWith('binnacle_host_units'));

test('a unit that failed is named on the overview, explained on the page of the machine, and gone when it was mended', async (t) => {
  const bus = await startBus(t);
  await bus.manage('--ok', '132', '--failed', '1', '--changing', '1', '--inactive', '64', '--since-ms', String(Date.now() - 7_500_000));
  const all = await open(t, bus.env);
  const { page } = all;
  await says(page, '132 units ok');
  assert.equal(await line(page), '▲ 132 units ok, 1 failed: smartd');
  assert.match(await page.innerText('.concerns'), /1 systemd unit failed/);
  await page.axe('an overview with a failed unit');
  await page.shot('units-failed');
  assert.deepEqual(await metrics(all), [
    'binnacle_host_units{state="ok"} 132', 'binnacle_host_units{state="failed"} 1',
    'binnacle_host_units{state="changing"} 1', 'binnacle_host_units{state="inactive"} 64',
  ]);

  await page.click('.concern:has-text("systemd")');
  const row = page.locator('#units tbody tr');
  await row.waitFor();
  assert.match(await row.innerText(), /smartd\s+▲ failed\s+2 h 5 min\s+Self Monitoring/);
  assert.match(await page.innerText('#units .panel-aside'), /132 ok · 1 failed · 1 changing · 64 not running/);
  await page.axe('the page of a machine with a failed unit');
  await page.locator('#units').scrollIntoViewIfNeeded();
  await page.shot('units-failed-host');

  await bus.manage('--ok', '133');
  await page.waitForSelector('#units:has-text("133 units ok, none failed")', { timeout: ASKED_WITHIN });
  await page.goto(all.server.origin);
  await says(page, 'none failed');
  assert.equal(await line(page), '● 133 units ok, none failed');
  assert.equal(await page.locator('.concern:has-text("systemd")').count(), 0);
  await page.clean();
});

test('more failed units than are named, with names that want to be something else', async (t) => {
  const bus = await startBus(t);
  await bus.manage('--ok', '3', '--failed', '76');
  const { page, server } = await open(t, bus.env);
  await says(page, '76 failed');
  assert.equal(await line(page), '▲ 3 units ok, 76 failed: job-0, job-1, job-2 and 73 more');
  await page.goto(`${server.origin}/host#units`);
  await page.waitForSelector('#units:has-text("and 12 more that failed")');
  assert.equal(await page.locator('#units tbody tr').count(), 12);
  await page.click('#units >> text=Show all 64');
  assert.equal(await page.locator('#units tbody tr').count(), 64);

  await bus.manage('--ok', '3', '--trouble', 'strange');
  await page.waitForSelector('#units:has-text("<b>")', { timeout: ASKED_WITHIN });
  assert.equal(await page.locator('#units tbody tr').count(), 4);
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 844 });
    for (const path of ['/', '/host']) {
      await page.goto(server.origin + path);
      await page.waitForSelector('.units-line, #units');
      await page.shot(`units-strange-${width}${path.replace('/', '-')}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `nothing sticks out at ${width} px of ${path}`);
    }
  }
  await page.clean();
});

test('without a bus nothing is claimed, and it is found when it comes', async (t) => {
  const bus = await startBus(t, { isOpen: false });
  const all = await open(t, bus.env);
  const { page, server, admin } = all;
  await says(page, 'not known here');
  assert.deepEqual(await metrics(all), []);
  const { v } = await until('the reason', async () => {
    const state = await server.api('GET', '/api/v1/state?topic=meter.host', { cookie: admin.cookie });
    return state.v.units_why && state;
  });
  assert.match(v.units_why, /^the system bus at unix:path=.*: No such file or directory$/);
  assert.equal(v.units_ok ?? null, null);
  assert.equal(v.units_failed ?? null, null);
  await page.goto(`${server.origin}/host#units`);
  await page.waitForSelector('#units:has-text("Not known here")');
  assert.match(await page.innerText('#units'), /The system bus at .*: No such file or directory\.\s.*bring in the host’s socket/s);
  await page.axe('the page of a machine without a bus');
  await page.shot('units-unknown');
  await bus.open();
  await bus.manage('--ok', '7');
  await page.waitForSelector('#units:has-text("7 units ok, none failed")', { timeout: ASKED_WITHIN });
  await page.clean();
});
