// Very many requests, half of them aborted at random points: does memory grow, and are the stream tables empty?
import { liveBytes, openClient, sleep, startMeter } from './measure.mjs';

export async function run(job) {
  const client = await openClient(job);
  const step = job.requests / 10;
  const outcome = { aborted: 0, answered: 0 };
  await client.get(); // the connection stands
  await batch(client, step, outcome); // compiled, and tables grown to their size
  const heaps = [await settled()];
  const meter = startMeter();
  for (let i = 0; i < 10; i++) {
    await batch(client, step, outcome);
    heaps.push(await settled());
  }
  const { cpu, rate } = meter.stop(job.requests);
  const growth = (Math.max(...heaps.slice(1)) - heaps[0]) / 1e6;
  const open = client.openStreams();
  await client.close();
  return { cpu, rate, growth, heap: heaps.at(-1) / 1e6, open, aborted: outcome.aborted, answered: outcome.answered };
}

async function settled() {
  await sleep(50);
  return liveBytes();
}

async function batch(client, requests, outcome) {
  let left = requests;
  const worker = async () => {
    while (left > 0) {
      left--;
      await one(client, outcome);
    }
  };
  await Promise.all(Array.from({ length: 200 }, worker));
}

const abortError = new Error('aborted by the benchmark');

/** A request that is left alone, or aborted: at once, a turn later, some milliseconds later, or with its head read. */
async function one(client, outcome) {
  const point = Math.floor(Math.random() * 8);
  if (point >= 4) {
    await client.get();
    outcome.answered++;
    return;
  }
  const controller = new globalThis.AbortController();
  const abort = () => controller.abort(abortError);
  const answer = client.start(controller.signal);
  if (point === 0) abort();
  else if (point === 1) globalThis.setImmediate(abort);
  else if (point === 2) setTimeout(abort, 2);
  try {
    const response = await answer;
    if (point === 3) abort();
    await client.read(response);
    outcome.answered++; // faster than its abort
  } catch (error) {
    if (error !== abortError) throw error;
    outcome.aborted++;
  }
}
