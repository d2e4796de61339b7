/**
 * `npm run simulate -- --seeds 1000`: whole runs of the transport on virtual time, each from its seed. docs/guides/simulation.md
 * says what that covers.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { coverageText } from './coverage.js';
import { faultNames } from './faults.js';
import { linesOff } from './isolation.js';
import { runSeeds } from './jobs.js';
import type { Plan } from './plan.js';
import { run } from './run.js';
import { shrink } from './shrink.js';
import { excerpt, scene, tellStory } from './story.js';
import { Summary } from './summary.js';
import { drawPlan } from './swarm.js';

const usage = `usage: npm run simulate -- [--seeds N] [--from SEED] [--jobs N] [--only FAULT,FAULT...] [--trace SEED]
         [--isolation all] [--coverage]

  --seeds N        so many runs. Default: 1000
  --from SEED      the first of them. Default: 1
  --jobs N         in so many threads; what is printed is the same. Default: one for each core
  --only FAULTS    no faults but these: ${faultNames.join(', ')}
  --trace SEED     this run alone: its story on stdout, and simulation-SEED.json for passinglane view
  --isolation all  also those lines of the isolation oracle that are switched off:
                   ${Object.keys(linesOff).join(', ')}
  --coverage       also which branches of the policies were taken, and which steps streams made`;

/** So many failures are told at length. */
const toldAtLength = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string' },
    trace: { type: 'string' },
    isolation: { type: 'string' },
    coverage: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function integer(name: string, text: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0
    ? value
    : fail(`--${name} takes a positive integer, not '${text}'\n${usage}`);
}

if (values.help) {
  console.log(usage);
  process.exit(0);
}
const only = values.only?.split(',').map((name) => name.trim());
const unknown = only?.find((name) => !faultNames.includes(name));
if (unknown !== undefined) fail(`There is no fault '${unknown}'.\n${usage}`);
if (values.isolation !== undefined && values.isolation !== 'all') fail(usage);
const allLines = values.isolation === 'all';

if (values.trace === undefined) await runMany(integer('seeds', values.seeds), integer('from', values.from));
else await traceOne(integer('trace', values.trace));

async function traceOne(seed: number): Promise<void> {
  const plan = drawPlan(seed, only);
  const { lines, trace } = await tellStory(plan, allLines);
  console.log([...scene(plan), ...lines].join('\n'));
  const file = `simulation-${seed}.json`;
  writeFileSync(file, trace);
  console.error(`${file}: passinglane view ${file} draws it`);
}

async function runMany(count: number, from: number): Promise<void> {
  const summary = new Summary();
  const options = { only, allLines, coverage: values.coverage };
  let told = 0;
  const covered = await runSeeds({ from, to: from + count }, integer('jobs', values.jobs), options, async (report) => {
    summary.add(report.tally);
    for (const { seed, violations } of report.failures) {
      clearLine();
      console.log(`seed ${seed}: ${violations.map(({ oracle, what }) => `${oracle}: ${what}`).join('\n  ')}`);
      if (told++ < toldAtLength && !values.json) await tell(seed);
    }
    if (process.stderr.isTTY && summary.isTimeForALine) process.stderr.write(`\r\u001b[K${summary.line(count)}`);
  });
  clearLine();
  console.log(values.json ? JSON.stringify(summary.toJSON(), null, 2) : summary.text());
  if (values.coverage) console.log(coverageText(covered));
  process.exitCode = summary.violated > 0 ? 1 : 0;
}

/** The run again, as small as it can be. */
async function tell(seed: number): Promise<void> {
  const again = (plan: Plan): ReturnType<typeof run> => run(plan, { allLines });
  const small = await shrink(await again(drawPlan(seed, only)), again);
  const { lines, trace } = await tellStory(small.plan, allLines);
  const file = `simulation-${seed}.json`;
  writeFileSync(file, trace);
  console.log([...scene(small.plan), ...excerpt(lines), `${file}: passinglane view ${file} draws it`, ''].join('\n'));
}

function clearLine(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}
