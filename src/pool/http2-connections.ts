import type { TransportError } from '../errors.js';
import type { ConnectionDriver } from '../conn/index.js';
import type { Candidate } from './dial-policy.js';

/** The HTTP/2 connections of one origin, oldest first; those that drain are among them until they are closed. */
export class Http2Connections {
  readonly all: ConnectionDriver[] = [];
  /** Dials to get around a connection, since the last such connection that a response came on. */
  fruitless = 0;
  /** Those that were dialled to get around another. */
  private readonly bypasses = new Set<ConnectionDriver>();

  /** Requests have reason to go around one of them, whatever that is. */
  get troubled(): boolean {
    return this.all.some((driver) => driver.troubledSince !== Infinity);
  }

  /** Those that still take requests. */
  get accepting(): ConnectionDriver[] {
    return this.all.filter((driver) => driver.accepts);
  }

  /** Those that take requests, as the dial policy sees them. */
  get candidates(): Candidate[] {
    return this.accepting.map((driver) => ({ health: driver.health(), bypass: this.bypasses.has(driver) }));
  }

  /** The first that can carry the request in this turn. Silent ones are asked for a sign of life. */
  pick(early: boolean, lastResort: boolean): ConnectionDriver | undefined {
    for (const driver of this.all) if (driver.takes(early, lastResort)) return driver;
    return undefined;
  }

  add(driver: ConnectionDriver, bypass: boolean): void {
    this.all.push(driver);
    if (bypass) this.bypasses.add(driver);
  }

  /** Its state may have changed. Once there is nothing to go around, bypasses are connections like others. */
  changed(driver: ConnectionDriver): void {
    if (driver.numbers.answered && this.bypasses.has(driver)) this.fruitless = 0;
    if ((this.fruitless === 0 && this.bypasses.size === 0) || this.troubled) return;
    this.fruitless = 0;
    this.bypasses.clear();
  }

  /** It is gone; with one that requests went around goes the reason for the oldest bypass, which stands in for it. */
  remove(driver: ConnectionDriver): void {
    const at = this.all.indexOf(driver);
    if (at >= 0) this.all.splice(at, 1);
    if (this.bypasses.delete(driver) || driver.troubledSince === Infinity) return;
    for (const oldest of this.bypasses) {
      this.bypasses.delete(oldest);
      return;
    }
  }

  /**
   * Closes the oldest that allows no stream and has carried none for longer than `patience` milliseconds, so that another
   * may be dialled in its place: the peer may raise the limit again in a moment.
   */
  retireZero(patience: number): void {
    this.accepting.find(({ idle, numbers, use }) => idle && numbers.limit === 0 && use.idleFor(patience))?.stopReuse();
  }

  closeIdle(): void {
    for (const driver of [...this.all]) if (driver.idle) driver.stopReuse();
  }

  stopReuse(): void {
    for (const driver of [...this.all]) driver.stopReuse();
  }

  goAway(): void {
    for (const driver of [...this.all]) driver.goAway();
  }

  destroy(error: TransportError): void {
    for (const driver of [...this.all]) driver.fail(error);
  }
}
