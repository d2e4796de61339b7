// Our part of `bench/undici-own.mjs`: what undici's benchmarks/benchmark.js and benchmark-http2.js do with their clients, as
// many requests at a time and read the same way, done with ours. Cronometro runs each experiment in a worker, which
// loads this file again.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import { Transport } from 'passinglane';
import { H2Dispatcher } from 'passinglane/undici';

const { ERROR_THRESHOLD, FROM, HTTP2, PORT, SAMPLES } = process.env;
const require = createRequire(join(FROM, 'benchmarks/'));
const undici = require('..');
const { makeParallelRequests, printResults } = require('./_util');
const { cronometro } = await import(require.resolve('cronometro'));

const http2 = HTTP2 === '1';
const url = `${http2 ? 'https' : 'http'}://localhost:${PORT}/`;
const tls = http2 ? { ca: readFileSync(join(FROM, 'test/fixtures/ca.pem')), rejectUnauthorized: false } : {};
const transport = new Transport({ tls });
const dispatcher = new H2Dispatcher(transport);

const nowhere = () =>
  new Writable({
    write(chunk, encoding, callback) {
      callback();
    },
  });
const drain = (readable, resolve) => readable.pipe(nowhere()).on('finish', resolve);
const drainWeb = (response, resolve) =>
  response.body.pipeTo(
    new globalThis.WritableStream({
      write() {},
      close() {
        resolve();
      },
    }),
  );

const experiments = {
  'passinglane - request': (resolve) => transport.request(url).then(({ body }) => drain(body.readable(), resolve)),
  'passinglane - fetch': (resolve) => transport.fetch(url).then((response) => drainWeb(response, resolve)),
  'undici - request over H2Dispatcher': (resolve) =>
    undici.request(url, { dispatcher }).then(({ body }) => drain(body, resolve)),
  'undici - stream over H2Dispatcher': (resolve) => undici.stream(url, { dispatcher }, nowhere).then(resolve),
  'undici - fetch over H2Dispatcher': (resolve) =>
    undici.fetch(url, { dispatcher }).then((response) => drainWeb(response, resolve)),
};

/** A request that fails ends the worker, by an unhandled rejection: its experiment is then shown as failed. */
const tests = Object.fromEntries(
  Object.entries(experiments).map(([name, send]) => [
    name,
    { test: () => makeParallelRequests((resolve) => void send(resolve)), after: async () => transport.destroy() },
  ]),
);

export default function main() {
  const options = { iterations: Number(SAMPLES) + 1, errorThreshold: Number(ERROR_THRESHOLD ?? 3), print: false };
  cronometro(tests, options, (error, results) => {
    if (error) throw error;
    for (const [name, { success, error: why }] of Object.entries(results)) if (!success) console.error(name, why);
    printResults(results);
  });
}

if (isMainThread) main();
