// Runs one test file of WPT over a fetch, and prints a line of JSON for each of its tests:
// `node page.mjs FILE[?VARIANT]`, in the folder of the tests. WPT_SERVER is the program of their server, which each page has one
// of, since some tests end it; WPT_OURS is set where fetch is to be ours and not Node's.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import process from 'node:process';
import { setInterval } from 'node:timers';
import { runInThisContext } from 'node:vm';
import { Transport } from '../../../lib/index.js';

const [file, variant = ''] = process.argv[2].split(/(?=\?)/);
const server = fork(process.env.WPT_SERVER, { stdio: 'ignore', execArgv: [] });
process.on('exit', () => server.kill());
const [{ server: origin }] = await once(server, 'message');
server.unref();
server.channel.unref();
const location = new URL(`/${file}${variant}`, origin);

/** What the tests' server would put in for `{{ }}`, with one host and one port for all. */
function substituted(path) {
  const source = readFileSync(path, 'utf8');
  if (!path.includes('.sub.')) return source;
  return source.replace(/\{\{(.*?)\}\}/g, (_, name) => (name.startsWith('ports') ? location.port : location.hostname));
}

/** A script that the file names is beside it, or below the folder of the tests. */
function pathOf(script) {
  const path = script.startsWith('/') ? script.slice(1) : posix.join(posix.dirname(file), script);
  return existsSync(path) ? path : 'resources/webidl2/lib/webidl2.js'; // which their server serves by another name
}

const transport = new Transport({ allowHTTP1: true });

/** A page's fetch resolves URLs against its own, which a transport has not. */
async function fetchOfPage(input, init) {
  const absolute = typeof input === 'object' && input !== null ? input : new URL(String(input), location);
  return transport.fetch(absolute, init);
}

Object.assign(globalThis, {
  self: globalThis,
  location,
  GLOBAL: { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false },
});
globalThis[Symbol.for('undici.globalOrigin.1')] = location; // which Node's Request and fetch look at
if (process.env.WPT_OURS !== undefined) globalThis.fetch = fetchOfPage;

const run = (path) => runInThisContext(substituted(path), { filename: path });
run('resources/testharness.js');
const { add_result_callback: onResult, add_completion_callback: onCompletion } = globalThis;
onResult(({ name, status, message }) => {
  process.stdout.write(
    `${JSON.stringify({ name: `${name}${variant}`.replaceAll(location.port, 'PORT'), passed: status === 0, error: message ?? '' })}\n`,
  );
});
onCompletion(() => process.stdout.write('', () => process.exit()));
// A page lives until its tests are over; a process that only watches a body, as by a reader's closed, would end.
setInterval(() => undefined, 60_000);
// A test that is over may leave a rejection behind, which a page would only tell its console.
process.on('unhandledRejection', () => undefined);
for (const [, script] of readFileSync(file, 'utf8').matchAll(/^\/\/ META: script=(.*)$/gm)) run(pathOf(script));
run(file);
