// A part of what afterwards.mjs reports: each that failed, by Node, file and title, with the first lines of its
// error. `.ci/closing.mjs` finds these lines in the output of a part, and ends the whole run with them.
import { relative } from 'node:path';

/** So much of an error is said, in lines: the rest stands where the test ran. */
const shownLines = 10;

export default async function* failures(events) {
  const failed = [];
  for await (const { type, data } of events) {
    if (type !== 'test:fail' || data.todo !== undefined) continue;
    const { error } = data.details;
    if (error?.failureType === 'subtestsFailed') continue; // those are named
    failed.push(
      `failed test: node ${process.version}, ${place(data)}: ${data.name}\n${linesOf(error?.cause ?? error)}`,
    );
  }
  yield failed.join('');
}

function place({ file, line }) {
  if (file === undefined) return 'no file';
  return line === undefined ? relative(process.cwd(), file) : `${relative(process.cwd(), file)}:${line}`;
}

function linesOf(error) {
  const text = String(error?.stack ?? error?.message ?? error);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const message = lines.filter((line) => !/^ +at /.test(line)).slice(0, shownLines);
  const at = lines.find((line) => /^ +at .*\bbuild\b/.test(line));
  const { cause } = Object(error);
  const why = cause === undefined ? [] : [`caused by ${String(cause)}`];
  return [...message, ...why, ...(at === undefined ? [] : [at])].map((line) => `  | ${line}\n`).join('');
}
