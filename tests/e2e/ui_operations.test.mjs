// ui_operations: a service is restarted from the page over a real sshd: the button with its states, the question, the sheet, the toasts.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, confirm, restart, sheet, startDesk, toast } from './lib/deeds.mjs';
import { measured, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 120_000 };
const words = (page) => restart(page).innerText().then((text) => text.trim());

describe('operations on the page', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('the button goes through its states in every tab, and each tab that watched is told once', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 2);
    const desk = await startDesk(t, browser, sshd);
    await desk.server.addUser(desk.admin, 'max', 'manager');
    const path = `/targets/${desk.ids[0]}`;
    const one = await desk.open('ada', path);
    const two = await desk.open('max', path);
    const far = await desk.open('max', '/', { context: two.context() });
    for (const page of [one, two]) {
      await restart(page).waitFor();
      assert.equal(await words(page), 'Restart Service');
      assert.equal(await restart(page).locator('svg').count(), 1, 'with its icon');
    }

    // The question.
    await restart(one).click();
    const ask = one.locator('dialog.deed-ask');
    await ask.locator('code.command').waitFor();
    assert.equal(await ask.locator('h2').innerText(), 'Restart nginx.service on web3?');
    const text = await ask.innerText();
    assert.match(text, /nginx\.service on web3 is interrupted while it restarts/);
    assert.match(text, /systemctl restart nginx\.service/);
    await until('that there was none', async () => /none from here so far/.test(await ask.innerText()));
    assert.deepEqual(await ask.locator('.dialog-foot button').allInnerTexts(), ['Cancel', 'Restart Service']);
    await one.axe('the question');
    await one.shot('deed-ask');
    await ask.locator('button:has-text("Cancel")').click();
    await ask.waitFor({ state: 'detached' });
    assert.deepEqual(sshd.calls(), [], 'asking does nothing');

    // Every word of the button, as each tab shows it.
    for (const page of [one, two]) {
      await page.evaluate(() => {
        window.bnWords = [];
        const look = () => {
          const button = document.querySelector('button.restart');
          const now = `${button.innerText.trim()}${button.disabled ? ' (disabled)' : ''}`;
          if (window.bnWords.at(-1) !== now) window.bnWords.push(now);
        };
        look();
        new MutationObserver(look).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true, attributes: true });
      });
    }
    const clicked = await confirm(one);
    await one.waitForSelector(`${sheet} .output-text:has-text("Stopping nginx.service")`);
    const first = performance.now() - clicked;
    measured(t, `first line of output on screen ${first.toFixed(0)} ms after the confirmation`);
    assert.ok(first <= 1500, `the first line came after ${first} ms`);
    await toast(one, 'Restart initiated: nginx.service on web3').waitFor();
    await one.axe('the sheet while it runs');
    await one.shot('deed-running');
    const shown = await one.locator(sheet).innerText();
    assert.match(shown, /Executing restart command/);
    assert.match(shown, /The command was sent: the target finishes what it began/);
    assert.ok(await restart(two).isDisabled());
    assert.equal(await restart(two).locator('.spinner').count(), 1);
    for (const page of [one, two]) await toast(page, /^Restarted nginx\.service on web3, [\d.]+ s$/).waitFor({ timeout: 30000 });
    await until('the green state', async () => (await words(two)) === 'Restart Completed');
    assert.ok(await two.locator('button.restart.is-done').count() === 1);
    await two.shot('deed-completed');
    await one.waitForSelector(`${sheet} .deed-end.is-good`);
    assert.match(await one.innerText(sheet), /nginx\.service is active \(running\)/);
    assert.match(await one.innerText(`${sheet} .output-text`), /^Stopping nginx\.service\nStarted nginx\.service\n?$/);
    await one.axe('the sheet at the end');
    await one.shot('deed-done');
    assert.equal(await far.locator('.toast').count(), 0, 'who did not watch is not told');
    for (const page of [one, two]) {
      const list = await page.evaluate(() => window.bnWords);
      assert.equal(list[0], 'Restart Service');
      if (page === one) assert.equal(list[1], 'Starting… (disabled)');
      const percents = list.flatMap((w) => /^Restarting… \((\d+)%\) \(disabled\)$/.exec(w)?.[1] ?? []).map(Number);
      for (const step of [50, 90]) assert.ok(percents.includes(step), `${step} of ${list}`);
      assert.deepEqual(percents, [...percents].sort((a, b) => a - b));
      assert.equal(list.at(-1), 'Restart Completed (disabled)');
      assert.equal(await toast(page, /^Restarted nginx/).count(), 1, 'once');
    }
    const green = performance.now();
    await until('the button at rest', async () => (await words(two)) === 'Restart Service', { within: 15000 });
    assert.ok(performance.now() - green > 5000, 'green for ten seconds');
    await until('the toast to go', async () => (await toast(two, /^Restarted nginx/).count()) === 0, { within: 10000 });
    await one.click(`${sheet} button:has-text("Copy as curl")`);
    const curl = await one.evaluate(() => navigator.clipboard.readText());
    assert.match(curl, /^curl -sS -X POST -H "Authorization: Bearer \$BINNACLE_KEY" .*-d '\{"type":"service_restart","params":\{"service":"nginx\.service"\}\}' 'http.*\/api\/v1\/targets\/.*\/operations'$/);
    await closed(one);
    await far.clean();
    await closed(two);
  });

  test('what cannot be done is said with what to do: sudo, a unit that fails, one that is not there', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd, { form: () => ({ sudo: true }) });
    const page = await desk.open('ada', `/targets/${desk.ids[0]}`);
    sshd.set('nosudo');
    await confirm(page);
    const bad = page.locator(`${sheet} .deed-end.is-bad`);
    await bad.waitFor();
    assert.match(await bad.innerText(), /sudo needs a password for root on web3\./);
    await toast(page, 'Restart nginx.service on web3 failed').waitFor();
    const line = 'root ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx.service';
    assert.equal((await bad.locator('code.command').innerText()).trim(), line);
    await bad.locator('button[aria-label="Copy line"]').click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
    await page.axe('sudo needs a password');
    await page.shot('deed-sudo');
    assert.equal(await restart(page).innerText().then((w) => w.trim()), 'Restart Service', 'at rest again');

    // Recheck: the same again, asked for again.
    sshd.set('nosudo', null);
    sshd.set('fails');
    await bad.locator('button:has-text("Recheck")').click();
    await page.locator('dialog.deed-ask code.command').waitFor();
    await until('the last restart', async () => /Last restart[^]*by ada: ✖ failed/.test(await page.innerText('dialog.deed-ask')));
    await page.click('dialog.deed-ask button[type=submit]');
    await page.waitForSelector(`${sheet} .deed-end.is-bad:has-text("did not start")`);
    assert.match(await page.innerText(sheet), /nginx\.service did not start on web3[^]*Its last lines of the journal are below/);
    await page.waitForSelector(`${sheet} .output-text:has-text("Address already in use")`);
    await page.shot('deed-failed');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    sshd.set('fails', null);

    // Another service, named in the question, whose command follows what is typed.
    await page.locator('button[aria-label="More actions for web3"]').click();
    await page.click('[role=menuitem]:has-text("Restart another service")');
    await page.fill('dialog.deed-ask input[name=service]', 'a;reboot');
    await page.waitForSelector('dialog.deed-ask .field-error');
    assert.ok(await page.locator('dialog.deed-ask button[type=submit]').isDisabled());
    await page.fill('dialog.deed-ask input[name=service]', 'foo.service');
    await page.waitForSelector('dialog.deed-ask code.command:has-text("sudo -n systemctl restart foo.service")');
    await page.click('dialog.deed-ask button[type=submit]:not([disabled])');
    await page.waitForSelector(`${sheet} .deed-end.is-bad:has-text("There is no unit foo.service on web3.")`);
    await page.keyboard.press('Escape');
    page.expect(/status of 400/);

    // Looking changes nothing and asks for no confirmation of harm.
    for (const [item, button, result] of [['Status of a service', 'Show status', /Active: active/], ['Journal of a service', 'Show journal', /Address already in use/]]) {
      await page.locator('button[aria-label="More actions for web3"]').click();
      await page.click(`[role=menuitem]:has-text("${item}")`);
      await page.click(`dialog.deed-ask button:has-text("${button}"):not([disabled])`);
      await page.waitForSelector(`${sheet} .deed-end.is-good`);
      await until(item, async () => result.test(await page.innerText(`${sheet} .output-text`)));
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog', { state: 'detached' });
    }
    const rows = await page.locator('.panel:has-text("What was done with it") tbody tr').count();
    assert.equal(rows, 5);
    await closed(page);
  });

  test('a host key that changed stops everything, with both fingerprints and the way to accept it', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    const before = sshd.fingerprint;
    await sshd.stop();
    sshd.newHostKey();
    await sshd.start();
    const page = await desk.open('ada', `/targets/${desk.ids[0]}`);
    await confirm(page);
    const bad = page.locator(`${sheet} .deed-end.is-bad`);
    await bad.waitFor();
    const text = await bad.innerText();
    assert.match(text, /The host key of web3 has changed/);
    assert.match(text, /If you reinstalled web3, accept the new key\. If not, do not/);
    assert.deepEqual(await bad.locator('.deed-keys dd').allInnerTexts(), [before, sshd.fingerprint]);
    assert.equal(await bad.locator('a:has-text("Accept new key")').getAttribute('href'), `/targets/${desk.ids[0]}`);
    await page.axe('a changed host key');
    await page.shot('deed-hostkey');
    assert.deepEqual(sshd.calls(), []);
    await closed(page);
  });

  test('a second start joins the first, a lost network is said, and a viewer reads why he may not', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 3);
    const desk = await startDesk(t, browser, sshd);
    await desk.server.addUser(desk.admin, 'eve', 'viewer');
    const path = `/targets/${desk.ids[0]}`;
    const page = await desk.open('ada', path);
    const viewer = await desk.open('eve', path);
    const button = viewer.locator('button.restart');
    await button.waitFor();
    assert.equal(await button.getAttribute('aria-disabled'), 'true');
    assert.match(await viewer.innerText('.page-head'), /This needs the role manager; somebody with the role admin can give it to you/);
    await button.click({ force: true });
    assert.equal(await viewer.locator('dialog').count(), 0);

    // Somebody else was quicker, between the question and the answer.
    await restart(page).click();
    await page.locator('dialog.deed-ask button[type=submit]:not([disabled])').waitFor();
    const begun = await desk.begin();
    assert.equal(begun.status, 202);
    await page.waitForSelector('dialog.deed-ask:has-text("starting it now joins that one")');
    await page.click('dialog.deed-ask button[type=submit]');
    await page.waitForSelector(`${sheet}[open] .deed-id:has-text("${begun.json.operation_id}")`);
    page.expect(/status of 409/);
    assert.match(await toast(page, 'is already running').innerText(), /^Restart nginx\.service on web3 is already running, started by \S.* (just now|\d+ s ago)\. You joined it: its result is told here too\./);
    await until('the viewer to see it', async () => /^Restarting… \(\d+%\)$/.test((await viewer.innerText('button.restart')).trim()));
    for (const it of [page, viewer]) await toast(it, /^Restarted nginx\.service on web3/).waitFor({ timeout: 30000 });
    assert.equal((await desk.list()).length, 1);
    await page.keyboard.press('Escape');

    // Nobody answers.
    await until('the button at rest', async () => (await restart(page).innerText()).trim() === 'Restart Service', { within: 15000 });
    await restart(page).click();
    await page.locator('dialog.deed-ask button[type=submit]:not([disabled])').waitFor();
    for (const it of [page, viewer]) it.expect(/WebSocket|ERR_CONNECTION|Failed to load/);
    await desk.server.crash();
    await page.click('dialog.deed-ask button[type=submit]');
    await toast(page, 'Network error: the server did not answer, so it is not known whether this began').waitFor();
    await desk.server.start();
    await page.waitForSelector('.indicator.live', { timeout: 20000 });
    assert.equal((await restart(page).innerText()).trim(), 'Restart Service');
    await viewer.waitForSelector('.indicator.live', { timeout: 20000 });
    await closed(viewer);
    await closed(page);
  });
});
