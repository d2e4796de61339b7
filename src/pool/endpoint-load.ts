import type { PooledConnection } from '../ports/index.js';
import { leastLatency, noise, type Fault, type Standing } from './balance.js';
import type { Share } from './turns.js';

/** An answer counts for so much of the smoothed time to response headers. */
const smoothing = 0.1;

/** So many turns are owed at most, either way: a pause is made up for, and not an outage. */
const mostOwed = 32;

/**
 * What is known of the latency is worth half as much after so long without an answer, in milliseconds. So one request finds
 * out within seconds that a machine was slow only while it, or the process here, began; one that stays slow has few more.
 */
const halfLife = 2_000;
/** Until then it is worth all of it. */
const fresh = 1_000;

/** A new address has its whole share after so long, in milliseconds, and begins with so much of it. */
const slowStart = 10_000;
const leastWeight = 0.1;

/** So many outcomes are kept, one in each bit of an integer. */
const mostOutcomes = 32;

/** To lag is no fault before it has lasted so long, in milliseconds. */
const longLag = 1_000;

const shortestEjection = 1_000;
const longestEjection = 120_000;
/** After so long without another, an ejection is the first again, in milliseconds. */
const forgiven = 120_000;

/** How one address answers: its latency and its last outcomes, and whether it is ejected for them. */
export class EndpointLoad implements Share, Standing {
  inFlight = 0;
  latency = 0;
  weight = 1;
  owed = 0;
  failures = 0;
  outcomes = 0;
  samples = 0;
  /** Why it gets no requests, or one at a time; undefined: nothing is wrong with it. */
  fault: Fault | undefined = undefined;
  /** Until then it gets none. */
  ejectedUntil = -Infinity;
  /** Rises whenever it is ejected, or taken back: what was sent before says nothing any more. */
  era = 0;
  /** When it was last held against its peers. */
  judgedAt = -Infinity;
  private lagsSince = Infinity;
  private ejections = 0;
  private lastLost: PooledConnection | undefined = undefined;
  private smoothed = 0;
  private sampledAt = 0;
  /** The last outcomes, 1 for an error, the latest in the lowest bit. */
  private bits = 0;
  private startedAt = -Infinity;
  /** When the request began that shows whether it is of use again; Infinity: none is out. */
  private triedAt = Infinity;

  get errors(): number {
    let count = 0;
    for (let left = this.bits; left !== 0; left &= left - 1) count++;
    return count;
  }

  /** The same, as it is now. */
  at(now: number, inFlight: number): this {
    this.inFlight = inFlight;
    this.latency = this.smoothed * this.worth(now);
    const up = now - this.startedAt;
    this.weight = up >= slowStart ? 1 : Math.max(leastWeight, up / slowStart);
    return this;
  }

  /** What is known of the latency, of what it was when it was new. */
  private worth(now: number): number {
    const age = now - this.sampledAt;
    return age < fresh ? 1 : 2 ** (-age / halfLife);
  }

  /** When it has all of its share. */
  get slowUntil(): number {
    return this.startedAt + slowStart;
  }

  /** It begins with a small share, which grows. */
  startSlowly(now: number): void {
    this.startedAt = now;
    this.owed = 0;
  }

  /** A request may go there: it is not ejected, or one is due that shows whether that is to end. */
  open(now: number): boolean {
    if (this.fault === undefined) return true;
    if (now < this.ejectedUntil) return false;
    // One that was given up has shown nothing.
    return this.triedAt === Infinity || now >= this.triedAt + shortestEjection;
  }

  owe(turns: number): void {
    this.owed = Math.max(-mostOwed, Math.min(mostOwed, this.owed + turns));
  }

  /** It gets a request. */
  take(now: number): void {
    if (this.fault !== undefined) this.triedAt = now;
  }

  /** Undefined `took`: how long the answer was in coming says nothing. */
  answered(now: number, error: boolean, took: number | undefined): void {
    this.failures = 0;
    this.outcome(error);
    if (took !== undefined) this.took(now, took);
  }

  /** So long until the response headers. What waited together for a moment to pass says little of the address, however long. */
  took(now: number, took: number): void {
    const most = noise * Math.max(this.smoothed, leastLatency);
    const part = Math.max(smoothing, 1 - this.worth(now)); // else one answer would make what is of long ago as good as new
    this.smoothed = this.samples === 0 ? took : this.smoothed + part * (Math.min(took, most) - this.smoothed);
    this.samples++;
    this.sampledAt = now;
    this.latency = this.smoothed;
  }

  failed(): void {
    this.failures++;
    this.outcome(true);
  }

  /** A request has failed with its connection; true: the first of them. */
  lost(connection: PooledConnection): boolean {
    if (this.lastLost === connection) return false;
    this.lastLost = connection;
    return true;
  }

  private outcome(error: boolean): void {
    this.bits = (this.bits << 1) | (error ? 1 : 0);
    this.outcomes = Math.min(this.outcomes + 1, mostOutcomes);
  }

  /** It lags behind its peers, or does not; true: it has for long enough. */
  lags(lags: boolean, now: number): boolean {
    this.lagsSince = lags ? Math.min(this.lagsSince, now) : Infinity;
    return now - this.lagsSince >= longLag;
  }

  eject(fault: Fault, now: number): void {
    if (now - this.ejectedUntil > forgiven) this.ejections = 0;
    this.fault = fault;
    this.ejectedUntil = now + Math.min(shortestEjection * 2 ** this.ejections++, longestEjection);
    this.beginAnew();
  }

  /** The request that it was given to show it has been answered well. */
  takeBack(now: number): void {
    this.fault = undefined;
    this.startSlowly(now);
    this.beginAnew();
  }

  private beginAnew(): void {
    this.era++;
    this.lagsSince = Infinity;
    this.triedAt = Infinity;
    this.failures = this.outcomes = this.bits = this.samples = 0;
  }
}
