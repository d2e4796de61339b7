import { RequestKind, type Demand } from '../ports/index.js';

/** What can wait in a queue. */
export interface Waiter<T extends Waiter<T>> {
  readonly demand: Demand;
  /** There while it waits. Owned by the queue. */
  place: Place<T> | undefined;
}

/** Where one of a queue stands: an object of its own, since most requests never wait. */
export class Place<T extends Waiter<T>> {
  readonly queue: WaitQueue<T>;
  readonly waiter: T;
  /** In the clock's time. */
  readonly since: number;
  before: Place<T> | undefined = undefined;
  behind: Place<T> | undefined = undefined;

  constructor(queue: WaitQueue<T>, waiter: T, since: number) {
    this.queue = queue;
    this.waiter = waiter;
    this.since = since;
  }
}

/**
 * Requests that wait for a connection, first come first served. A linked list, so that one which is aborted leaves at
 * once, from wherever it stands, however many wait.
 */
export class WaitQueue<T extends Waiter<T>> {
  private head: Place<T> | undefined = undefined;
  private tail: Place<T> | undefined = undefined;
  private lastRequeued: Place<T> | undefined = undefined;
  size = 0;
  /** How many of each kind. */
  readonly of: Record<RequestKind, number> = { [RequestKind.Light]: 0, [RequestKind.Short]: 0, [RequestKind.Bulk]: 0 };

  get first(): T | undefined {
    return this.head?.waiter;
  }

  push(waiter: T, now: number): void {
    this.insert(waiter, now, this.tail);
  }

  /**
   * For one that has already had its turn, and comes back to be sent again: ahead of those that have had none, behind
   * those that came back before it. So the oldest get the lowest stream IDs, which a GOAWAY spares.
   */
  requeue(waiter: T, now: number): void {
    this.lastRequeued = this.insert(waiter, now, this.lastRequeued);
  }

  /** The first of its kind. */
  firstOf(kind: RequestKind): T | undefined {
    if (this.of[kind] === 0) return undefined;
    let place = this.head;
    while (place !== undefined && place.waiter.demand.kind !== kind) place = place.behind;
    return place?.waiter;
  }

  /** Behind this one; undefined: first of all. */
  private insert(waiter: T, now: number, before: Place<T> | undefined): Place<T> {
    const place = new Place(this, waiter, now);
    const behind = before === undefined ? this.head : before.behind;
    place.before = before;
    place.behind = behind;
    if (before === undefined) this.head = place;
    else before.behind = place;
    if (behind === undefined) this.tail = place;
    else behind.before = place;
    waiter.place = place;
    this.of[waiter.demand.kind]++;
    this.size++;
    return place;
  }

  remove(waiter: T): void {
    const { place } = waiter;
    if (place?.queue !== this) return;
    const { before, behind } = place;
    if (before === undefined) this.head = behind;
    else before.behind = behind;
    if (behind === undefined) this.tail = before;
    else behind.before = before;
    if (place === this.lastRequeued) this.lastRequeued = before; // whoever stands before it came back too
    waiter.place = undefined;
    this.size--;
    this.of[waiter.demand.kind]--;
  }

  *[Symbol.iterator](): Iterator<T> {
    let next = this.head;
    while (next !== undefined) {
      const { waiter } = next;
      next = next.behind;
      yield waiter;
    }
  }
}
