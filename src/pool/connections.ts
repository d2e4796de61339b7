import type { TransportError } from '../errors.js';
import { bodyStart, HealthState, RequestKind, type Demand, type PooledConnection } from '../ports/index.js';
import type { Candidate } from './dial-policy.js';

/** The least that a request of each kind asks of a connection. */
export const demands: readonly Demand[] = [
  { kind: RequestKind.Light, early: false, needs: 0 },
  { kind: RequestKind.Short, early: false, needs: 1 },
  { kind: RequestKind.Bulk, early: false, needs: bodyStart },
];

/** Bulk shares the slow connections, once there are so many, so that many uploads over one link do not make as many. */
const slowShared = 3;

/** States of a connection that can carry a request, or will by itself. */
const coming: ReadonlySet<HealthState> = new Set([
  HealthState.Ready,
  HealthState.Busy,
  HealthState.EarlyOnly,
  HealthState.AwaitingSettings,
]);

/** The connections of one origin, oldest first; those that drain are among them until they are closed. */
export class Connections {
  readonly all: PooledConnection[] = [];
  /** Dials to get around a connection of which nothing has come, since the last of which a response came. */
  fruitless = 0;
  /** Those that were dialled to get around another. */
  private readonly bypasses = new Set<PooledConnection>();
  /** Those among them that no response has come on yet. */
  private readonly unproven = new Set<PooledConnection>();

  /** All requests have reason to go around one of them, whatever that is. */
  get troubled(): boolean {
    return this.troubledSince !== -Infinity;
  }

  /** Since when the last of those has been in trouble; -Infinity: none is. */
  get troubledSince(): number {
    let last = -Infinity;
    for (const connection of this.all) {
      const since = connection.troubledSince(0);
      if (since !== Infinity) last = Math.max(last, since);
    }
    return last;
  }

  /** When the last byte came on any of them. */
  get heardAt(): number {
    return Math.max(-Infinity, ...this.all.map(({ numbers }) => numbers.heardAt));
  }

  /** Those that still take requests. */
  get accepting(): PooledConnection[] {
    return this.all.filter((connection) => connection.accepts);
  }

  /**
   * Those that take requests, as the dial policy sees them for requests that need so much of a window. It holds until a
   * connection is asked again.
   */
  candidates(needs: number, counts: (connection: PooledConnection) => boolean): Candidate[] {
    let standIns = this.bypasses.size > 0 ? this.goneAround : 0;
    return this.accepting.filter(counts).map((connection) => ({
      health: connection.health(false, needs),
      bypass: this.bypasses.has(connection) && standIns-- <= 0,
    }));
  }

  /** So many that were gone around take no more requests. As many of the oldest bypasses stand in for them, as when they are closed. */
  private get goneAround(): number {
    const isGone = (one: PooledConnection): boolean => !one.accepts && !this.bypasses.has(one);
    return this.all.filter((one) => isGone(one) && one.troubledSince(bodyStart) !== Infinity).length;
  }

  /** The oldest that can carry the request in this turn, so that those which are not needed stay idle and close. */
  pick(demand: Demand, lastResort: boolean): PooledConnection | undefined {
    const shared = demand.kind === RequestKind.Bulk ? this.shared : undefined;
    if (shared !== undefined) return shared.find((connection) => connection.takes(demand, true));
    let slow = false;
    for (const connection of this.all) {
      // What goes out before the peer's SETTINGS may be lost, and there is a connection that would only take longer.
      if (slow && !connection.numbers.greeted) continue;
      if (connection.takes(demand, lastResort)) {
        if (lastResort) return this.fastest(demand) ?? connection;
        if (slow) connection.measure?.();
        return connection;
      }
      slow ||= connection.numbers.slow;
    }
    return undefined;
  }

  /** Where some are slow, the one of those that answers first: what one holds that recovers nobody knows. */
  private fastest(demand: Demand): PooledConnection | undefined {
    const able = this.all.filter((one) => one.numbers.slow && one.takes(demand, true));
    return able.sort((a, b) => a.health(true).delay - b.health(true).delay)[0];
  }

  /** No other connection is faster than those that bulk fills, or blocks: it leaves room to what is small. */
  holdBulk(): void {
    for (const connection of this.all)
      if (connection.numbers.slow || connection.troubledSince(0) !== Infinity) connection.holdBulk?.();
  }

  /** The slow connections with room, where there are so many slow ones that bulk takes no others. */
  private get shared(): PooledConnection[] | undefined {
    if (this.all.length < slowShared) return undefined;
    const slow = this.accepting.filter((one) => one.health().slowUntil > one.now);
    if (slow.length < slowShared) return undefined;
    const roomy = slow.filter(({ numbers: { streams, limit } }) => streams < limit);
    return roomy.length === 0 ? undefined : roomy;
  }

  /** Until when bulk waits for those, as things stand; -Infinity: it need not. */
  get sharedUntil(): number {
    return Math.min(...(this.shared?.map((one) => one.health().slowUntil) ?? [-Infinity]));
  }

  /** One beside this, at another address where there is a choice. */
  pickOther(demand: Demand, than: PooledConnection): PooledConnection | undefined {
    const { remoteAddress } = than.info;
    const others = this.all.filter((one) => one !== than);
    const elsewhere = others.find((one) => one.info.remoteAddress !== remoteAddress && one.takes(demand));
    return elsewhere ?? others.find((one) => one.takes(demand));
  }

  /** There is one beside this that takes requests, or will in a moment. */
  hasOther(than: PooledConnection): boolean {
    return this.all.some((one) => one !== than && coming.has(one.health().state));
  }

  add(connection: PooledConnection, bypass: boolean): void {
    this.all.push(connection);
    if (!bypass) return;
    this.bypasses.add(connection);
    this.unproven.add(connection);
  }

  /** Its state may have changed. Once there is nothing to go around, nor a `silentDial`, bypasses are connections like others. */
  changed(connection: PooledConnection, silentDial: boolean): void {
    if (this.unproven.size > 0 && connection.numbers.answered && this.unproven.delete(connection)) this.fruitless = 0;
    if (silentDial || (this.fruitless === 0 && this.bypasses.size === 0)) return;
    if (this.all.some((one) => one.troubledSince(bodyStart) !== Infinity)) return;
    this.fruitless = 0;
    this.bypasses.clear();
    this.unproven.clear();
  }

  /** It is gone; with one that requests went around goes the reason for the oldest bypass, which stands in for it. */
  remove(connection: PooledConnection): void {
    const at = this.all.indexOf(connection);
    if (at >= 0) this.all.splice(at, 1);
    this.unproven.delete(connection);
    if (this.bypasses.delete(connection) || connection.troubledSince(bodyStart) === Infinity) return;
    for (const oldest of this.bypasses) {
      this.bypasses.delete(oldest);
      return;
    }
  }

  /**
   * Closes the oldest that allows no stream and has carried none for longer than `patience` milliseconds, so that another
   * may be dialled in its place: the peer may raise the limit again in a moment.
   */
  retireZero(patience: number): void {
    this.accepting.find((one) => one.idle && one.numbers.limit === 0 && one.use.idleFor(patience))?.stopReuse();
  }

  closeIdle(): void {
    for (const connection of [...this.all]) if (connection.idle) connection.stopReuse();
  }

  /** Those of HTTP/2 take no more requests. */
  retireHttp2(): void {
    for (const connection of [...this.all]) if (connection.httpVersion === '2.0') connection.stopReuse();
  }

  goAway(): void {
    for (const connection of [...this.all]) connection.goAway();
  }

  destroy(error: TransportError): void {
    for (const connection of [...this.all]) connection.fail(error);
  }
}
