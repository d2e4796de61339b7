/**
 * `npm run fuzz -- --executions 10000000`: inputs mutated from the corpus and invented, against the frame reader, the
 * HPACK decoder and the connection's core, in two threads a target. First some are spent on finding inputs that reach
 * new code (V8's block coverage says which do), then the rest go at full speed. What breaks is kept in the corpus.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { growCorpus, keepFinding } from './corpus.js';
import { targets } from './targets.js';
import type { Job, JobResult } from './worker.js';

const { values } = parseArgs({
  options: {
    executions: { type: 'string', default: '200000' },
    explore: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    workers: { type: 'string', default: String(Math.min(2, cpus().length)) },
    target: { type: 'string', multiple: true, default: Object.keys(targets) },
  },
});
const executions = Number(values.executions);
const explore = Number(values.explore);
const seed = Number(values.seed);
const workers = Number(values.workers);
if (![executions, seed, workers].every((value) => Number.isInteger(value) && value > 0)) {
  console.error('usage: npm run fuzz -- [--executions N] [--explore N] [--seed N] [--workers N] [--target NAME]...');
  process.exit(2);
}
const unknown = values.target.filter((name) => targets[name] === undefined);
if (unknown.length > 0) {
  console.error(`No target ${unknown.join(', ')}: there are ${Object.keys(targets).join(', ')}.`);
  process.exit(2);
}

/** A thread that ends no execution for so long has met an input that never ends. */
const stuckAfter = 60_000;
/** What the heap may have grown by, after a collection, in bytes. */
const growthAllowed = 16 * 1_048_576;

setFlagsFromString('--expose-gc');

/** Runs a job in a thread of its own, watched from this one. */
function runJob(target: string, number: number, share: number): Promise<JobResult> {
  const progress = new BigInt64Array(new SharedArrayBuffer(8));
  const current = new SharedArrayBuffer(4 + 4_096);
  const job: Job = { target, seed: seed + number * 7_919, executions: share, explore, progress, current };
  const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: job });
  return new Promise((resolve, reject) => {
    let before = -1n;
    let since = Date.now();
    const watch = setInterval(() => {
      const now = progress[0]!;
      if (now !== before) since = Date.now();
      before = now;
      if (Date.now() - since < stuckAfter) return;
      clearInterval(watch);
      const length = new Uint32Array(current, 0, 1)[0]!;
      const bytes = Uint8Array.from(new Uint8Array(current, 4, Math.min(length, 4_096)));
      void worker.terminate();
      reject(new Error(`hang: ${keepFinding(target, bytes, `hang: no end within ${stuckAfter} ms`)}`));
    }, 1_000);
    worker.once('message', (result: JobResult) => {
      clearInterval(watch);
      resolve(result);
    });
    worker.once('error', (error) => {
      clearInterval(watch);
      reject(error);
    });
  });
}

let failures = 0;
let total = 0;
const begun = Date.now();
for (const target of values.target) {
  const start = Date.now();
  const share = Math.ceil(executions / values.target.length / workers);
  const results = await Promise.all(Array.from({ length: workers }, (_, number) => runJob(target, number, share)));
  const seconds = (Date.now() - start) / 1_000;
  const growth = Math.max(...results.map(({ heapBefore, heapAfter }) => heapAfter - heapBefore));
  const findings = results.flatMap((result) => result.findings);
  const hangs = findings.filter(({ what }) => what.startsWith('hang')).length;
  const ran = share * workers;
  total += ran;
  console.log(
    `${target}: ${ran} executions in ${seconds.toFixed(0)} s (${Math.round(ran / seconds)}/s), corpus ` +
      `${results[0]!.corpus}, slowest ${Math.max(...results.map(({ slowest }) => slowest)).toFixed(0)} ms, heap growth ` +
      `${(growth / 1_048_576).toFixed(1)} MB; throws or broken promises: ${findings.length - hangs}, hangs: ${hangs}`,
  );
  if (explore > 0) {
    const found = results.flatMap((result) => result.found);
    const file = growCorpus(target, found);
    console.log(
      `${target}: ${results[0]!.blocks} characters of code reached, ${found.length} inputs added${file ? ` in ${file}` : ''}`,
    );
  }
  for (const { bytes, what } of findings) console.error(`${keepFinding(target, bytes, what)}\n${what}\n`);
  if (growth > growthAllowed) console.error(`${target}: the heap grew by ${growth} bytes`);
  failures += findings.length + Number(growth > growthAllowed);
}
console.log(
  `fuzz: ${total} executions in ${((Date.now() - begun) / 1_000).toFixed(0)} s, seed ${seed}, ${failures} findings`,
);
process.exitCode = failures > 0 ? 1 : 0;
