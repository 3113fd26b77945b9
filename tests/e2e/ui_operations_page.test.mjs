// ui_operations_page: the page of operations: all that runs, who hears of it, what was done by nobody, by many at once, and the history narrowed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { closed, sheet, startDesk, tapFrames, toast } from './lib/deeds.mjs';
import { live, measured, suite } from './lib/page.mjs';
import { until } from './lib/server.mjs';
import { startSshd } from './lib/sshd.mjs';

const LONG = { timeout: 180_000 };
const rows = (page) => page.locator('.panel:has-text("What was done") tbody tr .op-link').allInnerTexts();

describe('the page of operations', () => {
  const all = suite();
  let browser;
  before(async () => {
    browser = await startBrowser(all);
  });

  test('an administrator sees all that runs, cancels it, and knows who listens and how long the way is', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 20);
    const desk = await startDesk(t, browser, sshd, { count: 3 });
    await desk.server.addUser(desk.admin, 'eve', 'viewer');
    const page = await desk.open('ada', '/operations');
    await page.waitForSelector('text=Nothing is under way');
    const begun = [];
    for (const id of desk.ids) begun.push((await desk.begin('service_restart', undefined, id)).json.operation_id);
    const row = (id) => page.locator(`[data-operation="${id}"]`);
    for (const id of begun) await row(id).waitFor();
    await until('it to run', async () => /Executing restart command/.test(await row(begun[0]).innerText()), { within: 15000 });
    assert.match(await row(begun[0]).innerText(), /Restart nginx\.service on web0\n[^]*Executing restart command · \S.*, for \d+ s/);
    assert.equal(await row(begun[0]).locator('[role=progressbar]').getAttribute('aria-valuenow'), '50');
    const figures = page.locator('.live-figures');
    await until('the clients', async () => /Clients\s*1/.test(await figures.innerText()));
    const viewer = await desk.open('eve', '/operations');
    await until('one more', async () => /Clients\s*2/.test(await figures.innerText()), { within: 10000 });
    assert.equal(await viewer.locator('.live-figures').count(), 0);
    await viewer.locator(`[data-operation="${begun[0]}"]`).waitFor();
    assert.ok(await viewer.locator(`[data-operation="${begun[0]}"] button:has-text("Cancel")`).isDisabled());
    await page.click('.live-ping button');
    await page.waitForSelector('.live-ping:has-text("There and back in")');
    t.diagnostic(`measured ${(await page.innerText('.live-ping [role=status]')).replace(/\s+/g, ' ')}`);
    await page.axe('all that runs');
    await page.shot('operations-live');
    await row(begun[0]).locator('button:has-text("Cancel")').click();
    await row(begun[0]).waitFor({ state: 'detached' });
    assert.equal((await desk.one(begun[0])).status, 'cancelled');
    await page.locator('.op-link', { hasText: 'web0' }).click();
    await page.waitForSelector(`${sheet} .deed-end:has-text("The target finishes what it began; it is not watched any more.")`);
    await closed(viewer);
    await closed(page);
  });

  test('the history: narrowed by target, kind, result and time in the address, page by page, with what was written', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd, { count: 2 });
    for (let i = 0; i < 53; i++) {
      const begun = await desk.begin(i % 9 === 0 ? 'service_status' : 'ssh_test', i === 9 ? 'foo.service' : undefined, desk.ids[i % 2]);
      if (i === 9) await desk.ended(begun.json.operation_id);
      else if (i >= 51) await desk.ended(begun.json.operation_id);
      else await until('its turn', async () => (await desk.list(`?status=active&target_id=${desk.ids[(i + 1) % 2]}`)).length === 0, { within: 20000 });
    }
    const page = await desk.open('ada', '/operations');
    await page.waitForSelector('tbody tr');
    assert.equal((await rows(page)).length, 50);
    await page.click('nav[aria-label="Pages of the history"] button:has-text("Older")');
    await until('the second page', async () => (await rows(page)).length === 3, { within: 20000 });
    assert.match(page.url(), /page=2/);
    await page.selectOption('select[aria-label=Kind]', 'service_status');
    await until('status alone', async () => (await rows(page)).every((text) => text.startsWith('Status of ')) && (await rows(page)).length === 6);
    await page.selectOption('select[aria-label=Target]', { label: 'web1' });
    await until('those of web1', async () => (await rows(page)).length === 3 && (await rows(page)).every((text) => text.endsWith('web1')));
    await page.selectOption('select[aria-label=Result]', 'failed');
    await until('the one that failed', async () => (await rows(page)).join() === 'Status of foo.service on web1');
    await page.selectOption('select[aria-label=Time]', '24h');
    await page.reload();
    await until('the same from its address', async () => (await rows(page)).join() === 'Status of foo.service on web1');
    assert.deepEqual([...new URL(page.url()).searchParams.keys()].sort(), ['since', 'status', 'target_id', 'type']);
    await page.locator('.op-link').click();
    await page.waitForSelector(`${sheet} .deed-end:has-text("There is no unit foo.service on web1.")`);
    await page.waitForSelector(`${sheet} .output-text:has-text("Unit foo.service could not be found.")`);
    await page.keyboard.press('Escape');
    await page.selectOption('select[aria-label=Result]', 'cancelled');
    await page.waitForSelector('text=No operation matches');
    await page.click('button:has-text("Clear filters")');
    await until('everything', async () => (await rows(page)).length === 50);
    await page.fits('the history');
    await page.shot('operations-history');
    await closed(page);
  });

  test('the history of one person, and as a file of what is seen', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    await desk.server.addUser(desk.admin, 'max', 'manager');
    const max = await desk.server.login('max');
    const by = async (person, type, service) => {
      const begun = await desk.call('POST', `/api/v1/targets/${desk.ids[0]}/operations`, { type, ...(service ? { params: { service } } : {}) }, { cookie: person.cookie });
      assert.equal(begun.status, 202, begun.text);
      return desk.ended(begun.json.operation_id);
    };
    await by(desk.admin, 'ssh_test');
    await by(max, 'logs');
    await by(max, 'service_status', 'foo.service');
    const page = await desk.open('ada', '/operations');
    await until('all of them', async () => (await rows(page)).length === 3);
    await page.selectOption('select[aria-label=Person]', 'max');
    await until('those of max', async () => (await rows(page)).join() === 'Status of foo.service on web3,Journal of nginx.service on web3');
    assert.match(page.url(), /created_by=max/);
    const saved = async () => {
      const [file] = await Promise.all([page.waitForEvent('download'), page.click('.panel-aside button:has-text("CSV")')]);
      assert.equal(file.suggestedFilename(), 'operations.csv');
      return fs.readFileSync(await file.path(), 'utf8').trim().split(/\r?\n/);
    };
    const two = await saved();
    assert.equal(two.length, 3, two.join('\n'));
    assert.match(two[1], /service_status[^]*There is no unit foo\.service on web3/);
    assert.match(two[2], /logs/);
    await page.selectOption('select[aria-label=Person]', { label: 'Me' });
    await until('mine', async () => (await rows(page)).join() === 'SSH test of web3');
    await page.selectOption('select[aria-label=Result]', 'failed');
    await page.waitForSelector('text=No operation matches');
    assert.ok(await page.locator('.panel-aside button:has-text("CSV")').isDisabled(), 'nothing to save');
    await page.click('button:has-text("Clear filters")');
    await until('all again', async () => (await rows(page)).length === 3);
    assert.equal((await saved()).length, 4);

    // Who may not see people chooses between all and himself.
    const other = await desk.open('max', '/operations');
    assert.deepEqual(await other.locator('select[aria-label=Person] option').allInnerTexts(), ['Everybody', 'Me']);
    await other.selectOption('select[aria-label=Person]', { label: 'Me' });
    await until('his', async () => (await rows(other)).length === 2);
    await closed(other);
    await page.axe('the history with its filters');
    await page.shot('operations-person');
    await closed(page);
  });

  test('what was begun by nobody is a panel that goes when it is dismissed, and comes with the next', LONG, async (t) => {
    const sshd = await startSshd(t);
    const desk = await startDesk(t, browser, sshd);
    const good = await desk.ended((await desk.begin('ssh_test')).json.operation_id);
    const bad = await desk.ended((await desk.begin('service_status', 'foo.service')).json.operation_id);
    const sql = (text) => execFileSync('sqlite3', [path.join(desk.server.data, 'binnacle.db'), text]).toString().trim();
    const by = (kind, id) => sql(`UPDATE operations SET created_by_kind = '${kind}', created_by = '' WHERE id = '${id}'; SELECT changes();`);
    await desk.server.stop();
    // Sixty that people began come after it: more than a page of the history.
    const columns = sql("SELECT group_concat(name) FROM pragma_table_info('operations')").split(',');
    const changed = { id: "'later' || i", started_at: 'started_at + i' };
    sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO operations (${columns})
      SELECT ${columns.map((name) => changed[name] ?? `op.${name}`)} FROM operations AS op, n WHERE op.id = '${good.id}'`);
    assert.equal(by('schedule', good.id), '1');
    assert.equal(by('auto', bad.id), '1');
    await desk.server.start();
    const page = await desk.open('ada', '/operations');
    const notice = (id) => page.locator(`[data-notice="${id}"]`);
    await notice(good.id).waitFor();
    assert.match(await notice(good.id).getAttribute('class'), /is-good/);
    assert.match(await notice(good.id).innerText(), /SSH test of web3[^]*(just now|ago)/);
    assert.match(await notice(bad.id).getAttribute('class'), /is-bad/);
    assert.match(await notice(bad.id).innerText(), /There is no unit foo\.service on web3/);
    await page.axe('automatic activity');
    await page.shot('operations-notices');

    // One that is under way pulses until it is over.
    sshd.set('slow', 15);
    const now = (await desk.begin()).json.operation_id;
    await until('it to run', () => sshd.calls().includes('restart nginx.service'), { within: 15000 });
    page.expect(/WebSocket|ERR_CONNECTION|Failed to load/);
    await desk.server.crash();
    assert.equal(by('schedule', now), '1');
    await desk.server.start();
    await page.waitForSelector(live, { timeout: 20000 });
    await page.waitForSelector(`[data-notice="${now}"].is-busy`, { timeout: 25000 });
    assert.match(await notice(now).innerText(), /Restart nginx\.service on web3[^]*Restarting: [^]*just now|Restart nginx\.service on web3[^]*Restarting: [^]*ago/);
    assert.notEqual(await notice(now).locator('.notice-sign').evaluate((sign) => getComputedStyle(sign).animationName), 'none');
    await page.shot('operations-notices-busy');
    await page.waitForSelector(`[data-notice="${now}"].is-good`, { timeout: 60000 });
    await page.click('.notices button:has-text("Dismiss")');
    await page.waitForSelector('.notices', { state: 'detached' });
    await page.reload();
    await page.waitForSelector('tbody tr');
    assert.equal(await page.locator('.notices').count(), 0);
    await closed(page);
  });

  test('a batch: one sheet with all of it, the failures first', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 1);
    const desk = await startDesk(t, browser, sshd, { count: 6, form: (i) => (i === 4 ? { service: 'foo.service' } : {}) });
    const page = await desk.open('ada', '/operations');
    await page.waitForSelector('.live-figures');
    const begun = await desk.call('POST', '/api/v1/operations/batch', { type: 'service_restart', target_ids: desk.ids, concurrency: 2 }, { cookie: desk.admin.cookie });
    assert.equal(begun.status, 202, begun.text);
    const id = begun.json.operation_id;
    // In the list it stands before what it does, of which the first three are shown.
    await page.click('.op-more button:has-text("and 3 more of this batch")');
    await until('all of it', async () => (await page.locator('.op-active.is-child').count()) === 6 && (await page.locator('.op-more').count()) === 0);
    assert.equal(await page.locator('.op-active').first().getAttribute('data-operation'), id);
    await until('two of them at once', async () => (await page.locator('.op-active.is-child [aria-label$=", waiting"]').count()) === 4);
    await page.shot('operations-batch-list');
    await page.locator(`[data-operation="${id}"] .op-title`).click();
    assert.match(await page.innerText(`${sheet} h2`), /^Restart 6 targets$/);
    await page.waitForSelector(`${sheet} .batch-list li:nth-child(6)`);
    await until('its first failure, at the top', async () => /^web4[^]*failed[^]*There is no unit foo\.service on web4/.test(await page.locator(`${sheet} .batch-list li`).first().innerText()), { within: 30000 });
    await page.axe('a batch');
    await page.shot('operations-batch');
    await until('its end', async () => /6 of 6 done/.test(await page.innerText(`${sheet} .batch-sum`)), { within: 90000 });
    await until('the batch to say so', async () => /with warnings/.test(await page.innerText(`${sheet} .deed-phase`)), { within: 5000 });
    await toast(page, 'Restart 6 targets: 6 of 6 done, 1 failed').waitFor();
    assert.equal(await page.locator('.toast', { hasText: /on web\d/ }).count(), 0, 'one word for all of them');
    await page.locator(`${sheet} .batch-list .link`).first().click();
    await page.waitForSelector(`${sheet} .deed-end.is-bad`);
    await page.keyboard.press('Escape');
    await page.waitForSelector(`${sheet} .batch-list`);
    await closed(page);
  });

  test('a hundred at once: all in the list, and the page does not grow', LONG, async (t) => {
    const sshd = await startSshd(t);
    sshd.set('slow', 4);
    const desk = await startDesk(t, browser, sshd, { count: 100 });
    const page = await desk.open('ada', '/operations');
    const tap = tapFrames(page);
    await page.reload();
    await page.waitForSelector('.live-figures');
    const session = await page.context().newCDPSession(page);
    const heap = async () => {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = await session.send('Runtime.getHeapUsage');
      const { nodes } = await session.send('Memory.getDOMCounters');
      return { mb: usedSize / 2 ** 20, nodes };
    };
    const round = async () => {
      const begun = await Promise.all(desk.ids.map((id) => desk.begin('service_restart', undefined, id)));
      assert.equal(begun.filter((it) => it.status === 202).length, 100);
      await until('a hundred in the list', async () => (await page.locator('.op-active').count()) === 100, { within: 15000 });
      await until('all to be over', async () => (await page.locator('.op-active').count()) === 0, { within: 90000 });
    };
    await round();
    await page.waitForSelector('text=Nothing is under way');
    const first = await heap();
    await round();
    const second = await heap();
    measured(t, `a hundred at once, twice: heap ${first.mb.toFixed(1)} and ${second.mb.toFixed(1)} MB, ${first.nodes} and ${second.nodes} nodes`);
    assert.ok(second.mb - first.mb < 4, `the heap grew from ${first.mb} to ${second.mb} MB`);
    assert.ok(second.nodes < first.nodes * 1.2, `${first.nodes} nodes became ${second.nodes}`);
    const topics = tap.sent.filter((f) => f.t === 'sub').flatMap((f) => f.topics.map(([name]) => name));
    assert.equal(topics.filter((name) => name === 'work.operations').length, 1, `${topics}`);
    await closed(page);
  });
});
