// build: the page as files with hashed names in dist/, the unit tests as one bundle, and the size gate.
//
//   node build.mjs            dist/, minified, without source maps; fails above the size budget
//   node build.mjs --watch    the same on every save, with source maps
//   node build.mjs --test     bundles test/*.test.ts and runs them

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import esbuild from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(root, ...parts);
const BUDGET_KB = 60; // gzip, JS and CSS: all that the login and the overview with its moving lines need

const common = {
  absWorkingDir: root,
  bundle: true,
  charset: 'utf8',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
  target: ['es2022'],
};

// xterm writes styles where the page's policy forbids them (style-src 'self'): into <style> elements and style attributes.
// They go through the object model instead. What is no longer there to be replaced stops the build: then xterm has changed.
const strictStyles = {
  name: 'strict styles',
  setup(build) {
    build.onLoad({ filter: /@xterm[/\\]xterm[/\\]lib[/\\]xterm\.mjs$/ }, ({ path: file }) => {
      const count = { elements: 0, attributes: 0 };
      const text = fs.readFileSync(file, 'utf8')
        .replace(/[\w.]+\.createElement\("style"\)/g, () => (count.elements++, 'bnSheetElement()'))
        .replace(/(\w+)\.setAttribute\("style",(`[^`]*`)\)/g, (_, it, value) => (count.attributes++, `${it}.style.cssText=${value}`));
      if (count.elements !== 3 || count.attributes !== 1 || /innerHTML|insertAdjacentHTML|"style",/.test(text)) throw new Error(`xterm sets styles otherwise than it did: ${JSON.stringify(count)}`);
      return { contents: `import { sheetElement as bnSheetElement } from ${JSON.stringify(at('src/parts/sheet.ts'))};\n${text}`, loader: 'js', resolveDir: path.dirname(file) };
    });
  },
};

function pageOptions(isDev) {
  return {
    ...common,
    entryPoints: ['src/main.tsx', 'src/theme.ts', 'src/style/main.css', 'src/style/more.css'],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    outdir: 'dist/assets',
    define: { BN_DEV: String(isDev) },
    format: 'esm',
    metafile: true,
    minify: !isDev,
    sourcemap: isDev,
    splitting: true,
    plugins: [strictStyles, { name: 'page', setup: (build) => build.onEnd((result) => finish(result, isDev)) }],
  };
}

// Writes index.html around the hashed names, drops files of earlier builds and weighs what is left.
function finish(result, isDev) {
  if (result.errors.length > 0) return;
  const outputs = result.metafile.outputs;
  const names = Object.keys(outputs);
  const entry = (source) => names.find((n) => outputs[n].entryPoint === source && !n.endsWith('.map'));
  const main = entry('src/main.tsx');
  const css = entry('src/style/main.css');
  const theme = entry('src/theme.ts');
  const first = [...staticGraph(outputs, main)];

  const rel = (name) => `/${path.posix.relative('dist', name)}`; // the server puts its base path before it
  const preload = first.filter((n) => n !== main)
    .map((n) => `<link rel="modulepreload" href="${rel(n)}">`).join('\n');
  const html = fs.readFileSync(at('index.html'), 'utf8')
    .replace('%CSS%', rel(css)).replace('%MORE%', rel(entry('src/style/more.css'))).replace('%THEME%', rel(theme)).replace('%MAIN%', rel(main))
    .replace('%PRELOAD%', preload);
  fs.writeFileSync(at('dist/index.html'), html);
  fs.writeFileSync(at('dist/licenses.txt'), notices(['preact', '@preact/signals', '@preact/signals-core', 'uplot', '@novnc/novnc', '@xterm/xterm', '@xterm/addon-fit']));

  const keep = new Set(names.map((n) => path.basename(n)));
  for (const file of fs.readdirSync(at('dist/assets'))) {
    if (!keep.has(file)) fs.rmSync(at('dist/assets', file));
  }
  weigh([...first, css, theme], names, isDev);
}

function staticGraph(outputs, name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const i of outputs[name].imports) {
    if (i.kind === 'import-statement') staticGraph(outputs, i.path, seen);
  }
  return seen;
}

function weigh(first, all, isDev) {
  const size = (n) => gzipSync(fs.readFileSync(at(n)), { level: 9 }).length;
  const sum = (list) => list.reduce((total, n) => total + size(n), 0);
  const kb = (bytes) => (bytes / 1024).toFixed(1) + ' KB';
  const lazy = all.filter((n) => !n.endsWith('.map') && !first.includes(n));
  if (isDev) return console.log(`ui: built, ${new Date().toTimeString().slice(0, 8)}`);
  for (const n of [...first, ...lazy]) {
    console.log(`  ${kb(size(n)).padStart(8)}  ${lazy.includes(n) ? 'lazy ' : 'first'}  ${path.basename(n)}`);
  }
  const total = sum(first);
  console.log(`ui: first load ${kb(total)} gzip of ${BUDGET_KB} KB; fetched behind the first paint ${kb(sum(lazy))}`);
  if (total > BUDGET_KB * 1024) {
    console.error(`ui: first load is ${kb(total)} gzip, the budget is ${BUDGET_KB} KB`);
    process.exitCode = 1;
  }
}

// What a licence file points at.
const TERMS = { '@novnc/novnc': ['docs/LICENSE.MPL-2.0', 'vendor/pako/LICENSE'] };
const SOURCE = (about) => `\nIts source, unchanged: ${about.repository.url.replace(/^git\+|\.git$/g, '')}/tree/v${about.version} (MPL 2.0, section 3.2)`;

function notices(packages) {
  const parts = packages.map((name) => {
    const dir = at('node_modules', name);
    const about = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'));
    const file = fs.readdirSync(dir).find((f) => /^licen[cs]e/i.test(f));
    const more = TERMS[name] ?? [];
    const text = file ? [file, ...more].map((f) => fs.readFileSync(path.join(dir, f), 'utf8').trim()).join('\n\n') : `Licence: ${about.license}`;
    return `${name} ${about.version}${about.license === 'MPL-2.0' ? SOURCE(about) : ''}\n\n${text}\n`;
  });
  parts.push('Icons: geometry from Lucide (https://lucide.dev)\n\nISC License, Copyright (c) Lucide Contributors\n');
  return parts.join('\n----------------------------------------\n\n');
}

async function runTests() {
  const out = at('node_modules/.tests');
  fs.rmSync(out, { recursive: true, force: true });
  const entryPoints = fs.readdirSync(at('test')).filter((f) => f.endsWith('.test.ts')).map((f) => 'test/' + f);
  await esbuild.build({
    ...common, entryPoints, outdir: out, outExtension: { '.js': '.mjs' }, platform: 'node', format: 'esm',
    define: { BN_DEV: 'false' }, sourcemap: 'inline',
  });
  const files = fs.readdirSync(out).filter((f) => f.endsWith('.mjs')).map((f) => path.join(out, f));
  const done = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], { stdio: 'inherit' });
  process.exitCode = done.status ?? 1;
}

if (process.argv.includes('--test')) {
  await runTests();
} else if (process.argv.includes('--watch')) {
  fs.mkdirSync(at('dist'), { recursive: true });
  const context = await esbuild.context(pageOptions(true));
  await context.watch();
} else {
  fs.rmSync(at('dist'), { recursive: true, force: true });
  await esbuild.build(pageOptions(false));
}
