// engines: the other browsers, each through its own remote control: Firefox (Gecko) by WebDriver BiDi,
// WebKit (the engine of Safari) by WebDriver. Both offer the same few acts:
//
//   const page = await startEngine(t, 'firefox');
//   await page.goto(url);
//   await page.evaluate((text) => document.title === text, 'Binnacle');   // runs there
//   await page.click('button'); await page.type('input', 'ada'); await page.resize(390, 844);
//   page.wrong                                                             // what its console complained of
//
// A click and a key are real ones, given to the browser, not events a script makes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';
import { sleep, until } from './server.mjs';

const STARTS = { within: 60_000, every: 100 };

/** A program and how it is ended; what it says. */
function run(ends, name, args, env = {}) {
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const said = { text: '', gone: false };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { said.text += bytes; });
  child.on('error', (error) => { said.text += error.message; said.gone = true; });
  child.on('exit', () => { said.gone = true; });
  ends.unshift(async () => {
    child.kill();
    for (let i = 0; i < 100 && !said.gone; i++) await sleep(50);
    if (!said.gone) child.kill('SIGKILL');
  });
  return said;
}

async function said(program, pattern) {
  const found = await until(`${pattern}`, () => {
    const match = pattern.exec(program.text);
    assert.ok(match || !program.gone, program.text);
    return match;
  }, STARTS);
  return found[1];
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function folder(ends) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'binnacle-engine-'));
  ends.unshift(() => fs.promises.rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })); // its helpers end after it
  return dir;
}

/** What both have: acts made of `evaluate`. */
class Page {
  wrong = [];

  /** Waits until fn(...args) is true there. */
  async waits(what, fn, args = [], { within = 15_000 } = {}) {
    return until(what, () => this.evaluate(fn, ...args), { within, every: 50 });
  }

  async shows(selector, text = '', how = {}) {
    return this.waits(`${selector} ${text}`, (s, t) => [...document.querySelectorAll(s)].some((e) => e.getClientRects().length && e.textContent.includes(t)), [selector, text], how);
  }

  text(selector) {
    return this.evaluate((s) => document.querySelector(s)?.innerText ?? null, selector);
  }
}

/* --- Firefox ---------------------------------------------------------------------------------- */

const QUIET = {
  'app.update.enabled': false, 'browser.shell.checkDefaultBrowser': false, 'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false, 'browser.startup.page': 0, 'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false, 'browser.safebrowsing.update.enabled': false, 'extensions.update.enabled': false,
  'services.settings.server': 'http://127.0.0.1:1/', 'browser.newtabpage.activity-stream.feeds.topsites': false,
  'browser.aboutwelcome.enabled': false, 'app.normandy.enabled': false, 'media.gmp-manager.updateEnabled': false,
};

class Firefox extends Page {
  #socket;
  #asked = new Map();
  #next = 1;

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const told = JSON.parse(bytes);
      if (told.method === 'log.entryAdded' && (told.params.level === 'error' || told.params.level === 'warn')) this.wrong.push(`${told.params.level}: ${told.params.text}`);
      const wanted = this.#asked.get(told.id);
      this.#asked.delete(told.id);
      if (told.type === 'success') wanted?.resolve(told.result);
      else if (told.type === 'error') wanted?.reject(new Error(`${told.error}: ${told.message}`));
    });
    socket.on('close', () => {
      for (const wanted of this.#asked.values()) wanted.reject(new Error('the browser is gone'));
    });
  }

  ask(method, params) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async begin() {
    await this.ask('session.new', { capabilities: {} });
    const { contexts } = await this.ask('browsingContext.getTree', {});
    this.context = contexts[0].context;
    await this.ask('session.subscribe', { events: ['log.entryAdded'] });
    await this.resize(1440, 900);
  }

  goto(url) { return this.ask('browsingContext.navigate', { context: this.context, url, wait: 'complete' }); }

  reload() { return this.ask('browsingContext.reload', { context: this.context, wait: 'complete' }); }

  resize(width, height) { return this.ask('browsingContext.setViewport', { context: this.context, viewport: { width, height } }); }

  async call(text, args) {
    const answer = await this.ask('script.callFunction', {
      functionDeclaration: text, awaitPromise: true, target: { context: this.context },
      arguments: args.map((value) => ({ type: 'string', value: JSON.stringify(value) })),
    });
    if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text);
    return answer.result;
  }

  async evaluate(fn, ...args) {
    const { value } = await this.call(`async (...given) => JSON.stringify(await (${fn})(...given.map((it) => JSON.parse(it)))) ?? 'null'`, args);
    return JSON.parse(value);
  }

  async click(selector) {
    await this.shows(selector);
    const { sharedId } = await this.call(`(given) => {
      const it = [...document.querySelectorAll(JSON.parse(given))].find((e) => e.getClientRects().length);
      it.scrollIntoView({ block: 'center' });
      return it;
    }`, [selector]);
    const origin = { type: 'element', element: { sharedId } };
    await this.ask('input.performActions', { context: this.context, actions: [{ type: 'pointer', id: 'mouse', actions: [
      { type: 'pointerMove', x: 0, y: 0, origin }, { type: 'pointerDown', button: 0 }, { type: 'pointerUp', button: 0 },
    ] }] });
  }

  keys(text) {
    const actions = [...text].flatMap((value) => [{ type: 'keyDown', value }, { type: 'keyUp', value }]);
    return this.ask('input.performActions', { context: this.context, actions: [{ type: 'key', id: 'keys', actions }] });
  }

  async type(selector, text) {
    await this.click(selector);
    await this.keys(text);
  }

  async shot(file) {
    const { data } = await this.ask('browsingContext.captureScreenshot', { context: this.context });
    fs.writeFileSync(file, Buffer.from(data, 'base64'));
  }
}

