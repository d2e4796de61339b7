// A project of a user's: the packed package beside tools at their pinned versions, and Nodes to run it with. Tools come from
// npm into the cache of the checks, where .ci/node-matrix has put the Nodes.
import { createHash } from 'node:crypto';
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'passinglane-ci');

/** The oldest and the newest Node that .ci/node-matrix names: `{ version, binary }` of each. */
export function oldestAndNewest() {
  const matrix = readFileSync(join(root, '.ci/node-matrix'), 'utf8');
  const versions = /^nodes=\((.+)\)$/m.exec(matrix)[1].split(' ');
  return [versions.at(0), versions.at(-1)].map((version) => ({ version, binary: binaryOf(version) }));
}

function binaryOf(version) {
  const folder = readdirSync(cache).find((name) => /^node-\w+-\w+-/.test(name) && name.endsWith(`-${version}`));
  const found =
    folder === undefined ? '' : join(cache, folder, 'node_modules', folder.slice(0, -version.length - 1), 'bin/node');
  if (!existsSync(found)) throw new Error(`Node ${version} is not in ${cache}: .ci/node-matrix fetches it`);
  return found;
}

/** The folder in the cache with these packages, by name and version, fetched when they are not there. */
function stored(kind, packages) {
  const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
  const folder = join(cache, `${kind}-${createHash('sha256').update(wanted.join()).digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    const fresh = mkdtempSync(join(cache, 'fetch-'));
    npm(['install', '--prefix', fresh, '--ignore-scripts', ...wanted], fresh);
    renameSync(fresh, folder);
  }
  return folder;
}

/** A temporary folder with the package as `npm pack` makes it. */
function pack(kind) {
  const folder = mkdtempSync(join(tmpdir(), `passinglane-${kind}-`));
  npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
  return { folder, tarball: join(folder, readdirSync(folder)[0]), project: join(folder, 'project') };
}

/** A project in which all is installed, and where whoever is in charge of it lies: `folder` is to be removed. */
export function installedProject(kind, packages) {
  const { folder, tarball, project } = pack(kind);
  cpSync(stored(kind, packages), project, { recursive: true, verbatimSymlinks: true });
  npm(['install', '--offline', '--no-save', '--ignore-scripts', tarball], project);
  return { folder, project };
}

/** The same where the packages are links to the cache, and not hundreds of megabytes of copies. */
export function linkedProject(kind, packages) {
  const { folder, tarball, project } = pack(kind);
  const modules = join(stored(kind, packages), 'node_modules');
  const own = join(project, 'node_modules/passinglane');
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(modules)) symlinkSync(join(modules, name), join(project, 'node_modules', name));
  execFileSync('tar', ['-xzf', tarball, '-C', own, '--strip-components=1']);
  return { folder, project };
}

function npm(args, cwd) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--silent'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Resolves with its standard output; rejects, with all that it printed, where it fails. */
export function run(node, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd, timeout: 120_000, env: { ...process.env, NODE_OPTIONS: '' } });
    let printed = '';
    let all = '';
    child.stdout.on('data', (chunk) => (printed += chunk));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (all += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`${args.join(' ')} ended with ${code ?? signal}:\n${all}`));
    });
  });
}

/** Two at a time: what waits for its workers leaves a core idle. */
export async function inPairs(items, work) {
  const waiting = [...items.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next[1], next[0]);
  };
  await Promise.all([worker(), worker()]);
}

/** The text with this table between its marks; `name` is the mark's. */
export function withTable(text, name, head, rows) {
  const line = (items) => `| ${items.join(' | ')} |`;
  const table = [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
  return text.replace(new RegExp(`(<!-- ${name}: .+ -->\\n)[^]*?(<!-- /${name} -->)`), `$1\n${table}\n\n$2`);
}
