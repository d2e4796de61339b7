/**
 * `npm run simulate:mutants`: puts each fault into a copy of what was compiled, one at a time, and says after how many seeds the
 * simulator finds it. Ways to be blocked that are open need no mutant: their lines are switched on instead.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { linesOff } from '../isolation.js';
import { mutants, mutate } from './mutants.js';

const { values } = parseArgs({ options: { most: { type: 'string', default: '2000' }, only: { type: 'string' } } });
const most = Number(values.most);
if (!Number.isInteger(most) || most < 1) {
  console.error('usage: npm run simulate:mutants -- [--most SEEDS] [--only PART-OF-A-NAME]');
  process.exit(2);
}

const build = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const root = dirname(build);
const wanted = (name: string): boolean => values.only === undefined || name.includes(values.only);
let missed = 0;

function report(name: string, found: string): void {
  console.log(`| ${name} | ${found} |`);
}

/** The number of seeds, and what was broken; undefined: not found. */
function search(place: string, line = ''): string | undefined {
  const program = join(place, 'build', 'simulation', 'mutants', 'until-found.js');
  const { stdout, status } = spawnSync(process.execPath, [program, String(most), line], {
    encoding: 'utf8',
    timeout: 600_000,
  });
  return status === 0 ? stdout.trim() : undefined;
}

console.log('| mutant | seeds until it is found, and what it broke |\n| --- | --- |');
for (const mutant of mutants.filter(({ name }) => wanted(name))) {
  let made: ReturnType<typeof mutate>;
  try {
    made = mutate(join(root, 'dist'), mutant);
  } catch (error) {
    missed++;
    report(mutant.name, (error as Error).message); // the code has moved on: all others are still tried
    continue;
  }
  const { file, text } = made;
  const place = mkdtempSync(join(tmpdir(), 'simulation-'));
  try {
    for (const part of ['dist', 'package.json', join('build', 'simulation'), join('build', 'support')])
      cpSync(join(root, part), join(place, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
    writeFileSync(join(place, 'dist', file), text);
    const found = search(place);
    if (found === undefined) missed++;
    report(mutant.name, found ?? `not found in ${most}`);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
for (const [line, { way }] of Object.entries(linesOff).filter(([, { way }]) => wanted(way))) {
  const found = search(root, line);
  if (found === undefined) missed++;
  report(`open: ${way}`, found ?? `not found in ${most}`);
}
process.exitCode = missed > 0 ? 1 : 0;
