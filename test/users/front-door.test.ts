/** What the README says of speed is what was measured. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

test('each figure in the table of the README was measured on Node 26', () => {
  const [, table = ''] = /<!-- figures:[^]*?-->([^]*?)<!-- figures: end -->/.exec(read('README.md')) ?? [];
  const [, measured = ''] =
    /## All figures, Node 26([^]*?)## All figures, Node 20/.exec(read('docs/performance.md')) ?? [];
  const rows = table.split('\n').filter((line) => /^\| .*\d/.test(line));
  assert.equal(rows.length, 7);
  const figures = rows.flatMap((row) => row.replaceAll('**', '').split('|').slice(2, 4)).join(', ');
  const named = figures.replace(/16 MiB|node:http2|h2load/g, '').matchAll(/(\d+(?:,\d{3})*(?:\.\d+)?)/g);
  let seen = 0;
  for (const [, figure = ''] of named) {
    assert.match(
      measured,
      new RegExp(`\\| ${figure.replace('.', '\\.')} (?:\\||\\n)`),
      `${figure} is in docs/performance.md`,
    );
    seen++;
  }
  assert.ok(seen > 20, `${seen} figures were looked for`);
});
