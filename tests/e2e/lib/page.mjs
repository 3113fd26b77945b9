// page: what the tests of the page share: how one logs in, when it is live, when it moves.

import { after } from 'node:test';
import { PASSWORD } from './server.mjs';

export const UI_DIR = process.env.BINNACLE_UI_DIR; // to try a page that is not embedded yet
export const args = UI_DIR ? ['--ui-dir', UI_DIR] : [];
export const measured = (t, text) => t.diagnostic(`measured ${text}`);

/** What a suite starts ends with it, the newest first. */
export function suite() {
  const ends = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return { after: (end) => ends.push(end) };
}

export const live = '.indicator.live';

export async function login(page, name = 'ada', password = PASSWORD) {
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
  await page.waitForSelector('.shell');
}

/** Two different samples were seen. */
export async function moves(page, selector = '.machine-units, .figures') {
  await page.waitForSelector(selector);
  const first = await page.locator(selector).first().innerText();
  await page.waitForFunction(([s, was]) => document.querySelector(s)?.innerText !== was, [selector, first], { timeout: 6000 });
}
