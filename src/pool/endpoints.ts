import { Path, type Clock, type DialRoute, type PooledConnection } from '../ports/index.js';
import { Endpoint, type ToldOfAddress } from './endpoint.js';

/** So many addresses of a name are looked at. */
const mostAddresses = 256;

/** The pool whose addresses they are. */
export interface EndpointsOwner {
  /** A look-up has told what the name stands for. */
  looked(): void;
  tell(event: ToldOfAddress): void;
}

/** Where a dial is to lead: to an address, or around one that a connection leads to. */
export interface Destination {
  readonly to?: Endpoint | undefined;
  readonly around?: PooledConnection | undefined;
  /** Nothing has been of use since something failed. */
  readonly failing?: boolean;
}

/** A dial on its way to one of the addresses. */
export interface Route extends DialRoute {
  /** It came to a connection, or was given up for lack of interest. */
  ended(): void;
  /** It was given up because it was silent, while another came to a connection: so nothing speaks for wherever it was tried. */
  overtaken(): void;
  /** It came to nothing, wherever it was tried. */
  cameToNothing(): Blame;
}

/** What is known to be bad for a dial that came to nothing: an address, the name, which could not be looked up, or neither. */
export type Blame = 'address' | 'name' | undefined;

/**
 * The addresses that an origin's name stands for, and how each fared: an address that could not be connected to, or whose
 * connections fell silent, stalled, allow no stream or came to nothing, goes to the end of the order for new dials until one there answers
 * or some time has passed. It outlives the connections, so that a bad address is not found out anew by each request.
 */
export class Endpoints {
  /** In the order of the look-up. */
  private all: Endpoint[] = [];
  /** The name stands for them no more, and a dial that had begun before may still come to a connection there. */
  private left: Endpoint[] = [];
  private readonly ofConnection = new Map<PooledConnection, Endpoint>();
  /** The way to wherever it is that a dialler without addresses leads. */
  private readonly unknown = new Path();
  private readonly clock: Clock;
  /** Dials are spread over the addresses, one for each. */
  private readonly spread: boolean;
  /** Some may have neither a connection that takes requests nor a dial, since that was last looked at. */
  private changedReach = true;
  /** When a look-up last told them. */
  lookedAt = -Infinity;
  /** The pool that has them now. */
  owner: EndpointsOwner | undefined = undefined;

  constructor(clock: Clock, spread: boolean) {
    this.clock = clock;
    this.spread = spread;
  }

  /** Those that the name stands for now, as far as a look-up has told, and those that have connections from before. */
  get listed(): readonly Endpoint[] {
    return [...new Set([...this.all, ...this.ofConnection.values()])];
  }

  /** Those that the name stands for now. */
  get current(): readonly Endpoint[] {
    return this.all;
  }

  /** Those that it stands for no more, and that have connections. */
  get gone(): readonly Endpoint[] {
    return this.listed.filter((endpoint) => !endpoint.current);
  }

  // --- which of them have connections ---

  /** One of their connections takes no more requests. */
  onDraining(): void {
    this.changedReach = true;
  }

  /** Some address has neither a connection that takes requests nor a dial. Looks at all of them only where that may have changed. */
  lackConnections(): boolean {
    return (this.changedReach &&= this.all.some(({ reached }) => !reached));
  }

  // --- dials ---

  /** A dial that goes to this address, or wherever the order says, and where a connection goes only if there is no other way. */
  route({ to, around, failing = false }: Destination = {}): Route {
    const tried = new Set<Endpoint>();
    let blame: Blame = to === undefined && this.all.length > 0 ? 'name' : undefined;
    const begin = (endpoint: Endpoint | undefined): void => {
      if (endpoint === undefined || tried.has(endpoint)) return;
      tried.add(endpoint);
      endpoint.dialBegun();
    };
    const end = (endpoint: Endpoint | undefined, failed: boolean): void => {
      if (endpoint === undefined || !tried.delete(endpoint)) return;
      endpoint.dialEnded();
      this.changedReach = true;
      if (failed) endpoint.failed(this.clock.now());
    };
    begin(to);
    return {
      address: to?.address,
      order: (addresses) => {
        if (to !== undefined) return [[to.address], []];
        if (blame === 'name') blame = undefined;
        this.update(addresses);
        const [first, then] = this.order(around && this.ofConnection.get(around), failing);
        if (!this.spread || this.all.length < 2) return [first.map(addressOf), then.map(addressOf)];
        const one = leastConnected(first);
        begin(one);
        return [[one.address], []];
      },
      trying: (address) => begin(this.at(address)),
      failed: (address) => {
        blame = 'address';
        end(this.at(address), true);
      },
      ended: () => {
        for (const endpoint of tried) end(endpoint, false);
      },
      overtaken: () => {
        for (const endpoint of tried) end(endpoint, endpoint.status !== 'ready');
      },
      cameToNothing: () => {
        if (tried.size > 0) blame = 'address';
        for (const endpoint of tried) end(endpoint, true);
        return blame;
      },
    };
  }

