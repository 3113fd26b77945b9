// ui_import: a spreadsheet of fifty servers on its way in (journey 2), the cards that lead there, and the palette that finds them.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { startBrowser } from './lib/browser.mjs';
import { args, live, login, measured, suite } from './lib/page.mjs';
import { makeFolder, percentile, startServer, until } from './lib/server.mjs';

const OPEN = [...args, '--allow-target', '127.0.0.0/8'];
const HEAD = 'name,host,api_token,port,verify_ssl,fingerprint,tags,site,colour';
const it = suite();
let lab;
let server;
let browser;
let admin;
let key;

const cells = (...list) => list.map((c) => (/[",]/.test(c) ? `"${c}"` : c)).join(',');
const rowOf = (s, more = {}) => {
  const c = { name: s.name, host: s.host, token: s.token, port: String(s.port), verify: 'false', fingerprint: s.fingerprint, ...more };
  return cells(c.name, c.host, c.token, c.port, c.verify, c.fingerprint, 'lab', 'Rack 1', 'red');
};

/** 44 good rows, of which four have no pin; one nobody answers; one without a token, one with a port that is none, one twice. */
function fifty() {
  const good = lab.servers.slice(0, 46);
  const rows = good.map((s, i) => rowOf(s, i >= 40 && i < 44 ? { fingerprint: '' } : i === 44 ? { port: '1' } : {}));
  rows.push(rowOf(good[45], { name: 'Old', token: '', port: '9' }), rowOf(good[45], { name: 'Typo', port: '80060' }), rowOf(good[0], { name: 'Twice' }), rowOf(good[45], { name: 'Warned', port: '8007', fingerprint: '' }));
  return [HEAD, ...rows, ''].join('\r\n');
}

const registry = async () => (await server.request('GET', '/api/v1/servers', { key })).json.servers;
const line = (page, index) => page.locator(`.preview-row[data-index="${index}"]`);
const counts = (page, text) => page.waitForSelector(`.import-counts >> text=${text}`).catch(async (error) => { throw new Error(`${error.message}: ${await page.locator('.import-counts').allTextContents()}`); });
const open = async (theme, width, path = '/servers/import') => {
  const page = await browser.open(server.origin, { theme, width, path });
  page.setDefaultTimeout(10_000);
  return page;
};

async function give(page, text, name = 'fifty.csv') {
  await page.setInputFiles('input[type=file]', { name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  await page.waitForSelector('.preview-row');
}

before(async () => {
  lab = await startLab({ scenario: 'servers:46:1', timing: { denied: 50 } });
  it.after(() => lab.stop());
  server = await startServer(it, { args: OPEN });
  admin = await server.setup();
  key = await server.makeKey(admin, 'all');
  browser = await startBrowser(it);
});

describe('a spreadsheet of fifty', { concurrency: false }, () => {
  test('is read, corrected in place, tried, pinned, imported, taken back and imported again', async (t) => {
    const page = await open('light', 1440);
    await login(page);
    await page.waitForSelector('text=50 server slots remaining');
    const begun = performance.now();
    await give(page, fifty());
    measured(t, `fifty rows on screen ${(performance.now() - begun).toFixed(0)} ms after the file was chosen`);
    await counts(page, /^50 rows · .* 3 problems/);
    assert.match(await page.textContent('.import-counts strong'), /fifty\.csv/);
    await page.waitForSelector('text=Not read, because it means nothing here: colour.');
    assert.deepEqual(await registry(), [], 'nothing is kept before Import');
    assert.equal(await page.locator('.import-foot .button.primary').textContent(), 'Import 47 servers');
    assert.equal(await page.locator('.import-foot .badge.ok').textContent(), '47 valid');
    assert.equal(await page.locator('.import-foot .badge.crit').textContent(), '3 invalid');
    const secret = lab.servers[0].token.split('=')[1];
    assert.ok(!(await page.textContent('main')).includes(secret), 'a token on screen');
    assert.match(await line(page, 0).locator('.preview-token').textContent(), /!operator=•+/);
    assert.match(await line(page, 48).textContent(), /same host and port|line 2|row 1/i);
    await page.axe('the preview');

    // From one problem to the next by the button; what is wrong is under the cell and is corrected there.
    const problems = page.locator('button', { hasText: '3 problems' });
    await problems.click();
    assert.equal(await page.evaluate(() => document.activeElement.closest('.preview-row').dataset.index), '46');
    assert.match(await line(page, 46).locator('.preview-token .edit-error').textContent(), /token/);
    await problems.click();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Port of row 48: 80060');
    await page.keyboard.press('Enter');
    await page.keyboard.type('8123');
    await page.keyboard.press('Enter');
    await counts(page, / 2 problems/);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Port of row 48: 8123', 'the cell keeps the focus');
    await line(page, 47).locator('input[type=checkbox]').uncheck();
    await line(page, 49).locator('input[type=checkbox]').uncheck();

    const from = performance.now();
    await page.click('.import-test .button');
    await page.waitForSelector('.import-test [role=status] >> text=/^\\d+\\/46/');
    await page.waitForSelector('.import-test .button:has-text("Test 46 servers")', { timeout: 20_000 });
    const took = performance.now() - from;
    measured(t, `46 servers tried in ${(took / 1000).toFixed(1)} s`);
    assert.ok(took < 10_000, `tests took ${took} ms`);
    assert.match(await line(page, 0).locator('.preview-result').textContent(), /●\s*.*1 node/);
    assert.match(await line(page, 44).locator('.preview-result').textContent(), /✖/);
    assert.match(await line(page, 40).locator('.preview-result').textContent(), /Pin this certificate\? SHA-256/);
    assert.equal(await page.locator('.verdict.ok').count(), 41);

    await line(page, 40).locator('button:has-text("Pin")').click();
    await line(page, 40).locator('.verdict.ok').waitFor();
    assert.match(await line(page, 40).locator('.preview-tls select').evaluate((s) => s.selectedOptions[0].text), /^pinned /);
    await page.click('button:has-text("Pin 3 certificates")');
    const shown = await page.locator('.import-prints dd').allTextContents();
    assert.deepEqual(shown, lab.servers.slice(41, 44).map((s) => s.fingerprint), 'each certificate in full');
    await page.axe('certificates to be pinned');
    await page.click('button:has-text("Pin all 3")');
    await page.waitForFunction(() => document.querySelectorAll('.verdict.ok').length === 45);
    await page.mouse.move(2, 2); // a tip that is shown stands outside the page's parts
    await page.axe('the tested list');
    assert.deepEqual(await registry(), [], 'trying keeps nothing');

    await page.click('.import-foot .button.primary');
    await page.waitForSelector('text=46 servers imported');
    assert.equal((await registry()).length, 46);
    assert.equal((await registry()).find((s) => s.port === lab.servers[40].port).fingerprint, lab.servers[40].fingerprint);
    assert.ok(await page.locator('.import-foot .button.primary').isDisabled(), 'one result, one import');
    await page.mouse.move(2, 2);
    await page.axe('the result');
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('.note button:has-text("2 failed rows.csv")')]);
    assert.equal(file.suggestedFilename(), '2 failed rows.csv');
    const saved = fs.readFileSync(await file.path(), 'utf8').split('\r\n');
    assert.equal(saved[0], `error,${HEAD}`);
    assert.match(saved[1], /token.*,Old,127\.0\.0\.1,,9,false/);
    assert.match(saved[2], new RegExp(`,Twice,127.0.0.1,${lab.servers[0].token.replace(/[!.]/g, '.')}`));
    assert.equal(saved.length, 4);

    await page.click('.toast button:has-text("Undo")');
    await until('the registry to be as before', async () => (await registry()).length === 0);
    await page.waitForSelector('.note >> text=The import is taken back.');
    await page.click('button:has-text("Once more")');
    await counts(page, / 2 problems/);
    await page.click('.import-foot .button.primary');
    await page.waitForSelector('text=46 servers imported');
    assert.equal((await registry()).length, 46);

    // The same file once more: nothing is new.
    await page.click('button:has-text("Correct them here")');
    await counts(page, /46 unchanged/);
    assert.equal(await page.locator('.import-foot .button.primary').textContent(), 'Import 0 servers');
    assert.ok(await page.locator('.import-foot .button.primary').isDisabled());
    await page.clean();
    await page.context().close();
  });

  test('servers that are here already are skipped, or updated when that is chosen', async () => {
    const page = await open('dark', 390);
    await login(page);
    await page.waitForSelector('text=4 server slots remaining');
    await page.fill('.paste', [HEAD, rowOf(lab.servers[0], { name: 'Renamed' }), rowOf(lab.servers[1])].join('\n'));
    await counts(page, '2 rows · 0 ready · 1 already here · 1 unchanged');
    assert.match(await line(page, 0).textContent(), new RegExp(`already here as “${lab.servers[0].name}”: skipped`));
    assert.equal(await page.locator('.import-foot .button.primary').textContent(), 'Import 0 servers');
    await page.click('.import-there label:has-text("update")');
    await line(page, 0).locator('text=will be updated').waitFor();
    await page.fits('the preview');
    await page.axe('the preview on a phone');
    await page.click('.import-foot .button.primary');
    // Nothing failed: back to the servers by itself, with the way back still open.
    await page.waitForURL('**/servers');
    assert.ok((await registry()).some((s) => s.name === 'Renamed'));
    await page.click('.toast button:has-text("Undo")');
    await until('the old name', async () => (await registry()).every((s) => s.name !== 'Renamed'));
    await page.clean();
    await page.context().close();
  });

  test('more than there are slots is refused whole, and says how many there are', async () => {
    const page = await open('light', 390);
    await login(page);
    const rows = Array.from({ length: 6 }, (_, i) => rowOf(lab.servers[0], { name: `New ${i}`, port: String(7001 + i) }));
    await page.fill('.paste', [HEAD, ...rows].join('\n'));
    await page.waitForSelector('[role=alert] >> text=Cannot import 6 servers. Only 4 slots remaining.');
    assert.ok(await page.locator('.import-foot .button.primary').isDisabled());
    await line(page, 0).locator('input[type=checkbox]').uncheck();
    await line(page, 1).locator('input[type=checkbox]').uncheck();
    assert.ok(await page.locator('.import-foot .button.primary').isEnabled());
    await page.fits('the refusal');
    await page.axe('the refusal');
    await page.clean();
    await page.context().close();
  });

  test('a list that cannot be read says why and stays to be corrected; the template can be read', async () => {
    const page = await open('light', 1440);
    await login(page);
    await page.waitForSelector('.paste');
    await page.axe('before there is a list');
    page.expect(/400/);
    await page.fill('.paste', 'name,host\nA,b\n');
    await page.waitForSelector('.failure >> text=api_token');
    assert.equal(await page.inputValue('.paste'), 'name,host\nA,b\n');
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('text=Download template')]);
    assert.equal(file.suggestedFilename(), 'proxmox-servers-template.csv');
    await page.fill('.paste', fs.readFileSync(await file.path(), 'utf8'));
    await counts(page, '2 rows · 1 ready · 1 warning');
    await page.click('text=Another list');
    await page.waitForSelector('.paste');
    assert.equal(await page.inputValue('.paste'), '', 'nothing of the last list stays');
    await page.clean();
    await page.context().close();
  });

  test('with the keyboard alone: paste, correct, import', async () => {
    const page = await open('dark', 1440);
    await login(page);
    await page.focus('.paste');
    await page.keyboard.insertText([HEAD, rowOf(lab.servers[2], { name: '', port: '7100' })].join('\n'));
    await counts(page, / 1 problem/);
    await page.focus('button:has-text("1 problem")');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Keyed');
    await page.keyboard.press('Escape');
    await counts(page, / 1 problem/);
    await page.keyboard.press('Enter');
    await page.keyboard.type('Keyed');
    await page.keyboard.press('Enter');
    await counts(page, /1 ready/);
    await page.waitForSelector('.import-foot .button.primary:enabled');
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement.matches('.import-foot .button.primary'))) break;
    }
    await page.keyboard.press('Enter');
    await page.waitForURL('**/servers');
    assert.ok((await registry()).some((s) => s.name === 'Keyed'));
    await page.clean();
    await page.context().close();
  });

  test('a thousand rows are read, corrected and looked through without a pause', async (t) => {
    const page = await open('light', 1440);
    await login(page);
    await page.waitForSelector('.paste');
    await page.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => { for (const e of list.getEntries()) window.longest = Math.max(window.longest, e.duration); }).observe({ type: 'longtask' });
    });
    const rows = Array.from({ length: 1000 }, (_, i) => rowOf(lab.servers[0], { name: `Row ${i}`, host: '10.1.0.1', port: i === 990 ? '0' : String(10_000 + i) }));
    const begun = performance.now();
    await give(page, [HEAD, ...rows].join('\n'));
    await counts(page, /^1000 rows · 999 ready · 1 problem/);
    const shown = performance.now() - begun;
    await page.click('button:has-text("1 problem")');
    await page.keyboard.press('Enter');
    await page.keyboard.type('9990');
    const at = performance.now();
    await page.keyboard.press('Enter');
    await counts(page, /^1000 rows · 1000 ready/);
    const judged = performance.now() - at;
    const longest = await page.evaluate(() => window.longest);
    t.diagnostic(`measured a thousand rows on screen in ${shown.toFixed(0)} ms, judged again in ${judged.toFixed(0)} ms, longest task ${longest.toFixed(0)} ms`);
    assert.ok(judged < 3000);
    await page.clean();
    await page.context().close();
  });

  test('viewers are told who may import', async () => {
    await server.addUser(admin, 'grace', 'viewer');
    const page = await open('light', 1440);
    await login(page, 'grace');
    await page.waitForSelector('text=Importing servers needs the role manager');
    await page.axe('forbidden');
    await page.clean();
    await page.context().close();
  });
});

