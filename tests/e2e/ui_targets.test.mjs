// ui_targets: the pages of machines that are acted on over SSH, in a real browser, with a real sshd behind them.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { args, live, login, suite } from './lib/page.mjs';
import { startServer, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const OPEN = ['--allow-target', '127.0.0.0/8'];
const LONG = { timeout: 120_000 };
const REFUSED = /status of (400|403|409)/; // what Chromium writes of an answer the test asked for

/** A server with an administrator, his key, and a page of his at `path`. */
async function start(t, browser, { path = '/targets', ...options } = {}) {
  const server = await startServer(t, { args: [...OPEN, ...args] });
  const admin = await server.setup();
  const key = await server.makeKey(admin, 'all');
  const call = (method, target, body) => server.api(method, target, { key, body });
  const page = await open(server, browser, 'ada', path, options);
  return { server, admin, key, call, page };
}

async function open(server, browser, name, path = '/targets', options = {}) {
  const page = await browser.open(server.origin, { path: '/login', ...options });
  await page.waitForSelector('input[name=username]');
  await login(page, name);
  await page.goto(server.origin + path);
  await page.waitForSelector(live);
  return page;
}

const formOf = (sshd, more = {}) => ({
  name: 'web3', host: '127.0.0.1', port: sshd.port, username: 'root', service: 'nginx.service', auth: { kind: 'key', private_key: sshd.key }, host_key: sshd.fingerprint, ...more,
});

const row = (name) => `.target-table tr:has(.vm-name:text-is("${name}"))`;
const said = (page, text) => page.waitForSelector(`.toast:has-text("${text}")`);

async function done(page) {
  await page.clean();
  await page.context().close();
}

describe('targets', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('from an empty page by the form: refused by field, added, its host key looked at and confirmed, tested', LONG, async (t) => {
    const sshd = await startSshd(t);
    const { page, call } = await start(t, browser);
    await page.waitForSelector('text=No targets yet');
    await page.axe('no targets');
    await page.shot('targets-none');
    await page.click('.empty button:has-text("Add target")');
    await page.waitForSelector('.target-form');
    await page.click('button:has-text("Add and test")');
    await page.waitForSelector('.field-error:has-text("A name is needed")');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('name')), 'name');
    await page.axe('the form with errors');
    await page.fill('input[name=name]', 'web3');
    await page.evaluate((text) => navigator.clipboard.writeText(text), `ssh -p ${sshd.port} root@127.0.0.1`);
    await page.focus('input[name=host]');
    await page.keyboard.press('Control+V');
    assert.deepEqual(await page.evaluate(() => ['host', 'port', 'username'].map((name) => document.querySelector(`input[name=${name}]`).value)), ['127.0.0.1', String(sshd.port), 'root']);
    assert.equal(await page.isChecked('input[name=sudo]'), false, 'root needs no sudo');
    await page.fill('input[name=service]', 'nginx.service');

    // The public half is refused by the server, beside its field.
    page.expect(REFUSED);
    await page.fill('textarea[name="auth.private_key"]', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublicHalfPublicHalfPublicHalfPublic ada@laptop');
    await page.click('button:has-text("Add and test")');
    await page.waitForSelector('.key-text .field-error:has-text("public")');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('name')), 'auth.private_key');
    await page.shot('target-form');
    await page.setInputFiles('input[type=file]', { name: 'id', mimeType: 'text/plain', buffer: Buffer.from(sshd.key) });
    await page.waitForFunction(() => document.querySelector('textarea').value.includes('BEGIN OPENSSH'));
    await page.click('button:has-text("Add and test")');

    // It is tested at once: nothing is sent to it before its key is confirmed.
    await page.waitForSelector(`.key-question:has-text("${sshd.fingerprint}")`);
    assert.match(await page.innerText('.key-question'), /Is this the host key of web3\?[^]*ssh-keygen -lf \/etc\/ssh\/ssh_host_ed25519_key\.pub/);
    assert.ok(!/userauth|Accepted|Failed/.test(sshd.log), sshd.log);
    await page.axe('a host key to be confirmed');
    await page.shot('target-key');
    await page.click('.key-question button:has-text("confirm")');
    await page.waitForSelector('.target-test .test-sum.ok:has-text("web3 answers: Linux")');
    await page.shot('target-tested');
    await page.click('.target-test button:has-text("Close") >> nth=-1');
    await page.waitForSelector(`${row('web3')} .key-tag.ok:has-text("Confirmed")`);
    await page.waitForSelector(`${row('web3')} .target-deed.ok:has-text("tested")`);
    const [kept] = (await call('GET', '/api/v1/targets')).targets;
    assert.deepEqual([kept.host_key, kept.sudo, kept.service, kept.username], [sshd.fingerprint, false, 'nginx.service', 'root']);
    assert.ok(!(await page.content()).includes(sshd.key.split('\n')[1]), 'the key left the page with its form');
    await done(page);
  });

  test('another host key stops everything: both are shown, and an administrator alone accepts it', LONG, async (t) => {
    const sshd = await startSshd(t);
    const { server, admin, page, call } = await start(t, browser);
    await server.addUser(admin, 'max', 'manager');
    const { id } = await call('POST', '/api/v1/targets', formOf(sshd));
    await page.waitForSelector(`${row('web3')} .key-tag.ok`);
    const before = sshd.fingerprint;
    await sshd.stop();
    sshd.newHostKey();
    sshd.log = '';
    await sshd.start();
    const max = await open(server, browser, 'max', `/targets/${id}`);
    max.expect(REFUSED);
    await max.click('.page-acts button:has-text("Test")');
    await max.waitForSelector('.target-test .key-question.is-changed');
    const text = await max.innerText('.target-test .key-question');
    assert.ok(text.includes(before) && text.includes(sshd.fingerprint), text);
    assert.match(text, /If you reinstalled web3, press Accept new key\. If not, do not\./);
    assert.equal(await max.getAttribute('.target-test .key-question button:has-text("Accept new key")', 'aria-disabled'), 'true');
    assert.equal(await max.locator('.toast').count(), 0, 'what the dialog says is not said twice');
    await max.axe('a changed host key, for a manager');
    await max.shot('target-changed-manager');
    await done(max);
    assert.ok(!/userauth|Accepted|Failed/.test(sshd.log), sshd.log);

    await page.waitForSelector(`${row('web3')} .key-tag.crit:has-text("CHANGED")`);
    await page.shot('targets-changed');
    await page.click(`${row('web3')} .vm-name`);
    await page.waitForSelector('.target-stop .key-question.is-changed');
    await page.axe('the page of a target with a changed key');
    await page.shot('target-changed');
    await page.click('.target-stop button:has-text("Accept new key")');
    await said(page, 'The new host key of web3 is accepted');
    await page.waitForSelector('h1 .key-tag.ok');
    assert.equal((await call('GET', '/api/v1/targets')).targets[0].host_key, sshd.fingerprint);
    await done(page);
  });

  test('a terminal: a command is typed and its result read, and a target that is removed ends it', LONG, async (t) => {
    const sshd = await startSshd(t);
    const { server, call, page } = await start(t, browser);
    const { id } = await call('POST', '/api/v1/targets', formOf(sshd));
    await page.waitForSelector(row('web3'));
    const [terminal] = await Promise.all([page.context().waitForEvent('page'), page.click(`${row('web3')} a[aria-label="Terminal on web3"]`)]);
    const rows = () => terminal.locator('.xterm-rows').last().innerText();
    await terminal.waitForSelector('.console-main[data-state=live]', { timeout: 60_000 });
    assert.equal(new URL(terminal.url()).pathname, `/console/target/${id}`);
    await until('its title', async () => /web3 terminal/.test(await terminal.title()));
    await terminal.keyboard.type('echo sum $((20 + 3)) of $USER');
    await terminal.keyboard.press('Enter');
    await until('its answer', async () => /sum 23 of root/.test(await rows()), { within: 30_000 });
    if (process.env.SHOTS) await terminal.screenshot({ path: `${process.env.SHOTS}/target-terminal.png` });

    // Another shell, by the button.
    await terminal.click('button[aria-label="Reconnect"]');
    await until('a new shell', async () => (await call('GET', '/api/v1/consoles')).total === 2);
    await terminal.waitForSelector('.console-main[data-state=live]');
    const list = await call('GET', '/api/v1/consoles');
    assert.deepEqual(list.consoles.map((c) => [c.target_id, c.kind, c.subject]), [[id, 'terminal', 'root on web3'], [id, 'terminal', 'root on web3']]);
    await page.goto(`${server.origin}/operations/consoles`);
    await page.waitForSelector(`a[href$="/targets/${id}"]:has-text("root on web3")`);
    await page.waitForSelector('td:has-text("terminal over SSH")');

    // The shell ends: so does the console, and another is a click away.
    await terminal.click('.xterm >> nth=-1');
    await terminal.keyboard.type('exit');
    await terminal.keyboard.press('Enter');
    await terminal.waitForSelector('.console-card:has-text("Shell closed")');
    await terminal.click('.console-card button:has-text("Open another")');
    await terminal.waitForSelector('.console-main[data-state=live]');

    await call('DELETE', `/api/v1/targets/${id}`);
    await terminal.waitForSelector('.console-card:has-text("Shell closed")');
    await terminal.waitForSelector('.console-who .badge:has-text("removed")');
    assert.equal(await terminal.locator('.console-card button').count(), 0, 'nothing can be opened there any more');
    if (process.env.SHOTS) await terminal.screenshot({ path: `${process.env.SHOTS}/target-terminal-over.png` });
    await terminal.reload();
    await terminal.waitForSelector('text=There is no such target');
    await done(page);
  });

  test('a terminal says whose host key is to be confirmed, and opens by itself once it is', LONG, async (t) => {
    const sshd = await startSshd(t);
    const { call, server, page } = await start(t, browser);
    const { id } = await call('POST', '/api/v1/targets', formOf(sshd, { host_key: undefined }));
    page.expect(REFUSED);
    await page.goto(`${server.origin}/console/target/${id}`);
    await page.waitForSelector(`.console-card:has-text("${sshd.fingerprint}")`);
    await page.axe('a terminal that is refused');
    await page.shot('target-terminal-refused');
    await page.waitForSelector('.console-card button:has-text("Look at its host key")');
    await call('PATCH', `/api/v1/targets/${id}`, { host_key: sshd.fingerprint });
    await page.waitForSelector('.console-main[data-state=live]', { timeout: 60_000 });
    await call('PATCH', `/api/v1/targets/${id}`, { is_active: false });
    await page.waitForSelector('.console-card:has-text("Shell closed")');
    await done(page);
  });

  test('many: found by words, tags, site and key, chosen, switched off, edited, deleted; who only looks may look', LONG, async (t) => {
    const sshd = await startSshd(t);
    const { server, admin, call, page } = await start(t, browser);
    const names = ['db1', 'web1', 'web2', 'web10', 'edge1'];
    const ids = {};
    for (const [i, name] of names.entries()) {
      ids[name] = (await call('POST', '/api/v1/targets', formOf(sshd, { name, host: `10.0.0.${i + 1}`, tags: name.startsWith('web') ? 'web, prod' : 'prod', site: name === 'edge1' ? 'Frankfurt' : 'rack2', host_key: name === 'db1' ? undefined : sshd.fingerprint, ...(name === 'web10' ? { platform: 'vos', service: 'Cisco Tomcat' } : {}), ...(name === 'web2' ? { jump_id: ids.web1 } : {}) }))).id;
    }
    const shown = () => page.locator('.target-table .vm-name').allInnerTexts();
    await until('all of them', async () => (await shown()).length === names.length);
    assert.deepEqual(await shown(), ['db1', 'edge1', 'web1', 'web2', 'web10'], 'numbers by their value');
    await page.axe('a list of targets');
    await page.shot('targets');
    await page.fill('.search-box input', 'WEB prod');
    await until('those of the words', async () => (await shown()).join() === 'web1,web2,web10');
    await page.fill('.search-box input', '');
    await page.click('.chip:has-text("web")');
    await until('those of the tag', async () => (await shown()).join() === 'web1,web2,web10');
    await page.click('.chip:has-text("All")');
    await page.click('.chip:has-text("Unknown")');
    await until('those whose key nobody knows', async () => (await shown()).join() === 'db1');
    await page.click('.chip:has-text("All")');
    await page.selectOption('select[aria-label=Site]', 'Frankfurt');
    await until('those of the site', async () => (await shown()).join() === 'edge1');
    await page.selectOption('select[aria-label=Site]', '');
    await page.check('input[aria-label="Choose web1"]');
    await page.check('input[aria-label="Choose web10"]');
    await page.waitForSelector('.target-chosen:has-text("2 chosen")');
    await page.click('.target-chosen button:has-text("Clear")');
    await page.waitForSelector('.target-chosen:has-text("Choose all 5")');

    // Its page: the way there, switched off and on, edited; a name that is taken is refused beside it.
    await page.click(`${row('web2')} .vm-name`);
    await page.waitForSelector('.target-way:has-text("web1")');
    await page.axe('the page of a target');
    await page.shot('target');
    await page.click('.page-acts button:has-text("Switch off")');
    await page.waitForSelector('h1 .badge:has-text("switched off")');
    assert.equal(await page.getAttribute('.page-acts button:has-text("Test")', 'aria-disabled'), 'true');
    await page.click('.page-acts button:has-text("Switch on")');
    await page.waitForSelector('.page-acts button:has-text("Switch off")');
    page.expect(REFUSED);
    await page.click('.page-acts button:has-text("Edit")');
    await page.fill('.target-form input[name=name]', 'db1');
    await page.click('.target-form button:has-text("Save")');
    await page.waitForSelector('.target-form .field-error');
    await page.fill('.target-form input[name=name]', 'web20');
    await page.click('.target-form button:has-text("Save")');
    await page.waitForSelector('h1:has-text("web20")');
    const edited = (await call('GET', '/api/v1/targets')).targets.find((x) => x.id === ids.web2);
    assert.deepEqual([edited.name, edited.jump_id, edited.host_key, edited.auth.public_key.startsWith('ssh-ed25519 SHA256:')], ['web20', ids.web1, sshd.fingerprint, true]);

    // What others are reached through stays; the rest goes after a question.
    await page.goto(`${server.origin}/targets/${ids.web1}`);
    await page.click('button[aria-label="More actions for web1"]');
    await page.click('.row-menu button:has-text("Delete")');
    await page.waitForSelector('dialog:has-text("reached through it: web20")');
    assert.ok(await page.isDisabled('dialog button:has-text("Delete")'));
    await page.click('dialog button:has-text("Keep")');
    await page.goto(`${server.origin}/targets/${ids.web2}`);
    await page.click('button[aria-label="More actions for web20"]');
    await page.click('.row-menu button:has-text("Delete")');
    await page.click('dialog button:text-is("Delete")');
    await until('the list', async () => (await shown()).join() === 'db1,edge1,web1,web10');

    // The palette finds them and what can be done with them.
    await page.keyboard.press('Control+K');
    await page.keyboard.type('terminal web1');
    await page.waitForSelector('.palette [role=option]:has-text("Terminal on web1")');
    await page.fill('.palette input', 'restart web10');
    await page.waitForSelector('.palette [role=option]:has-text("Restart Cisco Tomcat on web10")');
    await page.fill('.palette input', 'edge1');
    await page.click('.palette [role=option]:has-text("edge1")');
    await page.waitForSelector('h1:has-text("edge1")');

    // Who only looks sees all of it, and what the role would be for.
    await server.addUser(admin, 'vic', 'viewer');
    const vic = await open(server, browser, 'vic');
    await vic.waitForSelector(row('db1'));
    assert.equal(await vic.getAttribute('.page-acts button:has-text("Add target")', 'aria-disabled'), 'true');
    assert.equal(await vic.locator('a[aria-label^="Terminal on"]').count(), 0);
    await vic.goto(`${server.origin}/console/target/${ids.web1}`);
    await vic.waitForSelector('text=A terminal on a target needs the role admin');
    await done(vic);
    await done(page);
  });

  for (const [width, theme] of [[390, 'light'], [390, 'dark'], [1440, 'dark']]) {
    test(`${width} px, ${theme}: nothing is wider than the screen`, LONG, async (t) => {
      const sshd = await startSshd(t);
      const { server, call, page } = await start(t, browser, { width, theme });
      const way = await call('POST', '/api/v1/targets', formOf(sshd, { name: 'gateway', tags: 'edge' }));
      const { id } = await call('POST', '/api/v1/targets', formOf(sshd, { name: 'a-machine-with-a-long-name-in-frankfurt-3', tags: 'prod, web', site: 'Frankfurt', jump_id: way.id, notes: 'the one behind the gateway' }));
      await page.waitForSelector(row('gateway'));
      await page.fits('the list');
      await page.shot(`targets-${width}-${theme}`);
      await page.goto(`${server.origin}/targets/${id}`);
      await page.waitForSelector('.target-way');
      await page.fits('a target');
      await page.axe('a target');
      await page.shot(`target-${width}-${theme}`);
      await page.goto(`${server.origin}/targets?add=1`);
      await page.waitForSelector('.target-form');
      await page.fits('the form');
      await page.axe('the form');
      await page.shot(`target-form-${width}-${theme}`);
      await done(page);
    });
  }
});
