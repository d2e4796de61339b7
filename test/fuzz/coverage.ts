import { Session } from 'node:inspector';

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly functionName: string; readonly ranges: readonly Range[] }[];
}

/**
 * V8's block coverage of the library, by source offset: how much ran for the first time since the last look. (The blocks
 * themselves will not do: V8 joins neighbours that ran equally often, so that each input makes some of its own.)
 */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Map<string, Uint8Array>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Characters of source that ran. */
  get size(): number {
    let size = 0;
    for (const seen of this.#seen.values()) for (const ran of seen) size += ran;
    return size;
  }

  /** How many characters of source are new; they are counted from then on. */
  look(): number {
    let scripts: readonly Script[] = [];
    // With a session of the same thread the answer comes before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      scripts = answer.result;
    });
    let fresh = 0;
    for (const script of scripts) if (script.url.includes('/dist/')) fresh += this.#merge(script);
    return fresh;
  }

  /** Everything counts as new again. */
  forget(): void {
    this.#session.post('Profiler.takePreciseCoverage');
    this.#seen.clear();
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #merge({ url, functions }: Script): number {
    const ranges = functions.flatMap((one) => one.ranges);
    const length = ranges.reduce((most, { endOffset }) => Math.max(most, endOffset), 0);
    let seen = this.#seen.get(url);
    if (seen === undefined || seen.length < length) {
      const larger = new Uint8Array(length);
      larger.set(seen ?? []);
      this.#seen.set(url, (seen = larger));
    }
    // Outer ranges come before those within them, which say it better.
    const ran = new Uint8Array(length);
    for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    let fresh = 0;
    for (let i = 0; i < length; i++) {
      if (ran[i] === 0 || seen[i] === 1) continue;
      seen[i] = 1;
      fresh++;
    }
    return fresh;
  }
}
