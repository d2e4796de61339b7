import type { TransportError } from '../errors.js';
import {
  DeadlineTimer,
  type Clock,
  type Demand,
  type Dialler,
  type Origin,
  type PooledConnection,
} from '../ports/index.js';
import type { AttemptWatcher } from '../request/index.js';
import { decideReach, faultOf } from './balance.js';
import type { Endpoint } from './endpoint.js';
import type { Endpoints } from './endpoints.js';
import type { PoolSettings } from './settings.js';
import { Turns } from './turns.js';
import { fieldValue } from '../field-list.js';

/** How often latency is held against that of the peers, in milliseconds. */
const judgedEvery = 100;

/** The pool that it decides for. */
export interface BalancerHost {
  readonly origin: Origin;
  readonly endpoints: Endpoints;
  /** It has neither a connection, nor a dial, nor a request. */
  readonly empty: boolean;
  /** Requests are under way. */
  readonly busy: boolean;
  /** There may be something to dial, or to send. */
  drain(): void;
}

/** Spreads the requests of an origin over its addresses, each of which it wants a connection to ('least-request'). */
export class Balancer {
  private readonly host: BalancerHost;
  private readonly endpoints: Endpoints;
  private readonly clock: Clock;
  private readonly dialler: Dialler;
  private readonly interval: number;
  private readonly again: DeadlineTimer;
  private readonly lookUp: DeadlineTimer;
  private readonly turns: Turns<Endpoint>;
  /** A request has come since the last look-up, and since a connection ended in good order: addresses are worth one each. */
  private wanted = false;
  /** The name is looked up at each interval. Else its addresses may be of long ago, and the next dial is to look it up first. */
  private following = false;
  /** Its origin's pool is closing, or was let go of: no address is worth a connection of its own any more. */
  private stopped = false;

  /** `interval`: between two look-ups, in milliseconds. */
  constructor(
    host: BalancerHost,
    { clock, dialler, random }: Pick<PoolSettings, 'clock' | 'dialler' | 'random'>,
    interval: number,
  ) {
    this.host = host;
    this.endpoints = host.endpoints;
    this.clock = clock;
    this.dialler = dialler;
    this.turns = new Turns(({ load }) => load, random);
    this.interval = interval;
    this.again = new DeadlineTimer(clock, () => host.drain());
    this.lookUp = new DeadlineTimer(clock, () => this.resolve());
  }

  /** There is something to choose from. */
  get active(): boolean {
    return this.endpoints.current.length > 1;
  }

  // --- each request ---

  pick(demand: Demand, lastResort: boolean): PooledConnection | undefined {
    if (!this.wanted) this.want();
    const late = demand.early ? { ...demand, early: false } : demand;
    const found = this.choose(late, false);
    return found ?? (demand.early || lastResort ? this.choose(demand, lastResort) : undefined);
  }

  /** One for an attempt beside that on this connection: at another address, where one can carry it. */
  pickOther(demand: Demand, than: PooledConnection): PooledConnection | undefined {
    const here = this.endpoints.of(than);
    const other = this.choose(demand, false, here);
    return other ?? here?.connections.find((one) => one !== than && one.takes(demand, false, here.mute));
  }

  private choose(demand: Demand, lastResort: boolean, but?: Endpoint): PooledConnection | undefined {
    const now = this.clock.now();
    const usable = (endpoint: Endpoint): boolean =>
      endpoint !== but && (lastResort || endpoint.load.open(now)) && endpoint.offers(demand, lastResort, now);
    return this.turns.next(this.endpoints.current, usable)?.offered;
  }

  /** The connection is about to carry a request. */
  watch(connection: PooledConnection): AttemptWatcher | undefined {
    const endpoint = this.endpoints.of(connection);
    if (endpoint === undefined) return undefined;
    endpoint.load.take(connection.now);
    return new Attempt(this, endpoint, connection);
  }

  /** `error`: of the server. `took`: until the response headers, in milliseconds. */
  judge(endpoint: Endpoint, now: number, error: boolean): void {
    const { load } = endpoint;
    const trial = load.fault !== undefined;
    if (!trial && !error && now < load.judgedAt + judgedEvery) return;
    load.judgedAt = now;
    const others = this.endpoints.current.filter((one) => one !== endpoint && one.load.fault === undefined);
    const fault = faultOf(
      load,
      others.map((one) => one.load),
      trial,
    );
    // It has few requests by then, so that there is time to tell a slow machine from a busy moment.
    if (!load.lags(fault === 'latency', now) && fault === 'latency' && !trial) return;
    if (fault === undefined) {
      if (!trial) return;
      load.takeBack(now);
      this.endpoints.tell({ type: 'returned', address: endpoint.address });
      this.tellSlowStart(endpoint);
    } else if (trial || others.length >= this.endpoints.current.length / 2) {
      load.eject(fault, now);
      this.endpoints.tell({ type: 'ejected', address: endpoint.address, reason: fault, until: load.ejectedUntil });
    } else return;
    endpoint.note();
    this.host.drain();
  }

