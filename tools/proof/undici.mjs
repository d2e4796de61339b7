// undici's own tests over H2Dispatcher, and over undici itself, from a copy of its repository.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installFor, layOut } from './copies.mjs';
import { runFiles } from './undici/files.mjs';
import { different, excluded, reasonOf } from './undici/reasons.mjs';

const preload = fileURLToPath(new URL('undici/preload.cjs', import.meta.url));

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

const keyOf = ({ file, name }) => `${file}: ${name}`;

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
    const all = await runFiles(folder, files, { env, args: ['--require', preload] });
    const ours = all.filter(({ skipped }) => !skipped);
    const doubtful = new Set(ours.filter(({ passed }) => !passed).map(({ file }) => file));
    const theirs = await runFiles(folder, [...doubtful], { env });
    const failsAnyway = new Set(theirs.filter(({ passed }) => !passed).map(keyOf));
    const left = new Map();
    const differences = [];
    let passed = 0;
    for (const one of ours) {
      const reason = failsAnyway.has(keyOf(one)) ? 'they fail over undici itself here' : reasonOf(excluded, one);
      if (reason !== undefined) left.set(reason, (left.get(reason) ?? 0) + 1);
      else if (one.passed) passed++;
      else differences.push({ what: keyOf(one), reason: reasonOf(different, one) ?? one.error.split('\n')[0] });
    }
    const excludedCases = [...left].map(([reason, cases]) => ({ what: '', cases, reason }));
    const cases = ours.length - excludedCases.reduce((sum, each) => sum + each.cases, 0);
    if (cases < 0.8 * ours.length) throw new Error(`more than a fifth of undici's ${ours.length} cases are excluded`);
    const told = `${version}, commit ${copy.commit} of ${copy.date}, on Node ${process.versions.node}`;
    return {
      version: told,
      cases,
      excluded: excludedCases,
      ours: passed,
      peers: [],
      differences,
    };
  },
};
