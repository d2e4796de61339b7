// got's own tests over passinglane/http, and over node:http, from a copy of its repository.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { installFor, layOut } from './copies.mjs';
import { runFiles } from './files.mjs';
import { readTap } from './got/tap.mjs';
import { different, excluded } from './got/reasons.mjs';
import { tally } from './tally.mjs';

const preload = fileURLToPath(new URL('got/preload.mjs', import.meta.url));

/** Packages for got's linting, types, benchmark and publishing. */
const notNeeded =
  /^(@types\/|xo$|np$|c8$|typescript$|benchmark$|axios$|request$|expect-type$|del-cli$|@sindresorhus\/tsconfig$)/;

/** Files without a request. */
const withoutRequest =
  /^(helpers|types|weakable-map|parse-link-header|get-unix-socket-path|timer-utils|extend\.types|infinite-loop-issue|encoding)\.ts$/;

/** got chooses node:http's functions here; in the copy it asks the preload first, which is not there for got itself. */
function askFirst(folder) {
  const file = join(folder, 'source/core/options.ts');
  const source = readFileSync(file, 'utf8');
  const changed = source.replace(
    /return (https?)\.request;/g,
    "return (globalThis as any)[Symbol.for('passinglane.request')] ?? $1.request;",
  );
  if (changed === source) throw new Error('got does not choose its request function where it did');
  writeFileSync(file, changed);
}

function prepare(copy) {
  const folder = layOut(copy, 'got');
  const { dependencies, devDependencies, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const needed = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) => !notNeeded.test(name));
  installFor(
    folder,
    needed.map(([name, range]) => `${name}@${range}`),
  );
  writeFileSync(join(folder, 'tsconfig.json'), '{}');
  askFirst(folder);
  const files = readdirSync(join(folder, 'test'))
    .filter((name) => name.endsWith('.ts') && !withoutRequest.test(name))
    .map((name) => `test/${name}`);
  return { folder, files, version };
}

export const got = {
  id: 'got',
  title: "got's own tests",
  copy: 'got',
  about:
    "Those that make requests, with passinglane/http's `request` where got takes node:http's or node:https's. got's HTTP/2 of its own " +
    '(`http2: true`) stays.',
  missing: () => (Number.parseInt(process.versions.node) < 22 ? 'got 15 needs Node 22' : undefined),
  async run({ copy }) {
    const { folder, files, version } = prepare(copy);
    const args = [join('..', 'node_modules/ava/entrypoints/cli.mjs'), '--tap', '--timeout=25s'];
    const over = (options) => ({
      args,
      read: readTap,
      env: { NODE_OPTIONS: ['--import=tsx/esm', ...options].join(' ') },
    });
    const ours = await runFiles(folder, files, over([`--import=${preload}`]));
    const doubtful = new Set(ours.filter(({ passed, skipped }) => !passed && !skipped).map(({ file }) => file));
    const theirs = await runFiles(folder, [...doubtful], over([]));
    const told = `${version}, commit ${copy.commit} of ${copy.date}, on Node ${process.versions.node}`;
    return { version: told, ...tally(ours, theirs, { excluded, different, project: 'got' }) };
  },
};
