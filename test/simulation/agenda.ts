/** Something that happens at a time. */
export interface Entry {
  at: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** What is to happen, the earliest first, and of those at one time the one that was entered first: a binary heap. */
export class Agenda {
  private readonly heap: Entry[] = [];
  private order = 0;
  private alive = 0;

  /** Entries that are neither done nor cancelled. */
  get size(): number {
    return this.alive;
  }

  add(at: number, run: () => void): Entry {
    const entry: Entry = { at, order: this.order++, run, cancelled: false };
    this.alive++;
    this.heap.push(entry);
    this.rise(this.heap.length - 1);
    return entry;
  }

  cancel(entry: Entry): void {
    if (!entry.cancelled) this.alive--;
    entry.cancelled = true;
  }

  /** When the first is due; Infinity: there is none. */
  get next(): number {
    while (this.heap[0]?.cancelled === true) this.pop();
    return this.heap[0]?.at ?? Infinity;
  }

  /** The first, if it is due. It counts as done. */
  take(now: number): Entry | undefined {
    if (this.next > now) return undefined;
    const entry = this.pop();
    this.alive--;
    entry.cancelled = true;
    return entry;
  }

  /** All are to happen later by so much. */
  postpone(by: number): void {
    for (const entry of this.heap) entry.at += by;
  }

  private pop(): Entry {
    const { heap } = this;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.sink();
    }
    return first;
  }

  private rise(at: number): void {
    const { heap } = this;
    const entry = heap[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent]!, entry)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private sink(): void {
    const { heap } = this;
    const entry = heap[0]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(entry, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }
}

function before(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
