/** A map of the latest so many entries by string: what the peer or the caller chooses is never kept without a bound. */
export class LatestMap<T> {
  private readonly values = new Map<string, T>();
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get(key: string): T | undefined {
    return this.values.get(key);
  }

  /** The entry becomes the latest; the one set longest ago makes room for it. */
  set(key: string, value: T): void {
    this.values.delete(key);
    this.values.set(key, value);
    for (const oldest of this.values.keys()) {
      if (this.values.size <= this.capacity) break;
      this.values.delete(oldest);
    }
  }

  delete(key: string): void {
    this.values.delete(key);
  }

  /** Deletes the entry unless another value has taken its place. */
  deleteIf(key: string, value: T): void {
    if (this.values.get(key) === value) this.values.delete(key);
  }
}
