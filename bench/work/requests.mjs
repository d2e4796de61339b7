// Small requests, so many in flight at all times: CPU, throughput, and the latency of every 16th.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { openClient, percentiles, startMeter } from './measure.mjs';

export async function run(job) {
  const client = await openClient(job);
  // One function a worker's request calls; several where the work is spread over connections.
  const gets = client.gets ?? [client.get];
  await load(gets, job.inFlight, job.warmUp, []);
  const times = [];
  const delays = job.delay === true ? monitorEventLoopDelay({ resolution: 1 }) : undefined;
  delays?.enable();
  const meter = startMeter();
  const done = await load(gets, job.inFlight, job.duration, times);
  const measured = meter.stop(done);
  await client.close();
  const delay = delays === undefined ? {} : { delay: delays.percentile(99.9) / 1e6 };
  return { ...measured, ...percentiles(times), ...delay };
}

/**
 * Keeps `inFlight` requests under way until this process has used `duration` milliseconds of CPU time, so that warm code
 * is measured on a busy machine too (and no longer than ten times that by the clock). Gives how many were made.
 */
async function load(gets, inFlight, duration, times) {
  const cpu = process.cpuUsage();
  const end = performance.now() + 10 * duration;
  let running = true;
  let made = 0;
  let next = 0; // when the CPU time is looked at again: asking for it is not free
  const check = (now) => {
    next = now + 100;
    const { user, system } = process.cpuUsage(cpu);
    running = user + system < duration * 1_000 && now < end;
  };
  const worker = async (_, index) => {
    const get = gets[index % gets.length];
    // Every worker makes one: with 10,000 in flight a turn of all may take longer than the warm-up.
    do {
      made++;
      if (made % 16 !== 0) {
        await get();
        continue;
      }
      const start = performance.now();
      await get();
      const now = performance.now();
      times.push(now - start);
      if (running && now >= next) check(now);
    } while (running);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return made;
}
