// ui_servers: the list of Proxmox VE servers in a real browser, against the lab: added, tried, edited, gone.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { startBrowser } from './lib/browser.mjs';
import { args, live, login, measured, suite } from './lib/page.mjs';
import { percentile, startServer, until } from './lib/server.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];
const card = (name) => `.server-card:has(h2 a:text-is("${name}"))`;
const formOf = (it, more = {}) => ({ name: it.name, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, ...more });

/** A server with an administrator, his key, and a page of his at `path`. */
async function start(t, browser, { more = [], path = '/servers', ...options } = {}) {
  const server = await startServer(t, { args: [...OPEN, ...args, ...more] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, target, body) => server.api(method, target, { key, body });
  const add = (it, extra) => call('POST', '/api/v1/servers', formOf(it, extra));
  const page = await open(server, browser, 'ada', path, options);
  return { server, admin, key, call, add, page };
}

async function open(server, browser, name, path = '/servers', options = {}) {
  const page = await browser.open(server.origin, { path: '/login', ...options });
  await page.waitForSelector('input[name=username]');
  await login(page, name);
  await page.goto(server.origin + path);
  await page.waitForSelector(live);
  return page;
}

async function done(page) {
  await page.clean();
  await page.context().close();
}

async function openLab(t, scenario = 'small') {
  const lab = await startLab({ scenario, timing: { denied: 50 } });
  t.after(() => lab.stop());
  return lab;
}

const toastOf = (page, text) => page.waitForSelector(`.toast:has-text("${text}")`);

describe('servers', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('from an empty page by the dialog: the address is split, the certificate is looked at and confirmed, the row is there at once', async (t) => {
    const lab = await openLab(t);
    const [first] = lab.servers;
    const { page, server } = await start(t, browser);
    await page.waitForSelector('text=No servers configured');
    assert.equal(await page.locator('.empty .button').count(), 2);
    await page.axe('no servers');
    await page.shot('servers-none');
    await page.click('.empty button:has-text("Add server")');
    await page.waitForSelector('.server-form');

    // What is wrong is said beside its field before anything is sent.
    await page.click('button[type=submit]:has-text("Add server")');
    await page.waitForSelector('.field-error:has-text("A name is needed")');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('name')), 'name');
    await page.fill('input[name=name]', 'Prod A');
    await page.evaluate((text) => navigator.clipboard.writeText(text), `https://127.0.0.1:${first.port}/#v1:0:18`);
    await page.focus('input[name=host]');
    await page.keyboard.press('Control+V');
    assert.equal(await page.inputValue('input[name=host]'), '127.0.0.1');
    assert.equal(await page.inputValue('input[name=port]'), String(first.port));
    await page.fill('input[name=api_token]', 'root@pam=nothing');
    await page.click('button:has-text("Test connection")');
    await page.waitForSelector('.field-error:has-text("The name of the token is missing")');
    await page.fill('input[name=port]', '99999');
    await page.fill('input[name=api_token]', `PVEAPIToken=${first.token}`);
    await page.click('button:has-text("Test connection")');
    await page.waitForSelector('.field-error:has-text("1 to 65535")');
    await page.fill('input[name=port]', String(first.port));

    // The lab signs its own certificates, as Proxmox VE does.
    await page.click('button:has-text("Test connection")');
    await page.waitForSelector('.help-text:has-text("Certificate not trusted")');
    assert.match(await page.innerText('.phases .is-failed'), /TLS[^]*failed here/);
    assert.equal(await page.innerText('.confirm-cert .fingerprint code'), first.fingerprint);
    assert.deepEqual(await lab.control.requests({}), [], 'nothing was said to a stranger');
    await page.axe('a certificate to confirm');
    await page.shot('servers-confirm');
    await page.click('button:has-text("Confirm this certificate")');
    await page.waitForSelector(`.test-sum.ok:has-text("Found ${first.nodes ?? 2} nodes")`);
    assert.match(await page.innerText('.test-sum.ok'), /Proxmox VE \d/);
    assert.deepEqual(await page.locator('.phases dt').allInnerTexts(), ['DNS', 'TCP', 'TLS', 'API', 'Total']);
    for (const text of await page.locator('.phases .num').allInnerTexts()) assert.match(text, /^(<?\s?[\d.]+) (ms|µs|s)$/, 'measured');
    assert.match(await page.innerText('.test-facts'), /127\.0\.0\.1/);
    assert.ok(!(await page.isChecked('input[name=verify_ssl]')));
    await page.axe('a test that succeeded');
    await page.shot('servers-tested');

    const begun = performance.now();
    await page.click('button[type=submit]:has-text("Add server")');
    await page.waitForSelector(card('Prod A'));
    measured(t, `from Add to the row: ${Math.round(performance.now() - begun)} ms`);
    await toastOf(page, 'Prod A was added');
    await page.waitForSelector(`${card('Prod A')} .server-status.online:has-text("Online")`);
    await page.waitForSelector(`${card('Prod A')} >> text=/\\d nodes? available/`);
    const text = await page.innerText(card('Prod A'));
    assert.match(text, /checked (just now|\d+ s ago)/);
    assert.match(text, new RegExp(`127\\.0\\.0\\.1:${first.port}`));
    assert.match(text, /pinned/);
    assert.match(text, /100 %/);
    assert.match(await page.innerText('.list-foot'), /^1 of 50 server slots used$/);

    // The token has left the page.
    const secret = first.token.split('=')[1];
    const kept = await page.evaluate(() => [document.documentElement.outerHTML, JSON.stringify(localStorage), JSON.stringify(sessionStorage),
      ...[...document.querySelectorAll('input')].map((i) => i.value)].join('\n'));
    assert.ok(!kept.includes(secret));
    assert.ok(!server.log.includes(secret));
    await done(page);
  });

  test('a wrong token and no answer look different, and the same place twice is refused by its name', async (t) => {
    const lab = await openLab(t);
    const [first, second] = lab.servers;
    const { page, add, call } = await start(t, browser, { more: ['--offline-alert', '10s'] });
    await add(second, { name: 'silent' });
    await page.waitForSelector(`${card('silent')} .server-status.online`);
    await lab.control.fault('refused', `${second.cluster}/${second.name}`);
    await page.click(`${card('silent')} button:has-text("Test")`);
    await toastOf(page, 'refused');
    await page.waitForSelector(`${card('silent')} .server-status.offline`);

    await page.click('.page-acts button:has-text("Add server")');
    await page.fill('input[name=name]', 'Wrong');
    await page.fill('input[name=host]', first.host);
    await page.fill('input[name=port]', String(second.port));
    await page.fill('input[name=api_token]', 'root@pam!all=00000000-0000-0000-0000-000000000000');
    page.expect(/409/);
    await page.click('button[type=submit]:has-text("Add server")');
    await page.waitForSelector('.field-error:has-text("already exists, as \\"silent\\"")');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('name')), 'host');
    await page.fill('input[name=port]', String(first.port));
    await page.click('input[name=verify_ssl]');
    await page.click('button:has-text("Test connection")');
    await page.click('button:has-text("Confirm this certificate")');
    await page.waitForSelector('.help-text:has-text("Token refused")');
    await page.click('button[type=submit]:has-text("Add server")');
    await page.waitForSelector(`${card('Wrong')} .server-status.offline`);
    assert.match(await page.innerText(card('Wrong')), /Token refused\. Authentication failed \(401\)/);
    assert.match(await page.innerText(card('silent')), /Connection refused\. Nothing listens on that port/);

    // The badge says why to a pointer and to the keyboard, and opens the help for a finger.
    const badge = page.locator(`${card('Wrong')} button.server-status`);
    await badge.hover();
    await page.waitForSelector('.tip:visible:has-text("authentication failed (401)")');
    await badge.click();
    await page.waitForSelector(`${card('Wrong')} .card-help:has-text("Make a new token")`);
    assert.equal(await badge.getAttribute('aria-expanded'), 'true');
    await page.axe('help that is open');
    await page.shot('servers-help');
    assert.equal(await page.locator(`${card('Wrong')} a[href$="#why"]`).count(), 1);
    await page.waitForSelector('.side [data-page=servers] .count:text-is("2")'); // once they alert
    const { servers } = await call('GET', '/api/v1/servers');
    assert.equal(servers.length, 2);
    await done(page);
  });

  test('edited, renamed, moved, switched off and on, deleted; a kept token goes nowhere else', async (t) => {
    const lab = await openLab(t);
    const [first, second] = lab.servers;
    const { page, add, call } = await start(t, browser);
    const { id } = await add(first, { name: 'before' });
    const row = async () => (await call('GET', '/api/v1/servers')).servers.find((s) => s.id === id);
    await page.click(`${card('before')} button:has-text("Edit")`);
    assert.equal(await page.inputValue('input[name=api_token]'), '', 'the token does not come back');
    assert.equal(await page.inputValue('input[name=host]'), first.host);
    await page.fill('input[name=name]', 'after');
    await page.locator('input[name=connection_timeout_ms]').fill('30');
    await page.click('summary:has-text("Tags")');
    await page.fill('input[name=tags]', 'edge, prod');
    await page.fill('input[name=site]', 'rack2');
    assert.match(await page.innerText('.slider'), /30 s[^]*10 to 15 s/);
    await page.click('input[name=vpn_enabled]');
    assert.match(await page.innerText('.slider'), /30 to 60 s/, 'by VPN another time is advised');
    await page.fill('input[name=vpn_host]', 'pve1.tail1234.ts.net');
    page.expect(/400/);
    await page.click('button[type=submit]:has-text("Save")');
    await page.waitForSelector('.field-error:has-text("must be given again")');
    await page.click('input[name=vpn_enabled]');
    await page.click('button[type=submit]:has-text("Save")');
    await page.waitForSelector(card('after'));
    await toastOf(page, 'after is saved');
    const saved = await row();
    assert.deepEqual([saved.connection_timeout_ms, saved.tags, saved.site, saved.fingerprint], [30000, 'edge, prod', 'rack2', first.fingerprint]);
    assert.match(await page.innerText(card('after')), /rack2[^]*edge[^]*prod/);

    // By VPN, with its token: two lines and the word for Tailscale's front door.
    await page.click(`${card('after')} button:has-text("Edit")`);
    await page.click('input[name=vpn_enabled]');
    await page.fill('input[name=vpn_host]', 'pve1.tail1234.ts.net');
    await page.fill('input[name=api_token]', first.token);
    await page.click('button[type=submit]:has-text("Save")');
    await page.waitForSelector(`${card('after')} >> text=Funnel`);
    assert.match(await page.innerText(card('after')), /pve1\.tail1234\.ts\.net:8006 \(30s timeout\)/);

    await page.click(`${card('after')} button:has-text("Disable")`);
    await page.waitForSelector(`${card('after')} .server-status.disabled`);
    assert.equal((await row()).is_active, false);
    await page.locator('.toast:has-text("after is disabled") button:has-text("Undo")').click();
    await page.waitForSelector(`${card('after')} .server-status:not(.disabled)`);
    assert.equal((await row()).is_active, true);

    await add(second, { name: 'stays' });
    await page.click(`${card('after')} button:has-text("Delete")`);
    await page.waitForSelector('.dialog h2:has-text("Delete after?")');
    assert.match(await page.innerText('.dialog'), /cannot be undone/);
    await page.axe('the question before deleting');
    await page.click('.dialog button:has-text("Delete")');
    await toastOf(page, 'after is deleted');
    await page.waitForSelector(card('after'), { state: 'detached' });
    await page.waitForSelector(card('stays'));
    await done(page);
  });

  test('one is tested with its own spinner; all with progress, and every card says Checking until its result is there', async (t) => {
    const lab = await openLab(t);
    const { page, add, server } = await start(t, browser);
    for (const [i, it] of lab.servers.entries()) await add(it, { name: `n${i}` });
    await page.waitForFunction((n) => document.querySelectorAll('.server-card .server-status.online').length === n, lab.servers.length);
    for (const [i, it] of lab.servers.entries()) await lab.control.fault('slow', `${it.cluster}/${it.name}`, { ms: 1200 + i * 1200 });
    await page.click(`${card('n0')} button:has-text("Test")`);
    await page.waitForSelector(`${card('n0')} [aria-busy=true]`);
    assert.equal(await page.locator('[aria-busy=true]').count(), 1);
    await page.waitForSelector('.toast:has-text("Connected to n0. Found")');
    assert.equal(await page.locator('[aria-busy=true]').count(), 0);

    // Who looks from another tab, or is somebody else, sees the same run.
    const other = await open(server, browser, 'ada');
    await other.waitForSelector(card('n0'));
    await page.bringToFront();
    await page.click('button:has-text("Refresh all")');
    await toastOf(page, 'Health check started');
    await page.waitForFunction((n) => document.querySelectorAll('.server-card .server-status.checking').length === n, lab.servers.length);
    assert.equal(await page.getAttribute('button:has-text("Checking…")', 'aria-disabled'), 'true');
    await other.waitForFunction((n) => document.querySelectorAll('.server-card .server-status.checking').length === n, lab.servers.length);
    await other.waitForSelector('.run-progress');
    assert.equal(await other.getAttribute('button:has-text("Checking…")', 'aria-disabled'), 'true');
    await page.waitForSelector('.run-progress >> text=/of \\d+ checked/');
    await page.axe('while all are checked');
    await toastOf(page, `${lab.servers.length} online, 0 offline`);
    await page.waitForSelector('button:has-text("Refresh all")');
    await page.waitForFunction(() => !document.querySelector('.server-status.checking'));
    await other.waitForSelector('.run-progress', { state: 'detached' });
    assert.equal(await other.locator('.toast').count(), 0, 'told to the one who asked');
    await done(other);

    // Back at the tab after a while: one check, and not another for half a minute.
    const asked = () => page.evaluate(() => performance.getEntriesByType('resource').filter((e) => e.name.includes('health-check')).length);
    const was = await asked();
    const back = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await back();
    assert.equal(await asked(), was, 'the last one was just now');
    await page.evaluate(() => {
      const now = Date.now;
      Date.now = () => now() + 31_000;
    });
    await back();
    await until('a check by itself', async () => (await asked()) === was + 1);
    await back();
    assert.equal(await asked(), was + 1);
    await done(page);
  });

  test('another certificate is shown beside the old one, and trusted with the token only', async (t) => {
    const lab = await openLab(t);
    const [first] = lab.servers;
    const { page, add } = await start(t, browser);
    await add(first, { name: 'changed' });
    await page.waitForSelector(`${card('changed')} .server-status.online`);
    await lab.control.fault('certificate', `${first.cluster}/${first.name}`);
    await page.click(`${card('changed')} button:has-text("Test")`);
    await page.waitForSelector(`${card('changed')} >> text=Certificate changed`);
    await page.click(`${card('changed')} button:has-text("What to do")`);
    const [old, fresh] = await page.locator(`${card('changed')} .fingerprint code`).allInnerTexts();
    assert.equal(old, first.fingerprint);
    assert.match(fresh, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.notEqual(fresh, old);
    await page.click(`${card('changed')} button:has-text("Trust the new certificate")`);
    await page.waitForSelector('.dialog h2:has-text("Trust the new certificate of changed?")');
    await page.axe('a certificate that changed');
    await page.shot('servers-trust');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.field-error:has-text("The API token is needed")');
    await page.fill('.dialog input[name=api_token]', first.token);
    await page.click('.dialog button[type=submit]');
    await toastOf(page, 'The new certificate of changed is trusted');
    await page.waitForSelector(`${card('changed')} .server-status.online`);
    await done(page);
  });

  test('a certificate pinned at first contact is marked until somebody has compared it', async (t) => {
    const lab = await openLab(t);
    const [first] = lab.servers;
    const { page, add, call } = await start(t, browser);
    await add(first, { name: 'trusting', verify_ssl: false, fingerprint: null });
    await page.waitForSelector(`${card('trusting')} .server-status.online`, { timeout: 60000 });
    await page.waitForSelector(`${card('trusting')} .trust-tag:has-text("pinned at first contact")`);
    await page.click(`${card('trusting')} button[aria-haspopup=menu]`);
    await page.click('[role=menuitem]:has-text("Confirm certificate")');
    assert.equal(await page.innerText('.dialog .fingerprint code'), first.fingerprint);
    await page.axe('a certificate nobody has compared');
    await page.click('.dialog button:has-text("It is the same")');
    await toastOf(page, 'The certificate of trusting is confirmed');
    await page.waitForSelector(`${card('trusting')} .trust-tag:text-is("pinned")`);
    assert.equal((await call('GET', '/api/v1/servers')).servers[0].is_pin_auto, false);
    await done(page);
  });

  test('the demo fleet is tagged on each card, and goes with one question', async (t) => {
    const lab = await openLab(t);
    const { page, add } = await start(t, browser);
    await add(lab.servers[0], { name: 'pretend', is_demo: true });
    await add(lab.servers[1], { name: 'pretend too', is_demo: true });
    await add(lab.servers[2], { name: 'mine' });
    await page.waitForSelector(`${card('pretend')} .tag.demo`);
    await page.waitForSelector(card('mine'));
    assert.equal(await page.locator(`${card('mine')} .tag.demo`).count(), 0);
    assert.match(await page.innerText('.demo-note'), /2 servers are of the demo fleet/);
    await page.click('.demo-note button:has-text("Remove demo")');
    assert.match(await page.innerText('.dialog'), /All 2 servers tagged DEMO/);
    await page.axe('the question before the demo goes');
    await page.click('.dialog button:has-text("Remove demo")');
    await toastOf(page, 'The demo fleet is gone: 2 servers removed, none left');
    await page.waitForSelector(card('pretend'), { state: 'detached' });
    assert.deepEqual(await page.locator('.server-card h2 a').allInnerTexts(), ['mine']);
    assert.equal(await page.locator('.demo-note').count(), 0);
    await done(page);
  });

  test('the connectivity test of a saved server measures each phase', async (t) => {
    const lab = await openLab(t);
    const { page, add } = await start(t, browser);
    await add(lab.servers[0], { name: 'measured' });
    await page.waitForSelector(`${card('measured')} .server-status.online`);
    await page.click(`${card('measured')} button[aria-haspopup=menu]`);
    await page.click('[role=menuitem]:has-text("Connectivity test")');
    await page.waitForSelector('.dialog .test-sum.ok:has-text("Connected. Proxmox VE")');
    const report = await page.innerText('.dialog');
    assert.match(report, /Address\s+127\.0\.0\.1/);
    assert.match(report, /Way\s+direct/);
    assert.match(report, /Time limit\s+10 s/);
    await page.axe('the connectivity test');
    await page.shot('servers-connect');
    await page.click('.dialog button:has-text("Apply recommendation")');
    await page.waitForSelector('.toast >> text=/The time limit of measured is now [\\d.]+ s/');
    await page.waitForSelector('.dialog >> text=/Time limit/');
    await page.click('.dialog button:has-text("Run again")');
    await page.waitForSelector('.dialog button:has-text("Run again"):not([disabled])');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.dialog', { state: 'detached' });
    await done(page);
  });

  test('what somebody else does is on screen within a second', async (t) => {
    const lab = await openLab(t);
    const { page, add, call } = await start(t, browser);
    const took = [];
    const within = async (what, selector, options) => {
      const begun = performance.now();
      await what();
      await page.waitForSelector(selector, options);
      took.push(performance.now() - begun);
    };
    let id;
    await within(async () => ({ id } = await add(lab.servers[0], { name: 'theirs' })), card('theirs'));
    await within(() => call('PATCH', `/api/v1/servers/${id}`, { name: 'other' }), card('other'));
    await page.waitForSelector(`${card('other')} .server-status.online`);
    await lab.control.fault('refused', '*');
    await within(() => call('POST', '/api/v1/servers/health-check?wait=1'), `${card('other')} .server-status.offline`);
    await within(() => call('PATCH', `/api/v1/servers/${id}`, { is_active: false }), `${card('other')} .server-status.disabled`);
    await within(() => call('DELETE', `/api/v1/servers/${id}`), card('other'), { state: 'detached' });
    took.splice(2, 1); // with the retries of the check itself
    assert.ok(Math.max(...took) < 1000, `${took.map(Math.round)} ms`);
    measured(t, `a change by another client to the screen: ${took.map(Math.round).join(', ')} ms`);
    await page.waitForSelector('text=No servers configured');
    await done(page);
  });

  test('found by word and by state, in the address, by keyboard, on a phone, in both themes', async (t) => {
    const lab = await openLab(t);
    const { server, page, add } = await start(t, browser);
    for (const [i, it] of lab.servers.entries()) await add(it, { name: `Rack ${i}`, site: i === 0 ? 'Berlin' : 'Oslo', is_active: i !== 1 });
    await page.waitForSelector('.chip:has-text("Disabled 1")');
    await page.waitForSelector(`.chip:has-text("Online ${lab.servers.length - 1}")`);
    assert.deepEqual(await page.locator('.server-card h2').allInnerTexts().then((x) => x.map((n) => n.trim())), lab.servers.map((_, i) => `Rack ${i}`).reverse(), 'newest first');
    await page.fill('input[type=search]', 'berLIN');
    await page.waitForFunction(() => document.querySelectorAll('.server-card').length === 1);
    await page.fill('input[type=search]', 'nowhere');
    await page.waitForSelector('text=No server matches');
    await page.fill('input[type=search]', '');
    await page.click('.chip:has-text("Disabled")');
    await page.waitForFunction(() => document.querySelectorAll('.server-card').length === 1);
    assert.equal(new URL(page.url()).searchParams.get('state'), 'disabled');
    await page.reload();
    await page.waitForSelector(card('Rack 1'));
    assert.equal(await page.locator('.server-card').count(), 1, 'also after a reload');
    await page.goBack();
    await page.waitForFunction((n) => document.querySelectorAll('.server-card').length === n, lab.servers.length);

    // By keyboard: to a card, its menu by ".", and back.
    await page.focus(`${card('Rack 0')} h2 a`);
    await page.keyboard.press('.');
    await page.waitForSelector('[role=menu]');
    assert.deepEqual((await page.locator('[role=menuitem]').allInnerTexts()).map((x) => x.trim()).slice(0, 9),
      ['Test', 'Connectivity test', 'Details', 'Edit', 'Disable', 'Silence for 1 hour', 'Shell of pve1', 'Shell of pve2', 'Delete']);
    await page.axe('the menu of a server');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.server-form');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.server-form', { state: 'detached' });
    await done(page);

    for (const theme of ['light', 'dark']) {
      for (const width of [1440, 390, 320]) {
        const one = await open(server, browser, 'ada', '/servers', { theme, width });
        await one.waitForSelector(card('Rack 0'));
        await one.axe(`servers ${theme} ${width}`);
        await one.fits(`servers at ${width} px`);
        await one.shot(`servers-${width}-${theme}`);
        await one.click('.page-acts button:has-text("Add server")');
        await one.click('.server-form summary >> nth=0');
        await one.axe(`the form ${theme} ${width}`);
        await one.fits(`the form at ${width} px`);
        assert.ok(await one.evaluate(() => document.querySelector('.server-form').scrollWidth <= document.querySelector('.server-form').clientWidth), `the dialog does not scroll sideways at ${width} px: ${await one.evaluate(() => [...document.querySelectorAll('.server-form *')].filter((e) => e.getBoundingClientRect().right > document.querySelector('.server-form').getBoundingClientRect().right).map((e) => e.outerHTML.slice(0, 80)))}`);
        await one.shot(`servers-form-${width}-${theme}`);
        await done(one);
      }
    }
  });

  test('who may not act sees why, and at the limit nothing can be added', async (t) => {
    const lab = await openLab(t);
    const { server, admin, page, add, call } = await start(t, browser, { more: ['--max-servers', '2'] });
    await server.addUser(admin, 'vera', 'viewer');
    await server.addUser(admin, 'max', 'manager');
    await add(lab.servers[0], { name: 'one' });
    await page.waitForSelector(card('one'));
    assert.equal(await page.getAttribute('.page-acts button:has-text("Add server")', 'aria-disabled'), null);
    await add(lab.servers[1], { name: 'two' });
    for (const name of ['Add server', 'Import CSV']) {
      const button = page.locator(`.page-acts button:has-text("${name}")`);
      await button.and(page.locator('[aria-disabled=true]')).waitFor();
      await button.focus();
      await page.waitForFunction((b) => document.getElementById(b.getAttribute('aria-describedby'))?.textContent.includes('All 2 server slots are used'), await button.elementHandle());
      await button.press('Enter');
    }
    assert.equal(await page.locator('.dialog').count(), 0);
    assert.equal(new URL(page.url()).pathname, '/servers');
    assert.match(await page.innerText('.list-foot'), /^2 of 2 server slots used$/);

    const viewer = await open(server, browser, 'vera');
    await viewer.waitForSelector(card('one'));
    for (const name of ['Test', 'Edit', 'Disable', 'Delete']) assert.equal(await viewer.getAttribute(`${card('one')} button:has-text("${name}")`, 'aria-disabled'), 'true', name);
    assert.equal(await viewer.getAttribute('.page-acts button:has-text("Refresh all")', 'aria-disabled'), 'true');
    await viewer.axe('servers as a viewer');
    await done(viewer);

    // Kept to the guests assigned to her: no list of servers, and a way to what is hers.
    const { id } = await server.addUser(admin, 'rita', 'viewer');
    await call('PATCH', `/api/v1/users/${id}`, { is_restricted: true });
    const restricted = await open(server, browser, 'rita');
    await restricted.waitForSelector('h1:has-text("You see the machines assigned to you")');
    assert.equal(await restricted.locator('main a:has-text("Your machines")').getAttribute('href'), '/vms');
    await restricted.axe('servers when kept to guests');
    await restricted.context().close();

    const manager = await open(server, browser, 'max');
    await manager.waitForSelector(card('one'));
    assert.equal(await manager.getAttribute(`${card('one')} button:has-text("Edit")`, 'aria-disabled'), null);
    assert.equal(await manager.getAttribute(`${card('one')} button:has-text("Delete")`, 'aria-disabled'), 'true');
    await done(manager);
    await done(page);
  });

  test('a thousand servers stay fluid', async (t) => {
    const { page, call } = await start(t, browser, { more: ['--max-servers', '1000'], path: '/' });
    for (let i = 0; i < 1000; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, k) => call('POST', '/api/v1/servers', {
        name: `pve-${i + k}`, host: `pve-${i + k}.rack${(i + k) % 40}.example`, api_token: 'root@pam!all=00000000-0000-0000-0000-000000000000', is_active: false, site: `rack${(i + k) % 40}`,
      })));
    }
    await page.evaluate(() => {
      window.bnLong = [];
      new PerformanceObserver((list) => window.bnLong.push(...list.getEntries().map((e) => e.duration))).observe({ entryTypes: ['longtask'] });
    });
    const opened = await page.evaluate(async () => {
      const begun = performance.now();
      document.querySelector('[data-page=servers]').click();
      while (!document.querySelector('.server-card')) await new Promise((r) => requestAnimationFrame(r));
      return performance.now() - begun;
    });
    const typed = [];
    for (const q of ['r', 'ra', 'rack7', 'pve-99', 'pve-999', 'pve-9', '']) {
      typed.push(await page.evaluate(async (text) => {
        const box = document.querySelector('input[type=search]');
        const begun = performance.now();
        box.value = text;
        box.dispatchEvent(new InputEvent('input', { bubbles: true }));
        await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
        return performance.now() - begun;
      }, q));
    }
    assert.equal(await page.innerText('.chip[aria-current]').then((x) => x.replace(/\s+/g, ' ')), 'All 1000');
    assert.ok(await page.locator('.server-card').count() < 100, 'what is far below is not drawn yet');

    // A change of one is drawn in its card and in no other.
    await page.evaluate(() => {
      window.bnTouched = new Set();
      new MutationObserver((all) => all.forEach((m) => window.bnTouched.add((m.target.closest ? m.target : m.target.parentElement).closest('[data-id]')?.dataset.id ?? 'the list')))
        .observe(document.querySelector('.server-cards'), { subtree: true, childList: true, characterData: true, attributes: true });
      window.bnLong.length = 0;
    });
    const { servers } = await call('GET', '/api/v1/servers');
    for (let i = 0; i < 5; i++) await call('PATCH', `/api/v1/servers/${servers[i].id}`, { name: `renamed-${i}` });
    await page.waitForSelector(card('renamed-4'));
    const changed = await page.evaluate(() => Math.max(0, ...window.bnLong));
    assert.deepEqual(new Set(await page.evaluate(() => [...window.bnTouched])), new Set(servers.slice(0, 5).map((s) => s.id)));

    await page.evaluate(() => { window.bnLong.length = 0; });
    for (let i = 0; i < 20; i++) {
      await page.mouse.wheel(0, 900);
      await page.waitForTimeout(40);
    }
    const scrolled = await page.evaluate(() => Math.max(0, ...window.bnLong));
    await page.waitForFunction(() => document.querySelectorAll('.server-card').length > 72);
    assert.ok(await page.locator('.server-card').count() < 300, 'more are drawn as they come near');
    await page.click('label:has-text("Table")');
    await page.waitForSelector('tbody tr');
    assert.equal(await page.locator('tbody tr').count(), 100);
    await page.reload();
    await page.waitForSelector('tbody tr', { timeout: 5000 });
    await page.axe('the table of servers');
    await page.fits('the table of servers');
    await page.shot('servers-table');
    measured(t, `1,000 servers: first card ${Math.round(opened)} ms, a letter of the search ${Math.round(percentile(typed, 0.5))} ms (p95 ${Math.round(percentile(typed, 0.95))} ms), longest task scrolling ${Math.round(scrolled)} ms, on a change ${Math.round(changed)} ms`);
    await done(page);
  });
});
