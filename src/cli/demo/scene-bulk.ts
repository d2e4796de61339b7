import type { Palette } from '../terminal.js';
import { perform } from './load.js';
import { NarrowPath } from './narrow-path.js';
import { startOrigin } from './origin.js';
import type { Sample } from './recorder.js';
import { Cast, requestTimeout, type SceneReport, type Stage } from './scene.js';

const downloadSize = 1_000_000;
const smallSize = 200;
const plan = { before: { requests: 40, every: 12 }, downloads: 16, during: { requests: 120, every: 20 } } as const;

/** Downloads fill a narrow path, where what is small would stand in line behind them. */
export async function playBulk(stage: Stage, palette: Palette): Promise<SceneReport> {
  const origin = await startOrigin(stage.certificate);
  const path = await NarrowPath.start(origin.port);
  const cast = new Cast(stage, plan.before.requests + plan.downloads + plan.during.requests, {});
  const stop = stage.show(cast);
  const base = `https://127.0.0.1:${path.port}`;
  const get = (n: number, size: number): Promise<void> =>
    perform(cast.transport, base, { n, kind: 'download', size }, requestTimeout);
  const small = (n: number): Promise<void> => get(n, smallSize);
  try {
    cast.title = 'small GETs over a path of 50 Mbit/s and 20 ms, and nothing beside them';
    await cast.paced('before', plan.before.requests, plan.before.every, small);
    await cast.ended();
    cast.title = `${plan.downloads} downloads fill the path`;
    const bulk = new Set<number>();
    const download = (n: number): Promise<void> => get(n, downloadSize);
    for (let i = 0; i < plan.downloads; i++) bulk.add(cast.start('during', download));
    await cast.paced('during', plan.during.requests, plan.during.every, small);
    await cast.ended();
    const [{ connection: first } = { connection: undefined }] = cast.recorder.samples;
    const isSmall = ({ phase, n }: Sample): boolean => phase === 'during' && !bulk.has(n);
    const apart = cast.recorder.samples.filter((s) => isSmall(s) && s.connection !== first).length;
    return cast.report(
      `${plan.downloads} downloads of 1 MB over a path of 50 Mbit/s and 20 ms, where each connection has a queue of its own.
What is small stands in line behind them on connection #${first ?? '?'}, until a round trip tells how long the line is: ${apart} of
${plan.during.requests} went out on one more.`,
      [
        cast.group('small GETs before', ({ phase }) => phase === 'before'),
        cast.group('beside the downloads, on their connection', (s) => isSmall(s) && s.connection === first),
        cast.group('beside the downloads, on the other', (s) => isSmall(s) && s.connection !== first),
        cast.group('the downloads', ({ n }) => bulk.has(n)),
      ],
      path.accepted,
      palette,
    );
  } finally {
    stop();
    cast.transport.destroy();
    await Promise.all([path.close(), origin.close()]);
  }
}
