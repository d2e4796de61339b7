import type { ByteTransport, Clock } from '../ports/index.js';
import { queueMicrotask } from '../timers.js';

/** One write to the socket at most, in bytes: what is sealed up to the high-water mark (64 or 110 KiB), and the frame that crosses it. */
const chunkSize = 131_072;
/** How much goes out at most before the event loop has polled, in bytes: reading and timers go on beside an upload. */
const mostUnpolled = 262_144;
/** How often a write waits, for a turn of the microtasks, for the next pieces of bodies whose sources have them at hand. */
const mostWaits = 64;

/** Where the pump gets its bytes, and whom it tells that the socket has taken them. */
export interface PumpSource {
  /**
   * At most `limit` bytes, untouched until the next call; empty when there is nothing to write. Undefined, only if
   * `mayWait`: sources were asked for more, and what they have at hand comes before the next turn.
   */
  take(limit: number, mayWait: boolean): Uint8Array | undefined;
  taken(): void;
  /** The turn that the pump was woken in ends: what waits for that may have more for the chunk, as a body that is at hand. */
  flushing(): void;
  /** A chunk has just been handed over, or the end of the turn that the pump was woken in has come without one. */
  wrote(): void;
}

/**
 * The one place that waits for the socket: hands it one chunk, and the next when that one has been taken. Woken any
 * number of times in one turn of the event loop, it writes once, at the turn's end.
 */
export class WritePump {
  /** The socket has a chunk that it has not taken yet. */
  writing = false;
  /** At the end of this turn it writes, and tells its source. */
  woken = false;
  /** Written since the event loop polled last, as far as is known, in bytes. */
  private unpolled = 0;
  private waitsForPoll = false;
  private stopped = false;
  private readonly transport: ByteTransport;
  private readonly source: PumpSource;
  private readonly clock: Clock;
  private readonly flush = (): void => {
    this.source.flushing();
    this.woken = false;
    if (!this.write()) this.source.wrote();
  };
  private readonly onTaken = (): void => {
    this.writing = false;
    this.source.taken();
    this.write();
  };
  private readonly onPoll = (): void => {
    this.waitsForPoll = false;
    this.unpolled = 0;
    this.write();
  };
  private readonly again = (): void => {
    this.wake();
  };
  private waits = 0;
  private whenEmpty: (() => void) | undefined = undefined;

  constructor(transport: ByteTransport, source: PumpSource, clock: Clock) {
    this.transport = transport;
    this.source = source;
    this.clock = clock;
  }

  wake(): void {
    if (this.woken || this.writing || this.waitsForPoll || this.stopped) return;
    this.woken = true;
    this.clock.defer(this.flush);
  }

  /** Something has been read, so the event loop polls. */
  polled(): void {
    this.unpolled = 0;
  }

  /** Calls back, once, when nothing is left to write: at once if that is so now. Last words wait for nothing. */
  drain(callback: () => void): void {
    this.whenEmpty = callback;
    if (!this.writing) this.write();
  }

  stop(): void {
    this.stopped = true;
    this.whenEmpty = undefined;
  }

  /** True: the source has been told of a chunk. */
  private write(): boolean {
    if (this.stopped || this.writing || this.mustPoll()) return false;
    const bytes = this.source.take(chunkSize, this.waits < mostWaits);
    if (bytes === undefined) {
      this.waits++;
      queueMicrotask(this.again);
      return false;
    }
    this.waits = 0;
    if (bytes.length === 0) {
      const callback = this.whenEmpty;
      this.whenEmpty = undefined;
      callback?.();
      return false;
    }
    this.writing = true;
    this.unpolled += bytes.length;
    this.transport.write(bytes, this.onTaken);
    this.source.wrote();
    return true;
  }

  /** A socket that takes all it is given at once would have the pump go on and on in one turn of the event loop. */
  private mustPoll(): boolean {
    if (this.unpolled < mostUnpolled || this.whenEmpty !== undefined) return false;
    if (!this.waitsForPoll) {
      this.waitsForPoll = true;
      this.clock.afterPoll(this.onPoll);
    }
    return true;
  }
}
