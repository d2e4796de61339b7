/** Layer 3, as the transport sees it. */
export { originOf } from './origin.js';
export { Pool, transportDestroyed } from './pool.js';
export type { Retry, RetryOptions } from './replay.js';
export type { AddressStatus } from './endpoint.js';
export type { AddressStats, ConnectionStats, ConnectionStatus, OriginStats, TransportStats } from './stats.js';
export type { ReplayCauses, TransportTotals } from './totals.js';
