import type { Exchange } from './exchange.js';

/**
 * Requests that wait for a connection, first come first served. An intrusive list, so that one which is aborted leaves
 * at once, from wherever it stands, however many wait.
 */
export class WaitQueue {
  private head: Exchange | undefined = undefined;
  private tail: Exchange | undefined = undefined;
  size = 0;

  get first(): Exchange | undefined {
    return this.head;
  }

  push(exchange: Exchange): void {
    exchange.before = this.tail;
    exchange.behind = undefined;
    if (this.tail === undefined) this.head = exchange;
    else this.tail.behind = exchange;
    this.tail = exchange;
    this.join(exchange);
  }

  /** For one that has already had its turn, and comes back to be sent again. */
  unshift(exchange: Exchange): void {
    exchange.before = undefined;
    exchange.behind = this.head;
    if (this.head === undefined) this.tail = exchange;
    else this.head.before = exchange;
    this.head = exchange;
    this.join(exchange);
  }

  private join(exchange: Exchange): void {
    exchange.queue = this;
    this.size++;
  }

  remove(exchange: Exchange): void {
    if (exchange.queue !== this) return;
    if (exchange.before === undefined) this.head = exchange.behind;
    else exchange.before.behind = exchange.behind;
    if (exchange.behind === undefined) this.tail = exchange.before;
    else exchange.behind.before = exchange.before;
    exchange.before = undefined;
    exchange.behind = undefined;
    exchange.queue = undefined;
    this.size--;
  }

  *[Symbol.iterator](): Iterator<Exchange> {
    let next = this.head;
    while (next !== undefined) {
      const current = next;
      next = current.behind;
      yield current;
    }
  }
}
