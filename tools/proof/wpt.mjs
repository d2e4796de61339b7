// WPT's tests of fetch over transport.fetch and over Node's own, from the last commit of undici's repository that held them, with
// a server for them in JavaScript.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { layOut } from './copies.mjs';
import { runFiles } from './files.mjs';
import { tally } from './tally.mjs';
import { different, excluded } from './wpt/reasons.mjs';

const commit = 'b4019ee9d';
const tests = 'test/fixtures/wpt';
const page = fileURLToPath(new URL('wpt/page.mjs', import.meta.url));

/** The files whose tests fetch something, once for each of their variants. */
function filesOf(folder) {
  const names = readdirSync(join(folder, 'fetch/api'), { recursive: true }).map((name) => `fetch/api/${name}`);
  return names
    .filter((name) => name.endsWith('any.js'))
    .sort()
    .flatMap((name) => {
      const source = readFileSync(join(folder, name), 'utf8');
      if (!/\bfetch\(/.test(source)) return [];
      const variants = [...source.matchAll(/^\/\/ META: variant=(.*)$/gm)].map(([, variant]) => variant);
      return variants.length > 0 ? variants.map((variant) => name + variant) : [name];
    });
}

function read(output) {
  const lines = output.split('\n').filter((line) => line.startsWith('{"name":'));
  return lines.map((line) => JSON.parse(line));
}

export const wpt = {
  id: 'wpt',
  title: "WPT's tests of fetch",
  copy: 'undici',
  about:
    'The tests of fetch/api that fetch something and that the fetch of Node itself passes, over transport.fetch, by HTTP/1.1: the ' +
    'server, which is undici’s, speaks no other. Request, Response and Headers are Node’s for both.',
  async run({ copy }) {
    const folder = layOut(copy, 'undici', commit);
    const server = join(folder, 'test/wpt/server/server.mjs');
    const root = join(folder, tests);
    const files = filesOf(root);
    const over = (env) =>
      runFiles(root, files, { args: ['--expose-gc', page], env: { WPT_SERVER: server, ...env }, read });
    const theirs = (await over({})).filter(({ passed }) => passed);
    const known = new Set(theirs.map(({ file, name }) => `${file} ${name}`));
    const ours = (await over({ WPT_OURS: '1' })).filter(({ file, name }) => known.has(`${file} ${name}`));
    const missing = theirs.filter(({ file, name }) => !ours.some((one) => one.file === file && one.name === name));
    const all = [...ours, ...missing.map((one) => ({ ...one, passed: false, error: 'it does not end' }))];
    const score = tally(all, [], { excluded, different, project: 'WPT' });
    const told = `as of 2025-08-17, in undici's commit ${commit}, on Node ${process.versions.node}`;
    return { version: told, ...score, peers: [{ name: `Node's fetch`, passed: score.cases }] };
  },
};
