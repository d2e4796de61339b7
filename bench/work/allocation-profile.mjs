// Which functions allocate how many bytes for a small request, those inlined into them included; by V8's sampling.
import { Session } from 'node:inspector/promises';
import { makeRequests, openClient } from './measure.mjs';

const options = {
  samplingInterval: 2_048,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};

export async function run(job) {
  const client = await openClient(job);
  await makeRequests(client.get, job.requests, job.inFlight);
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', options);
  await makeRequests(client.get, job.requests, job.inFlight);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  await client.close();
  const functions = [];
  const add = ({ callFrame, selfSize, children }) => {
    functions.push({ callFrame, bytes: selfSize / job.requests });
    children.forEach(add);
  };
  add(profile.head);
  return { functions };
}
