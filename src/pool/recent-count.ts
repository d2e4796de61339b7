/** What happened in the last so many seconds: a number for each of them, however much that is. */
export class RecentCount {
  private readonly slots: number[];
  /** The second that is being counted, and the sum of all slots. */
  private second = 0;
  private sum = 0;

  /** @param seconds the one that is not over among them */
  constructor(seconds: number) {
    this.slots = new Array<number>(seconds).fill(0);
  }

  /** `now` is monotonic, in milliseconds. */
  add(now: number, amount = 1): void {
    this.moveTo(now);
    this.slots[this.second % this.slots.length]! += amount;
    this.sum += amount;
  }

  total(now: number): number {
    this.moveTo(now);
    return this.sum;
  }

  private moveTo(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second <= this.second) return;
    const { length } = this.slots;
    const passed = Math.min(second - this.second, length);
    for (let i = 0; i < passed; i++) {
      const at = (second - i) % length;
      this.sum -= this.slots[at]!;
      this.slots[at] = 0;
    }
    this.second = second;
  }
}
