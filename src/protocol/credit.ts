import type { Stream } from './stream.js';

/** At the edge of the budget credit goes out in steps of this size, not byte by byte. */
const smallestPartialCredit = 16_384;

/**
 * What unread bodies may hold in memory, shared by the connections of one transport (`maxBufferedBytes`). Below the
 * limit a connection gives credit back on receipt; at the limit it stops, and goes on as bodies are read.
 */
export class BufferBudget {
  readonly limit: number;
  held = 0;
  private readonly waiting = new Set<ConnectionCredit>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Connections that hold credit back because the budget is spent. */
  get starved(): number {
    return this.waiting.size;
  }

  take(bytes: number): void {
    this.held += bytes;
  }

  give(bytes: number): void {
    this.held -= bytes;
    if (this.waiting.size === 0) return;
    for (const credit of [...this.waiting]) credit.resume();
  }

  wait(credit: ConnectionCredit): void {
    this.waiting.add(credit);
  }

  leave(credit: ConnectionCredit): void {
    this.waiting.delete(credit);
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
 * through {@link refund}, and nowhere else: available + owed + in use is always the target.
 */
export class ConnectionCredit {
  available: number;
  target: number;
  owed = 0;
  private readonly max: number;
  private readonly budget: BufferBudget;
  private readonly wake: () => void;
  private lastCreditAt = 0;

  constructor(initial: number, max: number, budget: BufferBudget, wake: () => void) {
    this.available = initial;
    this.target = initial;
    this.max = max;
    this.budget = budget;
    this.wake = wake;
  }

  /** False: the peer has overrun the window (RFC 9113 section 6.9.1). */
  charge(bytes: number): boolean {
    if (bytes > this.available) return false;
    this.available -= bytes;
    return true;
  }

  refund(bytes: number): void {
    this.owed += bytes;
  }

  /**
   * The increment to announce now, 0 for none; what it returns counts as announced. It goes out once it is due (F14),
   * as far as unread bodies leave room within the budget.
   */
  announce(now: number, roundTrip: number): number {
    if (!this.due) {
      this.budget.leave(this);
      return 0;
    }
    const { limit } = this.budget;
    const room = limit - this.budget.held - this.available;
    if (room < Math.min(this.owed, smallestPartialCredit, Math.ceil(limit / 2))) {
      this.budget.wait(this);
      return 0;
    }
    const target = grown(this.target, this.max, this.owed, now - this.lastCreditAt, roundTrip);
    if (target - this.available <= room) {
      this.owed += target - this.target;
      this.target = target;
    }
    const increment = Math.min(this.owed, room);
    this.lastCreditAt = now;
    this.owed -= increment;
    this.available += increment;
    if (this.due) this.budget.wait(this);
    else this.budget.leave(this);
    return increment;
  }

  /** Half the window is owed, or more than is left of it. */
  private get due(): boolean {
    return this.owed > 0 && (this.owed * 2 >= this.target || this.owed >= this.available);
  }

  /** The budget has room again. */
  resume(): void {
    this.wake();
  }

  close(): void {
    this.budget.leave(this);
  }
}

/** The increment to announce on a stream now, 0 for none: half the window, or whatever is owed once the window is short. */
export function announceStream(stream: Stream, max: number, now: number, roundTrip: number): number {
  const owed = stream.owed;
  if (owed === 0 || (owed * 2 < stream.recvTarget && owed < stream.recvWindow)) return 0;
  const target = grown(stream.recvTarget, max, owed, now - stream.lastCreditAt, roundTrip);
  const increment = owed + target - stream.recvTarget;
  stream.recvTarget = target;
  stream.lastCreditAt = now;
  stream.owed = 0;
  stream.recvWindow += increment;
  return increment;
}
