import type { TransportError } from '../errors.js';
import {
  Availability,
  ConnectionDriver,
  forever,
  hearsConnection,
  tellConnection,
  WaitQueue,
  type Clock,
  type Dialled,
  type Dialler,
  type DriverConfig,
  type DriverOwner,
  type Exchange,
  type ExchangeHost,
  type Observer,
  type Origin,
  type TimerHandle,
} from '../conn/index.js';
import { endsAtOnce, http1Only } from './dial-errors.js';
import { decideDials, type Candidate } from './dial-policy.js';
import { Dialling, type DialOwner } from './dialling.js';
import { backOffDelay, decideReplay, neverSent, type Retry } from './replay.js';

/** What the pools of all origins share. */
export interface PoolEnvironment {
  readonly clock: Clock;
  readonly dialler: Dialler;
  readonly observer: Observer | undefined;
  readonly retry: Retry;
  readonly connectTimeout: number;
  readonly maxConnectionsPerOrigin: number;
  readonly strict: boolean;
  readonly stallTimeout: number;
  readonly random: () => number;
  driverConfig(origin: Origin): DriverConfig;
  /** Whether so many other origins are stalled that our own link must be. */
  linkStalled(origin: OriginPool): boolean;
  /** The origin's new connections keep at least this gap between PINGs of their own accord. */
  widenPingGap(origin: Origin, gap: number): void;
  /** The pool may have become empty, or its requests have ended. */
  onQuiet(pool: OriginPool): void;
}

/** A refusal of their first stream by so many fresh connections in a row backs off the origin. */
const refusalsBeforeBackOff = 2;

/**
 * The requests and connections of one origin. A request belongs to the queue here until the moment its HEADERS are
 * sealed on a connection that can write (late binding); nothing in here waits for anything.
 */
export class OriginPool implements DriverOwner, DialOwner, ExchangeHost {
  readonly origin: Origin;
  readonly clock: Clock;
  readonly queue = new WaitQueue<Exchange>();
  /** Oldest first; those that drain are still in here until they are closed. */
  readonly drivers: ConnectionDriver[] = [];
  readonly dialling: Dialling;
  private readonly env: PoolEnvironment;
  private readonly detours = new Set<ConnectionDriver>();
  /** Detours since any of this origin's connections last made progress. */
  private fruitlessDetours = 0;
  private notBefore = 0;
  private freshRefusals = 0;
  /** Dials in a row of which no connection came: refused, timed out, or lost before the peer's SETTINGS. */
  private failedDials = 0;
  private timer: TimerHandle | undefined = undefined;
  private keepAlive: TimerHandle | undefined = undefined;
  /** Why nothing is sent again. */
  private destroyed: TransportError | undefined = undefined;
  /** Requests that wait out their back-off. */
  private readonly retrying = new Map<Exchange, TimerHandle>();

  constructor(origin: Origin, env: PoolEnvironment) {
    this.origin = origin;
    this.env = env;
    this.clock = env.clock;
    this.dialling = new Dialling(origin, env.dialler, env.clock, env.connectTimeout, this);
  }

  /** Sends the request now if a connection can carry it, and otherwise as soon as one can. */
  submit(exchange: Exchange): void {
    if (this.queue.size === 0 && this.place(exchange)) return;
    if (!exchange.pending) return;
    this.queue.push(exchange);
    exchange.trail?.tell('queued');
    this.consider();
  }

  /** Nothing runs, waits or is being dialled. */
  get quiet(): boolean {
    return (
      this.queue.size === 0 &&
      this.retrying.size === 0 &&
      this.drivers.every((driver) => driver.core.view.streams.size === 0)
    );
  }

  get empty(): boolean {
    return (
      this.drivers.length === 0 && this.dialling.dials.size === 0 && this.queue.size === 0 && this.retrying.size === 0
    );
  }

  get stalled(): boolean {
    return this.drivers.some((driver) => driver.stalled);
  }

  // --- choosing a connection ---

  /** The first connection that can carry the request in this turn. Silent ones are asked for a sign of life. */
  private pick(exchange: Exchange): ConnectionDriver | undefined {
    for (const driver of this.drivers) {
      const availability = driver.availability(exchange.early);
      if (availability === Availability.Ready) return driver;
      if (availability === Availability.Silent) driver.probe();
    }
    return undefined;
  }

  /** True when the request was sent, or has failed for good. */
  private place(exchange: Exchange): boolean {
    const driver = this.pick(exchange);
    if (driver === undefined) return false;
    try {
      exchange.bind(driver);
    } catch (error) {
      exchange.settleFailed(error);
    }
    return true;
  }

