// ui_operations_admin: on the page of operations an administrator ends one that hangs, deletes one, and cleans up the history.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, restart, startDesk, toast } from './lib/deeds.mjs';
import { live, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 120_000 };
const history = (page) => page.locator('.panel:has-text("What was done") tbody tr');
const titles = (page) => history(page).locator('.op-link').allInnerTexts();

describe('what administrators do to operations', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('one that hangs is ended by hand with a reason that everybody reads, and its target is free', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('holds');
    const desk = await startDesk(t, browser, sshd);
    await desk.server.addUser(desk.admin, 'max', 'manager');
    const page = await desk.open('ada', '/operations');
    const other = await desk.open('max', `/targets/${desk.ids[0]}`);
    const id = (await desk.begin()).json.operation_id;
    const row = page.locator(`.op-active[data-operation="${id}"]`);
    await until('it to hang', async () => /Executing restart command/.test(await row.innerText()), { within: 15_000 });
    await until('the other to see it', async () => /^Restarting… \(50%\)$/.test((await restart(other).innerText()).trim()));

    await row.locator('button[aria-label^="More for"]').click();
    await page.click('[role=menuitem]:has-text("End by hand")');
    const ask = page.locator('dialog.deed-ask');
    assert.equal(await ask.locator('h2').innerText(), 'End “Restart nginx.service on web3” by hand?');
    assert.match(await ask.innerText(), /What runs on the target is not stopped by it: look there yourself/);
    assert.ok(await ask.locator('button[type=submit]').isDisabled(), 'it wants a reason');
    await ask.locator('input[name=reason]').fill('nginx hangs');
    await page.axe('the question');
    await page.shot('admin-force');
    await ask.locator('button[type=submit]').click();
    await toast(page, 'Restart nginx.service on web3 was ended as failed').waitFor();
    await row.waitFor({ state: 'detached' });
    assert.match(await history(page).first().innerText(), /failed[^]*Ended by ada: nginx hangs/);
    await until('the target to be free', async () => (await restart(other).innerText()).trim() === 'Restart Service');
    await toast(other, 'Ended by ada: nginx hangs').waitFor();

    // A manager has no such thing in his menus.
    assert.equal((await desk.begin()).status, 202);
    await other.waitForSelector('.op-active');
    assert.equal(await other.locator('.op-active button[aria-label^="More for"]').count(), 0);
    await other.locator('.panel:has-text("What was done with it") tbody tr').first().click({ button: 'right' });
    await other.waitForSelector('[role=menuitem]:has-text("Show details")');
    assert.equal(await other.locator('[role=menuitem]:has-text("End by hand")').count(), 0);
    await other.keyboard.press('Escape');

    // As completed: with warnings, for nobody looked.
    await history(page).first().click({ button: 'right' });
    await page.click('[role=menuitem]:has-text("End by hand")');
    await page.click('dialog.deed-ask label:has-text("It completed")');
    await page.fill('dialog.deed-ask input[name=reason]', 'I looked: it is up');
    await page.click('dialog.deed-ask button[type=submit]');
    await until('its end', async () => /with warnings[^]*Ended by ada: I looked: it is up/.test(await history(page).first().innerText()));
    await closed(other);
    await closed(page);
  });

  test('one is deleted, and what is old is cleaned up', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    for (const type of ['ssh_test', 'logs', 'service_status']) await desk.ended((await desk.begin(type)).json.operation_id);
    await desk.server.stop();
    execFileSync('sqlite3', [path.join(desk.server.data, 'binnacle.db'), "UPDATE operations SET started_at = started_at - 200000000, updated_at = updated_at - 200000000, completed_at = completed_at - 200000000 WHERE subject = 'web3'"]);
    await desk.server.start();
    await desk.server.addUser(desk.admin, 'max', 'manager');
    const page = await desk.open('ada', '/operations');
    await until('all three', async () => (await titles(page)).join() === 'Status of nginx.service on web3,Journal of nginx.service on web3,SSH test of web3');
    await history(page).first().click({ button: 'right' });
    await page.click('[role=menuitem]:has-text("Delete")');
    await page.waitForSelector('dialog:has-text("with all that was written")');
    await page.axe('deleting one');
    await page.shot('admin-delete');
    await page.click('dialog button:has-text("Delete")');
    await toast(page, 'Status of nginx.service on web3 is deleted').waitFor();
    await until('it to be gone', async () => (await titles(page)).length === 2);

    await page.click('.page-acts button:has-text("Clean up…")');
    const ask = page.locator('dialog.deed-ask');
    assert.equal(await ask.locator('input[name=hours_old]').inputValue(), '24');
    await ask.locator('input[name=hours_old]').fill('0');
    await ask.locator('.field-error:has-text("From 1 hour to 8760")').waitFor();
    assert.ok(await ask.locator('button[type=submit]').isDisabled());
    await ask.locator('input[name=hours_old]').fill('48');
    await ask.locator('.field-error').waitFor({ state: 'detached' });
    assert.match(await ask.innerText(), /That is 2 days/);
    await ask.locator('input[name=force_stuck]').check();
    await page.axe('cleaning up');
    await page.shot('admin-clean');
    await ask.locator('button[type=submit]').click();
    await toast(page, '1 operation was removed').waitFor();
    await until('the old one to be gone', async () => (await titles(page)).join() === 'Journal of nginx.service on web3');

    const other = await desk.open('max', '/operations');
    await other.waitForSelector('.page-acts a:has-text("Consoles")');
    assert.equal(await other.locator('button:has-text("Clean up…")').count(), 0);
    await closed(other);
    await page.waitForSelector(live);
    await closed(page);
  });
});
