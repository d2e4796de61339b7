import type { Clock } from '../ports/index.js';
import { HealthState } from '../protocol/index.js';

/** States in which nothing is known of a connection that keeps requests away from it. */
export const suspicious: ReadonlySet<HealthState> = new Set([
  HealthState.Ready,
  HealthState.Busy,
  HealthState.Slow,
  HealthState.Full,
  HealthState.Silent,
]);

/**
 * A look at a connection that has been silent for long, as far as what has been read can tell: after a blocked event loop
 * a sign of life may lie there unread, so that it is looked at again when what has come is read.
 */
export class Silence {
  private readonly clock: Clock;
  private readonly lookAgain: () => void;
  private looking = false;

  constructor(clock: Clock, lookAgain: () => void) {
    this.clock = clock;
    this.lookAgain = lookAgain;
  }

  /** Calls `lookAgain` soon, however often this is said before. */
  noticed(): void {
    if (this.looking) return;
    this.looking = true;
    // What is ready in the poll phase under way was looked for before this turn, so the next one counts.
    this.clock.afterPoll(() =>
      this.clock.afterPoll(() => {
        this.looking = false;
        this.lookAgain();
      }),
    );
  }
}
