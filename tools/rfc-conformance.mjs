// Writes docs/rfc-conformance.md from the table of rules in test/rfc/ (compiled: build first). Fails when a rule names a
// test that does not exist. With --check it writes nothing, and a stale document is a failure.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiled = join(root, 'build', 'rfc', 'rules.js');
if (!existsSync(compiled)) {
  console.error('There is no build/rfc/rules.js: build first (npm run build).');
  process.exit(2);
}
const { rules } = await import(compiled);
const { givens, isTranscript } = await import(join(root, 'build', 'rfc', 'transcript.js'));

/** The source of each test file but the rules' own, where a name would find itself. */
const sources = readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
  .map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { file: relative(root, path), text: readFileSync(path, 'utf8') };
  });

const problems = [];
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** The name between the quotes around `part`, with its file. */
function findTest(part, rule) {
  const quoted = [part, part.replaceAll("'", "\\'")];
  for (const { file, text } of sources) {
    for (const line of text.split('\n')) {
      if (!/^\s*(t\.)?(test|it)\(/.test(line) && !/^\s*['"`]/.test(line)) continue;
      if (quoted.some((name) => line.includes(name))) return `${part} (${file})`;
    }
  }
  problems.push(`RFC ${rule.rfc} section ${rule.section}: no test has ${JSON.stringify(part)} in its name`);
  return part;
}

function line(rule, number) {
  const start = `| ${number} | ${rule.section} | ${cell(rule.must)} |`;
  if (!isTranscript(rule)) {
    const tests = [rule.test].flat().map((part) => cell(findTest(part, rule)));
    return `${start} ${tests.join('; ')} | | | |`;
  }
  const arrives = rule.arrives.map(({ text }) => cell(text)).join('; ');
  const sends = rule.sends.length === 0 ? 'nothing' : cell(rule.sends.join('; '));
  const end = { lives: 'lives', closes: 'ends with its last stream' }[rule.connection] ?? `ends: ${rule.connection}`;
  return `${start} *${givens[rule.given]}:* ${arrives} | ${sends} | ${cell(rule.caller ?? '')} | ${end} |`;
}

const titles = {
  9113: 'HTTP/2',
  7541: 'HPACK',
  9110: 'HTTP semantics',
  8441: 'Extended CONNECT',
  9218: 'Priorities',
  7838: 'Alternative services',
  8336: 'ORIGIN',
};
const transcripts = rules.filter(isTranscript).length;
const text = [
  '# Conformance to the RFCs, rule by rule',
  '',
  'Written by `npm run rfc` from `test/rfc/`; do not edit. Each rule is something that an RFC asks of a client, or of any',
  'endpoint. Most are transcripts that `node test/run.mjs rfc` plays against the connection: where things stood and what',
  'arrives, what we send, what the caller sees, and what becomes of the connection (one that lives answers another',
  'request). The others name the test that holds them. What RFC 9113 asks of servers and intermediaries is left out.',
  '',
  `${rules.length} rules, ${transcripts} of them transcripts, ${problems.length} without a test.`,
];
let before;
rules.forEach((rule, index) => {
  if (rule.rfc !== before) {
    text.push('', `## RFC ${rule.rfc}: ${titles[rule.rfc]}`, '');
    text.push('| | section | rule | *given:* what arrives, or the test | we send | the caller sees | connection |');
    text.push('| --- | --- | --- | --- | --- | --- | --- |');
  }
  before = rule.rfc;
  text.push(line(rule, index + 1));
});
text.push('');
text[7] = `${rules.length} rules, ${transcripts} of them transcripts, ${problems.length} without a test.`;

const document = join(root, 'docs', 'rfc-conformance.md');
if (!process.argv.includes('--check')) writeFileSync(document, text.join('\n'));
else if (!existsSync(document) || readFileSync(document, 'utf8') !== text.join('\n')) {
  problems.push('docs/rfc-conformance.md is not what the rules say: run npm run rfc');
}
for (const problem of problems) console.error(problem);
console.log(`${rules.length} rules, ${transcripts} transcripts, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
