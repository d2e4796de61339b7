// What a client process measures of itself.
import { performance } from 'node:perf_hooks';
import { quantile } from '../lib/statistics.mjs';

/** User and system time, and time on the clock, from now on. */
export function startMeter() {
  const time = performance.now();
  const cpu = process.cpuUsage();
  return {
    /** CPU microseconds a unit, and units a second. */
    stop(units) {
      const { user, system } = process.cpuUsage(cpu);
      const seconds = (performance.now() - time) / 1_000;
      return { cpu: (user + system) / units, rate: units / seconds };
    },
  };
}

/** The median and the 99th percentile of times in milliseconds. */
export function percentiles(times) {
  if (times.length === 0) return {};
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

/** The client that the job names, opened; see clients/. */
export async function openClient(job) {
  const { open } = await import(`../clients/${job.client}.mjs`);
  return open(job);
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Bytes of live JavaScript memory, after a collection; needs --expose-gc. */
export function liveBytes() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Makes so many requests, `inFlight` at a time. */
export async function makeRequests(get, count, inFlight) {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left--;
      await get();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}
