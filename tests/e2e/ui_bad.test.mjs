// ui_bad: the page on bad days: a server that dies, a network in between, a disk that refuses.

import assert from 'node:assert/strict';
import net from 'node:net';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { args, live, login, measured, moves, suite } from './lib/page.mjs';
import { PASSWORD, startServer } from './lib/server.mjs';

const kindOf = (page) => page.locator('.head .indicator').getAttribute('class').then((c) => c.replace('indicator ', ''));

describe('bad days', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('the server dies and comes back: cached at once, right again within two seconds, no reload', async (t) => {
    const server = await startServer(t, { args, expectLog: [/.*/] });
    await server.setup();
    const page = await browser.open(server.origin, { path: '/host' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.waitForSelector(live);
    await moves(page);
    page.expect(/ERR_CONNECTION_REFUSED/, /WebSocket connection to/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/);
    await page.evaluate(() => { window.bnSame = true; });
    server.options.listen = `127.0.0.1:${server.port}`;
    server.options.data = server.data;

    for (const [how, awayMs] of [['crash', 700], ['crash', 7000], ['stop', 1500]]) {
      const lostAt = performance.now();
      await server[how]();
      await page.waitForSelector('.indicator:not(.live)');
      const noticed = performance.now() - lostAt;
      const kind = await kindOf(page);
      assert.ok(kind === 'cached' || kind === 'offline', kind);
      await page.waitForSelector('.badge.warn:has-text("Last known")');
      assert.ok(await page.locator('.dial-number').count() > 0, 'the last values stay');
      assert.match(await page.title(), /^◌ /);
      await page.click('.indicator .menu-button');
      assert.match(await page.innerText('.indicator .menu-sheet'), /Reconnecting: (attempt \d+, )?(next try in \d+ s|trying now)/);
      await page.keyboard.press('Escape');
      await page.shot(`cached-${how}-${awayMs}`);
      await new Promise((resolve) => { setTimeout(resolve, awayMs); });
      await server.start();
      const back = performance.now();
      await page.waitForSelector(live, { timeout: 10000 });
      await page.waitForSelector('.badge.warn:has-text("Last known")', { state: 'detached' });
      const took = performance.now() - back;
      await moves(page);
      measured(t, `${how}, away ${awayMs} ms: noticed after ${Math.round(noticed)} ms, right again ${Math.round(took)} ms after the start`);
      assert.ok(took < 2000, `right again after ${Math.round(took)} ms`);
    }
    assert.ok(await page.evaluate(() => window.bnSame), 'the page was not reloaded');
    await page.clean();
    await page.context().close();
  });

  test('a server that is gone for long is offline, and trying now is one click', async (t) => {
    const server = await startServer(t, { args, expectLog: [/.*/] });
    await server.setup();
    const page = await browser.open(server.origin, { path: '/' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.waitForSelector(live);
    page.expect(/ERR_CONNECTION/, /WebSocket connection to/);
    server.options.listen = `127.0.0.1:${server.port}`;
    server.options.data = server.data;
    await server.crash();
    await page.waitForSelector('.indicator.cached');
    await page.axe('cached');
    await page.waitForSelector('.indicator.offline', { timeout: 40000 });
    await page.axe('offline');
    await page.shot('offline');
    assert.ok(await page.locator('.dial-number').count() > 0, 'the last values still stay');
    await server.start();
    await page.waitForSelector(live, { timeout: 3000 });
    await page.clean();
    await page.context().close();
  });

  test('where no WebSocket gets through the page polls and says so', async (t) => {
    const server = await startServer(t, { args });
    await server.setup();
    // A proxy that knows HTTP only.
    const proxy = net.createServer((client) => {
      const upstream = net.connect(server.port, '127.0.0.1');
      client.on('data', (piece) => {
        if (/^upgrade: *websocket/im.test(piece.toString('latin1'))) {
          client.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
          upstream.destroy();
        } else upstream.write(piece);
      });
      upstream.on('data', (piece) => client.write(piece));
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
      client.on('error', () => {});
      upstream.on('error', () => {});
    });
    await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
    t.after(() => proxy.close());
    const origin = `http://127.0.0.1:${proxy.address().port}`;
    const page = await browser.open(origin, { path: '/host' });
    page.expect(/WebSocket connection to/);
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.waitForSelector('.indicator.live:has-text("polling")', { timeout: 10000 });
    await moves(page, '.figures');
    await page.clean();
    await page.context().close();
  });

  test('everything works under a path of its own', async (t) => {
    const server = await startServer(t, { args: [...args, '--base-path', '/ops'] });
    const page = await browser.open(server.origin, { path: `/ops/setup#c=${server.code}` });
    await page.waitForSelector('input[name=code]');
    await page.fill('input[name=username]', 'ada');
    await page.fill('input[name=password]', PASSWORD);
    await page.click('button[type=submit]');
    await page.waitForSelector(live);
    assert.equal(new URL(page.url()).pathname, '/ops/');
    for (const [link, where] of [['host', '/ops/host'], ['settings', '/ops/settings'], ['diagnostics', '/ops/diagnostics']]) {
      await page.locator(`.side a[data-page="${link}"]`).click();
      await page.waitForFunction((w) => location.pathname === w, where);
      await page.reload();
      await page.waitForSelector(live);
    }
    await page.clean();
    await page.context().close();
  });

  test('a store that refuses writes is said on every page, in the title and in the icon', async (t) => {
    const server = await startServer(t, { args });
    await server.setup();
    const page = await browser.open(server.origin, {
      setUp: (p) => p.routeWebSocket(/api\/v1\/live/, (ws) => {
        const upstream = ws.connectToServer();
        upstream.onMessage((text) => ws.send(String(text).split('\n').map((line) => {
          const frame = line ? JSON.parse(line) : null;
          for (const part of [frame?.v, frame?.p]) if (typeof part === 'object' && 'load5' in part) part.load5 = 99; // a machine that does not keep up
          if (frame?.t !== 'sub' || frame.topic !== 'self') return frame ? JSON.stringify(frame) : line;
          return JSON.stringify({ ...frame, v: { ...frame.v, degraded: true, degraded_why: 'disk is full' } });
        }).join('\n')));
      }),
    });
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.waitForSelector('.banner.crit:has-text("Disk is full.")');
    // The count stands at the page that says more.
    assert.match(await page.innerText('.side [data-page=diagnostics] .count'), /^1$/);
    await page.waitForSelector('.concern.warn:has-text("Load over 5 minutes is 99.00")');
    assert.match(await page.innerText('.side [data-page=host] .count'), /^\d$/);
    await page.axe('degraded');
    assert.match(await page.title(), /^▲ \d+ /);
    assert.match(await page.getAttribute('link[rel=icon]', 'href'), /d0362c/);
    for (const path of ['/host', '/settings', '/audit']) {
      await page.locator(`.side a[href="${path}"]`).click();
      await page.waitForSelector('.banner.crit');
    }
    await page.clean();
    await page.context().close();
  });

  test('an answer that does not come is said, at the door and behind it', async (t) => {
    const server = await startServer(t, { args, expectLog: [/.*/] });
    await server.setup();
    const page = await browser.open(server.origin, { path: '/host' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.waitForSelector(live);
    page.expect(/status of 503/, /ERR_CONNECTION/, /ERR_EMPTY_RESPONSE/, /WebSocket connection to/);

    await page.route(/api\/v1\/session/, () => {}); // no answer at all
    await page.reload();
    await page.waitForSelector('.boot-slow:has-text("Waiting for the server")', { timeout: 5000 });
    await page.axe('a slow start');

    await page.route(/api\/v1\/history/, (route) => route.fulfill({
      status: 503, json: { error: { code: 'storage', message: 'the disk refuses reads', request_id: '7f3a91c2' } },
    }));
    await page.click('.boot-slow button'); // and still nobody answers
    await page.waitForSelector('.boot-slow:has-text("Waiting for the server")', { timeout: 5000 });
    await page.unroute(/api\/v1\/session/);
    await page.reload();
    await page.waitForSelector('.failure:has-text("The disk refuses reads.")');
    assert.match(await page.innerText('.failure-code'), /storage · req 7f3a91c2 · Copy details/);
    await page.axe('charts without an answer');
    await page.click('.failure-code button');
    const details = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(details, /^GET api\/v1\/history: 503 storage\nThe disk refuses reads\.\nrequest: 7f3a91c2\nat: .*Z\npage: \/host$/);
    await page.unroute(/api\/v1\/history/);
    await page.waitForSelector('.failure', { state: 'detached', timeout: 10000 }); // it asks again by itself
    await page.waitForSelector('.uplot canvas');

    const door = await browser.open(server.origin, { path: '/login' });
    await door.waitForSelector('input[name=username]');
    door.expect(/ERR_CONNECTION/);
    await server.crash();
    await door.fill('input[name=username]', 'ada');
    await door.fill('input[name=password]', PASSWORD);
    await door.click('button[type=submit]');
    await door.waitForSelector('.failure:has-text("The server did not answer.")');
    assert.equal(await door.inputValue('input[name=password]'), PASSWORD, 'what was typed stays');
    await door.axe('a login nobody answered');
    await door.clean();
    await page.clean();
    await door.context().close();
    await page.context().close();
  });

  test('with nothing to show yet and no way to get it, the sign is red', async (t) => {
    const server = await startServer(t, { args });
    await server.setup();
    const page = await browser.open(server.origin, { path: '/login' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    await page.waitForSelector(live);
    await page.routeWebSocket(/api\/v1\/live/, (ws) => ws.close());
    await page.reload();
    await page.waitForSelector('.indicator.reconnecting .dot.lost');
    const [dot, red] = await page.evaluate(() => {
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = 'var(--crit)';
      const answer = [getComputedStyle(document.querySelector('.dot.lost')).borderTopColor, getComputedStyle(probe).color];
      probe.remove();
      return answer;
    });
    assert.equal(dot, red);
    await page.clean();
    await page.context().close();
  });
});
