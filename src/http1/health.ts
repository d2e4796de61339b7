import { HealthState, type ConnectionHealth } from '../ports/index.js';

/** The connection that it is of. */
interface Http1State {
  readonly closing: boolean;
  readonly idle: boolean;
  readonly requests: number;
}

/** What an HTTP/1.1 connection says of itself: it takes one request at a time, and none that it blocks is another's. */
export class Http1Health implements ConnectionHealth {
  readonly since = Infinity;
  readonly slowUntil = -Infinity;
  readonly delay = 0;
  readonly slow = false;
  readonly greeted = true;
  readonly limit = 1;
  readonly zeroFromStart = false;
  readonly roundTrip = 0;
  readonly sendWindow = 0;
  readonly receiveWindow = 0;
  private readonly of: Http1State;

  constructor(of: Http1State) {
    this.of = of;
  }

  /** Ready also for the turn of the event loop that it takes to see whether the server has closed it. */
  get state(): HealthState {
    const { closing, idle } = this.of;
    if (closing) return HealthState.Closing;
    return idle ? HealthState.Ready : HealthState.Full;
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
