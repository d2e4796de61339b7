// Runs the compiled tests: `node test/run.mjs` all quick ones, `node test/run.mjs wire hpack` those of some folders,
// `node test/run.mjs interop` a folder that is slow and so runs only when named.
// (`node --test` of Node 20 expands no globs, so the files are listed here.)
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders that run by their own command only. */
const onRequest = new Set(['hostile', 'interop', 'package', 'soak']);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const build = join(root, 'build');
const areas = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));

for (const area of areas) {
  if (!existsSync(join(build, area))) {
    console.error(`There is no folder build/${area}: name a folder of test/, and build it first (npm run build).`);
    process.exit(2);
  }
}

const isWanted = (area) => (areas.length > 0 ? areas.includes(area) : !onRequest.has(area));
const files = readdirSync(build, { recursive: true })
  .filter((file) => file.endsWith('.test.js') && isWanted(file.split(sep)[0]))
  .map((file) => relative(process.cwd(), join(build, file)))
  .sort();
if (files.length === 0) {
  console.error('No compiled test was found.');
  process.exit(2);
}

// The time-outs are guards against a hang, never a pass mark. The second is for a file whose tests have ended and whose
// process has not, which later Nodes wait for without end.
const args = ['--test', '--test-reporter=spec', '--test-timeout=120000', ...flags, ...files];
const child = spawn(process.execPath, args, { stdio: 'inherit', timeout: 900_000 });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (signal !== null) console.error(`The tests were ended by ${signal}: they run at most fifteen minutes.`);
  process.exitCode = code ?? 1;
});
