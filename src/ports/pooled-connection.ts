import type { Duplex } from 'node:stream';
import type { TransportError } from '../errors.js';
import type { BufferBudget, ConnectionBeneath, Health } from '../protocol/index.js';
import type { TransportInfo } from './byte-transport.js';
import type { HttpConnection } from './http-connection.js';
import type { Clock } from './clock.js';
import type { Observer } from './observer.js';

/** What a pool asks of a connection's health: HTTP/1.1 has neither windows nor round trips, and says 0 for those. */
export type ConnectionHealth = Readonly<
  Pick<
    Health,
    | 'state'
    | 'since'
    | 'slowUntil'
    | 'silent'
    | 'delay'
    | 'slowBeneath'
    | 'greeted'
    | 'limit'
    | 'zeroFromStart'
    | 'streams'
    | 'requests'
    | 'answered'
    | 'slow'
    | 'roundTrip'
    | 'sendWindow'
    | 'receiveWindow'
    | 'heardAt'
  >
>;

/** What a request brings with it; of one kind, what holds up the first holds up all. */
export const RequestKind = {
  /** No body. */
  Light: 0,
  /** A body of no more than 64 KiB, or a tunnel. */
  Short: 1,
  /** A longer body, or one of unknown length. */
  Bulk: 2,
} as const;

export type RequestKind = (typeof RequestKind)[keyof typeof RequestKind];

/** What a request asks of the connection that it goes out on. */
export interface Demand {
  readonly kind: RequestKind;
  /** It may go before the peer's SETTINGS. */
  readonly early: boolean;
  /** How many bytes the connection's send window must cover: the beginning of its body (RFC 9113 section 5.2). */
  readonly needs: number;
}

/** Whoever holds connections. Told between steps, so it may do anything. */
export interface ConnectionOwner {
  /** The connection may take a request that it could not take before, or has come to need help. */
  onCapacity(connection: PooledConnection): void;
  /** It takes no more requests; those that it carries go on. */
  onDraining(connection: PooledConnection): void;
  /** The peer has complained: new connections to it measure nothing, and keep this gap between PINGs, in milliseconds. */
  onTooManyPings(pingGap: number): void;
  onClosed(connection: PooledConnection, error: TransportError | undefined): void;
}

/** One connection as its pool has it, whichever version of HTTP it speaks. */
export interface PooledConnection extends HttpConnection {
  readonly id: number;
  readonly info: TransportInfo;
  /** When it was made, in the clock's time. */
  readonly openedAt: number;
  /** When its dial began, in the same; where there was none, when it was made. */
  readonly dialledAt: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** How often it was found to be stalled. */
  readonly stalls: number;
  /** What it ended with; undefined: nothing was wrong, or it lives. */
  readonly closeError: TransportError | undefined;
  readonly use: HttpConnection['use'] & {
    /** Idle for longer than this by the wall clock, in milliseconds. */
    idleFor(milliseconds: number): boolean;
  };
  /** Whether it will ever take another request. */
  readonly accepts: boolean;
  /** It carries no request, and none is promised to it. */
  readonly idle: boolean;
  /** Since when requests that need so much of its window have had reason to go around it; Infinity: they have none. */
  troubledSince(needs: number): number;
  /** Requests may go out on it at this time, or could but for those that it carries. */
  serves(now: number): boolean;
  /** It ended, or was told to, and nothing came of it. */
  readonly carriedNothing: boolean;
  /** What {@link health} says but for what depends on the time; always of now. */
  readonly numbers: Omit<ConnectionHealth, 'state' | 'since' | 'slowUntil' | 'silent' | 'delay' | 'slowBeneath'>;
  /** Begins to read. `established` is called once: the connection is ready, or it failed (`closeError`). */
  start(established: () => void): void;
  /** What a new request that needs so much of the window would meet. `lastResort`: there is no other way to go. */
  health(lastResort?: boolean, needs?: number): ConnectionHealth;
  /**
   * Whether a request goes out on it in this turn. One of which it is not known whether the peer still has it is asked, or
   * looked at: `onCapacity` follows, or `onClosed`. `mute`: the peer is silent on another connection, and so on this one as well,
   * unless something has come on it lately.
   */
  takes(demand: Demand, lastResort?: boolean, mute?: boolean): boolean;
  /** No new requests; it closes after those that run, at once if there are none. */
  stopReuse(): void;
  /** The same, and the peer is told where there is a way. */
  goAway(): void;
  /** Ends it at once, with an error like this one for its requests. */
  fail(error: TransportError): void;

  // What only one that carries several requests at a time has:

  /** Bulk on it is to take no more of its path's queue than keeps the path busy: no other connection is faster. */
  holdBulk?(): void;
  /** Requests go around a slow one by it: it asks now and then whether that is the faster way. */
  measure?(): void;
  /** A request on it is overdue, and nothing has come since it was sent: it takes no new ones until the peer is heard of. */
  suspect?(): void;
}

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
  /** When its dial began, in the clock's time. Without: when the connection is made. */
  readonly dialledAt?: number | undefined;
  readonly writeTimeout: number;
  readonly beneath?: ConnectionBeneath | undefined;
}

/**
 * Speaks HTTP/1.1 on a connected, and for https secured, stream: one request at a time, and the connection is kept for
 * the next one (RFC 9112 section 9.3).
 */
export type OpenHttp1 = (socket: Duplex, config: Http1Config, clock: Clock, owner: ConnectionOwner) => PooledConnection;
