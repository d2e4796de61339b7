import type { ConnectionEvent, FrameEvent, Observer } from '../../index.js';
import { FrameType } from '../../wire/constants.js';

export type Phase = 'before' | 'during' | 'after';

/** One request: when it ran, where, and how it ended. Times are those of `performance.now()`. */
export interface Sample {
  readonly n: number;
  readonly phase: Phase;
  readonly started: number;
  ended: number | undefined;
  error: unknown;
  /** The connection that its HEADERS went out on last. */
  connection: number | undefined;
}

/** Watches the frames to learn which connection carries which request, and keeps a sample of each request. */
export class Recorder implements Observer {
  readonly samples: Sample[] = [];
  /** Connections that were reported stalled at some time. */
  readonly stalled = new Set<number>();
  done = 0;
  failed = 0;
  private readonly pending = new Map<number, Sample>();
  private readonly waiting = new Map<number, (connection: number | undefined) => void>();

  frame(event: FrameEvent): void {
    if (event.direction !== 'sent' || event.type !== FrameType.Headers || event.fields === undefined) return;
    const path = event.fields[event.fields.indexOf(':path') + 1] ?? '';
    const sample = this.pending.get(Number(/[?&]n=(\d+)/.exec(path)?.[1]));
    if (sample === undefined) return;
    sample.connection = event.connection;
    this.tell(sample);
  }

  connection(event: ConnectionEvent): void {
    if (event.type === 'stalled') this.stalled.add(event.connection);
  }

  /** Samples request `n` while `work` runs. Resolves when it has ended, well or not, or after `limit` milliseconds. */
  async run(n: number, phase: Phase, limit: number, work: () => Promise<void>): Promise<void> {
    const sample: Sample = {
      n,
      phase,
      started: performance.now(),
      ended: undefined,
      error: undefined,
      connection: undefined,
    };
    this.samples.push(sample);
    this.pending.set(n, sample);
    try {
      await within(limit, work());
      this.done += 1;
    } catch (error) {
      sample.error = error;
      this.failed += 1;
    }
    sample.ended = performance.now();
    this.pending.delete(n);
    this.tell(sample);
  }

  /** Resolves with the connection that carries request `n` once it has one, or with undefined if it ends without. */
  async connectionOf(n: number): Promise<number | undefined> {
    const sample = this.pending.get(n);
    if (sample === undefined) return this.samples.find((ended) => ended.n === n)?.connection;
    return sample.connection ?? new Promise((resolve) => this.waiting.set(n, resolve));
  }

  /** How many requests run that this connection does not carry: on others, or still waiting for one. */
  pendingElsewhere(connection: number | undefined): number {
    let count = 0;
    for (const sample of this.pending.values()) if (sample.connection !== connection) count += 1;
    return count;
  }

  private tell({ n, connection }: Sample): void {
    this.waiting.get(n)?.(connection);
    this.waiting.delete(n);
  }
}

/** Rejects when the work has not settled in time: a request that never settles is a failure, and must not hang the run. */
async function within(limit: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it had not settled after ${limit} ms`)), limit);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
