/** `npm run simulate -- --seeds 1000 [--from N] [--only FAULT,FAULT] [--trace SEED]`: whole runs of the transport on virtual time. */
import { parseArgs } from 'node:util';
import { faultNames } from './faults.js';
import { run } from './run.js';
import { drawPlan } from './swarm.js';

const usage = 'usage: npm run simulate -- [--seeds N] [--from N] [--only FAULT,FAULT...] [--trace SEED]';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    trace: { type: 'string' },
  },
});

const only = values.only?.split(',').map((name) => name.trim());
const unknown = only?.find((name) => !faultNames.includes(name));
const count = Number(values.seeds);
const from = Number(values.from);
if (!(count > 0) || !Number.isInteger(from) || unknown !== undefined) {
  console.error(unknown === undefined ? usage : `There is no fault '${unknown}': ${faultNames.join(', ')}`);
  process.exit(2);
}

const started = performance.now();
let requests = 0;
let turns = 0;
let violated = 0;
for (let seed = from; seed < from + count; seed++) {
  const lines: string[] = [];
  const story = values.trace === String(seed);
  const outcome = await run(
    drawPlan(seed, only),
    story ? { tell: (time, who, what) => lines.push(`${time.toFixed(1).padStart(10)}  ${who}: ${what}`) } : {},
  );
  requests += outcome.requests;
  turns += outcome.turns;
  if (story) console.log(lines.join('\n'));
  if (outcome.violations.length > 0) {
    violated++;
    console.log(
      `seed ${seed}: ${outcome.violations
        .map(({ oracle, what }) => `${oracle}: ${what}`)
        .slice(0, 4)
        .join('\n    ')}`,
    );
  }
}
const seconds = (performance.now() - started) / 1_000;
console.log(
  `${count} runs, ${requests} requests, ${turns} turns, ${violated} with violations, ${seconds.toFixed(1)} s`,
);
process.exitCode = violated > 0 ? 1 : 0;
