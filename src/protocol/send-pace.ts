import {
  leastPace,
  mostPaceStep,
  paceAfter,
  paceDoubted,
  paceForgotten,
  paceRises,
  paceStep,
  paceTells,
} from './limits.js';

/**
 * How fast bulk is sent on a path whose queue all connections share: a little slower than the path carries it, so that no queue
 * is left in which what is small would wait. That cannot be left to the sockets, which fill it. Its connections have one rate
 * among them, and each its part.
 */
export class SendPace {
  /** Bytes a millisecond, of all connections; Infinity: as fast as their sockets take it. */
  rate = Infinity;
  /** What it began with. */
  private found = Infinity;
  /** Nothing is sent until then, so that a queue can empty. */
  pausedUntil = -Infinity;
  /** When there last was no queue, or will be none. */
  private emptyAt = -Infinity;
  private step = paceStep;
  private risesAt = -Infinity;
  /** Until when bulk has to wait for its turn, or had to: else it says nothing of the path that it does not fill it. */
  private heldUntil = -Infinity;
  /** When a round trip was last heard of. */
  private heardAt = -Infinity;

  get holds(): boolean {
    return this.rate !== Infinity;
  }

  /** Once more for each connection. @param queue how long what it has sent already takes to be gone, in milliseconds */
  begin(rate: number, queue: number, now: number): void {
    this.heardAt = now;
    this.lower(this.holds ? this.rate + rate : rate, now + queue, now);
    this.pausedUntil = this.emptyAt;
    this.found = this.rate;
  }

  end(): void {
    this.rate = Infinity;
    this.pausedUntil = -Infinity;
  }

  /** Bulk waits until its turn. Where no small request has been heard of for long, none would be the faster for it. */
  waits(turn: number, now: number): boolean {
    if (now >= this.forgottenAt) this.end();
    if (!this.holds) return false;
    this.heldUntil = Math.max(now, turn);
    return now < turn;
  }

  /** When it ends unless a round trip is heard of before. */
  get forgottenAt(): number {
    return this.heardAt + paceForgotten;
  }

  /** A round trip has met no queue: more may be sent, if any waits. */
  short(took: number, now: number): void {
    this.heardAt = now;
    if (now - took < this.emptyAt) return;
    this.emptyAt = now - took;
    if (now < this.risesAt || this.heldUntil < now - paceRises) return;
    this.rate *= this.step;
    this.step = Math.min(mostPaceStep, 2 * this.step - 1);
    this.risesAt = now + Math.max(paceRises, 4 * took);
  }

  /**
   * A round trip has stood in a queue. How that has grown since there was none says what the path carries. True: it is no
   * queue of ours, for nothing had been sent since there was none, so that the path is longer. One that stays however little is
   * sent may be that of what comes: then it is to be found out anew how fast what is sent may be.
   */
  long(took: number, queue: number, now: number): boolean {
    this.heardAt = now;
    const begun = now - took;
    if (begun < this.emptyAt) return false; // it has met what was there before
    if (begun < this.pausedUntil) {
      this.step = mostPaceStep;
      this.risesAt = now;
      return true;
    }
    const grew = begun - this.emptyAt;
    const carried = this.rate * Math.max(0.5, grew / (grew + queue));
    if (carried < this.found / paceDoubted) {
      this.end();
      return false;
    }
    this.lower(carried, now + queue, now);
    // One that grew so fast may be none: a trip in the pause will tell.
    this.pausedUntil = this.emptyAt + (grew < queue ? paceTells : 0);
    return false;
  }

  private lower(carried: number, emptyAt: number, now: number): void {
    this.rate = Math.max(leastPace, 0.95 * carried);
    this.emptyAt = emptyAt;
    this.step = paceStep;
    this.risesAt = now + paceAfter;
  }
}
