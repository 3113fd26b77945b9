// ui_weight: what the page costs: its first load, its first paint, the drawing of a long range. Measures, so it runs alone.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { args, login, measured, UI_DIR } from './lib/page.mjs';
import { percentile, startServer } from './lib/server.mjs';

describe('what it weighs', { skip: UI_DIR ? 'measured on the embedded page' : false }, () => {
  test('the first load is small and the first paint is fast', async (t) => {
    const server = await startServer(t, { args });
    await server.setup();
    const browser = await startBrowser(t);
    await (await browser.open(server.origin, { path: '/login' })).context().close(); // a warm browser, a cold cache
    const paints = [];
    for (let i = 0; i < 5; i++) {
      const page = await browser.open(server.origin, { path: '/login' });
      await page.waitForSelector('input[name=username]');
      paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
      if (i === 4) {
        const files = await page.evaluate(() => performance.getEntriesByType('resource').filter((r) => /\.(js|css)$/.test(r.name)).map((r) => [r.name.split('/').pop(), r.encodedBodySize]));
        const sum = files.reduce((n, [, size]) => n + size, 0);
        measured(t, `first load: ${(sum / 1024).toFixed(1)} KB over the wire in ${files.length} files`);
        assert.ok(sum > 10_000 && sum <= 60 * 1024, `${sum} bytes`);
        await page.clean();
      }
      await page.context().close();
    }
    measured(t, `first contentful paint: median ${Math.round(percentile(paints, 0.5))} ms of ${paints.map(Math.round)}`);
    assert.ok(percentile(paints, 0.5) <= 400, `${paints}`);
  });

  for (const [range, n, step_ms, what] of [['24h', 8640, 10_000, '24 h at 10 s points'], ['1h', 3600, 1000, '1 h at 1 s points']]) {
    test(`${what} are drawn within 20 ms`, async (t) => {
      const server = await startServer(t, { args });
      const { cookie } = await server.setup();
      if (range === '1h') {
        const told = await server.api('GET', '/api/v1/history?range=1h&points=3602&series=host/local.cpu_pct', { cookie });
        assert.equal(told.step_ms, 1000, 'the server tells the seconds of an hour');
      }
      const browser = await startBrowser(t);
      const page = await browser.open(server.origin, { path: '/login' });
      await page.waitForSelector('input[name=username]');
      await login(page);
      // The answer of a full range, so that the drawing and not the waiting is measured.
      const asked = [];
      await page.route(/api\/v1\/history/, async (route) => {
        const query = new URL(route.request().url()).searchParams;
        const names = query.getAll('series');
        asked.push({ range: query.get('range'), points: Number(query.get('points')), names: names.length });
        const to = Math.floor(Date.now() / step_ms) * step_ms;
        const wave = names.map((_, k) => Array.from({ length: n }, (__, i) => (i % 97 === 0 ? null : 40 + 30 * Math.sin(i / 300 + k))));
        const series = Object.fromEntries(names.map((name, k) => [name, { avg: wave[k], min: wave[k], max: wave[k].map((v) => v && v + 5) }]));
        await route.fulfill({ json: { from: new Date(to - n * step_ms).toISOString(), to: new Date(to).toISOString(), step_ms, series } });
      });
      // uPlot draws in a microtask of its own: those in which a line was stroked are timed.
      await page.addInitScript(() => {
        window.bnDraws = [];
        let strokes = 0;
        const stroke = CanvasRenderingContext2D.prototype.stroke;
        CanvasRenderingContext2D.prototype.stroke = function count(...a) {
          strokes += 1;
          return stroke.apply(this, a);
        };
        const queue = window.queueMicrotask.bind(window);
        window.queueMicrotask = (run) => queue(() => {
          const was = strokes;
          const begun = performance.now();
          run();
          if (strokes > was) window.bnDraws.push(performance.now() - begun);
        });
      });
      await page.goto(`${server.origin}/host?range=${range}`);
      await page.waitForSelector('.uplot canvas');
      for (const width of [1400, 1440, 1380]) { // each size draws every chart anew
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(400);
      }
      const draws = await page.evaluate(() => window.bnDraws);
      measured(t, `${what}, up to three lines a chart: median ${percentile(draws, 0.5).toFixed(1)} ms, p95 ${percentile(draws, 0.95).toFixed(1)} ms of ${draws.length} drawings`);
      assert.ok(draws.length >= 16, 'they were drawn');
      assert.ok(percentile(draws, 0.5) <= 20, `${draws}`);
      const mine = asked.filter((a) => a.range === range);
      assert.ok(mine.length > 0);
      // All the seconds of an hour, in answers the server gives: 100,000 points each.
      for (const a of mine) assert.ok(range === '24h' ? a.points === 1500 : a.points === 3602 && a.points * a.names <= 100_000, JSON.stringify(a));
      await page.clean();
      await page.context().close();
    });
  }
});
