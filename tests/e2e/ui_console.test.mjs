// ui_console: consoles in the page, with real machines and shells behind them: opened from their rows, typed into, read, lost and found again.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { openPage, startFleet, statusOf } from './lib/fleet.mjs';
import { login, measured, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';

const FAST = { tick: 300, cache: 50, tasks: 1 };
const LONG = { timeout: 120_000 };
const BOOTS = { within: 60_000 }; // a machine under emulation, on a busy one

const SCENE = {
  clusters: [
    { name: 'alpha', version: '9.2', nodes: ['pve1', 'pve2'], listen: 1, guests: [
      { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' },
      { vmid: 101, type: 'lxc', node: 'pve1', name: 'db', status: 'running' },
      { vmid: 102, type: 'qemu', node: 'pve1', name: 'spare', status: 'stopped' },
      { vmid: 900, type: 'qemu', node: 'pve1', name: 'golden', template: true },
    ] },
    { name: 'beta', standalone: true, version: '8.4', nodes: ['pve1'], guests: [
      { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' },
      { vmid: 101, type: 'lxc', node: 'pve1', name: 'old', status: 'running' },
    ] },
  ],
};

const REFUSED = { error: {
  code: 'forbidden', message: 'the token may not open the console: VM.Console on /vms/101 is missing', con: 'CON-02', step: 'proxy', request_id: 'F4PYWSC8ZNM',
  hint: "pveum acl modify /vms/101 --tokens 'binnacle@pve!monitor' --roles PVEVMUser",
} };

const NOISE = /willReadFrequently/; // Chromium's advice to noVNC
const CUT = /WebSocket connection to|ERR_CONNECTION|status of (50\d|404|409)/; // what a browser writes when the way there goes

describe('consoles', () => {
  const all = suite();
  let browser;
  let fleet;
  let context;
  let list;
  before(async () => {
    browser = await startBrowser(all);
    fleet = await startFleet(all, { scenario: SCENE, timing: FAST });
    list = await openPage(fleet, browser, '/vms');
    context = list.context();
  });

  const pathOf = (cluster, vmid, type = 'qemu', node = 'pve1') => `/console/${node}/${vmid}?type=${type}&serverId=${fleet.ids[cluster]}`;
  const row = (cluster, vmid) => list.locator(`[data-vm="${fleet.ids[cluster]}/${vmid}"]`);
  const stateOf = (page, state, timeout = 60_000) => page.waitForSelector(`.console-main[data-state=${state}]`, { timeout });
  const serial = async (cluster, vmid) => (await fleet.lab.control.screen(cluster, vmid)).serial;
  const says = (text, cluster = 'alpha', vmid = 100) => until(`the guest to say ${text}`, async () => (await serial(cluster, vmid)).includes(text), BOOTS);
  const open = async (path, options = {}) => {
    const page = await browser.open(fleet.server.origin, { path, context, ...options });
    page.expect(NOISE);
    return page;
  };
  const openLive = async (path, options) => {
    const page = await open(path, options);
    await stateOf(page, 'live');
    return page;
  };
  /** The colour in the middle of the picture. */
  const middle = (page) => page.locator('.console-far:not(.is-coming) canvas').first().evaluate((c) => [...c.getContext('2d').getImageData(c.width >> 1, c.height >> 1, 1, 1).data].join());
  const rows = (page) => page.locator('.xterm-rows').innerText();
  const command = async (page, text) => {
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  };
  /** The toolbar, wherever the pointer was. */
  const tools = (page) => page.keyboard.press('Control+Alt+Home');
  const bar = async (page) => {
    await page.mouse.move(page.viewportSize().width - 3, 3);
    await page.waitForSelector('.console-bar:not(.is-away)');
  };

  test('a stopped machine is booted in its row, its console opened there, a command typed, and the answer read from its screen', LONG, async () => {
    await row('alpha', 102).waitFor();
    assert.equal(await row('alpha', 102).locator('a[aria-label^="Open console"]').count(), 0, 'stopped: start alone');
    assert.equal(await row('alpha', 102).locator('button[aria-label^="Start"]').count(), 1);
    await row('alpha', 102).locator('button[aria-label="Start spare"]').click();
    const button = row('alpha', 102).locator('a[aria-label="Open console of spare"]');
    await button.waitFor({ timeout: 30_000 });
    assert.deepEqual(await row('alpha', 102).locator('.vm-power > *').evaluateAll((l) => l.map((b) => b.getAttribute('aria-label'))),
      ['Open console of spare', 'Stop spare', 'Reset spare', 'More for spare'], 'the console first');
    assert.equal(await button.getAttribute('data-tip'), 'Open Console');
    const [page] = await Promise.all([context.waitForEvent('page'), button.click()]);
    const bad = [];
    page.on('console', (m) => (m.type() === 'error' || (m.type() === 'warning' && !NOISE.test(m.text()))) && bad.push(m.text()));
    page.on('pageerror', (e) => bad.push(e.stack));
    await stateOf(page, 'live');
    assert.equal(await page.locator('.console-who h1').innerText(), 'spare (102)');
    assert.match(await page.title(), /^(\S+ \d+ )?spare console/);
    await says('prompt> ', 'alpha', 102);
    const dark = await middle(page);
    await command(page, 'sum 20 3');
    await says('sum 20 3\r\n23\r\n', 'alpha', 102);
    await command(page, 'paint 4');
    await until('a red screen', async () => /^1[0-9]{2},0,0,255$/.test(await middle(page)), BOOTS);
    assert.notEqual(await middle(page), dark);
    assert.deepEqual(bad, []);
    await page.close();
    const mine = async () => (await fleet.api('GET', '/api/v1/consoles')).consoles.filter((c) => c.vmid === 102);
    await until('its end to be kept', async () => (await mine()).every((c) => c.ended_at));
    assert.equal((await mine()).length, 1, 'a page that goes asks for no other');
  });

  test('a screen opens within its time, alone: no terminal is fetched for it, and no ticket is left anywhere', LONG, async (t) => {
    await (await openLive(pathOf('alpha', 100))).close(); // its machine runs, and the parts of the page are there
    const page = await browser.open(fleet.server.origin, { path: '/vms', context });
    page.expect(NOISE);
    const asked = [];
    const tickets = [];
    page.on('request', (r) => asked.push(r.url()));
    page.on('websocket', (w) => tickets.push(/[?&]t=([^&]+)/.exec(w.url())?.[1]));
    await page.goto(fleet.server.origin + pathOf('alpha', 100));
    await page.evaluate(() => performance.mark('click'));
    await stateOf(page, 'live');
    const took = await page.evaluate(() => Math.round(performance.now()));
    measured(t, `address to first picture: ${took} ms`);
    const ticket = tickets.filter(Boolean)[0];
    assert.ok(ticket?.length > 40);
    assert.equal(asked.filter((u) => /console-terminal/.test(u)).length, 0);
    assert.equal(asked.filter((u) => /console-screen/.test(u)).length, 1);
    assert.ok(!page.url().includes(ticket) && !fleet.server.log.includes(ticket));
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify([history.state, { ...localStorage }, { ...sessionStorage }])), new RegExp(ticket));
    const kept = await fleet.api('GET', '/api/v1/consoles');
    assert.ok(!JSON.stringify(kept).includes(ticket));
    await page.clean();
    await page.close();
  });

  test('the keys a browser keeps for itself, and the toolbar that comes and goes', LONG, async () => {
    const page = await openLive(pathOf('alpha', 100));
    await says('prompt> ');
    const before = (await serial('alpha', 100)).length;
    await page.mouse.move(700, 600);
    await page.waitForSelector('.console-bar.is-away', { timeout: 15_000 });
    await page.mouse.move(700, 10);
    await page.waitForSelector('.console-bar:not(.is-away)');
    await page.mouse.move(700, 600);
    await page.waitForSelector('.console-bar.is-away', { timeout: 15_000 });
    await tools(page);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Ctrl+Alt+Del', 'the keyboard is in the toolbar');
    await page.axe('a console');
    await page.keyboard.press('Enter');
    await until('the machine to begin anew', async () => /prompt> [^]*prompt> /.test((await serial('alpha', 100)).slice(Math.max(0, before - 40))), BOOTS);
    await tools(page);
    await page.click('.console-tools button:has-text("Keys")');
    assert.equal(await page.locator('.console-keys .menu-item').count(), 16);
    await page.axe('the menu of keys');
    await page.click('.console-keys .menu-item:has-text("Super")');
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'CANVAS', 'and the keyboard is in the guest again');
    await tools(page);
    await page.click('.console-tools button:has-text("View")');
    await page.click('.choice label:has-text("1:1")');
    await page.keyboard.press('Escape');
    const whole = page.locator('button[aria-label="Full screen"]');
    await whole.click();
    await page.waitForFunction(() => document.fullscreenElement !== null);
    await bar(page);
    await whole.click();
    await page.waitForFunction(() => document.fullscreenElement === null);
    await until('the picture as large as it is', async () => page.locator('.console-far canvas').first().evaluate((c) => Math.round(c.getBoundingClientRect().width) === c.width));
    await page.clean();
    await page.close();
  });

  test('a text is typed for a person; what no key gives is named, and the clipboard is read only when asked', LONG, async () => {
    const page = await openLive(pathOf('alpha', 100));
    await says('prompt> ');
    await page.evaluate(() => {
      window.bnReads = 0;
      const real = navigator.clipboard.readText.bind(navigator.clipboard);
      navigator.clipboard.readText = () => (window.bnReads++, real());
      return navigator.clipboard.writeText('sum 40 2€');
    });
    await tools(page);
    await page.click('button[aria-label=Paste]');
    await page.waitForSelector('dialog[open] textarea');
    assert.equal(await page.evaluate(() => window.bnReads), 0);
    await page.click('dialog button:has-text("From the clipboard")');
    await until('what was read', async () => await page.inputValue('dialog textarea') === 'sum 40 2€');
    assert.equal(await page.evaluate(() => window.bnReads), 1);
    assert.equal(await page.inputValue('dialog select'), 'gb', 'as the browser speaks, until somebody chooses');
    assert.equal(await page.locator('dialog .note.warn').count(), 0, 'a British keyboard has it');
    await page.selectOption('dialog select', 'us');
    await page.waitForSelector('dialog .note.warn');
    assert.match(await page.innerText('dialog .note.warn'), /No key of the US layout gives “€” at 9\./);
    await page.axe('a text to be typed');
    await page.shot('console-paste');
    await page.fill('dialog textarea', 'sum 40 2\nAbc {x} ~!\n');
    await page.click('dialog label:has-text("100/s")');
    await page.click('dialog button:has-text("Type")');
    await page.waitForSelector('dialog', { state: 'detached', timeout: 30_000 });
    await says('sum 40 2\r\n42\r\n');
    await says('Abc {x} ~!\r\n!~ }x{ cbA\r\n');
    await page.clean();
    await page.close();
  });

  test('a terminal under the policy of the page: typed, coloured, resized, copied, pasted; and no screen is fetched for it', LONG, async () => {
    const page = await browser.open(fleet.server.origin, { path: '/vms', context });
    const asked = [];
    page.on('request', (r) => asked.push(r.url()));
    await page.goto(fleet.server.origin + pathOf('alpha', 101, 'lxc'));
    await stateOf(page, 'live');
    await until('a prompt', async () => /[#$]/.test(await rows(page)), BOOTS);
    await command(page, 'echo $((6*7))-äöü-$((1+1))');
    await until('the answer', async () => (await rows(page)).includes('42-äöü-2'));
    await command(page, "printf '\\033[38;2;255;100;0mORANGE\\033[0m\\n'");
    const colour = () => page.locator('.xterm-rows span', { hasText: /^ORANGE$/ }).first().evaluate((e) => getComputedStyle(e).color);
    await until('its colour', async () => (await page.locator('.xterm-rows span', { hasText: /^ORANGE$/ }).count()) > 0);
    assert.equal(await colour(), 'rgb(255, 100, 0)');
    const wide = await page.evaluate(() => innerWidth);
    await command(page, 'stty size');
    const sizes = async () => [...(await rows(page)).matchAll(/^(\d+) (\d+)\s*$/gm)].map((m) => Number(m[2]));
    await until('its size', async () => (await sizes()).length === 1);
    await page.setViewportSize({ width: Math.round(wide / 2), height: 700 });
    await until('a smaller one', async () => {
      await command(page, 'stty size');
      return (await sizes()).at(-1) < (await sizes())[0] * 0.6;
    }, { every: 300 });
    await page.setViewportSize({ width: wide, height: 900 });
    await page.evaluate(() => navigator.clipboard.writeText('echo from-the-clipboard-$((2+3))\n'));
    await page.keyboard.press('Control+Shift+V');
    await until('what was pasted', async () => {
      if ((await rows(page)).includes('from-the-clipboard-5')) return true;
      await page.keyboard.press('Enter'); // a shell that marks what is pasted waits for it
      return false;
    }, { every: 300 });
    const word = await page.locator('.xterm-rows > div', { hasText: /^42-äöü-2/ }).last().boundingBox();
    await page.mouse.dblclick(word.x + 30, word.y + word.height / 2);
    await page.keyboard.press('Control+Shift+C');
    await until('what was copied', async () => /äöü/.test(await page.evaluate(() => navigator.clipboard.readText())));
    await bar(page);
    await page.axe('a terminal');
    await page.click('.console-tools button:has-text("View")');
    await page.click('.console-readers');
    await page.waitForSelector('.xterm-accessibility', { state: 'attached' });
    assert.equal(asked.filter((u) => /console-screen/.test(u)).length, 0);
    assert.equal(asked.filter((u) => /console-terminal/.test(u)).length, 1);
    await page.clean();
    await page.close();
  });

  test('power off and on while it is open: the last picture stays, and it opens by itself', LONG, async () => {
    const page = await openLive(pathOf('alpha', 100));
    page.expect(CUT, /status of 409/); // asked once more before it was known to be stopped
    await says('prompt> ');
    await tools(page);
    await page.click('.console-tools button:has-text("Power")');
    await page.click('.menu-item:has-text("Stop")');
    await page.waitForSelector('dialog[open] h2:has-text("Stop web (100) on alpha?")');
    await page.click('dialog button:has-text("Stop now")');
    await stateOf(page, 'off');
    await page.waitForSelector('.console-card h2:has-text("web is stopped")');
    assert.ok(await page.locator('.console-frame').isVisible(), 'the last picture is there');
    assert.match(await page.locator('.console-stage').evaluate((e) => getComputedStyle(e).filter), /grayscale/);
    await until('a button', async () => await page.locator('.console-card button:has-text("Start web")').isEnabled(), BOOTS);
    await page.axe('a stopped machine');
    await page.shot('console-stopped');
    await page.click('.console-card button:has-text("Start web")');
    await stateOf(page, 'live');
    assert.equal((await statusOf(fleet.lab, 'alpha', 100)).status, 'running');
    assert.equal(await page.locator('.console-frame').count(), 0);
    await page.clean();
    await page.close();
  });

  test('an administrator sees who looks, and ends it; it says so, and stays closed until the person wants it', LONG, async () => {
    const page = await openLive(pathOf('alpha', 100));
    await until('nobody else to look', async () => (await fleet.api('GET', '/api/v1/consoles?open=1')).total === 1, { within: 20_000 });
    const desk = await browser.open(fleet.server.origin, { path: '/operations', context });
    await desk.click('a:has-text("Consoles")');
    const line = desk.locator('.panel:has-text("Open now") tbody tr', { hasText: 'web (100) on alpha' });
    await line.waitFor();
    assert.match(await line.innerText(), /ada/);
    assert.match(await line.innerText(), /127\.0\.0\.1/);
    await desk.axe('the list of consoles');
    await desk.shot('consoles');
    await line.locator('button').click();
    await desk.click('dialog button:has-text("End it")');
    await stateOf(page, 'closed');
    assert.match(await page.innerText('.console-card'), /Connection closed\s+Ended by ada\./);
    await line.waitFor({ state: 'detached' });
    await desk.locator('.panel:has-text("90 days") tbody tr', { hasText: 'ended by ada' }).first().waitFor();
    assert.equal(await page.locator('.console-tools button:has-text("Ctrl+Alt+Del")').isDisabled(), true);
    await page.axe('a closed console');
    await page.shot('console-closed');
    await page.click('.console-card button:has-text("Reconnect")');
    await stateOf(page, 'live');
    await desk.clean();
    await desk.close();
    await page.clean();
    await page.close();
  });

  test('a cut, and a restart of Binnacle: the last picture greyed, and back by itself', LONG, async () => {
    const page = await openLive(pathOf('alpha', 100));
    page.expect(CUT);
    await says('prompt> ');
    const seen = [];
    await page.exposeFunction('bnSeen', (s) => seen.push(s));
    await page.evaluate(() => {
      const main = document.querySelector('.console-main');
      new MutationObserver(() => window.bnSeen(`${main.dataset.state} ${document.querySelector('.console-card h2')?.textContent ?? ''}`)).observe(main, { attributes: true, childList: true, subtree: true });
    });
    await fleet.lab.control.console('alpha', 100, 'close');
    await until('the loss to be seen', () => seen.some((s) => /^waiting/.test(s)));
    await stateOf(page, 'live');
    assert.ok(seen.some((s) => /Reconnecting 1\/5/.test(s)), seen.join('\n'));
    seen.length = 0;
    fleet.server.options.listen = `127.0.0.1:${fleet.server.port}`;
    await fleet.server.stop();
    await stateOf(page, 'waiting');
    assert.ok(await page.locator('.console-frame').first().isVisible());
    await fleet.server.start();
    await stateOf(page, 'live');
    await says('prompt> ');
    await command(page, 'sum 1 1');
    await says('sum 1 1\r\n2\r\n');
    await page.clean();
    await page.close();
  });

  test('no answer, a refusal and a machine that is none are said, with a way on', LONG, async () => {
    const page = await open('/vms');
    page.expect(/status of 40|status of 502/);
    await page.route('**/console', (route) => route.fulfill({ status: 201, contentType: 'application/json', body: '' }));
    await page.goto(fleet.server.origin + pathOf('alpha', 100));
    await stateOf(page, 'failed');
    assert.match(await page.innerText('.console-card'), /No connection data received/);
    assert.equal(await page.locator('.console-tools button:has-text("Ctrl+Alt+Del")').isDisabled(), true);
    await page.axe('an empty answer');
    await page.unroute('**/console');
    await page.click('.console-card button:has-text("Try again")');
    await stateOf(page, 'live');
    await page.goto(`${fleet.server.origin}/console/pve1/abc`);
    await page.waitForSelector('h1:has-text("Invalid VM ID")');
    await page.goto(`${fleet.server.origin}/console/pve1/777`);
    await page.waitForSelector('h1:has-text("There is no such virtual machine")');
    await page.goto(`${fleet.server.origin}/console/pve1/100`);
    await page.waitForSelector('h1:has-text("Which one?")');
    assert.deepEqual(await page.locator('.console-which a').allInnerTexts(), ['web on alpha', 'web on beta']);
    await page.axe('which one');
    await page.goto(`${fleet.server.origin}/console/pve1/102`);
    await stateOf(page, 'live');
    assert.equal(new URL(page.url()).searchParams.get('serverId'), fleet.ids.alpha, 'the only one');
    await page.clean();
    await page.close();
  });

  test('a Proxmox VE whose terminals take no tokens: the container\'s screen', LONG, async () => {
    const page = await openLive(pathOf('beta', 101, 'lxc'));
    await page.waitForSelector('.console-far canvas');
    await says('prompt> ', 'beta', 101);
    await command(page, 'sum 7 7');
    await says('sum 7 7\r\n14\r\n', 'beta', 101);
    await page.clean();
    await page.close();
  });

  test('the palette opens one, and who has no right to it is told what is needed', LONG, async () => {
    const page = await open('/vms');
    await page.waitForSelector('[data-vm]');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('console db');
    await page.locator('[role=option]:has-text("Console of db")').first().waitFor();
    await page.keyboard.press('Enter');
    await stateOf(page, 'live');
    assert.match(page.url(), /\/console\/pve1\/101\?type=lxc/);
    await page.clean();
    await page.close();

    await fleet.server.addUser(fleet.admin, 'resi', 'viewer');
    const id = (await fleet.api('GET', '/api/v1/users')).users.find((u) => u.name === 'resi').id;
    const assign = (vmid, permissions) => fleet.api('POST', `/api/v1/users/${id}/assignments`, { server_id: fleet.ids.alpha, vmid, permissions });
    await fleet.api('PATCH', `/api/v1/users/${id}`, { is_restricted: true });
    await assign(100, 'view');
    await assign(101, 'view,console');
    const resi = await browser.open(fleet.server.origin, { path: '/' });
    resi.expect(NOISE, /status of 403/);
    await resi.waitForSelector('input[name=username]');
    await login(resi, 'resi');
    const none = resi.locator('[data-vm$="/100"] button[aria-label="Open console of web"]');
    await none.waitFor();
    assert.ok(await none.isDisabled());
    assert.match(await none.getAttribute('data-tip'), /role manager, or an assignment that allows the console/);
    await resi.goto(fleet.server.origin + pathOf('alpha', 100));
    await resi.waitForSelector("h1:has-text(\"You don't have console access to web\")");
    await resi.axe('a console that is not theirs');
    await resi.goto(fleet.server.origin + pathOf('alpha', 101, 'lxc'));
    await stateOf(resi, 'live');
    await fleet.api('DELETE', `/api/v1/users/${id}/assignments/${fleet.ids.alpha}/101`);
    await resi.waitForSelector('.console-main[data-state=closed], .console-refused, .empty-title', { timeout: 20_000 });
    await resi.goto(`${fleet.server.origin}/operations/consoles`);
    await resi.locator('.panel:has-text("90 days") tbody tr', { hasText: 'db (101)' }).first().waitFor();
    assert.equal(await resi.locator('tbody tr', { hasText: 'ada' }).count(), 0, 'his own alone');
    await resi.clean();
    await resi.context().close();
  });

  test('a machine that moves to another node is followed', LONG, async () => {
    const page = await openLive(pathOf('alpha', 100));
    page.expect(CUT, /status of 40\d/);
    await fleet.lab.control.fault('migrated', 'alpha/100', { node: 'pve2' });
    await fleet.lab.control.console('alpha', 100, 'close');
    await page.waitForFunction(() => location.pathname === '/console/pve2/100', null, { timeout: 30_000 });
    await stateOf(page, 'live');
    await page.clean();
    await page.close();
  });

  for (const theme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      test(`consoles are accessible and fit: ${theme}, ${width} px`, LONG, async () => {
        const page = await openPage(fleet, browser, '/operations/consoles', { theme, width });
        page.expect(NOISE, CUT, /status of/);
        await page.waitForSelector('tbody tr');
        await page.axe(`the list of consoles ${theme} ${width}`);
        await page.fits('the list of consoles');
        await page.shot(`consoles-${width}-${theme}`);
        await page.route(/\/101\/console$/, (route) => (route.request().url().includes(fleet.ids.beta) ? route.fulfill({ status: 403, contentType: 'application/json', body: JSON.stringify(REFUSED) }) : route.fallback()));
        const at = (await fleet.vms()).find((v) => v.server_id === fleet.ids.alpha && v.vmid === 100).node;
        for (const [name, path, state] of [['screen', pathOf('alpha', 100, 'qemu', at), 'live'], ['terminal', pathOf('alpha', 101, 'lxc'), 'live'], ['refused', pathOf('beta', 101, 'lxc'), 'failed']]) {
          await page.goto(fleet.server.origin + path);
          await stateOf(page, state);
          await bar(page);
          await page.axe(`${name} ${theme} ${width}`);
          await page.fits(name);
          await page.shot(`console-${name}-${width}-${theme}`);
        }
        await page.clean();
        await page.context().close();
      });
    }
  }
});

test('a token without the privilege: the number, and the line that grants it is there to copy', LONG, async (t) => {
  const browser = await startBrowser(t);
  const fleet = await startFleet(t, { scenario: SCENE, timing: FAST, tokens: { alpha: 'binnacle@pve!monitor' } });
  const page = await openPage(fleet, browser, `/console/pve1/100?type=qemu&serverId=${fleet.ids.alpha}`);
  page.expect(NOISE, /status of 403|status of 502/);
  await page.waitForSelector('.console-main[data-state=failed]', { timeout: 30_000 });
  assert.match(await page.innerText('.console-card'), /CON-02/);
  const line = await page.locator('.console-card code.command').innerText();
  assert.match(line, /^pveum acl modify \/\S* --tokens 'binnacle@pve!monitor' --roles \S+$/);
  await page.axe('a missing privilege');
  await page.click('.console-card button:has-text("Copy command")');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
  await page.clean();
});
