import { troubledSince, type Clock, type ConnectionDriver } from '../conn/index.js';

/**
 * The connections of one origin that the peer's SETTINGS have not come on yet: they are dials that go on. A server that
 * is silent instead is gone around, as one that stalls. SETTINGS take about a round trip, and so may take longer than
 * `stallTimeout` where that is long; a dial takes one at least, and tells how long.
 */
export class Unready {
  private readonly clock: Clock;
  private readonly stallTimeout: number;
  /** How long the silence of each may last. */
  private readonly patience = new Map<ConnectionDriver, number>();
  /** Those whose first SETTINGS allowed no stream. */
  private readonly shut = new WeakSet<ConnectionDriver>();

  constructor(clock: Clock, stallTimeout: number) {
    this.clock = clock;
    this.stallTimeout = stallTimeout;
  }

  /** A dial that took so long has come to a connection. */
  connected(driver: ConnectionDriver, took: number): void {
    this.patience.set(driver, Math.max(this.stallTimeout, 2 * took));
  }

  /** The SETTINGS have come, or never will. */
  settled(driver: ConnectionDriver): void {
    this.patience.delete(driver);
    if (driver.core.view.peer.maxConcurrentStreams === 0) this.shut.add(driver);
  }

  /** When its silence makes it a stalled one; Infinity: it is ready. */
  stallsAt(driver: ConnectionDriver): number {
    const { peer, liveness } = driver.core.view;
    const patience = peer.received ? undefined : this.patience.get(driver);
    return patience === undefined ? Infinity : liveness.lastReceived + patience;
  }

  isSilent(driver: ConnectionDriver): boolean {
    return this.patience.size > 0 && this.clock.now() >= this.stallsAt(driver);
  }

  /** Since when it has been stalled or silent, or had been before the stall that it recovers from; Infinity: neither. */
  troubledSince(driver: ConnectionDriver): number {
    const { view } = driver.core;
    return this.isSilent(driver) ? view.liveness.lastReceived : troubledSince(view, this.clock.now());
  }

  /** It has allowed no stream from the start. */
  isShut(driver: ConnectionDriver): boolean {
    return driver.core.view.peer.maxConcurrentStreams === 0 && this.shut.has(driver);
  }
}