describe('the way there, and what is found', { concurrency: false }, () => {
  test('the overview counts the fleet, and leads to what is wrong', async () => {
    await server.request('POST', '/api/v1/servers/health-check?wait=1', { key, body: {} });
    for (const [theme, width] of [['light', 1440], ['dark', 390]]) {
      const page = await open(theme, width, '/');
      await login(page);
      await page.waitForSelector(live);
      await page.waitForSelector(`.standing-count >> text=/^1 host · ${(await registry()).length} Proxmox/`);
      await page.waitForSelector('.tiles >> text=/of \\d+ online/');
      await page.fits('the overview');
      await page.axe('the overview with a fleet');
      await page.click('.fleet-state:has-text("offline")');
      await page.waitForURL('**/servers?state=offline');
      await page.clean();
      await page.context().close();
    }
  });

  test('the palette finds a server and a guest by name, number and place, and checks one', async (t) => {
    const page = await open('light', 1440, '/');
    await login(page);
    await page.waitForSelector(live);
    const first = lab.servers[3];
    await page.keyboard.press('Control+K');
    await page.waitForFunction(() => document.activeElement?.matches('dialog.palette input'));
    await page.keyboard.type(first.name);
    await page.waitForSelector(`.palette-list [role=option]:has-text("${first.host}:${first.port}")`).catch(async (error) => {
      throw new Error(`${error.message}\n"${await page.inputValue('.palette input')}" finds ${await page.innerText('.palette-list')}`);
    });
    await page.axe('the palette with servers');
    const times = [];
    for (const query of ['s', 'se', 'lab', '100', 'check', 'nothing at all']) {
      times.push(await page.evaluate((text) => {
        const input = document.querySelector('.palette input');
        const begun = performance.now();
        input.value = text;
        input.dispatchEvent(new Event('input', { bubbles: true }));
        return performance.now() - begun;
      }, query));
    }
    measured(t, `a key in the palette ${percentile(times, 0.95).toFixed(1)} ms`);
    assert.ok(percentile(times, 0.95) < 80);
    await page.fill('.palette input', `check ${first.name}`);
    await page.waitForSelector('.palette-list [aria-selected=true]:has-text("Check")');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.toast >> text=is being checked');
    await page.keyboard.press('Control+K');
    await page.fill('.palette input', first.name);
    await page.waitForSelector('.palette-list [aria-selected=true] >> text=Server');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/servers/*');
    await page.clean();
    await page.context().close();
  });

  test('an empty fleet has three ways to begin, each of which goes somewhere', async (t) => {
    const empty = await startServer(t, { args: OPEN });
    await empty.setup();
    for (const theme of ['light', 'dark']) {
      const page = await browser.open(empty.origin, { theme, width: 1440 });
      await login(page);
      await page.waitForSelector('.start-card');
      await page.axe('the beginning');
      await page.click('text=Load a demo fleet');
      await page.waitForSelector('dialog >> text=./run demo');
      await page.axe('how the demo is started');
      await page.keyboard.press('Escape');
      await page.click('text=Paste a list or CSV');
      await page.waitForURL('**/servers/import');
      await page.goBack();
      await page.click('text=Add a Proxmox server');
      await page.waitForURL('**/servers**');
      await page.clean();
      await page.context().close();
    }
  });

  test('a demo fleet is loaded and removed by one click each, marked all the while', async (t) => {
    const folder = makeFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'fleet.json');
    const fleet = await startLab({ scenario: 'demo', timing: { denied: 50 } });
    t.after(() => fleet.stop());
    fs.writeFileSync(file, JSON.stringify({ servers: fleet.servers }));
    const demo = await startServer(t, { args: [...OPEN, '--demo', file] });
    const owner = await demo.setup();
    const page = await browser.open(demo.origin, { theme: 'light', width: 390 });
    await login(page);
    await page.click('text=Load a demo fleet');
    await page.waitForSelector('.standing-count >> text=/^1 host · 6 Proxmox · \\d+ VMs$/');
    const sums = (await demo.request('GET', '/api/v1/summary', { key: await demo.makeKey(owner, 'read') })).json;
    await page.waitForSelector(`.tile:has-text("Virtual machines") >> text=/^${sums.vms_running + sums.containers_running} running/`);
    await page.waitForSelector('.tile:has-text("Storage") >> text=/ TiB$| GiB$/');
    await page.waitForSelector('.quick-vms li');
    await page.fits('the overview with the demo');
    await page.axe('the overview with the demo');
    await page.click('button:has-text("Remove the demo (6)")');
    await page.waitForSelector('.toast >> text=The demo fleet is gone: 6 servers removed, 0 left');
    await page.waitForSelector('.start-card >> text=Add a Proxmox server');
    await page.clean();
    await page.context().close();
  });
});
