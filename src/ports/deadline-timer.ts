import type { Clock, TimerHandle } from './clock.js';

/**
 * A timer that fires later than this, in milliseconds, says that the process did not run meanwhile: its loop was blocked, or
 * the machine gave it no time.
 */
const starvedFrom = 20;
/** For that a deadline is put off by no more than so many milliseconds. */
const longestGrace = 1_000;

/** One timer for a deadline that moves all the time, mostly further away. It never keeps the process alive. */
export class DeadlineTimer {
  private readonly clock: Clock;
  private readonly due: () => void;
  private readonly next: (() => number) | undefined;
  private readonly fair: boolean;
  private timer: TimerHandle | undefined = undefined;
  private at = Infinity;
  /** When the timer was set. */
  private setAt = 0;
  /** The deadline is put off, since the process did not run: whoever aims at it waits as well. */
  private inGrace = false;
  /** The deadline has passed, and it is left to one poll phase to say whether it still counts. */
  private passed = false;

  /**
   * @param due called when it has passed, after one poll phase: data that had already arrived may have moved it (so
   *   `due` looks again), since after a blocked event loop timers run first
   * @param next the deadline as it is now, in the clock's time. Without it: the earliest that {@link aim} was given
   * @param fair it is a peer's, which what this process has to say and hear takes several turns of the event loop with: a time
   *   in which they did not run is given back, once
   */
  constructor(clock: Clock, due: () => void, next?: () => number, fair = false) {
    this.clock = clock;
    this.due = due;
    this.next = next;
    this.fair = fair;
  }

  /** A timer that fires too early finds nothing due and is set anew: cheaper than moving it with every frame. */
  aim(at: number): void {
    if (at === Infinity || this.inGrace || (this.timer !== undefined && this.at <= at)) return;
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.at = at;
    this.setAt = this.clock.now();
    this.timer = this.clock.setTimer(Math.max(0, at - this.setAt), this.onTimer, false);
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
    this.passed = this.inGrace = false;
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    const now = this.clock.now();
    const at = this.next === undefined ? this.at : this.next();
    const late = now - this.at;
    const grace = this.fair && !this.inGrace && late >= starvedFrom ? Math.max(late, this.at - this.setAt) : 0;
    this.inGrace = false;
    if (at > now) return this.aim(at);
    if (grace > 0) {
      this.aim(now + Math.min(grace, longestGrace));
      this.inGrace = true;
      return;
    }
    this.passed = true;
    this.clock.afterPoll(this.afterPoll);
  };

  private readonly afterPoll = (): void => {
    if (!this.passed) return;
    this.passed = false;
    this.due();
  };
}
