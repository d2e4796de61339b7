import type { TransportError } from '../errors.js';
import type { Clock } from '../ports/index.js';

/** Who a request belongs to while it has no response: a pool, or one connection. */
export interface ExchangeHost<Exchange> {
  readonly clock: Clock;
  /** An attempt ended before its response headers. The host sends it again, or calls `settleFailed`. */
  attemptFailed(exchange: Exchange, error: TransportError): void;
  /**
   * The server has answered with an error. Undefined: that is the caller's; else what sends the request again once the
   * answer is out of the way. Called within a step of the connection.
   */
  attemptAnswered?(exchange: Exchange, status: number, fields: readonly string[]): (() => void) | undefined;
  /** Whether the host would have such an answer dropped, had the request been tried less often. */
  retriesStatus?(exchange: Exchange, status: number): boolean;
  /** The request is over, one way or the other, and was not bound to a connection when it ended. */
  abandoned(exchange: Exchange): void;
}

/** Told how an attempt goes. */
export interface AttemptWatcher {
  /** All of the request is sealed. */
  sent(): void;
  /** The response's headers have come; `end`: and no more comes. */
  answered(status: number, fields: readonly string[], end: boolean): void;
  /** It ended before that. */
  failed(error: TransportError): void;
  /** Another attempt was answered first. */
  overtaken(): void;
}
