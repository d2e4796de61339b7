// Large bodies, one at a time: CPU seconds a GB and MB a second. `job.how` names the client's function.
import { openClient, startMeter } from './measure.mjs';

export async function run(job) {
  const client = await openClient(job);
  const transfer = client[job.how];
  if (job.warmUpSize > 0) await transfer(job.warmUpSize);
  const meter = startMeter();
  for (let i = 0; i < job.times; i++) {
    const bytes = await transfer(job.size);
    if (bytes !== job.size) throw new Error(`${bytes} of ${job.size} bytes came`);
  }
  const { cpu, rate } = meter.stop(job.times * job.size);
  await client.close();
  return { cpu: cpu * 1_000, rate: rate / 1e6 };
}
