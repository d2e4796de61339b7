// Runs the recipes of examples/sdks, with the packed package and the real client libraries, on the oldest and the newest Node,
// and holds the table in docs/sdks.md against what came of it: `npm run check:sdks`; with --write it writes the table.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inPairs, linkedProject, oldestAndNewest, run, withTable } from '../project.mjs';
import { packages, rows } from './rows.mjs';

const document = fileURLToPath(new URL('../../docs/sdks.md', import.meta.url));
const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const nodes = oldestAndNewest();
const { folder, project } = linkedProject('sdks', packages);
cpSync(examples, join(project, 'examples'), { recursive: true });
const cells = rows.map(() => nodes.map(() => ''));
let failed = 0;

function fail(message) {
  failed++;
  console.error(message);
}

const untried = readdirSync(join(examples, 'sdks')).filter(
  (file) => !rows.some(({ recipe, way }) => recipe === file || way.includes(file)),
);
if (untried.length > 0) fail(`no row runs ${untried.join(', ')}`);

await inPairs(rows, async ({ recipe, prints }, at) => {
  for (const [column, { version, binary }] of nodes.entries()) {
    cells[at][column] = 'fails';
    try {
      const printed = await run(binary, [join('examples/sdks', recipe)], project);
      if (printed !== `${prints.join('\n')}\n`) throw new Error(`${recipe} printed\n${printed}`);
      cells[at][column] = 'works';
    } catch (error) {
      fail(`Node ${version}: ${error.message}`);
    }
  }
});
rmSync(folder, { recursive: true });

const text = readFileSync(document, 'utf8');
const fresh = withTable(
  text,
  'sdks',
  ['', 'given', 'what is run', ...nodes.map(({ version }) => `Node ${version}`)],
  rows.map(({ recipe, name, of, way, does }, at) => {
    const title = name ?? of.map((one) => `${one} ${packages[one]}`).join(', ');
    return [`[${title}](../examples/${join('sdks', recipe)})`, way, does, ...cells[at]];
  }),
);
if (process.argv.includes('--write')) writeFileSync(document, fresh);
else if (fresh !== text) fail('docs/sdks.md is stale: npm run check:sdks -- --write');
console.log(`ℹ pass ${cells.flat().filter((cell) => cell === 'works').length}\nℹ fail ${failed}`);
process.exitCode = failed === 0 ? 0 : 1;
