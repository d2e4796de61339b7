import { version } from '../../version.js';
import { formatBytes, formatDuration, type Palette } from '../terminal.js';
import type { Histogram } from '../histogram.js';
import type { Load } from './load.js';

const percents = [50, 75, 90, 95, 99, 99.9] as const;
const histogramRows = 12;
const barWidth = 40;

/** Milliseconds; null where nothing was measured. */
export interface Distribution {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  /** By percent: '50', '99.9'. */
  readonly percentiles: Readonly<Record<string, number>>;
}

/** What `--json` prints. Times in milliseconds, sizes in bytes. */
export interface BenchResult {
  readonly url: string;
  readonly clients: number;
  /** Requests at once on each connection, as asked for, and what the server allows. */
  readonly streams: number;
  readonly streamLimit: number | null;
  readonly duration: number;
  readonly requests: {
    readonly done: number;
    /** Without an answer, or with one of a status of 400 and more, which is among `done` too. */
    readonly failed: number;
    /** Under way when the time was over; counted as nothing. */
    readonly unfinished: number;
    readonly perSecond: number;
  };
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly reconnects: number;
  readonly body: { readonly bytes: number; readonly perSecond: number };
  readonly connect: Distribution | null;
  readonly latency: Distribution | null;
  /** Ranges of latencies in rising order: so many up to this time, and above the one before. */
  readonly histogram: readonly { readonly upTo: number; readonly count: number }[];
  /** What this process spent, in microseconds a request and as a share of one core. */
  readonly cpu: { readonly perRequest: number; readonly share: number };
  readonly version: string;
  readonly node: string;
}

export function resultOf(
  load: Load,
  { url, clients, streams }: Pick<BenchResult, 'url' | 'clients' | 'streams'>,
): BenchResult {
  const duration = load.startedAt === 0 ? 0 : load.endedAt - load.startedAt;
  const perSecond = (amount: number): number => (duration > 0 ? amount / (duration / 1000) : 0);
  const done = load.latencies.count;
  const spent = load.usage.user + load.usage.system;
  return {
    url,
    clients,
    streams,
    streamLimit: Number.isFinite(load.streamLimit) ? load.streamLimit : null,
    duration,
    requests: { done, failed: load.failed + load.refused, unfinished: load.unfinished, perSecond: perSecond(done) },
    statuses: Object.fromEntries([...load.statuses].map(([status, number]) => [String(status), number])),
    errors: Object.fromEntries(load.errors),
    reconnects: load.reconnects,
    body: { bytes: load.bytes, perSecond: perSecond(load.bytes) },
    connect: distribution(load.connects),
    latency: distribution(load.latencies),
    histogram: load.latencies.ranges(histogramRows),
    cpu: { perRequest: done > 0 ? spent / done : 0, share: duration > 0 ? spent / 1000 / duration : 0 },
    version,
    node: process.version,
  };
}

function distribution(times: Histogram): Distribution | null {
  if (times.count === 0) return null;
  const percentiles = Object.fromEntries(percents.map((percent) => [String(percent), times.percentile(percent) ?? 0]));
  return { min: times.min, mean: times.mean, max: times.max, percentiles };
}

/** The result for people. */
export function textOf(result: BenchResult, palette: Palette): string {
  const { requests, body, connect, latency, clients, streams, duration, reconnects } = result;
  const connections = `${clients} ${clients === 1 ? 'connection' : 'connections'}`;
  const failed = `${requests.failed} failed`;
  const lines = [
    `${palette.bold(result.url)}  ${connections}, ${streams} ${streams === 1 ? 'request' : 'requests'} at once on each`,
    '',
    `requests  ${requests.done} done, ${requests.failed > 0 ? palette.red(failed) : failed}; ` +
      `${palette.bold(`${Math.round(requests.perSecond)}/s`)} for ${formatDuration(duration)}`,
    ...list('statuses', result.statuses),
    ...list('errors', result.errors),
    `bodies    ${formatBytes(body.bytes)}, ${formatBytes(Math.round(body.perSecond))}/s`,
  ];
  if (connect !== null)
    lines.push(`connect   mean ${formatDuration(connect.mean)}, max ${formatDuration(connect.max)}`);
  if (reconnects > 0) lines.push(`          ${reconnects} made again after the server had ended one`);
  if (latency !== null) lines.push('', ...latencyLines(latency), '', ...histogramLines(result, palette));
  return `${[...lines, '', ...notes(result)].join('\n')}\n`;
}

function list(name: string, counts: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(counts).map(([key, number]) => `${key}: ${number}`);
  return entries.length === 0 ? [] : [`${name.padEnd(10)}${entries.join(', ')}`];
}

function latencyLines({ min, mean, max, percentiles }: Distribution): string[] {
  const named: [string, number][] = [
    ['min', min],
    ['mean', mean],
    ...Object.entries(percentiles).map(([percent, time]): [string, number] => [`p${percent}`, time]),
    ['max', max],
  ];
  const cells = named.map(([name, time]) => [name, formatDuration(time)] as const);
  const widths = cells.map(([name, time]) => Math.max(name.length, time.length));
  const row = (of: 0 | 1): string => cells.map((cell, i) => cell[of].padStart(widths[i] ?? 0)).join('  ');
  return [`latency   ${row(0)}`, `          ${row(1)}`];
}

function histogramLines({ histogram, requests }: BenchResult, palette: Palette): string[] {
  const most = Math.max(...histogram.map(({ count }) => count));
  return histogram.map(({ upTo, count }) => {
    const bar = '#'.repeat(count === 0 ? 0 : Math.max(1, Math.round((count / most) * barWidth)));
    const share = `${((count / requests.done) * 100).toFixed(1)}%`;
    return `  up to ${formatDuration(upTo).padStart(8)}  ${palette.cyan(bar)} ${palette.dim(share)}`;
  });
}

/** A process that is busy all the time measures itself; then the server could do more than the figures say. */
const busy = 0.9;

function notes({ cpu, streamLimit, streams, requests }: BenchResult): string[] {
  const spent = `this process: ${Math.round(cpu.share * 100)}% of a core, ${cpu.perRequest.toFixed(1)} µs a request`;
  const lines = [requests.done > 0 && cpu.share > busy ? `${spent}; it sets the limit here, not the server` : spent];
  if (streamLimit !== null && streamLimit < streams)
    lines.push(`the server allows ${streamLimit} requests at once on a connection: the others waited their turn`);
  return lines;
}
