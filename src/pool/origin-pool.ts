import { TransportError } from '../errors.js';
import { ConnectionDriver } from '../conn/index.js';
import {
  DeadlineTimer,
  RequestKind,
  tellAddress,
  type Clock,
  type ConnectionOwner,
  type Demand,
  type Dialled,
  type Origin,
  type PooledConnection,
} from '../ports/index.js';
import { WaitQueue, type Exchange, type ExchangeHost } from '../request/index.js';
import { mayFollowAnswer } from './answer-replay.js';
import { Balancer } from './balancer.js';
import { BackOff } from './back-off.js';
import { Connections, demands } from './connections.js';
import { allowsNoStream, closedBeforeSettings } from './dial-errors.js';
import { DialFailures, type DialFailuresHost } from './dial-failures.js';
import { decideDials, type Situation } from './dial-policy.js';
import { Dialling, type DialOwner, type Made } from './dialling.js';
import type { Blame, Destination, Endpoints } from './endpoints.js';
import { Hedging } from './hedging.js';
import { KeepAlive } from './keep-alive.js';
import { needsHttp1, ownFailure, retryOf } from './replay.js';
import { Replays } from './replays.js';
import type { OriginLoad } from './origin-load.js';
import { poolKey } from './origin.js';
import type { Http1Reason, PoolSettings } from './settings.js';
import type { Totals } from './totals.js';

/** How long an idle connection keeps its place at a stream limit of 0 while others wait for one, in milliseconds. */
const zeroLimitPatience = 1_000;

/** What they share among themselves. */
export interface PoolEnvironment extends PoolSettings {
  readonly totals: Totals;
  /** Where so many other origins are in trouble that our own link may be: until when the dial of one of them finds out. */
  linkNotBefore(origin: OriginPool): number;
  /** A dial around a connection in trouble has succeeded. */
  linkProven(): void;
  /** The pool's addresses, and what is known of them from before. */
  endpoints(key: string): Endpoints;
  /** The origin's new connections keep at least this gap between PINGs of their own accord. */
  widenPingGap(origin: Origin, gap: number): void;
  /** What is known of the origin from before. */
  http1Reason(origin: Origin): Http1Reason | undefined;
  /** What bounds extra attempts to the origin. It outlives the origin's pool. */
  load(origin: Origin): OriginLoad;
  /** Undefined: it speaks HTTP/2. */
  learn(origin: Origin, reason: Http1Reason | undefined): void;
  /** Whether a connection of the pool's that refuses this request with this error leaves it to another pool. */
  handOn(pool: OriginPool, exchange: Exchange, error: unknown): boolean;
  /** The pool may have become empty, or its requests have ended. */
  onQuiet(pool: OriginPool): void;
}

/**
 * The requests and connections of one origin. A request belongs to the queue here until the moment its HEADERS are
 * sealed on a connection that can write (late binding); nothing in here waits for anything.
 */
export class OriginPool implements ConnectionOwner, DialOwner, DialFailuresHost, ExchangeHost<Exchange> {
  readonly origin: Origin;
  /** Its name among the pools: an origin may have several. */
  readonly key: string;
  readonly clock: Clock;
  readonly queue = new WaitQueue<Exchange>();
  readonly connections = new Connections();
  readonly endpoints: Endpoints;
  /** There where requests are spread over the addresses. */
  readonly balancer: Balancer | undefined;
  readonly dialling: Dialling;
  private readonly env: PoolEnvironment;
  /** Its dials offer nothing but HTTP/1.1, and nothing is learned from that. */
  private readonly http1Only: boolean;
  /** Undefined as long as nothing is known, and where HTTP/2 is spoken. */
  private http1Reason: Http1Reason | undefined;
  private readonly backOff: BackOff;
  private readonly alarm: DeadlineTimer;
  private readonly keepAlive: KeepAlive;
  /** What was last decided about dials is so for up to so many that wait. */
  private decidedFor = 0;
  /** When it was last dialled to get around a connection. */
  lastBypass = -Infinity;
  /** Why nothing is sent again. */
  private destroyed: TransportError | undefined = undefined;
  readonly load: OriginLoad;
  private readonly replays: Replays;
  private readonly failures: DialFailures;
  private readonly hedging: Hedging;

