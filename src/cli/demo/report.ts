import { sentenceOf } from '../../errors.js';
import { formatBytes, formatDuration, printable, type Palette } from '../terminal.js';
import type { Sample } from './recorder.js';
import { latencyTable, type Group } from './table.js';

/** What the run came to. Times are those of `performance.now()`. */
export interface Outcome {
  readonly samples: readonly Sample[];
  readonly stalledAt: number;
  readonly resumedAt: number;
  /** The number of the connection that the proxy stopped reading; undefined if the upload was never sent. */
  readonly stalledConnection: number | undefined;
  /** The transport reported that connection as stalled. */
  readonly stallWasSeen: boolean;
  /** The number of the large upload among the samples, and its bytes. */
  readonly upload: number;
  readonly uploadSize: number;
  readonly connectionsOpened: number;
}

const shownErrors = 5;

/** The text that the demo ends with: the table, and in words what it shows. */
export function report(outcome: Outcome, palette: Palette): string {
  const carried = outcome.samples.filter((sample) => wasCarried(sample, outcome));
  const rest = outcome.samples.filter((sample) => !carried.includes(sample));
  const during = rest.filter((sample) => sample.phase === 'during');
  const table = latencyTable([
    group(
      'before the stall',
      rest.filter((sample) => sample.phase === 'before'),
    ),
    group('during the stall', during),
    group(
      'after the stall',
      rest.filter((sample) => sample.phase === 'after'),
    ),
    group('already on the stalled connection', carried),
  ]);
  const failed = outcome.samples.filter((sample) => sample.error !== undefined);
  const summary = `requests done: ${outcome.samples.length - failed.length}, failed: ${failed.length}, connections opened: ${outcome.connectionsOpened}`;
  const paint = failed.length === 0 ? palette.green : palette.red;
  return [
    introduction(outcome, carried.length),
    table,
    `${paint(summary)}\n${uploadLine(outcome)}${conclusion(outcome, during)}`,
    ...(failed.length === 0 ? [] : [errorLines(failed)]),
  ].join('\n');
}

/** Whether the stalled connection had this request before or during the stall, and still had it then. */
function wasCarried(sample: Sample, { stalledConnection, stalledAt, resumedAt }: Outcome): boolean {
  return (
    stalledConnection !== undefined &&
    sample.connection === stalledConnection &&
    sample.started < resumedAt &&
    (sample.ended ?? Number.POSITIVE_INFINITY) > stalledAt
  );
}

function group(name: string, samples: readonly Sample[]): Group {
  const succeeded = samples.filter((sample) => sample.error === undefined);
  return {
    name,
    latencies: succeeded.map((sample) => latencyOf(sample)),
    failed: samples.length - succeeded.length,
  };
}

function latencyOf({ started, ended }: Sample): number {
  return (ended ?? Number.POSITIVE_INFINITY) - started;
}

function introduction(outcome: Outcome, carried: number): string {
  const stall = formatDuration(outcome.resumedAt - outcome.stalledAt);
  return `${outcome.samples.length} requests through one Transport to an HTTP/2 origin behind a proxy. For ${stall} in the
middle the proxy read nothing from connection #${outcome.stalledConnection ?? '?'}, while it carried ${carried} requests.
Latency from the call to the last byte, by when a request was started:
`;
}

function uploadLine({ samples, upload, uploadSize }: Outcome): string {
  const sample = samples.find(({ n }) => n === upload);
  const whole = sample !== undefined && sample.error === undefined;
  const end = whole ? `arrived whole after ${formatDuration(latencyOf(sample))}` : 'failed';
  return `the ${formatBytes(uploadSize)} upload on the stalled connection ${end}\n`;
}

/** What the run shows about the promise, whichever way it went. */
function conclusion(outcome: Outcome, during: readonly Sample[]): string {
  if (!outcome.stallWasSeen) return 'the stall was not noticed: no connection was reported as stalled\n';
  const waited = during.filter((sample) => (sample.ended ?? Number.POSITIVE_INFINITY) >= outcome.resumedAt).length;
  if (waited > 0) return `requests started during the stall that waited for its end: ${waited}\n`;
  const slowest = Math.max(...during.map(latencyOf));
  return `no request started during the stall waited for its end: the slowest took ${formatDuration(slowest)}\n`;
}

function errorLines(failed: readonly Sample[]): string {
  const lines = failed.slice(0, shownErrors).map(({ n, phase, error }) => {
    return `request ${n} (started ${phase} the stall) failed: ${printable(sentenceOf(error))}\n`;
  });
  if (failed.length > shownErrors) lines.push(`and ${failed.length - shownErrors} more\n`);
  return lines.join('');
}
