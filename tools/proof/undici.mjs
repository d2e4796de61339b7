// undici's own tests over H2Dispatcher, and over undici itself, from a copy of its repository.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installFor, layOut } from './copies.mjs';
import { runFiles } from './files.mjs';
import { tally } from './tally.mjs';
import { different, excluded } from './undici/reasons.mjs';

const beside = (file) => fileURLToPath(new URL(`undici/${file}`, import.meta.url));
const preload = beside('preload.cjs');
const flags = ['--expose-gc', '--test-force-exit', '--test-timeout=25000', `--test-reporter=${beside('reporter.mjs')}`];

/** What the chosen tests import beside undici, at the versions that the copy asks for. */
const needed = ['@matteo.collina/tspl', '@metcoder95/https-pem', '@sinonjs/fake-timers', 'abort-controller'];
const alsoNeeded = ['@fastify/busboy', 'dns-packet', 'fast-check', 'node-forge', 'proxy', 'ws'];

/** The tests that are about what a dispatcher does, by folder. Files that only help others have no test. */
const chosen = [
  [
    'test',
    /^(http2-.*|h2c-client|client-(pipeline|post|request|stream|upgrade)|dispatcher|promises|query|request(-crlf|-signal)?|trailers|upgrade-crlf|redirect-(pipeline|request|stream)|retry-agent|headers-(as-array|crlf)|header-function-crlf|invalid-headers|stream-compat|prototype-headers)\.js$/,
  ],
  ['test/fetch', /^(?!(util|fire-and-forget|long-lived-abort-controller|fetch-leak)\.js)/],
  ['test/eventsource', /^(?!util\.js)/],
  ['test/websocket', /^(?!(util|ping-util)\.js).*\.js$/],
  ['test/node-fetch', /^(headers|main|request|response)\.js$/],
  ['test/interceptors', /\.js$/],
];

function prepare(copy) {
  const folder = layOut(copy, 'undici');
  const { devDependencies, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const packages = [...needed, ...alsoNeeded].map((name) => `${name}@${devDependencies[name]}`);
  installFor(folder, packages);
  const files = chosen.flatMap(([under, pattern]) =>
    readdirSync(join(folder, under))
      .filter((name) => name.endsWith('.js') && pattern.test(name))
      .map((name) => `${under}/${name}`),
  );
  return { folder, files, version };
}

/** What our reporter prints. */
function read(output) {
  const lines = output.split('\n').filter((line) => line.startsWith('{"name":'));
  return lines.map((line) => JSON.parse(line));
}

export const undici = {
  id: 'undici',
  title: "undici's own tests",
  copy: 'undici',
  about:
    'HTTP/2, Dispatcher, fetch, WebSocket, EventSource and interceptors: where a test makes a Client, Pool or Agent it gets an ' +
    'H2Dispatcher, which is under fetch, WebSocket and EventSource too. Tests of connection management, parsing, mocks and ' +
    'memory are not chosen. A case that takes longer than its time, as on a busy machine, counts as failing.',
  missing: () => (Number.parseInt(process.versions.node) < 22 ? 'undici 8 needs Node 22' : undefined),
  async run({ copy }) {
    const { folder, files, version } = prepare(copy);
    const env = { UNDICI_COPY: folder };
    const ours = await runFiles(folder, files, { env, args: ['--require', preload, ...flags], read });
    const doubtful = new Set(ours.filter(({ passed, skipped }) => !passed && !skipped).map(({ file }) => file));
    const theirs = await runFiles(folder, [...doubtful], { env, args: flags, read });
    const told = `${version}, commit ${copy.commit} of ${copy.date}, on Node ${process.versions.node}`;
    return { version: told, ...tally(ours, theirs, { excluded, different, project: 'undici' }) };
  },
};