  constructor(origin: Origin, env: PoolEnvironment, http1Only: boolean) {
    this.origin = origin;
    this.key = poolKey(origin, http1Only);
    this.env = env;
    this.http1Only = http1Only;
    this.clock = env.clock;
    this.endpoints = env.endpoints(this.key);
    this.balancer = env.resolveInterval === undefined ? undefined : new Balancer(this, env, env.resolveInterval);
    this.endpoints.owner = {
      looked: () => this.balancer?.looked(),
      tell: (event) => tellAddress(env.observer, { ...event, origin: origin.href, time: env.clock.now() }),
    };
    this.backOff = new BackOff(env.retry);
    this.load = env.load(origin);
    this.hedging = new Hedging(this, env, this.load);
    this.replays = new Replays(env, this.load.retries, (exchange, soon) => {
      this.queue.requeue(exchange, this.clock.now());
      if (soon)
        this.clock.defer(() => this.drain()); // this may be the middle of a connection's step
      else this.drain();
    });
    this.failures = new DialFailures(this, this.backOff, this.replays, env.retry.maxAttempts);
    this.alarm = new DeadlineTimer(env.clock, () => this.drain());
    this.keepAlive = new KeepAlive(env.clock);
    const chosen = env.cleartextHTTP1 && origin.scheme === 'http:';
    this.http1Reason = http1Only ? 'required' : chosen ? 'chosen' : env.http1Reason(origin);
    this.dialling = new Dialling(origin, env, this);
  }

  /** Sends the request now if a connection can carry it, and otherwise as soon as one can. */
  submit(exchange: Exchange): void {
    this.env.totals.requests++;
    if (this.queue.of[exchange.demand.kind] === 0 && this.place(exchange)) return;
    if (!exchange.pending) return;
    this.queue.push(exchange, this.clock.now());
    exchange.onQueued();
    // What was decided for those that wait already is so for one more of its kind.
    if (this.queue.of[exchange.demand.kind] === 1 || this.queue.size > this.decidedFor) this.consider();
  }

  get empty(): boolean {
    return this.connections.all.length + this.dialling.dials.size + this.queue.size + this.replays.size === 0;
  }

  // --- choosing a connection ---

  /** True when the request was sent, handed on, or has failed for good. */
  private place(exchange: Exchange, lastResort = false): boolean {
    const connection = this.pick(exchange.demand, lastResort);
    if (connection === undefined) return false;
    exchange.watcher = this.spreads ? this.balancer?.watch(connection) : undefined;
    try {
      exchange.bind(connection);
      if (exchange.attempts === 1) this.load.retries.first(connection.now);
      this.hedging.sent(exchange, connection);
    } catch (error) {
      if (!this.env.handOn(this, exchange, error)) exchange.settleFailed(error);
    }
    return true;
  }

  /** Requests are spread over several addresses. */
  private get spreads(): boolean {
    return this.balancer?.active === true;
  }

  private pick(demand: Demand, lastResort: boolean): PooledConnection | undefined {
    return this.spreads ? this.balancer?.pick(demand, lastResort) : this.connections.pick(demand, lastResort);
  }

  /** Sends what waits, as far as connections can carry it, then sees whether it takes new ones. */
  drain(): void {
    this.send(false);
    this.hedging.drain();
    this.consider();
  }

  /** True when any was sent. `lastResort`: also on what recovers from a stall. */
  private send(lastResort: boolean): boolean {
    const { queue } = this;
    const { size } = queue;
    if (size === 0) return false; // as nearly always, after each read and each write
    while (queue.first !== undefined && this.sendOne(queue.first, lastResort));
    // What holds up the first may be nothing to others: credit, or a slow connection that bulk shares.
    const { first } = queue;
    for (const demand of first === undefined ? [] : demands) {
      while (demand.kind !== first?.demand.kind && queue.of[demand.kind] > 0) {
        const next = this.pick(demand, lastResort) && queue.firstOf(demand.kind);
        if (next === undefined || !this.sendOne(next, lastResort)) break;
      }
    }
    return queue.size < size;
  }

  private sendOne(exchange: Exchange, lastResort: boolean): boolean {
    if (!this.place(exchange, lastResort)) return false;
    this.queue.remove(exchange);
    return true;
  }

  // --- dialling ---

  consider(): void {
    this.updateKeepAlive();
    this.reachAddresses();
    if (this.queue.size === 0) return this.alarm.stop();
    const decision = decideDials(this.situation());
    this.decidedFor = decision.holdsFor;
    for (let i = 0; i < decision.dials; i++) this.dial(decision.bypass);
    if (decision.giveUp) {
      this.backOff.reset();
      return this.failWaiting([...this.queue], allowsNoStream(this.origin, this.env.retry.maxAttempts));
    }
    if (decision.retireZero) {
      this.connections.retireZero(zeroLimitPatience);
      this.alarm.aim(this.clock.now() + zeroLimitPatience);
    }
    if (decision.holdBulk) this.connections.holdBulk();
    if (decision.resort && this.send(true)) return this.consider();
    this.alarm.aim(decision.again);
  }

