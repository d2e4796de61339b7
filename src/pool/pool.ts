import { TransportError } from '../errors.js';
import type { BufferBudget, Exchange, Origin } from '../conn/index.js';
import { OriginPool, type PoolEnvironment } from './origin-pool.js';
import { originStats, type TransportStats } from './stats.js';

/** So many origins stalled at once, the asking one included, point to our own link. */
const stalledOriginsOfALink = 3;

/** So many origins that complained of our PINGs are remembered, the latest of them. */
const rememberedPingGaps = 256;

/** The pools of all origins. An origin without requests and connections leaves no trace. */
export class Pool {
  private readonly origins = new Map<string, OriginPool>();
  private readonly env: PoolEnvironment;
  private readonly budget: BufferBudget;
  /** Of origins that complained of our PINGs: the gap that their connections keep. It outlives the origin's pool. */
  private readonly pingGaps = new Map<string, number>();
  private whenQuiet: (() => void) | undefined = undefined;

  constructor(env: Omit<PoolEnvironment, 'linkStalled' | 'widenPingGap' | 'onQuiet'>, budget: BufferBudget) {
    this.budget = budget;
    this.env = {
      ...env,
      driverConfig: (origin) => ({ ...env.driverConfig(origin), pingGap: this.pingGaps.get(origin.href) }),
      linkStalled: (asking) => this.linkStalled(asking),
      widenPingGap: (origin, gap) => {
        this.widenPingGap(origin.href, gap);
      },
      onQuiet: (pool) => {
        this.onQuiet(pool);
      },
    };
  }

  submit(exchange: Exchange): void {
    this.of(exchange.request.origin).submit(exchange);
  }

  of(origin: Origin): OriginPool {
    let pool = this.origins.get(origin.href);
    if (pool === undefined) {
      pool = new OriginPool(origin, this.env);
      this.origins.set(origin.href, pool);
    }
    return pool;
  }

  private linkStalled(asking: OriginPool): boolean {
    let stalled = 1;
    for (const pool of this.origins.values()) if (pool !== asking && pool.stalled) stalled++;
    return stalled >= stalledOriginsOfALink;
  }

  private widenPingGap(origin: string, gap: number): void {
    const widest = Math.max(gap, this.pingGaps.get(origin) ?? 0);
    this.pingGaps.delete(origin); // the latest stands last
    this.pingGaps.set(origin, widest);
    for (const oldest of this.pingGaps.keys()) {
      if (this.pingGaps.size <= rememberedPingGaps) break;
      this.pingGaps.delete(oldest);
    }
  }

  private onQuiet(pool: OriginPool): void {
    // One that was empty before has been let go of, and another may stand in its place.
    if (pool.empty && this.origins.get(pool.origin.href) === pool) this.origins.delete(pool.origin.href);
    if (this.whenQuiet !== undefined) this.closeQuiet();
  }

  stats(): TransportStats {
    const origins = [...this.origins.values()].map(originStats);
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
    };
  }

  closeIdle(): void {
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
      if (pool.empty) this.origins.delete(pool.origin.href);
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
