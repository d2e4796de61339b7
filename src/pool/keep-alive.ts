import { forever, type Clock, type TimerHandle } from '../ports/index.js';

/** Keeps the process alive while somebody waits: a connection in the making does not. */
export class KeepAlive {
  private readonly clock: Clock;
  private timer: TimerHandle | undefined = undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  while(wanted: boolean): void {
    if (wanted === (this.timer !== undefined)) return;
    if (this.timer === undefined) {
      const over = (): void => {
        this.timer = undefined;
      };
      this.timer = this.clock.setTimer(forever, over, true);
    } else {
      this.clock.clearTimer(this.timer);
      this.timer = undefined;
    }
  }
}
