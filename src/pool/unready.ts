import { troubledSince, type Clock, type ConnectionDriver, type TimerHandle } from '../conn/index.js';

/**
 * The connections of one origin that the peer's SETTINGS have not come on yet: they are dials that go on. A server that
 * is silent instead, for as long as makes any connection a silent one (`probeAfter`, or four round trips), is gone around
 * as one that stalls. A dial takes a round trip at least, and tells how long that is.
 */
export class Unready {
  private readonly clock: Clock;
  private readonly probeAfter: number;
  private readonly onSilent: () => void;
  private readonly waiting = new Map<ConnectionDriver, TimerHandle>();
  private readonly silent = new Set<ConnectionDriver>();
  /** Those whose first SETTINGS allowed no stream. */
  private readonly shut = new WeakSet<ConnectionDriver>();

  /** `probeAfter` in milliseconds; 0: no silence is taken for one. */
  constructor(clock: Clock, probeAfter: number, onSilent: () => void) {
    this.clock = clock;
    this.probeAfter = probeAfter;
    this.onSilent = onSilent;
  }

  /** A dial that took so long has come to a connection. */
  connected(driver: ConnectionDriver, took: number): void {
    if (this.probeAfter === 0) return;
    // SETTINGS that have arrived already are read first: after a blocked event loop timers run before that.
    const due = (): void => {
      this.clock.afterPoll(() => {
        if (!this.waiting.has(driver)) return;
        this.silent.add(driver);
        this.onSilent();
      });
    };
    this.waiting.set(driver, this.clock.setTimer(Math.max(this.probeAfter, 4 * took), due, false));
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
