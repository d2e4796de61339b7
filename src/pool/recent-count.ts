/**
 * What happened in the last so many seconds: a number for each of them, however much that is. Counting does the same
 * thing each time, also when a second is over: it is done for each request, in code that is not to be compiled again for that.
 */
export class RecentCount {
  private readonly counts: number[];
  /** Which second each of them is of. */
  private readonly seconds: number[];

  /** @param seconds the one that is not over among them */
  constructor(seconds: number) {
    this.counts = new Array<number>(seconds).fill(0);
    this.seconds = new Array<number>(seconds).fill(0);
  }

  /** `now` is monotonic, in milliseconds. */
  add(now: number, amount = 1): void {
    const { counts, seconds } = this;
    const second = Math.floor(now / 1_000);
    const at = second % counts.length;
    counts[at] = (seconds[at] === second ? counts[at]! : 0) + amount;
    seconds[at] = second;
  }

  total(now: number): number {
    const { counts, seconds } = this;
    const before = Math.floor(now / 1_000) - counts.length;
    let sum = 0;
    for (let i = 0; i < counts.length; i++) if (seconds[i]! > before) sum += counts[i]!;
    return sum;
  }
}
