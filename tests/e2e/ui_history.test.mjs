// ui_history: a server's page and the monitoring page against the lab: what a fault does to them without a reload,
// how the chart looks where nothing was measured, and what they cost.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startLab } from '../../lab/lib.mjs';
import { startBrowser } from './lib/browser.mjs';
import { args, login, measured, suite } from './lib/page.mjs';
import { percentile, sleep, startServer, until } from './lib/server.mjs';

const HOUR = 3_600_000;
const OPEN = ['--allow-target', '127.0.0.0/8'];
const formOf = (it, more = {}) => ({ name: it.name, host: it.host, port: it.port, api_token: it.token, fingerprint: it.fingerprint, ...more });

/** Of the page: each topic that is joined and not left, as its own frames say. */
function watchTopics(page) {
  const joined = new Set();
  page.on('websocket', (ws) => {
    joined.clear();
    ws.on('framesent', ({ payload }) => {
      for (const line of String(payload).split('\n')) {
        if (!line) continue;
        const frame = JSON.parse(line);
        if (frame.t === 'sub') for (const [name] of frame.topics) joined.add(name);
        if (frame.t === 'unsub') for (const name of frame.topics) joined.delete(name);
      }
    });
  });
  return joined;
}

/** Those joined when nothing was joined or left for 7 s: a topic is left five seconds after nobody shows it. */
async function settled(joined) {
  let last = '';
  let since = performance.now();
  await until('the subscriptions to stay as they are', () => {
    const now = [...joined].sort().join();
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since > 7000;
  }, { within: 60000, every: 100 });
  return [...joined].sort();
}

/** A judgement of our own making, with everything there can be in one. */
function judged() {
  const at = (back) => new Date(Date.now() - back * HOUR).toISOString();
  return {
    state: 'flapping', headline: 'pve1 goes up and down all the time', since: at(0.64), attempts: 1418, changes: 11, flap_pct: 34, flap_limit: 20,
    success_rate: 97, median_ms: 245, p95_ms: 2900,
    findings: [
      { kind: 'overload', title: 'Slow before it fails: response grows to 4.8 s', evidence: 'then "timeout in TLS handshake" (9 of 11)', verdict: 'likely overload', confidence: 0.82, is_cause: true },
      { kind: 'periodic', title: 'Every 10 min at :02 to :05', evidence: '11 of 11 failures', verdict: 'likely a job', confidence: 0.6, is_cause: true },
      { kind: 'backup', title: 'It fails while a backup runs: 9 of 11 failures', evidence: '2 such tasks in the day', verdict: 'likely backup load', confidence: 0.55, is_cause: true,
        task: { upid: 'UPID:pve1:00000001:00000001:6A84EA54:vzdump::root@pam:', type: 'vzdump', node: 'pve1', id: '', from: at(4), to: null } },
    ],
    not: [{ kind: 'peers', title: 'Not the network: pve2 on the same /24 was fine at the same minutes' }],
    phases: [{ name: 'dns', ms: 2, typical_ms: 2, is_slow: false }, { name: 'tcp', ms: 1, typical_ms: 1, is_slow: false }, { name: 'tls', ms: 3900, typical_ms: 14, is_slow: true }, { name: 'wait', ms: null, typical_ms: 210, is_slow: false }],
    errors: [{ error_class: 'timeout', count: 9 }, { error_class: 'tls', count: 2 }],
    strip: [{ from: at(24), to: at(6), state: 'up' }, { from: at(6), to: at(4), state: 'unknown' }, { from: at(4), to: at(2), state: 'mixed', error_class: 'timeout', error_phase: 'tls', failures: 9 }, { from: at(2), to: at(1.5), state: 'down', error_class: 'tls', error_phase: 'tls', failures: 2 }, { from: at(1.5), to: at(0), state: 'up' }],
    changed: [{ at: at(14), text: 'Proxmox VE 9.1.5 became 9.1.6' }],
    advice: [{ kind: 'look_at_host', text: 'See what it does when it is slow: load, disk waits' }, { kind: 'raise_timeout', text: 'Give it more time: 20 s instead of 10 s' }, { kind: 'wait_for_failures', fail_after: 3, text: 'Wait for 3 failures in a row before it counts as offline, instead of 1' },
      { kind: 'silence', text: 'Silence its alerts while somebody works on it' }, { kind: 'diagnose', text: 'Diagnose now' }],
  };
}

