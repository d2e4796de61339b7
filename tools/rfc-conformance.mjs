// Writes docs/rfc-conformance.md and docs/h2spec.md from the tables in test/rfc/ (compiled: build first). Fails when a rule names a
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

const { h2specCases, isStrict } = await import(join(root, 'build', 'rfc', 'h2spec.js'));
const strict = h2specCases.filter(isStrict).length;
const h2spec = [
  "# h2spec's client cases",
  '',
  'Written by `npm run rfc` from `test/rfc/h2spec.ts`; do not edit. [h2spec](https://github.com/summerwind/h2spec) plays a',
  'server that breaks the rules, and looks at what the client does. Its verdict is lenient: a connection that just closes',
  'passes most cases. Here a case passes strictly, when the frame that its section of RFC 9113 asks for is on the wire. Each is',
  'played against the connection by itself, and on sockets in the clear and with TLS, where another request on a connection',
  'that lives is answered (`node test/run.mjs rfc`). In 4.3/1 h2spec writes the stream identifier in the wrong byte order, so',
  'that its frame is for an idle stream; here it is for stream 1.',
  '',
  `${strict} of ${h2specCases.length} cases pass strictly.`,
  '',
  '| case | what the server does | *given:* what arrives | its section asks for | we send | connection |',
  '| --- | --- | --- | --- | --- | --- |',
];
for (const one of h2specCases) {
  const arrives = one.arrives.map(({ text }) => cell(text)).join('; ');
  const { [one.connection]: end = `ends: ${one.connection}` } = { lives: 'lives' };
  const sends = one.sends.join('; ') + (one.reason === undefined ? '' : `. Not as asked: ${one.reason}.`);
  const asks = one.asks.join(' or ');
  h2spec.push(
    `| ${one.id} | ${cell(one.title)} | *${givens[one.given]}:* ${arrives} | ${cell(asks)} | ${cell(sends)} | ${end} |`,
  );
  if (!isStrict(one) && one.reason === undefined)
    problems.push(`h2spec ${one.id}: not what it asks for, and no reason`);
}
h2spec.push('');

for (const [name, lines] of [
  ['rfc-conformance.md', text],
  ['h2spec.md', h2spec],
]) {
  const document = join(root, 'docs', name);
  if (!process.argv.includes('--check')) writeFileSync(document, lines.join('\n'));
  else if (!existsSync(document) || readFileSync(document, 'utf8') !== lines.join('\n'))
    problems.push(`docs/${name} is not what the rules say: run npm run rfc`);
}
for (const problem of problems) console.error(problem);
console.log(`${rules.length} rules, ${transcripts} transcripts, ${problems.length} problems`);
console.log(`h2spec's client cases: ${strict} of ${h2specCases.length} strictly`);
if (problems.length > 0) process.exitCode = 1;
