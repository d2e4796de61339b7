// Holds the documents against the package: every link leads somewhere, every block of JavaScript and TypeScript compiles
// against the built package, and every block marked `run` (```js run) does run, with https://example.com answered by an
// origin of this process. `npm run check:docs`; it ends with a line of counts.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { startExampleOrigin } from './origin.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const work = join(root, 'build', 'docs');
const problems = [];
let passed = 0;

/** Every document: those of the root, and all under docs/. */
function documents() {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'));
  const rest = readdirSync(join(root, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md'));
  return [...top, ...rest.map((name) => join('docs', name))].sort();
}

/** The fenced blocks of a text: language, what follows it, the code, and the line where the code begins. */
function blocks(text) {
  const found = [];
  let open;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(\w*) ?(.*)$/.exec(line);
    if (open === undefined && fence !== null) open = { language: fence[1], info: fence[2], line: index + 2, code: [] };
    else if (open !== undefined && line === '```') {
      found.push({ ...open, code: open.code.join('\n') + '\n' });
      open = undefined;
    } else open?.code.push(line);
  }
  return found;
}

/** The anchors that GitHub makes of a document's headings. */
function anchors(text) {
  return new Set(
    text
      .split('\n')
      .filter((line) => /^#{1,6} /.test(line))
      .map((line) =>
        line
          .replace(/^#+ /, '')
          .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .trim()
          .replace(/\s/g, '-'),
      ),
  );
}

function checkLinks(document, text) {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(https?|mailto):/.test(target)) continue;
    const [path, anchor] = target.split('#');
    const file = path === '' ? join(root, document) : join(root, dirname(document), path);
    if (!existsSync(file)) problems.push(`${document}: the link to ${target} leads nowhere`);
    else if (anchor !== undefined && file.endsWith('.md') && !anchors(readFileSync(file, 'utf8')).has(anchor))
      problems.push(`${document}: ${path || 'this document'} has no heading #${anchor}`);
    else passed++;
  }
}

/** Compiles all blocks in one go: each is a module of its own. */
function checkTypes(files) {
  const program = ts.createProgram(
    files.map(({ file }) => file),
    {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.esnext.array.d.ts'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
      allowJs: true,
      checkJs: true,
      strict: true,
      noImplicitAny: false,
      useUnknownInCatchVariables: false,
      skipLibCheck: true,
      noEmit: true,
    },
  );
  for (const { file, where } of files) {
    const source = program.getSourceFile(file);
    const faults = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    if (faults.length === 0) passed++;
    for (const fault of faults) {
      const { line } = source.getLineAndCharacterOfPosition(fault.start ?? 0);
      problems.push(
        `${where.document}:${where.line + line}: ${ts.flattenDiagnosticMessageText(fault.messageText, ' ')}`,
      );
    }
  }
}

function run(file, where, origin) {
  return new Promise((resolve) => {
    const preload = pathToFileURL(join(root, 'tools', 'docs', 'preload.mjs')).href;
    const child = spawn(process.execPath, ['--import', preload, file], {
      cwd: work,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: origin.certificate, EXAMPLE_PORT: String(origin.port) },
      timeout: 30_000,
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('exit', (code) => {
      if (code === 0) passed++;
      else problems.push(`${where.document}:${where.line}: the block did not run (exit code ${code}):\n${output}`);
      resolve();
    });
  });
}

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const files = [];
for (const document of documents()) {
  const text = readFileSync(join(root, document), 'utf8');
  checkLinks(document, text);
  for (const { language, info, line, code } of blocks(text)) {
    if (!['js', 'ts'].includes(language)) continue;
    const name = `${basename(document, '.md')}-${line}.${language === 'js' ? 'mjs' : 'mts'}`;
    const file = join(work, relative('.', name));
    writeFileSync(file, code);
    files.push({ file, runs: info === 'run', where: { document, line } });
  }
}
checkTypes(files);
const origin = await startExampleOrigin(work);
for (const { file, runs, where } of files) if (runs) await run(file, where, origin);
await origin.close();

for (const problem of problems) console.error(problem);
console.log(`ℹ pass ${passed}\nℹ fail ${problems.length}`);
process.exitCode = problems.length === 0 ? 0 : 1;