describe('a server and all servers', () => {
  const all = suite();
  let lab;
  let server;
  let key;
  let browser;
  let context;
  let asleep; // one that nobody ever tried
  const ids = [];

  before(async () => {
    lab = await startLab({ scenario: 'small', timing: { denied: 50, tick: 1000 } });
    all.after(() => lab.stop());
    server = await startServer(all, { args: [...args, ...OPEN, '--check-interval', '5s'] });
    const admin = await server.setup();
    key = await server.makeKey(admin, 'all');
    await server.addUser(admin, 'grace');
    for (const it of lab.servers) ids.push((await server.api('POST', '/api/v1/servers', { key, body: formOf(it) })).id);
    asleep = (await server.api('POST', '/api/v1/servers', { key, body: formOf(lab.servers[0], { name: 'asleep', port: 9, is_active: false }) })).id;
    browser = await startBrowser(all);
    const page = await browser.open(server.origin, { path: '/login' });
    await page.waitForSelector('input[name=username]');
    await login(page);
    context = page.context();
    await page.close();
  });

  test('why: ranked causes with their evidence, what it is not, phases, errors, changes, and buttons that work', async () => {
    const page = await browser.open(server.origin, { context, path: '/login', setUp: (p) => p.route('**/api/v1/servers/*/why', (route) => route.fulfill({ json: judged() })) });
    await page.goto(`${server.origin}/servers/${ids[1]}#why`);
    await page.waitForSelector('.why-title');
    assert.ok(await page.evaluate(() => document.activeElement?.id === 'why'), 'the address leads to the panel');
    const text = (await page.innerText('.why')).replace(/\s+/g, ' ');
    assert.match(text, /goes up and down all the time for 38 min .*changes 34 %, flapping above 20 % .*success 97 % .*median 245 ms .*p95 2\.9 s .*1,418 attempts/);
    const causes = await page.locator('.why-findings ol > li').allInnerTexts();
    assert.match(causes[0].replace(/\s+/g, ' '), /Slow before it fails.*then "timeout in TLS handshake" \(9 of 11\).*likely overload.*82 % sure/);
    assert.match(causes[1], /Every 10 min/);
    assert.match(causes[2], /while a backup runs[\s\S]*vzdump on pve1, \d\d:\d\d to now, still running/);
    assert.match((await page.innerText('.strip24-legend')).replace(/\s+/g, ' '), /9 × timeout, TLS handshake 2 × tls, TLS handshake/);
    assert.match(await page.getAttribute('.strip24 rect[fill="url(#strip-mixed)"]', 'data-tip'), /^\d\d:\d\d to \d\d:\d\d: now and then: timeout, TLS handshake \(9\)$/);
    assert.match(await page.getAttribute('.strip-gap', 'data-tip'), /: not tried$/);
    assert.match(text, /Not the network: pve2/);
    assert.match(await page.innerText('.why-phases tr.is-slow'), /tls[\s\S]*◀[\s\S]*3\.9 s[\s\S]*typically 14 ms/);
    assert.match(await page.locator('.why-phases tbody tr').last().innerText(), /first byte\s+–/, 'unknown is no zero');
    assert.match(await page.innerText('.why-errors'), /timeout\s+9\s+tls\s+2/);
    assert.match(await page.innerText('.why-changed'), /9\.1\.5 became 9\.1\.6/);
    assert.match(await page.getAttribute('.strip24 svg', 'aria-label'), /up for 19 h 30 min, up and down for 2 h, down for 30 min in 1 stretch; 1 changes/);
    assert.equal(await page.locator('.why-do li').count(), 4, 'the diagnosis has its button once');
    await page.axe('why');

    const limit = async () => (await server.api('GET', '/api/v1/servers', { key })).servers.find((s) => s.id === ids[1]).connection_timeout_ms;
    const was = await limit();
    await page.click(`.why-do button:has-text("Raise timeout to ${(was * 2) / 1000} s")`);
    await page.waitForSelector('.toast.ok');
    assert.equal(await limit(), was * 2);
    await page.click('.toast button:has-text("Undo")');
    await page.waitForFunction(() => [...document.querySelectorAll('.toast.ok')].some((t) => / s again/.test(t.innerText)));
    assert.equal(await limit(), was);

    const record = async () => (await server.api('GET', '/api/v1/servers', { key })).servers.find((s) => s.id === ids[1]);
    await page.click('.why-do button:has-text("Wait for 3 failures")');
    await page.waitForSelector('.facts:has-text("3 failed attempts in a row")');
    assert.equal((await record()).fail_after, 3);
    await page.locator('.toast:has-text("after 3 failures") button:has-text("Undo")').click();
    await page.waitForSelector('.facts:has-text("1 failed attempt")');

    await page.click('.why-do button:has-text("Silence")');
    await page.waitForSelector('.row-menu .menu-item:has-text("Until tomorrow 09:00")');
    await page.axe('silence menu');
    await page.shot('why-silence');
    await page.click('.row-menu .menu-item:has-text("8 hours")');
    await page.waitForSelector('h1 .silence-tag');
    const until = Date.parse((await record()).silenced_until) - Date.now();
    assert.ok(until > 7.9 * 3_600_000 && until <= 8 * 3_600_000 + 5000, String(until));
    await page.axe('silenced');
    await page.click('.why-do button:has-text("End silence")');
    await page.waitForSelector('h1 .silence-tag', { state: 'detached' });
    assert.equal((await record()).silenced_until, null);
    await page.clean();
    await page.close();
  });

  const open = (path, options = {}) => browser.open(server.origin, { context, path, ...options });
  const check = async (id) => (await server.api('POST', '/api/v1/servers/health-check?wait=1', { key, body: { server_ids: [id] } })).results[0];
  const attemptsOf = (page) => page.locator('.history-foot').innerText().then((t) => Number(/^([\d,]+) connection attempt/.exec(t)[1].replace(',', '')));

  test('a fault shows in state, chart, attempts and reason without a reload, within two seconds of its check', async (t) => {
    const [id] = ids;
    const page = await open(`/servers/${id}`);
    await page.waitForSelector('.history-foot');
    await page.evaluate(() => { window.bnSame = true; });
    assert.match(await page.innerText('.page-head'), /Online/);
    assert.match(await page.innerText('.page-head'), /\b2 nodes available\b/);
    assert.equal(await page.innerText('.grade-rate.big'), '100%');
    const was = await attemptsOf(page);

    await lab.control.fault('refused', `${lab.servers[0].cluster}/${lab.servers[0].name}`);
    const result = await check(id);
    const told = performance.now();
    assert.equal(result.status, 'offline');
    await page.waitForSelector('.page-head .server-status.offline', { timeout: 1000 });
    measured(t, `state on screen ${Math.round(performance.now() - told)} ms after the answer`);
    await page.waitForFunction((n) => Number(/^\d+/.exec(document.querySelector('.history-foot')?.innerText)) > n, was, { timeout: 2000 });
    measured(t, `chart with the new attempt ${Math.round(performance.now() - told)} ms after the answer`);
    await page.waitForFunction(() => document.querySelector('.grade-rate.big')?.innerText !== '100%');
    await page.waitForSelector('.attempts tbody tr:first-child .outcome.crit', { timeout: 1000 });
    assert.match(await page.innerText('.attempts tbody tr:first-child'), /refused/i);
    assert.match(await page.innerText('.failure'), /refused/i);
    await page.waitForSelector('#why.is-open .why-title', { timeout: 2000 });
    assert.match((await page.innerText('#why .why-findings li:first-child')).replace(/\s+/g, ' '), /refuses the connection.* % sure/, 'the panel opened with the cause');
    assert.match(await page.innerText('#why .why-errors'), /refused\s+\d/);
    assert.match(await page.innerText('#nodes'), /As they were when the server answered last/);
    assert.ok(await page.evaluate(() => window.bnSame), 'the page was not loaded again');

    await lab.control.clear();
    assert.equal((await check(id)).status, 'online');
    await page.waitForSelector('.page-head .server-status:not(.offline)', { timeout: 1000 });
    await page.waitForSelector('.attempts tbody tr:first-child .outcome.ok', { timeout: 1000 });
    await page.clean();
    await page.close();
  });

  test('ten attempts in a row are drawn as they come, summed up, and not counted', async () => {
    const page = await open(`/servers/${ids[2]}#why`);
    await page.waitForSelector('#why.is-open .why-actions');
    const { cluster, name } = lab.servers[2];
    await lab.control.forget();
    const counted = async () => (await server.api('GET', `/api/v1/servers/${ids[2]}/history`, { key })).history.summary.totalAttempts;
    const before = await counted();
    await page.click('text=Diagnose now');
    await page.waitForSelector('.diagnosis-rows li.ok');
    await page.waitForFunction(() => document.querySelector('.diagnosis-sum')?.textContent.length > 10, null, { timeout: 10_000 });
    assert.equal(await page.locator('.diagnosis-rows li.ok').count(), 10);
    assert.match(await page.innerText('.diagnosis-sum'), /^All 10 attempts succeeded\. Median .* ms/);
    const requests = await lab.control.requests({ node: `${cluster}/${name}` });
    assert.ok(requests.length >= 10, 'the server was asked each time');
    assert.ok(await counted() - before < 10, 'attempts of a diagnosis are no checks');
    await page.axe('diagnosis');
    await page.clean();
    await page.close();
  });

  test('where the server fails the diagnosis says in which phase', async () => {
    const page = await open(`/servers/${ids[2]}#why`);
    await page.waitForSelector('#why.is-open .why-actions');
    await lab.control.fault('reset', 'solo');
    await page.click('text=Diagnose now');
    await page.waitForFunction(() => document.querySelector('.diagnosis-sum')?.textContent.length > 10, null, { timeout: 15_000 });
    await lab.control.clear();
    assert.match(await page.innerText('.diagnosis-sum'), /^None of 10 attempts succeeded\. All failures were in /);
    assert.equal(await page.locator('.diagnosis-rows li.crit .phase-cross').count(), 10);
    await page.clean();
    await page.close();
  });

  test('nothing measured, an error and loading look different', async () => {
    const page = await open(`/servers/${asleep}`);
    await page.waitForSelector('#history .dashed');
    assert.match(await page.innerText('#history .dashed'), /No connection history available/);
    assert.equal(await page.locator('#history .failure').count(), 0);
    assert.equal(await page.locator('.grade-rate.big').count(), 0, 'no number that was not measured');

    page.expect(/500/);
    let answer = null;
    await page.route('**/history?range=7d**', async (route) => {
      await new Promise((go) => { answer = go; });
      await route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'the drawer is stuck', request_id: 'REQ7' } } });
    });
    await page.locator('.spans input[value="7d"]').check();
    await page.waitForSelector('#history .skeleton-chart[role=status]');
    await page.waitForSelector('#history .skeleton-title ~ * input[value="7d"]:checked');
    assert.equal(await page.locator('.skeleton-chart').evaluate((e) => e.getBoundingClientRect().height), 256);
    answer();
    await page.waitForSelector('#history .failure');
    assert.match(await page.innerText('#history .failure'), /The drawer is stuck\.[\s\S]*REQ7/);
    assert.equal(await page.locator('#history .dashed').count(), 0);
    assert.match(page.url(), /range=7d/);
    await page.unroute('**/history?range=7d**');
    await page.click('#history .failure button:has-text("Try again")');
    await page.waitForSelector('#history .dashed');
    await page.clean();
    await page.close();
  });

  /** A history of our own making: a long stretch, a gap, one lonely hour, a gap, and failures at the end. */
  function made() {
    const top = Math.floor(Date.now() / HOUR) * HOUR;
    const row = (back, successRate, avgResponseTime, attempts) => ({ time: `${new Date(top - back * HOUR).toISOString().slice(0, 19)}Z`, successRate, avgResponseTime, attempts });
    const hourly = [];
    for (let back = 24; back >= 12; back--) hourly.push(row(back, 100, 200, 30));
    hourly.push(row(8, 60, 900, 10), row(2, 97, 245, 30), row(1, 0, null, 12), row(0, 82, 300, 4));
    return { history: { hourly, summary: { totalAttempts: 446, successCount: 428, avgResponseTime: 229 } } };
  }

  test('the chart: two scales, gaps, a lonely hour, words for pointer, keys and readers', async () => {
    const page = await browser.open(server.origin, { context, path: '/login', setUp: (p) => p.route('**/history?range=24h**', (route) => (new URL(route.request().url()).searchParams.has('raw') ? route.fallback() : route.fulfill({ json: made() }))) });
    await page.goto(`${server.origin}/servers/${ids[0]}`);
    await page.waitForSelector('.history-chart canvas');
    page.expect(/willReadFrequently/); // of the reading below
    assert.equal(await page.locator('.history-chart').evaluate((e) => e.getBoundingClientRect().height), 256);
    assert.equal((await page.innerText('.grade-rate.big')).trim(), '96%');
    assert.ok(await page.locator('.grade-rate.big.good').count(), 'green from 95');
    assert.match(await page.innerText('.history-mean'), /229ms/);
    assert.match(await page.innerText('.history-title'), /Connection History\s+Last 24 hours • /);
    assert.equal(await page.innerText('.history-foot'), '446 connection attempts in the last 24 hours');
    assert.match(await page.innerText('.history-legend'), /Success %\s+Response \(ms\)/);
    assert.match(await page.getAttribute('.history-chart', 'aria-label'), /Success between 0 % and 100 %, mean response between 200 ms and 900 ms\. 17 intervals with attempts, 8 without/);

    await page.focus('.history-chart');
    const at = async (...keys) => {
      for (const k of keys) await page.keyboard.press(k);
      return (await page.innerText('.history-chart .chart-tip')).replace(/\s+/g, ' ');
    };
    assert.match(await at('End'), /^[A-Z][a-z]{2} \d{1,2}, \d\d:00 Success Rate 82% Avg Response 300ms Attempts 4$/);
    assert.match(await at('ArrowLeft'), /Success Rate 0% Avg Response N\/A Attempts 12$/);
    assert.match(await at('ArrowLeft', 'ArrowLeft'), /Success Rate – Avg Response N\/A Attempts 0$/);
    const blue = await page.locator('.history-tip.is-ms b').evaluate((e) => getComputedStyle(e).color);
    const green = await page.locator('.history-tip.is-rate b').evaluate((e) => getComputedStyle(e).color);
    assert.notEqual(blue, green);

    // What is drawn where: coloured points in the column of an hour of the canvas.
    const coloured = (back) => page.evaluate((hours) => {
      const canvas = document.querySelector('.history-chart canvas');
      const over = document.querySelector('.history-chart .u-over').getBoundingClientRect();
      const box = canvas.getBoundingClientRect();
      const x = Math.round(((over.left - box.left) + ((24 - hours) / 24) * over.width) * (canvas.width / box.width));
      const [y0, y1] = [over.top - box.top + 4, over.bottom - box.top - 4].map((v) => Math.round(v * (canvas.height / box.height)));
      const { data } = canvas.getContext('2d').getImageData(Math.min(canvas.width - 1, x), y0, 1, y1 - y0);
      let n = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 20 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40) n += 1;
      return n;
    }, back);
    assert.ok(await coloured(18.5) > 100, 'the area fills what is below its line');
    assert.equal(await coloured(10.5), 0, 'a gap is empty');
    assert.equal(await coloured(6.5), 0, 'the second gap too');
    const lonely = await coloured(8);
    assert.ok(lonely > 5 && lonely < 40, `one hour between two gaps is two dots: ${lonely}`);
    await page.axe('chart');
    await page.clean();
    await page.close();
  });

  test('the chart is asked again each minute, also while no socket gets through', async () => {
    const init = () => {
      const every = window.setInterval;
      window.setInterval = (run, ms, ...more) => every(run, ms === 60_000 ? 500 : ms, ...more);
      window.WebSocket = class extends EventTarget {
        constructor() {
          super();
          setTimeout(() => this.onclose?.({ code: 1006, reason: '' }), 5);
        }
        send() {}
        close() {}
      };
    };
    const asked = [];
    const page = await browser.open(server.origin, {
      context, path: `/servers/${ids[0]}`, init,
      setUp: (p) => p.on('request', (r) => /history\?range=24h&bucket/.test(r.url()) && asked.push(performance.now())),
    });
    await page.waitForSelector('.history-foot', { timeout: 20_000 });
    const from = asked.length;
    await until('it to be asked for again', () => asked.length - from >= 4, { within: 30000 });
    // By their number: when each is heard of here depends on how busy this machine is.
    assert.ok(asked.length <= (asked.at(-1) - asked[0]) / 1000 + 2, `never twice within a second: ${asked.map((at) => (at - asked[0]).toFixed(0))}`);
    await page.context().storageState();
    await page.close();
  });

  test('a hundred pages later nobody is subscribed to what is not on screen', async () => {
    const page = await browser.open(server.origin, { context, path: '/login' });
    const joined = watchTopics(page);
    await page.goto(`${server.origin}/monitoring`);
    await page.waitForSelector('.mon-tiles');
    await page.click('[data-page=""]');
    await page.waitForSelector('.overview');
    const before = await settled(joined);
    assert.ok(before.includes('infra.servers'), String(before));
    await page.evaluate(async ([one, two]) => {
      const to = async (path) => {
        const a = document.createElement('a');
        a.href = path;
        document.body.append(a);
        a.click();
        a.remove();
        await new Promise((done) => setTimeout(done, 25));
      };
      for (let i = 0; i < 25; i++) for (const path of [`/servers/${one}`, '/monitoring?tab=history', `/servers/${two}#why`, '/']) await to(path);
    }, ids);
    await page.waitForSelector('.overview');
    assert.deepEqual(await settled(joined), before);
    await page.clean();
    await page.close();
  });

  test('monitoring: tiles, four views in the address, a choice to compare, charts when they are scrolled to', async () => {
    const page = await open('/monitoring');
    await page.waitForSelector('.mon-tiles');
    const tile = (name) => page.locator('.mon-tile', { hasText: name }).locator('dd').innerText().then((s) => s.replace(/\s+/g, ' ').trim());
    const active = lab.servers.length;
    assert.equal(await tile('Servers'), `${active + 1} 1 disabled`);
    assert.equal(await tile('Online'), String(active));
    assert.equal(await tile('Offline'), '0');
    assert.match(await tile('Average success'), /^\d+(\.\d)?%$/);
    assert.match(await tile('Average latency'), /^\d+ ms$/);
    assert.equal(await tile('By VPN'), '0');
    assert.match(await page.locator('.donut svg').first().getAttribute('aria-label'), new RegExp(`^${active + 1} servers: ${active} online, 1 disabled$`));
    assert.equal(await page.locator('.bars li').count(), active);

    await page.click('.tabs >> text=Comparison');
    assert.match(page.url(), /tab=comparison/);
    await page.waitForSelector('.compare');
    assert.equal(await page.locator('.compare [role=row]').count(), 1 + 4, 'a head and the first four');
    const asleep = page.locator('.compare [role=row]', { hasText: 'asleep' });
    assert.equal((await asleep.locator('.bar-text').allInnerTexts()).map((s) => s.split(',')[0].trim()).join(), '–,–', 'no number that was not measured');
    await page.locator('.picks label', { hasText: 'asleep' }).locator('input').focus();
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelectorAll('.compare [role=row]').length === 4);
    assert.match(page.url(), /servers=/);
    await page.reload();
    await page.waitForSelector('.compare');
    assert.equal(await page.locator('.compare [role=row]').count(), 1 + 3, 'the address keeps the choice');

    await page.click('.tabs >> text=Server Details');
    await page.waitForSelector('.monitoring table');
    assert.match(await page.innerText('.monitoring table'), /asleep[\s\S]*Disabled[\s\S]*–[\s\S]*never/);

    const asked = new Set();
    page.on('request', (r) => /\/history\?/.test(r.url()) && asked.add(new URL(r.url()).pathname));
    await page.setViewportSize({ width: 390, height: 420 });
    await page.click('.tabs >> text=History');
    await page.waitForSelector('.history-panel .history-foot, .history-panel .dashed');
    await sleep(500);
    const first = asked.size;
    assert.ok(first >= 1 && first < active + 1, `${first} charts were asked for before anybody scrolled`);
    await page.locator('.history-panel').last().scrollIntoViewIfNeeded();
    await page.waitForFunction(() => [...document.querySelectorAll('.history-panel')].at(-1).querySelector('.history-foot, .dashed'));
    assert.ok(asked.size > first);
    await page.clean();
    await page.close();
  });

  for (const theme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      test(`accessible and within the screen: ${theme}, ${width} px`, async () => {
        const page = await browser.open(server.origin, { theme, width, path: '/login' });
        await page.waitForSelector('input[name=username]');
        await login(page);
        for (const path of [`/servers/${ids[0]}#why`, `/servers/${asleep}`, '/servers/nowhere', '/monitoring', '/monitoring?tab=comparison', '/monitoring?tab=history', '/monitoring?tab=details']) {
          await page.goto(server.origin + path);
          await page.waitForSelector('main h1');
          await page.waitForFunction(() => !document.querySelector('.skeleton'));
          await page.waitForTimeout(500);
          await page.axe(`${path} ${theme} ${width}`);
          await page.fits(path);
          await page.shot(`history${path.replace(ids[0], 'one').replace(asleep, 'asleep').replace(/\W+/g, '-')}-${width}-${theme}`);
        }
        await page.clean();
        await page.context().close();
      });
    }
  }

  test('sections open and close by key, their arrow turns, and what is closed asks for nothing', async () => {
    const page = await open(`/servers/${ids[0]}`);
    await page.waitForSelector('.history-foot');
    await page.focus('#history .section-head');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#history .section-head[aria-expanded=false]');
    assert.equal(await page.locator('.history-chart').count(), 0);
    const asked = [];
    page.on('request', (r) => /\/history\?range=24h&bucket/.test(r.url()) && asked.push(r.url()));
    await page.reload();
    await page.waitForSelector('#nodes tbody tr');
    await sleep(400);
    assert.deepEqual(asked, [], 'a closed section stays closed and asks for nothing');
    const turned = () => page.locator('#history .section-head .icon').first().evaluate((e) => getComputedStyle(e).transform);
    const closed = await turned();
    await page.focus('#history .section-head');
    await page.keyboard.press('Space');
    await page.waitForSelector('.history-foot');
    await until('the arrow to turn', async () => (await turned()) !== closed);
    assert.ok(asked.length >= 1);
    await page.clean();
    await page.close();
  });

  test('who may only look sees why the buttons are off', async () => {
    const page = await browser.open(server.origin, { path: '/login' });
    await page.waitForSelector('input[name=username]');
    await login(page, 'grace');
    await page.goto(`${server.origin}/servers/${ids[0]}#why`);
    await page.waitForSelector('.why-actions');
    const diagnose = page.locator('.why-actions .button').first();
    assert.equal(await diagnose.getAttribute('aria-disabled'), 'true');
    assert.match(await diagnose.getAttribute('data-tip'), /role manager/);
    assert.equal(await page.locator('.head-actions .button').first().getAttribute('aria-disabled'), 'true');
    await page.clean();
    await page.context().close();
  });

  test('the panel stands within 300 ms of the click', async (t) => {
    const page = await open(`/servers/${ids[0]}`);
    await page.waitForSelector('#why .section-head');
    const took = [];
    for (let i = 0; i < 5; i++) {
      took.push(await page.evaluate(async () => {
        const from = performance.now();
        document.querySelector('#why .section-head').click();
        while (!document.querySelector('.why-title')) await new Promise((next) => requestAnimationFrame(next));
        return performance.now() - from;
      }));
      await page.click('#why .section-head');
      await page.waitForSelector('.why', { state: 'detached' });
    }
    measured(t, `Why? from click to headline: ${Math.round(percentile(took, 0.5))} ms, at most ${Math.round(Math.max(...took))} ms`);
    assert.ok(percentile(took, 0.5) < 300, String(took));
    await page.clean();
    await page.close();
  });

  // The last: it ends the server the others use.
  test('the server was away: what was measured since is in chart and list, without a reload', async () => {
    const [id] = ids;
    const page = await open(`/servers/${id}`);
    page.expect(/ERR_CONNECTION/, /WebSocket connection to/, /ERR_EMPTY_RESPONSE/);
    await page.waitForSelector('.attempts tbody tr');
    await page.waitForSelector('.history-foot');
    await page.evaluate(() => { window.bnSame = true; });
    server.options.listen = `127.0.0.1:${server.port}`;
    server.options.data = server.data;
    const from = Date.now();
    await server.stop(); // an attempt that comes back meanwhile is kept, and may be told to nobody
    const to = Date.now();
    await page.waitForSelector('.indicator:not(.live)');
    await page.waitForSelector('.server-title .badge.warn:has-text("Last known")');
    assert.ok(await page.locator('.history-chart').count(), 'what was known stays');
    await server.start();
    await page.waitForSelector('.indicator.live', { timeout: 10_000 });
    const was = await attemptsOf(page);
    assert.equal((await check(id)).status, 'online');
    await page.waitForFunction((n) => Number(/^\d+/.exec(document.querySelector('.history-foot')?.innerText)) > n, was, { timeout: 3000 });
    const rows = await page.locator('.attempts tbody tr').count();
    const { raw: all } = (await server.api('GET', `/api/v1/servers/${id}/history?range=1h&raw=1`, { key })).history;
    const raw = all.filter((one) => Date.parse(one.at) + (one.response_time_ms ?? 0) < from || Date.parse(one.at) > to);
    assert.ok(raw.length > 10, `${raw.length} of ${all.length}`);
    assert.ok(rows >= Math.min(50, raw.length) - 1, `${rows} of ${raw.length} attempts, those before the restart too`);
    assert.ok(await page.evaluate(() => window.bnSame), 'the page was not loaded again');
    await page.clean();
    await page.close();
  });
});
