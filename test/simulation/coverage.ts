import { readFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import type { FrameEvent } from '../../dist/ports/observer.js';
import { Flag, Type, typeNames } from './frames.js';

/** What decides where a request goes. */
const judged = [
  'pool/dial-policy.js',
  'pool/endpoints.js',
  'pool/replay.js',
  'protocol/health.js',
  'protocol/deadlines.js',
];

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
    const step = `${state}: ${direction} ${typeNames[type] ?? 'unknown'}`;
    this.steps.set(step, (this.steps.get(step) ?? 0) + 1);
    this.streams.set(key, next(state, direction === 'sent', type, flags));
  };

  /** A run is over; numbers of streams begin anew. */
  nextRun(): void {
    this.streams.clear();
  }

  text(): string {
    const lines = [...this.steps].sort().map(([step, times]) => `${step} ${times}`);
    return [`steps of streams: ${lines.join(', ')}`, ...this.branches()].join('\n');
  }

  private branches(): string[] {
    let scripts: readonly Profiler.ScriptCoverage[] = [];
    this.session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error === null) scripts = taken.result;
    });
    return judged.flatMap((name) => {
      const script = scripts.find(({ url }) => url.endsWith(`/dist/${name}`));
      if (script === undefined) return [`${name}: never loaded`];
      const text = readFileSync(fileURLToPath(script.url), 'utf8');
      const blocks = script.functions.flatMap(({ ranges }) => ranges);
      const missed = blocks.filter(({ count }) => count === 0);
      const told = missed.map(({ startOffset, endOffset }) => {
        const line = text.slice(0, startOffset).split('\n').length;
        return `  ${line}: ${text.slice(startOffset, endOffset).trim().split('\n')[0]!.slice(0, 100)}`;
      });
      return [
        `${name}: ${blocks.length - missed.length} of ${blocks.length} blocks${told.length > 0 ? '; not:' : ''}`,
        ...told,
      ];
    });
  }
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
