/** What the README says of speed is what was measured. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

test('each figure in the tables of the README was measured, on the Node that they name', () => {
  const [, block = ''] = /<!-- figures:[^]*?-->([^]*?)<!-- figures: end -->/.exec(read('README.md')) ?? [];
  const measured = read('docs/performance.md').split('## All figures, Node ').slice(1);
  const tables = block.split('<details>');
  assert.equal(tables.length, measured.length);
  tables.forEach((table, i) => {
    const section = measured[i] ?? '';
    if (i > 0) assert.match(table, new RegExp(`Node ${section.slice(0, 2)}<`));
    const figures = table.replaceAll('**', '').match(/[\d.,]+ \([\d.,]+ to [\d.,]+\)/g) ?? [];
    assert.ok(figures.length > 30, `${figures.length} figures were looked for`);
    for (const figure of figures) assert.ok(section.includes(`| ${figure} |`), `${figure} is in docs/performance.md`);
  });
});
