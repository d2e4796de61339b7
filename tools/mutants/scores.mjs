// What is kept of the runs: the score of each folder, and the mutants that change nothing anybody can see, with the reason.
import { readFileSync, writeFileSync } from 'node:fs';

const scoresFile = new URL('scores.json', import.meta.url);

export const equivalents = JSON.parse(readFileSync(new URL('equivalents.json', import.meta.url), 'utf8'));

export function readScores() {
  return JSON.parse(readFileSync(scoresFile, 'utf8'));
}

export function writeScores(scores) {
  writeFileSync(scoresFile, `${JSON.stringify(scores, null, 2)}\n`);
}

/** The part of docs/proof.md that tells of them, in lines. */
export function scoreTable() {
  const rows = Object.entries(readScores()).map(
    ([folder, { mutants, equivalent, drawn, seed, found, tests, date }]) => {
      const share = `${((found / drawn) * 100).toFixed(0)} %`;
      const whole = drawn === mutants - equivalent;
      const sample = whole ? 'all' : `${drawn}, seed ${seed}`;
      return `| ${[folder, mutants, equivalent, sample, found, share, tests.join(', '), date].join(' | ')} |`;
    },
  );
  return [
    '## Faults that our own tests find',
    '',
    'No suite of others, but what says whether ours can fail: `npm run mutants -- FOLDER` changes the compiled code of a folder',
    'of `src/` in one place at a time (a condition, an operator, a boolean, a call), and runs the tests that go there. Those that',
    'nobody can tell from the code as it is are in `tools/mutants/equivalents.json`, each with its reason; those that no test',
    'found in `tools/mutants/scores.json`.',
    '',
    '| folder | mutants | equivalent | drawn | found | share | by the tests of | date |',
    `|${' --- |'.repeat(8)}`,
    ...rows,
    '',
  ];
}
