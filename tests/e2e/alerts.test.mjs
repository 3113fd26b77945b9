// alerts: a server that stays away alerts after the time set, with no page open; it is over when it answers, and known over a restart.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { startBrowser } from './lib/browser.mjs';
import { args, live, login, suite } from './lib/page.mjs';
import { startServer, until } from './lib/server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8', '--offline-alert', '10s'];
const CHECK = '/api/v1/servers/health-check?wait=1';

async function start(t) {
  const lab = await startLab({ scenario: 'small', timing: { denied: 50 } });
  t.after(() => lab.stop());
  const server = await startServer(t, { args: [...OPEN, ...args] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, target, body) => server.api(method, target, { key, body });
  const it = lab.servers[0];
  const added = await call('POST', '/api/v1/servers', { name: 'alpha', host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, verify_ssl: false });
  await call('POST', CHECK);
  const alerts = async (state) => (await call('GET', `/api/v1/alerts${state ? `?state=${state}` : ''}`)).alerts;
  const fault = () => lab.control.fault('refused', `${it.cluster}/${it.name}`);
  return { lab, server, key, call, alerts, fault, added };
}

describe('alerts', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('nobody looks: it fires after the time set, once, and is over when the server answers', async (t) => {
    const { lab, server, key, call, alerts, fault, added } = await start(t);
    const refused = await server.request('GET', '/api/v1/alerts?state=loud', { key });
    assert.deepEqual([refused.status, refused.json.error.field], [400, 'state']);
    assert.deepEqual(await alerts(), []);
    const broken = await fault();
    await call('POST', CHECK);
    assert.deepEqual(await alerts(), [], 'a check that fails is no alert');
    const fired = await until('the alert', async () => (await alerts('firing'))[0], { within: 40_000, every: 100 });
    const wait = Date.parse(fired.fired_at) - Date.parse(fired.since);
    assert.ok(wait >= 10_000 && wait < 13_000, `${wait} ms`);
    assert.deepEqual([fired.rule, fired.severity, fired.subject_kind, fired.subject_id, fired.subject, fired.is_demo, fired.resolved_at],
      ['server_offline', 'critical', 'server', added.id, 'alpha', false, null]);
    assert.match(fired.message, /^Server alpha is offline: .+\.$/);

    await server.stop();
    await server.start();
    assert.deepEqual(await alerts(), [fired], 'a restart knows it');
    await call('POST', CHECK);
    assert.deepEqual(await alerts(), [fired], 'and does not fire again');

    await lab.control.clear(broken.id);
    await call('POST', CHECK);
    const over = await until('its end', async () => (await alerts('resolved'))[0]);
    assert.equal(over.id, fired.id);
    assert.match(over.message, /^Server alpha is online again after \d+ s\.$/);
    assert.deepEqual(await alerts('firing'), []);
  });

  test('the overview says for how long; the card of the server is red at once', async (t) => {
    const { server, lab, call, fault, alerts, added } = await start(t);
    const page = await browser.open(server.origin, { path: '/login' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.goto(`${server.origin}/servers`);
    await page.waitForSelector(live);
    const broken = await fault();
    await call('POST', CHECK);
    await page.waitForSelector('.server-card .server-status.offline');
    assert.equal(await page.locator('.side [data-page=servers] .count').count(), 0, 'not each blip is counted');
    await until('the alert', async () => (await alerts('firing'))[0], { within: 40_000, every: 100 });
    await page.waitForSelector('.side [data-page=servers] .count:text-is("1")');
    await page.click('.side [data-page=""]');
    await page.waitForSelector('.concern.crit:has-text("Server alpha is offline for 1")');
    await page.axe('a server that alerts');
    await page.shot('alert-overview');

    // Below the bell: what it means, where to look, and that somebody knows.
    await page.click('.bell .menu-button');
    const one = page.locator('.alert-one');
    await one.waitFor();
    assert.match(await one.innerText(), /Server alpha is offline: [^]+critical, for \d+ (s|min) · Why\?/);
    assert.equal(new URL(await one.locator('a').getAttribute('href'), server.origin).href, `${server.origin}/servers/${(await alerts())[0].subject_id}#why`);
    for (const theme of ['light', 'dark']) {
      for (const [width, height] of [[1440, 900], [390, 844]]) {
        await page.emulateMedia({ colorScheme: theme });
        await page.setViewportSize({ width, height });
        await page.axe(`the alerts, ${theme}, ${width} px`);
        await page.fits('the alerts');
        await page.shot(`alert-list-${width}-${theme}`);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });

    // Silenced it stays in the list, and neither counts nor asks for somebody, until that is ended.
    await call('PATCH', `/api/v1/servers/${added.id}`, { silenced_until: new Date(Date.now() + 3_600_000).toISOString() });
    await page.waitForSelector('.alert-one.is-known:has-text("silenced until")');
    assert.equal(await page.locator('.bell .count, .concern:has-text("alpha"), .side [data-page=servers] .count').count(), 0);
    await page.axe('a silenced alert');
    await page.shot('alert-silenced');
    await one.locator('button:has-text("End silence")').click();
    await page.waitForSelector('.bell .count:text-is("1")');
    assert.equal((await alerts('firing'))[0].silenced_until, null);
    await one.locator('button:has-text("Dismiss")').click();
    await page.waitForSelector('.alert-one.is-known:has-text("dismissed by ada just now")');
    assert.equal(await page.locator('.bell .count, .concern:has-text("alpha")').count(), 0, 'it does not count any more');
    assert.equal(await page.locator('.alert-one button').count(), 0);
    assert.equal((await alerts('firing'))[0].dismissed_by, 'ada');
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement.closest('.bell') !== null), true);
    await lab.control.clear(broken.id);
    await call('POST', CHECK);
    await page.waitForSelector('.concern:has-text("alpha")', { state: 'detached' });
    await page.clean();
    await page.context().close();
  });
});
