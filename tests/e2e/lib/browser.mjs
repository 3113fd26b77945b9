// browser: Chromium for one test file; each page keeps a list of what went wrong on it.
//
//   const browser = await startBrowser(t);
//   const page = await browser.open(server.origin, { theme: 'dark', width: 390 });
//   …
//   page.clean();   // no console error, no script error, no CSP violation, no request to elsewhere
//
// What a test provokes on purpose it announces: page.expect(/401/).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

// Runs before the page's own scripts: notes violations of its policy.
function watch() {
  window.bnViolations = [];
  document.addEventListener('securitypolicyviolation', (e) => {
    window.bnViolations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile ?? ''}:${e.lineNumber ?? 0}`);
  });
}

export async function startBrowser(t, { args = [] } = {}) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...ARGS, ...args] });
  t.after(() => browser.close());
  return {
    chromium: browser,
    async open(origin, { theme = 'light', width = 1440, height = width < 500 ? 844 : 900, path = '/', context, init, setUp } = {}) {
      const own = context ?? await browser.newContext({
        viewport: { width, height }, colorScheme: theme, locale: 'en-GB', timezoneId: 'Europe/Berlin',
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      const page = await own.newPage();
      await page.addInitScript(watch);
      if (init) await page.addInitScript(init);
      const wrong = [];
      const expected = [];
      page.on('console', (m) => {
        if (m.type() === 'error' || m.type() === 'warning') wrong.push(`console ${m.type()}: ${m.text()} ${m.location().url}`);
      });
      page.on('pageerror', (error) => wrong.push(`script error: ${error.stack}`));
      page.on('dialog', (dialog) => {
        wrong.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on('request', (request) => {
        const url = new URL(request.url());
        if (url.protocol !== 'data:' && url.origin !== new URL(origin).origin) wrong.push(`request to elsewhere: ${url.href}`);
      });
      page.expect = (...patterns) => expected.push(...patterns);
      page.clean = async () => {
        const violations = await page.evaluate(() => window.bnViolations);
        assert.deepEqual(violations, [], 'violations of the content security policy');
        assert.deepEqual(wrong.filter((w) => !expected.some((e) => e.test(w))), []);
      };
      page.axe = async (what) => {
        // As the browser's own tools would: the page's policy keeps its scripts in, not the inspector out.
        await page.evaluate(AXE);
        // Colours on their way are nobody's: what ends by itself is waited for.
        await page.evaluate(() => Promise.allSettled(document.getAnimations()
          .filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished)));
        const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`), [], `axe on ${what}`);
      };
      /** Sideways scrolling of the whole page is never wanted. */
      page.fits = async (what) => {
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${what} is ${over} px wider than the screen`);
      };
      page.shot = async (name) => {
        if (!process.env.SHOTS) return;
        fs.mkdirSync(process.env.SHOTS, { recursive: true });
        await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
      };
      if (setUp) await setUp(page);
      await page.goto(origin + path);
      return page;
    },
  };
}
