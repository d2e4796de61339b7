import { describeFailure, ExitCode } from '../exit-codes.js';
import { dataBody } from '../data.js';
import { Session, type Io } from '../session.js';
import { formatDuration, palette, printable, wantsColour } from '../terminal.js';
import { requestHeaders } from '../headers.js';
import { parseUrl, withoutCredentials } from '../url.js';
import type { BenchArguments } from './arguments.js';
import { Load } from './load.js';
import { resultOf, textOf } from './report.js';

const redrawEvery = 200;

/** Exit number: some answers were errors. */
const someFailed = 1;

/**
 * Runs the load and prints what it came to. Resolves with 0, with the exit number of the first request that came to
 * no answer, or with 1 where all came to one and some of those had a status of 400 or more. `stop` ends the run early, with the figures until then.
 */
export async function runBench(args: BenchArguments, io: Io, stop: AbortSignal): Promise<number> {
  const url = parseUrl(args.url, args.http2PriorKnowledge);
  if (url.protocol === 'http:') args.http2PriorKnowledge = true; // a closed loop with streams is an HTTP/2 affair
  const session = new Session(args, io);
  const request = { data: args.data, json: false, headers: args.headers };
  const body = await dataBody(request, io.stdin);
  const target = withoutCredentials(url).href;
  const transport = session.transportFor(url);
  const load = new Load(
    {
      url: target,
      options: {
        method: args.method ?? (body === undefined ? 'GET' : 'POST'),
        headers: requestHeaders(request, url, body),
        body: body?.content,
      },
      clients: args.clients,
      streams: args.streams,
      requests: args.requests ?? Infinity,
      duration: args.duration ?? Infinity,
      warmUp: args.warmUp,
    },
    () => transport.connect(url.origin),
  );
  const live = new LiveLine(io, load, args);
  try {
    await load.run(stop);
    live.stop();
    const result = resultOf(load, { url: target, clients: args.clients, streams: args.streams });
    const colours = palette(wantsColour(io.stdout, io.env));
    io.stdout.write(args.json ? `${JSON.stringify(result)}\n` : textOf(result, colours));
    if (load.firstError === undefined) return load.refused > 0 ? someFailed : ExitCode.Ok;
    return complain(session, url, load.firstError);
  } catch (error) {
    live.stop();
    return complain(session, url, error);
  } finally {
    await session.close(true);
  }
}

function complain(session: Session, url: URL, error: unknown): number {
  const { exitCode, message, hint } = describeFailure(error, { url, responseBegun: false, priorKnowledge: true });
  session.warn(`(${exitCode}) ${printable(message)}`);
  if (hint !== undefined) session.warn(hint);
  return exitCode;
}

/** How it stands, on one line of a terminal. */
class LiveLine {
  private readonly io: Io;
  private readonly load: Load;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(io: Io, load: Load, args: BenchArguments) {
    this.io = io;
    this.load = load;
    const wanted = io.stderr.isTTY === true && !args.silent && !args.verbose;
    this.timer = wanted ? setInterval(() => this.draw(), redrawEvery) : undefined;
  }

  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.io.stderr.write('\r\x1b[K');
  }

  private draw(): void {
    const { load } = this;
    if (load.warmingUp) {
      this.io.stderr.write('\r\x1b[Kwarming up');
      return;
    }
    const { count } = load.latencies;
    const elapsed = performance.now() - load.startedAt;
    const rate = Math.round(count / (elapsed / 1000));
    const at = (percent: number): string => formatDuration(load.latencies.percentile(percent) ?? 0);
    const failed = load.failed + load.refused > 0 ? `  ${load.failed + load.refused} failed` : '';
    const line = `${(elapsed / 1000).toFixed(1)} s  ${count} requests  ${rate}/s  p50 ${at(50)}  p99 ${at(99)}${failed}`;
    this.io.stderr.write(`\r\x1b[K${line}`);
  }
}
