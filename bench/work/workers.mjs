// The same client in several workers at once: each with connections of its own.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { makeRequests, openClient, startMeter } from './measure.mjs';

const file = fileURLToPath(import.meta.url);

export async function run(job) {
  const workers = Array.from({ length: job.workers }, () => new Worker(file, { workerData: job }));
  const all = async (count) => {
    const done = Promise.all(workers.map((worker) => once(worker, 'message')));
    for (const worker of workers) worker.postMessage(count);
    await done;
  };
  await all(job.requests / 2);
  const meter = startMeter();
  await all(job.requests);
  const measured = meter.stop(job.requests * job.workers);
  for (const worker of workers) await worker.terminate();
  return measured;
}

if (!isMainThread && workerData?.work === 'workers') {
  const client = await openClient(workerData);
  parentPort.on('message', async (count) => {
    await makeRequests(client.get, count, workerData.inFlight);
    parentPort.postMessage('done');
  });
}
