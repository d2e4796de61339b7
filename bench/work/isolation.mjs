// Small requests beside something that blocks their connection: how many of them are answered in time, and how fast.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import { quantile } from '../lib/statistics.mjs';
import { sleep } from './measure.mjs';

/** A connection to the control of servers/isolation.mjs. */
async function controlOf(port) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  return async (line) => {
    socket.write(`${line}\n`);
    return (await lines.next()).value;
  };
}

export async function run(job) {
  const ask = await controlOf(job.control);
  const port = await ask(`open ${job.way}`);
  const { open } = await import(`../clients/isolation/${job.client}.mjs`);
  const client = await open({ ...job, port });
  // What blocks ends with this process, by an error or never.
  const beside = (promise) => void promise.catch(() => undefined);
  const took = [];
  const one = async (path) => {
    const begun = performance.now();
    const send = job.post === true ? client.post(path) : client.get(path);
    const well = await Promise.race([
      send.then(
        () => true,
        () => false,
      ),
      sleep(job.limit).then(() => false),
    ]);
    took.push(well ? performance.now() - begun : Infinity);
  };
  const all = async (path) => {
    const calls = [];
    for (let i = 0; i < job.count; i++) {
      calls.push(one(path));
      await sleep(job.every);
    }
    return Promise.all(calls);
  };

  if (job.cold !== true) for (let i = 0; i < 3; i++) await client.get('/small');
  for (let i = 0; i < (job.waiting ?? 0); i++) beside(client.get('/wait'));
  for (let i = 0; i < (job.downloads ?? 0); i++) beside(client.download('/down'));
  for (let i = 0; i < (job.uploads ?? 0); i++) {
    beside(client.upload('/up', job.uploadSize));
    if (job.apart !== undefined) await sleep(job.apart);
  }
  await sleep(job.before ?? 0);
  if (job.held === true) {
    const calls = all('/held');
    await sleep(job.every * job.count + 50);
    await ask('fault');
    await calls;
  } else {
    await ask('fault');
    await sleep(job.after ?? 0);
    await all('/small');
  }
  const inTime = took.filter((time) => time !== Infinity).length;
  const connections = Number(await ask('count'));
  return { inTime, p50: finite(quantile(took, 0.5)), p99: finite(quantile(took, 0.99)), connections };
}

const finite = (time) => (time === Infinity ? undefined : time);