  /** Whether the connection is one of those that requests are spread over. */
  counts(connection: PooledConnection): boolean {
    const endpoint = this.endpoints.of(connection);
    return endpoint?.current === true && endpoint.load.fault === undefined;
  }

  // --- connections to all of them ---

  /** Some address has neither a connection that takes requests nor a dial, and is to have one. */
  lacks(): boolean {
    if (!this.wanted || !this.following || !this.active || this.stopped) return false;
    if (this.endpoints.lackConnections()) return true;
    this.again.stop();
    return false;
  }

  /** Those that are to be dialled now, where there is room for so many connections more. */
  missing(room: number): readonly Endpoint[] {
    const { dials, again } = decideReach(this.endpoints.current, this.clock.now(), room);
    this.again.aim(again);
    return dials;
  }

  private want(): void {
    this.wanted = true;
    const lookAt = this.endpoints.lookedAt + this.interval;
    if (!this.following && this.clock.now() < lookAt) this.follow(lookAt);
    if (this.active) this.clock.defer(() => this.host.drain());
  }

  /** A dial may lead to an address that nothing speaks against: one that is ejected goes last as well. */
  get hopeful(): boolean {
    const now = this.clock.now();
    return this.active && this.endpoints.current.some((one) => one.load.fault === undefined && !one.isBad(now));
  }

  connected(connection: PooledConnection): void {
    const endpoint = this.endpoints.of(connection);
    if (endpoint?.late !== true || endpoint.connections.length > 1) return;
    endpoint.load.startSlowly(this.clock.now());
    this.tellSlowStart(endpoint);
  }

  /** It takes requests now. Those who wait for it have it, and nobody after them where the name has lost its address since. */
  ready(connection: PooledConnection): void {
    if (this.endpoints.of(connection)?.current === false) this.clock.defer(() => connection.stopReuse());
  }

  private tellSlowStart({ address, load }: Endpoint): void {
    this.endpoints.tell({ type: 'slow-start', address, until: load.slowUntil });
  }

  /** A connection has ended in good order, as for want of requests: the next request is early enough for another. */
  rest(): void {
    this.wanted = false;
  }

  // --- look-ups ---

  /** A look-up has told what the name stands for. */
  looked(): void {
    for (const endpoint of this.endpoints.gone)
      for (const connection of [...endpoint.connections]) connection.stopReuse();
    this.lookUp.stop();
    this.follow(this.clock.now() + this.interval);
    this.clock.defer(() => this.host.drain());
  }

  private follow(lookAt: number): void {
    if (this.stopped) return;
    this.following = true;
    this.lookUp.aim(lookAt);
  }

  private resolve(): void {
    if (this.host.empty) {
      this.following = this.wanted = false;
      return;
    }
    this.wanted &&= this.host.busy;
    this.lookUp.aim(this.clock.now() + this.interval);
    this.dialler.resolve?.(this.host.origin)?.then(
      (addresses) => {
        if (addresses.length > 0) this.endpoints.update(addresses);
      },
      () => undefined, // what it stood for before is the best guess
    );
  }

  stop(): void {
    this.stopped = true;
    this.again.stop();
    this.lookUp.stop();
  }
}

/** One request on its way: what its address has made of it. */
class Attempt implements AttemptWatcher {
  private readonly balancer: Balancer;
  private readonly endpoint: Endpoint;
  private readonly connection: PooledConnection;
  private readonly era: number;
  private sentAt = -1;

  constructor(balancer: Balancer, endpoint: Endpoint, connection: PooledConnection) {
    this.balancer = balancer;
    this.endpoint = endpoint;
    this.connection = connection;
    this.era = endpoint.load.era;
  }

  sent(): void {
    this.sentAt = this.connection.now;
  }

  answered(status: number, fields: readonly string[], end: boolean): void {
    const { load } = this.endpoint;
    if (this.era !== load.era) return; // it was sent before the address was judged last
    const { now } = this.connection;
    const error = status >= 500 || (end && isUnavailable(fields));
    load.answered(now, error, this.sentAt < 0 ? undefined : now - this.sentAt);
    this.balancer.judge(this.endpoint, now, error);
  }

  failed(error: TransportError): void {
    const { load } = this.endpoint;
    if (this.era !== load.era || error.initiator === 'user' || error.scope === 'request') return;
    // With a connection all its requests fail, which is one failure.
    if (error.scope === 'connection' && !load.lost(this.connection)) return;
    load.failed();
    this.balancer.judge(this.endpoint, this.connection.now, true);
  }

  overtaken(): void {
    const { load } = this.endpoint;
    if (this.era !== load.era || this.sentAt < 0) return;
    const { now } = this.connection;
    load.took(now, now - this.sentAt); // at least
    this.balancer.judge(this.endpoint, now, false);
  }
}

/** gRPC's UNAVAILABLE, of a server that has not begun to answer: its status then stands in the headers. */
function isUnavailable(fields: readonly string[]): boolean {
  return fieldValue(fields, 'grpc-status') === '14';
}