  /** Sends what waits, as far as connections can carry it, then sees whether it takes new ones. */
  private drain(): void {
    for (let first = this.queue.first; first !== undefined; first = this.queue.first) {
      if (!this.place(first)) break;
      this.queue.remove(first);
    }
    this.consider();
  }

  // --- dialling ---

  private consider(): void {
    this.updateKeepAlive();
    if (this.queue.size === 0) return;
    const now = this.clock.now();
    const live = this.drivers.filter((driver) => driver.core.accepts(now));
    const decision = decideDials({
      now,
      waiting: this.queue.size,
      dialling: this.dialling.dials.size,
      connections: live.map((driver) => this.candidate(driver)),
      maxConnections: this.env.maxConnectionsPerOrigin,
      strict: this.env.strict,
      patience: this.env.stallTimeout * 2 ** this.fruitlessDetours,
      linkStalled: () => this.env.linkStalled(this),
      notBefore: this.notBefore,
    });
    for (let i = 0; i < decision.dials; i++) this.dial(decision.detour);
    if (decision.again !== Infinity) this.considerAt(decision.again);
  }

  private candidate(driver: ConnectionDriver): Candidate {
    return {
      availability: driver.availability(true),
      limit: driver.core.view.peer.maxConcurrentStreams,
      detour: this.detours.has(driver),
      stalledSince: driver.stalledSince,
    };
  }

  private considerAt(at: number): void {
    if (this.timer !== undefined) return;
    this.timer = this.clock.setTimer(
      Math.max(0, at - this.clock.now()),
      () => {
        this.timer = undefined;
        this.drain();
      },
      false,
    );
  }

  private dial(detour: boolean): void {
    if (detour) this.fruitlessDetours++;
    this.observe('dialling', undefined);
    this.dialling.start(detour);
  }

  connected(dialled: Dialled, detour: boolean, settled: (error: unknown) => void): (error: TransportError) => void {
    if (dialled.protocol !== 'h2') {
      dialled.socket.destroy();
      const error = http1Only(this.origin);
      this.failed(error);
      settled(error);
      return () => undefined;
    }
    if (this.destroyed !== undefined) {
      dialled.transport.destroy();
      settled(this.destroyed);
      return () => undefined;
    }
    const driver = new ConnectionDriver(dialled.transport, this.env.driverConfig(this.origin), this.clock, this);
    this.drivers.push(driver);
    if (detour) this.detours.add(driver);
    driver.start(() => {
      settled(driver.closeError);
    });
    this.drain();
    return (error) => {
      if (!driver.core.view.peer.received) driver.fail(error);
    };
  }

  failed(error: unknown): void {
    this.observe('dial-failed', error);
    this.noConnection(error);
  }

  changed(): void {
    this.updateKeepAlive();
  }

  /** Those who could wait only for this dial learn why it failed (C39); where connections live, they wait on. */
  private noConnection(error: unknown): void {
    this.updateKeepAlive();
    if (this.dialling.dials.size > 0) return;
    const now = this.clock.now();
    if (this.drivers.some((driver) => driver.core.accepts(now))) {
      this.notBefore = now + backOffDelay(this.env.retry, this.failedDials++);
      this.consider();
      return;
    }
    this.failedDials = 0;
    for (const exchange of [...this.queue]) exchange.settleFailed(error);
    this.consider();
    this.env.onQuiet(this);
  }

  /** Makes up for what is missing of so many connections; resolves when each of them has the peer's SETTINGS. */
  async preconnect(connections: number): Promise<void> {
    const now = this.clock.now();
    const ready = this.drivers.filter((driver) => driver.core.view.peer.received && driver.core.accepts(now)).length;
    const missing = Math.max(0, Math.min(connections, this.env.maxConnectionsPerOrigin) - ready);
    while (this.dialling.connecting.size < missing) this.dial(false);
    await this.dialling.ready(missing);
  }

  // --- told by connections ---

  onCapacity(driver: ConnectionDriver): void {
    if (this.fruitlessDetours > 0 && !this.stalled) {
      this.fruitlessDetours = 0;
      this.detours.clear();
    }
    const { view } = driver.core;
    if (view.peer.received && view.requests > 0) this.failedDials = 0;
    this.drain();
    if (view.streams.size === 0) this.env.onQuiet(this);
  }

  onDraining(): void {
    this.consider();
  }

  onTooManyPings(driver: ConnectionDriver): void {
    this.env.widenPingGap(this.origin, driver.core.view.liveness.pingGap);
  }

