// screenshots: the pictures the README shows, taken of the real server: `node tools/screenshots.mjs [SECONDS [NAME…]]`.
// It runs build/release/binnacle in a folder of its own beside a simulated fleet (lab/) and a real sshd with a service of the
// tests, and lets it measure this machine and check that fleet for a while first. NAME…: only these pages. $SHOTS names another folder, which then gets every page in both themes and sizes.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLab } from '../lab/lib.mjs';
import { startSshd } from '../tests/e2e/lib/sshd.mjs';

const root = new URL('..', import.meta.url).pathname;
const { chromium } = createRequire(join(root, 'tests/e2e/'))('playwright-core');
const isAll = process.env.SHOTS !== undefined;
const out = process.env.SHOTS ?? join(root, 'docs/screenshots');
const data = mkdtempSync(join(tmpdir(), 'binnacle-'));
const seconds = Number(process.argv[2] ?? 330);
const wanted = process.argv.slice(3);

const lab = await startLab({ scenario: 'demo' });
const ends = [];
const sshd = await startSshd({ after: (end) => ends.push(end) });
const fleet = join(data, 'fleet.json');
writeFileSync(fleet, JSON.stringify({ servers: lab.servers }), { mode: 0o600 });
const server = spawn(join(root, 'build/release/binnacle'), ['serve', '--listen', '127.0.0.1:0', '--data', join(data, 'data'),
  '--allow-target', '127.0.0.0/8', '--check-interval', '10s', '--demo', fleet,
  ...(process.env.BINNACLE_UI_DIR ? ['--ui-dir', process.env.BINNACLE_UI_DIR] : [])], { stdio: ['ignore', 'pipe', 'ignore'] });
const setup = await new Promise((found) => {
  let said = '';
  server.stdout.on('data', (piece) => {
    said += piece;
    const url = said.match(/Open\s+(\S+)/);
    if (url) found(url[1]);
  });
});
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-background-networking'] });

async function open(width, height, colorScheme, state) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, storageState: state, deviceScaleFactor: width < 500 ? 2 : 1 });
  return context.newPage();
}

// --- a list to import: the fleet once more under other ports, and what people get wrong ---------------

function list() {
  const [a, b, c, d] = lab.servers;
  const row = (name, s, more = {}) => [name, s.host, more.token ?? s.token, more.port ?? s.port, 'false', more.fingerprint ?? s.fingerprint, more.tags ?? 'prod', more.site ?? 'Rack 1'].join(',');
  return ['name,host,api_token,port,verify_ssl,fingerprint,tags,site',
    row('Prod A', a), row('Prod B', { ...b, host: 'localhost' }), row('Build', { ...c, host: 'localhost' }, { tags: 'ci', site: 'Rack 2', fingerprint: ' ' }),
    row('Edge 7', { ...d, host: 'localhost' }, { site: 'Rack 7' }), row('Old', d, { port: 9, token: '' }), row('Attic', d, { port: 80060, tags: 'home', site: 'Attic' })].join('\n');
}

async function listed(page) {
  await page.fill('.paste', list());
  await page.waitForSelector('.preview-row');
  await page.click('.import-test .button');
  await page.waitForSelector('.verdict.ok');
  await page.waitForSelector('.import-test .button:has-text("Test")', { timeout: 60_000 });
}

/** A machine of the lab in use. */
async function typed(page) {
  await page.waitForSelector('.console-main[data-state=live]', { timeout: 60_000 });
  for (const line of ['mode 3', 'sum 40 2', 'hello, helm', 'sum 1200 34']) {
    await page.waitForTimeout(700);
    await page.keyboard.type(line, { delay: 30 });
    await page.keyboard.press('Enter');
  }
}

/** Somebody has two open. */
async function opened(page, ids) {
  for (const more of ['', '&look=1']) {
    const other = await page.context().newPage();
    await other.goto(new URL(ids.console + more, setup).href);
    await other.waitForSelector('.console-main[data-state=live]', { timeout: 60_000 });
  }
  await page.bringToFront();
}

