import { setTimeout as sleep } from 'node:timers/promises';
import { TransportError } from '../errors.js';
import type { ClientConn } from '../index.js';
import { describeFailure, ExitCode, usageError } from './exit-codes.js';
import { Histogram } from './histogram.js';
import {
  commonArguments,
  connectionOptions,
  count,
  parseOptions,
  seconds,
  type CommonArguments,
  type Option,
} from './options.js';
import { Session, type Io } from './session.js';
import { columnsOf, formatDuration, palette, printable, wantsColour } from './terminal.js';
import { parseUrl } from './url.js';

/** `passinglane ping`, parsed. Times in milliseconds. */
export interface PingArguments extends CommonArguments {
  origin: string;
  /** Infinity: until it is interrupted. */
  count: number;
  interval: number;
  wait: number;
  json: boolean;
}

export const pingOptions: readonly Option<PingArguments>[] = [
  { short: 'c', long: 'count', value: 'NUMBER', set: (a, v) => void (a.count = count(v, '-c', 'ping')) },
  { short: 'i', long: 'interval', value: 'SECONDS', set: (a, v) => void (a.interval = seconds(v, '-i', 'ping')) },
  { short: 'W', long: 'timeout', value: 'SECONDS', set: (a, v) => void (a.wait = seconds(v, '-W', 'ping')) },
  { long: 'json', set: (a) => void (a.json = true) },
  ...connectionOptions,
];

/** Throws a {@link CliError} with exit number 2. */
export function parsePingArguments(argv: readonly string[]): PingArguments {
  const args = { ...commonArguments(), origin: '', count: Infinity, interval: 1_000, wait: 5_000, json: false };
  const [origin, ...more] = parseOptions<PingArguments>('ping', pingOptions, argv, args);
  if (args.help) return args;
  if (origin === undefined) throw usageError('no origin given', 'ping');
  if (more.length > 0) throw usageError(`ping takes one origin, not '${more.join(' ')}' as well`, 'ping');
  args.origin = origin;
  return args;
}

/**
 * Sends an HTTP/2 PING at a time over one connection until the count is reached, the connection ends, or `stop` is
 * aborted, then sums up. Resolves with 0, or with an exit number when the connection ended or nothing was answered.
 */
export async function runPing(args: PingArguments, io: Io, stop: AbortSignal): Promise<number> {
  const url = parseUrl(args.origin, args.http2PriorKnowledge);
  if (url.protocol === 'http:') args.http2PriorKnowledge = true; // there is no PING in HTTP/1.1
  const session = new Session(args, io);
  const transport = session.transportFor(url);
  const complain = (error: unknown): number => {
    const { exitCode, message, hint } = describeFailure(error, { url, responseBegun: false, priorKnowledge: true });
    session.warn(`(${exitCode}) ${printable(message)}`);
    if (hint !== undefined) session.warn(hint);
    return exitCode;
  };
  try {
    const conn = await transport.connect(url.origin);
    const run = new PingRun(args, io, url.origin);
    const lost = await run.send(conn, stop);
    run.finish(conn);
    if (lost !== undefined) return complain(lost);
    await conn.shutdown();
    return run.answered > 0 || run.sent === 0 ? ExitCode.Ok : ExitCode.Timeout;
  } catch (error) {
    return complain(error);
  } finally {
    await session.close(true);
  }
}

const percentiles = [50, 90, 99] as const;
const sparks = '▁▂▃▄▅▆▇█';

class PingRun {
  sent = 0;
  answered = 0;
  private readonly args: PingArguments;
  private readonly io: Io;
  private readonly origin: string;
  private readonly times = new Histogram();
  /** The latest round trips, for the live line; undefined: not answered in time. */
  private readonly latest: (number | undefined)[] = [];
  private readonly live: boolean;

  constructor(args: PingArguments, io: Io, origin: string) {
    this.args = args;
    this.io = io;
    this.origin = origin;
    this.live = io.stdout.isTTY === true && !args.json && !args.verbose;
  }

  /** Resolves with the error that ended the connection, if one did. */
  async send(conn: ClientConn, stop: AbortSignal): Promise<unknown> {
    for (let seq = 1; seq <= this.args.count && !stop.aborted; seq += 1) {
      const begun = performance.now();
      this.sent += 1;
      try {
        const time = await conn.ping({ timeout: this.args.wait, signal: stop });
        this.answered += 1;
        this.times.add(time);
        this.show(seq, time);
      } catch (error) {
        if (stop.aborted) {
          this.sent -= 1;
          return undefined;
        }
        if (!TransportError.isInstance(error) || error.code !== 'ERR_PASSINGLANE_PING_TIMEOUT') return error;
        this.show(seq, undefined);
      }
      if (seq < this.args.count) await this.pause(begun + this.args.interval - performance.now(), stop);
    }
    return undefined;
  }

  private async pause(milliseconds: number, stop: AbortSignal): Promise<void> {
    if (milliseconds <= 0) return;
    try {
      await sleep(milliseconds, undefined, { signal: stop });
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  }

  private show(seq: number, time: number | undefined): void {
    if (this.args.json) return;
    const outcome = time === undefined ? `no answer in ${formatDuration(this.args.wait)}` : formatDuration(time);
    if (!this.live) {
      this.io.stdout.write(`seq=${seq} time=${outcome}\n`);
      return;
    }
    this.latest.push(time);
    const width = columnsOf(this.io.stdout) - 1;
    const figures = `${this.origin}  seq ${seq}  ${outcome}  ${this.figures(true)}`;
    const room = Math.min(40, Math.max(0, width - figures.length - 2));
    while (this.latest.length > room) this.latest.shift();
    const line = room < 5 ? figures.slice(0, width) : `${figures}  ${this.spark()}`;
    this.io.stdout.write(`\r\x1b[K${line}`);
  }

  /** A bar for each of the latest, the longest of them as the whole height; '×' for one without answer. */
  private spark(): string {
    const colours = palette(wantsColour(this.io.stdout, this.io.env));
    const highest = Math.max(...this.latest.map((time) => time ?? 0), 0.001);
    return this.latest
      .map((time) =>
        time === undefined ? colours.red('×') : sparks.charAt(Math.round((time / highest) * (sparks.length - 1))),
      )
      .join('');
  }

  private figures(short: boolean): string {
    const at = (percent: number): string => formatDuration(this.times.percentile(percent) ?? 0);
    const lost = this.sent - this.answered;
    const unanswered = lost > 0 ? `${lost} lost  ` : '';
    if (this.answered === 0) return unanswered;
    if (short) return `${unanswered}p50 ${at(50)}  max ${formatDuration(this.times.max)}`;
    const middle = percentiles.map((percent) => `p${percent} ${at(percent)}`).join('  ');
    return `min ${formatDuration(this.times.min)}  ${middle}  max ${formatDuration(this.times.max)}`;
  }

  finish(conn: ClientConn): void {
    const { io, args, sent, answered, times, origin } = this;
    if (args.json) {
      const at = Object.fromEntries(percentiles.map((percent) => [`p${percent}`, times.percentile(percent) ?? null]));
      const roundTrip = answered === 0 ? null : { min: times.min, mean: times.mean, ...at, max: times.max };
      const maxConcurrentStreams = conn.state().maxConcurrentStreams;
      io.stdout.write(`${JSON.stringify({ origin, sent, answered, roundTrip, maxConcurrentStreams })}\n`);
      return;
    }
    if (this.live) io.stdout.write('\n');
    io.stdout.write(`${origin}: ${sent} sent, ${answered} answered\n`);
    if (answered > 0) io.stdout.write(`${this.figures(false)}\n`);
  }
}
