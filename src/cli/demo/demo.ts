import { selfSignedCertificate } from '../certificate.js';
import { traceTo, type Io } from '../session.js';
import { palette, wantsColour, type Palette } from '../terminal.js';
import { sceneNames, type SceneName } from './arguments.js';
import { LiveView } from './live.js';
import { playAddress } from './scene-address.js';
import { playBulk } from './scene-bulk.js';
import { playStall } from './scene-stall.js';
import { playWindow } from './scene-window.js';
import type { SceneReport, Stage } from './scene.js';

const scenes: Readonly<Record<SceneName, (stage: Stage, palette: Palette) => Promise<SceneReport>>> = {
  stall: playStall,
  window: playWindow,
  address: playAddress,
  bulk: playBulk,
};

/** Plays the scenes, or one, and resolves with the exit number: 0 only if no request failed. A trace of it goes to `traceFile`. */
export async function runDemo(io: Io, traceFile?: string, only?: SceneName): Promise<number> {
  const trace = traceFile === undefined ? undefined : traceTo(traceFile, false);
  const colours = palette(wantsColour(io.stderr, io.env));
  const stage: Stage = {
    certificate: selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'] }),
    observer: trace?.observer,
    show: (cast) => {
      const view = new LiveView(io.stderr, colours, cast.transport, cast.recorder, () => cast);
      return () => view.stop();
    },
  };
  let failed = 0;
  try {
    for (const name of only === undefined ? sceneNames : [only]) {
      const report = await scenes[name](stage, palette(wantsColour(io.stdout, io.env)));
      failed += report.failed;
      io.stdout.write(report.text);
    }
    return failed === 0 ? 0 : 1;
  } finally {
    trace?.close();
  }
}
