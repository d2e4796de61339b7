import type { ConnectionDriver } from '../conn/index.js';
import type { Candidate } from './dial-policy.js';
import type { Unready } from './unready.js';

/** The connections of one origin that were dialled to get around stalled ones. */
export class Detours {
  /** Dials since the last that was of use: the origin's own, to get around stalls, of which no response has come. */
  fruitless = 0;
  private readonly connections = new Set<ConnectionDriver>();

  /** There is something to be cleared once nothing is stalled. */
  get any(): boolean {
    return this.fruitless > 0 || this.connections.size > 0;
  }

  /** The connection as the dial policy sees it. */
  candidate(driver: ConnectionDriver, unready: Unready): Candidate {
    const { view } = driver.core;
    return {
      availability: driver.availability(true),
      limit: view.peer.maxConcurrentStreams,
      detour: this.connections.has(driver),
      stalledSince: unready.troubledSince(driver),
      settling: !view.peer.received,
      shut: unready.isShut(driver),
    };
  }

  dialled(): void {
    this.fruitless++;
  }

  connected(driver: ConnectionDriver): void {
    this.connections.add(driver);
  }

  /** The connection has answered a request. */
  answered(driver: ConnectionDriver): void {
    if (this.connections.has(driver)) this.fruitless = 0;
  }

  /** The connection is gone; with one that was stalled goes the reason for the oldest detour, which stands in for it. */
  gone(driver: ConnectionDriver, stalled: boolean): void {
    if (this.connections.delete(driver) || !stalled) return;
    for (const oldest of this.connections) {
      this.connections.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.fruitless = 0;
    this.connections.clear();
  }
}
