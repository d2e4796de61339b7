// Writes docs/performance.md and the README's tables from the last full runs: `npm run bench:report` takes the newest of
// each Node line that it is given (26 and 24), `npm run bench:report -- FILE.json...` these. The words are in
// bench/performance.md, and what bounds a line that is not reached in bench/notes.json.
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conditions, peerTable, profileLists, scenarioTables, targetSummary } from './lib/markdown.mjs';
import { withFigures } from './lib/readme.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const results = join(root, 'bench', 'results');
const lines = ['26', '24'];

/** The newest full run on a Node line. */
function newest(line) {
  const files = existsSync(results) ? readdirSync(results) : [];
  const full = files.filter((name) => new RegExp(`^node-${line}\\.\\d+\\.\\d+\\.json$`).test(name));
  const paths = full.map((name) => join(results, name)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (paths.length === 0) {
    console.error(`There is no full run on Node ${line} in bench/results: npm run bench -- --node PATH`);
    process.exit(2);
  }
  return paths[0];
}

/** The last profile of each client in each scenario that was taken on that Node. */
function profilesOf(path) {
  const stem = basename(path, '.json');
  const files = readdirSync(results).filter((name) => name.startsWith(`${stem}-`) && name.endsWith('profiles.json'));
  const byAge = files.map((name) => join(results, name)).sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
  const all = byAge.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')));
  return [...new Map(all.map((one) => [`${one.scenario}, ${one.variant}: ${one.client}`, one])).values()];
}

const paths = process.argv.length > 2 ? process.argv.slice(2) : lines.map(newest);
const runs = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')));
const major = ({ node }) => /\d+/.exec(node)[0];

// The profiles of the first run's lines that are not reached, one a scenario and client.
const missed = new Set(
  runs[0].scenarios.flatMap(({ name, variants }) =>
    variants.flatMap((variant) =>
      variant.targets.filter(({ reached }) => reached === 'no').map(({ of }) => `${name}, ${variant.name}: ${of}`),
    ),
  ),
);
const profiles = profilesOf(paths[0]).filter(({ scenario, variant, client }) =>
  missed.has(`${scenario}, ${variant}: ${client}`),
);

const notes = JSON.parse(readFileSync(join(root, 'bench', 'notes.json'), 'utf8'));
const open = new Set([...missed].map((line) => line.split(',')[0]));
const bounds = Object.entries(notes).filter(([scenario]) => open.has(scenario));

const parts = {
  targets: targetSummary(runs).join('\n'),
  bounds:
    bounds.length === 0 ? 'Every line is reached.' : bounds.map(([name, note]) => `- **${name}**: ${note}`).join('\n'),
  profiles: profileLists(profiles, '###').join('\n').trim(),
  runs: runs
    .flatMap((run) => [
      `## All figures, Node ${major(run)}`,
      '',
      conditions(run),
      '',
      `![Targets on Node ${major(run)}](performance-node${major(run)}.svg)`,
      ...scenarioTables(run, '###'),
      '',
      '### Clients',
      '',
      ...peerTable(run),
      '',
    ])
    .join('\n')
    .trim(),
};

const frame = readFileSync(join(root, 'bench', 'performance.md'), 'utf8');
const text = frame.replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
writeFileSync(join(root, 'docs', 'performance.md'), text.replace(/\n{3,}/g, '\n\n'));
paths.forEach((path, i) => {
  copyFileSync(path.replace(/\.json$/, '.svg'), join(root, 'docs', `performance-node${major(runs[i])}.svg`));
});
const readme = join(root, 'README.md');
writeFileSync(readme, withFigures(readFileSync(readme, 'utf8'), runs));
console.log(
  `docs/performance.md and the README's table are written from ${paths.map((path) => basename(path)).join(' and ')}`,
);
