import type { TransportError } from '../errors.js';
import { backOffDelay, type Retry } from './replay.js';

/** A refusal of their first stream by so many fresh connections in a row backs off the origin. */
const refusalsBeforeBackOff = 2;

/** After a look-up that failed the next is no longer in coming, in milliseconds: it costs no server anything. */
const longestLookUpDelay = 5_000;

/** When an origin may be dialled again: what has come of its dials and connections since the last that was of use. */
export class BackOff {
  /** No dial before this time of the clock, in milliseconds. */
  notBefore = 0;
  private readonly retry: Retry;
  /** Dials in a row of which no connection came: refused, timed out, or lost before the peer's SETTINGS. */
  private failures = 0;
  /** Look-ups in a row that failed, which say nothing of what the name stands for. */
  private failedLookUps = 0;
  /** When the last of either was found out. */
  private failedAt = -Infinity;
  private freshRefusals = 0;
  /** The newest connections allowed no stream; since then none has been of use, or been ended by the server, which has a wait of its own. */
  zeroLimited = false;
  /** No dial on account of a limit of 0 before this time of the clock, in milliseconds. */
  zeroLimitNotBefore = 0;
  /** New connections in a row that allowed no stream. */
  private zeroLimits = 0;
  private zeroLimitAt = -Infinity;

  constructor(retry: Retry) {
    this.retry = retry;
  }

  /** What was dialled last came to nothing. */
  get failing(): boolean {
    return this.failures + this.failedLookUps > 0;
  }

  /** Something has failed since a connection was last of use. */
  get counts(): boolean {
    return this.failing || this.freshRefusals + this.zeroLimits > 0;
  }

  /** All who waited have been told that no connection is of use. */
  reset(): void {
    this.failures = 0;
    this.failedLookUps = 0;
    this.freshRefusals = 0;
    this.zeroLimits = 0;
    this.zeroLimited = false;
  }

  /** A connection opened at `openedAt` is of use. One that is older than the last failure says nothing of new ones. */
  ofUse(openedAt: number, now: number): void {
    const { failures, failedLookUps } = this;
    this.reset();
    if (openedAt >= this.failedAt || now >= this.failedAt + this.retry.maxDelay) return;
    this.failures = failures;
    this.failedLookUps = failedLookUps;
  }

  /**
   * A dial that was begun at `begun` failed. Those that were under way beside one another count as one, and so does one
   * that does not `count`.
   */
  dialFailed(begun: number, now: number, counts: boolean): void {
    if (this.isNew(begun, now, counts)) this.failures++;
    this.wait(this.failures, now);
  }

  /** The same where the name was not found, so that nobody was dialled: it may be well again at any time. */
  lookUpFailed(begun: number, now: number, counts: boolean): void {
    if (this.isNew(begun, now, counts)) this.failedLookUps++;
    this.wait(this.failedLookUps, now, longestLookUpDelay);
  }

  /** A failure that counts, and is not of what was under way when another was found out. */
  private isNew(begun: number, now: number, counts = true): boolean {
    if (!counts || begun < this.failedAt) return false;
    this.failedAt = now;
    return true;
  }

  /** The next dial is no sooner than after so many failures in a row, and waits no longer than `most` milliseconds. */
  private wait(failures: number, now: number, most = Infinity): void {
    const delay = Math.min(backOffDelay(this.retry, Math.max(0, failures - 1)), most);
    this.notBefore = Math.max(this.notBefore, now + delay);
  }

  /** A connection that was lost before the peer's SETTINGS is dialled anew at once, the first time. */
  takeSecondChance(now: number): boolean {
    if (this.failures > 0) return false;
    this.failedAt = now;
    this.failures = 1;
    return true;
  }

  /**
   * The server has ended a connection that carried nothing, and was dialled at `begun`. True when it is enough: so
   * many in a row as a request has attempts. Those that were dialled or stood beside one another fall together, and count as one.
   */
  endedUnused(begun: number, now: number): boolean {
    this.zeroLimited = false;
    if (!this.isNew(begun, now)) return false;
    this.failures++;
    if (this.failures > 1) this.notBefore = now + backOffDelay(this.retry, this.failures - 2);
    return this.failures >= this.retry.maxAttempts;
  }

  /** A connection that was dialled at `begun` allows no stream. Those that were under way beside one another count as one. */
  zeroLimit(begun: number, now: number): void {
    this.zeroLimited = true;
    if (begun < this.zeroLimitAt) return;
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
