// ui_look: how the page looks: every page in both themes, every width, by keyboard, on a wall, on paper.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { args, live, login, suite } from './lib/page.mjs';
import { startServer } from './lib/server.mjs';

const PAGES = ['/', '/host', '/targets', '/diagnostics', '/audit', '/settings?tab=password', '/settings?tab=sessions', '/settings?tab=keys', '/settings?tab=users', '/settings?tab=appearance', '/nowhere'];

describe('every page', () => {
  const all = suite();
  let server;
  let browser;
  let context;
  before(async () => {
    server = await startServer(all, { args });
    const admin = await server.setup();
    await server.addUser(admin, 'grace');
    await server.makeKey(admin, 'read', 'prometheus');
    browser = await startBrowser(all);
    const page = await browser.open(server.origin, { path: '/login' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    context = page.context();
    await page.close();
  });

  const open = (path, options = {}) => browser.open(server.origin, { context, path, ...options });

  async function stands(page) {
    await page.waitForSelector('main h1');
    await page.waitForFunction(() => !document.querySelector('.skeleton'));
    await page.waitForTimeout(400);
  }

  for (const theme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      test(`every page is accessible and fits: ${theme}, ${width} px`, async () => {
        const page = await browser.open(server.origin, { theme, width, path: '/login' });
        await page.waitForSelector('input[name=username]');
        await page.axe('login');
        await page.shot(`login-${width}-${theme}`);
        await login(page);
        for (const path of PAGES) {
          await page.goto(server.origin + path);
          await stands(page);
          await page.axe(`${path} ${theme} ${width}`);
          await page.fits(path);
          await page.shot(`${path.replace(/\W+/g, '-')}-${width}-${theme}`);
        }
        await page.clean();
        await page.context().close();
      });
    }
  }

  test('every page fits, from 320 px (a phone at 400 %) to a wall of 4K', async () => {
    const page = await open('/');
    for (const [width, height, paths] of [[320, 640, PAGES], [720, 450, ['/', '/host']], [768, 1024, PAGES], [1100, 800, ['/host']], [2560, 1440, PAGES], [3840, 2160, ['/', '/host']]]) {
      await page.setViewportSize({ width, height });
      for (const path of paths) {
        await page.goto(server.origin + path);
        await stands(page);
        await page.fits(`${path} at ${width} px`);
      }
      assert.ok(await page.evaluate(() => document.querySelector('.skip').getBoundingClientRect().bottom <= 0), 'the skip link stays out of sight');
    }
    await page.clean();
    await page.close();
  });

  test('every number has its exact value, and a live one the time it was measured', async () => {
    const page = await open('/');
    for (const path of ['/', '/host', '/diagnostics']) {
      await page.goto(server.origin + path);
      await stands(page);
      const bare = await page.locator('main .num').evaluateAll((nums) => nums
        .filter((e) => /\d/.test(e.textContent) && !e.closest('[data-tip]') && !e.querySelector('[data-tip]') && !e.closest('time'))
        .map((e) => `${e.className}: ${e.textContent}`));
      assert.deepEqual(bare.filter((b) => !/units (ok|failed)| failed$/.test(b)), [], path);
    }
    await page.goto(`${server.origin}/host`);
    await page.locator('.dial-middle').first().hover();
    const tip = page.locator('.tip:visible');
    await tip.waitFor();
    const text = await tip.innerText();
    assert.match(text, /^[\d.]+ %\nmeasured \d\d:\d\d:\d\d$/);
    await page.waitForFunction((was) => document.querySelector('.tip').innerText !== was, text, { timeout: 5000 }); // it goes on with its number
    await page.mouse.move(2, 2);
    await tip.waitFor({ state: 'hidden' });
    await page.clean();
    await page.close();
  });

  test('a row has one menu, by right click and by key, and copies what it holds', async () => {
    const page = await open('/host');
    await page.waitForSelector('#mounts tbody tr');
    const row = page.locator('#mounts tbody tr').first();
    const name = (await row.locator('.cell-name').innerText()).trim();
    await row.click({ button: 'right' });
    const menu = page.locator('[role=menu]');
    await menu.waitFor();
    assert.deepEqual(await menu.locator('[role=menuitem]').allInnerTexts().then((all) => all.map((x) => x.trim())), ['Copy as curl', 'Copy as JSON', 'Copy as Markdown']);
    await page.axe('the menu of a row');
    await menu.locator('text=Copy as JSON').click();
    await menu.waitFor({ state: 'detached' });
    const record = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(record.id, name);
    assert.equal(typeof record.total_bytes, 'number');

    // The same without a mouse: to the table, down to the row, ".".
    await page.focus('#mounts .table-box');
    await page.keyboard.press('ArrowDown');
    assert.ok(await row.evaluate((tr) => tr === document.activeElement));
    await page.keyboard.press('.');
    await menu.waitFor();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^### .*\n\n\| field \| value \|\n\|---\|---\|\n(\| \w+ \| .* \|\n)+$/);
    assert.ok(await row.evaluate((tr) => tr === document.activeElement), 'focus comes back to the row');
    await page.keyboard.press('.');
    await menu.waitFor();
    await page.keyboard.press('Escape');
    await menu.waitFor({ state: 'detached' });

    // The command works with a key.
    await row.click({ button: 'right' });
    await menu.locator('text=Copy as curl').click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    const key = await server.makeKey(await server.login('ada'), 'read', 'curl');
    const answer = await server.api('GET', new URL(/'(.*)'$/.exec(command)[1]).pathname + new URL(/'(.*)'$/.exec(command)[1]).search, { key });
    assert.ok(`mount/${name}.used_pct` in answer.series);
    await page.clean();
    await page.close();
  });

  test('a changed role can be undone from its toast', async () => {
    const page = await open('/settings?tab=users');
    const row = page.locator('tr', { hasText: 'grace' });
    await row.locator('select').selectOption('manager');
    const toast = page.locator('.toast:has-text("grace is now manager")');
    await toast.waitFor();
    await page.axe('a toast with undo');
    await toast.locator('button:has-text("Undo")').click();
    await page.waitForSelector('.toast:has-text("grace is viewer again")');
    assert.equal(await row.locator('select').inputValue(), 'viewer');
    await row.click({ button: 'right', position: { x: 20, y: 10 } });
    await page.click('[role=menuitem]:has-text("Disable")');
    await page.locator('.toast:has-text("grace is disabled")').locator('button:has-text("Undo")').click();
    await row.locator('.badge:has-text("disabled")').waitFor({ state: 'detached' });
    await page.clean();
    await page.close();
  });

  test('dialogs are accessible in both themes', async () => {
    const page = await open('/settings?tab=keys');
    for (const theme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: theme });
      await page.goto(`${server.origin}/settings?tab=keys`);
      await page.locator('tr:has-text("prometheus") button:has-text("Revoke")').click();
      await page.axe(`revoke, ${theme}`);
      await page.keyboard.press('Escape');
      await page.goto(`${server.origin}/settings?tab=users`);
      await page.click('button:has-text("Add user")');
      await page.axe(`a new user, ${theme}`);
      await page.keyboard.press('Escape');
      for (const what of ['Set a new password', 'Delete']) {
        await page.locator('tr:has-text("grace") button[aria-haspopup=menu]').click();
        await page.click(`.menu-item:has-text("${what}")`);
        await page.axe(`${what}, ${theme}`);
        await page.keyboard.press('Escape');
      }
    }
    await page.clean();
    await page.close();
  });

  test('who walks by keyboard sees where they are', async () => {
    const page = await open('/');
    for (const path of ['/', '/host', '/settings?tab=users', '/diagnostics']) {
      await page.goto(server.origin + path);
      await stands(page);
      await page.evaluate(() => document.activeElement?.blur());
      const seen = new Set();
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab');
        const at = await page.evaluate(() => {
          const e = document.activeElement;
          if (!e || e === document.body) return null;
          const shown = [e, e.closest('label')].filter(Boolean).some((x) => getComputedStyle(x).outlineStyle !== 'none' && parseFloat(getComputedStyle(x).outlineWidth) > 0);
          const box = e.getBoundingClientRect();
          return { shown, isOn: box.bottom > 0 && box.top < innerHeight, what: `${e.tagName} ${e.className} ${e.getAttribute('aria-label') ?? e.textContent.slice(0, 30)}` };
        });
        if (at === null) break;
        seen.add(at.what);
        assert.ok(at.shown, `the focus is invisible on ${at.what}, ${path}`);
        assert.ok(at.isOn, `the focus is off the screen on ${at.what}, ${path}`);
      }
      assert.ok(seen.size > 8, `${path}: only ${[...seen]}`);
    }
    await page.clean();
    await page.close();
  });

  test('who wants no motion gets none', async () => {
    const page = await open('/');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(`${server.origin}/host`);
    await page.waitForSelector(live);
    await stands(page);
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.clean();
    await page.close();
  });

  test('a wall shows its views in turn, large, without the frame, and goes on after a reload', async () => {
    const page = await open('/?kiosk=overview,host:24h&every=5', { width: 1920, height: 1080 });
    await page.setViewportSize({ width: 1920, height: 1080 });
    await page.waitForSelector(live);
    await page.waitForSelector('.machine-dials');
    assert.equal(await page.locator('.side').count(), 0);
    assert.ok(await page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize)) > 16);
    await page.axe('the wall');
    await page.waitForFunction(() => location.pathname === '/host' && location.search.includes('range=24h'), undefined, { timeout: 15000 });
    await page.waitForSelector('.wall-acts:has-text("2 of 2")');
    await page.reload();
    await page.waitForSelector('.wall-acts:has-text("2 of 2")');
    await page.fits('the wall');
    await page.waitForFunction(() => location.pathname === '/', undefined, { timeout: 15000 });
    await page.keyboard.press('Space');
    await page.waitForSelector('.wall-acts button:has-text("Go on")');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => location.pathname === '/host');
    await page.waitForTimeout(5500);
    assert.equal(new URL(page.url()).pathname, '/host', 'it is paused');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.side');
    assert.equal(new URL(page.url()).search, '');
    await page.clean();
    await page.close();
  });

  test('on paper the page is a report: white, with name and time, whatever the theme', async () => {
    const page = await browser.open(server.origin, { theme: 'dark', path: '/host' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.waitForSelector('.uplot canvas');
    await page.evaluate(() => { document.documentElement.dataset.theme = 'dark'; });
    await page.emulateMedia({ media: 'print' });
    const look = await page.evaluate(() => ({
      back: getComputedStyle(document.documentElement).backgroundColor,
      text: getComputedStyle(document.documentElement).color,
      head: document.querySelector('.print-only').innerText,
      frame: ['.side', '.head', '.ranges'].filter((s) => document.querySelector(s)?.offsetParent),
      over: [...document.querySelectorAll('.u-wrap')].filter((w) => w.getBoundingClientRect().right > w.closest('.panel').getBoundingClientRect().right).length,
    }));
    assert.equal(look.back, 'rgb(255, 255, 255)');
    assert.equal(look.text, 'rgb(22, 32, 42)');
    assert.match(look.head, /^Binnacle · .+ · .*20\d\d.* · Live$/);
    assert.deepEqual(look.frame, []);
    assert.equal(look.over, 0);
    await page.clean();
    await page.context().close();
  });
});
