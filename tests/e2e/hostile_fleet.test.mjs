// hostile_fleet: names nobody would give in good faith, on every view of the fleet (SECURITY A35, A36, A37).
//
// One Proxmox VE says such words about its guests, nodes, pools, tasks and errors; people gave such words to their
// servers. They are shown as they are, run nothing, make nothing, move nothing beside them and fit on a phone; the log
// stays one line for one event, and what is exported is no formula.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { openPage, startFleet } from './lib/fleet.mjs';
import { suite } from './lib/page.mjs';
import { startServer, until } from './lib/server.mjs';

/** What anybody may type: no control characters, which are refused. */
const TYPED = [
  '<img src=x onerror=alert(1) data-bn-evil=1>',
  '"><svg/onload=alert(2) id=bn-evil><script>alert(2)</script>',
  "javascript:alert(3)//'onmouseover=alert(3)",
  'invoice\u202Egnp.exe',            // the rest of the line from right to left
  '\u2067turned \u2066twice',        // isolates never closed
  'closed too often\u2069\u2069\u202Eabc',
  'שרת הגיבוי 7',
  'خادم 12',
  '=cmd|\' /C calc\'!A0', '+1+1', '-2+3', '@SUM(1,2)',
  '👩‍👩‍👧‍👦🏴‍☠️', 'z\u200Be\u200Dr\uFEFFo', 'W'.repeat(100), '{{7*7}}${7*7}', '__proto__', '%3Cimg%20src=x%3E&lt;b&gt;', '",;\'\\`',
];
/** What only a Proxmox VE may say, too. */
const SAID = [...TYPED, '\x1b[31mred\x1b]0;title\x07', 'one\r\nlevel=error event=forged', 'nul\0byte', '\ttab', '\u0085\u2028\u2029next', 'x'.repeat(65536)];

const BIDI = /[\u0590-\u08FF\u202A-\u202E\u2066-\u2069]/;
const NODE = '<b id=bn-evil>n</b>';
const GUESTS = SAID.map((name, i) => ({
  vmid: 100 + i, type: i % 3 ? 'qemu' : 'lxc', node: 'pve1', name, status: i % 4 === 3 ? 'stopped' : 'running', tags: SAID[(i + 1) % SAID.length].slice(0, 60), pool: SAID[i % 6],
}));
const ORIGINAL = { vmid: 500, type: 'qemu', node: 'pve1', name: 'web', status: 'running' };
const SCENARIO = {
  clusters: [
    { name: 'evil', version: '9.2', nodes: ['pve1', { name: NODE }], listen: 1, guests: [ORIGINAL, ...GUESTS], pools: SAID.slice(0, 6) },
    { name: 'bad', standalone: true, version: '8.4', nodes: ['box'], guests: 1 },
  ],
};
const ERROR = '<img src=x onerror=alert(4) data-bn-evil=4>\u202Egnol =1+1 \x1b[31m';

/** Elements, addresses and handlers that only such words can have made, and words that turn what is beside them. */
function inspect(source) {
  const bidi = new RegExp(source);
  const made = [...document.querySelectorAll('[id^=bn-evil], [data-bn-evil], img, iframe, object, embed, base, meta[http-equiv=refresh], script:not([src]), font')]
    .filter((e) => !(e.matches('script') && e.textContent.trim() === '')).map((e) => e.outerHTML.slice(0, 100));
  const wired = [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name))).map((e) => e.outerHTML.slice(0, 100));
  const away = [...document.querySelectorAll('[href], [src], [action], [formaction]')]
    .filter((e) => !['http:', 'https:', 'blob:'].includes(new URL(e.getAttribute('href') ?? e.getAttribute('src') ?? e.getAttribute('action') ?? e.getAttribute('formaction'), document.baseURI).protocol) && !/^data:image/.test(e.getAttribute('href') ?? ''))
    .map((e) => e.outerHTML.slice(0, 100));
  const inside = (text) => { // FSI … PDI around all of it that turns
    let depth = 0;
    let rest = '';
    for (const c of text) {
      if (depth === 0 && c === '\u2068') depth = 1;
      else if (depth > 0 && /[\u2066-\u2068]/.test(c)) depth += 1;
      else if (depth > 0 && c === '\u2069') depth -= 1;
      else if (depth === 0) rest += c;
    }
    return depth === 0 && !bidi.test(rest);
  };
  const loose = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let t = walk.nextNode(); t; t = walk.nextNode()) {
    const box = t.parentElement;
    if (!bidi.test(t.data) || box.closest('option, script, style') || inside(t.data)) continue;
    const style = getComputedStyle(box);
    const isAlone = [...box.childNodes].every((n) => n === t || n.nodeType !== Node.TEXT_NODE || n.data.trim() === '');
    const isApart = /isolate|plaintext/.test(style.unicodeBidi) || !/^inline$/.test(style.display);
    if (!isAlone || !isApart) loose.push(`${box.tagName}.${box.className} ${isAlone ? 'not isolated' : 'has neighbours'}: ${JSON.stringify(box.textContent.slice(0, 80))}`);
  }
  return { made, wired, away, loose: [...new Set(loose.map((l) => l.replace(/: .*/, '')))].map((l) => loose.find((x) => x.startsWith(l))) };
}

