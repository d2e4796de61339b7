import { TransportError } from '../errors.js';
import type { Clock, Origin, PooledConnection } from '../ports/index.js';
import type { Exchange, WaitQueue } from '../request/index.js';
import type { BackOff } from './back-off.js';
import type { Connections } from './connections.js';
import { endsAtOnce } from './dial-errors.js';
import type { Dialling } from './dialling.js';
import type { Blame } from './endpoints.js';
import { neverSent } from './replay.js';
import type { Replays } from './replays.js';

/** The pool whose dials they are. */
export interface DialFailuresHost {
  readonly origin: Origin;
  readonly clock: Clock;
  readonly queue: WaitQueue<Exchange>;
  readonly connections: Connections;
  readonly dialling: Dialling;
  /** Some address is not known to be bad. */
  readonly hopeful: boolean;
  consider(): void;
  /** Those who wait fail. */
  failWaiting(exchanges: Iterable<Exchange>, error: unknown): void;
}

/** Dials, and new connections, that came to nothing: who of those who wait is told, and when the next dial may be. */
export class DialFailures {
  private readonly host: DialFailuresHost;
  private readonly backOff: BackOff;
  private readonly replays: Replays;
  private readonly maxAttempts: number;
  /** No dial has succeeded since one failed. */
  private unreachable = false;

  constructor(host: DialFailuresHost, backOff: BackOff, replays: Replays, maxAttempts: number) {
    this.host = host;
    this.backOff = backOff;
    this.replays = replays;
    this.maxAttempts = maxAttempts;
  }

  /** A connection is ready. */
  reached(): void {
    if (this.unreachable) this.replays.hurry();
    this.unreachable = false;
  }

  /** A connection has ended, and was of no use to those who wait. */
  ended(connection: PooledConnection, error: TransportError | undefined): void {
    const { dialledAt, numbers } = connection;
    if (!numbers.greeted && error !== undefined) this.lostEarly(dialledAt, error);
    else if (connection.carriedNothing) this.carriedNothing(dialledAt, error);
    else if (error !== undefined && !numbers.answered && connection.httpVersion === '2.0') this.unanswered(dialledAt);
  }

  /**
   * It had requests, which have been told, and broke before it answered any. Each that waits for room beside a connection
   * that lives would cost one more like it, so the next dial backs off, though not after the first. Where none lives, the
   * next request hears at once what is wrong.
   */
  private unanswered(dialledAt: number): void {
    const { backOff, host } = this;
    const now = host.clock.now();
    if (host.connections.accepting.length === 0 || backOff.takeSecondChance(now)) return;
    backOff.dialFailed(dialledAt, now, true);
  }

  /** A connection that ended before the peer's SETTINGS was none. Who waits for one gets a second chance, once. */
  private lostEarly(dialledAt: number, error: TransportError): void {
    if (error.code === 'ERR_PASSINGLANE_CONNECTION_LOST' && this.backOff.takeSecondChance(this.host.clock.now()))
      return;
    this.noConnection(neverSent(error), dialledAt, 'address');
  }

  /** Of no use to those who wait, so that the next dial backs off, and in the end they are told. */
  private carriedNothing(dialledAt: number, error: TransportError | undefined): void {
    const { host, maxAttempts } = this;
    if (!this.backOff.endedUnused(dialledAt, host.clock.now())) return;
    this.noConnection(neverSent(error ?? endsAtOnce(host.origin, maxAttempts)), dialledAt, 'address', true);
  }

  /**
   * A dial that was begun then came to nothing. Those who could wait only for that one learn why; where connections live,
   * they wait on. Dials that others have caused since give them no more time: each request would wait for the next one's.
   */
  noConnection(error: unknown, begun: number, blame: Blame, forGood = false): void {
    this.unreachable = true;
    const { connections, dialling, queue } = this.host;
    // Dials around one that has used up its time do not give those who wait another.
    const expired = TransportError.isInstance(error) && error.code === 'ERR_PASSINGLANE_CONNECT_TIMEOUT';
    const live = connections.accepting.some((one) => !expired || one.numbers.greeted);
    if (expired && !live) dialling.abandonBypasses();
    const last = dialling.dials.size === 0;
    if (live || (!last && dialling.maySoonServe(begun))) {
      // Swallowed dials are far enough apart as it is: those that fail beside another do not add up.
      this.nextLater(blame, begun, last || !expired);
      this.host.consider();
      return;
    }
    if (last) this.backOff.reset();
    const told = [...queue].filter((exchange) => last || (exchange.place?.since ?? Infinity) <= begun);
    // Those that were sent before wait for another dial; a first request hears at once that nobody is there.
    const back = new Set(forGood ? [] : told.filter((exchange) => this.replays.dialFailed(exchange, error)));
    for (const exchange of back) queue.remove(exchange);
    this.host.failWaiting(
      told.filter((exchange) => !back.has(exchange)),
      error,
    );
  }

  /** The next dial waits, but where it has another address to take. */
  private nextLater(blame: Blame, begun: number, counts: boolean): void {
    const now = this.host.clock.now();
    if (blame === 'name') this.backOff.lookUpFailed(begun, now, counts);
    else if (blame === undefined || !this.host.hopeful) this.backOff.dialFailed(begun, now, counts);
  }
}
