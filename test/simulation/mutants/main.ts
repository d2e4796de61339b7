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

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const wanted = (name: string): boolean => values.only === undefined || name.includes(values.only);
let missed = 0;

/** One build for all of them, whatever is built meanwhile. */
const place = mkdtempSync(join(tmpdir(), 'simulation-'));
const dist = join(place, 'dist');
process.on('exit', () => rmSync(place, { recursive: true, force: true }));
for (const part of ['dist', 'package.json', join('build', 'simulation'), join('build', 'support')])
  cpSync(join(root, part), join(place, part), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));

/** The first of these seeds that is found, and what was broken; '': none is. Throws where it does not run. */
function find(line: string, only: readonly string[], from: number, to: number): string {
  const program = join(place, 'build', 'simulation', 'mutants', 'until-found.js');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [program, String(from), String(to), line, only.join()],
    { encoding: 'utf8' },
  );
  if (status === 0) return stdout.trim();
  if (status === 3) return '';
  throw new Error(`DOES NOT RUN: ${/^\w*Error: .*/m.exec(stderr)?.[0] ?? stderr}`);
}

function search(line: string): string {
  const found = find(line, [], 1, most);
  return found === '' ? notFound() : found;
}

function notFound(): string {
  missed++;
  return `NOT FOUND in ${most}`;
}

/** What the build breaks by itself is not the mutant's. */
function searchWith(mutant: (typeof mutants)[number]): string {
  const { only = [] } = mutant;
  try {
    const { file, text, original } = mutate(dist, mutant);
    for (let from = 1; ;) {
      writeFileSync(join(dist, file), text);
      let found: string;
      try {
        found = find('', only, from, most);
      } finally {
        writeFileSync(join(dist, file), original);
      }
      if (found === '') return notFound();
      const seed = parseInt(found);
      if (find('', only, seed, seed) === '') return found;
      from = seed + 1;
    }
  } catch (error) {
    missed++; // the code has moved on: all others are still tried
    return (error as Error).message;
  }
}

console.log('| mutant | seeds until it is found, and what it broke | faults |\n| --- | --- | --- |');
for (const mutant of mutants.filter(({ name }) => wanted(name)))
  console.log(`| ${mutant.name} | ${searchWith(mutant)} | ${mutant.only?.join(', ') ?? 'all'} |`);
for (const [line, { way }] of Object.entries(linesOff).filter(([, { way }]) => wanted(way)))
  console.log(`| open: ${way} | ${search(line)} | all |`);
if (missed > 0) console.error(`${missed} were not found`);
process.exitCode = missed > 0 ? 1 : 0;