/** All of a test's views are looked at before it fails: what is wrong is often wrong in the same way. */
async function harmless(page, what, wrong) {
  const found = await page.evaluate(inspect, BIDI.source);
  for (const [kind, list] of Object.entries(found)) for (const one of list) wrong.push(`${what}: ${kind}: ${one}`);
  await page.clean();
}

/** Neither the page nor a card is left by what stands in it. */
async function fits(page, what, wrong) {
  await page.fits(what).catch((error) => wrong.push(error.message));
  const over = await page.locator('.server-card, .vm-card, dialog[open]').evaluateAll((cards) => cards.flatMap((card) => [...card.querySelectorAll('a, p, span, h2, dd')]
    .filter((e) => e.getBoundingClientRect().right > card.getBoundingClientRect().right + 1 && !e.closest('.vm-under, .vm-cut, pre, code')).map((e) => `${e.className} ${e.textContent.slice(0, 40)}`)));
  for (const one of over) wrong.push(`${what}: leaves its card: ${one}`);
}

/** Tooltips, of the first few that hold such words. */
async function tips(page, what) {
  const some = await page.locator('main [data-tip]').evaluateAll((all, source) => all
    .map((e, i) => [e, i]).filter(([e]) => e.offsetParent && new RegExp(`${source}|alert|bn-evil`).test(e.dataset.tip)).slice(0, 3).map(([, i]) => i), BIDI.source);
  for (const i of some) {
    await page.locator('main [data-tip]').nth(i).dispatchEvent('pointerover');
    const text = await page.locator('main [data-tip]').nth(i).getAttribute('data-tip');
    assert.ok((await page.locator('#tip').textContent()).startsWith(text), `${what}: the tooltip`);
    const box = await page.locator('#tip').boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= page.viewportSize().width + 1, `${what}: a tooltip of ${box.width} px at ${box.x}`);
  }
}

