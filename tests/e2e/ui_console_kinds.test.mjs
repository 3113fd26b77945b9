// ui_console_kinds: what a console can be of: the screen or the serial terminal of a machine, the terminal or the screen of a container, the shell of a node.

import assert from 'node:assert/strict';
import { afterEach, before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { ask } from './lib/console.mjs';
import { BOOTS, consolePages, CUT, FAST, LONG, NOISE } from './lib/console_page.mjs';
import { openPage, startFleet } from './lib/fleet.mjs';
import { login, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';

const SCENE = {
  clusters: [
    { name: 'alpha', version: '9.2', token: 'root@pam!all', nodes: ['pve1', 'pve2'], listen: 1, guests: [
      { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' },
      { vmid: 101, type: 'lxc', node: 'pve1', name: 'db', status: 'running' },
      { vmid: 104, type: 'lxc', node: 'pve1', name: 'parrot', status: 'running', console: 'echo' },
      { vmid: 103, type: 'qemu', node: 'pve1', name: 'router', status: 'running', serial: true },
    ] },
    { name: 'beta', standalone: true, version: '8.4', token: 'root@pam!all', nodes: ['box'], guests: [
      { vmid: 101, type: 'lxc', node: 'box', name: 'old', status: 'running' },
    ] },
  ],
};
const PER_USER = 8; // BN_CONSOLES_PER_USER_MAX
const POINTER = '050000000000'; // PointerEvent of RFB, which the server drops
const LAB_ROOT = 'lab-root'; // who a login of the lab lets in

describe('kinds of consoles', () => {
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
  // None is left to the next one, also by a test that failed.
  afterEach(async () => {
    for (const page of context.pages().slice(1)) await page.close();
    await until('every console to be over', async () => (await fleet.api('GET', '/api/v1/consoles?open=1')).total === 0, { within: 40_000 });
  });

  const isOn = (page, label) => page.locator(`.console-kinds label:has-text("${label}") input`).isChecked();
  const shows = (page, what) => page.waitForSelector(`.console-far:not(.is-coming) ${what}`, { timeout: 60_000 });

  test('a machine with a serial port: its screen, its serial terminal by choice, remembered in the address, and back', LONG, async () => {
    const page = await at.openLive(at.path('alpha', 103));
    await at.says('prompt> ', 'alpha', 103);
    assert.ok(await isOn(page, 'Screen'));
    await at.tools(page);
    await page.click('.console-kinds label:has-text("Serial")');
    await shows(page, '.xterm');
    await at.stateOf(page, 'live');
    assert.equal(new URL(page.url()).searchParams.get('kind'), 'terminal');
    assert.equal(await page.locator('.console-tools button:has-text("Ctrl+Alt+Del")').count(), 0, 'keys of a keyboard are none of a serial port');
    await page.locator('.xterm').click();
    await at.command(page, 'sum 4 5');
    await until('its answer', async () => /sum 4 5\s+9\s/.test(await at.rows(page)), BOOTS);
    await page.axe('a serial terminal');
    await page.reload();
    await shows(page, '.xterm');
    await at.stateOf(page, 'live');
    assert.ok(await isOn(page, 'Serial'));
    await page.click('.console-kinds label:has-text("Screen")');
    await shows(page, 'canvas');
    await at.stateOf(page, 'live');
    assert.equal(new URL(page.url()).searchParams.get('kind'), null);
    await at.command(page, 'sum 30 5');
    await at.says('sum 30 5\r\n35\r\n', 'alpha', 103);
    await page.clean();
    await page.close();
  });

  test('a machine without one says so and how to add one, and shows its screen instead', LONG, async () => {
    const page = await at.open(`${at.path('alpha', 100)}&kind=terminal`);
    page.expect(/status of 409/);
    await at.stateOf(page, 'failed');
    const words = await page.innerText('.console-card');
    assert.match(words, /^No serial port\s[^]*has no serial port/);
    assert.match(words, /CON-06/);
    assert.match(await page.locator('.console-card code.command').innerText(), /^qm set 100 --serial0 socket$/);
    await page.axe('a machine without a serial port');
    await page.shot('console-no-serial');
    await page.click('.console-card button:has-text("Show the screen")');
    await shows(page, 'canvas');
    await at.stateOf(page, 'live');
    assert.equal(new URL(page.url()).searchParams.get('kind'), null);
    await page.clean();
    await page.close();
  });

  test('a container: its terminal, its screen by choice; and where terminals take no tokens, who asks for one is told why', LONG, async () => {
    const page = await at.openLive(at.path('alpha', 101, 'lxc'));
    assert.ok(await isOn(page, 'Terminal'));
    await page.click('.console-kinds label:has-text("Screen")');
    await shows(page, 'canvas');
    await at.stateOf(page, 'live');
    assert.equal(new URL(page.url()).searchParams.get('kind'), 'vnc');
    await at.says('prompt> ', 'alpha', 101);
    await at.command(page, 'sum 6 6');
    await at.says('sum 6 6\r\n12\r\n', 'alpha', 101);
    await page.clean();
    await page.close();
    const old = await at.openLive(at.path('beta', 101, 'lxc', 'box'));
    old.expect(/status of 502/);
    assert.ok(await isOn(old, 'Screen'), 'what is there is said, not what is usual');
    await at.tools(old);
    await old.click('.console-kinds label:has-text("Terminal")');
    await at.stateOf(old, 'failed');
    assert.match(await old.innerText('.console-card'), /CON-03/);
    await old.click('.console-card button:has-text("Show the screen")');
    await at.stateOf(old, 'live');
    await old.clean();
    await old.close();
  });

  test('looking only: pixels come, keys and pointer do not go; said all the time, and by the address', LONG, async () => {
    const page = await at.openLive(at.path('alpha', 100));
    const other = await at.openLive(at.path('alpha', 100));
    await at.says('prompt> ');
    await at.tools(page);
    await page.click('button[aria-label="Look only"]');
    await page.waitForFunction(() => new URL(location.href).searchParams.get('look') === '1');
    await until('it to be known as such', async () => (await fleet.api('GET', '/api/v1/consoles?open=1')).consoles.some((c) => c.view_only === true));
    await at.stateOf(page, 'live');
    const sent = [];
    page.on('websocket', (w) => /\/console\//.test(w.url()) && w.on('framesent', ({ payload }) => sent.push(Buffer.from(payload).toString('hex'))));
    await page.reload();
    await at.stateOf(page, 'live');
    assert.equal(await page.locator('button[aria-label="Look only"]').getAttribute('aria-pressed'), 'true');
    for (const off of ['Ctrl+Alt+Del', 'Keys', 'Paste']) assert.ok(await page.locator(`.console-tools button:has-text("${off}")`).isDisabled(), off);
    await page.mouse.move(700, 600);
    await page.waitForSelector('.console-bar.is-away', { timeout: 15_000 });
    assert.ok(await page.locator('.console-look.is-floating').isVisible(), 'also when the toolbar is away');
    await page.axe('a console that is looked at');
    await page.shot('console-look');
    // Nothing of it is in the guest before what another page typed after it.
    await page.locator('.console-far canvas').click();
    await at.command(page, 'sum 31 11');
    const dark = await at.middle(page);
    await other.bringToFront();
    await at.command(other, 'paint 4');
    await until('the picture of what the other typed', async () => (await at.middle(page)) !== dark, BOOTS);
    assert.doesNotMatch(await at.serial('alpha', 100), /sum 31|42/);
    // That somebody touches it is told once a minute, so that it does not end as one that nobody looks at.
    assert.ok(!sent.includes(POINTER), 'not in the first minute');
    await page.bringToFront();
    await page.evaluate(() => {
      const real = Date.now;
      Date.now = () => real() + 61_000;
    });
    for (const x of [600, 610, 620]) await page.mouse.move(x, 500);
    await until('a word of it', () => sent.includes(POINTER));
    assert.equal(sent.filter((hex) => hex === POINTER).length, 1);
    assert.ok(!sent.some((hex) => /^04/.test(hex)), 'and no key');
    const list = await at.open('/operations/consoles');
    const looks = list.locator('.panel:has(h2:has-text("Open now")) tbody tr', { hasText: 'look only' });
    await looks.waitFor();
    assert.equal(await looks.count(), 1);
    await list.shot('consoles-look');
    await list.clean();
    await list.close();
    // And back.
    await page.bringToFront();
    await at.tools(page);
    await page.click('button[aria-label="Look only"]');
    await page.waitForFunction(() => !new URL(location.href).searchParams.has('look'));
    await until('two that may type', async () => {
      const { consoles } = await fleet.api('GET', '/api/v1/consoles?open=1');
      return consoles.length === 2 && consoles.every((c) => c.view_only === false);
    });
    await at.stateOf(page, 'live');
    assert.equal(await page.locator('.console-look').count(), 0);
    await at.command(page, 'sum 31 12');
    await at.says('sum 31 12\r\n43\r\n');
    for (const one of [page, other]) {
      await one.clean();
      await one.close();
    }
  });

  test('who may look and not type sees it locked, with the reason; given the right to type, it is not', LONG, async () => {
    await fleet.server.addUser(fleet.admin, 'nils', 'viewer');
    const { id } = (await fleet.api('GET', '/api/v1/users')).users.find((u) => u.name === 'nils');
    await fleet.api('PATCH', `/api/v1/users/${id}`, { is_restricted: true });
    await fleet.api('POST', `/api/v1/users/${id}/assignments`, { server_id: fleet.ids.alpha, vmid: 100, permissions: 'view' });
    const desk = await at.open('/settings?tab=users');
    await desk.click('button[aria-label="Actions for nils"]');
    await desk.click('[role=menuitem]:has-text("Assigned machines")');
    const may = desk.locator('[data-assigned$="/100"]');
    await may.locator('input[name=console_view]').check();
    await until('it to be kept', async () => (await fleet.api('GET', `/api/v1/users/${id}/assignments`)).assignments[0].permissions === 'view,console_view');
    const his = await browser.open(fleet.server.origin, { path: '/' });
    his.expect(NOISE, CUT, /status of 403/);
    await his.waitForSelector('input[name=username]');
    await login(his, 'nils');
    await his.locator('[data-vm$="/100"] a[aria-label="Open console of web"]').waitFor();
    await his.goto(fleet.server.origin + at.path('alpha', 100));
    await at.stateOf(his, 'live');
    const lock = his.locator('button[aria-label="Look only"]');
    assert.ok(await lock.isDisabled());
    assert.equal(await lock.getAttribute('aria-pressed'), 'true');
    assert.match(await lock.getAttribute('data-tip'), /typing into it needs the role manager, or an assignment that allows the console/);
    assert.ok(await his.locator('.console-look').first().isVisible());
    await his.axe('a console that may only be looked at');
    const before = (await at.serial('alpha', 100)).length;
    await at.command(his, 'sum 50 5');
    assert.equal((await fleet.api('GET', '/api/v1/consoles?open=1')).consoles.find((c) => c.user_name === 'nils').view_only, true);
    await may.locator('input[name=console]').check();
    await until('that to be kept', async () => (await fleet.api('GET', `/api/v1/users/${id}/assignments`)).assignments[0].permissions === 'view,console,console_view');
    assert.ok(await may.locator('input[name=console_view]').isDisabled(), 'part of it');
    await desk.axe('what somebody may');
    await his.reload();
    await at.stateOf(his, 'live');
    assert.ok(await lock.isEnabled());
    assert.equal(await his.locator('.console-look').count(), 0);
    await at.command(his, 'sum 51 5');
    await until('what he typed', async () => (await at.serial('alpha', 100)).includes('sum 51 5\r\n56\r\n'), BOOTS);
    assert.doesNotMatch((await at.serial('alpha', 100)).slice(before), /sum 50/);
    await his.clean();
    await his.context().close();
    await desk.clean();
    await desk.close();
  });

  test('no room for one more: who has the others is listed, and one that is ended makes it', LONG, async () => {
    for (let i = 0; i < PER_USER; i++) await ask(fleet, 'alpha', 104, { type: 'lxc' });
    const page = await at.open(at.path('alpha', 100));
    page.expect(/status of 429/);
    await at.stateOf(page, 'failed');
    assert.match(await page.innerText('.console-card'), /^No room for another console\s[^]*8 consoles open, which is the limit/);
    const holders = page.locator('.console-holders li');
    assert.equal(await holders.count(), PER_USER);
    assert.match(await holders.first().innerText(), /parrot \(104\) on alpha\s+ada/);
    await page.axe('no room for one more');
    await page.shot('console-no-room');
    await holders.first().locator('button').click();
    await at.stateOf(page, 'live');
    const { consoles } = await fleet.api('GET', '/api/v1/consoles?open=1');
    assert.equal(consoles.filter((c) => c.vmid === 104).length, PER_USER - 1);
    await page.clean();
    for (const c of consoles) await fleet.request('DELETE', `/api/v1/consoles/${c.id}`);
    await page.close();
  });

  test('the shell of a node: from its row, for administrators; the same toolbar without what is of guests; it ends once and stays ended', LONG, async () => {
    const list = await at.open(`/servers/${fleet.ids.alpha}`);
    const button = list.locator('a[aria-label="Open the shell of pve1"]');
    await button.waitFor();
    await list.axe('the nodes of a server');
    await list.shot('server-nodes');
    await list.keyboard.press('Control+k');
    await list.keyboard.type('shell alpha');
    await list.locator('[role=option]:has-text("Shell of pve1")').first().waitFor();
    await list.keyboard.press('Escape');
    const [page] = await Promise.all([context.waitForEvent('page'), button.click()]);
    const bad = [];
    page.on('console', (m) => m.type() === 'error' && bad.push(m.text()));
    page.on('pageerror', (e) => bad.push(e.stack));
    await at.stateOf(page, 'live');
    assert.equal(new URL(page.url()).pathname, '/console/pve1/shell');
    assert.match(await page.title(), /pve1 shell/);
    assert.match(await page.locator('.console-who h1').innerText(), /^pve1 shell$/);
    for (const none of ['.console-kinds', 'button[aria-label="Look only"]', 'button[aria-label=Power]', 'button:has-text("Ctrl+Alt+Del")']) assert.equal(await page.locator(none).count(), 0, none);
    await until('a login', async () => /pve1 login:/.test(await at.rows(page)), BOOTS);
    await page.locator('.xterm').click();
    await at.command(page, 'root');
    await until('the question', async () => /Password:/.test(await at.rows(page)), BOOTS);
    await at.command(page, LAB_ROOT);
    await until('a shell', async () => /pve1:~# /.test(await at.rows(page)), BOOTS);
    await at.command(page, 'echo node-$((40+2))');
    await until('its answer', async () => (await at.rows(page)).includes('node-42'));
    await list.goto(`${fleet.server.origin}/operations/consoles`);
    const line = list.locator('.panel:has(h2:has-text("Open now")) tbody tr', { hasText: 'node pve1 of alpha' });
    await line.waitFor();
    assert.match(await line.innerText(), /shell of a node/);
    await list.axe('the list with a shell');
    await at.command(page, 'exit');
    await at.stateOf(page, 'closed');
    assert.match(await page.innerText('.console-card'), /Shell closed/);
    await line.waitFor({ state: 'detached' });
    assert.equal((await fleet.api('GET', '/api/v1/consoles?open=1')).consoles.filter((c) => c.vmid === null).length, 0, 'no other is opened unasked');
    await page.click('.console-card button:has-text("Open another")');
    await at.stateOf(page, 'live');
    await page.click('button[aria-label=Reconnect]');
    await until('another', async () => (await fleet.api('GET', '/api/v1/consoles')).consoles.filter((c) => c.vmid === null).length === 3);
    await at.stateOf(page, 'live');
    assert.deepEqual(bad, []);
    await page.close();
    const past = list.locator('.panel:has(h2:has-text("90 days")) tbody tr', { hasText: 'node pve1 of alpha' });
    await past.first().waitFor();
    await list.clean();
    await list.close();
  });

  test('a node that is none, a node of a version that gives tokens no shell, and who is no administrator', LONG, async () => {
    const page = await at.open(`/console/nowhere/shell?serverId=${fleet.ids.alpha}`);
    page.expect(/status of 502/, /status of 409/);
    await page.waitForSelector('h1:has-text("There is no such node")');
    await page.axe('no such node');
    await page.goto(`${fleet.server.origin}/console/box/shell?serverId=${fleet.ids.beta}`);
    await at.stateOf(page, 'failed');
    assert.match(await page.innerText('.console-card'), /CON-03/);
    await page.axe('a shell that is not to be had');
    await page.clean();
    await page.close();
    await fleet.server.addUser(fleet.admin, 'mara', 'manager');
    const hers = await browser.open(fleet.server.origin, { path: '/' });
    hers.expect(NOISE, CUT);
    await hers.waitForSelector('input[name=username]');
    await login(hers, 'mara');
    await hers.goto(`${fleet.server.origin}/servers/${fleet.ids.alpha}`);
    await hers.locator('#nodes td', { hasText: 'pve1' }).first().waitFor();
    assert.equal(await hers.locator('[aria-label^="Open the shell"]').count(), 0);
    await hers.goto(`${fleet.server.origin}/console/pve1/shell?serverId=${fleet.ids.alpha}`);
    await hers.waitForSelector('h1:has-text("The shell of a node needs the role admin")');
    await hers.axe('a shell that is not theirs');
    await hers.clean();
    await hers.context().close();
  });
});
