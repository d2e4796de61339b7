import { defaultInitialWindow } from '../wire/index.js';
import { initialConnectionWindow } from './limits.js';
import type { Stream } from './stream.js';

/** At the edge of the budget credit goes out in steps of this size, not byte by byte. */
const smallestCredit = 16_384;

/** A window that opens or grows takes at most this part of what is left of the budget, so that some is always left. */
const partOfRest = 1 / 4;

/** With less than this part of the budget left, connections that have more than their share give some of it up. */
const scarce = 1 / 8;

/**
 * What unread bodies may hold in memory, shared by the connections of one transport (`maxBufferedBytes`). An open window
 * counts as if it were full, for the peer may fill it at any time, and it cannot be taken back. Only the 65,535 bytes that
 * each connection has by RFC 9113 section 6.9.2 are its own: with those it goes on whatever the others hold. So what is
 * held and what may come are together never more than the limit, and 65,535 bytes for each connection but the first.
 */
export class BufferBudget {
  readonly limit: number;
  /** What is unread, of all connections. */
  held = 0;
  /** Header and trailer fields that nobody has looked at yet, by header list size: as much again at the most. */
  private fields = 0;
  /** What connections may share: the limit but for one's own part. */
  private readonly shared: number;
  /** What they have of it: what may come or is unread beyond each one's own part. */
  private spent = 0;
  private connections = 0;
  private readonly waiting = new Set<ConnectionCredit>();

  constructor(limit: number) {
    this.limit = limit;
    this.shared = Math.max(0, limit - defaultInitialWindow);
  }

  /** Connections that hold credit back because the budget is spent. */
  get starved(): number {
    return this.waiting.size;
  }

  /** What no connection has. */
  get left(): number {
    return Math.max(0, this.shared - this.spent);
  }

  /** What each connection could have if all had as much, where there is little left after `more`; else Infinity. */
  share(more: number): number {
    if (this.left - more >= this.shared * scarce) return Infinity;
    return defaultInitialWindow + Math.floor(this.shared / this.connections);
  }

  /** Fields have come. False: there is no room for them, as there is for one list of any size. */
  takeFields(size: number): boolean {
    if (this.fields > 0 && this.fields + size > this.limit) return false;
    this.fields += size;
    return true;
  }

  giveFields(size: number): void {
    this.fields -= size;
  }

  /** Bytes have come for a body, over a connection without windows of ours: HTTP/1.1. */
  take(bytes: number): void {
    this.held += bytes;
    this.spent += bytes;
  }

  /** They have been read. */
  give(bytes: number): void {
    this.held -= bytes;
    this.spend(-bytes);
    this.wake();
  }

  /** A new connection; returns what its window may be, beyond its own part. The more there are, the less each begins with. */
  join(): number {
    return Math.floor((this.left * partOfRest) / ++this.connections);
  }

  leave(credit: ConnectionCredit): void {
    this.connections--;
    this.waiting.delete(credit);
  }

  spend(bytes: number): void {
    this.spent += bytes;
  }

  wait(credit: ConnectionCredit, waits: boolean): void {
    if (waits) this.waiting.add(credit);
    else if (this.waiting.size > 0) this.waiting.delete(credit);
  }

  /** There may be room again for those who wait. */
  wake(): void {
    if (this.waiting.size === 0) return; // as nearly always, for each read
    for (const credit of this.waiting) if (credit.room >= smallestCredit) credit.resume();
  }
}

/**
 * Grows a window of which half was used up within two round trips: the sender may have been waiting for us. One that
 * waited at each of its round trips gets eight times as much: a path of 5 MB is full after two of them, not after five.
 */
function grown(target: number, max: number, used: number, elapsed: number, roundTrip: number): number {
  if (used * 2 < target || elapsed >= 2 * roundTrip) return target;
  return Math.max(target, Math.min(target * (elapsed < 1.5 * roundTrip ? 8 : 2), max));
}

/**
 * The connection's receive window. Every byte that comes off it, read, dropped, padding, cancelled or late, goes back
 * through {@link refund}, and nowhere else: available + owed is always the target.
 */
export class ConnectionCredit {
  available: number;
  target: number;
  owed = 0;
  private readonly max: number;
  private readonly budget: BufferBudget;
  private readonly wake: () => void;
  /** Since when the budget has had no room for what is due; Infinity: it has. */
  private withheldSince = Infinity;
  private lastCreditAt = -Infinity;
  /** What the peer may send, is sending, or has sent and nobody has read. */
  private claimed: number;
  private unread = 0;
  private closed = false;

  constructor(max: number, budget: BufferBudget, wake: () => void) {
    const most = Math.max(defaultInitialWindow, Math.min(max, initialConnectionWindow));
    this.target = Math.min(most, defaultInitialWindow + budget.join());
    this.available = this.target;
    this.claimed = this.target;
    this.max = max;
    this.budget = budget;
    this.wake = wake;
    budget.spend(this.target - defaultInitialWindow);
  }

