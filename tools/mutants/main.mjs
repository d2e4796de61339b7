// How many faults of one place the tests of a folder find: `npm run mutants -- FOLDER`, a folder of src/.
//   --limit N     as many mutants, drawn by the seed (20)
//   --seed S      what is drawn (1)
//   --tests A,B   folders of test/ that are to find them (the folder of the same name)
// A copy of the compiled package is changed in one place at a time; a mutant is found when a test fails or does not end.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutantsOf } from './mutate.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    tests: { type: 'string' },
  },
});
const [room] = positionals;
const folders = (values.tests ?? room ?? '').split(',');
const modules = room === undefined ? [] : readdirSync(join(root, 'dist')).includes(room) ? modulesOf(room) : [];
if (modules.length === 0) {
  console.error('Name a folder of src/ that is built: npm run mutants -- http1');
  process.exit(2);
}

function modulesOf(folder) {
  return readdirSync(join(root, 'dist', folder))
    .filter((name) => name.endsWith('.js'))
    .map((name) => join('dist', folder, name));
}

/** Numbers from 0 to 1 that the seed alone decides (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const copy = mkdtempSync(join(tmpdir(), 'passinglane-mutants-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const name of ['dist', 'build', 'lib', 'test', 'package.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

const files = folders.flatMap((folder) =>
  readdirSync(join(copy, 'build', folder), { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join('build', folder, name)),
);

/** Whether the tests pass, within the time; one file after another, as far as the first that fails. */
function pass(timeout) {
  for (const file of files) {
    const { status } = spawnSync(process.execPath, ['--test', file], { cwd: copy, timeout, stdio: 'ignore' });
    if (status !== 0) return false;
  }
  return true;
}

const before = Date.now();
if (!pass(600_000)) {
  console.error(`The tests in ${folders.join(', ')} fail without a mutant.`);
  process.exit(2);
}
/** A mutant that makes a file's tests take longer than all of them took has made them hang. */
const limit = Math.max(30_000, 2 * (Date.now() - before));

const all = modules.flatMap((module) =>
  mutantsOf(readFileSync(join(root, module), 'utf8')).map((mutant) => ({ module, ...mutant })),
);
const random = randomFrom(Number(values.seed));
const drawn = [];
while (drawn.length < Number(values.limit) && all.length > 0) {
  drawn.push(...all.splice(Math.floor(random() * all.length), 1));
}

let found = 0;
for (const { module, line, was, is, text } of drawn) {
  const whole = readFileSync(join(root, module));
  writeFileSync(join(copy, module), text);
  if (pass(limit)) console.log(`not found: ${relative('dist', module)}:${line}: ${was}  ->  ${is}`);
  else found++;
  writeFileSync(join(copy, module), whole);
}
console.log(
  `${room}: ${found} of ${drawn.length} mutants found by the tests in ${folders.join(', ')}, seed ${values.seed}`,
);
