// Streams held open at once on one connection: what one costs to open, and what it holds in memory.
import { openClient, liveBytes, sleep, startMeter } from './measure.mjs';

/** How many streams are opened and cancelled in hundreds before anything is measured. */
const warmUp = 10_000;

export async function run(job) {
  const client = await openClient(job);
  for (let i = 0; i < warmUp / 100; i++) await release(client, await open(client, 100, job.patience));
  let cpu = 0;
  let heap = 0;
  let resident = 0;
  let opened = 0;
  for (let i = 0; i < job.batches; i++) {
    const heapBefore = liveBytes();
    const residentBefore = process.memoryUsage.rss();
    const meter = startMeter();
    const streams = await open(client, job.streams, job.patience);
    cpu += meter.stop(1).cpu;
    opened += streams.length;
    if (streams.length < job.streams) return { open: streams.length };
    heap = (liveBytes() - heapBefore) / job.streams;
    resident = (process.memoryUsage.rss() - residentBefore) / job.streams;
    await release(client, streams);
  }
  await client.close();
  return { open: job.streams, cpu: cpu / opened, heap, resident };
}

/** So many streams opened in one go, or those that were after `patience` milliseconds. */
async function open(client, count, patience) {
  const streams = [];
  const opening = Array.from({ length: count }, async () => {
    streams.push(await client.hold());
  });
  let timer;
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, patience)));
  await Promise.race([Promise.all(opening), limit]);
  timer.close();
  return streams;
}

async function release(client, streams) {
  for (const stream of streams) client.release(stream);
  streams.length = 0;
  await sleep(2); // their resets go out before the next are opened
}
