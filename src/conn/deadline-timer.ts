import type { Clock, TimerHandle } from '../ports/index.js';

/** One timer for a deadline that moves all the time, mostly further away. It never keeps the process alive. */
export class DeadlineTimer {
  private readonly clock: Clock;
  private readonly next: () => number;
  private readonly due: () => void;
  private timer: TimerHandle | undefined = undefined;
  private at = Infinity;

  /**
   * @param next the deadline as it is now, in the clock's time
   * @param due called when it has passed, after one poll phase: data that had already arrived may have moved it (so
   *   `due` looks again), since after a blocked event loop timers run first
   */
  constructor(clock: Clock, next: () => number, due: () => void) {
    this.clock = clock;
    this.next = next;
    this.due = due;
  }

  /** A timer that fires too early finds nothing due and is set anew: cheaper than moving it with every frame. */
  aim(at: number): void {
    if (at === Infinity || (this.timer !== undefined && this.at <= at)) return;
    this.stop();
    this.at = at;
    this.timer = this.clock.setTimer(Math.max(0, at - this.clock.now()), this.onTimer, false);
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
    this.at = Infinity;
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    this.at = Infinity;
    const at = this.next();
    if (at > this.clock.now()) this.aim(at);
    else this.clock.afterPoll(this.due);
  };
}
