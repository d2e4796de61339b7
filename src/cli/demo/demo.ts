import { setTimeout as sleep } from 'node:timers/promises';
import { Transport } from '../../index.js';
import { selfSignedCertificate } from '../certificate.js';
import { observers } from '../../diagnostics/index.js';
import { traceTo, type Io } from '../session.js';
import { palette, wantsColour } from '../terminal.js';
import { LiveView, type Progress } from './live.js';
import { perform, performLargeUpload, workOf } from './load.js';
import { startOrigin } from './origin.js';
import { Recorder, type Phase } from './recorder.js';
import { report, type Outcome } from './report.js';
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
/** Milliseconds that a request may take. */
const requestTimeout = 20_000;
/** Milliseconds that the stall lasts at most once its last request was started. */
const stallGrace = 5_000;

/** Runs the demo and resolves with the exit number: 0 only if no request failed. A trace of it goes to `traceFile`. */
export async function runDemo(io: Io, traceFile?: string): Promise<number> {
  const trace = traceFile === undefined ? undefined : traceTo(traceFile, false);
  const certificate = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'] });
  const origin = await startOrigin(certificate);
  const proxy = await StallingProxy.start(origin.port);
  const recorder = new Recorder();
  const transport = new Transport({ tls: { ca: certificate.cert }, observer: observers(recorder, trace?.observer) });
  const demo = new Demo(transport, proxy, recorder);
  const colours = palette(wantsColour(io.stderr, io.env));
  const view = new LiveView(io.stderr, colours, transport, recorder, () => demo.progress);
  try {
    const outcome = await demo.run();
    view.stop();
    io.stdout.write(report(outcome, palette(wantsColour(io.stdout, io.env))));
    return recorder.failed === 0 ? 0 : 1;
  } finally {
    view.stop();
    transport.destroy();
    trace?.close();
    await proxy.close();
    await origin.close();
  }
}

/** The course of the run: requests start at a fixed pace, whether or not those before them have been answered. */
class Demo {
  progress: Progress = {
    title: 'starting',
    total: plan.before.requests + 1 + plan.carried.requests + plan.during.requests + plan.after.requests,
  };
  private readonly transport: Transport;
  private readonly proxy: StallingProxy;
  private readonly recorder: Recorder;
  private readonly base: string;
  private readonly running: Promise<void>[] = [];
  private started = 0;

  constructor(transport: Transport, proxy: StallingProxy, recorder: Recorder) {
    this.transport = transport;
    this.proxy = proxy;
    this.recorder = recorder;
    this.base = `https://127.0.0.1:${proxy.port}`;
  }

  async run(): Promise<Outcome> {
    this.say('before the stall');
    await this.paced('before', plan.before);
    await Promise.all(this.running);

    this.say('the proxy has stopped reading one connection');
    const { upload, connection } = await this.startCarried();
    // Connections are dialled one at a time, so the transport's numbers, from 1, are the proxy's, from 0. Bytes that
    // were sent in this turn of the event loop have not reached the proxy yet, and will not be read there.
    const index = (connection ?? 1) - 1;
    const stalledAt = performance.now();
    this.proxy.stall(index);
    await this.paced('during', plan.during);
    const deadline = performance.now() + stallGrace;
    while (this.recorder.pendingElsewhere(connection) > 0 && performance.now() < deadline) await sleep(10);

    this.say('the proxy reads again');
    const resumedAt = performance.now();
    this.proxy.resume(index);
    await this.paced('after', plan.after);
    await Promise.all(this.running);
    return {
      samples: this.recorder.samples,
      stalledAt,
      resumedAt,
      stalledConnection: connection,
      stallWasSeen: connection !== undefined && this.recorder.stalled.has(connection),
      upload,
      uploadSize,
      connectionsOpened: this.proxy.accepted,
    };
  }

  /** Starts what the connection is given just before it is blocked; the number of the upload among it, and where it went. */
  private async startCarried(): Promise<{ upload: number; connection: number | undefined }> {
    const upload = this.start('during', (n) =>
      performLargeUpload(this.transport, this.base, n, uploadSize, requestTimeout),
    );
    const carried = this.recorder.connectionOf(upload);
    for (let i = 0; i < plan.carried.requests; i += 1) this.startOne('during');
    return { upload, connection: await carried };
  }

  private async paced(phase: Phase, { requests, every }: { requests: number; every: number }): Promise<void> {
    const begin = performance.now();
    for (let i = 0; i < requests; i += 1) {
      const wait = begin + i * every - performance.now();
      if (wait > 0) await sleep(wait);
      this.startOne(phase);
    }
  }

  private startOne(phase: Phase): void {
    this.start(phase, (n) => perform(this.transport, this.base, workOf(n), requestTimeout));
  }

  private start(phase: Phase, work: (n: number) => Promise<void>): number {
    this.started += 1;
    const n = this.started;
    this.running.push(this.recorder.run(n, phase, requestTimeout + 1_000, () => work(n)));
    return n;
  }

  private say(title: string): void {
    this.progress = { ...this.progress, title };
  }
}
