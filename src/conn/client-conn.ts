import { invalidArgument, TransportError, type ErrorInitiator } from '../errors.js';
import { abortable } from '../abortable.js';
import { HealthState } from '../protocol/index.js';
import {
  checkWait,
  Exchange,
  prepareRequest,
  Targets,
  WaitQueue,
  type ClientResponse,
  type RequestDefaults,
  type RequestOptions,
  type WaitOptions,
} from '../request/index.js';
import type { ConnectionDriver } from './connection-driver.js';
import { setDeadline, type Origin } from '../ports/index.js';

/** A snapshot of a connection, true at the moment of the call. */
export interface ConnState {
  readonly closed: boolean;
  /** Takes no new requests; running ones may go on. */
  readonly closing: boolean;
  /** Open streams, and resets that the peer has not confirmed yet. */
  readonly streamsActive: number;
  readonly streamsReserved: number;
  /** Requests that wait on this connection for their turn. */
  readonly streamsPending: number;
  /** The peer's limit; 0 until its first SETTINGS. */
  readonly maxConcurrentStreams: number;
  /** Bytes are waiting and the peer has taken none, or a PING is unanswered, for `stallTimeout`. */
  readonly stalled: boolean;
  /**
   * A stall has ended, and nothing says yet that the peer has read what the socket still holds: a new request goes out,
   * and stands behind that. With another connection at hand, take it.
   */
  readonly recovering: boolean;
  /** When the last stream ended, in wall-clock milliseconds; undefined while one is open or before the first. */
  readonly lastIdle: number | undefined;
}

/**
 * One connection outside any pool, from `Transport.connect` or `adopt`. Requests are sent on it and on no other, and
 * never again. The queries answer in the same tick whatever the network does. It is the host of its exchanges, which its
 * declarations need not say.
 */
export class ClientConn {
  readonly #driver: ConnectionDriver;
  readonly #origin: Origin;
  readonly #defaults: RequestDefaults;
  readonly #refuse: (() => TransportError | undefined) | undefined;
  readonly #targets = new Targets((url) => this.#checkOrigin(url));
  readonly #waiting = new WaitQueue<Exchange>();
  /** Its user has said that it shall take no more. */
  #retired = false;
  /** Called once the connection is closed. */
  readonly #closed = new Set<() => void>();

  /** @internal */
  constructor(
    driver: ConnectionDriver,
    origin: Origin,
    defaults: RequestDefaults,
    refuse?: () => TransportError | undefined,
  ) {
    this.#driver = driver;
    this.#origin = origin;
    this.#defaults = defaults;
    this.#refuse = refuse;
  }

  /** The connection's number in this process, as in `ClientResponse.connection.id`. */
  get id(): number {
    return this.#driver.id;
  }

  /** @internal */
  get clock(): ConnectionDriver['clock'] {
    return this.#driver.clock;
  }