  /** Where requests are spread over addresses, there is to be a connection to each. */
  private reachAddresses(): void {
    if (this.balancer?.lacks() !== true || this.destroyed !== undefined) return;
    const { connections, dialling, env } = this;
    const room = env.maxConnectionsPerOrigin - connections.accepting.length - dialling.dials.size;
    for (const to of this.balancer.missing(room)) this.dial(false, { to });
  }

  get hopeful(): boolean {
    return this.balancer?.hopeful === true;
  }

  /** Requests are under way. */
  get busy(): boolean {
    return this.queue.size > 0 || this.connections.all.some((connection) => !connection.idle);
  }

  private situation(): Situation {
    const { connections, env, queue } = this;
    const linkNotBefore = connections.troubled ? env.linkNotBefore(this) : 0;
    const sharedUntil = queue.of[RequestKind.Bulk] > 0 && !this.spreads ? connections.sharedUntil : -Infinity;
    const waiting = sharedUntil > -Infinity ? queue.size - queue.of[RequestKind.Bulk] : queue.size;
    const needs = queue.of[RequestKind.Light] > 0 ? 0 : (queue.first?.demand.needs ?? 0);
    const candidates = connections.candidates(needs, (one) => !this.spreads || this.balancer?.counts(one) === true);
    return {
      now: this.clock.now(),
      waiting,
      sharedUntil,
      dialling: this.dialling.fresh,
      comingSince: this.dialling.since,
      connections: [...candidates, ...this.dialling.silent],
      // Those whose address is ejected take up room as well.
      maxConnections: env.maxConnectionsPerOrigin - (connections.accepting.length - candidates.length),
      places: this.http1Reason === undefined ? env.places : 1,
      strict: env.strict,
      patience: env.stallTimeout * 2 ** connections.fruitless,
      linkNotBefore,
      notBefore: this.backOff.notBefore,
      failing: this.backOff.failing,
      zeroLimited: this.backOff.zeroLimited,
      zeroLimitNotBefore: this.backOff.zeroLimitNotBefore,
      zeroLimitsExhausted: this.backOff.zeroLimitsExhausted,
    };
  }

  get mayDial(): boolean {
    const room = this.connections.accepting.length < this.env.maxConnectionsPerOrigin;
    return room && this.dialling.dials.size === 0 && this.clock.now() >= this.backOff.notBefore;
  }

  dial(bypass: boolean, destination?: Destination): void {
    if (bypass) {
      this.connections.fruitless++;
      this.lastBypass = this.clock.now();
    }
    this.env.totals.dials++;
    this.dialling.start(
      bypass,
      this.http1Reason === 'required',
      this.endpoints.route({ ...destination, failing: this.backOff.counts }),
    );
  }

  connected(dialled: Dialled, { bypass, begun, took }: Made, done: (error: unknown) => void): PooledConnection {
    this.learn(dialled.protocol === 'h2' ? undefined : (this.http1Reason ?? 'chosen'));
    const driverConfig = this.env.driverConfig(this.origin);
    // One that has had enough of being asked is not measured any more.
    const measured = this.env.bulkIsolation && driverConfig.pingGap === undefined;
    const path = measured ? this.endpoints.path(dialled.address) : undefined;
    const config = { ...driverConfig, dialTime: took, dialledAt: begun, path, beneath: dialled.beneath };
    const connection: PooledConnection =
      dialled.protocol === 'h2'
        ? new ConnectionDriver(dialled.transport, config, this.clock, this)
        : dialled.open(dialled.socket, config, this.clock, this);
    this.connections.add(connection, bypass);
    this.endpoints.connected(connection, dialled.address);
    this.balancer?.connected(connection);
    connection.start(() => {
      const { greeted, zeroFromStart } = connection.numbers;
      if (greeted) this.reached(bypass);
      if (zeroFromStart) this.backOff.zeroLimit(connection.dialledAt, this.clock.now());
      // What a server of HTTP/1.1 takes is known once it has taken the connection.
      if (dialled.protocol === 'http/1.1') this.backOff.reset();
      if (greeted) this.balancer?.ready(connection);
      done(greeted ? undefined : (connection.closeError ?? closedBeforeSettings(this.origin)));
    });
    this.drain();
    return connection;
  }

  /** A dial has succeeded. */
  private reached(bypass: boolean): void {
    this.dialling.abandonSilent();
    if (bypass) this.env.linkProven();
    this.failures.reached();
  }

