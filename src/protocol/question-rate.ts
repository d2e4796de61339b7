/** At most so many questions at once, and one more every so often: in no time more than both together allow. */
export class QuestionRate {
  private readonly burst: number;
  private readonly every: number;
  /** When all are to be had again. */
  private fullAt = -Infinity;

  /** @param every milliseconds until there is one more */
  constructor(burst: number, every: number) {
    this.burst = burst;
    this.every = every;
  }

  /** When the next may go out that leaves so many to others. */
  dueAt(left: number): number {
    return this.fullAt - (this.burst - 1 - left) * this.every;
  }

  /** One goes out, allowed or not. */
  asked(now: number): void {
    this.fullAt = Math.max(this.fullAt, now) + this.every;
  }
}
