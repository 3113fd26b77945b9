// ui_console_net: consoles whose network is cut, for two seconds and for sixty, with and without a word: what the page shows meanwhile, and that it comes back by itself.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { consolePages, CUT, FAST, LONG } from './lib/console_page.mjs';
import { openPage, startFleet } from './lib/fleet.mjs';
import { measured, suite } from './lib/page.mjs';
import { sleep, until } from './lib/server.mjs';
import { startDeafProxy, startWay } from './lib/way.mjs';

const SHORT_MS = 2000;
const LONG_MS = 60_000;
const BACK_MS = 20_000; // to find the way back, on a busy machine

const SCENE = {
  clusters: [{ name: 'alpha', standalone: true, version: '9.2', nodes: ['pve1'], guests: [
    { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' },
    { vmid: 101, type: 'lxc', node: 'pve1', name: 'db', status: 'running' },
  ] }],
};

describe('a console and its network', () => {
  const all = suite();
  let fleet;
  let context;
  let at;
  before(async () => {
    const browser = await startBrowser(all);
    fleet = await startFleet(all, { scenario: SCENE, timing: FAST });
    context = (await openPage(fleet, browser, '/vms')).context();
    at = consolePages(fleet, browser, context);
  });

  // Cookies are of a host, and what else a browser keeps is of a port, too: that somebody is signed in is said again.
  const init = () => localStorage.setItem('binnacle.signed-in', '1');
  const openVia = async (t, path) => {
    const way = await startWay(t, fleet.server.port);
    const page = await at.openLive(path, { origin: way.origin, init });
    page.expect(CUT);
    return { way, page };
  };
  const openScreen = async (t) => {
    const { way, page } = await openVia(t, at.path('alpha', 100));
    await at.says('prompt> ');
    return { way, page };
  };
  const answers = async (page, a, b) => {
    await at.command(page, `sum ${a} ${b}`);
    await at.says(`sum ${a} ${b}\r\n${a + b}\r\n`);
  };
  const opened = async () => (await fleet.api('GET', '/api/v1/consoles')).total;
  const isGrey = (page) => page.locator('.console-stage').evaluate((e) => /grayscale/.test(getComputedStyle(e).filter));

  test('two seconds without a word: nothing is lost, and nothing is opened anew', LONG, async (t) => {
    const { way, page } = await openScreen(t);
    const before = await opened();
    const seen = await at.watch(page);
    way.cut('silent');
    await page.keyboard.type('sum 5 6');
    await sleep(SHORT_MS);
    way.mend();
    await page.keyboard.press('Enter');
    await at.says('sum 5 6\r\n11\r\n');
    assert.deepEqual((await seen()).filter((s) => !s.startsWith('live')), []);
    assert.equal(await opened(), before);
    await page.clean();
    await page.close();
  });

  test('two seconds with a reset: the last picture greyed, and back by itself', LONG, async (t) => {
    const { way, page } = await openScreen(t);
    const seen = await at.watch(page);
    way.cut('broken');
    await at.stateOf(page, 'waiting');
    assert.ok(await page.locator('.console-frame').first().isVisible());
    assert.ok(await isGrey(page));
    await sleep(SHORT_MS);
    way.mend();
    const from = performance.now();
    await at.stateOf(page, 'live', BACK_MS);
    measured(t, `network back to picture: ${Math.round(performance.now() - from)} ms`);
    assert.ok((await seen()).some((s) => /Reconnecting \d\/5/.test(s)), String(await seen()));
    assert.ok(!(await seen()).some((s) => /^failed/.test(s)), String(await seen()));
    assert.ok(!await isGrey(page));
    await answers(page, 7, 6);
    await page.clean();
    await page.close();
  });

  test('a proxy that passes no WebSockets: its number, and what to tell each kind of proxy', LONG, async (t) => {
    const page = await at.open(at.path('alpha', 100), { origin: await startDeafProxy(t, fleet.server.port), init });
    page.expect(CUT, /WebSocket/, /status of 4\d\d/);
    await at.stateOf(page, 'failed');
    const card = page.locator('.console-card');
    assert.match(await card.innerText(), /Connection error[^]*does not pass WebSockets[^]*CON-05/);
    for (const [name, line] of [['nginx', /proxy_set_header Upgrade/], ['Caddy', /^reverse_proxy/], ['Apache', /upgrade=websocket$/], ['HAProxy', /timeout tunnel/]]) {
      await card.locator(`.choice label:has-text("${name}")`).click();
      assert.match(await card.locator('code.command').innerText(), line);
    }
    await page.axe('a proxy without WebSockets');
    await page.shot('console-deaf-proxy');
    await card.locator('button:has-text("Copy")').first().click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'mode http\ntimeout tunnel 75s');
    await page.clean();
    await page.close();
  });

  test('sixty seconds, with a reset and without a word: greyed and said all the time, nothing typed arrives, and back by themselves', { timeout: 240_000 }, async (t) => {
    const reset = await openScreen(t);
    const silent = await openScreen(t);
    const { way, page: terminal } = await openVia(t, at.path('alpha', 101, 'lxc'));
    await until('a prompt', async () => /[#$]/.test(await at.rows(terminal)));
    const seen = await Promise.all([reset.page, silent.page, terminal].map(at.watch));
    const begun = Date.now();
    reset.way.cut('broken');
    silent.way.cut('silent');
    way.cut('silent');
    // Before anybody notices it is as it always was; then it is said.
    await at.stateOf(reset.page, 'waiting');
    await at.stateOf(silent.page, 'quiet');
    await at.stateOf(terminal, 'quiet');
    const noticed = Date.now() - begun;
    for (const page of [reset.page, silent.page, terminal]) assert.ok(await isGrey(page));
    await silent.page.keyboard.type('sum 1 1');
    await terminal.keyboard.type('echo typed-blindly');
    await reset.page.waitForSelector('.console-card h2:has-text("No connection to Binnacle")');
    await reset.page.axe('a console without a network');
    await silent.page.axe('a console without an answer');
    await reset.page.shot('console-away');
    await silent.page.shot('console-quiet');
    for (const title of ['Establishing', 'Opening', 'Connection error']) {
      for (const list of seen) assert.ok(!(await list()).some((s) => s.includes(title)), `${title}: ${await list()}`);
    }
    await sleep(Math.max(0, begun + LONG_MS - Date.now()));
    assert.ok(await reset.page.locator('.console-frame').first().isVisible());
    for (const page of [reset.page, silent.page, terminal]) assert.ok(await isGrey(page));
    reset.way.mend();
    silent.way.mend();
    way.mend();
    const from = performance.now();
    await Promise.all([reset.page, silent.page, terminal].map((page) => at.stateOf(page, 'live', BACK_MS)));
    measured(t, `a silence noticed after ${noticed} ms; network back to pictures: ${Math.round(performance.now() - from)} ms`);
    assert.equal(await silent.page.locator('.console-frame').count(), 0);
    for (const list of seen) assert.ok(!(await list()).some((s) => /^(failed|closed)/.test(s)), String(await list()));
    await silent.page.bringToFront();
    await answers(silent.page, 20, 21);
    assert.ok(!(await at.serial('alpha', 100)).includes('sum 1 1'));
    await reset.page.bringToFront();
    await answers(reset.page, 20, 22);
    await terminal.bringToFront();
    await at.command(terminal, 'echo back-$((40+2))');
    await until('the shell', async () => (await at.rows(terminal)).includes('back-42'));
    assert.doesNotMatch(await at.rows(terminal), /typed-blindly/);
    for (const page of [reset.page, silent.page, terminal]) {
      await page.clean();
      await page.close();
    }
  });
});
