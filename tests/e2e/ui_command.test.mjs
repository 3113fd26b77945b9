// ui_command: an administrator allows commands of his own on a target and runs one from the page.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, sheet, startDesk, toast } from './lib/deeds.mjs';
import { suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 120_000 };
const ask = 'dialog.deed-ask';
const menu = (page) => page.click('button[aria-label="More actions for web3"]');
const run = '[role=menuitem]:has-text("Run a command")';

describe('commands of one\'s own', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('off until it is switched on for a target; then what is written runs, and is told with its output and its status', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    await desk.server.addUser(desk.admin, 'max', 'manager');
    const page = await desk.open('ada', `/targets/${desk.ids[0]}`);
    await menu(page);
    await page.waitForSelector('[role=menuitem]:has-text("Status of a service")');
    assert.equal(await page.locator(run).count(), 0, 'off at first');
    await page.click('[role=menuitem]:has-text("Edit")');
    await page.locator('.target-form input[name=allows_commands]').check();
    await page.axe('the form');
    await page.shot('command-form');
    await page.click('.target-form button[type=submit]');
    await page.waitForSelector('.facts :text("administrators may run them")');

    await menu(page);
    await page.click(run);
    const yes = page.locator(`${ask} button[type=submit]`);
    assert.ok(await yes.isDisabled(), 'nothing is written yet');
    assert.match(await page.innerText(ask), /It runs as root on web3 exactly as it is written/);
    await page.fill(`${ask} textarea`, `echo ${'x'.repeat(520)}`);
    await page.waitForSelector(`${ask} .field-error:has-text("525 bytes: at most 511")`);
    assert.ok(await yes.isDisabled());
    await page.fill(`${ask} textarea`, 'name="two words"\necho "ra$((1+1))w $name"');
    await page.axe('the question');
    await page.shot('command-ask');
    await yes.click();
    await page.waitForSelector(`${sheet} .deed-end.is-good`, { timeout: 30_000 });
    assert.match(await page.innerText(`${sheet} .output-text`), /^ra2w two words\n?$/);
    assert.equal(await page.locator(`${sheet} code.command`).innerText(), 'name="two words"\necho "ra$((1+1))w $name"');
    assert.match(await page.innerText(`${sheet} .deed-end`), /It ended with status 0/);
    await toast(page, 'It ended with status 0').waitFor();
    await page.shot('command-done');
    await page.click(`${sheet} button:has-text("Copy as curl")`);
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /"type":"command","params":\{"command":"name=/);
    await page.keyboard.press('Escape');

    // One that fails is written again with a key.
    await menu(page);
    await page.click(run);
    await page.fill(`${ask} textarea`, 'echo before; exit 3');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector(`${sheet} .deed-end.is-bad:has-text("It ended with status 3")`, { timeout: 30_000 });
    await page.click(`${sheet} button:has-text("Try again")`);
    await until('the same again', async () => (await page.inputValue(`${ask} textarea`)) === 'echo before; exit 3');
    await page.keyboard.press('Escape');

    const manager = await desk.open('max', `/targets/${desk.ids[0]}`);
    await menu(manager);
    await manager.waitForSelector('[role=menuitem]:has-text("Status of a service")');
    assert.equal(await manager.locator(run).count(), 0, 'administrators alone');
    await manager.click('[role=menuitem]:has-text("Edit")');
    await manager.waitForSelector('.target-form');
    assert.equal(await manager.locator('input[name=allows_commands]').count(), 0);
    await manager.fill('.target-form input[name=name]', 'web4');
    await manager.click('.target-form button[type=submit]');
    await manager.waitForSelector('h1:has-text("web4")');
    assert.equal((await desk.call('GET', '/api/v1/targets')).json.targets[0].allows_commands, true, 'what he changes is no more than that');
    await closed(manager);
    await closed(page);
  });
});
