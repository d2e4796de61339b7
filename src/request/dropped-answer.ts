import { ErrorCode } from '../protocol/index.js';
import { setDeadline, type Clock, type RequestHandle, type TimerHandle } from '../ports/index.js';

/** So much of a body, in bytes, and for so long, in milliseconds, is read to keep a connection of HTTP/1.1. */
const worthReading = 65_536;
const worthWaiting = 1_000;

/**
 * An answer that nobody gets, since its request is sent again. What has come of its body goes, and what has not is
 * cancelled; but HTTP/1.1, where that costs the connection, reads a small one to its end.
 */
export class DroppedAnswer {
  private readonly handle: RequestHandle;
  private readonly clock: Clock;
  private readonly done: () => void;
  private timer: TimerHandle | undefined = undefined;
  private bytes = 0;
  private over = false;

  /** @param done called once, when the connection is free of it */
  constructor(handle: RequestHandle, clock: Clock, done: () => void) {
    this.handle = handle;
    this.clock = clock;
    this.done = done;
    const cut = (): void => this.cut();
    if (handle.connection.httpVersion === '2.0') handle.connection.later(cut);
    else this.timer = setDeadline(clock, worthWaiting, cut, true);
  }

  onData(bytes: number): void {
    this.handle.consume(bytes);
    this.bytes += bytes;
    if (this.bytes > worthReading) this.cut();
  }

  /** What is left of it does not come, or has come. */
  end(): void {
    if (this.over) return;
    this.stop();
    this.done();
  }

  /** The request has ended meanwhile. */
  stop(): void {
    this.over = true;
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
  }

  private cut(): void {
    if (this.over) return;
    this.handle.reset(ErrorCode.Cancel);
    this.end();
  }
}
