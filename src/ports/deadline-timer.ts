import type { Clock, TimerHandle } from './clock.js';

/** One timer for a deadline that moves all the time, mostly further away. It never keeps the process alive. */
export class DeadlineTimer {
  private readonly clock: Clock;
  private readonly due: () => void;
  private readonly next: (() => number) | undefined;
  private timer: TimerHandle | undefined = undefined;
  private at = Infinity;
  /** The deadline has passed, and it is left to one poll phase to say whether it still counts. */
  private passed = false;

  /**
   * @param due called when it has passed, after one poll phase: data that had already arrived may have moved it (so
   *   `due` looks again), since after a blocked event loop timers run first
   * @param next the deadline as it is now, in the clock's time. Without it: the earliest that {@link aim} was given
   */
  constructor(clock: Clock, due: () => void, next?: () => number) {
    this.clock = clock;
    this.due = due;
    this.next = next;
  }

  /** A timer that fires too early finds nothing due and is set anew: cheaper than moving it with every frame. */
  aim(at: number): void {
    if (at === Infinity || (this.timer !== undefined && this.at <= at)) return;
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.at = at;
    this.timer = this.clock.setTimer(Math.max(0, at - this.clock.now()), this.onTimer, false);
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
    this.passed = false;
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    const at = this.next === undefined ? this.at : this.next();
    if (at > this.clock.now()) return this.aim(at);
    this.passed = true;
    this.clock.afterPoll(this.afterPoll);
  };

  private readonly afterPoll = (): void => {
    if (!this.passed) return;
    this.passed = false;
    this.due();
  };
}
