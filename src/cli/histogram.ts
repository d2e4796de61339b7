/** Buckets in each doubling: a value is known to within 1/64 of itself. */
const perDoubling = 64;
/** The smallest time that is told apart from 0, in milliseconds. */
const unit = 0.001;

/** Times in milliseconds, counted in buckets that widen with the time, so that any number of them takes the same room. */
export class Histogram {
  count = 0;
  min = Infinity;
  max = 0;
  private sum = 0;
  private readonly buckets: number[] = [];

  add(time: number): void {
    this.count += 1;
    this.sum += time;
    if (time < this.min) this.min = time;
    if (time > this.max) this.max = time;
    const bucket = bucketOf(time);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** Nearest-rank percentile, at the upper end of its bucket; undefined while there is no time. */
  percentile(percent: number): number | undefined {
    if (this.count === 0) return undefined;
    let left = Math.max(1, Math.ceil((percent / 100) * this.count));
    for (const [bucket, number = 0] of this.buckets.entries()) {
      left -= number;
      if (left <= 0) return Math.min(this.max, upperEnd(bucket));
    }
    return this.max;
  }

  /** How many times there are within each of `rows` ranges of equal ratio, from the smallest to the greatest. */
  ranges(rows: number): { readonly upTo: number; readonly count: number }[] {
    if (this.count === 0) return [];
    const [first, last] = [bucketOf(this.min), bucketOf(this.max)];
    const width = Math.ceil((last - first + 1) / rows);
    const ranges: { upTo: number; count: number }[] = [];
    for (let from = first; from <= last; from += width) {
      let count = 0;
      for (let bucket = from; bucket < from + width; bucket += 1) count += this.buckets[bucket] ?? 0;
      ranges.push({ upTo: Math.min(this.max, upperEnd(from + width - 1)), count });
    }
    return ranges;
  }
}

function bucketOf(time: number): number {
  const units = time / unit;
  if (units < 1) return 0;
  const doubling = Math.floor(Math.log2(units));
  return 1 + doubling * perDoubling + Math.floor((units / 2 ** doubling - 1) * perDoubling);
}

function upperEnd(bucket: number): number {
  if (bucket === 0) return unit;
  const doubling = Math.floor((bucket - 1) / perDoubling);
  const part = ((bucket - 1) % perDoubling) + 1;
  return unit * 2 ** doubling * (1 + part / perDoubling);
}
