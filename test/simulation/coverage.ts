import { readFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import type { FrameEvent } from '../../dist/ports/observer.js';
import { Flag, Type, typeNames } from './frames.js';
import { count } from './tally.js';

/** What decides where a request goes, when, and how often. */
const judged = [
  'pool/answer-replay.js',
  'pool/balance.js',
  'pool/balancer.js',
  'pool/dial-policy.js',
  'pool/endpoint.js',
  'pool/endpoint-load.js',
  'pool/endpoints.js',
  'pool/hedge-budget.js',
  'pool/hedging.js',
  'pool/replay.js',
  'pool/replays.js',
  'pool/retry-budget.js',
  'protocol/health.js',
  'protocol/deadlines.js',
];

/** What one thread has covered, as plain data. */
export interface Covered {
  /** Steps of streams, and how often each was made. */
  readonly steps: ReadonlyMap<string, number>;
  /** Of each file that decides: which characters of it have run. */
  readonly ran: ReadonlyMap<string, Uint8Array>;
}

/** Which branches of the policies and of health were taken, and which steps of RFC 9113 section 5.1 streams made. */
export class Coverage {
  private readonly session = new Session();
  private readonly steps = new Map<string, number>();
  private readonly streams = new Map<string, string>();

  constructor() {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  readonly onFrame = ({ connection, streamId, direction, type, flags }: FrameEvent): void => {
    if (streamId === 0) return;
    const key = `${connection}/${streamId}`;
    const state = this.streams.get(key) ?? 'idle';
    count(this.steps, `${state}: ${direction} ${typeNames[type] ?? 'unknown'}`, 1);
    this.streams.set(key, next(state, direction === 'sent', type, flags));
  };

  /** A run is over; numbers of streams begin anew. */
  nextRun(): void {
    this.streams.clear();
  }

  taken(): Covered {
    let scripts: readonly Profiler.ScriptCoverage[] = [];
    this.session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error === null) scripts = taken.result;
    });
    const ran = new Map<string, Uint8Array>();
    for (const name of judged) {
      const script = scripts.find(({ url }) => url.endsWith(`/dist/${name}`));
      if (script !== undefined) ran.set(name, charactersRun(script));
    }
    return { steps: this.steps, ran };
  }
}

/** Ranges stand within each other, and the innermost tells. What is in no function ran when it was loaded. */
function charactersRun({ functions }: Profiler.ScriptCoverage): Uint8Array {
  const ranges = functions.flatMap((one) => one.ranges);
  ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  const ran = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset))).fill(1);
  for (const { startOffset, endOffset, count: times } of ranges) ran.fill(times > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
}

/** What has run in one of the threads has run. */
export function coverageText(all: readonly Covered[]): string {
  const steps = new Map<string, number>();
  for (const covered of all) for (const [step, times] of covered.steps) count(steps, step, times);
  const lines = [...steps].sort().map(([step, times]) => `${step} ${times}`);
  return [`steps of streams: ${lines.join(', ')}`, ...judged.flatMap((name) => branches(name, all))].join('\n');
}

function branches(name: string, all: readonly Covered[]): string[] {
  const parts = all.map(({ ran }) => ran.get(name)).filter((one) => one !== undefined);
  if (parts.length === 0) return [`${name}: never loaded`];
  const ran = parts[0]!.map((_, at) => (parts.some((one) => one[at] === 1) ? 1 : 0));
  const text = readFileSync(fileURLToPath(new URL(`../../dist/${name}`, import.meta.url)), 'utf8');
  const missed: string[] = [];
  for (let at = ran.indexOf(0); at !== -1;) {
    const end = ran.indexOf(1, at);
    const line = text.slice(0, at).split('\n').length;
    const code = text.slice(at, end === -1 ? undefined : end).trim();
    if (/\w/.test(code)) missed.push(`  ${line}: ${code.split('\n')[0]!.slice(0, 100)}`);
    at = end === -1 ? -1 : ran.indexOf(0, end);
  }
  const share = (ran.filter((one) => one === 1).length * 100) / ran.length;
  return [`${name}: ${share.toFixed(1)} % of it has run${missed.length > 0 ? '; not:' : ''}`, ...missed];
}

/** RFC 9113 section 5.1, as far as clients go that are pushed nothing. */
function next(state: string, sent: boolean, type: number, flags: number): string {
  if (type === Type.rstStream) return 'closed';
  const opened = state === 'idle' && type === Type.headers ? 'open' : state;
  const ends = (type === Type.headers || type === Type.data) && (flags & Flag.endStream) !== 0;
  if (!ends) return opened;
  const own = sent ? 'half-closed (local)' : 'half-closed (remote)';
  return opened === 'open' ? own : 'closed';
}
