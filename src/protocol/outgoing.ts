import type { Stream } from './stream.js';

/** What follows a request's HEADERS on its stream, and what waits to be sealed of it. */
export class Outgoing {
  readonly stream: Stream;
  readonly urgency: number;
  /** The piece of the body being sealed, borrowed from its source, and how far sealing has come. */
  chunk: Uint8Array | undefined = undefined;
  chunkAt = 0;
  /** Its length when it was given: a buffer that was detached since has none. */
  chunkLength = 0;
  /** The chunk is the last: END_STREAM, or the trailers, follow it. */
  ends = false;
  trailers: readonly string[] | undefined = undefined;
  /** What of the connection's window is kept for the body, which is short and at hand. */
  promised = 0;
  /** Sealed of the body, as far as that is not at hand whole. */
  sentLength = 0;
  /** A window holds the chunk back. */
  windowWait = false;
  /** The next DATA may be as short as a window makes it. Owned by SmallData. */
  sendsSmall = false;
  /** True while it stands in the send scheduler, and who comes after it there. Owned by SendScheduler. */
  scheduled = false;
  scheduledNext: Outgoing | undefined = undefined;

  constructor(stream: Stream, urgency: number) {
    this.stream = stream;
    this.urgency = urgency;
  }

  /** Drops what is not sealed. */
  drop(): void {
    this.chunk = undefined;
    this.trailers = undefined;
  }
}
