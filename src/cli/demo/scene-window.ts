import { setTimeout as sleep } from 'node:timers/promises';
import type { Palette } from '../terminal.js';
import { Cast, requestTimeout, type SceneReport, type Stage } from './scene.js';
import { UnreadOrigin } from './unread-origin.js';

const uploadSize = 1 << 20;
const bodySize = 1_024;
/** Milliseconds that the upload waits at most for the others to have ended. */
const grace = 15_000;
const plan = { before: { requests: 25, every: 12 }, during: { requests: 100, every: 10 } } as const;

/** An upload that its origin's application does not read holds the window that all bodies on its connection share. */
export async function playWindow(stage: Stage, palette: Palette): Promise<SceneReport> {
  const origin = await UnreadOrigin.start(stage.certificate);
  const total = plan.before.requests + 1 + 2 * plan.during.requests;
  const cast = new Cast(stage, total, {});
  const stop = stage.show(cast);
  const base = `https://127.0.0.1:${origin.port}`;
  const send = async (n: number, method: string, size: number): Promise<void> => {
    const body = size === 0 ? undefined : Buffer.alloc(size);
    const response = await cast.transport.request(`${base}/?n=${n}`, { method, body, timeout: requestTimeout });
    await response.body.dump();
  };
  const post = (n: number): Promise<void> => send(n, 'POST', bodySize);
  const get = (n: number): Promise<void> => send(n, 'GET', 0);
  try {
    cast.title = 'small POSTs, and nothing beside them';
    await cast.paced('before', plan.before.requests, plan.before.every, post);
    cast.title = 'an upload that nobody reads holds the connection window';
    const upload = cast.start('during', (n) => send(n, 'PUT', uploadSize));
    while (origin.unread === 0) await sleep(1);
    const small = { post: new Set<number>(), get: new Set<number>() };
    let turn = 0;
    await cast.paced('during', 2 * plan.during.requests, plan.during.every / 2, (n) => {
      const kind = turn++ % 2 === 0 ? 'post' : 'get';
      small[kind].add(n);
      return kind === 'post' ? post(n) : get(n);
    });
    const others = (): number => cast.recorder.samples.filter((s) => s.n !== upload && s.ended === undefined).length;
    const deadline = performance.now() + grace;
    while (others() > 0 && performance.now() < deadline) await sleep(10);
    const waited = others();
    origin.read();
    await cast.ended();
    const [{ connection: held } = { connection: undefined }] = cast.recorder.samples.filter(({ n }) => n === upload);
    const stayed = cast.recorder.samples.filter(({ n, connection }) => small.get.has(n) && connection === held).length;
    return cast.report(
      `An upload of 1 MB on connection #${held ?? '?'} is not read by the origin's application, and holds the 65,535
bytes that all bodies on that connection share. POSTs of 1 KB go around it; GETs need none of that,
and ${stayed} of ${plan.during.requests} stayed. Waited for the upload to be read: ${waited === 0 ? 'none' : waited}.`,
      [
        cast.group('POSTs before', ({ phase }) => phase === 'before'),
        cast.group('POSTs beside the upload', ({ n }) => small.post.has(n)),
        cast.group('GETs beside the upload', ({ n }) => small.get.has(n)),
        cast.group('the upload', ({ n }) => n === upload),
      ],
      origin.accepted,
      palette,
    );
  } finally {
    stop();
    cast.transport.destroy();
    origin.close();
  }
}
