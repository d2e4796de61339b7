// What another project's tests say of ours, beside what they say of that project itself.

/** How much of a suite may be left out of its score. */
const mostExcluded = 0.2;

/** The reason of the first rule that a case matches by its file, name or error. */
function reasonOf(rules, { file, name, error = '' }) {
  return rules.find(({ pattern }) => pattern.test(`${file} ${name} ${error}`))?.reason;
}

const keyOf = ({ file, name }) => `${file}: ${name}`;

/** Names of cases, those of a file behind it. */
function named(cases) {
  const files = new Map();
  for (const { file, name } of cases) files.set(file, [...(files.get(file) ?? []), name]);
  return [...files].map(([file, names]) => `${file}: ${names.join('; ')}`).join('; ');
}

/**
 * The score of `ours`, the cases that were run over ours; `theirs` are those of the same files over the project itself,
 * as far as they were needed. A case that fails there too is left out, as are those that `excluded` has a rule for.
 */
export function tally(ours, theirs, { excluded, different, project }) {
  const failsAnyway = new Set(theirs.filter(({ passed }) => !passed).map(keyOf));
  const left = new Map();
  const differences = [];
  let passed = 0;
  const run = ours.filter(({ skipped }) => !skipped);
  for (const one of run) {
    const fails = failsAnyway.has(keyOf(one)) && !one.passed;
    const reason = fails ? `they fail over ${project} itself here` : reasonOf(excluded, one);
    if (reason !== undefined) left.set(reason, [...(left.get(reason) ?? []), one]);
    else if (one.passed) passed++;
    else differences.push({ what: keyOf(one), reason: reasonOf(different, one) ?? `not explained: ${firstLine(one)}` });
  }
  const excludedCases = [...left].map(([reason, cases]) => ({ what: named(cases), cases: cases.length, reason }));
  const cases = run.length - excludedCases.reduce((sum, each) => sum + each.cases, 0);
  if (cases < (1 - mostExcluded) * run.length)
    throw new Error(`more than a fifth of ${project}'s ${run.length} cases are excluded`);
  return { cases, excluded: excludedCases, ours: passed, peers: [], differences };
}

function firstLine({ error }) {
  return error.split('\n')[0];
}
