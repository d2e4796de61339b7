/** Runs seeds until one breaks a promise, and prints which, and what it broke. With an oracle named: until that is broken. */
import { run } from '../run.js';
import { drawPlan } from '../swarm.js';

const [, , from = '1', most = '1000', line = '', faults = ''] = process.argv;
const only = faults === '' ? undefined : faults.split(',');
for (let seed = Number(from); seed <= Number(most); seed++) {
  const { violations } = await run(drawPlan(seed, only), { allLines: line !== '' });
  const found = violations.find(({ oracle }) => line === '' || oracle === line);
  if (found === undefined) continue;
  console.log(`${seed}, ${found.oracle}`);
  process.exit(0);
}
process.exitCode = 3;
