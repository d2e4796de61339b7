import { bodyStart, HealthState, type PooledConnection } from '../ports/index.js';
import type { AddressStatus, Endpoint } from './endpoint.js';
import type { OriginPool } from './origin-pool.js';
import type { TransportTotals } from './totals.js';

export type ConnectionStatus =
  | 'connecting'
  | 'idle'
  | 'ready'
  | 'busy'
  | 'full'
  | 'stalled'
  | 'recovering'
  | 'silent'
  | 'starved'
  | 'slow'
  | 'draining';

export interface ConnectionStats {
  /** As in `ClientResponse.connection.id`. */
  readonly id: number;
  readonly httpVersion: '2.0' | '1.1';
  readonly state: ConnectionStatus;
  readonly streams: number;
  /** Requests sent on it so far. */
  readonly requests: number;
  /** The peer's stream limit; an assumption until its first SETTINGS; 1 in HTTP/1.1. */
  readonly maxConcurrentStreams: number;
  readonly remoteAddress: string | undefined;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** The smoothed round trip in milliseconds; 0 until the first sample, and in HTTP/1.1. */
  readonly roundTrip: number;
  /** What the peer may still send on the connection, in bytes; 0 in HTTP/1.1, which has no windows. */
  readonly receiveWindow: number;
  /** What we may still send on the connection, in bytes; 0 in HTTP/1.1. */
  readonly sendWindow: number;
}

/** One of several addresses that an origin's name stands for. */
export interface AddressStats {
  readonly address: string;
  readonly state: AddressStatus;
  /** Open streams on connections to it. */
  readonly inFlight: number;
  /** Requests sent there so far. */
  readonly requests: number;
  /** The smoothed time from a request's end to the headers of its response, in milliseconds; 0 with 'pick-first'. */
  readonly latency: number;
  /** Since when it is in this state, in milliseconds of the wall clock. */
  readonly since: number;
}

export interface OriginStats {
  readonly origin: string;
  /** Requests that wait for a connection. */
  readonly queued: number;
  readonly dialling: number;
  readonly connections: readonly ConnectionStats[];
  /** How many requests may be sent again now (`retry.budget`); Infinity: any number. */
  readonly retriesLeft: number;
  /** How many second attempts may be made now (`hedge`). */
  readonly hedgesLeft: number;
  /** Where the name stands for several, as far as a dial has told; otherwise absent. */
  readonly addresses?: readonly AddressStats[] | undefined;
}

/** A snapshot of a transport, true at the moment of the call. */
export interface TransportStats {
  readonly origins: readonly OriginStats[];
  /** Open streams, on all connections. */
  readonly streams: number;
  readonly queued: number;
  readonly connections: number;
  /** What unread bodies hold in memory, in bytes, and the most they may (`maxBufferedBytes`). */
  readonly bufferedBytes: number;
  readonly maxBufferedBytes: number;
  /** Connections that hold flow-control credit back because that limit is reached. */
  readonly creditWithheld: number;
  readonly totals: TransportTotals;
}

const statusOf: Readonly<Record<HealthState, ConnectionStatus>> = {
  [HealthState.Ready]: 'ready',
  [HealthState.Busy]: 'busy',
  [HealthState.Full]: 'full',
  [HealthState.Stalled]: 'stalled',
  [HealthState.Recovering]: 'recovering',
  [HealthState.Probing]: 'silent',
  [HealthState.Silent]: 'silent',
  [HealthState.AwaitingSettings]: 'connecting',
  [HealthState.EarlyOnly]: 'connecting',
  [HealthState.Starved]: 'starved',
  [HealthState.Slow]: 'slow',
  [HealthState.Closing]: 'draining',
};

function connectionStats(connection: PooledConnection): ConnectionStats {
  const { id, httpVersion, info, bytesSent, bytesReceived } = connection;
  const { state, since, streams, requests, limit, roundTrip, receiveWindow, sendWindow } = connection.health(
    false,
    bodyStart,
  );
  // Short of credit for a moment, it is busy.
  const status = state === HealthState.Starved && since === Infinity ? 'busy' : statusOf[state];
  return {
    id,
    httpVersion,
    state: status === 'ready' && streams === 0 ? 'idle' : status,
    streams,
    requests,
    maxConcurrentStreams: limit,
    remoteAddress: info.remoteAddress,
    bytesSent,
    bytesReceived,
    roundTrip,
    receiveWindow,
    sendWindow,
  };
}

function addressStats({ address, status, inFlight, requests, load, since }: Endpoint): AddressStats {
  return { address, state: status, inFlight, requests, latency: load.latency, since };
}

/** One entry an origin, which may have a pool for connections of HTTP/1.1 beside that for all. */
export function originStats(pools: Iterable<OriginPool>): OriginStats[] {
  const origins = new Map<string, OriginStats>();
  for (const pool of pools) {
    const one = poolStats(pool);
    const other = origins.get(one.origin);
    origins.set(one.origin, other === undefined ? one : together(other, one));
  }
  return [...origins.values()];
}

function together(one: OriginStats, other: OriginStats): OriginStats {
  return {
    origin: one.origin,
    queued: one.queued + other.queued,
    dialling: one.dialling + other.dialling,
    connections: [...one.connections, ...other.connections],
    retriesLeft: one.retriesLeft,
    hedgesLeft: one.hedgesLeft,
    ...(one.addresses === undefined ? {} : { addresses: one.addresses }),
  };
}

function poolStats(pool: OriginPool): OriginStats {
  const endpoints = pool.endpoints.listed;
  return {
    origin: pool.origin.href,
    queued: pool.queue.size,
    dialling: pool.dialling.dials.size,
    connections: pool.connections.all.map(connectionStats),
    retriesLeft: pool.load.retries.left(pool.clock.now()),
    hedgesLeft: pool.load.hedges.left(pool.clock.now()),
    ...(endpoints.length > 1 ? { addresses: endpoints.map(addressStats) } : {}),
  };
}
