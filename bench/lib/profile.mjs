// Where the time goes: a CPU profile of a client, summed up by function.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const mostFunctions = 10;

/** Runs a job once under the profiler; the .cpuprofile stays in `folder`, for the tools that show it whole. */
export async function profile(peer, job, folder) {
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(join(folder, `${job.work}-`));
  // Long enough that what a process does at its start weighs little.
  const duration = job.duration === undefined ? {} : { duration: 4 * job.duration };
  await peer.run({ ...job, ...duration, flags: [...(job.flags ?? []), '--cpu-prof', `--cpu-prof-dir=${own}`] });
  const allocations = job.work === 'requests' ? await allocationsOf(peer, job) : [];
  const [file] = readdirSync(own).filter((name) => name.endsWith('.cpuprofile'));
  return {
    file: join(own, file),
    functions: byFunction(JSON.parse(readFileSync(join(own, file), 'utf8'))),
    allocations,
  };
}

/** The functions that allocate the most for a request, in bytes. */
async function allocationsOf(peer, job) {
  const { functions } = await peer.run({
    ...job,
    work: 'allocation-profile',
    requests: job.inFlight === 1 ? 5_000 : 50_000,
  });
  const bytes = new Map();
  for (const { callFrame, bytes: own } of functions)
    bytes.set(nameOf(callFrame), (bytes.get(nameOf(callFrame)) ?? 0) + own);
  return [...bytes]
    .sort((a, b) => b[1] - a[1])
    .slice(0, mostFunctions)
    .map(([name, size]) => ({ name, bytes: size }));
}

/** The functions that take the most time themselves, each with its share of the time that was not idle. */
function byFunction({ nodes, samples, timeDeltas }) {
  const named = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map();
  let total = 0;
  samples.forEach((id, i) => {
    const name = named.get(id);
    if (name === '(idle)') return;
    total += timeDeltas[i];
    times.set(name, (times.get(name) ?? 0) + timeDeltas[i]);
  });
  return [...times]
    .sort((a, b) => b[1] - a[1])
    .slice(0, mostFunctions)
    .map(([name, time]) => ({ name, share: time / total }));
}

function nameOf({ functionName, url, lineNumber }) {
  const place = url.replace(/^.*\/(dist|lib|bench|node_modules)\//, '$1/');
  return `${functionName || '(anonymous)'}${place === '' ? '' : ` ${place}:${lineNumber + 1}`}`;
}
