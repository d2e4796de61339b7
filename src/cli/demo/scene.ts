import { Transport, type Observer, type TransportOptions } from '../../index.js';
import { observers } from '../../diagnostics/index.js';
import type { Certificate } from '../certificate.js';
import type { Palette } from '../terminal.js';
import { Recorder, type Phase, type Sample } from './recorder.js';
import { latencyTable, type Group } from './table.js';

/** Milliseconds that a request may take: many times what any takes, since on a busy machine the demo itself is slow. */
export const requestTimeout = 60_000;

/** What scenes are played with. */
export interface Stage {
  readonly certificate: Certificate;
  /** Is told what is recorded, for a trace. */
  readonly observer: Observer | undefined;
  /** Shows how far a cast has come, under the title that it has then, until it is told to stop. */
  show(cast: Cast): () => void;
}

/** What a scene came to, in the words that it ends with; each line ends in '\n'. */
export interface SceneReport {
  readonly text: string;
  readonly failed: number;
}

/** The transport of a scene, and the requests that it makes with it. */
export class Cast {
  readonly recorder = new Recorder();
  readonly transport: Transport;
  title = '';
  readonly total: number;
  private readonly running: Promise<void>[] = [];
  private started = 0;

  constructor({ certificate, observer }: Stage, total: number, options: TransportOptions) {
    this.total = total;
    this.transport = new Transport({
      ...options,
      tls: { ca: certificate.cert },
      observer: observers(this.recorder, observer),
    });
  }

  /** Starts one; `work` is given its number. */
  start(phase: Phase, work: (n: number) => Promise<void>): number {
    const n = ++this.started;
    this.running.push(this.recorder.run(n, phase, requestTimeout + 1_000, () => work(n)));
    return n;
  }

  /** Starts so many at a fixed pace, whether or not those before them have been answered. */
  async paced(phase: Phase, requests: number, every: number, work: (n: number) => Promise<void>): Promise<void> {
    const begin = performance.now();
    for (let i = 0; i < requests; i++) {
      const wait = begin + i * every - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      this.start(phase, work);
    }
  }

  /** All that have been started have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.running);
  }

  group(name: string, of: (sample: Sample) => boolean): Group {
    const samples = this.recorder.samples.filter(of);
    const succeeded = samples.filter(({ error }) => error === undefined);
    return { name, latencies: succeeded.map(latencyOf), failed: samples.length - succeeded.length };
  }

  report(introduction: string, groups: readonly Group[], connections: number, palette: Palette): SceneReport {
    const { done, failed } = this.recorder;
    const summary = `done: ${done}, failed: ${failed}, on ${connections} connections`;
    const paint = failed === 0 ? palette.green : palette.red;
    return { text: `\n${introduction}\n\n${latencyTable(groups)}\n${paint(summary)}\n`, failed };
  }
}

function latencyOf({ started, ended }: Sample): number {
  return (ended ?? Infinity) - started;
}
