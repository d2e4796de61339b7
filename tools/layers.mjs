// Writes what follows from layers.json, the one declaration of what a layer of src/ may import: the TypeScript projects
// of the layers, and the table in CONTRIBUTING.md. `npm run layers` writes; with --check it writes nothing, and a file
// that says otherwise is a failure. (dependency-cruiser reads layers.json itself.)
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const layers = JSON.parse(readFileSync(join(root, 'layers.json'), 'utf8'));
const checkOnly = process.argv.includes('--check');
const stale = [];

/** The project of a layer, from src/: a folder has its tsconfig.json inside; files share src/ and have one by name. */
function projectOf(name) {
  if (layers[name].files === undefined) return name;
  return name === 'index' ? 'tsconfig.json' : `tsconfig.${name}.json`;
}

function tsconfig(name, { files, pure, uses }) {
  const up = files === undefined ? '../' : '';
  return {
    extends: `${up}../tsconfig.base.json`,
    compilerOptions: {
      rootDir: files === undefined ? '..' : '.',
      outDir: `${up}../dist`,
      tsBuildInfoFile: `${up}../dist/${files === undefined ? `${name}/` : `.${name}`}.tsbuildinfo`,
      types: pure ? [] : ['node'],
    },
    ...(files === undefined ? { include: [name === 'view' ? '*.ts' : '**/*.ts'] } : { files }),
    // The page of view/ runs in a browser, and is a project of its own that the command ships.
    references: [...uses.map(projectOf), ...(name === 'cli' ? ['view/page'] : [])].map((path) => ({
      path: `${up}${path}`,
    })),
  };
}

const place = (name) => (layers[name].files ?? [name]).map((path) => `\`src/${path}\``).join(', ');

function table() {
  const rows = Object.entries(layers).map(
    ([name, { holds, uses }]) => `| ${place(name)} | ${holds} | ${uses.length === 0 ? 'nothing' : uses.join(', ')} |`,
  );
  return ['| room | what is in it | it may import |', '| --- | --- | --- |', ...rows].join('\n');
}

async function keep(path, text, parser) {
  const { printWidth, singleQuote } = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
  const laid = parser === undefined ? text : await format(text, { parser, printWidth, singleQuote });
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === laid) return;
  if (checkOnly) stale.push(path);
  else writeFileSync(file, laid);
}

for (const [name, layer] of Object.entries(layers)) {
  const project = projectOf(name);
  const path = project.endsWith('.json') ? `src/${project}` : `src/${project}/tsconfig.json`;
  await keep(path, JSON.stringify(tsconfig(name, layer)), 'json');
}
const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
const [start, end] = ['<!-- layers: npm run layers -->\n', '<!-- /layers -->'];
const [from, to] = [contributing.indexOf(start) + start.length, contributing.indexOf(end)];
if (from < start.length || to < from) throw new Error('CONTRIBUTING.md has no place for the table of layers');
const rows = (await format(table(), { parser: 'markdown' })).trim();
await keep('CONTRIBUTING.md', `${contributing.slice(0, from)}\n${rows}\n\n${contributing.slice(to)}`);

for (const path of stale) console.error(`${path} is not what layers.json says: run npm run layers`);
if (stale.length > 0) process.exitCode = 1;
