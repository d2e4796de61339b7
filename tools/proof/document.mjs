// docs/proof.md, from the latest result of each suite.
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('<', '&lt;');
const row = (items) => `| ${items.map(cell).join(' | ')} |`;

const opening = `# What suites that others wrote say

Written by \`npm run proof\`; do not edit. A score is the cases that pass, of those that are not excluded; each exclusion has
its reason below. Beside it stands what the best of the clients that were put to the same cases, in the same run, came to.
Suites that are not on npm run from a copy of their project (\`npm run proof -- --from DIR\`, with a folder for each);
without one their last score stands, with its date.
`;

function peersOf({ peers }) {
  if (peers.length === 0) return 'none was put to it';
  return [...peers]
    .sort((a, b) => b.passed - a.passed)
    .map(({ name, passed, cases }) => `${name}: ${passed}${cases === undefined ? '' : ` of ${cases}`}`)
    .join('; ');
}

function details(suite, score) {
  const lines = [`## ${suite.title}`, '', suite.about, ''];
  if (score.excluded?.length > 0) {
    lines.push('| excluded | cases | reason |', '| --- | --- | --- |');
    for (const { what, cases, reason } of score.excluded) lines.push(row([what, cases, reason]));
    lines.push('');
  }
  if (score.differences.length === 0) lines.push('No case fails.');
  else {
    lines.push('| case that fails | why |', '| --- | --- |');
    for (const { what, reason } of score.differences) lines.push(row([what, reason]));
  }
  lines.push('');
  if (score.theirs?.length > 0) {
    lines.push('| case that another client fails | why |', '| --- | --- |');
    for (const { what, reason } of score.theirs) lines.push(row([what, reason]));
    lines.push('');
  }
  return lines;
}

/** The document's text. Suites that have never run are not in it. */
export function documentOf(suites, scores) {
  const known = suites.filter(({ id }) => scores[id] !== undefined);
  const lines = [opening, '| suite | version | cases | excluded | ours | others | date |', `|${' --- |'.repeat(7)}`];
  for (const suite of known) {
    const score = scores[suite.id];
    const excluded = (score.excluded ?? []).reduce((sum, { cases }) => sum + cases, 0);
    lines.push(row([suite.title, score.version, score.cases, excluded, score.ours, peersOf(score), score.date]));
  }
  lines.push('', ...known.flatMap((suite) => details(suite, scores[suite.id])));
  return lines.join('\n');
}
