import type { Stream } from './stream.js';

/** What came of it. */
export interface Trip {
  /** In milliseconds. */
  readonly took: number;
  /** Bytes of bulk that came meanwhile. */
  readonly bytes: number;
}

/**
 * A round trip that costs no frame: from credit for a stream to the first byte that the peer can have sent on it. Where the
 * peer had not used what it had before, it takes longer than the path.
 */
export class CreditTrip {
  private stream: Stream | undefined = undefined;
  private left = 0;
  private since = 0;
  /** Bytes in frames of bulk that have begun to come. */
  private begun = 0;
  private begunBefore = 0;

  /** One is under way, and not for so long that its stream may have nothing to come. */
  goesOn(now: number, patience: number): boolean {
    return this.stream !== undefined && now < this.since + patience;
  }

  /** @param left what the peer could send without it */
  begin(stream: Stream, left: number, now: number): void {
    this.stream = stream;
    this.left = left;
    this.since = now;
    this.begunBefore = this.begun;
  }

  /** A frame of so many bytes begins, of a stream with bulk. The trip, where that is its end. */
  came(stream: Stream, bytes: number, now: number): Trip | undefined {
    this.begun += bytes;
    if (stream !== this.stream) return undefined;
    this.left -= bytes;
    if (this.left >= 0) return undefined;
    this.stream = undefined;
    return { took: now - this.since, bytes: this.begun - this.begunBefore };
  }

  /** The stream is over. */
  ended(stream: Stream): void {
    if (stream === this.stream) this.stream = undefined;
  }
}