describe('hostile names', { concurrency: false }, () => {
  const all = suite();
  let browser;
  let fleet;
  let operation;
  const servers = []; // { id, name }
  before(async () => {
    browser = await startBrowser(all);
    fleet = await startFleet(all, { scenario: SCENARIO, timing: { tasks: 0.05 } });
    const evil = fleet.lab.servers.find((it) => it.cluster === 'evil');
    for (const [i, name] of TYPED.entries()) {
      const { id } = await fleet.api('POST', '/api/v1/servers', {
        name, host: '127.0.0.1', port: 1 + i, api_token: evil.token, fingerprint: evil.fingerprint, verify_ssl: false,
        notes: TYPED[(i + 1) % TYPED.length], tags: TYPED[(i + 2) % TYPED.length].replace(/,/g, ' ').slice(0, 60), site: TYPED[(i + 3) % TYPED.length].slice(0, 40),
      });
      servers.push({ id, name });
    }
    await fleet.api('PATCH', `/api/v1/servers/${fleet.ids.evil}`, { name: `evil ${TYPED[3]}` });
    await fleet.lab.control.fault('500', 'bad', { reason: ERROR });
    await fleet.lab.control.fault('taskfail', 'evil/103', { text: ERROR });
    await fleet.lab.control.fault('renamed', 'evil/500', { name: TYPED[1] });
    await fleet.check();
    await until('the new name', async () => (await fleet.vms()).find((vm) => vm.vmid === 500)?.name === TYPED[1]);
    const begun = await fleet.request('POST', `/api/v1/servers/${fleet.ids.evil}/nodes/pve1/lxc/103/start`);
    assert.equal(begun.status, 202, begun.text);
    operation = begun.json.operation_id;
    await until('its end', async () => (await fleet.api('GET', `/api/v1/operations/${operation}`)).status === 'failed', { within: 15000, every: 100 });
  });

  test('a guest has the name its Proxmox VE gave it, as much of it as fits', async () => {
    const vms = await fleet.vms();
    for (const guest of GUESTS) {
      const vm = vms.find((one) => one.vmid === guest.vmid);
      assert.ok(vm, `guest ${guest.vmid}: ${JSON.stringify(guest.name.slice(0, 40))}`);
      if (!/[\0-\x1F\x7F-\x9F]/.test(guest.name) && guest.name.length < 128) assert.equal(vm.name, guest.name);
    }
  });

  const views = () => [
    ['/', '.quick-list li'], ['/servers', '.server-card, tr[data-row]'], [`/servers/${servers[0].id}`, 'h1'], [`/servers/${servers[3].id}`, 'h1'], [`/servers/${servers[5].id}`, 'h1'], [`/servers/${fleet.ids.evil}`, 'tr:has-text("pve1")'], [`/servers/${fleet.ids.bad}`, 'h1'],
    ['/monitoring', 'h1'], ['/monitoring?tab=comparison', 'h1'], ['/monitoring?tab=history', 'h1'], ['/monitoring?tab=details', 'tr[data-row], table'],
    ['/vms', 'tr[data-row]'], ...[500, 100, 103, 106].map((n) => [`/vms/${fleet.ids.evil}/${n}`, '.guest h1']),
    ['/operations', 'tr:has-text("103")'], [`/operations?id=${operation}`, 'dialog .op-log, dialog .op-detail'], ['/audit', 'tr'], ['/servers?wall=1', 'h1, .wall-head'],
  ];

  for (const width of [1440, 390]) {
    test(`every view shows them as they are, and nothing more: ${width} px`, { timeout: 60000 }, async () => {
      const wrong = [];
      const first = await openPage(fleet, browser, '/vms', { width });
      for (const [path, sign] of views()) {
        await first.goto(fleet.server.origin + path);
        await first.waitForSelector(sign);
        await first.waitForTimeout(150);
        await harmless(first, path, wrong);
        await fits(first, path, wrong);
        await tips(first, path);
      }
      await first.goto(`${fleet.server.origin}/vms`);
      await first.click('label:has(input[aria-label="As cards"])');
      await first.waitForSelector('.vm-card');
      await harmless(first, 'guests as cards', wrong);
      await fits(first, 'guests as cards', wrong);
      await first.shot(`hostile-cards-${width}`);
      await first.click('label:has(input[aria-label="As a table"])');
      await first.context().close();
      assert.deepEqual(wrong, []);
    });
  }

  test('names are there letter by letter', async () => {
    const page = await openPage(fleet, browser, '/servers');
    await page.waitForSelector('.server-card, tr[data-row]');
    const shown = await page.locator('.card-name a, a.cell-name').allTextContents();
    for (const { name } of servers) assert.ok(shown.includes(name), `${JSON.stringify(name)} among ${JSON.stringify(shown)}`);
    await page.shot('hostile-servers');
    await page.goto(`${fleet.server.origin}/vms`);
    await page.waitForFunction(() => document.querySelectorAll('tr[data-row] .vm-name').length > 10);
    const known = new Set((await fleet.vms()).map((vm) => vm.name));
    const rows = await page.locator('tr[data-row] .vm-name').allTextContents();
    for (const name of rows) assert.ok(known.has(name.replace(/^\u2068([^]*?)\u2069+$/, '$1')) || known.has(name), JSON.stringify(name.slice(0, 60)));
    await page.shot('hostile-table');
    await page.context().close();
  });

  test('dialogs, menus, the palette and toasts', { timeout: 60000 }, async () => {
    const wrong = [];
    const page = await openPage(fleet, browser, '/vms?q=106', { width: 390 });
    page.setDefaultTimeout(8000);
    const row = page.locator(`tr[data-vm="${fleet.ids.evil}/106"]`); // 'שרת הגיבוי 7'
    await row.locator('button[aria-label^="Stop "]').click();
    await page.waitForSelector('dialog[open]');
    await harmless(page, 'the question before harm', wrong);
    await page.shot('hostile-question');
    await page.keyboard.press('Escape');
    await row.click({ button: 'right' });
    await page.waitForSelector('[role=menu]');
    await harmless(page, 'the menu of a row', wrong);
    await page.keyboard.press('Escape');
    await page.goto(`${fleet.server.origin}/vms?q=103`);
    await page.waitForSelector('tr[data-row]');
    for (const words of ['alert', 'exe', 'שרת', '=cmd', '__proto__']) {
      await page.keyboard.press('Control+k');
      await page.waitForSelector('dialog[open] input');
      await page.fill('dialog[open] input', words);
      await page.waitForTimeout(200);
      await harmless(page, `the palette: ${words}`, wrong);
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog', { state: 'detached' });
    }
    await page.locator(`tr[data-vm="${fleet.ids.evil}/103"] button[aria-label^="Start "]`).click();
    await page.waitForSelector('.toast.error', { timeout: 15000 });
    await harmless(page, 'the toast of a task that failed', wrong);
    await fits(page, 'the toast', wrong);
    await page.shot('hostile-toast');
    for (const { id } of servers.slice(0, 4)) {
      await page.goto(`${fleet.server.origin}/servers`);
      const card = page.locator(`[data-id="${id}"]`);
      for (const verb of ['Edit', 'Delete']) {
        await card.locator(`button[aria-label^="${verb} "]`).click();
        await page.waitForSelector('dialog[open]');
        await harmless(page, `${verb} a server`, wrong);
        await fits(page, `${verb} a server`, wrong);
        await page.keyboard.press('Escape');
        await page.waitForSelector('dialog', { state: 'detached' });
      }
    }
    await page.context().close();
    assert.deepEqual(wrong, []);
  });

  test('an import of such names: its preview and what came of it', { timeout: 60000 }, async () => {
    const wrong = [];
    const cell = (text) => `"${text.replaceAll('"', '""')}"`;
    const lines = TYPED.map((name, i) => `${cell(`n ${name}`.slice(0, 90))},${i === 1 ? cell(TYPED[0]) : '127.0.0.1'},root@pam!x=0f3c1d2e-aaaa-bbbb-cccc-123456789f3a,${9000 + i},no,${cell(name.slice(0, 60))},${cell(name.replace(/,/g, ' ').slice(0, 60))},1`);
    const csv = `name,host,api_token,port,verify_ssl,site,tags,${cell(TYPED[0])}\n${lines.join('\n')}\n`;
    for (const width of [390, 1440]) {
      const page = await openPage(fleet, browser, '/servers/import', { width });
      await page.setInputFiles('input[type=file]', { name: '<img src=x onerror=alert(9) data-bn-evil=9>.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
      await page.waitForSelector('.preview-row');
      await harmless(page, 'the preview', wrong);
      await fits(page, 'the preview', wrong);
      if (width === 1440) {
        await page.click('.import-foot .button.primary', { timeout: 5000 });
        await page.waitForSelector('.preview-row :text("imported")');
        await harmless(page, 'the result', wrong);
        await fits(page, 'the result', wrong);
      }
      await page.shot(`hostile-import-${width}`);
      await page.context().close();
    }
    assert.deepEqual(wrong, []);
  });

  test('exported cells are no formulas, and come back as they were', async () => {
    const { text } = await fleet.request('GET', '/api/v1/servers/export');
    const cells = [];
    let cell = '';
    let isQuoted = false;
    for (const c of text.replace(/^\uFEFF/, '').replaceAll('""', '\u0001')) { // reads CSV as a spreadsheet does
      if (c === '"') isQuoted = !isQuoted;
      else if (!isQuoted && /[,\r\n]/.test(c)) { cells.push(cell); cell = ''; } else cell += c;
    }
    assert.ok(cells.length > 200);
    assert.deepEqual(cells.filter((c) => /^[=+\-@\t\r]/.test(c)), []);
    const again = await fleet.server.request('POST', '/api/v1/servers/import?on_duplicate=update', { key: fleet.key, body: text, headers: { 'Content-Type': 'text/csv' } });
    const answer = again.json ?? JSON.parse(again.text);
    assert.equal(again.status, 200, again.text);
    const count = (await fleet.api('GET', '/api/v1/servers')).servers.length;
    assert.equal(answer.message, `${count} unchanged`);
  });

  test('names with control characters are refused by field', async () => {
    for (const c of ['\0', '\t', '\r', '\n', '\x1b', '\x7F']) {
      const answer = await fleet.request('POST', '/api/v1/servers', { name: `a${c}b`, host: '127.0.0.1', port: 5, api_token: 'root@pam!x=0f3c1d2e-aaaa-bbbb-cccc-123456789f3a' });
      assert.equal(answer.status, 400, `${JSON.stringify(c)}: ${answer.text}`);
      if (c !== '\0') assert.equal(answer.json.error.field, 'name', answer.text); // that one is no JSON at all
    }
    const long = await fleet.request('POST', '/api/v1/servers', { name: 'x'.repeat(65536), host: '127.0.0.1', port: 5 });
    assert.ok([400, 413].includes(long.status), long.text);
  });

  test('one event is one line of the log', () => {
    const lines = fleet.server.log.split('\n');
    assert.equal(lines.pop(), '');
    assert.ok(lines.length > 5);
    for (const line of lines) {
      assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warn|error) +[\w.]+ *( [\w.]+=("([^"\\]|\\.)*"|[^ "=]*))*$/, JSON.stringify(line));
      assert.ok(Buffer.byteLength(line) < 2048);
      assert.doesNotMatch(line, /[\0-\x1F\x7F-\x9F\u202A-\u202E\u2066-\u2069\u2028\u2029]/);
    }
  });

  test('asked for JSON, one event is one object on one line', async (t) => {
    const server = await startServer(t, { args: ['--allow-target', '127.0.0.0/8', '--log-format', 'json', '--log-level', 'debug'] });
    const admin = await server.setup();
    const key = await server.makeKey(admin, 'all');
    const evil = fleet.lab.servers.find((it) => it.cluster === 'evil');
    for (const [i, name] of TYPED.entries()) {
      await server.api('POST', '/api/v1/servers', { key, body: { name, host: '127.0.0.1', port: 1 + i, api_token: evil.token, fingerprint: evil.fingerprint, verify_ssl: false } });
      await server.request('GET', `/${encodeURIComponent(SAID[i])}`, { key, headers: { 'User-Agent': encodeURIComponent(name), 'X-Forwarded-For': '"},{"level":"error"' } });
    }
    for (const name of SAID.slice(-6)) await server.request('POST', '/api/v1/session', { body: { username: name, password: name.slice(0, 100) } });
    await server.request('POST', '/api/v1/servers/health-check?wait=1', { key, body: {} });
    assert.equal(await server.stop(), 0);
    const lines = server.log.split('\n');
    assert.equal(lines.pop(), '');
    assert.ok(lines.length > 5, server.log);
    for (const line of lines) {
      const { time, level, event, ...pairs } = JSON.parse(line);
      assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.match(level, /^(debug|info|warn|error)$/);
      assert.match(event, /^[a-z_]+\.[a-z_.]+$/);
      assert.ok(Object.keys(pairs).length > 0 && Object.values(pairs).every((value) => ['string', 'number'].includes(typeof value)), line);
      assert.ok(Buffer.byteLength(line) < 2048);
      assert.doesNotMatch(line, /[\0-\x1F\x7F-\x9F\u202A-\u202E\u2066-\u2069\u2028\u2029]/);
    }
  });
});
