import { setTimeout as sleep } from 'node:timers/promises';
import type { Palette } from '../terminal.js';
import { perform, performLargeUpload, workOf } from './load.js';
import { startOrigin } from './origin.js';
import { report, type Outcome } from './report.js';
import { Cast, requestTimeout, type SceneReport, type Stage } from './scene.js';
import { StallingProxy } from './stalling-proxy.js';

/** How many requests each part of the run starts, and how many milliseconds lie between two starts. */
const plan = {
  before: { requests: 150, every: 12 },
  /** Started together with the large upload, on the connection that the proxy then stops reading. */
  carried: { requests: 9 },
  during: { requests: 240, every: 20 },
  after: { requests: 100, every: 12 },
} as const;
/** More than the kernel takes for a connection that nobody reads: about 4 MB on each side of the loopback. */
const uploadSize = 366 * 65_536;
/** Milliseconds that the stall lasts at most once its last request was started. */
const stallGrace = 15_000;

/** A proxy stops reading one connection for a while. */
export async function playStall(stage: Stage, palette: Palette): Promise<SceneReport> {
  const origin = await startOrigin(stage.certificate);
  const proxy = await StallingProxy.start(origin.port);
  const { before, carried, during, after } = plan;
  const cast = new Cast(stage, before.requests + 1 + carried.requests + during.requests + after.requests, {});
  const stop = stage.show(cast);
  try {
    const outcome = await runStall(cast, proxy);
    return { text: report(outcome, palette), failed: cast.recorder.failed };
  } finally {
    stop();
    cast.transport.destroy();
    await proxy.close();
    await origin.close();
  }
}

async function runStall(cast: Cast, proxy: StallingProxy): Promise<Outcome> {
  const { transport, recorder } = cast;
  const base = `https://127.0.0.1:${proxy.port}`;
  const work = (n: number): Promise<void> => perform(transport, base, workOf(n), requestTimeout);
  cast.title = 'before the stall';
  await cast.paced('before', plan.before.requests, plan.before.every, work);
  await cast.ended();

  cast.title = 'the proxy has stopped reading one connection';
  const upload = cast.start('during', (n) => performLargeUpload(transport, base, n, uploadSize, requestTimeout));
  const carries = recorder.connectionOf(upload);
  for (let i = 0; i < plan.carried.requests; i += 1) cast.start('during', work);
  const connection = await carries;
  // Connections are dialled one at a time, so the order of the transport's numbers is the proxy's, from 0. Bytes that
  // were sent in this turn of the event loop have not reached the proxy yet, and will not be read there.
  const numbers = transport.stats().origins.flatMap(({ connections }) => connections.map(({ id }) => id));
  const index = Math.max(0, numbers.indexOf(connection ?? 0));
  const stalledAt = performance.now();
  proxy.stall(index);
  await cast.paced('during', plan.during.requests, plan.during.every, work);
  const deadline = performance.now() + stallGrace;
  while (recorder.pendingElsewhere(connection) > 0 && performance.now() < deadline) await sleep(10);

  cast.title = 'the proxy reads again';
  const resumedAt = performance.now();
  proxy.resume(index);
  await cast.paced('after', plan.after.requests, plan.after.every, work);
  await cast.ended();
  return {
    samples: recorder.samples,
    stalledAt,
    resumedAt,
    stalledConnection: connection,
    stallWasSeen: connection !== undefined && recorder.stalled.has(connection),
    upload,
    uploadSize,
    connectionsOpened: proxy.accepted,
  };
}