/** Machines to act on, and what was done with them before: all of them are the same sshd. */
function targets(page) {
  return page.evaluate(async ([port, key, fingerprint]) => {
    const send = async (where, body) => {
      const answer = await fetch(where, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${where}: ${await answer.text()}`);
      return answer.json();
    };
    const over = async ({ operation_id: id }) => {
      while (!(await (await fetch(`/api/v1/operations/${id}`)).json()).completed_at) await new Promise((done) => { setTimeout(done, 200); });
    };
    const ids = [];
    for (const [name, site, tags] of [['web1', 'Rack 1', 'prod;web'], ['web2', 'Rack 1', 'prod;web'], ['web3', 'Rack 2', 'prod;web'], ['mail', 'Rack 2', 'prod'], ['staging', 'Attic', 'test']]) {
      const added = await send('/api/v1/targets', { name, host: '127.0.0.1', port, username: 'root', service: 'nginx.service', site, tags, auth: { kind: 'key', private_key: key }, host_key: fingerprint });
      ids.push(added.id);
    }
    for (const [type, of, service] of [['ssh_test', 0], ['ssh_test', 4], ['service_restart', 1], ['service_status', 3, 'postfix.service'], ['logs', 2], ['service_restart', 2]]) {
      await over(await send(`/api/v1/targets/${ids[of]}/operations`, { type, ...(service ? { params: { service } } : {}) }));
    }
    return ids;
  }, [sshd.port, sshd.key, sshd.fingerprint]);
}

/** A restart that is under way, as who began it sees it. */
async function restarting(page) {
  sshd.set('slow', 12);
  await page.click('button.restart');
  await page.click('dialog.deed-ask button[type=submit]:not([disabled])');
  await page.waitForSelector('dialog.op-sheet .output-text:has-text("Stopping")');
}

/** A batch that is under way. */
async function batch(page, ids) {
  sshd.set('slow', 12);
  await page.evaluate((target_ids) => fetch('/api/v1/operations/batch', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ type: 'service_restart', target_ids, concurrency: 3 }) }), ids.targets);
  await page.waitForTimeout(3000);
}

/** name, address, whether the picture of the README is wide or of a phone, in which theme, and what is done before. */
const shots = [
  ['overview', () => '/', ['light', 'dark']],
  ['machine', () => '/host', ['dark', 'light']],
  ['servers', () => '/servers', ['dark', 'light']],
  ['server', (ids) => `/servers/${ids.flapping}#why`, ['light', 'dark']],
  ['import', () => '/servers/import', ['light', 'dark'], listed],
  ['guests', () => '/vms', ['dark', 'light']],
  ['diagnostics', () => '/diagnostics', ['light', null]],
  ['console', (ids) => ids.console, ['dark', 'light'], typed],
  ['consoles', () => '/operations/consoles', ['light', null], opened],
  ['targets', () => '/targets', [null, 'dark']],
  ['restart', (ids) => `/targets/${ids.targets[2]}`, ['dark', null], restarting],
  ['operations', () => '/operations', ['light', null], batch],
];

async function shoot(state, ids, [name, path, [wide, phone], before], theme, width) {
  const page = await open(width, width < 500 ? 844 : 900, theme, state);
  await page.goto(new URL(path(ids), setup).href);
  await page.waitForSelector('.indicator.live, .console-main');
  if (before) await before(page, ids);
  await page.waitForTimeout(2500);
  await page.mouse.move(1, 1);
  await page.waitForTimeout(500); // a toolbar that comes to the pointer
  const file = `${name}${width < 500 ? '-phone' : ''}-${theme}.png`;
  if (isAll || theme === (width < 500 ? phone : wide)) await page.screenshot({ path: join(out, file) });
  await page.context().close();
}

try {
  mkdirSync(out, { recursive: true });
  const first = await open(1440, 900, 'light');
  await first.goto(setup);
  await first.locator('input[autocomplete=username]').fill('vega');
  for (const field of await first.locator('input[type=password]').all()) await field.fill('lodestone and lantern');
  await first.locator('button[type=submit]').click();
  await first.waitForSelector('.indicator.live');
  await first.click('text=Load a demo fleet');
  await first.waitForSelector('.tiles');
  const state = await first.context().storageState();
  await first.waitForTimeout(seconds * 1000);
  const ids = await first.evaluate(async () => {
    const { servers } = await (await fetch('/api/v1/servers')).json();
    const flapping = servers.find((s) => s.name === 'demo-branch'); // it comes and goes
    const { vms } = await (await fetch('/api/v1/vms')).json();
    const [vm] = vms.filter((v) => v.type === 'qemu' && v.status === 'running' && !v.template).sort((a, b) => a.vmid - b.vmid);
    return { flapping: flapping.id, console: `/console/${vm.node}/${vm.vmid}?type=qemu&serverId=${vm.server_id}` };
  });
  ids.targets = await targets(first);
  for (const shot of shots.filter(([name]) => wanted.length === 0 || wanted.includes(name))) {
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['light', 390], ['dark', 390]]) {
      const is = shot[2][width < 500 ? 1 : 0] === theme;
      if (isAll || is) await shoot(state, ids, shot, theme, width);
    }
  }
} finally {
  await browser.close();
  const gone = new Promise((resolve) => { server.on('exit', resolve); });
  server.kill('SIGTERM');
  await gone;
  await lab.stop();
  for (const end of ends.reverse()) await end();
  rmSync(data, { recursive: true, force: true });
}
