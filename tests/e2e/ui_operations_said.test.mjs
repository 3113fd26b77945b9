// ui_operations_said: what the page says of an operation: toasts for as long as they should stay, refusals, ends in the words of journey 4, and the output as it comes.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, confirm, restart, sheet, startDesk, toast } from './lib/deeds.mjs';
import { measured, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 120_000 };
const REFUSED = /status of 4\d\d/;

/** From when to when each toast stood, by its text, by the page's own clock. */
function timeToasts(page) {
  return page.evaluate(() => {
    window.bnToasts = {};
    const look = () => {
      const now = performance.now();
      const shown = [...document.querySelectorAll('.toast p:first-child')].map((p) => p.textContent);
      for (const text of shown) window.bnToasts[text] ??= { from: now, to: null };
      for (const [text, it] of Object.entries(window.bnToasts)) if (it.to === null && !shown.includes(text)) it.to = now;
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    look();
  });
}

const stood = (page, start) => page.evaluate((word) => {
  const found = Object.entries(window.bnToasts).find(([text]) => text.startsWith(word));
  return found && found[1].to !== null ? found[1].to - found[1].from : null;
}, start);

describe('what is said of operations', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('a success is told for five seconds, a failure for ten, and a start that is refused says why', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    const page = await desk.open('ada', `/targets/${desk.ids[0]}`);
    page.expect(REFUSED);
    await page.mouse.move(5, 5); // nothing goes from under a pointer
    await timeToasts(page);
    await desk.server.login('ada').then((ada) => desk.call('POST', `/api/v1/targets/${desk.ids[0]}/operations`, { type: 'ssh_test' }, { cookie: ada.cookie }));
    await toast(page, 'web3 answers').waitFor();
    sshd.set('fails');
    await confirm(page);
    await toast(page, 'Restart nginx.service on web3 failed').waitFor();
    await page.mouse.move(5, 5);
    const [good, bad] = [await until('the success to go', () => stood(page, 'web3 answers'), { within: 20_000 }), await until('the failure to go', () => stood(page, 'Restart nginx.service on web3 failed'), { within: 30_000 })];
    measured(t, `toasts stood for ${(good / 1000).toFixed(1)} s (success) and ${(bad / 1000).toFixed(1)} s (failure)`);
    assert.ok(good > 4500 && good < 9000, `${good} ms`);
    assert.ok(bad > 9500 && bad < 16_000, `${bad} ms`);
    await page.keyboard.press('Escape');

    // Switched off between the question and the answer.
    await restart(page).click();
    await page.locator('dialog.deed-ask button[type=submit]:not([disabled])').waitFor();
    await page.route('**/operations', async (route) => {
      await desk.call('PATCH', `/api/v1/targets/${desk.ids[0]}`, { is_active: false });
      await route.continue();
    });
    await page.click('dialog.deed-ask button[type=submit]');
    const refusal = toast(page, 'Restart nginx.service on web3 failed: ');
    await refusal.waitFor();
    assert.match(await refusal.innerText(), /failed: [^]*switched off/i);
    assert.equal((await desk.list('?type=service_restart')).length, 1, 'nothing was begun');
    await page.keyboard.press('Escape');
    await page.waitForSelector('text=Switched off: no operation starts on it.');
    await closed(page);
  });

  test('ends as journey 4 words them: a crash loop, a machine that is not there, nobody who says how it ended', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    const page = await desk.open('ada', `/targets/${desk.ids[0]}`);
    const bad = page.locator(`${sheet} .deed-end.is-bad`);
    sshd.set('loops');
    await confirm(page);
    await bad.waitFor({ timeout: 30_000 });
    assert.match(await bad.innerText(), /nginx\.service started, then died \d+ times in 10 s/);
    await page.waitForSelector(`${sheet} .output-text:has-text("Address already in use")`); // its journal
    await page.axe('a crash loop');
    await page.shot('said-loop');
    await page.keyboard.press('Escape');
    sshd.set('loops', null);

    await sshd.stop();
    await confirm(page);
    await page.waitForSelector(`${sheet} .deed-steps .is-now:has-text("10 %")`);
    await bad.waitFor({ timeout: 30_000 });
    assert.match(await bad.innerText(), /refused/);
    assert.match(await bad.innerText(), /nothing was changed/i);
    assert.match(await page.innerText(`${sheet} .output-none`), /It wrote nothing/);
    await page.shot('said-down');
    await page.keyboard.press('Escape');
    await sshd.start();

    // It was sent, and nobody said in time how it ended.
    await closed(page);
    const done = await desk.ended((await desk.begin('service_status')).json.operation_id);
    await desk.server.stop();
    execFileSync('sqlite3', [path.join(desk.server.data, 'binnacle.db'), `UPDATE operations SET timed_out = 1, has_warnings = 1, message = 'The command was sent, and nothing said in time how it ended' WHERE id = '${done.id}'`]);
    await desk.server.start();
    const anew = await desk.open('ada', `/operations?id=${done.id}`);
    const doubtful = anew.locator(`${sheet} .deed-end.is-doubtful`);
    await doubtful.waitFor();
    assert.match(await doubtful.innerText(), /^Manual verification recommended\. The command was sent, and nothing said in time how it ended/);
    assert.match(await anew.innerText(`${sheet} .deed-phase`), /timed out/);
    await anew.axe('one that timed out');
    await anew.shot('said-timedout');
    await closed(anew);
  });

  test('the output follows its end until somebody scrolls, wraps with w, and says what was cut', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('drips', ` ${'of what it writes, which is longer than the sheet is wide, '.repeat(4)}`);
    const desk = await startDesk(t, browser, sshd);
    const page = await desk.open('ada', `/targets/${desk.ids[0]}`);
    await confirm(page);
    const box = page.locator(`${sheet} .output-text`);
    const at = () => box.evaluate((el) => ({ top: el.scrollTop, height: el.scrollHeight, seen: el.clientHeight, wide: el.scrollWidth - el.clientWidth }));
    const isAtEnd = async () => {
      const now = await at();
      return now.height > now.seen + 200 && now.top + now.seen >= now.height - 2;
    };
    await box.waitFor();
    await until('more than fits, at its end', isAtEnd, { within: 30_000 });
    const state = page.locator(`${sheet} .output-state`);
    assert.equal(await state.innerText(), '● follows');
    assert.equal(await page.locator(`${sheet} .output-acts button:has-text("To the end")`).count(), 0);

    // A person scrolls up: it stays there, whatever comes.
    await box.hover();
    await page.mouse.wheel(0, -120);
    await until('the pause', async () => (await state.innerText()).startsWith('‖ paused'));
    const held = await at();
    await until('more to come', async () => (await at()).height > held.height + 60, { within: 15_000 });
    assert.equal((await at()).top, held.top, 'it stays where it was scrolled to');
    await page.shot('said-paused');
    await page.axe('output that is held');
    await page.click(`${sheet} .output-acts button:has-text("To the end")`);
    await until('the end', isAtEnd);
    assert.equal(await state.innerText(), '● follows');

    // Long lines.
    assert.ok((await at()).wide <= 1, 'wrapped');
    await page.keyboard.press('w');
    await until('no wrapping', async () => (await at()).wide > 100);
    assert.equal(await page.getAttribute(`${sheet} button:has-text("Wrap")`, 'aria-pressed'), 'false');
    await page.keyboard.press('w');
    await until('wrapping', async () => (await at()).wide <= 1);
    sshd.set('drips', null);
    await page.waitForSelector(`${sheet} .deed-end.is-good`, { timeout: 30_000 });
    await page.keyboard.press('Escape');

    // More than is kept.
    sshd.set('flood', 6_000_000);
    await until('the button at rest', async () => (await restart(page).innerText()).trim() === 'Restart Service', { within: 20_000 });
    await confirm(page);
    await page.waitForSelector(`${sheet} .deed-end.is-good`, { timeout: 60_000 });
    const cut = page.locator(`${sheet} .output-cut`);
    await until('the cut to be said', async () => (await cut.count()) === 1 && /^✂ cut [\d.,]+ MiB here$/.test(await cut.innerText()), { within: 15_000 });
    assert.ok((await box.innerText()).startsWith('Stopping nginx.service\nwhat a busy program writes'));
    let text;
    await until('its end', async () => {
      text = await box.innerText();
      return /Started nginx\.service\n?$/.test(text);
    }).catch(() => assert.fail(`it ends with ${JSON.stringify(text.slice(-200))}`));
    measured(t, `of 6 MB ${(text.length / 1e6).toFixed(2)} MB are on the page, "${await cut.innerText()}"`);
    assert.ok(text.length < 1_000_000, 'the page holds a head and a tail');
    await cut.scrollIntoViewIfNeeded();
    await page.shot('said-cut');
    await page.axe('output with a cut');
    await closed(page);
  });
});
