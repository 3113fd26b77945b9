// ui_operations_kill: a service is restarted through the page and Binnacle is killed in the middle; begun anew, the same page reads how it really ended.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, confirm, restart, sheet, startDesk, toast } from './lib/deeds.mjs';
import { live, measured, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 180_000 };
const restarts = (sshd) => sshd.calls().filter((line) => line === 'restart nginx.service').length;
const buttonText = (page) => restart(page).innerText().then((text) => text.trim());

/** A page that runs a restart, its sheet open, and the operation's id. */
async function underWay(t, browser, sshd, how) {
  const desk = await startDesk(t, browser, sshd);
  const page = await desk.open('ada', `/targets/${desk.ids[0]}`, how);
  await page.evaluate(() => (window.bnSame = true));
  await confirm(page);
  await page.waitForSelector(`${sheet} .output-text:has-text("Stopping nginx.service")`);
  const id = (await page.locator(`${sheet} .deed-id code`).innerText()).trim();
  page.expect(/WebSocket|ERR_CONNECTION|Failed to load/);
  return { desk, page, id };
}

/** The right end, wherever it is looked at. */
async function readsTheEnd(page) {
  await page.waitForSelector(`${sheet} .deed-end.is-good`, { timeout: 60_000 });
  const text = await page.innerText(sheet);
  assert.match(text, /✓ completed/);
  assert.match(text, /Restarted nginx\.service on web3/);
  assert.match(text, /nginx\.service is active \(running\)/);
  await until('all of its output', async () => /^Stopping nginx\.service\nStarted nginx\.service\n?$/.test(await page.innerText(`${sheet} .output-text`)));
}

/** A page of somebody who was not there, and the list of what was done. */
async function readAnew(desk, id, what) {
  await desk.server.addUser(desk.admin, 'max', 'manager');
  const page = await desk.open('max', `/operations?id=${id}`);
  await readsTheEnd(page);
  await page.shot(`kill-${what}-anew`);
  await page.keyboard.press('Escape');
  await page.waitForSelector(sheet, { state: 'detached' });
  await until('its line', async () => /Restart nginx\.service on web3[^]*✓ completed/.test(await page.locator('.panel:has-text("What was done") tbody tr').first().innerText()));
  assert.equal(await page.locator('.toast').count(), 0, 'it was over before this page came');
  await closed(page);
}

describe('Binnacle is killed while a page looks on', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('while the command runs: the page says that it is cut off, goes on by itself, and tells the end once', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 6);
    const { desk, page, id } = await underWay(t, browser, sshd);
    assert.match(await buttonText(page), /^Restarting… \(50%\)$/);
    await page.shot('kill-before');
    await desk.server.crash();
    await page.waitForSelector(live, { state: 'detached' });
    await page.waitForSelector(`${sheet} .deed-away`);
    const away = await page.innerText(sheet);
    assert.match(away, /⟳ under way/, 'what was known stays');
    assert.match(away, /Binnacle does not answer\. This is what was known then\. The target goes on by itself/);
    assert.equal(await page.locator(`${sheet} .failure`).count(), 0, 'said once');
    await page.axe('a page that is cut off');
    assert.match(await buttonText(page), /^Restarting… \(50%\)$/);
    await page.shot('kill-away');
    await desk.server.start();
    const back = performance.now();
    await page.waitForSelector(live, { timeout: 30_000 });
    measured(t, `the page was live again ${(performance.now() - back).toFixed(0)} ms after Binnacle was`);
    await page.waitForSelector('.deed-away', { state: 'detached' });
    await readsTheEnd(page);
    await toast(page, /^Restarted nginx\.service on web3, [\d.]+ s$/).waitFor();
    assert.equal(await toast(page, /^Restarted nginx/).count(), 1);
    assert.equal(await page.locator(`${sheet} .toast`).count(), 1, 'in front of the sheet');
    assert.equal(await buttonText(page), 'Restart Completed');
    await page.shot('kill-after');
    await page.axe('the end after a kill');
    assert.equal(restarts(sshd), 1, 'it was restarted once');
    assert.equal((await desk.one(id)).status, 'completed');
    await until('the target to be free', async () => (await buttonText(page)) === 'Restart Service', { within: 20_000 });
    assert.ok(await page.evaluate(() => window.bnSame), 'it is the same page');
    await readAnew(desk, id, 'runs');
    assert.equal((await desk.begin()).status, 202, 'another one can be begun');
    await page.waitForSelector('.deed-acts .is-busy');
    await closed(page);
  });

  test('while it is away the command ends, and not well: the page reads that', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 2);
    sshd.set('fails');
    const { desk, page, id } = await underWay(t, browser, sshd, { width: 390, theme: 'dark' });
    await desk.server.crash();
    await page.waitForSelector(live, { state: 'detached' });
    await until('the command to be over', () => sshd.over === 1, { within: 15_000 });
    await page.shot('kill-390-away');
    await desk.server.start();
    await page.waitForSelector(`${sheet} .deed-end.is-bad:has-text("nginx.service did not start on web3")`, { timeout: 30_000 });
    await toast(page, 'Restart nginx.service on web3 failed').waitFor();
    await page.fits('the failure');
    await page.axe('the failure after a kill');
    await page.shot('kill-390-after');
    const written = /^Stopping nginx\.service\nStarted nginx\.service\nJob for nginx\.service failed\n[^\n]*Address already in use\)\n?$/;
    await until('all of its output', async () => written.test(await page.innerText(`${sheet} .output-text`)));
    assert.equal(restarts(sshd), 1);
    assert.equal((await desk.one(id)).status, 'failed');
    assert.ok(await page.evaluate(() => window.bnSame), 'it is the same page');
    const anew = await desk.open('ada', `/operations?id=${id}`);
    await anew.waitForSelector(`${sheet} .deed-end.is-bad:has-text("nginx.service did not start on web3")`);
    await anew.waitForSelector(`${sheet} .output-text:has-text("Job for nginx.service failed")`);
    await closed(anew);
    await closed(page);
  });
});
