import {
  blockedSince,
  HealthState,
  type ConnectionBeneath,
  type ConnectionHealth,
  type Http1Config,
} from '../ports/index.js';

/** The connection that it is of. */
interface Http1State {
  readonly closing: boolean;
  readonly idle: boolean;
  readonly requests: number;
  readonly config: Pick<Http1Config, 'beneath'>;
}

/** What an HTTP/1.1 connection says of itself: it takes one request at a time, and none that it blocks is another's. */
export class Http1Health implements ConnectionHealth {
  readonly slowUntil = -Infinity;
  readonly silent = false;
  readonly greeted = true;
  readonly limit = 1;
  readonly zeroFromStart = false;
  readonly roundTrip = 0;
  readonly sendWindow = 0;
  readonly receiveWindow = 0;
  readonly heardAt = -Infinity;
  private readonly of: Http1State;

  constructor(of: Http1State) {
    this.of = of;
  }

  /** Ready also for the turn of the event loop that it takes to see whether the server has closed it. */
  get state(): HealthState {
    const { closing, idle } = this.of;
    if (closing) return HealthState.Closing;
    if (!idle) return HealthState.Full;
    if (this.since < Infinity) return HealthState.Stalled;
    return this.slow ? HealthState.Slow : HealthState.Ready;
  }

  get since(): number {
    return blockedSince(this.of.config.beneath);
  }

  get slowBeneath(): ConnectionBeneath | undefined {
    const { beneath } = this.of.config;
    return beneath?.numbers.slow === true ? beneath : undefined;
  }

  get slow(): boolean {
    return this.slowBeneath !== undefined;
  }

  get delay(): number {
    return this.slowBeneath?.health(true).delay ?? 0;
  }

  get streams(): number {
    return this.of.idle ? 0 : 1;
  }

  get requests(): number {
    return this.of.requests;
  }

  get answered(): boolean {
    return this.requests > this.streams;
  }
}
