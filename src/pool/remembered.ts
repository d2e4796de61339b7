/** What is known of origins when they have no pool: of the latest so many of them. */
export class Remembered<T> {
  private readonly values = new Map<string, T>();
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get(origin: string): T | undefined {
    return this.values.get(origin);
  }

  set(origin: string, value: T): void {
    this.values.delete(origin); // the latest stands last
    this.values.set(origin, value);
    for (const oldest of this.values.keys()) {
      if (this.values.size <= this.capacity) break;
      this.values.delete(oldest);
    }
  }

  delete(origin: string): void {
    this.values.delete(origin);
  }
}
