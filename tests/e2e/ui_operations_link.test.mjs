// ui_operations_link: what goes over the wire for operations: one connection per page, one subscription however many parts, none when idle, back by itself after a long time, and two browsers that show the same.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, confirm, restart, sheet, startDesk, tapFrames, toast } from './lib/deeds.mjs';
import { live, measured, suite } from './lib/page.mjs';
import { sleep, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 180_000 };
const LOST = /WebSocket|ERR_CONNECTION|Failed to load/;
const names = (frames, t) => frames.filter((f) => f.t === t).flatMap((f) => f.topics.map((topic) => (Array.isArray(topic) ? topic[0] : topic)));
const countOf = (list, name) => list.filter((it) => it === name).length;

describe('operations over the wire', () => {
  const all = suite();
  let browser;
  let second;
  before(async () => {
    browser = await startBrowser(all);
    second = await startBrowser(all);
  });

  test('a hundred targets are joined once, and then nothing is sent; one connection and one subscription, whichever page one goes to', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 10);
    const desk = await startDesk(t, browser, sshd, { count: 100 });
    const page = await desk.open('ada', '/');
    const tap = tapFrames(page);
    await page.goto(`${desk.server.origin}/targets`);
    await page.waitForSelector('.target-table tbody tr:nth-child(100)');
    await page.waitForSelector(live);
    await until('the subscriptions', () => countOf(names(tap.sent, 'sub'), 'work.targets') > 0);
    const joined = names(tap.sent, 'sub');
    assert.equal(new Set(joined).size, joined.length, `each once: ${joined}`);
    assert.ok(joined.includes('work.operations'), `${joined}`);
    assert.ok(joined.length < 12, `not one for each target: ${joined}`);
    await sleep(1000); // what a page sends when it opens has been sent
    const at = tap.sent.length;
    const heard = tap.got.length;
    await sleep(8000); // the duration is what is tested
    const idle = tap.sent.slice(at).filter((f) => f.t !== 'pong');
    assert.deepEqual(idle, [], 'nothing is sent while nothing happens');
    const ids = new Set(tap.got.slice(0, heard).filter((f) => f.t === 'sub' && /^work\./.test(f.topic)).map((f) => f.k));
    assert.deepEqual(tap.got.slice(heard).filter((f) => f.t === 'd' && ids.has(f.k)), [], 'nor is anything told of operations');

    // From page to page, with a restart under way that several parts show.
    const walk = async (path) => {
      await page.click(`[data-page="${path}"]`);
      await page.waitForURL(`**/${path}`);
    };
    await page.click('.vm-name:has-text("web7")');
    await page.waitForSelector('h1:has-text("web7")');
    await confirm(page);
    await page.waitForSelector(`${sheet} .output-text`);
    await page.keyboard.press('Escape');
    await page.waitForSelector('.op-active');
    await walk('operations');
    await page.waitForSelector('.op-active:has-text("web7")');
    await walk('targets');
    await page.waitForSelector('.target-table button.restart.is-busy');
    await walk('monitoring');
    await walk('operations');
    await page.waitForSelector('.op-active:has-text("web7")'); // the other pages left, this one still hears
    await until('it to move on', async () => /Processing results/.test(await page.innerText('.op-active')), { within: 40_000 });
    await walk('settings');
    await toast(page, /^Restarted nginx\.service on web7/).waitFor({ timeout: 30_000 });
    assert.equal(tap.sockets, 1, 'one connection for all of it');
    const subscribed = names(tap.sent, 'sub');
    for (const name of ['work.operations', 'work.targets']) {
      assert.equal(countOf(subscribed, name), 1, `${name}: ${subscribed}`);
      assert.equal(countOf(names(tap.sent, 'unsub'), name), 0, `${name} was left`);
    }
    await until('the output to be left', () => names(tap.sent, 'unsub').some((name) => name.startsWith('work.output/')), { within: 15_000 });
    await closed(page);
  });

  test('the server is away for half a minute: the page tries on, joins all it had again, and shows what is', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd, { count: 2 });
    const page = await desk.open('ada', '/');
    page.expect(LOST);
    const tap = tapFrames(page);
    const attempts = [];
    page.on('websocket', (socket) => socket.url().includes('/api/v1/live') && attempts.push(performance.now()));
    await page.goto(`${desk.server.origin}/targets`);
    await page.waitForSelector('.target-table tbody tr:nth-child(2)');
    await page.waitForSelector(live);
    await until('the subscriptions', () => countOf(names(tap.sent, 'sub'), 'work.targets') > 0);
    await page.evaluate(() => (window.bnSame = true));
    const had = new Set(names(tap.sent, 'sub'));
    const first = attempts.length;
    await desk.server.crash();
    await page.waitForSelector(live, { state: 'detached' });
    await sleep(26_000); // longer than a page of five tries lasts: the duration is what is tested
    const tried = attempts.slice(first);
    const gaps = tried.slice(1).map((at, i) => at - tried[i]);
    measured(t, `away for 26 s: ${tried.length} attempts, ${gaps.map((ms) => (ms / 1000).toFixed(1)).join(' ')} s apart`);
    assert.ok(tried.length >= 6, `${tried.length} attempts`);
    assert.ok(gaps[3] > gaps[0] * 2, `ever longer: ${gaps}`);
    assert.ok(gaps.every((ms) => ms < 9000), `never longer than 5 s and a quarter: ${gaps}`);
    const sentBefore = tap.sent.length;
    const gotBefore = tap.got.length;
    await desk.server.start();
    const back = performance.now();
    await page.waitForSelector(live, { timeout: 20_000 });
    measured(t, `live again ${(performance.now() - back).toFixed(0)} ms after the server was`);
    const again = tap.sent.slice(sentBefore).filter((f) => f.t === 'sub');
    assert.equal(again.length, 1, 'in one message');
    assert.deepEqual(new Set(names(again, 'sub')), had, 'all that it had');
    await until('its snapshots', () => {
      const answers = tap.got.slice(gotBefore).filter((f) => f.t === 'sub' && /^work\.(operations|targets)$/.test(f.topic));
      return answers.length === 2 && answers.every((f) => f.mode === 'snapshot');
    });
    await desk.call('PATCH', `/api/v1/targets/${desk.ids[0]}`, { name: 'renamed' });
    await page.waitForSelector('.vm-name:has-text("renamed")');
    assert.ok(await page.evaluate(() => window.bnSame), 'it is the same page');
    await closed(page);
  });

  test('two browsers on one target show each step within a second of each other', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 2);
    const desk = await startDesk(t, browser, sshd);
    await desk.server.addUser(desk.admin, 'max', 'manager');
    const one = await desk.open('ada', `/targets/${desk.ids[0]}`);
    const two = await desk.open('max', `/targets/${desk.ids[0]}`, { browser: second });
    for (const page of [one, two]) {
      await restart(page).waitFor();
      await page.evaluate(() => {
        window.bnSteps = {};
        const look = () => {
          const text = document.querySelector('button.restart')?.innerText.trim();
          const step = /^Restarting… \((\d+)%\)$/.exec(text)?.[1] ?? (text === 'Restart Completed' ? 'done' : null);
          if (step) window.bnSteps[step] ??= Date.now(); // both run on this machine
        };
        new MutationObserver(look).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true, attributes: true });
      });
    }
    await desk.begin();
    for (const page of [one, two]) await until('its end', async () => (await restart(page).innerText()).trim() === 'Restart Completed', { within: 40_000 });
    const [a, b] = [await one.evaluate(() => window.bnSteps), await two.evaluate(() => window.bnSteps)];
    const both = Object.keys(a).filter((step) => step in b);
    for (const step of ['50', '90', 'done']) assert.ok(both.includes(step), `${step}: ${JSON.stringify([a, b])}`);
    const apart = both.map((step) => Math.abs(a[step] - b[step]));
    measured(t, `two browsers: each step at most ${Math.max(...apart)} ms apart (${both.map((step, i) => `${step}: ${apart[i]}`).join(', ')})`);
    assert.ok(Math.max(...apart) <= 1000, `${apart}`);
    await closed(two);
    await closed(one);
  });
});
