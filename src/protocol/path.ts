import { floorAge } from './limits.js';

/**
 * What the connections to one address know together of the path there. A connection that is made while bulk fills the path
 * cannot tell by itself that its round trips were shorter before.
 */
export class Path {
  /** The least round trip of late, in milliseconds; Infinity before the first. */
  floor = Infinity;
  private floorAt = 0;
  /** Connections that hold bulk back. */
  holders = 0;
  /** A server here has had enough of being asked: nothing that can be done without is asked any more. */
  calmed = false;
  /** Until when the bulk that was found to fill it is taken to do so still. */
  private filledUntil = -Infinity;

  /**
   * A round trip. A longer one counts once the floor is old; where bulk is held at a multiple of that, it follows from it and
   * does not.
   */
  sample(roundTrip: number, now: number): void {
    if (roundTrip > this.floor && (this.holders > 0 || now < this.floorAt + floorAge)) return;
    this.setFloor(roundTrip, now);
  }

  setFloor(roundTrip: number, now: number): void {
    this.floor = roundTrip;
    this.floorAt = now;
  }

  calm(): void {
    this.calmed = true;
  }

  fill(until: number): void {
    this.filledUntil = Math.max(this.filledUntil, until);
  }

  isFilled(now: number): boolean {
    return now < this.filledUntil;
  }
}
