import type { TransportError } from '../errors.js';
import { backOffDelay, type Retry } from './replay.js';

/** A refusal of their first stream by so many fresh connections in a row backs off the origin. */
const refusalsBeforeBackOff = 2;

/** When an origin may be dialled again: what has come of its dials and connections since the last that was of use. */
export class BackOff {
  /** No dial before this time of the clock, in milliseconds. */
  notBefore = 0;
  private readonly retry: Retry;
  /** Dials in a row of which no connection came: refused, timed out, or lost before the peer's SETTINGS. */
  private failures = 0;
  private failedAt = -Infinity;
  private freshRefusals = 0;
  /** No dial on account of a limit of 0 before this time of the clock, in milliseconds. */
  zeroLimitNotBefore = 0;
  /** New connections in a row that allowed no stream. */
  private zeroLimits = 0;
  private zeroLimitAt = -Infinity;

  constructor(retry: Retry) {
    this.retry = retry;
  }

  /** A connection is of use, or all who waited have been told that none is. */
  reset(): void {
    this.failures = 0;
    this.freshRefusals = 0;
    this.zeroLimits = 0;
  }

  dialFailed(now: number): void {
    this.notBefore = now + backOffDelay(this.retry, this.failures++);
  }

  /** A connection that was lost before the peer's SETTINGS is dialled anew at once, the first time. */
  takeSecondChance(): boolean {
    if (this.failures > 0) return false;
    this.failures = 1;
    return true;
  }

  /**
   * The server has ended a connection that carried nothing, which was opened at `openedAt`. True when it is enough: so
   * many in a row as a request has attempts. Those that stood beside one another fall together, and count as one.
   */
  endedUnused(openedAt: number, now: number): boolean {
    if (openedAt < this.failedAt) return false;
    this.failedAt = now;
    this.failures++;
    if (this.failures > 1) this.notBefore = now + backOffDelay(this.retry, this.failures - 2);
    return this.failures >= this.retry.maxAttempts;
  }

  /** A connection opened at `openedAt` allows no stream. Those that stood beside one another count as one. */
  zeroLimit(openedAt: number, now: number): void {
    if (openedAt < this.zeroLimitAt) return;
    this.zeroLimitAt = now;
    this.zeroLimitNotBefore = now + backOffDelay(this.retry, ++this.zeroLimits);
  }

  /** So many in a row allowed none as a request has attempts. */
  get zeroLimitsExhausted(): boolean {
    return this.zeroLimits >= this.retry.maxAttempts;
  }

  /** Fresh connections that refuse their first stream say that the origin, not the request, is in trouble. */
  delayAfter(error: TransportError, now: number): number {
    if (error.errorCode !== 'REFUSED_STREAM') return 0;
    this.freshRefusals = error.streamId === 1 ? this.freshRefusals + 1 : 0;
    if (this.freshRefusals < refusalsBeforeBackOff) return 0;
    const delay = backOffDelay(this.retry, this.freshRefusals - refusalsBeforeBackOff);
    this.notBefore = now + delay;
    return delay;
  }
}
