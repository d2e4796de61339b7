/** Runs seeds from 1 until one breaks a promise, and prints how many that took. With an oracle named: until that is broken. */
import { run } from '../run.js';
import { drawPlan } from '../swarm.js';

const [, , most = '1000', line = '', faults = ''] = process.argv;
const only = faults === '' ? undefined : faults.split(',');
for (let seed = 1; seed <= Number(most); seed++) {
  const { violations } = await run(drawPlan(seed, only), { allLines: line !== '' });
  const found = violations.find(({ oracle }) => line === '' || oracle === line);
  if (found === undefined) continue;
  console.log(`${seed}, ${found.oracle}`);
  process.exit(0);
}
process.exitCode = 3;
