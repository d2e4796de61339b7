// The closing lines of .ci/run: `node .ci/closing.mjs LOG PART...` says of each part that failed which tests did, so that who
// sees only the end of the output knows. In the log, what a part printed stands behind a line `@@ PART`.
import { readFileSync } from 'node:fs';

/** Of a part that names no test: so many lines of its output, the last. */
const lastLines = 15;

const [log, ...parts] = process.argv.slice(2);
const outputs = new Map();
let lines = [];
for (const line of readFileSync(log, 'utf8').split('\n')) {
  if (line.startsWith('@@ ')) outputs.set(line.slice(3), (lines = []));
  else if (line.trim() !== '') lines.push(line);
}

for (const part of parts) {
  const output = outputs.get(part) ?? [];
  const named = output.filter((line) => /^(failed test: |failed on: | {2}\| )/.test(line));
  console.log(`failed: ${part}`);
  for (const line of named.length > 0 ? named : unnamed(output)) console.log(`  ${line}`);
}

/** A run that was ended before its summary has said which tests failed as they did. */
function unnamed(output) {
  return [...output.filter((line) => /^ *✖ /.test(line)).slice(0, lastLines), ...output.slice(-lastLines)];
}
