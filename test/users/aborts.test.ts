/** That requests which were given up leave nothing behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startOrigin } from '../support/origin.js';
import { client, until } from './support.js';

/** A seeded generator of numbers below `n`, so that a failure can be had again. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

test('of 20,000 requests, half aborted at random points, nothing is left', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const origin = await startOrigin(
    { server: { streamResetBurst: 1e6, streamResetRate: 1e6 } as object } /* or Node calls it an attack */,
  );
  t.after(() => origin.close());
  const transport = client(t);
  const roll = dice(12);
  const counts = { whole: 0, aborted: 0 };
  const one = async (aborts: boolean): Promise<void> => {
    const controller = new AbortController();
    const options = { method: 'POST', body: 'x'.repeat(roll(1_000)), signal: controller.signal };
    const reason = new Error('aborted');
    const point = roll(4);
    try {
      if (aborts && point === 0) setImmediate(() => controller.abort(reason));
      if (aborts && point === 1) queueMicrotask(() => controller.abort(reason));
      const response = await transport.request(`${origin.origin}/bytes/${roll(8_000)}`, options);
      if (aborts && point === 2) controller.abort(reason);
      for await (const _ of response.body) if (aborts) controller.abort(reason);
      counts.whole++;
    } catch (error) {
      assert.equal(error, reason);
      counts.aborted++;
    }
  };
  // What has ended a moment ago is held for some turns more, by the server's streams too: the heap counts when it has come to rest.
  const heapAtRest = async (): Promise<number> => {
    let least = Infinity;
    for (let turns = 0; turns < 5; turns++) {
      collect();
      const { heapUsed } = process.memoryUsage();
      if (heapUsed < least - 100_000) turns = 0;
      least = Math.min(least, heapUsed);
      await sleep(10);
    }
    return least;
  };
  const run = async (requests: number): Promise<number> => {
    let left = requests;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await one(left % 2 === 0);
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    await until(() => transport.stats().streams === 0);
    return heapAtRest();
  };
  const warm = await run(5_000);
  const after = await run(15_000);
  assert.equal(counts.whole + counts.aborted, 20_000);
  assert.ok(counts.aborted > 5_000, `${counts.aborted} were aborted in time`);
  const { streams, queued, bufferedBytes, creditWithheld } = transport.stats();
  assert.deepEqual(
    { streams, queued, bufferedBytes, creditWithheld },
    { streams: 0, queued: 0, bufferedBytes: 0, creditWithheld: 0 },
  );
  assert.ok(after - warm < 5e6, `the heap grew by ${after - warm} bytes over 15,000 requests`);
});
