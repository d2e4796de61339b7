import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrace } from '../../dist/view/index.js';
import { run, type Outcome } from './run.js';
import type { Plan } from './plan.js';
import { shrink } from './shrink.js';
import { excerpt, tellStory } from './story.js';
import { drawPlan } from './swarm.js';

/** The first seed whose plan has enough to leave out. */
function richPlan(): Plan {
  for (let seed = 1; ; seed++) {
    const plan = drawPlan(seed);
    if (plan.faults.length > 20 && plan.requests.length > 20) return plan;
  }
}

test('a failing run is reduced to what it takes', async () => {
  const plan = richPlan();
  const needed = { fault: plan.faults[7]!, request: plan.requests[11]! };
  const outcome = await run(plan);
  const breaks = ({ faults, requests }: Plan): boolean =>
    faults.includes(needed.fault) && requests.some(({ id }) => id === needed.request.id);
  const again = (tried: Plan): Promise<Outcome> =>
    Promise.resolve({ ...outcome, plan: tried, violations: breaks(tried) ? [{ oracle: 'a', what: 'b' }] : [] });
  const small = await shrink(await again(plan), again);
  assert.deepEqual(small.plan.faults, [needed.fault]);
  assert.deepEqual(
    small.plan.requests.map(({ id, upload, timeout }) => ({ id, upload, timeout })),
    [{ id: needed.request.id, upload: undefined, timeout: 0 }],
    'one request, as plain as can be',
  );
});

test('a run is told, and drawn by passinglane view', async () => {
  const { lines, trace } = await tellStory(richPlan());
  const told = lines.join('\n');
  for (const who of ['fate: ', 'the client: ', 'the application: ', 'sends SETTINGS'])
    assert.ok(told.includes(who), `the story tells of ${who}`);
  const broken = [...lines.slice(0, 200), 'ORACLE: something', ...lines.slice(200)];
  assert.ok(excerpt(broken).at(-1)?.includes('ORACLE'), 'what is printed ends with what was broken');
  assert.doesNotThrow(() => readTrace(trace));
});
