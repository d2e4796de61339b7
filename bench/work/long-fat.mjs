// One download over a long and fat path, cut off after `seconds`: the share of the path's rate that was used.
import { performance } from 'node:perf_hooks';
import { openClient } from './measure.mjs';

export async function run(job) {
  const client = await openClient(job);
  await client.get(); // the connection stands, and has measured its round trip
  const cpu = process.cpuUsage();
  const start = performance.now();
  const bytes = await client.downloadFor(job.size, job.seconds * 1_000);
  const seconds = (performance.now() - start) / 1_000;
  const used = process.cpuUsage(cpu);
  await client.close();
  const rate = bytes / seconds;
  return { share: rate / job.bytesPerSecond, rate: rate / 1e6, cpu: ((used.user + used.system) / bytes) * 1_000 };
}
