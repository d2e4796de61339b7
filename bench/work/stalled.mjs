// A small GET while the connection beside it has been stalled for some time, and, in turn, one on a cold transport.
import { performance } from 'node:perf_hooks';
import { openClient, sleep } from './measure.mjs';
import { median } from '../lib/statistics.mjs';

export async function run(job) {
  const beside = [];
  const cold = [];
  for (let i = -3; i < job.times; i++) {
    const neighbour = await openClient(job);
    await neighbour.get();
    neighbour.uploadForever();
    await sleep(job.stalledFor);
    const besideTime = await timed(neighbour);
    const fresh = await openClient(job);
    await sleep(job.stalledFor); // caches cool down alike
    const coldTime = await timed(fresh);
    if (i >= 0) {
      beside.push(besideTime);
      cold.push(coldTime);
    }
    await neighbour.close();
    await fresh.close();
  }
  return { beside: median(beside), cold: median(cold), worst: Math.max(...beside) };
}

async function timed(client) {
  const start = performance.now();
  await client.get();
  return performance.now() - start;
}
