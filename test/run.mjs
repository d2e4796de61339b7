// Runs the compiled tests: `node test/run.mjs` all quick ones, `node test/run.mjs wire hpack` those of some folders,
// `node test/run.mjs interop` a folder that is slow and so runs only when named; `--runtime` only those quick ones in which
// it matters what Node does.
// (`node --test` of Node 20 expands no globs, so the files are listed here.)
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reporters } from './reporters.mjs';

/** Folders that run by their own command only. */
const onRequest = new Set(['hostile', 'interop', 'package', 'soak']);

/**
 * Folders whose subjects use nothing of Node's: no socket or timer, but bytes, a virtual clock and virtual peers. (The
 * streams of bodies that pool/ hands on have folders of their own.) What the oldest and the newest Node agree on there, those
 * between do as well: they are V8 alone, and slow.
 */
const pure = new Set(['fuzz', 'hpack', 'pool', 'protocol', 'rfc', 'simulation', 'wire']);

/** Slow files that say the same on each of them too: what a flag means to curl, and what 20,000 requests leave behind. */
const alike = new Set(['cli/curl-flags.test.js', 'users/aborts.test.js'].map((file) => file.replace('/', sep)));

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const build = join(root, 'build');
const areas = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-') && argument !== '--runtime');
const runtime = process.argv.includes('--runtime');

for (const area of areas) {
  if (!existsSync(join(build, area))) {
    console.error(`There is no folder build/${area}: name a folder of test/, and build it first (npm run build).`);
    process.exit(2);
  }
}

function isWanted(file) {
  const [area] = file.split(sep);
  if (areas.length > 0) return areas.includes(area);
  return !onRequest.has(area) && !(runtime && (pure.has(area) || alike.has(file)));
}
const files = readdirSync(build, { recursive: true })
  .filter((file) => file.endsWith('.test.js') && isWanted(file))
  .map((file) => relative(process.cwd(), join(build, file)))
  .sort();
if (files.length === 0) {
  console.error('No compiled test was found.');
  process.exit(2);
}

const args = [
  '--test',
  ...reporters,
  // Files wait for processes and timers as much as they compute: one more of them than there are cores keeps those busy.
  `--test-concurrency=${availableParallelism() + 1}`,
  // The time-outs are guards against a hang, never a pass mark. This one is for a test, and for a file as a whole; that of
  // the child below for a file whose tests have ended and whose process has not, which later Nodes wait for without end.
  '--test-timeout=300000',
  ...flags,
  ...files,
];
const child = spawn(process.execPath, args, { stdio: 'inherit', timeout: 900_000 });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (signal !== null || child.killed)
    console.error(
      `failed test: node ${process.version}: the tests were ended by ${signal ?? 'SIGTERM'}: they run at most fifteen minutes`,
    );
  process.exitCode = code ?? 1;
});
