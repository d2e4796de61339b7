import { troubledSince, type Clock, type ConnectionDriver, type TimerHandle } from '../conn/index.js';

/**
 * The connections of one origin that the peer's SETTINGS have not come on yet: they are dials that go on. A server that
 * is silent instead is gone around, as one that stalls. SETTINGS take about a round trip, and so may take longer than
 * `stallTimeout` where that is long; a dial takes one at least, and tells how long.
 */
export class Unready {
  private readonly clock: Clock;
  private readonly stallTimeout: number;
  private readonly onSilent: () => void;
  private readonly waiting = new Map<ConnectionDriver, TimerHandle>();
  private readonly silent = new Set<ConnectionDriver>();
  /** Those whose first SETTINGS allowed no stream. */
  private readonly shut = new WeakSet<ConnectionDriver>();

  constructor(clock: Clock, stallTimeout: number, onSilent: () => void) {
    this.clock = clock;
    this.stallTimeout = stallTimeout;
    this.onSilent = onSilent;
  }

  /** A dial that took so long has come to a connection. */
  connected(driver: ConnectionDriver, took: number): void {
    // SETTINGS that have arrived already are read first: after a blocked event loop timers run before that.
    const due = (): void => {
      this.clock.afterPoll(() => {
        if (!this.waiting.has(driver)) return;
        this.silent.add(driver);
        this.onSilent();
      });
    };
    this.waiting.set(driver, this.clock.setTimer(Math.max(this.stallTimeout, 2 * took), due, false));
  }

  /** The SETTINGS have come, or never will. */
  settled(driver: ConnectionDriver): void {
    const timer = this.waiting.get(driver);
    if (timer !== undefined) this.clock.clearTimer(timer);
    this.waiting.delete(driver);
    this.silent.delete(driver);
    if (driver.core.view.peer.maxConcurrentStreams === 0) this.shut.add(driver);
  }

  isSilent(driver: ConnectionDriver): boolean {
    return this.silent.size > 0 && this.silent.has(driver) && !driver.core.view.peer.received;
  }

  /** Since when it has been stalled or silent, or had been before the stall that it recovers from; Infinity: neither. */
  troubledSince(driver: ConnectionDriver): number {
    const { view } = driver.core;
    return this.isSilent(driver) ? view.liveness.openedAt : troubledSince(view, this.clock.now());
  }

  /** It has allowed no stream from the start. */
  isShut(driver: ConnectionDriver): boolean {
    return driver.core.view.peer.maxConcurrentStreams === 0 && this.shut.has(driver);
  }
}
