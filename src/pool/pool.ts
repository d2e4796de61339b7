import { TransportError } from '../errors.js';
import { LatestMap } from '../latest-map.js';
import { originKey, type BufferBudget, type Origin, type PooledConnection } from '../ports/index.js';
import type { Exchange } from '../request/index.js';
import { isUnsupported } from './replay.js';
import { Endpoints } from './endpoints.js';
import { OriginPool, type PoolEnvironment } from './origin-pool.js';
import { OriginLoad } from './origin-load.js';
import { poolKey } from './origin.js';
import type { Http1Reason, PoolSettings } from './settings.js';
import { originStats, type TransportStats } from './stats.js';
import { Totals } from './totals.js';

/** So many origins in trouble at once, the asking one included, point to our own link. */
const troubledOriginsOfALink = 3;

/** How long a dial is silent before the next origin's may go, where `probeAfter` is off, in milliseconds. */
const silentDial = 1_000;

/** Of so many origins, the latest, it is remembered that they complained of our PINGs or speak HTTP/1.1, and which addresses failed. */
const rememberedOrigins = 256;

/** The pools of all origins. An origin without requests and connections leaves no trace. */
export class Pool {
  private readonly origins = new Map<string, OriginPool>();
  private readonly env: PoolEnvironment;
  private readonly budget: BufferBudget;
  /** Of origins that complained of our PINGs: the gap that their connections keep. It outlives the origin's pool. */
  private readonly pingGaps = new LatestMap<number>(rememberedOrigins);
  /** Of origins that do not speak HTTP/2, so that nobody waits to be told again. */
  private readonly http1Reasons = new LatestMap<Http1Reason>(rememberedOrigins);
  /** Of origins that requests were sent to, so that those in trouble stay within it though their pools come and go. */
  private readonly loads = new LatestMap<OriginLoad>(rememberedOrigins);
  /** What is known of origins' addresses. It outlives the connections. */
  private readonly endpoints = new LatestMap<Endpoints>(rememberedOrigins);
  /** When a dial around a connection in trouble last succeeded. */
  private provenAt = -Infinity;
  private whenQuiet: (() => void) | undefined = undefined;

  constructor(settings: PoolSettings, budget: BufferBudget, throughProxy = false) {
    this.budget = budget;
    this.env = {
      ...settings,
      totals: new Totals(),
      driverConfig: (origin) => ({ ...settings.driverConfig(origin), pingGap: this.pingGaps.get(origin.href) }),
      // Origins that are stalled together may share no more than a connection to a proxy, which can be gone around.
      linkNotBefore: (asking) => (throughProxy ? 0 : this.linkNotBefore(asking)),
      linkProven: () => {
        this.linkProven();
      },
      endpoints: (key) => this.endpointsOf(key),
      widenPingGap: (origin, gap) => {
        this.widenPingGap(origin.href, gap);
      },
      http1Reason: (origin) => this.http1Reasons.get(originKey(origin)),
      load: (origin) => this.load(originKey(origin), settings.retry.budget),
      learn: (origin, reason) => {
        if (reason === undefined) this.http1Reasons.delete(originKey(origin));
        else this.http1Reasons.set(originKey(origin), reason);
      },
      handOn: (pool, exchange, error) => this.handOn(pool, exchange, error),
      onQuiet: (pool) => {
        this.onQuiet(pool);
      },
    };
  }

  private endpointsOf(key: string): Endpoints {
    const endpoints = this.endpoints.get(key) ?? new Endpoints(this.env.clock, this.env.resolveInterval !== undefined);
    this.endpoints.set(key, endpoints);
    return endpoints;
  }

  /** The origin is known to have chosen HTTP/1.1, or is spoken to in it because that is what the user said. */
  speaksHttp1(origin: Origin): boolean {
    const { allowHTTP1, cleartextHTTP1 } = this.env;
    if (origin.scheme === 'http:') return cleartextHTTP1;
    return allowHTTP1 && this.http1Reasons.get(originKey(origin)) === 'chosen';
  }

  /**
   * `http1Only`: that of the connections which offer nothing but HTTP/1.1, where the origin can be asked for that. What
   * http: origins are spoken to in is what the user said.
   */
  of(origin: Origin, http1Only = false): OriginPool {
    const apart = http1Only && this.env.allowHTTP1 && origin.scheme === 'https:';
    const key = poolKey(origin, apart);
    let pool = this.origins.get(key);
    if (pool === undefined) {
      pool = new OriginPool(origin, this.env, apart);
      this.origins.set(key, pool);
    }
    return pool;
  }

