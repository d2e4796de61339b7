import { setDeadline, type Clock, type PooledConnection, type TimerHandle } from '../ports/index.js';
import { Hedge, type Exchange, type HedgeSettings } from '../request/index.js';
import type { Balancer } from './balancer.js';
import type { Connections } from './connections.js';
import type { OriginLoad } from './origin-load.js';
import { retryOf, type Retry } from './replay.js';
import type { Totals } from './totals.js';

/** 'p95' is no shorter than this, in milliseconds: timers are no finer. */
const shortest = 1;

/** Its origin's pool. */
export interface HedgingHost {
  readonly clock: Clock;
  readonly connections: Connections;
  readonly balancer: Balancer | undefined;
  /** Nothing speaks against a dial, and none is under way. */
  readonly mayDial: boolean;
  /** `bypass`: to get around another connection. */
  dial(bypass: boolean, destination: { readonly around: PooledConnection }): void;
}

/** What its transport gives it. */
export interface HedgingSettings {
  readonly hedge: HedgeSettings | undefined;
  readonly retry: Retry;
  readonly stallTimeout: number;
  readonly totals: Totals;
}

/** One request whose answer may come to be overdue. */
class Watched {
  readonly exchange: Exchange;
  readonly hedge: Hedge;
  /** What the first attempt is on, and what that had received and how often it had stalled when it was sent. */
  readonly first: PooledConnection;
  private readonly received: number;
  private readonly stalls: number;
  readonly sentAt: number;
  /** How long until it is overdue, in milliseconds. */
  wait = 0;
  timer: TimerHandle | undefined = undefined;

  constructor(
    exchange: Exchange,
    first: PooledConnection,
    over: (watched: Watched, answered: boolean, won: boolean) => void,
  ) {
    this.exchange = exchange;
    this.first = first;
    this.received = first.bytesReceived;
    this.stalls = first.stalls;
    this.sentAt = first.now;
    this.hedge = new Hedge(exchange, (answered, won) => {
      over(this, answered, won);
    });
  }

  /** Nothing has come on the first attempt's connection since it was sent. */
  get silent(): boolean {
    return this.first.bytesReceived === this.received;
  }

  /** That connection stood still meanwhile. */
  get stalled(): boolean {
    return this.first.stalls > this.stalls;
  }
}

/** The second attempts of one origin's requests. */
export class Hedging {
  /** Those that are due and that no connection can carry yet. */
  private readonly waiting = new Set<Watched>();
  private readonly host: HedgingHost;
  private readonly settings: HedgingSettings;
  private readonly load: OriginLoad;
  private lastDialAt = -Infinity;

  constructor(host: HedgingHost, settings: HedgingSettings, load: OriginLoad) {
    this.host = host;
    this.settings = settings;
    this.load = load;
  }

  /** An attempt has been sent on this connection. */
  sent(exchange: Exchange, connection: PooledConnection): void {
    const { hedge } = exchange.request;
    const budget = (hedge ?? this.settings.hedge)?.budget;
    if (budget === undefined) return;
    if (exchange.attempts === 1) this.load.hedges.request(budget, connection.now);
    if (hedge !== undefined && exchange.earlier.hedges === 0 && exchange.pending)
      this.watch(exchange, connection, hedge);
  }

  private watch(exchange: Exchange, connection: PooledConnection, { after }: HedgeSettings): void {
    const { clock } = this.host;
    const delay = after === 'p95' ? this.load.latency.quantile(0.95) : after;
    const watched = new Watched(exchange, connection, (one, answered, won) => {
      if (one.timer !== undefined) clock.clearTimer(one.timer);
      this.waiting.delete(one);
      if (won) this.settings.totals.hedgesWon++;
      // What a frozen connection held says nothing of the origin.
      const frozen = one.stalled || (won && one.silent);
      if (answered && after === 'p95' && !frozen) this.load.latency.add(clock.now() - one.sentAt, clock.now());
    });
    exchange.hedge = watched.hedge;
    if (delay === undefined) return; // nothing but measured
    const wait = Math.max(delay, shortest);
    watched.timer = setDeadline(clock, wait, () => this.due(watched, wait), false);
  }

  private due(watched: Watched, wait: number): void {
    const { exchange, hedge, first } = watched;
    if (exchange.hedge !== hedge) return;
    if (watched.silent) first.suspect?.();
    if (
      !this.load.hedges.open(this.host.clock.now()) ||
      exchange.attempts >= retryOf(exchange, this.settings.retry).maxAttempts
    )
      return;
    watched.wait = wait;
    if (this.place(watched)) return;
    this.waiting.add(watched);
    this.dialAround(first);
  }

  /** True when it was sent, or never will be. */
  private place(watched: Watched): boolean {
    const { exchange, hedge, first } = watched;
    const { clock, connections, balancer } = this.host;
    if (!this.load.hedges.open(clock.now())) return true;
    const spread = balancer?.active === true ? balancer : undefined;
    const second = (spread ?? connections).pickOther(exchange.demand, first);
    if (second === undefined) return false;
    const received = second.bytesReceived;
    try {
      hedge.bind(second, spread?.watch(second));
    } catch {
      hedge.end(false); // what this connection does not take is no fault of the request's: the first attempt goes on
      return true;
    }
    this.load.hedges.take();
    this.settings.totals.hedges++;
    // A second attempt that is overdue in its turn tells of its own connection.
    const overdue = (): void => {
      if (second.bytesReceived === received) second.suspect?.();
    };
    watched.timer = setDeadline(clock, watched.wait, overdue, false);
    return true;
  }

  /** Connections may have room for those that wait. */
  drain(): void {
    if (this.waiting.size === 0) return; // as nearly always, for each read
    for (const watched of this.waiting) if (this.place(watched)) this.waiting.delete(watched);
    for (const { first } of this.waiting) return this.dialAround(first);
  }

  /** Where no other connection will carry those that wait; each dial that came to nothing doubles the wait for the next. */
  private dialAround(avoid: PooledConnection): void {
    const { clock, connections } = this.host;
    const patience = this.settings.stallTimeout * 2 ** connections.fruitless;
    if (clock.now() < this.lastDialAt + patience || connections.hasOther(avoid) || !this.host.mayDial) return;
    this.lastDialAt = clock.now();
    this.host.dial(true, { around: avoid });
  }

  get waits(): boolean {
    return this.waiting.size > 0;
  }
}
