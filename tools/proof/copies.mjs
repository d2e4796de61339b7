// Stored copies of other projects. They lie outside the repository, and nothing of them is kept in it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The copy of a project in `folder`: its git directory or work tree, and its commit. Undefined where there is none. */
export function findCopy(folder, name) {
  if (folder === undefined) return undefined;
  const path = resolve(folder, name);
  if (!existsSync(path)) return undefined;
  const git = (...args) => execFileSync('git', ['-C', path, ...args], { encoding: 'utf8' }).trim();
  return { path, commit: git('rev-parse', '--short=10', 'HEAD'), date: git('log', '-1', '--format=%cs') };
}

/** Lays a copy out in a temporary folder, which goes when the process does. */
export function layOut(copy, prefix) {
  const folder = mkdtempSync(join(tmpdir(), `passinglane-${prefix}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const archive = execFileSync('git', ['-C', copy.path, 'archive', 'HEAD'], { maxBuffer: 1 << 30 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  return folder;
}