  private at(address: string): Endpoint | undefined {
    return this.all.find((endpoint) => endpoint.address === address);
  }

  /** Where all are bad, the one whose time is over first leads: each has its turn. */
  private order(
    avoid: Endpoint | undefined,
    failing: boolean,
  ): readonly [first: readonly Endpoint[], then: readonly Endpoint[]] {
    const now = this.clock.now();
    const proved = this.all.some((endpoint) => endpoint.proved);
    const open = this.all.filter((one) => !one.isBad(now) && one !== avoid && one.load.fault === undefined);
    // One whose time is over is as good as the others, but for one that answers, or where the origin's back-off outlasts that time.
    const better = open.filter((one) => !((proved || failing) && one.unproved));
    const first = better.length > 0 ? better : open;
    if (first.length === 0) return [this.all.toSorted((one, other) => one.notBefore - other.notBefore), []];
    return [first, this.all.filter((one) => !first.includes(one))];
  }

  /** The name stands for these now. */
  update(addresses: readonly string[]): void {
    this.changedReach = true;
    this.lookedAt = this.clock.now();
    const before = new Map([...this.listed, ...this.left].map((endpoint) => [endpoint.address, endpoint]));
    const were = new Set(this.all);
    for (const endpoint of this.all) endpoint.unlist();
    this.all = [...new Set(addresses)]
      .slice(0, mostAddresses)
      .map((address) => before.get(address) ?? new Endpoint(address, this.clock, (event) => this.tell(event)));
    for (const endpoint of this.all) endpoint.list(were.size > 0 && !were.has(endpoint));
    this.left = [...before.values()].filter((endpoint) => !endpoint.current && endpoint.dialling);
    const changes = [
      ...this.all.filter((one) => !were.has(one)).map(({ address }) => ({ type: 'added', address }) as const),
      ...[...were].filter((one) => !one.current).map(({ address }) => ({ type: 'removed', address }) as const),
    ];
    if (Math.max(were.size, this.all.length) > 1) for (const change of changes) this.owner?.tell(change);
    this.owner?.looked();
  }

  /** What becomes of the only address is what becomes of its connections. */
  tell(event: ToldOfAddress): void {
    if (this.all.length > 1) this.owner?.tell(event);
  }

  // --- connections ---

  connected(connection: PooledConnection, address: string | undefined): void {
    const endpoint = [...this.all, ...this.left].find((one) => one.address === address);
    if (endpoint === undefined) return;
    endpoint.add(connection);
    this.ofConnection.set(connection, endpoint);
  }

  /** What is known of the way there, by all connections to the address. */
  path(address: string | undefined): Path {
    return (address === undefined ? undefined : this.at(address))?.path ?? this.unknown;
  }

  of(connection: PooledConnection): Endpoint | undefined {
    return this.ofConnection.get(connection);
  }

  /** Its state may have changed, in the step that it has come to the end of. */
  changed(connection: PooledConnection): void {
    if (this.all.length < 2 && this.all[0]?.unproved !== true) return; // as nearly always, after each read and each write
    const endpoint = this.ofConnection.get(connection);
    if (endpoint === undefined) return;
    if (connection.numbers.answered) endpoint.answered(connection);
    endpoint.note(connection.now);
  }

  /** It is gone; `useless`: without having been of use to those who waited for it. */
  closed(connection: PooledConnection, useless: boolean): void {
    const endpoint = this.ofConnection.get(connection);
    if (endpoint === undefined) return;
    this.ofConnection.delete(connection);
    const now = this.clock.now();
    const since = useless ? connection.dialledAt : endpoint.troubledSince(connection);
    if (since !== Infinity) endpoint.failed(now, since, connection.openedAt);
    endpoint.remove(connection);
    this.changedReach = true;
  }
}

/** The first of those with the fewest connections, made or in the making. */
function leastConnected(endpoints: readonly Endpoint[]): Endpoint {
  return endpoints.reduce((least, one) => (one.size < least.size ? one : least));
}

function addressOf({ address }: Endpoint): string {
  return address;
}