  /** A frame of DATA begins. False: the peer has overrun the window (RFC 9113 section 6.9.1). */
  charge(bytes: number): boolean {
    if (bytes > this.available) return false;
    this.available -= bytes;
    return true;
  }

  refund(bytes: number): void {
    this.owed += bytes;
  }

  /** So much of a frame is in, be it of use or not. */
  arrived(bytes: number): void {
    if (!this.closed) this.claim(-bytes);
  }

  /** So much of what arrived waits to be read. */
  take(bytes: number): void {
    this.unread += bytes;
    this.budget.held += bytes;
    this.claim(bytes);
  }

  /** It has been read, or will not be. */
  give(bytes: number): void {
    this.unread -= bytes;
    this.budget.held -= bytes;
    this.claim(-bytes);
    this.budget.wake();
  }

  /**
   * The peer may send next to nothing, and has had no more for longer than `patience`, since nobody reads what has come: what
   * it answers now would wait for that. Another connection has a window of its own.
   */
  isSpent(now: number, patience: number): boolean {
    return now >= this.withheldSince + patience && this.available < smallestCredit;
  }

  /** What may still be announced: what its own part has room for, and what is left of the budget. */
  get room(): number {
    return Math.max(0, defaultInitialWindow - this.claimed) + this.budget.left;
  }

  private claim(bytes: number): void {
    const before = Math.max(defaultInitialWindow, this.claimed);
    this.claimed += bytes;
    this.budget.spend(Math.max(defaultInitialWindow, this.claimed) - before);
  }

  /**
   * What a WINDOW_UPDATE sent now is to give the peer, which counts as given from here on; 0: send none. Credit is given once
   * half the window is owed, and no more of it than the budget has room for.
   */
  announce(now: number, roundTrip: number): number {
    if (this.closed) return 0;
    if (this.due) this.shrink();
    const { due, room } = this;
    const withheld = due && room < smallestCredit;
    this.withheldSince = withheld ? Math.min(this.withheldSince, now) : Infinity;
    if (!due || withheld) {
      this.budget.wait(this, withheld);
      return 0;
    }
    this.grow(now - this.lastCreditAt, roundTrip);
    const increment = Math.min(this.owed, room);
    this.lastCreditAt = now;
    this.owed -= increment;
    this.available += increment;
    this.claim(increment);
    this.budget.wait(this, this.due);
    return increment;
  }

  private grow(elapsed: number, roundTrip: number): void {
    const wanted = grown(this.target, this.max, this.owed, elapsed, roundTrip) - this.target;
    const most = Math.floor((this.budget.left - this.owed) * partOfRest);
    this.raise(Math.max(0, Math.min(wanted, most)));
  }

  /**
   * Where the budget is scarce, a window larger than this connection's share is made smaller, so that others can grow. What
   * the peer may send cannot be taken back, so credit that is owed is not given: the window shrinks to what the peer still
   * has at the least, and by half at the most.
   */
  private shrink(): void {
    const share = this.budget.share(this.owed);
    if (this.target <= share) return;
    const least = Math.max(this.available, Math.ceil(this.target / 2), share);
    this.raise(Math.min(0, least - this.target));
  }

  private raise(bytes: number): void {
    this.target += bytes;
    this.owed += bytes;
  }

  /** Half the window is owed, or more than is left of it. */
  get due(): boolean {
    return this.owed > 0 && this.owed * 2 >= this.target;
  }

  /** The budget has room again. */
  resume(): void {
    this.wake();
  }

  /** Nothing more will come. What is unread stays claimed until it is read. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.claim(this.unread - this.claimed);
    this.budget.leave(this);
    this.budget.wake();
  }
}

/**
 * The increment to announce on a stream now, 0 for none: half the window, or whatever is owed once the window is short. A
 * window that is to be `held` becomes that, larger at once, or smaller by credit that is not given.
 */
export function announceStream(stream: Stream, max: number, held: number, now: number, roundTrip: number): number {
  const owed = stream.owed;
  if (owed === 0 || (owed * 2 < stream.recvTarget && owed < stream.recvWindow)) return 0;
  const wanted =
    held === Infinity
      ? grown(stream.recvTarget, max, owed, now - stream.lastCreditAt, roundTrip)
      : Math.max(stream.recvTarget, Math.min(max, held));
  const target = Math.ceil(Math.max(Math.min(wanted, held), stream.recvTarget - owed));
  const increment = owed + target - stream.recvTarget;
  stream.recvTarget = target;
  stream.lastCreditAt = now;
  stream.owed = 0;
  stream.recvWindow += increment;
  return increment;
}