  onClosed(driver: ConnectionDriver, error: TransportError | undefined): void {
    const at = this.drivers.indexOf(driver);
    if (at >= 0) this.drivers.splice(at, 1);
    this.detours.delete(driver);
    const { view } = driver.core;
    if (error !== undefined && !view.peer.received) this.lostEarly(error);
    else if (view.requests === 0 && (error !== undefined || view.goAwayReceived)) this.carriedNothing(error);
    this.drain();
    this.env.onQuiet(this);
  }

  /** A connection that ended before the peer's SETTINGS was none. Who waits for one gets a second chance, once. */
  private lostEarly(error: TransportError): void {
    if (error.code === 'ERR_PASSINGLANE_CONNECTION_LOST' && this.failedDials === 0) this.failedDials++;
    else this.noConnection(neverSent(error));
  }

  /**
   * A connection that the server ended before it carried anything was of no use to those who wait: the next dial backs
   * off, and as many in a row as a request has attempts are enough.
   */
  private carriedNothing(error: TransportError | undefined): void {
    const { retry } = this.env;
    const failed = ++this.failedDials;
    if (failed >= retry.maxAttempts) return this.noConnection(neverSent(error ?? endsAtOnce(this.origin, failed)));
    if (failed > 1) this.notBefore = this.clock.now() + backOffDelay(retry, failed - 2);
  }

  // --- told by requests ---

  attemptFailed(exchange: Exchange, error: TransportError): void {
    if (this.destroyed !== undefined) return exchange.settleFailed(error);
    const verdict = decideReplay(exchange, error, this.env.retry, this.env.random());
    if (typeof verdict !== 'number') {
      exchange.settleFailed(verdict);
      return;
    }
    const delay = Math.max(verdict, this.backOff(error));
    exchange.trail?.retry(error, delay);
    if (delay === 0) {
      this.queue.requeue(exchange);
      this.clock.defer(() => this.drain()); // this may be the middle of a connection's step
      return;
    }
    const again = (): void => {
      this.retrying.delete(exchange);
      this.queue.requeue(exchange);
      this.drain();
    };
    this.retrying.set(exchange, this.clock.setTimer(delay, again, true));
  }

  /** Fresh connections that refuse their first stream say that the origin, not the request, is in trouble. */
  private backOff(error: TransportError): number {
    if (error.errorCode !== 'REFUSED_STREAM') return 0;
    this.freshRefusals = error.streamId === 1 ? this.freshRefusals + 1 : 0;
    if (this.freshRefusals < refusalsBeforeBackOff) return 0;
    const delay = backOffDelay(this.env.retry, this.freshRefusals - refusalsBeforeBackOff);
    this.notBefore = this.clock.now() + delay;
    return delay;
  }

  abandoned(exchange: Exchange): void {
    const timer = this.retrying.get(exchange);
    if (timer !== undefined) {
      this.clock.clearTimer(timer);
      this.retrying.delete(exchange);
    } else if (exchange.queue !== this.queue) {
      return;
    }
    this.queue.remove(exchange);
    this.updateKeepAlive();
    if (this.queue.size > 0) return;
    this.dialling.abandon();
    this.env.onQuiet(this);
  }

  private updateKeepAlive(): void {
    const wanted = this.queue.size > 0 || this.dialling.awaited;
    if (wanted === (this.keepAlive !== undefined)) return;
    if (this.keepAlive === undefined) {
      this.keepAlive = this.clock.setTimer(
        forever,
        () => {
          this.keepAlive = undefined;
        },
        true,
      );
    } else {
      this.clock.clearTimer(this.keepAlive);
      this.keepAlive = undefined;
    }
  }

  // --- closing ---

  closeIdle(): void {
    for (const driver of [...this.drivers]) {
      const { view } = driver.core;
      if (view.streams.size === 0 && view.reserved === 0) driver.stopReuse();
    }
  }

  goAway(): void {
    for (const driver of [...this.drivers]) driver.goAway();
  }

  destroy(error: TransportError): void {
    this.destroyed = error;
    this.dialling.destroy(error);
    for (const exchange of [...this.queue, ...this.retrying.keys()]) exchange.settleFailed(error);
    for (const driver of [...this.drivers]) driver.fail(error);
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
    this.updateKeepAlive();
  }

  private observe(type: 'dialling' | 'dial-failed', error: unknown): void {
    const { observer } = this.env;
    if (!hearsConnection(observer, type)) return;
    tellConnection(observer, { connection: 0, origin: this.origin.href, type, time: this.clock.now(), error });
  }
}
