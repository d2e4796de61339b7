import { Path, type AddressEvent, type Clock, type Demand, type PooledConnection } from '../ports/index.js';
import type { Reach } from './balance.js';
import { EndpointLoad } from './endpoint-load.js';

/** How long an address that failed goes last, in milliseconds; it doubles with each failure that follows. */
const shortestExile = 1_000;
const longestExile = 120_000;

/** A dial without an outcome for so long says as little for its address as one that failed, in milliseconds. */
const overdueAfter = 1_000;

/** What is told of an address by who does not know its origin. */
export type ToldOfAddress = Omit<AddressEvent, 'origin' | 'time'>;

/** 'ready': new connections go there; the others say what speaks against it, or that the first is still coming. */
export type AddressStatus = 'ready' | 'connecting' | 'ejected' | 'failed' | 'draining';

/** One of the addresses that an origin's name stands for, and how it fared. */
export class Endpoint implements Reach {
  readonly address: string;
  /** The name stands for it now; else its connections drain. */
  current = true;
  readonly connections: PooledConnection[] = [];
  /** It was not there from the beginning, or has lost its connections since: it starts slowly. */
  late = false;
  /** The way there, as its connections find it. */
  readonly path = new Path();
  /** How it answers, where requests are spread over addresses. */
  readonly load = new EndpointLoad();
  /** What {@link offers} has found. */
  offered: PooledConnection | undefined = undefined;
  /** Failures, one for each attempt, since a dial here last came to a connection that answered. */
  private failures = 0;
  private failedAt = -Infinity;
  /** When the newest connection here that has answered was made: what spoke against the address before is over. */
  private provedAt = -Infinity;
  /** Until then others go first. */
  notBefore = -Infinity;
  /** Dials that lead here and have not come to a connection, and since when the first of them does. */
  private dials = 0;
  private dialledSince = Infinity;

  /** Requests on connections that are closed. */
  private requestsBefore = 0;
  private readonly clock: Clock;
  private readonly tell: (event: ToldOfAddress) => void;
  private lastStatus: AddressStatus = 'ready';
  private statusSince: number;

  constructor(address: string, clock: Clock, tell: (event: ToldOfAddress) => void) {
    this.address = address;
    this.clock = clock;
    this.tell = tell;
    this.statusSince = clock.wallNow();
  }

  // --- what stats() says ---

  get status(): AddressStatus {
    return this.statusAt(this.clock.now());
  }

  private statusAt(now: number): AddressStatus {
    if (!this.current) return 'draining';
    if (this.load.fault !== undefined) return 'ejected';
    for (const connection of this.connections) if (connection.serves(now)) return 'ready';
    if (this.isBad(now)) return 'failed';
    return this.dialling || this.connections.length > 0 ? 'connecting' : 'ready';
  }

  /** What it is now has changed, or may have. */
  note(now = this.clock.now()): void {
    const status = this.statusAt(now);
    if (status === this.lastStatus) return;
    this.lastStatus = status;
    this.statusSince = this.clock.wallNow();
  }

  /** Since when it is what it is, in milliseconds of the wall clock. */
  get since(): number {
    this.note();
    return this.statusSince;
  }

  get inFlight(): number {
    let sum = 0;
    for (const { numbers } of this.connections) sum += numbers.streams;
    return sum;
  }

  get requests(): number {
    return this.connections.reduce((sum, { numbers }) => sum + numbers.requests, this.requestsBefore);
  }

  // --- look-ups ---

  /** The name stands for it; `later`: and did not from the beginning, or not all the time. */
  list(later: boolean): void {
    this.current = true;
    this.late ||= later;
  }

  /** The name does not stand for it any more. */
  unlist(): void {
    this.current = false;
  }

  // --- its connections ---

  add(connection: PooledConnection): void {
    this.connections.push(connection);
    if (this.dialling) this.dialledSince = this.clock.now(); // one has come to something: no others count as late yet
    this.note();
  }

  remove(connection: PooledConnection): void {
    this.connections.splice(this.connections.indexOf(connection), 1);
    this.requestsBefore += connection.numbers.requests;
    this.late = true;
    this.note();
  }

  // --- dials ---

  /** Connections that it has, or is to have. */
  get size(): number {
    return this.connections.length + this.dials;
  }

  get dialling(): boolean {
    return this.dials > 0;
  }