  /**
   * Sends one request; at the peer's limit it waits its turn, abortably. Uses up a reservation where there is one.
   * No retry: an `unprocessed` error says where one would be safe.
   */
  request(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      // First of all: a request that is refused or aborted uses its reservation up as well.
      const reserved = this.#driver.numbers.reserved > 0;
      if (reserved) this.#driver.releaseReservation();
      const request = prepareRequest(url, options, this.#defaults, this.#targets);
      if (request.signal?.aborted === true) {
        request.body?.discard(request.signal.reason);
        reject(request.signal.reason as Error);
        return;
      }
      const exchange = new Exchange(request, this, resolve, reject);
      const refusal = this.#refuse?.();
      if (refusal !== undefined) exchange.settleFailed(refusal);
      else if (this.#waiting.size > 0 && !reserved) this.#enqueue(exchange);
      else if (!this.#tryOpen(exchange)) this.#enqueue(exchange);
    });
  }

  #checkOrigin(url: URL): Origin {
    if (url.protocol !== this.#origin.scheme || url.host !== new URL(this.#origin.href).host)
      throw invalidArgument('url', url.origin, `a URL of this connection's origin, ${this.#origin.href}`);
    return this.#origin;
  }

  /** True when the exchange needs no more waiting: it was sent, or has failed. */
  #tryOpen(exchange: Exchange): boolean {
    // There is no other way to go, so it is used as soon as a stall is over, whatever its window.
    if (!this.#driver.takes({ ...exchange.demand, needs: 0 }, true)) {
      if (this.#driver.accepts) return false;
      exchange.settleFailed(this.#unusable());
      return true;
    }
    try {
      exchange.bind(this.#driver);
    } catch (error) {
      exchange.settleFailed(error);
    }
    return true;
  }

  #enqueue(exchange: Exchange): void {
    this.#waiting.push(exchange, this.clock.now());
    exchange.tracer?.tell('queued');
    this.#driver.use.hold();
  }

  /** @internal The connection may have room. */
  onCapacity(): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (!this.#tryOpen(first)) return;
      if (first.place?.queue === this.#waiting) {
        this.#waiting.remove(first);
        this.#driver.use.release();
      }
    }
  }

  /** @internal */
  attemptFailed(exchange: Exchange, error: TransportError): void {
    exchange.settleFailed(error);
  }

  /** @internal */
  abandoned(exchange: Exchange): void {
    if (exchange.place?.queue !== this.#waiting) return;
    this.#waiting.remove(exchange);
    this.#driver.use.release();
  }

  /** @internal */
  onClosed(): void {
    this.onCapacity();
    for (const listener of [...this.#closed]) listener();
    this.#closed.clear();
  }

  #unusable(): TransportError {
    const why = this.#driver.closeError;
    return new TransportError(
      'ERR_PASSINGLANE_CONNECTION_UNUSABLE',
      `The connection to ${this.#origin.href} takes no new requests: ${why?.message ?? 'it is closing'}`,
      {
        scope: 'connection',
        initiator: this.#endedBy(),
        origin: this.#origin.href,
        unprocessed: true,
        cause: why,
      },
    );
  }

  /** Who has said that it takes no more. */
  #endedBy(): ErrorInitiator {
    const { closeError, core } = this.#driver;
    const { goAwaySent, goAwayReceived } = core;
    if (this.#retired || (goAwaySent && closeError === undefined)) return 'user';
    return closeError?.initiator ?? (goAwayReceived ? 'remote' : 'local');
  }

  /**
   * Whether a request made now would go out in this turn of the event loop, or once the chunk on its way is written. It may
   * stand behind much that the socket holds: `state().recovering` says so after a stall.
   */
  canTakeNewRequest(): boolean {
    const { state, slots, limit } = this.#driver.health(true);
    if (state !== HealthState.Ready && state !== HealthState.Busy && state !== HealthState.EarlyOnly) return false;
    return slots + this.#waiting.size < limit;
  }

  /** Takes a slot for one coming request; true when it was to be had. */
  reserveNewRequest(): boolean {
    if (!this.canTakeNewRequest()) return false;
    this.#driver.reserve();
    return true;
  }

  /** Gives a reservation back that no request will use. */
  releaseReservation(): void {
    this.#driver.releaseReservation();
  }

  state(): ConnState {
    const driver = this.#driver;
    const { greeted, slots, reserved, limit, stalled, recovering } = driver.core.health(driver.clock.now());
    return {
      closed: driver.core.failed || driver.closed,
      closing: !driver.accepts,
      streamsActive: slots - reserved,
      streamsReserved: reserved,
      streamsPending: this.#waiting.size,
      maxConcurrentStreams: greeted ? limit : 0,
      stalled,
      recovering,
      lastIdle: driver.lastIdle,
    };
  }

  /** Sends a PING and resolves with the round trip in milliseconds. Neither time-out nor abort waits for the socket. */
  async ping(options: WaitOptions = {}): Promise<number> {
    checkWait(options, 'signal', 'timeout');
    const { signal, timeout = 0 } = options;
    return abortable(signal, (resolve, reject) => {
      const driver = this.#driver;
      if (driver.closed) throw this.#unusable();
      const { clock } = driver;
      const begun = clock.now();
      const onClosed = (): void => reject(driver.closeError ?? this.#unusable());
      const expire = (): void => reject(pingTimeout(timeout, this.#origin.href));
      const id = driver.ping(() => resolve(clock.now() - begun));
      const timer = timeout === 0 ? undefined : setDeadline(clock, timeout, expire, true);
      driver.use.hold();
      this.#closed.add(onClosed);
      return () => {
        driver.forgetPing(id);
        driver.use.release();
        if (timer !== undefined) clock.clearTimer(timer);
        this.#closed.delete(onClosed);
      };
    });
  }

  /**
   * Sends GOAWAY, takes no new requests, and resolves when the running ones are done and the connection is closed.
   * An aborted signal rejects with its reason; running requests go on, and the connection closes after the last.
   */
  async shutdown(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkWait(options, 'signal');
    this.#driver.goAway();
    return abortable<void>(options.signal, (resolve) => {
      const { closed, use } = this.#driver;
      if (closed) resolve();
      use.hold(); // a response that nobody reads does not keep the process alive
      this.#closed.add(resolve);
      return () => {
        use.release();
        this.#closed.delete(resolve);
      };
    });
  }

  /** Ends the connection and every request on it, at once. */
  close(reason?: unknown): void {
    this.#driver.fail(
      new TransportError('ERR_PASSINGLANE_CONNECTION_CLOSED', 'The connection was closed by its user', {
        scope: 'connection',
        initiator: 'user',
        origin: this.#origin.href,
        cause: reason,
      }),
    );
  }

  /** No new requests; the connection closes after the last running one, at once if there is none. */
  setDoNotReuse(): void {
    this.#retired = true;
    this.#driver.stopReuse();
  }
}

function pingTimeout(timeout: number, origin: string): TransportError {
  return new TransportError('ERR_PASSINGLANE_PING_TIMEOUT', `No answer to the PING within ${timeout} ms`, {
    scope: 'connection',
    initiator: 'local',
    origin,
  });
}
