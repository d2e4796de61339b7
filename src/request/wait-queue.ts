import { RequestKind, type Demand } from '../ports/index.js';

/** What can wait in a queue; the fields are the queue's. */
export interface Waiter<T extends Waiter<T>> {
  readonly demand: Demand;
  queue: WaitQueue<T> | undefined;
  before: T | undefined;
  behind: T | undefined;
  /** In the clock's time. */
  waitingSince: number;
}

/**
 * Requests that wait for a connection, first come first served. An intrusive list, so that one which is aborted leaves
 * at once, from wherever it stands, however many wait.
 */
export class WaitQueue<T extends Waiter<T>> {
  private head: T | undefined = undefined;
  private tail: T | undefined = undefined;
  private lastRequeued: T | undefined = undefined;
  size = 0;
  /** How many of each kind. */
  readonly of: Record<RequestKind, number> = { [RequestKind.Light]: 0, [RequestKind.Short]: 0, [RequestKind.Bulk]: 0 };

  get first(): T | undefined {
    return this.head;
  }

  push(waiter: T, now: number): void {
    waiter.before = this.tail;
    waiter.behind = undefined;
    if (this.tail === undefined) this.head = waiter;
    else this.tail.behind = waiter;
    this.tail = waiter;
    this.join(waiter, now);
  }

  /**
   * For one that has already had its turn, and comes back to be sent again: ahead of those that have had none, behind
   * those that came back before it. So the oldest get the lowest stream IDs, which a GOAWAY spares.
   */
  requeue(waiter: T, now: number): void {
    const { lastRequeued } = this;
    const behind = lastRequeued === undefined ? this.head : lastRequeued.behind;
    waiter.before = lastRequeued;
    waiter.behind = behind;
    if (lastRequeued === undefined) this.head = waiter;
    else lastRequeued.behind = waiter;
    if (behind === undefined) this.tail = waiter;
    else behind.before = waiter;
    this.lastRequeued = waiter;
    this.join(waiter, now);
  }

  /** The first of its kind. */
  firstOf(kind: RequestKind): T | undefined {
    if (this.of[kind] === 0) return undefined;
    let waiter = this.head;
    while (waiter !== undefined && waiter.demand.kind !== kind) waiter = waiter.behind;
    return waiter;
  }

  private join(waiter: T, now: number): void {
    waiter.waitingSince = now;
    this.of[waiter.demand.kind]++;
    waiter.queue = this;
    this.size++;
  }

  remove(waiter: T): void {
    if (waiter.queue !== this) return;
    if (waiter.before === undefined) this.head = waiter.behind;
    else waiter.before.behind = waiter.behind;
    if (waiter.behind === undefined) this.tail = waiter.before;
    else waiter.behind.before = waiter.before;
    if (waiter === this.lastRequeued) this.lastRequeued = waiter.before; // whoever stands before it came back too
    waiter.before = undefined;
    waiter.behind = undefined;
    waiter.queue = undefined;
    this.size--;
    this.of[waiter.demand.kind]--;
  }

  *[Symbol.iterator](): Iterator<T> {
    let next = this.head;
    while (next !== undefined) {
      const current = next;
      next = current.behind;
      yield current;
    }
  }
}
