import type { ConnectionConfig } from '../protocol/index.js';
import type { Observer } from '../ports/index.js';

/** What a connection of HTTP/2 is made with. */
export interface DriverConfig extends Omit<ConnectionConfig, 'trace'> {
  readonly id: number;
  readonly observer: Observer | undefined;
  /** When its dial began, in the clock's time. Without: when the connection is made. */
  readonly dialledAt?: number | undefined;
}
