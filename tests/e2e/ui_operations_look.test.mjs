// ui_operations_look: the pages of targets and operations at both widths in both themes, with much on them; one menu for a target, and the way by the keyboard.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, restart, sheet, startDesk } from './lib/deeds.mjs';
import { suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 120_000 };

describe('how operations look', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('a target has one menu with all that can be done, and a restart is asked for from the keyboard', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    const page = await desk.open('ada', `/targets/${desk.ids[0]}`);
    await restart(page).waitFor();
    assert.equal(await page.locator('.page-head [aria-haspopup=menu]').count(), 1, 'one menu');
    await page.click('button[aria-label="More actions for web3"]');
    const items = await page.locator('[role=menuitem]').allInnerTexts();
    for (const item of ['Restart nginx.service …', 'Status of a service …', 'Journal of a service …', 'Restart another service …', 'Test', 'Terminal', 'Edit']) assert.ok(items.map((it) => it.trim()).includes(item), `${item} of ${items}`);
    await page.keyboard.press('Escape');

    await page.keyboard.press('Control+k');
    await page.fill('.palette input', 'restart nginx web3');
    await page.click('.palette [role=option]:has-text("Restart nginx.service on web3")');
    await page.waitForSelector('dialog.deed-ask h2:has-text("Restart nginx.service on web3?")');
    await page.keyboard.press('Escape');

    // From its row in the list, too.
    await page.goto(`${desk.server.origin}/targets`);
    await page.click('button[aria-label="Actions for web3"]');
    await page.click('[role=menuitem]:has-text("Status of a service")');
    await page.click('dialog.deed-ask button:has-text("Show status"):not([disabled])');
    await page.waitForSelector(`${sheet} .deed-end.is-good`);
    await page.waitForSelector(`${sheet} .output-text:has-text("Active: active")`);
    await closed(page);
  });

  test('where operations are switched off, nothing is offered and it is said', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    await desk.server.stop();
    desk.server.options.args.push('--operations', 'off');
    await desk.server.start();
    const page = await desk.open('ada', '/targets');
    await page.waitForSelector('.note:has-text("Operations over SSH are switched off")');
    await page.waitForSelector('.vm-name:has-text("web3")');
    assert.equal(await page.locator('button.restart').count(), 0);
    assert.equal(await page.locator('a[aria-label^="Terminal on"]').count(), 0);
    await page.keyboard.press('Control+k');
    await page.fill('.palette input', 'web3');
    await page.waitForSelector('.palette [role=option]:has-text("web3")');
    assert.equal(await page.locator('.palette [role=option]:has-text("over SSH")').count(), 0);
    await page.keyboard.press('Escape');
    await page.locator('input[aria-label="Choose web3"]').check();
    assert.equal(await page.getAttribute('.target-chosen-acts button', 'aria-disabled'), 'true');
    await page.click('button[aria-label="Actions for web3"]');
    assert.equal(await page.locator('[role=menuitem]:has-text("Restart"), [role=menuitem]:has-text("Status"), [role=menuitem]:has-text("Test"), [role=menuitem]:has-text("Terminal")').count(), 0);
    await page.keyboard.press('Escape');
    await page.goto(`${desk.server.origin}/targets/${desk.ids[0]}`);
    await page.waitForSelector('.target-why:has-text("Operations over SSH are switched off")');
    await page.axe('a target where operations are off');
    await page.shot('look-off');
    await closed(page);
  });

  test('1440 and 390 px, light and dark: nothing is wider than the screen, and axe is content', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('holds');
    const desk = await startDesk(t, browser, sshd, { count: 8, form: (i) => [{}, { service: 'a-service-with-a-rather-long-name.service' }, { is_active: false }, { host_key: null }, { site: 'Frankfurt', tags: 'prod, web' }, {}, {}, {}][i] });
    const { ids } = desk;
    for (const type of ['ssh_test', 'logs', 'service_status']) await desk.ended((await desk.begin(type)).json.operation_id);
    await desk.ended((await desk.begin('service_status', undefined, ids[1])).json.operation_id);
    await desk.begin('service_restart', undefined, ids[0]);
    const batch = await desk.call('POST', '/api/v1/operations/batch', { type: 'service_restart', target_ids: ids.slice(4), concurrency: 2 });
    assert.equal(batch.status, 202, batch.text);
    for (const [width, theme] of [[1440, 'light'], [1440, 'dark'], [390, 'light'], [390, 'dark']]) {
      const page = await desk.open('ada', '/operations', { width, theme });
      const look = async (what) => {
        await page.fits(`${what}, ${width} ${theme}`);
        await page.axe(`${what}, ${width} ${theme}`);
        await page.shot(`look-${what}-${width}-${theme}`);
      };
      await page.waitForSelector('.op-active >> nth=4');
      await page.waitForSelector('tbody tr >> nth=5');
      await look('operations');
      await page.click(`[data-operation="${batch.json.operation_id}"] .op-title`);
      await page.waitForSelector(`${sheet} .batch-list li:nth-child(4)`);
      await look('batch');
      await page.goto(`${desk.server.origin}/targets`);
      await page.waitForSelector('.target-table tbody tr:nth-child(8)');
      await until('what was done', async () => (await page.locator('.target-table .is-busy, .target-table .target-deed').count()) > 0);
      for (const name of ['web1', 'web2', 'web3', 'web4']) await page.locator(`input[aria-label="Choose ${name}"]`).check();
      await look('targets');
      await page.click('.target-chosen-acts button:has-text("Restart a service on")');
      await page.waitForSelector('dialog.batch-ask code.command');
      await look('batch-ask');
      await page.goto(`${desk.server.origin}/targets/${ids[0]}`);
      await page.waitForSelector('.op-active');
      await look('target');
      await page.click('.op-active .op-title');
      await page.waitForSelector(`${sheet} .output-text`);
      await look('sheet');
      await closed(page);
    }
    sshd.set('holds', null);
  });
});
