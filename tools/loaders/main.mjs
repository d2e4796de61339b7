// Loads the packed package as users' tools do, on the oldest and the newest Node, and holds the table in docs/loaders.md
// against what came of it: `npm run check:loaders`; with --write it writes the table. The tools come from npm, and the
// Nodes from the cache that .ci/node-matrix fills.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, makeProject, run } from './project.mjs';
import { rows, tools } from './rows.mjs';

const document = fileURLToPath(new URL('../../docs/loaders.md', import.meta.url));

/** The binary of this Node, found by the version that .ci/node-matrix names. */
function binaryOf(version) {
  const folder = readdirSync(cache).find((name) => /^node-\w+-\w+-/.test(name) && name.endsWith(`-${version}`));
  const found =
    folder === undefined ? '' : join(cache, folder, 'node_modules', folder.slice(0, -version.length - 1), 'bin/node');
  if (!existsSync(found)) throw new Error(`Node ${version} is not in ${cache}: .ci/node-matrix fetches it`);
  return found;
}

const matrix = readFileSync(new URL('../../.ci/node-matrix', import.meta.url), 'utf8');
const versions = /^nodes=\((.+)\)$/m.exec(matrix)[1].split(' ');
const nodes = [versions.at(0), versions.at(-1)].map((version) => ({ version, binary: binaryOf(version) }));
const { folder, project } = makeProject(tools);
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

/** Two at a time: a tool that waits for its workers leaves a core idle. */
const waiting = [...rows.entries()];
async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await tryRow(next[1], next[0]);
}
await Promise.all([work(), work()]);
rmSync(folder, { recursive: true });

const line = (items) => `| ${items.join(' | ')} |`;
const table = [
  line(['', ...nodes.map(({ version }) => `Node ${version}`)]),
  line(['---', ...nodes.map(() => '---')]),
  ...rows.map(({ name }, at) => line([name, ...cells[at]])),
].join('\n');
const text = readFileSync(document, 'utf8');
const fresh = text.replace(/(<!-- loaders: .+ -->\n)[^]*?(<!-- \/loaders -->)/, `$1\n${table}\n\n$2`);
if (process.argv.includes('--write')) writeFileSync(document, fresh);
else if (fresh !== text) {
  failed++;
  console.error(`docs/loaders.md is stale: npm run check:loaders -- --write\n${table}`);
}
console.log(`ℹ pass ${cells.flat().filter((cell) => cell === 'works').length}\nℹ fail ${failed}`);
process.exitCode = failed === 0 ? 0 : 1;
