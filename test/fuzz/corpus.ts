import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `test/fuzz`, from where this is compiled to. */
const home = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'test', 'fuzz');

/** One input as a line of hex; every file of a folder `corpus/<target>` holds some. */
export function readCorpus(target: string): Uint8Array[] {
  const folder = join(home, 'corpus', target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Buffer.from(line, 'hex'));
}

/** Adds inputs that reached something new, to a file of their own. */
export function growCorpus(target: string, inputs: readonly Uint8Array[]): string | undefined {
  if (inputs.length === 0) return undefined;
  const text = inputs.map((bytes) => `${Buffer.from(bytes).toString('hex')}\n`).join('');
  const name = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const folder = join(home, 'corpus', target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.txt`);
  writeFileSync(file, text);
  return file;
}

/** Keeps an input that broke something, for the regression test to replay from then on. */
export function keepFinding(target: string, bytes: Uint8Array, what: string): string {
  const hex = Buffer.from(bytes).toString('hex');
  const name = createHash('sha256').update(hex).digest('hex').slice(0, 12);
  const folder = join(home, 'corpus', target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `finding-${name}.txt`);
  writeFileSync(file, `# ${what.split('\n')[0] ?? ''}\n${hex}\n`);
  return file;
}
