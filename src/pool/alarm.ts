import type { Clock, TimerHandle } from '../ports/index.js';

/** Calls back once at the earliest of the times that it was set for; it does not keep the process alive. */
export class Alarm {
  private readonly clock: Clock;
  private readonly ring: () => void;
  private timer: TimerHandle | undefined = undefined;
  private at = Infinity;

  constructor(clock: Clock, ring: () => void) {
    this.clock = clock;
    this.ring = ring;
  }

  set(at: number): void {
    if (this.timer !== undefined && this.at <= at) return;
    this.stop();
    this.at = at;
    const ring = (): void => {
      this.timer = undefined;
      this.ring();
    };
    this.timer = this.clock.setTimer(Math.max(0, at - this.clock.now()), ring, false);
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
  }
}
