// ui_assign: an administrator assigns machines in the page; who has them sees those, acts on them and follows it to its end.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { openPage, startFleet, statusOf } from './lib/fleet.mjs';
import { login, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';

const FAST = { tick: 300, cache: 50, tasks: 1.5 };
const trimmed = (list) => list.map((x) => x.trim());

describe('assigned machines', () => {
  const all = suite();
  let browser;
  let fleet;
  let admin;
  let resi;
  let id;
  before(async () => {
    browser = await startBrowser(all);
    fleet = await startFleet(all, { timing: FAST });
    await fleet.server.addUser(fleet.admin, 'resi', 'viewer');
    id = (await fleet.api('GET', '/api/v1/users')).users.find((u) => u.name === 'resi').id;
    admin = await openPage(fleet, browser, '/settings?tab=users');
    await admin.waitForSelector('td:has-text("resi")');
  });

  const sheet = () => admin.locator('dialog[open]');
  const assigned = async () => (await fleet.api('GET', `/api/v1/users/${id}/assignments`)).assignments
    .map((a) => `${Object.entries(fleet.ids).find(([, s]) => s === a.server_id)[0]}/${a.vmid} ${a.permissions}`).sort();
  const open = async (page = admin) => {
    await page.click('button[aria-label="Actions for resi"]');
    await page.click('[role=menuitem]:has-text("Assigned machines")');
    await page.waitForSelector('dialog[open] .assigned');
  };
  const find = async (text, name) => {
    await admin.fill('input[name=machine]', text);
    await admin.click(`.assigned-found button:has-text("${name}")`);
  };
  const row = (cluster, vmid) => admin.locator(`[data-assigned="${fleet.ids[cluster]}/${vmid}"]`);

  test('the administrator keeps a viewer to two machines, says what is allowed, takes one away and undoes it', { timeout: 40000 }, async () => {
    await open();
    assert.equal(await admin.evaluate(() => document.activeElement?.name), 'machine');
    await sheet().locator('.empty-title:has-text("Nothing is assigned yet")').waitFor();
    await admin.click('input[name=is_restricted]');
    await sheet().locator('.empty-text:has-text("sees an empty list")').waitFor();
    await until('the restriction', async () => (await fleet.api('GET', '/api/v1/users')).users.find((u) => u.id === id).is_restricted === true);
    await admin.axe('nothing assigned yet');
    // By name and server; what is ticked goes with it. A template is not offered.
    await admin.fill('input[name=machine]', 'golden');
    await sheet().locator('.assigned-found:has-text("No machine is found")').waitFor();
    await admin.fill('input[name=machine]', 'spare');
    assert.equal(await sheet().locator('.assigned-found button').count(), 2, 'the same name on two servers');
    await sheet().locator('.assigned-add input[name=start]').check();
    await find('spare beta', 'spare 102 on beta');
    await row('beta', 102).waitFor();
    assert.deepEqual(await assigned(), ['beta/102 view,console,start']);
    // By number, with the keyboard alone: one is found, Enter takes it.
    await sheet().locator('.assigned-add input[name=start]').uncheck();
    await admin.focus('input[name=machine]');
    await admin.keyboard.type('101');
    await sheet().locator('.assigned-found button').waitFor();
    await admin.keyboard.press('Enter');
    await row('alpha', 101).waitFor();
    assert.equal(await row('alpha', 101).locator('input[name=view]').isDisabled(), true);
    // Two ticks at once are both kept.
    await row('alpha', 101).locator('input[name=stop]').click();
    await row('alpha', 101).locator('input[name=console]').click();
    await until('both', async () => (await assigned())[0] === 'alpha/101 view,stop');
    await row('beta', 102).locator('button').click();
    await row('beta', 102).waitFor({ state: 'detached' });
    assert.equal((await assigned()).length, 1);
    await sheet().locator('.assigned-removed button:has-text("Undo")').click();
    await row('beta', 102).waitFor();
    await until('it to be back as it was', async () => (await assigned())[1] === 'beta/102 view,console,start');
    await admin.axe('two assigned');
    await admin.keyboard.press('Escape');
    await sheet().waitFor({ state: 'detached' });
    await admin.waitForSelector('tr:has-text("resi") button:has-text("assigned machines")');
    await admin.clean();
  });

  test('what is refused is said in the sheet, and it shows what is true', { timeout: 20000 }, async () => {
    await open();
    await row('alpha', 101).waitFor();
    await fleet.api('DELETE', `/api/v1/users/${id}/assignments/${fleet.ids.alpha}/101`);
    await admin.route('**/assignments', (route) => route.request().method() === 'POST'
      ? route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ error: { code: 'unavailable', message: 'the store refuses writes', request_id: 'r1' } }) }) : route.continue());
    await row('alpha', 101).locator('input[name=start]').click();
    await sheet().locator('.failure:has-text("the store refuses writes")').waitFor();
    await row('alpha', 101).waitFor({ state: 'detached' });
    await admin.unroute('**/assignments');
    await find('db', 'db 101 on alpha');
    await sheet().locator('.failure').waitFor({ state: 'detached' });
    await until('it to be back', async () => (await assigned()).join() === 'alpha/101 view,console,beta/102 view,console,start');
    await admin.keyboard.press('Escape');
    await sheet().waitFor({ state: 'detached' });
  });

  test('the viewer sees two of six, and only the pages that are his', { timeout: 30000 }, async () => {
    resi = await browser.open(fleet.server.origin, { path: '/' });
    await resi.waitForSelector('input[name=username]');
    await login(resi, 'resi');
    await resi.waitForSelector('tr[data-row]');
    assert.equal(new URL(resi.url()).pathname, '/vms', 'his machines are his overview');
    assert.deepEqual(trimmed(await resi.locator('tr[data-row] .vm-name').allInnerTexts()), ['db', 'spare']);
    assert.deepEqual(await resi.locator('.side [data-page]').evaluateAll((l) => l.map((a) => a.dataset.page)), ['vms', 'operations', 'settings']);
    await resi.keyboard.press('Control+k');
    const items = () => resi.locator('dialog[open] [role=option]').allInnerTexts().then((l) => l.join('\n'));
    await resi.waitForSelector('dialog[open] [role=option]');
    assert.doesNotMatch(await items(), /Overview|This machine|Servers|Monitoring|Wall|Charts|Add a Proxmox/);
    await resi.keyboard.type('web');
    await until('nothing', async () => !/web/.test(await items()));
    await resi.keyboard.press('Control+a');
    await resi.keyboard.type('spare');
    await until('what he may do', async () => /Start spare/.test(await items()));
    assert.equal((await items()).match(/beta/g).length >= 1 && !/alpha/.test(await items()), true);
    await resi.keyboard.press('Escape');
    await resi.goto(`${fleet.server.origin}/servers`);
    await resi.waitForSelector('h1:has-text("You see the machines assigned to you")');
    await resi.axe('a page that is not his');
    await resi.click('main a:has-text("Your machines")');
    await resi.waitForSelector('tr[data-row]');
    await resi.clean();
  });

  test('he starts one to its end and reads it again; another is refused', { timeout: 40000 }, async () => {
    await resi.goto(`${fleet.server.origin}/vms/${fleet.ids.beta}/102`);
    await resi.waitForSelector('.guest h1:has-text("spare")');
    await resi.click('.page-head button[aria-label="Start spare"]');
    await resi.waitForSelector('.page-head .vm-busy:has-text("Starting")');
    await resi.locator('.toast', { hasText: /Started spare \(102\) on beta, [\d.]+ s/ }).waitFor({ timeout: 20000 });
    await resi.waitForSelector('.page-facts .vm-status.running');
    assert.equal((await statusOf(fleet.lab, 'beta', 102)).status, 'running');
    await resi.locator('.panel:has-text("What was done with it") tr:has-text("Start spare") .op-status.completed').waitFor();
    assert.equal(await resi.locator('.page-head button[aria-label="Stop spare"]').isDisabled(), true);
    const as = await fleet.server.login('resi');
    const call = (method, target) => fleet.server.request(method, target, { cookie: as.cookie });
    const act = (cluster, node, vmid, action) => call('POST', `/api/v1/servers/${fleet.ids[cluster]}/nodes/${node}/qemu/${vmid}/${action}`);
    assert.equal((await act('beta', 'box', 102, 'stop')).status, 403);
    assert.equal((await act('beta', 'box', 100, 'stop')).status, 404);
    assert.equal((await act('alpha', 'pve1', 102, 'start')).status, 404, 'the same number on another server');
    // What is done to others is not his.
    const other = await fleet.api('POST', `/api/v1/servers/${fleet.ids.alpha}/nodes/pve1/qemu/102/start`);
    for (const [method, end] of [['GET', ''], ['POST', '/cancel']]) assert.equal((await call(method, `/api/v1/operations/${other.operation_id}${end}`)).status, 404);
    const { operations } = (await call('GET', '/api/v1/operations')).json;
    assert.deepEqual(operations.map((o) => o.subject), ['spare (102) on beta']);
    await resi.click('.side [data-page=operations]');
    await resi.waitForSelector('.operations tr:has-text("Start spare")');
    assert.equal(await resi.locator('.operations tbody tr').count(), 1);
    await resi.axe('his operations');
    await resi.shot('assign-operations');
    await resi.locator('.operations .op-link').click();
    await resi.waitForSelector('dialog[open] .op-log');
    await resi.keyboard.press('Escape');
    await resi.clean();
  });

  test('the assignment is taken while he looks, and the machine goes', { timeout: 40000 }, async () => {
    await resi.goto(`${fleet.server.origin}/vms/${fleet.ids.beta}/102`);
    await resi.waitForSelector('.guest h1:has-text("spare")');
    await open();
    await row('beta', 102).locator('button').click();
    await row('beta', 102).waitFor({ state: 'detached' });
    await resi.locator('h1:has-text("This machine is not assigned to you")').waitFor({ timeout: 15000 });
    await resi.axe('it is gone');
    await resi.click('main a:has-text("All virtual machines")');
    await resi.waitForSelector('tr[data-row]');
    assert.deepEqual(trimmed(await resi.locator('tr[data-row] .vm-name').allInnerTexts()), ['db']);
    await resi.clean();
    const audit = (await fleet.api('GET', '/api/v1/audit')).audit.filter((e) => e.action.startsWith('assignment.'));
    assert.ok(audit.some((e) => e.action === 'assignment.delete' && e.object === 'resi' && /guest 102 of beta/.test(e.detail)));
    await admin.keyboard.press('Escape');
  });

  test('who is restricted while he looks loses what is not his at once', { timeout: 30000 }, async () => {
    await fleet.server.addUser(fleet.admin, 'vera', 'viewer');
    const vera = (await fleet.api('GET', '/api/v1/users')).users.find((u) => u.name === 'vera').id;
    const page = await browser.open(fleet.server.origin, { path: '/servers' });
    await page.waitForSelector('input[name=username]');
    await login(page, 'vera');
    await page.waitForSelector('h1:has-text("Servers")');
    assert.equal(await page.locator('.side [data-page=host]').count(), 1);
    await fleet.api('PATCH', `/api/v1/users/${vera}`, { is_restricted: true });
    await page.waitForSelector('h1:has-text("You see the machines assigned to you")');
    assert.equal(await page.locator('.side [data-page=host]').count(), 0);
    await page.click('main a:has-text("Your machines")');
    await page.waitForSelector('.empty-title:has-text("No virtual machines are assigned to you")');
    await page.clean();
    await page.context().close();
  });

  for (const theme of ['light', 'dark']) {
    test(`accessible and fitting: ${theme}, 1440 and 390 px`, { timeout: 30000 }, async () => {
      const page = await openPage(fleet, browser, '/settings?tab=users', { theme });
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 844 });
        await page.waitForSelector('td:has-text("resi")');
        await page.axe(`the list of people ${theme} ${width}`);
        await page.fits('the list of people');
        await page.shot(`assign-users-${width}-${theme}`);
        await open(page);
        await page.fill('input[name=machine]', 'spare');
        await page.waitForSelector('.assigned-found button');
        await page.axe(`the sheet ${theme} ${width}`);
        await page.fits('the sheet');
        await page.shot(`assign-sheet-${width}-${theme}`);
        await page.keyboard.press('Escape');
        await page.waitForSelector('dialog', { state: 'detached' });
      }
      await page.clean();
      await page.context().close();
    });
  }
});
