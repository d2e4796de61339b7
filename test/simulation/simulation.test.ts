import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from './clock.js';
import { runSeeds, type Report } from './jobs.js';
import { kernel } from './kernel.js';
import { Link } from './link.js';
import { run } from './run.js';
import { SimulatedSocket } from './socket.js';
import { drawPlan } from './swarm.js';
import { Tcp } from './tcp.js';

/** All that was told of a run, and what came of it. */
async function storyOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  const outcome = await run(drawPlan(seed), { tell: (time, who, what) => lines.push(`${time} ${who}: ${what}`) });
  return [...lines, `${outcome.turns} turns`, ...[...outcome.states].map(([state, count]) => `${state} ${count}`)];
}

for (const seed of [44, 338]) {
  test(`seed ${seed} tells the same story each time`, async () => {
    const first = await storyOf(seed);
    assert.ok(first.length > 100, 'something happens');
    assert.deepEqual(await storyOf(seed), first);
  });
}

test('runs come to the same, in the same order, in one thread and in two', async () => {
  const reportsOf = async (jobs: number): Promise<Report[]> => {
    const reports: Report[] = [];
    await runSeeds({ from: 1, to: 24 }, jobs, { allLines: false, coverage: false }, async (report) => {
      reports.push(report);
    });
    return reports;
  };
  const alone = await reportsOf(1);
  assert.deepEqual(
    alone.map(({ tally }) => tally.runs),
    [20, 3],
  );
  assert.deepEqual(await reportsOf(2), alone);
});

test('no promise is broken in the first runs', async () => {
  const broken: string[] = [];
  let requests = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const outcome = await run(drawPlan(seed));
    requests += outcome.requests;
    for (const { oracle, what } of outcome.violations) broken.push(`seed ${seed}: ${oracle}: ${what}`);
  }
  assert.deepEqual(broken, [], 'npm run simulate -- --trace SEED tells the story of one');
  assert.ok(requests > 1_000, 'there were requests');
});

/** A socket that is written to without end, as the pump does, and read at a steady rate from a third of a second on. */
async function takenAt(bytesPerMs: number, milliseconds: number): Promise<{ first: number; gaps: number[] }> {
  const clock = new SimulatedClock();
  const tcp = new Tcp(clock, new Link(clock, 0.01, Infinity, () => 0.5), {
    send: kernel.sendBuffer,
    receive: kernel.receiveBuffer,
  });
  const socket = new SimulatedSocket(clock, tcp, '10.0.0.1', false, () => undefined);
  const chunk = new Uint8Array(65_536);
  const gaps: number[] = [];
  let taken = 0;
  let last = clock.now();
  const write = (): void =>
    socket.write(chunk, () => {
      taken += chunk.length;
      const gap = clock.now() - last;
      if (gap > 30) gaps.push(Math.round(gap));
      last = clock.now();
      clock.after(0.05, () => clock.poll(write)); // it takes a moment to write
    });
  const read = (): void => {
    for (let left = bytesPerMs * 5; left > 0 && tcp.up.readable > 0;) left -= tcp.up.read(left).length;
    clock.after(5, read);
  };
  clock.poll(write);
  await clock.runUntil(clock.time + 300);
  const first = taken;
  if (bytesPerMs > 0) read();
  await clock.runUntil(clock.time + milliseconds);
  return { first, gaps };
}

test('a simulated socket takes writes as a real one was seen to', async () => {
  assert.equal((await takenAt(0, 1_000)).first, 3_866_624, 'nobody reads');
  for (const [bytesPerMs, recorded] of [
    [5_000, 287],
    [1_000, 1_427],
    [200, 7_139],
  ] as const) {
    const { gaps } = await takenAt(bytesPerMs, 20 * recorded);
    const steady = gaps.slice(2);
    assert.ok(steady.length > 10, 'it goes on');
    for (const gap of steady)
      assert.ok(
        Math.abs(gap - recorded) < recorded / 10,
        `at ${bytesPerMs} bytes a millisecond: ${gap}, not ${recorded}`,
      );
  }
});
