// What the suites share.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A compiled module of test/. */
export function compiled(path) {
  const file = join(root, 'build', path);
  if (!existsSync(file)) throw new Error(`There is no build/${path}: build first (npm run build).`);
  return import(pathToFileURL(file).href);
}

export function installed(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** The first number with dots that `--version` says. */
export function versionOf(program) {
  const { stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}
