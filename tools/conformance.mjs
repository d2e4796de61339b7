// Holds conformance/*.json against the statements of the reference behaviour and against the tests: every statement has
// a test that exists or a reason, and every test named exists. Writes docs/conformance.md and prints the totals.
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

/** Every test under test/: its name as the source has it (`${...}` of a template included) and its file. */
function collectTests() {
  const tests = [];
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
      if (text !== undefined) tests.push({ name: text, file });
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

/** Does `name` hold `part` as whole words, so that A2 is not found in A24? */
function holds(name, part) {
  const isWord = (character) => character !== undefined && /[A-Za-z0-9]/.test(character);
  for (let at = name.indexOf(part); at !== -1; at = name.indexOf(part, at + 1)) {
    const end = at + part.length;
    if (!(isWord(part[0]) && isWord(name[at - 1])) && !(isWord(part.at(-1)) && isWord(name[end]))) return true;
  }
  return false;
}

/** The entry of one statement, checked; undefined where there is none. */
function readEntry(id, entry, tests) {
  if (entry === undefined) return undefined;
  const named = [entry.test ?? []].flat();
  const isText = (value) => typeof value === 'string' && value.trim() !== '';
  if (!isText(entry.we)) problems.push(`${id}: "we" has to say in one line what we do`);
  if (entry.reason !== undefined && !isText(entry.reason)) problems.push(`${id}: "reason" is empty`);
  const unknown = Object.keys(entry).filter((key) => !['we', 'test', 'reason'].includes(key));
  if (unknown.length > 0) problems.push(`${id}: unknown key ${unknown.join(', ')}`);
  const found = [];
  for (const part of named) {
    const matches = isText(part) ? tests.filter((test) => holds(test.name, part)) : [];
    if (matches.length === 0) problems.push(`${id}: no test under test/ has ${JSON.stringify(part)} in its name`);
    found.push(...matches.map((match) => ({ ...match, part })));
  }
  return { id, we: entry.we, reason: entry.reason, tests: found };
}

function readSection(letter, count, tests) {
  const path = join(root, 'conformance', `${letter}.json`);
  if (!existsSync(path)) return undefined;
  let entries;
  try {
    entries = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    problems.push(`conformance/${letter}.json: ${error.message}`);
    return undefined;
  }
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

/** One line of the table: the tests by name with their files, then the reason. */
function line({ id, we, reason, tests }) {
  const names = new Map(tests.map(({ name, file }) => [name, file]));
  const shown = [...names].slice(0, 4).map(([name, file]) => `${cell(name)} (${file})`);
  if (names.size > shown.length) shown.push(`and ${names.size - shown.length} more`);
  if (reason !== undefined) shown.push(`${shown.length > 0 ? 'Differs: ' : ''}${cell(reason)}`);
  return `| ${id} | ${cell(String(we))} | ${shown.join('; ')} |`;
}

const tests = collectTests();
const results = sections.map(([letter, title, count]) => ({
  letter,
  title,
  count,
  ...readSection(letter, count, tests),
}));
const total = { statements: 0, tested: 0, differing: 0, missing: 0 };
const summary = [];
for (const { letter, title, count, rows, tested = 0, differing = 0, missing = count } of results) {
  total.statements += count;
  total.tested += tested;
  total.differing += differing;
  total.missing += missing;
  if (rows === undefined) problems.push(`section ${letter}: there is no conformance/${letter}.json`);
  summary.push([letter, title, count, tested, differing, missing]);
}

const text = [
  '# Conformance, statement by statement',
  '',
  'Written by `npm run conformance` from `conformance/*.json`; do not edit. Each statement is one behaviour of an HTTP/2',
  'client transport in long use. Ours holds it and a test shows it, or the line says why we differ or why the statement',
  'cannot apply to a single-threaded runtime.',
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
