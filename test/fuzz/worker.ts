/** One fuzzing thread: see main.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { readCorpus } from './corpus.js';
import { Coverage } from './coverage.js';
import { invent, mutate } from './mutate.js';
import { Random } from './random.js';
import { hangTime, targets } from './targets.js';

export interface Job {
  readonly target: string;
  readonly seed: number;
  readonly executions: number;
  /** Executions spent on looking for inputs that reach new code. */
  readonly explore: number;
  /** Executions done, for whoever watches this thread. */
  readonly progress: BigInt64Array<SharedArrayBuffer>;
  /** The input at work: its length, and its bytes from 4 on. */
  readonly current: SharedArrayBuffer;
}

export interface Finding {
  readonly bytes: Uint8Array;
  readonly what: string;
}

export interface JobResult {
  readonly findings: readonly Finding[];
  readonly found: readonly Uint8Array[];
  readonly slowest: number;
  readonly blocks: number;
  readonly corpus: number;
  readonly heapBefore: number;
  readonly heapAfter: number;
}

const mostFindings = 10;
const mostKept = 4_000;

function collectGarbage(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

class Fuzzer {
  readonly findings: Finding[] = [];
  readonly found: Uint8Array[] = [];
  slowest = 0;
  private readonly job: Job;
  private readonly run: (bytes: Uint8Array) => void;
  private readonly random: Random;
  private readonly corpus: Uint8Array[];
  private readonly window: Uint8Array;
  private readonly length: Uint32Array;

  constructor(job: Job) {
    this.job = job;
    this.run = targets[job.target]!;
    this.random = new Random(job.seed);
    this.corpus = readCorpus(job.target);
    this.length = new Uint32Array(job.current, 0, 1);
    this.window = new Uint8Array(job.current, 4);
  }

  work(): JobResult {
    const blocks = this.explore();
    this.many(Math.min(2_000, this.job.executions));
    const heapBefore = collectGarbage();
    while (this.done < this.job.executions && this.findings.length < mostFindings)
      this.many(Math.min(1_000, this.job.executions - this.done));
    const { findings, found, slowest } = this;
    return {
      findings,
      found,
      slowest,
      blocks,
      corpus: this.corpus.length,
      heapBefore,
      heapAfter: collectGarbage(),
    };
  }

  private get done(): number {
    return Number(this.job.progress[0]);
  }

  private next(): Uint8Array {
    const { random, corpus } = this;
    if (corpus.length === 0 || random.chance(10)) return invent(random);
    return mutate(random.pick(corpus), random.pick(corpus), random);
  }

  private many(count: number): void {
    for (let i = 0; i < count; i++) this.execute(this.next());
  }

  /**
   * In batches, since looking at the coverage costs as much as some hundred executions: of a batch that reached new
   * code, each input is run again alone.
   */
  private explore(): number {
    const { explore } = this.job;
    if (explore === 0) return 0;
    const coverage = new Coverage();
    this.replay(coverage);
    for (let left = explore; left > 0; left -= 200) {
      const batch = Array.from({ length: Math.min(200, left) }, () => this.next());
      for (const bytes of batch) this.execute(bytes);
      if (coverage.look() > 0) this.keepNew(batch, coverage);
    }
    const { size } = coverage;
    coverage.stop();
    return size;
  }

  private replay(coverage: Coverage): void {
    coverage.forget();
    for (const bytes of this.corpus) this.execute(bytes);
    coverage.look();
  }

  private keepNew(batch: readonly Uint8Array[], coverage: Coverage): void {
    this.replay(coverage);
    for (const bytes of batch) {
      this.execute(bytes);
      if (coverage.look() === 0 || this.corpus.length >= mostKept) continue;
      this.corpus.push(bytes);
      this.found.push(bytes);
    }
  }

  private execute(bytes: Uint8Array): void {
    this.length[0] = bytes.length;
    this.window.set(bytes.subarray(0, this.window.length));
    const start = performance.now();
    try {
      this.run(bytes);
    } catch (error) {
      this.report(bytes, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    const took = performance.now() - start;
    if (took > this.slowest) this.slowest = took;
    if (took > hangTime && this.isSlow(bytes)) this.report(bytes, `hang: ${took} ms`);
    this.job.progress[0]! += 1n;
  }

  /** A machine under load stops a thread for long; an input that hangs does so every time. */
  private isSlow(bytes: Uint8Array): boolean {
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      try {
        this.run(bytes);
      } catch {
        return true; // it has been reported
      }
      if (performance.now() - start < hangTime) return false;
    }
    return true;
  }

  private report(bytes: Uint8Array, what: string): void {
    const line = what.split('\n')[0];
    if (this.findings.some((finding) => finding.what.split('\n')[0] === line)) return;
    this.findings.push({ bytes, what });
  }
}

parentPort?.postMessage(new Fuzzer(workerData as Job).work());
