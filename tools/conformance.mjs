// Holds conformance/*.json against the statements of the reference behaviour, against the problems of users, and against
// the tests: each has a test that exists, by file and title, or a reason. Writes docs/conformance.md, prints the totals.
// `node tools/conformance.mjs` checks and writes; with --check it writes nothing, and a stale document is a failure.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The sections of the reference: letter, title, number of statements. */
const sections = [
  ['A', 'State, output and admission', 55],
  ['B', 'Options, preamble, methods', 44],
  ['C', 'Connections, lifetime, pool', 46],
  ['D', 'Request encoding', 45],
  ['E', 'Response handling', 55],
  ['F', 'Flow control', 29],
  ['G', 'Retries', 15],
  ['H', 'GOAWAY, RST_STREAM, PING, SETTINGS, health', 44],
  ['I', 'Limits and abuse', 26],
  ['J', 'Framer and header compression', 54],
  ['K', 'Faults found elsewhere since', 93],
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const document = join(root, 'docs', 'conformance.md');
const checkOnly = process.argv.includes('--check');
const problems = [];

/** Every test under test/ as `file\\ntitle`, the title as the source has it (`${...}` of a template included). */
function collectTests() {
  const tests = new Set();
  for (const entry of readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.test.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
    const file = relative(root, path).replaceAll('\\', '/');
    /** Strings by the name of the variable that holds them, for tests whose name stands apart. */
    const strings = new Map();
    const visit = (node) => {
      if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
        const text = stringOf(node.initializer, source);
        if (text !== undefined) strings.set(node.name.getText(source), text);
      }
      const name = testName(node);
      const text = name === undefined ? undefined : (stringOf(name, source) ?? strings.get(name.getText(source)));
      if (text !== undefined) tests.add(`${file}\n${text}`);
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return tests;
}

/** What names the test in a call of test(...), it(...) or t.test(...); undefined for any other node. */
function testName(node) {
  if (!ts.isCallExpression(node)) return undefined;
  const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
  return ts.isIdentifier(callee) && ['test', 'it'].includes(callee.text) ? node.arguments[0] : undefined;
}

function stringOf(node, source) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.getText(source).slice(1, -1) : undefined;
}

/** The tests that an entry names by file and title, each of which has to exist. */
function findTests(id, named, tests) {
  const found = [];
  for (const [file, titles] of Object.entries(named)) {
    for (const title of titles) {
      if (tests.has(`${file}\n${title}`)) found.push({ file, title });
      else problems.push(`${id}: ${file} has no test ${JSON.stringify(title)}`);
    }
  }
  return found;
}

/** The entry of one statement, checked; undefined where there is none. */
function readEntry(id, entry, tests) {
  if (entry === undefined) return undefined;
  const isText = (value) => typeof value === 'string' && value.trim() !== '';
  if (!isText(entry.we)) problems.push(`${id}: "we" has to say in one line what we do`);
  if (entry.reason !== undefined && !isText(entry.reason)) problems.push(`${id}: "reason" is empty`);
  const unknown = Object.keys(entry).filter((key) => !['we', 'tests', 'reason'].includes(key));
  if (unknown.length > 0) problems.push(`${id}: unknown key ${unknown.join(', ')}`);
  return { id, we: entry.we, reason: entry.reason, tests: findTests(id, entry.tests ?? {}, tests) };
}

/** The entries of conformance/`name`.json; undefined, with a problem said, where there are none. */
function readLedger(name) {
  try {
    return JSON.parse(readFileSync(join(root, 'conformance', `${name}.json`), 'utf8'));
  } catch (error) {
    problems.push(`conformance/${name}.json: ${error.message}`);
    return undefined;
  }
}

function readSection(letter, count, tests) {
  const entries = readLedger(letter);
  if (entries === undefined) return undefined;
  const ids = Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
  for (const id of Object.keys(entries)) {
    if (!ids.includes(id)) problems.push(`conformance/${letter}.json: there is no statement ${id}`);
  }
  const rows = ids.map((id) => readEntry(id, entries[id], tests)).filter((row) => row !== undefined);
  const answered = new Set(rows.filter((row) => row.tests.length > 0 || row.reason !== undefined).map((row) => row.id));
  const missing = ids.filter((id) => !answered.has(id));
  if (missing.length > 0) problems.push(`section ${letter}: neither test nor reason for ${missing.join(', ')}`);
  const tested = rows.filter((row) => row.tests.length > 0).length;
  const differing = rows.filter((row) => row.reason !== undefined).length;
  return { rows, tested, differing, missing: missing.length };
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');

/** The first tests by title with their files, and how many more there are. */
function showTests(tests) {
  const shown = tests.slice(0, 4).map(({ title, file }) => `${cell(title)} (${file})`);
  if (tests.length > shown.length) shown.push(`and ${tests.length - shown.length} more`);
  return shown;
}

/** One line of the table: the tests, then the reason. */
function line({ id, we, reason, tests }) {
  const shown = showTests(tests);
  if (reason !== undefined) shown.push(`${shown.length > 0 ? 'Differs: ' : ''}${cell(reason)}`);
  return `| ${id} | ${cell(String(we))} | ${shown.join('; ')} |`;
}

/** What users of other clients suffer from, each with the tests that show it is not so here. */
function readUserProblems(tests) {
  return Object.entries(readLedger('problems') ?? {}).map(([id, { problem, tests: named }]) => {
    const found = findTests(`problem ${id}`, named, tests);
    if (found.length === 0) problems.push(`problem ${id}: no test`);
    return `| ${id} | ${cell(problem)} | ${showTests(found).join('; ')} |`;
  });
}

const tests = collectTests();
const userProblems = readUserProblems(tests);
const results = sections.map(([letter, title, count]) => ({
  letter,
  title,
  count,
  ...readSection(letter, count, tests),
}));
const total = { statements: 0, tested: 0, differing: 0, missing: 0 };
const summary = [];
for (const { letter, title, count, tested = 0, differing = 0, missing = count } of results) {
  total.statements += count;
  total.tested += tested;
  total.differing += differing;
  total.missing += missing;
  summary.push([letter, title, count, tested, differing, missing]);
}

const text = [
  '# Conformance, statement by statement',
  '',
  'Written by `npm run conformance` from `conformance/*.json`; do not edit. Each statement is one behaviour of an HTTP/2',
  'client transport in long use. Ours holds it and a test shows it, or the line says why we differ or why the statement',
  'cannot apply to a single-threaded runtime. At the end, what users of other clients suffer from, held the same way.',
  '',
  '| | section | statements | tested | differs, with reason | missing |',
  '| --- | --- | --- | --- | --- | --- |',
  ...summary.map((row) => `| ${row.join(' | ')} |`),
  `| | total | ${total.statements} | ${total.tested} | ${total.differing} | ${total.missing} |`,
  ...results
    .filter(({ rows }) => rows !== undefined)
    .flatMap(({ letter, title, rows }) => [
      '',
      `## ${letter}. ${title}`,
      '',
      '| | what passinglane does | test, or reason |',
      '| --- | --- | --- |',
      ...rows.map(line),
    ]),
  '',
  '## What users of other clients suffer from',
  '',
  '| | problem | test that it is not so here |',
  '| --- | --- | --- |',
  ...userProblems,
  '',
].join('\n');

if (!checkOnly) {
  mkdirSync(dirname(document), { recursive: true });
  writeFileSync(document, text);
} else if (!existsSync(document) || readFileSync(document, 'utf8') !== text) {
  problems.push('docs/conformance.md is not what the sources say: run npm run conformance');
}
for (const problem of problems) console.error(problem);
for (const [letter, , count, tested, differing, missing] of summary) {
  console.log(
    `${letter}: ${count} statements, ${tested} tested, ${differing} differing with reason, ${missing} missing`,
  );
}
console.log(
  `all: ${total.statements} statements, ${total.tested} tested, ` +
    `${total.differing} differing with reason, ${total.missing} missing`,
);
if (problems.length > 0) process.exitCode = 1;
