// console_page: the page of a console as a person uses it, with the lab's real machines and shells behind it.
//
//   const at = consolePages(fleet, browser, context);
//   const page = await at.openLive(at.path('alpha', 100));
//   await at.command(page, 'sum 2 3');
//   await at.says('sum 2 3\r\n5\r\n');            // what the machine wrote to its serial port

import { until } from './server.mjs';

export const FAST = { tick: 300, cache: 50, tasks: 1 };
export const LONG = { timeout: 120_000 };
export const BOOTS = { within: 60_000 }; // a machine under emulation, on a busy one
export const NOISE = /willReadFrequently/; // Chromium's advice to noVNC
export const CUT = /WebSocket connection to|ERR_CONNECTION|ERR_EMPTY|ERR_SOCKET|ERR_NETWORK|status of (50\d|404|409)/; // what a browser writes when the way there goes

export function consolePages(fleet, browser, context) {
  const stateOf = (page, state, timeout = 60_000) => page.waitForSelector(`.console-main[data-state=${state}]`, { timeout });
  const serial = async (cluster, vmid) => (await fleet.lab.control.screen(cluster, vmid)).serial;
  const open = async (path, options = {}) => {
    const page = await browser.open(options.origin ?? fleet.server.origin, { path, context, ...options });
    page.expect(NOISE);
    return page;
  };
  return {
    path: (cluster, vmid, type = 'qemu', node = 'pve1') => `/console/${node}/${vmid}?type=${type}&serverId=${fleet.ids[cluster]}`,
    stateOf, serial, open,
    says: (text, cluster = 'alpha', vmid = 100) => until(`the guest to say ${text}`, async () => (await serial(cluster, vmid)).includes(text), BOOTS),
    openLive: async (path, options) => {
      const page = await open(path, options);
      await stateOf(page, 'live');
      return page;
    },
    /** The colour in the middle of the picture. */
    middle: (page) => page.locator('.console-far:not(.is-coming) canvas').first().evaluate((c) => [...c.getContext('2d').getImageData(c.width >> 1, c.height >> 1, 1, 1).data].join()),
    rows: (page) => page.locator('.xterm-rows').last().innerText(),
    command: async (page, text) => {
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    },
    /** The toolbar, wherever the pointer was. */
    tools: (page) => page.keyboard.press('Control+Alt+Home'),
    /** What stood on the page until now, as "state title": for what is there for a moment only. */
    watch: async (page) => {
      await page.evaluate(() => {
        const main = document.querySelector('.console-main');
        const look = () => {
          const now = `${main.dataset.state} ${document.querySelector('.console-card h2')?.textContent.trim() ?? ''}`;
          if (window.bnSeen.at(-1) !== now) window.bnSeen.push(now);
        };
        window.bnSeen = [];
        look();
        new MutationObserver(look).observe(main, { attributes: true, childList: true, subtree: true, characterData: true });
      });
      return () => page.evaluate(() => window.bnSeen);
    },
  };
}
