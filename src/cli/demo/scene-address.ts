import type { LookupFunction } from 'node:net';
import type { Palette } from '../terminal.js';
import { perform, workOf } from './load.js';
import { startOrigin } from './origin.js';
import { Cast, requestTimeout, type SceneReport, type Stage } from './scene.js';
import { StallingProxy } from './stalling-proxy.js';

const addresses = ['127.0.0.1', '127.0.0.2'] as const;
const plan = {
  before: { requests: 40, every: 12 },
  during: { requests: 180, every: 12 },
} as const;

const lookup: LookupFunction = (_name, _options, done) => {
  done(
    null,
    addresses.map((address) => ({ address, family: 4 })),
  );
};

/** A name with two addresses: the machine at the first freezes for two seconds, and its kernel takes connections still. */
export async function playAddress(stage: Stage, palette: Palette): Promise<SceneReport> {
  const origin = await startOrigin(stage.certificate);
  const first = await StallingProxy.start(origin.port);
  let second: StallingProxy;
  try {
    second = await StallingProxy.start(origin.port, addresses[1], first.port);
  } catch (error) {
    await Promise.all([first.close(), origin.close()]);
    return {
      text: `\nNo scene with two addresses: this machine has no ${addresses[1]} (${String(error)})\n`,
      failed: 0,
    };
  }
  const cast = new Cast(stage, plan.before.requests + plan.during.requests, { lookup });
  const stop = stage.show(cast);
  const work = (n: number): Promise<void> =>
    perform(cast.transport, `https://localhost:${first.port}`, workOf(n), requestTimeout);
  try {
    cast.title = `a name with two addresses, ${addresses.join(' and ')}`;
    await cast.paced('before', plan.before.requests, plan.before.every, work);
    await cast.ended();
    cast.title = `the machine at ${addresses[0]} is frozen`;
    first.freeze();
    await cast.paced('during', plan.during.requests, plan.during.every, work);
    cast.title = `the machine at ${addresses[0]} goes on`;
    first.thaw();
    await cast.ended();
    const seconds = ((plan.during.requests * plan.during.every) / 1_000).toFixed(1);
    const [{ connection: frozen } = { connection: undefined }] = cast.recorder.samples;
    return cast.report(
      `localhost stands for ${addresses.join(' and ')}, and the machine at the first was frozen for ${seconds} s.
What had been handed to it waited for its return. What came once it had been silent for a second,
and had not answered when it was asked, went to the other.`,
      [
        cast.group('before', ({ phase }) => phase === 'before'),
        cast.group('handed to the frozen machine', (s) => s.phase === 'during' && s.connection === frozen),
        cast.group('sent to the other', (s) => s.phase === 'during' && s.connection !== frozen),
      ],
      first.accepted + second.accepted,
      palette,
    );
  } finally {
    stop();
    cast.transport.destroy();
    await Promise.all([first.close(), second.close(), origin.close()]);
  }
}
