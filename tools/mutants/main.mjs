// How many faults of one place the tests find: `npm run mutants -- FOLDER`, a folder of src/.
//   --limit N     as many mutants, drawn by the seed (20)
//   --seed S      what is drawn (1)
//   --tests A,B   folders of test/ that are to find them (the folder of the same name)
//   --again       only those that the recorded run did not find
//   --record      keeps the outcome in scores.json, and with it the table in docs/proof.md
// A copy of the compiled package is changed in one place at a time; a mutant is found when a test file that goes there fails
// or does not end. Not drawn are those of equivalents.json: nobody can tell them from the code as it is.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeDocument } from '../proof/write.mjs';
import { mutantsOf } from './mutate.mjs';
import { enters, passes, reachOf } from './reach.mjs';
import { equivalents, readScores, writeScores } from './scores.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    tests: { type: 'string' },
    again: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});
const [room] = positionals;
const folders = (values.tests ?? room ?? '').split(',');
const modules = room !== undefined && readdirSync(join(root, 'dist')).includes(room) ? modulesOf(room) : [];
if (modules.length === 0) stop('Name a folder of src/ that is built: npm run mutants -- http1');

function stop(why) {
  console.error(why);
  process.exit(2);
}

function modulesOf(folder) {
  return readdirSync(join(root, 'dist', folder), { recursive: true })
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

// --- which mutants ---

const all = modules.flatMap((module) =>
  mutantsOf(readFileSync(join(root, module), 'utf8')).map((mutant) => ({
    ...mutant,
    module,
    key: `${relative('dist', module)}: ${mutant.name}`,
  })),
);
const same = new Set(equivalents.map(({ mutant }) => mutant).filter((key) => key.startsWith(`${room}/`)));
for (const key of same)
  if (!all.some((one) => one.key === key)) stop(`equivalents.json has a mutant that is none: ${key}`);

const scores = readScores();
const before = scores[room];
const candidates = all.filter(({ key }) => !same.has(key) && (!values.again || before.notFound.includes(key)));
const drawn = values.again ? candidates : draw(candidates, Number(values.limit), randomFrom(Number(values.seed)));

function draw(from, count, random) {
  const left = [...from];
  const chosen = [];
  while (chosen.length < count && left.length > 0) chosen.push(...left.splice(Math.floor(random() * left.length), 1));
  return chosen;
}

// --- what finds them ---

const copy = mkdtempSync(join(tmpdir(), 'passinglane-mutants-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const name of ['dist', 'build', 'lib', 'src', 'test', 'docs', 'README.md', 'package.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

const reaches = folders
  .flatMap((folder) =>
    readdirSync(join(copy, 'build', folder), { recursive: true })
      .filter((name) => name.endsWith('.test.js'))
      .map((name) => join('build', folder, name)),
  )
  .map(
    (file) => reachOf(copy, file, modules) ?? reachOf(copy, file, modules) ?? stop(`${file} fails without a mutant.`),
  )
  .sort((one, other) => one.time - other.time);

/** Whether a file that goes there fails, or takes so long that the mutant must have made it hang. */
function isFound({ module, start }) {
  return reaches
    .filter((reach) => enters(reach, module, start))
    .some(({ file, time }) => !passes(copy, file, 15_000 + 5 * time));
}

const notFound = [];
for (const mutant of drawn) {
  const { module, line, key, text } = mutant;
  const whole = readFileSync(join(root, module));
  writeFileSync(join(copy, module), text);
  if (!isFound(mutant)) {
    notFound.push(key);
    console.log(`not found, line ${line}: ${key}`);
  }
  writeFileSync(join(copy, module), whole);
}

// --- the score ---

// Those of a recorded run that are no mutants any more, or that nobody can tell, count no longer.
const count = values.again ? before.drawn - before.notFound.length + drawn.length : drawn.length;
const found = count - notFound.length;
console.log(`${room}: ${found} of ${count} mutants found by the tests in ${folders.join(', ')}, seed ${values.seed}`);
if (values.record) {
  const date = new Date().toISOString().slice(0, 10);
  const seed = values.again ? before.seed : Number(values.seed);
  const entry = {
    date,
    seed,
    mutants: all.length,
    equivalent: same.size,
    drawn: count,
    found,
    tests: folders,
    notFound,
  };
  writeScores({ ...readScores(), [room]: entry });
  writeDocument();
}
