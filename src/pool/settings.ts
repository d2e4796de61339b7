import type { DriverConfig } from '../conn/index.js';
import type { Clock, Dialler, Observer, Origin } from '../ports/index.js';
import type { HedgeSettings } from '../request/index.js';
import type { Retry } from './replay.js';

/** Why an origin is spoken to in HTTP/1.1: it chose that, or answered HTTP/2 with HTTP_1_1_REQUIRED. */
export type Http1Reason = 'chosen' | 'required';

/** What the pools of all origins are given by their transport. */
export interface PoolSettings {
  readonly clock: Clock;
  readonly dialler: Dialler;
  readonly observer: Observer | undefined;
  readonly retry: Retry;
  readonly hedge: HedgeSettings | undefined;
  readonly connectTimeout: number;
  readonly maxConnectionsPerOrigin: number;
  /** So many requests a connection in HTTP/2 takes at most, before any is there; undefined: not known. */
  readonly places: number | undefined;
  readonly strict: boolean;
  /** Whether HTTP/1.1 may be spoken where HTTP/2 is not to be had. */
  readonly allowHTTP1: boolean;
  /** Whether HTTP/1.1 is what is spoken to http: origins. */
  readonly cleartextHTTP1: boolean;
  /** Whether requests go around connections whose path bulk fills. */
  readonly bulkIsolation: boolean;
  readonly stallTimeout: number;
  readonly probeAfter: number;
  /** How often names are looked up again where requests are spread over addresses; undefined: they are not. */
  readonly resolveInterval: number | undefined;
  readonly random: () => number;
  driverConfig(origin: Origin): DriverConfig;
}
