// Runs the suites that others wrote, as far as they can run here, and writes docs/proof.md: `npm run proof`.
//   --from DIR    a folder with stored copies of projects whose suites are not on npm, each in a folder of its name
//   --only NAME   these suites only (may be given more than once)
//   --check       writes nothing; a score below the recorded one is a failure
// Without its copy a suite prints 'not run' and the last dated score, from scores.json.
import { parseArgs } from 'node:util';
import { findCopy } from './copies.mjs';
import { suites } from './suites.mjs';
import { readScores, writeDocument, writeScores } from './write.mjs';

const { values: options } = parseArgs({
  options: { from: { type: 'string' }, only: { type: 'string', multiple: true }, check: { type: 'boolean' } },
});
for (const name of options.only ?? []) {
  if (suites.some(({ id }) => id === name)) continue;
  console.error(`There is no suite ${name}. There are: ${suites.map(({ id }) => id).join(', ')}`);
  process.exit(2);
}

const scores = readScores();
const today = new Date().toISOString().slice(0, 10);
let failed = false;

function inWords({ ours, cases, excluded = [], peers }) {
  const left = excluded.reduce((sum, { cases: count }) => sum + count, 0);
  const others = peers.map(({ name, passed }) => `${name} ${passed}`).join(', ');
  return [`${ours} of ${cases}`, left > 0 && `${left} excluded`, others].filter(Boolean).join('; ');
}

for (const suite of suites) {
  if (options.only !== undefined && !options.only.includes(suite.id)) continue;
  const before = scores[suite.id];
  const copy = suite.copy === undefined ? undefined : findCopy(options.from, suite.copy);
  const missing = suite.copy !== undefined && copy === undefined ? `no copy of ${suite.copy}` : suite.missing?.();
  if (missing !== undefined) {
    const last = before === undefined ? 'and has no score' : `on ${before.date}: ${inWords(before)}`;
    console.log(`${suite.title}: not run (${missing}), ${last}`);
    continue;
  }
  const result = await suite.run({ copy });
  console.log(`${suite.title}, ${result.version}: ${inWords(result)}`);
  if (before !== undefined && before.ours / before.cases > result.ours / result.cases) {
    failed = true;
    console.error(`${suite.title}: it was ${inWords(before)} on ${before.date}`);
    for (const { what, reason } of result.differences) console.error(`  ${what}: ${reason}`);
  }
  scores[suite.id] = { date: today, ...result };
}

if (!options.check) {
  writeScores(scores);
  writeDocument();
}
process.exit(failed ? 1 : 0);
