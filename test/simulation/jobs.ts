import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Covered } from './coverage.js';
import type { Violation } from './oracles.js';
import type { Tally } from './tally.js';

/** What each thread is told at first. */
export interface JobOptions {
  /** No faults but these. */
  readonly only?: readonly string[] | undefined;
  /** Also what is switched off. */
  readonly allLines: boolean;
  readonly coverage: boolean;
}

/** Seeds from `from` up to, and without, `to`. */
export interface Block {
  readonly from: number;
  readonly to: number;
}

/** What came of a block. */
export interface Report {
  readonly tally: Tally;
  readonly failures: readonly { readonly seed: number; readonly violations: readonly Violation[] }[];
}

/** What a thread is asked for. */
export type Ask = Block | 'coverage';

/** So many runs are dealt out at once. */
const blockSize = 20;

/**
 * Runs these seeds in so many threads. What came of them is handed over in the order of the seeds, however many threads there
 * are: the same each time. Returns what all threads have covered, where that was asked for.
 */
export async function runSeeds(
  seeds: Block,
  jobs: number,
  options: JobOptions,
  told: (report: Report) => Promise<void>,
): Promise<readonly Covered[]> {
  const workers = Array.from(
    { length: jobs },
    () => new Worker(new URL('./worker.js', import.meta.url), { workerData: options }),
  );
  let next = seeds.from;
  const early = new Map<number, Report>();
  let awaited = seeds.from;
  let telling = Promise.resolve();
  const handOver = async (): Promise<void> => {
    for (let report = early.get(awaited); report !== undefined; report = early.get(awaited)) {
      early.delete(awaited);
      awaited += blockSize;
      await told(report);
    }
  };
  const work = async (worker: Worker): Promise<Covered | undefined> => {
    while (next < seeds.to) {
      const block = { from: next, to: Math.min(next + blockSize, seeds.to) };
      next += blockSize;
      early.set(block.from, (await ask(worker, block)) as Report);
      telling = telling.then(handOver);
      await telling;
    }
    return options.coverage ? ((await ask(worker, 'coverage')) as Covered) : undefined;
  };
  try {
    const covered = await Promise.all(workers.map(work));
    return covered.filter((one) => one !== undefined);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function ask(worker: Worker, what: Ask): Promise<unknown> {
  worker.postMessage(what);
  const [answer] = (await once(worker, 'message')) as [unknown];
  return answer;
}
