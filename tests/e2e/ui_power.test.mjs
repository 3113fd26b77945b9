// ui_power: what is done to guests from the page, to its real end in Proxmox VE; told in every tab, and kept.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { openPage, startFleet, statusOf } from './lib/fleet.mjs';
import { suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';

const FAST = { tick: 300, cache: 50, tasks: 1 };
const sent = async (lab) => (await lab.control.requests()).filter((r) => r.method === 'POST' && /\/status\//.test(r.target));

describe('power', () => {
  const all = suite();
  let browser;
  let fleet;
  let context;
  before(async () => {
    browser = await startBrowser(all);
    fleet = await startFleet(all, { timing: FAST });
    const page = await openPage(fleet, browser, '/vms');
    context = page.context();
    await page.close();
  });

  const open = (path = '/vms', options = {}) => openPage(fleet, browser, path, { context, ...options });
  const row = (page, cluster, vmid) => page.locator(`[data-vm="${fleet.ids[cluster]}/${vmid}"]`);
  const button = (page, cluster, vmid, verb) => row(page, cluster, vmid).locator(`button[aria-label^="${verb} "]`);
  const toast = (page, text) => page.locator('.toast', { hasText: text });

  test('start has no question; it is busy in two tabs, ends for real, and each tab says so once', { timeout: 60000 }, async () => {
    const one = await open();
    const two = await open();
    for (const page of [one, two]) await row(page, 'alpha', 102).waitFor();
    await fleet.lab.control.forget();
    await button(one, 'alpha', 102, 'Start').click();
    assert.equal(await one.locator('dialog').count(), 0);
    for (const page of [one, two]) await row(page, 'alpha', 102).locator('.vm-busy').waitFor();
    assert.match(await row(two, 'alpha', 102).locator('.vm-busy').innerText(), /Starting/);
    assert.equal(await button(two, 'alpha', 102, 'Start').count(), 0, 'nothing to press meanwhile');
    assert.equal(await two.locator('.vm-busy').count(), 1, 'that machine only');
    for (const page of [one, two]) {
      await toast(page, /Started spare \(102\) on alpha, [\d.]+ s/).waitFor({ timeout: 20000 });
      await row(page, 'alpha', 102).locator('.vm-status.running').waitFor({ timeout: 20000 });
      assert.equal(await page.locator('.toast').count(), 1);
    }
    assert.equal((await statusOf(fleet.lab, 'alpha', 102)).status, 'running');
    assert.deepEqual((await sent(fleet.lab)).map((r) => r.node), ['alpha/pve1'], 'once, and to its own server');
    for (const page of [one, two]) {
      await page.clean();
      await page.close();
    }
  });

  test('stop asks, naming machine and server; the same number elsewhere goes on', { timeout: 60000 }, async () => {
    const page = await open();
    await row(page, 'beta', 100).waitFor();
    await fleet.lab.control.forget();
    await button(page, 'beta', 100, 'Stop').click();
    const dialog = page.locator('dialog[open]');
    await dialog.waitFor();
    assert.equal(await dialog.locator('h2').innerText(), 'Stop web (100) on beta?');
    assert.match(await dialog.innerText(), /may lose unsaved data/);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await sent(fleet.lab)).length, 0, 'asking sends nothing');
    await button(page, 'beta', 100, 'Reset').click();
    assert.match(await dialog.innerText(), /immediately/);
    await dialog.locator('button:has-text("Cancel")').click();
    await button(page, 'beta', 100, 'Stop').click();
    await dialog.locator('button:has-text("Stop now")').click();
    await row(page, 'beta', 100).locator('.vm-busy').waitFor();
    assert.equal(await row(page, 'alpha', 100).locator('.vm-busy').count(), 0);
    await toast(page, /Stopped web \(100\) on beta, [\d.]+ s/).waitFor({ timeout: 20000 });
    await row(page, 'beta', 100).locator('.vm-status.stopped').waitFor({ timeout: 20000 });
    assert.equal((await statusOf(fleet.lab, 'beta', 100)).status, 'stopped');
    assert.equal((await statusOf(fleet.lab, 'alpha', 100)).status, 'running');
    assert.deepEqual((await sent(fleet.lab)).map((r) => r.node), ['beta/box']);
    assert.ok(await row(page, 'alpha', 100).locator('.vm-status.running').count() === 1);
    await page.clean();
    await page.close();
  });

  test('the page of one: its state, its charts, its buttons, and what was done with it', { timeout: 60000 }, async () => {
    const page = await open(`/vms/${fleet.ids.alpha}/101`);
    await page.waitForSelector('.guest .dial');
    assert.equal(await page.innerText('h1'), 'db');
    await page.waitForSelector('.chart canvas');
    assert.equal(await page.locator('.chart').count(), 4);
    await page.click('.choice label:has-text("Week")');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('range') === 'week');
    await page.waitForSelector('.chart canvas');
    await page.axe('the page of a guest');
    await page.shot('guest');
    await page.click('button[aria-label="Shut down db"]');
    await page.waitForSelector('.vm-busy');
    assert.ok(await page.locator('.page-head .vm-power button').evaluateAll((l) => l.every((b) => b.disabled)), 'disabled meanwhile');
    await toast(page, /Shut down db \(101\) on alpha, [\d.]+ s/).waitFor({ timeout: 20000 });
    await page.waitForSelector('button[aria-label="Start db"]', { timeout: 20000 });
    await page.waitForSelector('.panel:has-text("What was done with it") td:has-text("Shut down db (101) on alpha")');
    await page.fits('the page of a guest');
    await page.clean();
    await page.close();
  });

  test('a task that fails is said with its sentence, and everything about it is one click away', { timeout: 60000 }, async () => {
    await fleet.lab.control.fault('taskfail', 'alpha/102', { text: 'unable to shut down: guest agent is silent' });
    const page = await open();
    await row(page, 'alpha', 102).locator('button[aria-label^="More for"]').click();
    await page.click('[role=menuitem]:has-text("Shut down")');
    const failed = toast(page, 'Shut down spare (102) on alpha failed');
    await failed.waitFor({ timeout: 20000 });
    assert.match(await failed.innerText(), /guest agent is silent/);
    await page.axe('a failure');
    await failed.locator('a').click();
    await page.waitForSelector('dialog.op-sheet .op-log');
    assert.match(await page.innerText('dialog.op-sheet'), /TASK ERROR: unable to shut down: guest agent is silent/);
    assert.match(await page.innerText('dialog.op-sheet'), /UPID:/);
    await page.axe('the details of an operation');
    await page.shot('operation');
    await page.click('dialog.op-sheet button:has-text("Copy details")');
    const details = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(details, /^Shut down spare \(102\) on alpha\nstatus: failed\n/);
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await fleet.lab.control.clear();
    await page.clean();
    await page.close();
  });

  test('operations: what was done, narrowed in the address, and empty with a way back', { timeout: 60000 }, async () => {
    const page = await open('/operations');
    await page.waitForSelector('.panel:has-text("What was done") tbody tr');
    const titles = () => page.locator('tbody tr .op-link').allInnerTexts();
    assert.ok((await titles()).includes('Start spare (102) on alpha'));
    await page.selectOption('select[aria-label=Result]', 'failed');
    await until('only failures', async () => (await titles()).join() === 'Shut down spare (102) on alpha');
    assert.equal(new URL(page.url()).searchParams.get('status'), 'failed');
    await page.reload();
    await page.waitForSelector('tbody tr');
    assert.deepEqual(await titles(), ['Shut down spare (102) on alpha']);
    await page.selectOption('select[aria-label=Server]', fleet.ids.beta);
    await page.waitForSelector('.empty-title:has-text("No operation matches")');
    await page.click('button:has-text("Clear filters")');
    await page.waitForSelector('tbody tr');
    assert.equal(new URL(page.url()).search, '');
    await page.selectOption('select[aria-label=Kind]', 'vm_power');
    await page.selectOption('select[aria-label=Server]', fleet.ids.beta);
    await until('those of beta', async () => (await titles()).join() === 'Stop web (100) on beta');
    await page.clean();
    await page.close();
  });

  test('an operation under way is seen by all with its phase, and can be cancelled', { timeout: 60000 }, async () => {
    await fleet.lab.control.fault('taskhang', 'alpha/100');
    const page = await open('/operations');
    await page.waitForSelector('.empty-title:has-text("Nothing is under way")');
    const vm = (await fleet.vms()).find((v) => v.server_id === fleet.ids.alpha && v.vmid === 100);
    await fleet.api('POST', `/api/v1/servers/${fleet.ids.alpha}/nodes/${vm.node}/${vm.type}/100/shutdown`);
    const active = page.locator('.op-active');
    await active.waitFor();
    assert.match(await active.innerText(), /Shut down web \(100\) on alpha/);
    assert.equal(await active.locator('[role=progressbar]').count(), 1);
    await page.axe('operations under way');
    await page.shot('operations');
    await active.locator('button:has-text("Cancel")').click();
    await active.waitFor({ state: 'detached', timeout: 20000 });
    await page.waitForSelector('tbody tr .op-status.cancelled');
    assert.equal(await page.locator('.toast', { hasText: 'was cancelled' }).count(), 0, 'a key began it: not told to somebody who did not');
    await fleet.lab.control.clear();
    await page.clean();
    await page.close();
  });

  for (const theme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      test(`guest and operations are accessible and fit: ${theme}, ${width} px`, async () => {
        const page = await openPage(fleet, browser, `/vms/${fleet.ids.alpha}/100`, { theme, width });
        await page.waitForSelector('.chart canvas');
        await page.axe(`guest ${theme} ${width}`);
        await page.fits('the page of a guest');
        await page.shot(`guest-${width}-${theme}`);
        await page.goto(`${fleet.server.origin}/operations`);
        await page.waitForSelector('tbody tr');
        await page.axe(`operations ${theme} ${width}`);
        await page.fits('operations');
        await page.shot(`operations-${width}-${theme}`);
        await page.clean();
        await page.context().close();
      });
    }
  }

  test('a viewer sees everything and is told why he may not', async () => {
    await fleet.server.addUser(fleet.admin, 'vera', 'viewer');
    const page = await browser.open(fleet.server.origin, { path: '/login' });
    await page.waitForSelector('input[name=username]');
    await page.fill('input[name=username]', 'vera');
    await page.fill('input[name=password]', fleet.admin.password);
    await page.click('button[type=submit]');
    await page.waitForSelector('.shell');
    await page.goto(`${fleet.server.origin}/vms/${fleet.ids.alpha}/100`);
    const stop = page.locator('button[aria-label="Stop web"]');
    await stop.waitFor();
    assert.ok(await stop.isDisabled());
    assert.match(await stop.getAttribute('data-tip'), /role manager/);
    await page.clean();
    await page.context().close();
  });
});

