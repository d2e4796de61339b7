/** Each bucket ends a tenth above where it begins; the first ends at `least`, the last holds all beyond 20 minutes. */
const growth = Math.log(1.1);
const least = 0.1;
const buckets = 172;

/** So many samples there must have been. */
const enough = 20;

/** Once so many count, or after so long, in milliseconds, all count half: what was is soon forgotten. */
const full = 1_000;
const halfLife = 60_000;

/** How long an origin takes to answer, of late: counts in buckets, to a tenth of the truth. */
export class LatencySketch {
  private readonly counts = new Float64Array(buckets);
  private sum = 0;
  private seen = 0;
  private halvedAt = 0;

  /** Milliseconds; `now` is monotonic. */
  add(latency: number, now: number): void {
    if (this.sum >= full || now - this.halvedAt >= halfLife) this.halve(now);
    const at = Math.ceil(Math.log(Math.max(latency, least) / least) / growth);
    this.counts[Math.min(at, buckets - 1)]! += 1;
    this.sum++;
    this.seen++;
  }

  private halve(now: number): void {
    this.halvedAt = now;
    this.sum = 0;
    for (let i = 0; i < buckets; i++) this.sum += this.counts[i]! /= 2;
  }

  /** What this share of all took less than, in milliseconds; undefined: not enough is known. */
  quantile(share: number): number | undefined {
    if (this.seen < enough) return undefined;
    let left = this.sum * share;
    for (let i = 0; i < buckets; i++) {
      left -= this.counts[i]!;
      if (left <= 0) return least * Math.exp(growth * i);
    }
    return undefined;
  }
}
