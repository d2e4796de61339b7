import type { Duplex } from 'node:stream';
import type { TransportError } from '../errors.js';
import type { BufferBudget } from '../protocol/index.js';
import type { TransportInfo } from './byte-transport.js';
import type { HttpConnection } from './http-connection.js';
import type { Clock } from './clock.js';
import type { Observer } from './observer.js';

/** What an HTTP/1.1 connection is told: the options of the same names (times in milliseconds, sizes in bytes). */
export interface Http1Config {
  /** Tells the connections of one transport apart. */
  readonly id: number;
  /** For error messages and observers. */
  readonly origin: string;
  readonly observer: Observer | undefined;
  readonly maxHeaderListSize: number;
  readonly budget: BufferBudget;
  readonly maxRequests: number;
  readonly maxAge: number;
  readonly idleTimeout: number;
  readonly writeTimeout: number;
}

/** Whoever holds HTTP/1.1 connections. Told between steps, so it may do anything. */
export interface Http1Owner {
  /** The connection can carry the next request. */
  onIdle(connection: Http1Connection): void;
  /** The connection takes no more requests; the one that it carries goes on. */
  onDraining(): void;
  onClosed(connection: Http1Connection): void;
}

/** One HTTP/1.1 connection: it carries one request at a time, and is kept for the next one (RFC 9112 section 9.3). */
export interface Http1Connection extends HttpConnection {
  readonly httpVersion: '1.1';
  readonly id: number;
  readonly info: TransportInfo;
  /** Requests sent on it so far. */
  readonly requests: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** It carries a request. */
  readonly busy: boolean;
  /** It takes no request after the one that it carries. */
  readonly closing: boolean;
  /**
   * Whether it can carry a request now. One idle by the wall clock for too long is retired here, and one of which it is
   * not known whether the server has closed it is looked at: `onIdle` follows, or `onClosed`.
   */
  canTakeRequest(): boolean;
  /** It is being looked at. */
  readonly soonFree: boolean;
  /** No new requests; it closes after the one that runs, at once if there is none. */
  stopReuse(): void;
  /** Ends it at once, with an error like this one for its request. */
  fail(error: TransportError): void;
}

/** Speaks HTTP/1.1 on a connected, and for https secured, stream. */
export type OpenHttp1 = (socket: Duplex, config: Http1Config, clock: Clock, owner: Http1Owner) => Http1Connection;
