// What is held while nothing is under way: by so many idle connections, or by origins that had a request each, with
// their connection and after it has been closed.
import { liveBytes, openClient, sleep } from './measure.mjs';

const memory = () => ({ heap: liveBytes(), resident: process.memoryUsage.rss() });

export async function run(job) {
  const client = await openClient(job);
  await client.idle(10); // what is loaded and compiled once is there
  const before = memory();
  await client.idle(job.count);
  await sleep(50);
  const open = memory();
  await client.closeIdle?.();
  await sleep(50);
  const closed = memory();
  const each = (after) => ({
    heap: (after.heap - before.heap) / job.count,
    resident: (after.resident - before.resident) / job.count,
  });
  const result = { ...each(open), ...(client.closeIdle === undefined ? {} : { closed: each(closed).heap }) };
  await client.close();
  return result;
}
