import type { Clock, DialRoute, PooledConnection } from '../ports/index.js';
import { Endpoint } from './endpoint.js';

/** So many addresses of a name are looked at. */
const mostAddresses = 256;

/** A dial on its way to one of the addresses. */
export interface Route extends DialRoute {
  /** It came to a connection, or was given up for lack of interest. */
  ended(): void;
  /** It came to nothing, wherever it was tried. */
  cameToNothing(): void;
}

/**
 * The addresses that an origin's name stands for, and how each fared: an address that could not be connected to, or whose
 * connections fell silent, stalled, allow no stream or came to nothing, goes to the end of the order for new dials until one there answers
 * or some time has passed. It outlives the connections, so that a bad address is not found out anew by each request.
 */
export class Endpoints {
  /** In the order of the look-up. */
  private all: Endpoint[] = [];
  private readonly ofConnection = new Map<PooledConnection, Endpoint>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Those that the name stands for now, as far as a look-up has told, and those that have connections from before. */
  get listed(): readonly Endpoint[] {
    return [...new Set([...this.all, ...this.ofConnection.values()])];
  }

  /** A dial that goes wherever the order says, and where this connection goes only if there is no other way. */
  route(around?: PooledConnection): Route {
    const tried = new Set<Endpoint>();
    const { clock } = this;
    const end = (each?: (endpoint: Endpoint) => void): void => {
      for (const endpoint of tried) {
        endpoint.dialEnded();
        each?.(endpoint);
      }
      tried.clear();
    };
    return {
      order: (addresses) => this.order(addresses, around && this.ofConnection.get(around)),
      trying: (address) => {
        const endpoint = this.of(address);
        if (endpoint === undefined || tried.has(endpoint)) return;
        tried.add(endpoint);
        endpoint.dialBegun();
      },
      failed: (address) => {
        const endpoint = this.of(address);
        if (endpoint === undefined || !tried.delete(endpoint)) return;
        endpoint.dialEnded();
        endpoint.failed(clock.now());
      },
      ended: () => end(),
      cameToNothing: () => {
        end((endpoint) => endpoint.failed(clock.now()));
      },
    };
  }

  private of(address: string): Endpoint | undefined {
    return this.all.find((endpoint) => endpoint.address === address);
  }

  /** The name stands for these now. Where all are bad, each goes its way as if none were. */
  private order(
    addresses: readonly string[],
    avoid: Endpoint | undefined,
  ): readonly [first: readonly string[], then: readonly string[]] {
    this.update(addresses);
    const now = this.clock.now();
    const proved = this.all.some((endpoint) => endpoint.proved);
    const [good, bad] = [[] as string[], [] as string[]];
    for (const endpoint of this.all) {
      // One whose time is over is as good as any, but for one that answers.
      const last = endpoint === avoid || endpoint.isBad(now) || (proved && endpoint.unproved);
      (last ? bad : good).push(endpoint.address);
    }
    return good.length === 0 ? [bad, []] : [good, bad];
  }

  private update(addresses: readonly string[]): void {
    const known = new Map(this.all.map((endpoint) => [endpoint.address, endpoint]));
    for (const endpoint of this.ofConnection.values()) known.set(endpoint.address, endpoint);
    for (const endpoint of known.values()) endpoint.current = false;
    this.all = [...new Set(addresses)]
      .slice(0, mostAddresses)
      .map((address) => known.get(address) ?? new Endpoint(address, this.clock));
    for (const endpoint of this.all) endpoint.current = true;
  }

  // --- connections ---

  connected(connection: PooledConnection, address: string | undefined): void {
    const endpoint = address === undefined ? undefined : this.of(address);
    if (endpoint === undefined) return;
    endpoint.add(connection);
    this.ofConnection.set(connection, endpoint);
  }

  /** Its state may have changed. */
  changed(connection: PooledConnection): void {
    const endpoint = this.ofConnection.get(connection);
    if (endpoint === undefined) return;
    if (connection.numbers.answered) endpoint.answered(connection);
    endpoint.note();
  }

  /** It is gone; `useless`: without having been of use to those who waited for it. */
  closed(connection: PooledConnection, useless: boolean): void {
    const endpoint = this.ofConnection.get(connection);
    if (endpoint === undefined) return;
    this.ofConnection.delete(connection);
    const now = this.clock.now();
    const since = useless ? connection.openedAt : connection.troubledSince(0);
    if (since !== Infinity) endpoint.failed(now, since);
    endpoint.remove(connection);
  }
}
