// What a small request allocates: the growth of the heap over so many requests in a young generation so large that
// nothing is collected meanwhile. Needs --expose-gc, and --min-semi-space-size for what is allocated.
import { PerformanceObserver } from 'node:perf_hooks';
import { makeRequests, openClient } from './measure.mjs';

export async function run(job) {
  const client = await openClient(job);
  await makeRequests(client.get, job.warmUpRequests, job.inFlight);
  globalThis.gc();
  const collections = new PerformanceObserver(() => undefined);
  collections.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage();
  await makeRequests(client.get, job.requests, job.inFlight);
  const after = process.memoryUsage();
  const collected = collections.takeRecords().length;
  await client.close();
  if (collected > 0)
    throw new Error(`${collected} collections came in between: a larger --min-semi-space-size is needed`);
  const grown = after.heapUsed - before.heapUsed + (after.external - before.external);
  return { bytes: grown / job.requests };
}