  /** What would be an extended CONNECT goes out as an Upgrade, in HTTP/1.1, where it may. */
  private handOn(pool: OriginPool, exchange: Exchange, error: unknown): boolean {
    if (exchange.request.upgrade === undefined || !isUnsupported(error)) return false;
    const other = this.of(pool.origin, true);
    if (other === pool) return false;
    pool.queue.remove(exchange);
    exchange.host = other;
    other.queue.push(exchange, other.clock.now());
    other.drain();
    return true;
  }

  /**
   * Where so many are in trouble, one of them dials at a time, until a dial, or what comes from any server, has proved the link:
   * then all may. One that is silent lets the next go.
   */
  private linkNotBefore(asking: OriginPool): number {
    const pools = [...this.origins.values()];
    const others = pools.filter((pool) => pool !== asking && pool.connections.troubled);
    const { troubledSince } = asking.connections;
    if (others.length + 1 < troubledOriginsOfALink || this.provenAt >= troubledSince) return 0;
    const heardAt = Math.max(...pools.map(({ connections }) => connections.heardAt));
    if (heardAt > troubledSince + this.env.stallTimeout) return 0;
    return Math.max(...others.map(({ lastBypass }) => lastBypass)) + (this.env.probeAfter || silentDial);
  }

  private linkProven(): void {
    this.provenAt = this.env.clock.now();
    this.env.clock.defer(() => {
      for (const pool of [...this.origins.values()]) if (pool.connections.troubled) pool.drain();
    });
  }

  private load(key: string, retryShare: number): OriginLoad {
    const load = this.loads.get(key) ?? new OriginLoad(retryShare);
    this.loads.set(key, load);
    return load;
  }

  private widenPingGap(origin: string, gap: number): void {
    this.pingGaps.set(origin, Math.max(gap, this.pingGaps.get(origin) ?? 0));
  }

  private onQuiet(pool: OriginPool): void {
    // One that was empty before has been let go of, and another may stand in its place.
    if (pool.empty && this.origins.get(pool.key) === pool) this.letGo(pool);
    if (this.whenQuiet !== undefined) this.closeQuiet();
  }

  private letGo(pool: OriginPool): void {
    this.origins.delete(pool.key);
    pool.letGo();
  }

  stats(): TransportStats {
    const origins = originStats(this.origins.values());
    const sum = (of: (origin: (typeof origins)[number]) => number): number =>
      origins.reduce((total, one) => total + of(one), 0);
    return {
      origins,
      streams: sum((one) => one.connections.reduce((total, connection) => total + connection.streams, 0)),
      queued: sum((one) => one.queued),
      connections: sum((one) => one.connections.length),
      bufferedBytes: this.budget.held,
      maxBufferedBytes: this.budget.limit,
      creditWithheld: this.budget.starved,
      totals: this.env.totals.with([...this.origins.values()].flatMap(({ connections }) => connections.all)),
    };
  }

  /** One connection of the origin's takes no new requests; those that it carries go on. */
  retire(origin: Origin, connection: number): void {
    this.find(origin, connection)?.stopReuse();
  }

  find(origin: Origin, connection: number): PooledConnection | undefined {
    const all = [false, true].flatMap((apart) => this.origins.get(poolKey(origin, apart))?.connections.all ?? []);
    return all.find(({ id }) => id === connection);
  }

  /** Of one origin, or of all. */
  closeIdle(origin?: Origin): void {
    if (origin !== undefined) return this.origins.get(poolKey(origin, false))?.closeIdle();
    for (const pool of this.origins.values()) pool.closeIdle();
  }

  /** Lets running and waiting requests finish; calls back when every connection is closed. */
  close(done: () => void): void {
    this.whenQuiet = done;
    this.closeQuiet();
  }

  private closeQuiet(): void {
    for (const pool of [...this.origins.values()]) {
      if (pool.queue.size === 0) pool.goAway();
      if (pool.empty) this.letGo(pool);
    }
    if (this.origins.size > 0) return;
    const done = this.whenQuiet;
    this.whenQuiet = undefined;
    done?.();
  }

  destroy(reason: unknown): void {
    for (const pool of [...this.origins.values()]) {
      pool.destroy(transportDestroyed(pool.origin.href, reason));
      this.onQuiet(pool);
    }
  }
}

export function transportDestroyed(origin: string, cause: unknown): TransportError {
  const init = { scope: 'connection', initiator: 'user', origin, cause } as const;
  return new TransportError('ERR_PASSINGLANE_TRANSPORT_CLOSED', 'The transport was destroyed', init);
}
