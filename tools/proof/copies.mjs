// Stored copies of other projects. They lie outside the repository, and nothing of them is kept in it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The copy of a project in `folder`: its git directory or work tree, and its commit. Undefined where there is none. */
export function findCopy(folder, name) {
  if (folder === undefined) return undefined;
  const path = resolve(folder, name);
  if (!existsSync(path)) return undefined;
  const git = (...args) => execFileSync('git', ['-C', path, ...args], { encoding: 'utf8' }).trim();
  return { path, commit: git('rev-parse', '--short=10', 'HEAD'), date: git('log', '-1', '--format=%cs') };
}

/** Lays a copy out below a temporary folder, where packages can be installed for it, and which goes when the process does. */
export function layOut(copy, name, commit = 'HEAD') {
  const parent = mkdtempSync(join(tmpdir(), `passinglane-${name}-`));
  process.on('exit', () => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, name);
  mkdirSync(folder);
  const archive = execFileSync('git', ['-C', copy.path, 'archive', commit], { maxBuffer: 1 << 30 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  return folder;
}

/** Installs packages from npm beside a copy that is laid out. */
export function installFor(folder, packages) {
  const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  execFileSync('npm', ['install', '--prefix', dirname(folder), ...quiet, ...packages], { stdio: 'ignore' });
}
