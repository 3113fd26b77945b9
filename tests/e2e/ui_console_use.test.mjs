// ui_console_use: what people do with an open console: make the window larger, write with a phone's keyboard, stop a text halfway; and the list of those that were.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { ask } from './lib/console.mjs';
import { BOOTS, consolePages, FAST, LONG, NOISE } from './lib/console_page.mjs';
import { openPage, startFleet } from './lib/fleet.mjs';
import { login, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';

const SCENE = {
  clusters: [
    { name: 'alpha', version: '9.2', nodes: ['pve1', 'pve2'], listen: 1, guests: [
      { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' },
      { vmid: 101, type: 'lxc', node: 'pve1', name: 'db', status: 'running' },
      { vmid: 104, type: 'lxc', node: 'pve1', name: 'parrot', status: 'running', console: 'echo' },
    ] },
    { name: 'beta', standalone: true, version: '9.2', nodes: ['box'], guests: [
      { vmid: 104, type: 'lxc', node: 'box', name: 'parrot', status: 'running', console: 'echo' },
    ] },
  ],
};
const PAGE = 50; // BN_CONSOLES_PAGE

describe('consoles in use', () => {
  const all = suite();
  let browser;
  let fleet;
  let context;
  let at;
  before(async () => {
    browser = await startBrowser(all);
    fleet = await startFleet(all, { scenario: SCENE, timing: FAST });
    context = (await openPage(fleet, browser, '/vms')).context();
    at = consolePages(fleet, browser, context);
  });

  test('a window that grows and shrinks: the program in the terminal learns its columns and rows', LONG, async () => {
    const page = await at.openLive(at.path('alpha', 101, 'lxc'));
    await until('a prompt', async () => /[#$]/.test(await at.rows(page)), BOOTS);
    // As many as the page draws, and as a program of the guest is told.
    const drawn = () => page.evaluate(() => document.querySelectorAll('.xterm-rows > div').length);
    const told = async () => {
      const word = `size-${Math.random().toString(36).slice(2, 8)}`;
      await at.command(page, `clear; echo ${word}-$(stty size)`);
      let found;
      await until('an answer', async () => {
        found = new RegExp(`${word}-(\\d+) (\\d+)`).exec(await at.rows(page));
        return found;
      });
      return { rows: Number(found[1]), columns: Number(found[2]) };
    };
    let last = { rows: 0, columns: 0 };
    for (const [width, height] of [[1440, 900], [900, 620], [1600, 1000], [700, 1000]]) {
      await page.setViewportSize({ width, height });
      await until(`the size of ${width} by ${height}`, async () => {
        const now = await told();
        const fits = now.rows === await drawn() && (now.rows !== last.rows || now.columns !== last.columns);
        if (fits) last = { ...now, was: last, width, height };
        return fits;
      }, { within: 20_000, every: 200 });
      const wide = last.was.width;
      if (wide) {
        assert.equal(Math.sign(last.columns - last.was.columns), Math.sign(width - wide), `${wide} to ${width} px: ${last.was.columns} to ${last.columns} columns`);
        if (height !== last.was.height) assert.equal(Math.sign(last.rows - last.was.rows), Math.sign(height - last.was.height), `${last.was.height} to ${height} px: ${last.was.rows} to ${last.rows} rows`);
      }
    }
    await page.clean();
    await page.close();
  });

  test('a phone: its keyboard comes by a button, and what it writes is typed in the guest', LONG, async () => {
    const phone = await browser.chromium.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, locale: 'en-GB', storageState: await context.storageState() });
    const page = await at.openLive(at.path('alpha', 100), { context: phone });
    await at.says('prompt> ');
    const button = page.locator('button[aria-label=Keyboard]');
    await page.touchscreen.tap(195, 10); // wherever the toolbar is
    await page.waitForSelector('.console-bar:not(.is-away)');
    assert.ok(await button.isVisible());
    await button.tap();
    const focus = () => page.evaluate(() => document.activeElement.className);
    assert.equal(await focus(), 'console-soft-field', 'which is what makes a phone show its keyboard');
    // A phone sends no keys: the field changes, word by word, and words are put right.
    await page.keyboard.insertText('sum');
    await page.keyboard.insertText(' 40 3');
    await page.keyboard.press('Backspace');
    await page.keyboard.insertText('2');
    await page.keyboard.insertText('\n');
    await at.says('sum 40 3\b \b2\r\n42\r\n');
    assert.equal(await focus(), 'console-soft-field', 'it stays');
    await page.fits('a console on a phone');
    await page.axe('a console on a phone');
    await page.shot('console-phone-keyboard');
    await page.clean();
    await page.close();
    const terminal = await at.openLive(at.path('alpha', 101, 'lxc'), { context: phone });
    await until('a prompt', async () => /[#$]/.test(await at.rows(terminal)), BOOTS);
    await terminal.locator('button[aria-label=Keyboard]').tap();
    assert.equal(await terminal.evaluate(() => document.activeElement.tagName), 'TEXTAREA');
    await terminal.keyboard.insertText('echo phone-$((2*21))');
    await terminal.keyboard.press('Enter');
    await until('the shell', async () => (await at.rows(terminal)).includes('phone-42'));
    // A keyboard that covers half of the window, which Chromium without a phone has none of: the terminal keeps to the rest.
    const high = await terminal.locator('.xterm-rows > div').count();
    await terminal.evaluate(() => {
      Object.defineProperty(visualViewport, 'height', { configurable: true, get: () => 500 });
      visualViewport.dispatchEvent(new Event('resize'));
    });
    await until('fewer rows', async () => (await terminal.locator('.xterm-rows > div').count()) < high - 10);
    await terminal.evaluate(() => {
      delete visualViewport.height;
      visualViewport.dispatchEvent(new Event('resize'));
    });
    await until('all of them again', async () => (await terminal.locator('.xterm-rows > div').count()) === high);
    await terminal.clean();
    await phone.close();
  });

  test('a text is stopped halfway: what was typed is said, the rest does not arrive, and may follow', LONG, async () => {
    const page = await at.openLive(at.path('alpha', 100));
    await at.says('prompt> ');
    await at.command(page, 'sum 2 2');
    await at.says('sum 2 2\r\n4\r\n');
    const text = 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz';
    const typed = async () => /prompt> ([^\r\n]*)$/.exec(await at.serial('alpha', 100))?.[1] ?? '';
    await at.tools(page);
    await page.click('button[aria-label=Paste]');
    await page.fill('dialog textarea', text);
    await page.click('dialog label:has-text("10/s")');
    await page.click('dialog button:has-text("Type")');
    await until('some of it', async () => (await typed()).length >= 5, BOOTS);
    await page.click('dialog button:has-text("Stop typing")');
    const words = await page.innerText('dialog .note[role=status]');
    const [, count, of] = /Stopped: (\d+) of (\d+) keys/.exec(words).map(Number);
    assert.equal(of, text.length);
    assert.ok(count >= 5 && count < text.length, words);
    await page.axe('a text that was stopped');
    await page.shot('console-paste-stopped');
    await page.click('dialog button:has-text("Close")');
    // What is typed now stands behind what was typed, and nothing between.
    await page.waitForFunction(() => document.activeElement.tagName === 'CANVAS'); // the keyboard is the guest's again
    await page.keyboard.type('0');
    await until('what was typed after it', async () => (await typed()) === `${text.slice(0, count)}0`, BOOTS);
    await page.keyboard.press('Backspace');

    await at.tools(page);
    await page.click('button[aria-label=Paste]');
    await page.fill('dialog textarea', 'xyzxyzxyzxyz');
    await page.click('dialog label:has-text("10/s")');
    await page.click('dialog button:has-text("Type")');
    await until('some of that', async () => /x/.test((await typed()).slice(count)), BOOTS);
    await page.keyboard.press('Escape'); // stops, and does not throw away what was said of it
    await page.waitForSelector('dialog .note[role=status]');
    await page.click('dialog label:has-text("100/s")');
    await page.click('dialog button:has-text("Type the rest")');
    await page.waitForSelector('dialog', { state: 'detached' });
    await until('the rest', async () => (await typed()).endsWith('xyzxyzxyzxyz') && !/xyz.*[a-w]/.test((await typed()).slice(count)), BOOTS);
    await page.clean();
    await page.close();
  });

  test('the history of consoles, page by page, of one server and of one person', LONG, async () => {
    await fleet.server.addUser(fleet.admin, 'vera', 'manager');
    const vera = await fleet.server.login('vera');
    const one = async (cluster, node, as) => {
      const { id } = await ask(fleet, cluster, 104, { node, type: 'lxc', as });
      assert.equal((await fleet.server.request('DELETE', `/api/v1/consoles/${id}`, { cookie: as.cookie })).status, 204);
    };
    const before = (await fleet.api('GET', '/api/v1/consoles')).total;
    for (let i = 0; i < PAGE; i++) await one('alpha', 'pve1', fleet.admin);
    for (let i = 0; i < 3; i++) await one('beta', 'box', vera);
    await until('all of them to be kept', async () => (await fleet.api('GET', '/api/v1/consoles')).total === before + PAGE + 3);
    const page = await at.open('/operations/consoles');
    const past = page.locator('.panel:has-text("90 days")');
    const lines = past.locator('tbody tr');
    const has = (count) => until(`${count} lines`, async () => (await lines.count()) === count);
    await has(PAGE);
    assert.match(await past.locator('.table-foot').innerText(), /page 1 of 2/);
    assert.match(await lines.first().innerText(), /vera/);
    assert.ok(await past.locator('button:has-text("Newer")').isDisabled());
    await past.locator('button:has-text("Older")').click();
    await has(before + 3);
    assert.equal(new URL(page.url()).searchParams.get('page'), '2');
    assert.equal(await past.locator('tbody tr', { hasText: 'vera' }).count(), 0);
    assert.ok(await past.locator('button:has-text("Older")').isDisabled());
    await page.reload();
    await has(before + 3);
    await past.locator('select[aria-label="Of whom"]').selectOption({ label: 'vera' });
    await has(3);
    assert.equal(new URL(page.url()).searchParams.get('page'), null, 'another choice begins at its first page');
    assert.equal(await past.locator('.table-foot').count(), 0);
    for (const line of await lines.allInnerTexts()) assert.match(line, /vera/);
    await page.axe('the history of one person');
    await past.locator('select[aria-label="Of which server"]').selectOption({ label: 'alpha' });
    await past.locator('.empty-title:has-text("None of these")').waitFor();
    await past.locator('a:has-text("Show all")').click();
    await has(PAGE);
    await past.locator('select[aria-label="Of which server"]').selectOption({ label: 'beta' });
    await has(3);
    await page.goBack();
    await page.clean();
    await page.close();

    const hers = await browser.open(fleet.server.origin, { path: '/' });
    hers.expect(NOISE);
    await hers.waitForSelector('input[name=username]');
    await login(hers, 'vera');
    await hers.goto(`${fleet.server.origin}/operations/consoles`);
    await hers.locator('.panel:has-text("90 days") tbody tr').first().waitFor();
    assert.equal(await hers.locator('select').count(), 0, 'her own alone: nothing to choose');
    assert.equal(await hers.locator('tbody tr', { hasText: 'ada' }).count(), 0);
    await hers.clean();
    await hers.context().close();
  });
});
