// Loads the packed package as users' tools do, on the oldest and the newest Node, and holds the table in docs/loaders.md
// against what came of it: `npm run check:loaders`; with --write it writes the table. The tools come from npm, and the
// Nodes from the cache that .ci/node-matrix fills.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inPairs, installedProject, oldestAndNewest, run, withTable } from '../project.mjs';
import { writeApp } from './app.mjs';
import { rows, tools } from './rows.mjs';

const document = fileURLToPath(new URL('../../docs/loaders.md', import.meta.url));
const nodes = oldestAndNewest();
const { folder, project } = installedProject('loaders', tools);
writeApp(project);
const cells = rows.map(() => nodes.map(() => ''));
let failed = 0;

async function tryRow(row, at) {
  try {
    await row.build?.(project);
  } catch (error) {
    failed++;
    console.error(`${row.name}: ${error.message}`);
    return cells[at].fill('fails');
  }
  for (const [column, { version, binary }] of nodes.entries()) {
    if (Number.parseInt(version) < (row.from ?? 0)) {
      cells[at][column] = `the tool needs ${row.from}`;
      continue;
    }
    try {
      for (const args of row.runs) await run(binary, args, project);
      cells[at][column] = 'works';
    } catch (error) {
      failed++;
      cells[at][column] = 'fails';
      console.error(`${row.name}, Node ${version}: ${error.message}`);
    }
  }
}

await inPairs(rows, tryRow);
rmSync(folder, { recursive: true });

const text = readFileSync(document, 'utf8');
const fresh = withTable(
  text,
  'loaders',
  ['', ...nodes.map(({ version }) => `Node ${version}`)],
  rows.map(({ name }, at) => [name, ...cells[at]]),
);
if (process.argv.includes('--write')) writeFileSync(document, fresh);
else if (fresh !== text) {
  failed++;
  console.error('docs/loaders.md is stale: npm run check:loaders -- --write');
}
console.log(`ℹ pass ${cells.flat().filter((cell) => cell === 'works').length}\nℹ fail ${failed}`);
process.exitCode = failed === 0 ? 0 : 1;
