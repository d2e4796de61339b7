import { floorAge, sentFor } from './limits.js';
import { SendPace } from './send-pace.js';

/**
 * What the connections to one address know together of the path there. A connection that is made while bulk fills the path
 * cannot tell by itself that its round trips were shorter before.
 */
export class Path {
  /** The least round trip of late, in milliseconds; Infinity before the first. */
  floor = Infinity;
  private floorAt = 0;
  /** The least of those that were longer, and when that was: the next floor. */
  private next = Infinity;
  private nextAt = 0;
  /** Connections that hold bulk back. */
  holders = 0;
  /** How fast it is sent then. */
  readonly pace = new SendPace();
  /** A server here has had enough of being asked: nothing that can be done without is asked any more. */
  calmed = false;
  /** Until when the bulk that was last sent is taken to be on its way. */
  private sendsUntil = -Infinity;
  /** Until when the bulk that was found to fill it is taken to do so still. */
  private filledUntil = -Infinity;

  /**
   * A round trip. Once the floor is old, the least of the longer ones since counts; where bulk is held at a multiple of that,
   * they follow from it and do not.
   */
  sample(roundTrip: number, now: number): void {
    this.bound(roundTrip, now);
    if (this.next < Infinity && this.holders === 0 && now >= this.floorAt + floorAge)
      this.setFloor(this.next, this.nextAt);
  }

  /** A round trip takes no longer than this. */
  bound(took: number, now: number): void {
    if (took <= this.floor) return this.setFloor(took, now);
    if (took > this.next && now < this.nextAt + floorAge) return;
    this.next = took;
    this.nextAt = now;
  }

  /** One that has met no queue. */
  isShort(took: number): boolean {
    return took <= 1.25 * this.floor + 5;
  }

  /** One that has stood in a queue for longer than is needed to keep the path busy. */
  isLong(took: number): boolean {
    return took > 2.5 * this.floor + 10;
  }

  /** A round trip, of bulk that is sent at a pace. */
  paced(took: number, now: number): void {
    if (!this.pace.holds) return;
    if (this.isShort(took)) this.pace.short(took, now);
    else if (this.isLong(took) && this.pace.long(took, took - this.floor, now)) this.setFloor(took, now);
  }

  /** One connection less that holds bulk back. */
  released(): void {
    if (--this.holders === 0) this.pace.end();
  }

  setFloor(roundTrip: number, now: number): void {
    this.floor = roundTrip;
    this.floorAt = now;
    this.next = Infinity;
  }

  calm(): void {
    this.calmed = true;
  }

  fill(until: number): void {
    this.filledUntil = Math.max(this.filledUntil, until);
  }

  /** Bulk is sent on one of its connections. */
  sends(now: number): void {
    this.sendsUntil = now + sentFor;
  }

  isSending(now: number): boolean {
    return now < this.sendsUntil;
  }

  isFilled(now: number): boolean {
    return now < this.filledUntil;
  }
}
