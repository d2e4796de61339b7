// What the package weighs: `npm run budget`. The size of what npm would publish and of what an import loads are the same on
// every machine, and fail beyond their budgets; the time of an import is only printed, as a ratio to that of node:net and
// node:tls, which no client on TLS does without.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = pathToFileURL(join(root, 'lib', 'index.js')).href;
const pairs = 7;

/** In kB, and in files. Raise one with its reason in the commit. */
const budgets = { packed: 950, unpacked: 3_200, importedFiles: 3, imported: 660 };

function pack() {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-pack-'));
  try {
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
    const output = execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [{ size, unpackedSize }] = JSON.parse(output.slice(output.indexOf('[')));
    return { packed: size / 1000, unpacked: unpackedSize / 1000 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The files of ours that an import reads, found by a loader hook, and their bytes. */
function graph() {
  const hook = `
    import { registerHooks } from 'node:module';
    let files = 0, bytes = 0;
    registerHooks({ load(url, context, next) {
      const loaded = next(url, context);
      if (url.startsWith('file:')) { files++; bytes += loaded.source.length; }
      return loaded;
    } });
    await import(${JSON.stringify(entry)});
    console.log(JSON.stringify({ importedFiles: files, imported: bytes / 1000 }));`;
  return JSON.parse(run(hook));
}

function run(code) {
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
}

/** Milliseconds of CPU that a process spends on that import. */
function cpuOf(specifiers) {
  const imports = specifiers.map((one) => `await import(${JSON.stringify(one)});`).join('');
  return Number(
    run(`const before = process.cpuUsage(); ${imports}
    const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000);`),
  );
}

const hasHooks = 'registerHooks' in process.getBuiltinModule('node:module');
const weights = { ...pack(), ...(hasHooks ? graph() : {}) };
let within = true;
for (const [name, weight] of Object.entries(weights)) {
  const over = weight > budgets[name];
  if (over) within = false;
  console.log(`${name}: ${weight.toFixed(0)} of ${budgets[name]}${over ? ': beyond its budget' : ''}`);
}
if (!hasHooks)
  console.log('importedFiles, imported: not counted, this Node has no module.registerHooks (22.15 and later)');

const ours = [];
const base = [];
for (let i = 0; i < pairs; i++) {
  base.push(cpuOf(['node:net', 'node:tls']));
  ours.push(cpuOf([entry]));
}
const median = (figures) => figures.sort((a, b) => a - b)[figures.length >> 1];
console.log(`import: ${median(ours).toFixed(1)} ms of CPU; of node:net and node:tls: ${median(base).toFixed(1)} ms`);
if (!within) process.exitCode = 1;
