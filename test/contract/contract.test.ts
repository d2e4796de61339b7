/** Every behaviour over every facade, and the table of them in docs/contract.md. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { placeOf, type Behaviour } from './behaviours.js';
import type { Driver } from './driver.js';
import { drivers } from './drivers.js';
import { bodies, heads } from './exchanges.js';
import { aborts, delivery, failures } from './failures.js';
import { isolation } from './isolation.js';

const chapters = [heads, bodies, failures, aborts, delivery, isolation];

/** Why this facade cannot show this behaviour; undefined where it must. */
function whyNot({ lacks }: Driver, { needs }: Behaviour): string | undefined {
  for (const feature of needs) if (lacks[feature] !== undefined) return lacks[feature];
  return undefined;
}

/** What has been held in this run. */
const held = new Set<string>();
const keyOf = (facade: string, promise: string): string => `${facade}: ${promise}`;

for (const driver of drivers)
  describe(driver.name, () => {
    for (const { title, behaviours } of chapters)
      describe(title, () => {
        for (const behaviour of behaviours) {
          const skip = driver.skip || (whyNot(driver, behaviour) ?? false);
          test(behaviour.promise, { skip }, async (t) => {
            await behaviour.run(placeOf(t, (options) => driver.open(t, options)));
            held.add(keyOf(driver.name, behaviour.promise));
          });
        }
      });
  });

/** The table: yes where the tests above hold the facade to it, the number of a note where they skip it. */
function table(): string {
  const notes: string[] = [];
  const cell = (driver: Driver, behaviour: Behaviour): string => {
    const why = whyNot(driver, behaviour);
    if (why === undefined) return 'yes';
    if (!notes.includes(why)) notes.push(why);
    return `[${notes.indexOf(why) + 1}]`;
  };
  const lines = [
    '# What every facade promises',
    '',
    'One list of behaviours, run over every way into the transport by `test/contract`, which also writes this page',
    '(`UPDATE_CONTRACT=1 node test/run.mjs contract`) and fails where it is out of date. A number is a behaviour that the',
    'facade has no way to express, for the reason below the table.',
  ];
  for (const { title, behaviours } of chapters) {
    lines.push('', `## ${title}`, '');
    lines.push(`| | ${drivers.map(({ name }) => name).join(' | ')} |`, `| --- |${' --- |'.repeat(drivers.length)}`);
    for (const one of behaviours)
      lines.push(`| ${one.promise} | ${drivers.map((driver) => cell(driver, one)).join(' | ')} |`);
  }
  lines.push('', '## What cannot be expressed', '', ...notes.map((note, i) => `${i + 1}. ${note}`), '');
  return lines.join('\n');
}

const page = fileURLToPath(new URL('../../docs/contract.md', import.meta.url));

test('docs/contract.md is what the suite promises', () => {
  const text = table();
  if (process.env['UPDATE_CONTRACT'] === '1') writeFileSync(page, text);
  assert.equal(readFileSync(page, 'utf8'), text, 'run it once with UPDATE_CONTRACT=1');
});

test('docs/contract.md says yes of what a facade was held to in this run, and gives a reason for all else', () => {
  const [tables = '', reasons = ''] = readFileSync(page, 'utf8').split('## What cannot be expressed');
  const promised: string[] = [];
  let facades: string[] = [];
  for (const line of tables.split('\n').filter((one) => one.startsWith('|'))) {
    const [promise = '', ...cells] = line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1);
    if (promise === '') facades = cells;
    if (promise === '' || promise === '---') continue;
    for (const [i, cell] of cells.entries()) {
      const key = keyOf(facades[i] ?? '', promise);
      if (cell === 'yes') promised.push(key);
      else assert.match(reasons, new RegExp(`^${/^\[(\d+)\]$/.exec(cell)?.[1]}\\. \\S`, 'm'), key);
    }
  }
  const absent = drivers.filter(({ skip }) => skip !== false).map(({ name }) => keyOf(name, ''));
  const here = promised.filter((key) => !absent.some((name) => key.startsWith(name)));
  assert.deepEqual(here.sort(), [...held].sort());
});
