import { forever, type Clock, type PooledConnection, type TimerHandle } from '../ports/index.js';
import { TunnelStream, type TunnelBody } from '../request/index.js';

/** Keeps the process alive while anybody holds it. */
export class KeepAlive {
  private readonly clock: Clock;
  private holders = 0;
  private timer: TimerHandle | undefined = undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  hold(): void {
    if (this.holders++ === 0) this.timer = this.clock.setTimer(forever, () => undefined, true);
  }

  release(): void {
    if (--this.holders > 0 || this.timer === undefined) return;
    this.clock.clearTimer(this.timer);
    this.timer = undefined;
  }
}

/** A tunnel in a stream of HTTP/2. As a socket it keeps the process alive, until it is told not to. */
export class ProxyTunnel extends TunnelStream {
  /** What it is a stream of. */
  readonly beneath: PooledConnection | undefined;
  private readonly keepAlive: KeepAlive;
  private held = false;

  constructor(keepAlive: KeepAlive, source: TunnelBody, beneath: PooledConnection | undefined) {
    super(true, (error) => (error instanceof Error ? error : new Error(String(error))), source);
    this.keepAlive = keepAlive;
    this.beneath = beneath;
    this.ref();
  }

  ref(): this {
    if (!this.held && !this.destroyed) this.keepAlive.hold();
    this.held = !this.destroyed;
    return this;
  }

  unref(): this {
    if (this.held) this.keepAlive.release();
    this.held = false;
    return this;
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.unref();
    super._destroy(error, done);
  }
}
