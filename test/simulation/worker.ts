/** One of the threads of `npm run simulate`: runs the seeds that it is given, a block at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.js';
import type { Ask, Block, JobOptions, Report } from './jobs.js';
import { run } from './run.js';
import { drawPlan } from './swarm.js';
import { addTally, emptyTally, tallyOf } from './tally.js';

const { only, allLines, coverage: covers } = workerData as JobOptions;
const coverage = covers ? new Coverage() : undefined;
const observer = coverage && { frame: coverage.onFrame };

async function runBlock({ from, to }: Block): Promise<Report> {
  const tally = emptyTally();
  const failures: Report['failures'][number][] = [];
  for (let seed = from; seed < to; seed++) {
    const outcome = await run(drawPlan(seed, only), { allLines, observer });
    coverage?.nextRun();
    addTally(tally, tallyOf(outcome));
    if (outcome.violations.length > 0) failures.push({ seed, violations: outcome.violations });
  }
  return { tally, failures };
}

parentPort?.on('message', (ask: Ask) => {
  if (ask === 'coverage') parentPort?.postMessage(coverage?.taken());
  else void runBlock(ask).then((report) => parentPort?.postMessage(report));
});
