import type { Outcome } from './run.js';
import type { Plan } from './plan.js';

/** So many runs are spent on making a failure smaller. */
const mostRuns = 400;

/**
 * The smallest plan found that breaks the same promise: without faults, requests, options and traits of requests that it does
 * not take. `again` makes a run of a plan, and a run follows from its plan alone, so what is left tells the whole story.
 */
export async function shrink(outcome: Outcome, again: (plan: Plan) => Promise<Outcome>): Promise<Outcome> {
  const oracle = outcome.violations[0]?.oracle;
  let smallest = outcome;
  let runs = 0;
  const fails = async (plan: Plan): Promise<boolean> => {
    if (runs++ >= mostRuns) return false;
    const tried = await again(plan);
    if (!tried.violations.some((violation) => violation.oracle === oracle)) return false;
    smallest = tried;
    return true;
  };
  const without = async (key: 'faults' | 'requests'): Promise<void> => {
    for (let size = Math.ceil(smallest.plan[key].length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let at = 0; at < smallest.plan[key].length;) {
        const list = smallest.plan[key];
        if (!(await fails({ ...smallest.plan, [key]: [...list.slice(0, at), ...list.slice(at + size)] }))) at += size;
      }
  };
  for (let before = -1; before !== runs && runs < mostRuns;) {
    before = runs;
    const { faults, requests } = smallest.plan;
    await without('faults');
    await without('requests');
    if (faults.length === smallest.plan.faults.length && requests.length === smallest.plan.requests.length) break;
  }
  for (const name of Object.keys(smallest.plan.options))
    await fails({ ...smallest.plan, options: { ...smallest.plan.options, [name]: undefined } });
  await fails({ ...smallest.plan, mostRead: 0 });
  await fails({ ...smallest.plan, ending: undefined });
  for (const { id } of smallest.plan.requests) await simplify(id, () => smallest.plan, fails);
  return smallest;
}

/** One request, trait by trait, as plain as it can be. */
async function simplify(id: number, plan: () => Plan, fails: (plan: Plan) => Promise<boolean>): Promise<void> {
  const plain = {
    upload: undefined,
    abortAfter: undefined,
    timeout: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
    urgency: undefined,
    expectContinue: false,
    reader: 'bytes',
  } as const;
  for (const [trait, value] of Object.entries(plain)) {
    const requests = plan().requests.map((request) => (request.id === id ? { ...request, [trait]: value } : request));
    await fails({ ...plan(), requests });
  }
}
