// A new process: what it takes from its start, and from the import of the client, to the first answer, and what the requests
// after that cost, while nothing is compiled yet.
import { performance } from 'node:perf_hooks';

const cpuNow = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

export async function run(job) {
  const begun = performance.now();
  const cpuBegun = cpuNow();
  const { open } = await import(`../clients/${job.client}.mjs`);
  const client = await open(job);
  await client.get();
  const answered = performance.now();
  const cpuAnswered = cpuNow();
  let left = job.requests;
  const worker = async () => {
    while (left > 0) {
      left--;
      await client.get();
    }
  };
  await Promise.all(Array.from({ length: job.inFlight }, worker));
  const warming = cpuNow() - cpuAnswered;
  await client.close();
  return {
    first: answered - begun,
    firstCpu: cpuAnswered - cpuBegun,
    start: answered,
    cpu: (warming * 1_000) / job.requests,
  };
}
