// ui_batch: one deed on many targets from their list: who is chosen, what is asked, who cannot take part, and its sheet.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, sheet, startDesk, toast } from './lib/deeds.mjs';
import { live, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 180_000 };
const ask = 'dialog.batch-ask';
const yes = `${ask} button[type=submit]`;
const choose = (page, name) => page.locator(`input[aria-label="Choose ${name}"]`).check();
const other = async (page, item) => {
  await page.click('.target-chosen-acts button:has-text("Other")');
  await page.click(`[role=menuitem]:has-text("${item}")`);
};

describe('a batch from the page', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('a service is restarted on those chosen, so many at once; who cannot is named with why', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 1);
    const form = (i) => [{}, {}, { service: 'foo.service' }, { is_active: false }, { host_key: null }, { service: null }, {}][i];
    const desk = await startDesk(t, browser, sshd, { count: 7, form });
    await desk.server.addUser(desk.admin, 'eve', 'viewer');
    const page = await desk.open('ada', '/targets');
    for (const i of [0, 1, 2, 3, 4, 5]) await choose(page, `web${i}`);
    await page.click('.target-chosen-acts button:has-text("Restart a service on 6 targets…")');
    await page.waitForSelector(`${ask} code.command`);
    assert.equal(await page.innerText(`${ask} h2`), 'Restart a service on 3 targets?');
    assert.deepEqual(await page.locator(`${ask} .batch-names li`).allInnerTexts(), ['web0', 'web1', 'web2']);
    assert.deepEqual(await page.locator(`${ask} .batch-cannot li`).allInnerTexts(), [
      'web3: it is switched off', 'web4: its host key was not seen yet: test it first', 'web5: it names no service: name one below',
    ]);
    assert.match(await page.innerText(`${ask} .deed-warning`), /each of these 3 targets is interrupted while it restarts: who uses it then is cut off, on 3 of them at the same time/);
    await until('both commands', async () => (await page.locator(`${ask} .deed-pairs code`).allInnerTexts()).join() === 'systemctl restart nginx.service,systemctl restart foo.service');
    assert.deepEqual(await page.locator(`${ask} .deed-pairs dt`).allInnerTexts(), ['On 2', 'On web2']);
    await page.axe('the question');
    await page.shot('batch-ask');

    // Another service on all of them: now one more can, and all are sent the same.
    await page.fill(`${ask} input[name=service]`, 'nginx.service');
    await until('one more', async () => (await page.locator(`${ask} .batch-names li`).allInnerTexts()).join() === 'web0,web1,web2,web5');
    await until('one command', async () => (await page.locator(`${ask} .deed-pairs code`).allInnerTexts()).join() === 'systemctl restart nginx.service');
    await page.fill(`${ask} input[name=service]`, '');
    await until('three again', async () => (await page.locator(`${ask} .batch-names li`).count()) === 3);
    await page.locator(`${ask} input[name=concurrency]`).fill('1');
    assert.match(await page.innerText(`${ask} output`), /^1 of 3$/);
    assert.deepEqual(sshd.calls(), [], 'asking does nothing');

    await page.click(`${yes}:has-text("Restart on 3 targets"):not([disabled])`);
    await toast(page, 'Begun on 3 targets.').waitFor();
    await page.waitForSelector(`${sheet} .batch-list li:nth-child(3)`);
    assert.match(await page.innerText(`${sheet} .batch-sum`), /1 at once/);
    await page.shot('batch-begun');
    await until('its end', async () => /3 of 3 done/.test(await page.innerText(`${sheet} .batch-sum`)), { within: 90_000 });
    assert.match(await page.locator(`${sheet} .batch-list li`).first().innerText(), /^web2[^]*failed[^]*There is no unit foo\.service on web2/);
    await toast(page, 'Restart 3 targets: 3 of 3 done, 1 failed').waitFor();
    await page.shot('batch-done');
    assert.equal(sshd.calls().filter((line) => line === 'restart nginx.service').length, 2);
    const { operations } = (await desk.call('GET', '/api/v1/operations?type=batch')).json;
    assert.equal(operations.length, 1);
    assert.equal(operations[0].concurrency, 1);
    await page.keyboard.press('Escape');
    assert.match(await page.innerText('.target-chosen'), /Choose all 7/, 'the choice is over');

    // Looking at all of them; a test takes those whose host key nobody knows, too.
    await choose(page, 'web0');
    await choose(page, 'web4');
    await other(page, 'Test SSH');
    await page.waitForSelector(`${ask} h2:has-text("Test SSH to 2 targets")`);
    assert.equal(await page.locator(`${ask} .deed-warning`).count(), 0, 'nobody is interrupted');
    assert.equal(await page.locator(`${ask} input[name=service]`).count(), 0);
    await page.click(`${yes}:not([disabled])`);
    await until('its end', async () => /2 of 2 done/.test(await page.innerText(`${sheet} .batch-sum`)), { within: 30_000 });
    await page.keyboard.press('Escape');

    const viewer = await desk.open('eve', '/targets');
    await choose(viewer, 'web0');
    assert.equal(await viewer.getAttribute('.target-chosen-acts button', 'aria-disabled'), 'true');
    await viewer.locator('.target-chosen-acts button').click({ force: true });
    assert.equal(await viewer.locator('dialog').count(), 0);
    await closed(viewer);
    await closed(page);
  });

  test('what the server refuses is said: a name that is none, and none that could begin', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 20);
    const desk = await startDesk(t, browser, sshd, { count: 2 });
    const page = await desk.open('ada', '/targets', { width: 390, theme: 'dark' });
    page.expect(/status of 4\d\d/);
    await choose(page, 'web0');
    await choose(page, 'web1');
    await page.click('.target-chosen-acts button:has-text("Restart a service on 2 targets…")');
    await page.fill(`${ask} input[name=service]`, 'a;reboot');
    await page.waitForSelector(`${ask} .field-error`);
    assert.ok(await page.locator(yes).isDisabled());
    await page.fill(`${ask} input[name=service]`, '');
    await page.waitForSelector(`${ask} .field-error`, { state: 'detached' });
    for (const id of desk.ids) assert.equal((await desk.begin('service_restart', undefined, id)).status, 202);
    await page.waitForSelector(`${yes}:not([disabled])`);
    await page.fits('the question');
    await page.axe('the question on a phone');
    await page.shot('batch-ask-390-dark');
    await page.click(`${yes}:not([disabled])`);
    await page.waitForSelector(`${ask} .failure`);
    await until('each with why', async () => (await page.locator(`${ask} .batch-fates li`).allInnerTexts()).join('\n') === 'web0: the same is under way there already\nweb1: the same is under way there already');
    await page.shot('batch-refused-390-dark');
    assert.equal((await desk.list('?type=batch')).length, 0);
    await closed(page);
  });

  test('sixty at once stand in one list, those that failed at its top, also when Binnacle was killed meanwhile', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd, { count: 60, form: (i) => (i === 57 ? { service: 'foo.service' } : {}) });
    const begun = await desk.call('POST', '/api/v1/operations/batch', { type: 'service_status', target_ids: desk.ids, concurrency: 4 });
    assert.equal(begun.status, 202, begun.text);
    const page = await desk.open('ada', `/operations?id=${begun.json.operation_id}`);
    page.expect(/WebSocket|ERR_CONNECTION|Failed to load/);
    await page.waitForSelector(`${sheet} .batch-list li:nth-child(60)`);
    assert.equal(await page.locator(`${sheet} .batch-list`).count(), 1);
    await desk.server.crash();
    await page.waitForSelector(live, { state: 'detached' });
    await desk.server.start();
    await until('its end', async () => /60 of 60 done/.test(await page.innerText(`${sheet} .batch-sum`)), { within: 90_000 });
    await until('each to be over', async () => (await page.locator(`${sheet} .batch-list .op-status`).allInnerTexts()).every((text) => /completed|failed|warnings/.test(text)));
    const lines = await page.locator(`${sheet} .batch-list li`).allInnerTexts();
    assert.equal(lines.length, 60);
    const failed = lines.filter((text) => /✖ failed/.test(text)); // by the kill, others may have
    assert.deepEqual(lines.slice(0, failed.length), failed, 'those at the top');
    assert.ok(failed.some((text) => text.startsWith('web57')), failed.join(' '));
    await closed(page);
  });
});