test('a token without the privilege: the sentence names it, and the line that grants it is there to copy', { timeout: 60000 }, async (t) => {
  const browser = await startBrowser(t);
  const fleet = await startFleet(t, { timing: FAST, tokens: { alpha: 'binnacle@pve!monitor' } });
  const page = await openPage(fleet, browser, '/vms');
  page.expect(/status of 403|status of 502/);
  const row = page.locator(`[data-vm="${fleet.ids.alpha}/102"]`);
  await row.locator('button[aria-label^="Start"]').click();
  const refused = page.locator('.toast.error');
  await refused.waitFor();
  assert.match(await refused.innerText(), /VM\.PowerMgmt/);
  const line = await refused.locator('code.command').innerText();
  assert.match(line, /^pveum acl modify \/\S* --tokens 'binnacle@pve!monitor' --roles PVEVMUser$/);
  await page.mouse.move(2, 2); // a tip would be no part of it
  await page.axe('a missing privilege');
  await page.shot('privilege');
  await refused.locator('button:has-text("Copy command")').click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
  await page.waitForTimeout(600);
  assert.equal(await page.locator('.toast.error').count(), 1, 'said once, though the operation failed too');
  await row.locator('button[aria-label^="Start"]').waitFor();
  assert.equal((await statusOf(fleet.lab, 'alpha', 102)).status, 'stopped');
  await page.clean();
});
