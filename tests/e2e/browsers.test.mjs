// browsers: Firefox and WebKit (Safari's engine) do what Chromium does in the other tests: the first minute,
// a restart of Binnacle, a service restarted over SSH, a terminal and a screen (FEATURES J45).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { before, describe, test } from 'node:test';
import { startDesk } from './lib/deeds.mjs';
import { startEngine } from './lib/engines.mjs';
import { startFleet } from './lib/fleet.mjs';
import { args, live, suite } from './lib/page.mjs';
import { PASSWORD, startServer, until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 180_000 };
const SLOW = { within: 30_000 };
const GONE = /can.t establish a connection|connection to ws:.* was interrupted|NetworkError|Failed to load|Could not connect/; // what a browser writes when the server is away

const GUESTS = {
  clusters: [
    { name: 'alpha', standalone: true, version: '9.2', token: 'root@pam!all', nodes: ['pve1'], guests: [
      { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' },
      { vmid: 101, type: 'lxc', node: 'pve1', name: 'db', status: 'running' },
    ] },
  ],
};

async function login(page, origin, name = 'ada') {
  await page.goto(`${origin}/login`);
  await page.type('input[name=username]', name);
  await page.type('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.shows(live, '', SLOW).catch(async (error) => {
    throw new Error(`${error.message}: ${await page.text('body')} ${page.wrong}`);
  });
}

function clean(page, ...expected) {
  assert.deepEqual(page.wrong.filter((it) => !expected.some((e) => e.test(it))), []);
}

async function shot(page, name) {
  if (!process.env.SHOTS) return;
  fs.mkdirSync(process.env.SHOTS, { recursive: true });
  await page.shot(`${process.env.SHOTS}/${name}.png`);
}

const over = () => document.documentElement.scrollWidth - window.innerWidth;
const figures = () => document.querySelector('.machine-units, .figures')?.innerText ?? '';
/** Canvases on which something is drawn. */
const drawn = () => [...document.querySelectorAll('canvas')]
  .filter((c) => c.width && c.height && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((byte) => byte)).length;

for (const name of ['firefox', 'webkit']) {
  describe(name, () => {
    const all = suite();
    let page;
    before(async () => {
      page = await startEngine(all, name);
    });

    test('the first minute: set up, live, charts, small and dark, read again, and right after Binnacle was away', LONG, async (t) => {
      const server = await startServer(t, { args });
      server.options.listen = `127.0.0.1:${server.port}`;
      await page.goto(`${server.origin}/setup#c=${server.code}`);
      await page.shows('input[name=code]');
      assert.equal(await page.evaluate(() => document.querySelector('input[name=code]').value), server.code);
      await page.type('input[name=username]', 'ada');
      await page.type('input[name=password]', PASSWORD);
      await page.click('button[type=submit]');
      await page.shows(live, '', SLOW);
      assert.equal((await page.text('.machine h2 a')).trim(), os.hostname());
      const before = await page.evaluate(figures);
      await page.waits('another sample', async (f, was) => document.querySelector('.machine-units, .figures')?.innerText !== was, ['', before]);
      await page.goto(`${server.origin}/host`);
      await page.shows(live, '', SLOW);
      await page.waits('a chart that is drawn', drawn, [], SLOW);
      await page.resize(390, 844); // WebKit's window has 447 px at least
      assert.ok(await page.evaluate(over) <= 0, 'wider than a phone');
      await shot(page, `${name}-host-390`);
      await page.resize(1440, 900);
      await page.goto(`${server.origin}/settings?tab=appearance`);
      await page.click('.themes label:nth-of-type(3)');
      await page.reload();
      await page.shows(live, '', SLOW);
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark', 'kept in this browser');
      await shot(page, `${name}-settings-dark`);
      clean(page);

      await page.goto(`${server.origin}/host`);
      await page.shows(live, '', SLOW);
      await server.crash();
      await page.waits('to say that it is away', (s) => !document.querySelector(s), [live], SLOW);
      await server.start();
      await page.shows(live, '', SLOW);
      clean(page, GONE);
      page.wrong.length = 0;
    });

    test('a service is restarted over SSH, and the end is read', LONG, async (t) => {
      const sshd = await startSshd(t);
      sshd.set('slow', 1);
      const desk = await startDesk(t, null, sshd);
      await login(page, desk.server.origin);
      await page.goto(`${desk.server.origin}/targets/${desk.ids[0]}`);
      await page.shows('button.restart', 'Restart Service', SLOW);
      await page.click('button.restart');
      await page.shows('dialog.deed-ask code.command', '', SLOW);
      await page.click('dialog.deed-ask button[type=submit]:not([disabled])');
      await page.shows('dialog.op-sheet .output-text', 'Stopping nginx.service', SLOW);
      await page.shows('.toast', 'Restarted nginx.service on web3', SLOW);
      await page.shows('dialog.op-sheet .deed-end.is-good', 'nginx.service is active (running)', SLOW);
      await shot(page, `${name}-deed`);
      await page.goto(`${desk.server.origin}/operations`);
      await page.shows('main', 'Restart nginx.service', SLOW);
      clean(page, GONE);
      page.wrong.length = 0;
    });

    test('a terminal is typed into and a screen is seen', LONG, async (t) => {
      const fleet = await startFleet(t, { scenario: GUESTS });
      await login(page, fleet.server.origin);
      const at = (vmid, type) => `${fleet.server.origin}/console/pve1/${vmid}?type=${type}&serverId=${fleet.ids.alpha}`;
      await page.goto(at(101, 'lxc'));
      await page.shows('.console-main[data-state=live]', '', { within: 60_000 });
      await page.shows('.xterm-rows', '#', SLOW);
      await page.click('.xterm');
      await page.keys('echo a$((40 + 2))b\uE007');
      await page.shows('.xterm-rows', 'a42b', SLOW);
      await shot(page, `${name}-terminal`);
      await page.goto(at(100, 'qemu'));
      await page.shows('.console-main[data-state=live]', '', { within: 60_000 });
      await page.waits('a picture', drawn, [], { within: 60_000 });
      await until('the machine to be up', async () => (await fleet.lab.control.screen('alpha', 100)).serial.includes('prompt> '), { within: 60_000 });
      await page.click('.console-far canvas');
      await page.keys('sum 30 5\uE007');
      await until('what was typed', async () => (await fleet.lab.control.screen('alpha', 100)).serial.includes('sum 30 5\r\n35\r\n'), { within: 60_000 });
      await shot(page, `${name}-screen`);
      clean(page, GONE, /willReadFrequently|WebGL/);
      page.wrong.length = 0;
    });
  });
}
