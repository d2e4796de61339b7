import type { TransportError } from '../errors.js';
import { abortable } from '../abortable.js';
import {
  forever,
  setDeadline,
  type ByteTransport,
  type Clock,
  type ConnectionOwner,
  type Origin,
} from '../ports/index.js';
import type { RequestDefaults } from '../request/index.js';
import { ClientConn } from './client-conn.js';
import { connectTimedOut } from './connect-errors.js';
import { ConnectionDriver } from './connection-driver.js';
import type { DriverConfig } from './driver-config.js';

/** The transport whose they are. */
export interface OutsideHost {
  readonly clock: Clock;
  readonly connectTimeout: number;
  readonly defaults: RequestDefaults;
  driverConfig(origin: Origin): DriverConfig;
  /** Why nothing is begun any more. */
  closedError(origin: Origin): TransportError;
  /** One of them has ended. */
  ended(): void;
}

/** The connections outside the pool, each in the hands of who asked for it. */
export class OutsideConnections {
  private readonly host: OutsideHost;
  private readonly drivers = new Map<ConnectionDriver, Origin>();
  /** Gives up one that is being made. */
  private readonly connecting = new Set<() => void>();

  constructor(host: OutsideHost) {
    this.host = host;
  }

  /** Those that are open. */
  get size(): number {
    return this.drivers.size;
  }

  /**
   * A connection over what `open` gives, all of it within `connectTimeout`.
   * @param refuse why a request on it may not go out, where it may not
   */
  async connect(
    origin: Origin,
    open: (signal: AbortSignal) => Promise<ByteTransport>,
    refuse?: () => TransportError | undefined,
  ): Promise<ClientConn> {
    const { clock, connectTimeout } = this.host;
    const controller = new AbortController();
    const { signal } = controller;
    let connected = false;
    const expire = (): void => {
      controller.abort(connectTimedOut(origin, connectTimeout, connected));
    };
    // Without a limit it does no more than keep the process alive, which a connection in the making does not.
    const timer = setDeadline(clock, connectTimeout === 0 ? forever : connectTimeout, expire, true);
    const giveUp = (): void => {
      controller.abort(this.host.closedError(origin));
    };
    this.connecting.add(giveUp);
    try {
      const transport = await open(signal);
      connected = true;
      if (!signal.aborted) return await this.begin(transport, origin, signal, refuse);
      transport.destroy();
      throw signal.reason as Error;
    } finally {
      this.connecting.delete(giveUp);
      clock.clearTimer(timer);
    }
  }

  private begin(
    transport: ByteTransport,
    origin: Origin,
    signal: AbortSignal,
    refuse: (() => TransportError | undefined) | undefined,
  ): Promise<ClientConn> {
    return abortable(signal, (resolve, reject) => {
      const owner: ConnectionOwner = {
        onCapacity: () => {
          conn.onCapacity();
        },
        onDraining: () => {
          conn.onCapacity();
        },
        onTooManyPings: () => undefined, // its user decides what other connections are like
        onClosed: () => {
          this.drivers.delete(driver);
          conn.onClosed();
          this.host.ended();
        },
      };
      const driver = new ConnectionDriver(transport, this.host.driverConfig(origin), this.host.clock, owner);
      const conn = new ClientConn(driver, origin, this.host.defaults, refuse);
      this.drivers.set(driver, origin);
      driver.start(() => {
        if (driver.closeError === undefined) resolve(conn);
        else reject(driver.closeError);
      });
      return () => {
        if (signal.aborted) driver.fail(signal.reason as TransportError);
      };
    });
  }

  /** Takes no new requests; those under way go on. What is being made is given up. */
  goAway(): void {
    for (const giveUp of [...this.connecting]) giveUp();
    for (const driver of [...this.drivers.keys()]) driver.goAway();
  }

  /** @param why what their requests end with */
  destroy(why: (origin: Origin) => TransportError): void {
    for (const giveUp of [...this.connecting]) giveUp();
    for (const [driver, origin] of [...this.drivers]) driver.fail(why(origin));
  }
}
