/** So many are remembered; a request that has seen more is told of the last ones. */
const remembered = 16;

/** When a connection's peer read nothing of what there was to write. Times are monotonic milliseconds. */
export class StallLog {
  /** In their order; the last one's end is Infinity while it goes on. */
  private readonly stalls: { readonly from: number; to: number }[] = [];

  began(at: number): void {
    if (this.stalls.length === remembered) this.stalls.shift();
    this.stalls.push({ from: at, to: Infinity });
  }

  ended(at: number): void {
    const last = this.stalls.at(-1);
    if (last !== undefined) last.to = at;
  }

  /** How much of this time; without stalls that began after `before`. */
  within(from: number, to: number, before: number): number {
    let sum = 0;
    for (const stall of this.stalls)
      if (stall.from <= before) sum += Math.max(0, Math.min(to, stall.to) - Math.max(from, stall.from));
    return sum;
  }
}