  dialBegun(): void {
    if (this.dials++ === 0) this.dialledSince = this.clock.now();
    this.note();
  }

  dialEnded(): void {
    if (--this.dials === 0) this.dialledSince = Infinity;
    this.note();
  }

  // --- how it fared ---

  /** It could not be connected to, or what was connected, when it was `made`, is silent, stalled or of no use, `since` then. */
  failed(now: number, since = now, made = now): void {
    if (since <= this.failedAt && this.failures > 0) return; // the same trouble, which nothing has taken back
    // What was made before the last failure is no further attempt: an upload that stalls time and again is one slow link.
    if (this.failures === 0 || made > this.failedAt) this.failures++;
    this.failedAt = Math.max(now, since); // which may be later, where the two were read from the clock apart
    this.notBefore = now + Math.min(shortestExile * 2 ** (this.failures - 1), longestExile);
    this.tell({ type: 'failed', address: this.address, until: this.notBefore });
    this.note();
  }

  /** A connection has answered. One that was made before the last failure proves nothing. */
  answered(connection: PooledConnection): void {
    const { openedAt } = connection;
    if (openedAt <= this.provedAt && (this.failures === 0 || openedAt < this.failedAt)) return; // as nearly always
    if (connection.troubledSince(0) !== Infinity || allowsNone(connection)) return;
    this.provedAt = Math.max(this.provedAt, openedAt);
    if (this.failures === 0 || openedAt < this.failedAt) return;
    this.failures = 0;
    this.notBefore = -Infinity;
    this.tell({ type: 'returned', address: this.address });
  }

  /**
   * A connection here is in trouble, was told to go away unused, or allows no stream, which counts as a failure of the
   * address once.
   */
  private troubled(now: number): boolean {
    let troubled = false;
    for (const connection of this.connections) {
      const since = this.troubledSince(connection);
      if (since === Infinity) continue;
      this.failed(now, since, connection.openedAt);
      troubled = true;
    }
    return troubled;
  }

  /**
   * Since when that connection speaks against the address; Infinity: it does not, or a newer one has answered since. So one that
   * stays blocked, or whose process winds down, says nothing of those to come.
   */
  troubledSince(connection: PooledConnection): number {
    const { carriedNothing, dialledAt, numbers, openedAt } = connection;
    const none = allowsNone(connection);
    const since = carriedNothing ? dialledAt : none ? openedAt : connection.troubledSince(0);
    if (since < this.provedAt) return Infinity;
    // One that has answered was well when it was made, whatever had failed while it was dialled.
    return none && !numbers.answered ? dialledAt : since;
  }

  /** Something speaks against it now: new dials go elsewhere, while there is another. */
  isBad(now: number): boolean {
    return this.troubled(now) || now < this.notBefore || now - this.dialledSince >= overdueAfter;
  }

  /** It failed, and has not been heard of since. */
  get unproved(): boolean {
    return this.failures > 0;
  }

  /** It answers: a connection to it does. */
  get proved(): boolean {
    return this.connections.some((one) => one.accepts && one.numbers.answered && one.troubledSince(0) === Infinity);
  }

  // --- one of several that requests are spread over ---

  /** A connection here takes requests, or one is being made. */
  get reached(): boolean {
    return this.dialling || this.connections.some(({ accepts }) => accepts);
  }

  /** It is silent on one of several connections, which may be full, or drain: where it has not been heard on another, that one is asked. */
  get mute(): boolean {
    return this.connections.length > 1 && this.connections.some((one) => one.health(true).silent);
  }

  /**
   * Whether one of its connections carries the request now: {@link offered}. Its load is brought up to date. An address that
   * failed is to show by its SETTINGS that somebody is there, before it gets a request.
   */
  offers(demand: Demand, lastResort: boolean, now: number): boolean {
    if (demand.early && this.unproved) demand = { ...demand, early: false };
    let inFlight = 0;
    this.offered = undefined;
    const { mute } = this;
    for (const connection of this.connections) {
      inFlight += connection.numbers.streams;
      if (this.offered === undefined && connection.takes(demand, lastResort, mute)) this.offered = connection;
    }
    this.load.at(now, inFlight);
    return this.offered !== undefined;
  }
}

/** The server's stream limit is 0, from the start or by now (RFC 9113 section 6.5.2). */
function allowsNone({ accepts, numbers: { greeted, limit } }: PooledConnection): boolean {
  return accepts && greeted && limit === 0;
}