  private learn(reason: Http1Reason | undefined): void {
    if (this.http1Only || reason === this.http1Reason) return;
    this.http1Reason = reason;
    this.env.learn(this.origin, reason);
  }

  failed(error: unknown, begun: number, blame: Blame): void {
    this.env.totals.failedDials++;
    this.failures.noConnection(error, begun, blame);
  }

  changed(): void {
    this.updateKeepAlive();
  }

  failWaiting(exchanges: Iterable<Exchange>, error: unknown): void {
    for (const exchange of exchanges)
      exchange.settleFailed(TransportError.isInstance(error) ? ownFailure(exchange, error, true) : error);
    this.consider();
    this.env.onQuiet(this);
  }

  /** Makes up for what is missing of so many connections; resolves when each of them has the peer's SETTINGS. */
  async preconnect(connections: number): Promise<void> {
    const ready = this.connections.accepting.filter((one) => one.numbers.greeted).length;
    const missing = Math.max(0, Math.min(connections, this.env.maxConnectionsPerOrigin) - ready);
    while (this.dialling.connecting.size < missing) this.dial(false);
    await this.dialling.ready(missing);
  }

  // --- told by connections ---

  onCapacity(connection: PooledConnection): void {
    this.connections.changed(connection, this.dialling.hasSilent);
    this.endpoints.changed(connection);
    const { answered, limit } = connection.numbers;
    if (answered && limit > 0 && this.backOff.counts) this.backOff.ofUse(connection.openedAt, this.clock.now());
    this.drain();
    if (connection.idle) this.env.onQuiet(this);
  }

  onDraining(): void {
    this.endpoints.onDraining();
    this.consider();
  }

  onTooManyPings(pingGap: number): void {
    this.env.widenPingGap(this.origin, pingGap);
  }

  onClosed(connection: PooledConnection, error: TransportError | undefined): void {
    this.env.totals.add(connection);
    this.connections.remove(connection);
    const early = error !== undefined && !connection.numbers.greeted;
    this.endpoints.closed(connection, early || connection.carriedNothing);
    this.failures.ended(connection, error);
    if (error === undefined) this.balancer?.rest();
    this.drain();
    this.env.onQuiet(this);
  }

  // --- told by requests ---

  attemptFailed(exchange: Exchange, error: TransportError): void {
    if (this.destroyed !== undefined) return exchange.settleFailed(ownFailure(exchange, error, false));
    // What closed one kept connection has mostly closed its kin: a restart, or a box on the way that forgot them all.
    if (exchange.earlier.metClosed) this.connections.closeIdle();
    // http: origins are spoken to in what the user said.
    const http1 = this.env.allowHTTP1 && this.origin.scheme === 'https:';
    const backOff = (): number => this.backOff.delayAfter(error, this.clock.now());
    if (this.replays.failed(exchange, error, http1, backOff) && needsHttp1(error)) this.requireHttp1();
  }

  attemptAnswered(exchange: Exchange, status: number, fields: readonly string[]): (() => void) | undefined {
    return this.destroyed === undefined ? this.replays.answered(exchange, status, fields) : undefined;
  }

  retriesStatus(exchange: Exchange, status: number): boolean {
    return mayFollowAnswer(exchange, status, retryOf(exchange, this.env.retry));
  }

  /** The origin wants HTTP/1.1 although it took HTTP/2: new requests go out in that, and those that run may finish. */
  private requireHttp1(): void {
    this.learn('required');
    this.connections.retireHttp2();
  }

  abandoned(exchange: Exchange): void {
    this.env.totals.failed++;
    if (!this.replays.drop(exchange) && exchange.place?.queue !== this.queue) return;
    this.queue.remove(exchange);
    this.updateKeepAlive();
    if (this.queue.size > 0 || this.hedging.waits) return;
    this.alarm.stop();
    this.dialling.abandon();
    this.env.onQuiet(this);
  }

  private updateKeepAlive(): void {
    this.keepAlive.while(this.queue.size > 0 || this.dialling.awaited);
  }

  // --- closing ---

  closeIdle(): void {
    this.connections.closeIdle();
  }

  /** It is empty, and nobody will come to it any more. */
  letGo(): void {
    this.balancer?.stop();
  }

  goAway(): void {
    this.balancer?.stop();
    this.dialling.abandon(true);
    this.connections.goAway();
  }

  destroy(error: TransportError): void {
    this.destroyed = error;
    this.dialling.destroy(error);
    for (const exchange of [...this.queue, ...this.replays.all])
      exchange.settleFailed(ownFailure(exchange, error, true));
    this.connections.destroy(error);
    this.alarm.stop();
    this.balancer?.stop();
    this.updateKeepAlive();
  }
}