async function startFirefox(ends) {
  const dir = folder(ends);
  fs.writeFileSync(path.join(dir, 'user.js'), Object.entries(QUIET).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(''));
  const firefox = run(ends, process.env.FIREFOX ?? 'firefox-esr', ['--headless', '--no-remote', '--profile', dir, '--remote-debugging-port', `${await freePort()}`], { HOME: dir });
  const socket = new WebSocket(`${await said(firefox, /WebDriver BiDi listening on (ws:\S+)/)}/session`);
  await new Promise((resolve, reject) => { socket.once('open', resolve).once('error', reject); });
  const page = new Firefox(socket);
  await page.begin();
  return page;
}

/* --- WebKit ----------------------------------------------------------------------------------- */

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'; // WebDriver §12: the name of a reference

class WebKit extends Page {
  constructor(origin) {
    super();
    this.origin = origin;
  }

  async ask(method, where, body) {
    const answer = await fetch(`${this.origin}${where}`, { method, ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  async begin(binary) {
    const { sessionId } = await this.ask('POST', '/session', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } } } });
    this.origin += `/session/${sessionId}`;
    await this.resize(1440, 900);
  }

  goto(url) { return this.ask('POST', '/url', { url }); }

  reload() { return this.ask('POST', '/refresh'); }

  /** The page is to be so large: what the window has besides is added. */
  async resize(width, height) {
    await this.ask('POST', '/window/rect', { width, height });
    const inner = await this.evaluate(() => [window.innerWidth, window.innerHeight]);
    await this.ask('POST', '/window/rect', { width: width + (width - inner[0]), height: height + (height - inner[1]) });
  }

  async evaluate(fn, ...args) {
    const script = `const done = arguments[arguments.length - 1]; const given = [...arguments].slice(0, -1);
      (async () => (${fn})(...given))().then((it) => done({ it: it ?? null }), (error) => done({ error: String(error) }));`;
    const { it, error } = await this.ask('POST', '/execute/async', { script, args });
    if (error) throw new Error(error);
    return it;
  }

  async #element(selector) {
    await this.shows(selector);
    // What wants the focus when it appears gets it with the next frame, which without a graphics card is late.
    await this.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
    const all = await this.ask('POST', '/elements', { using: 'css selector', value: selector });
    for (const each of all) if (await this.ask('GET', `/element/${each[ELEMENT]}/displayed`)) return each[ELEMENT];
    throw new Error(`nothing to be seen of ${selector}`);
  }

  async click(selector) { return this.ask('POST', `/element/${await this.#element(selector)}/click`); }

  keys(text) {
    const actions = [...text].flatMap((value) => [{ type: 'keyDown', value }, { type: 'keyUp', value }]);
    return this.ask('POST', '/actions', { actions: [{ type: 'key', id: 'keys', actions }] });
  }

  async type(selector, text) { return this.ask('POST', `/element/${await this.#element(selector)}/value`, { text }); }

  async shot(file) { fs.writeFileSync(file, Buffer.from(await this.ask('GET', '/screenshot'), 'base64')); }
}

const miniBrowser = () => process.env.MINIBROWSER ?? fs.readdirSync('/usr/lib').map((arch) => `/usr/lib/${arch}/webkit2gtk-4.1/MiniBrowser`).find((it) => fs.existsSync(it));

async function startWebKit(ends) {
  const dir = folder(ends);
  const screen = run(ends, 'Xvfb', ['-displayfd', '1', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp']);
  const display = `:${await said(screen, /^(\d+)\n/m)}`;
  const port = await freePort();
  const driver = run(ends, 'WebKitWebDriver', ['--host=127.0.0.1', `--port=${port}`], {
    DISPLAY: display, HOME: dir, XDG_DATA_HOME: dir, XDG_CACHE_HOME: dir, XDG_CONFIG_HOME: dir, LIBGL_ALWAYS_SOFTWARE: '1', GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1',
  });
  const page = new WebKit(`http://127.0.0.1:${port}`);
  await until('the driver', async () => {
    assert.ok(!driver.gone, driver.text);
    return page.ask('GET', '/status').then(() => true, () => false);
  }, STARTS);
  await page.begin(miniBrowser());
  ends.unshift(() => page.ask('DELETE', '').catch(() => {}));
  return page;
}

/** A browser with one page; it ends with the suite. */
export function startEngine(t, name) {
  const ends = []; // the newest first
  t.after(async () => {
    for (const end of ends) await end();
  });
  return name === 'firefox' ? startFirefox(ends) : startWebKit(ends);
}
