/** `npm run soak -- --minutes 10`: requests without pause against a server that misbehaves, and what must hold throughout. */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Transport, TransportError, type RequestOptions } from '../../dist/index.js';
import { startFaultyServer, type Ledger } from './faulty-server.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, concurrency: { type: 'string', default: '200' } },
});
const minutes = Number(values.minutes);
const concurrency = Number(values.concurrency);
if (!(minutes > 0) || !Number.isInteger(concurrency) || concurrency < 1) {
  console.error('usage: npm run soak -- [--minutes N] [--concurrency N]');
  process.exit(2);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What has broken a promise; empty at the end of a good run. */
const faults: string[] = [];
const counts = { done: 0, succeeded: 0, failedTyped: 0, retried: 0 };
const errors = new Map<string, number>();
const heaps: number[] = [];

process.on('uncaughtException', (error) => faults.push(`uncaught exception: ${error.stack ?? error.message}`));
process.on('unhandledRejection', (reason) => faults.push(`unhandled rejection: ${String(reason)}`));

const bodies: readonly (() => RequestOptions['body'])[] = [
  () => undefined,
  () => undefined,
  () => 'x'.repeat(300),
  () => new Uint8Array(40_000),
  () =>
    async function* () {
      for (let i = 0; i < 3; i++) yield await Promise.resolve(new Uint8Array(5_000));
    },
  () =>
    (async function* () {
      yield await Promise.resolve('a stream, which can be had once');
    })(),
];

/** One request, and what must be true of its end. */
async function once(transport: Transport, origin: string, ledger: Ledger, number: number): Promise<void> {
  const id = String(number);
  const idempotent = number % 2 === 0;
  const size = [0, 100, 3_000, 50_000][number % 4] ?? 0;
  const body = bodies[number % bodies.length]?.();
  const options: RequestOptions = {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-id': id },
    body,
    idempotent,
    timeout: 240_000,
  };
  let answered = false;
  try {
    const response = await transport.request(`${origin}/${size}`, options);
    answered = true;
    if (response.attempts > 1) counts.retried++;
    const bytes = await response.body.bytes();
    if (bytes.length !== size) faults.push(`request ${id}: ${bytes.length} bytes were presented as the whole ${size}`);
    counts.succeeded++;
  } catch (error) {
    judge(error, id, ledger, idempotent && !answered && number % bodies.length !== 5);
  }
  counts.done++;
  const acted = ledger.acted.get(id) ?? 0;
  if (!idempotent && acted > 1) faults.push(`request ${id}, not idempotent, was acted on ${acted} times`);
  ledger.acted.delete(id);
}

/** An error must be typed and tell the truth; and one that may be sent again, and has had no answer, must not fail. */
function judge(error: unknown, id: string, ledger: Ledger, mayBeSentAgain: boolean): void {
  if (!TransportError.isInstance(error)) {
    faults.push(`request ${id} failed with an untyped error: ${String(error)}`);
    return;
  }
  counts.failedTyped++;
  errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
  if (error.unprocessed && (ledger.acted.get(id) ?? 0) > 0)
    faults.push(`request ${id} was called unprocessed, and was acted on: ${error.message}`);
  if (mayBeSentAgain) faults.push(`request ${id} may be sent again, and failed: ${error.code} ${error.message}`);
}

function progress(started: number, end: number, transport: Transport, ledger: Ledger): void {
  const stats = transport.stats();
  const left = Math.max(0, Math.round((end - Date.now()) / 1_000));
  const rate = Math.round(counts.done / ((Date.now() - started) / 1_000));
  const line = `${counts.done} done, ${rate}/s, ${counts.failedTyped} failed, ${counts.retried} retried, ${stats.connections} connections of ${ledger.connections}, heap ${heaps.at(-1) ?? 0} MB, ${faults.length} faults, ${left} s left`;
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}

async function run(): Promise<void> {
  const server = await startFaultyServer();
  const transport = new Transport({
    cleartext: 'h2c',
    // Between two silences there is a fraction of a second. A connection has to be asked sooner than that, or what comes back
    // from one silence is bound to the next before it is found out.
    probeAfter: 100,
    readIdleTimeout: 1_000,
    pingTimeout: 1_000,
    writeTimeout: 10_000,
    // The faults come faster than the retry budget lets requests go again.
    retry: { maxAttempts: 40, baseDelay: 50, maxDelay: 500, budget: Infinity },
  });
  const started = Date.now();
  const end = started + minutes * 60_000;
  let number = 0;
  const ticker = setInterval(() => {
    progress(started, end, transport, server.ledger);
  }, 1_000);
  const sampler = setInterval(
    () => {
      collect();
      heaps.push(Math.round(process.memoryUsage().heapUsed / 1e5) / 10);
    },
    Math.max(1_000, minutes * 1_500),
  );
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (Date.now() < end && faults.length < 20) await once(transport, server.origin, server.ledger, number++);
    }),
  );
  clearInterval(ticker);
  clearInterval(sampler);
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const stats = transport.stats();
  if (stats.streams !== 0) faults.push(`${stats.streams} streams are left although every promise has settled`);
  if (stats.bufferedBytes !== 0)
    faults.push(`${stats.bufferedBytes} bytes are held although every body was read or has failed`);
  await transport.close({ timeout: 5_000 });
  await server.close();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const handles = process.getActiveResourcesInfo().filter((name) => name !== 'TTYWrap' && name !== 'PipeWrap');
  if (handles.length > 0) faults.push(`handles are left: ${handles.join(', ')}`);
  judgeHeap();
  console.log(
    JSON.stringify(
      {
        minutes,
        concurrency,
        ...counts,
        connections: server.ledger.connections,
        served: server.ledger.requests,
        injected: server.ledger.faults,
        errors: Object.fromEntries(errors),
        heapMB: heaps,
        faults,
      },
      null,
      2,
    ),
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** Flat: the last quarter's median is within 10 MB of the second's, the first being the warm-up. */
function judgeHeap(): void {
  if (heaps.length < 8) return;
  const quarter = Math.floor(heaps.length / 4);
  const median = (list: number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
  const growth = median(heaps.slice(-quarter)) - median(heaps.slice(quarter, 2 * quarter));
  if (growth > 10) faults.push(`the heap grew by ${growth.toFixed(1)} MB`);
}

await run();
