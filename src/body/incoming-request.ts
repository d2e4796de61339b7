import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import { ignore, type Source } from './source-reader.js';
import { nextTick } from '../timers.js';

/** So much of what still comes is read and dropped, in bytes: the rest of a small body, and what is on its way. */
const mostDrained = 65_536;

/** Those of which some was read before they were given up: to send the rest would be to send a body that is cut short. */
const givenUp = new WeakSet<Readable>();

/**
 * Whether it is what a server was sent (node:http's IncomingMessage, http2's Http2ServerRequest and ServerHttp2Stream): its
 * owner still has to answer on the same socket or stream. Told by what it has, since frameworks change the prototype.
 */
export function isIncomingRequest(stream: Readable): boolean {
  const { method, url, rawHeaders, statusCode, respond } = stream as Partial<IncomingMessage & ServerHttp2Stream>;
  if (typeof respond === 'function') return true;
  // node:http's class serves for the responses that a client receives, too.
  const isResponse = statusCode !== undefined && (statusCode as number | null) !== null;
  return typeof method === 'string' && typeof url === 'string' && Array.isArray(rawHeaders) && !isResponse;
}

export function isGivenUp(stream: Readable): boolean {
  return givenUp.has(stream);
}

/**
 * Reads an incoming request. Stopped, it lets go of it alive: to destroy it would be to destroy the socket that the answer
 * is to go out on. Node's own iterator would hold on to it until it has another piece.
 */
export class IncomingSource implements Source {
  private readonly stream: Readable;
  private readonly forgetEnd: () => void;
  /** Null: it has ended. */
  private outcome: Error | null | undefined = undefined;
  private wake = ignore;
  private stopped = false;
  private drained = 0;
  /** The owner reads on, once we have let go. */
  private resumed = false;

  constructor(stream: Readable) {
    this.stream = stream;
    stream.on('readable', this.onReadable).on('resume', this.onResume);
    // Knows of the ways in which the kinds of streams end before their end.
    const { finished } = process.getBuiltinModule('node:stream');
    this.forgetEnd = finished(stream, { writable: false }, (error) => {
      this.outcome = error ?? null;
      this.wake();
    });
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (!this.stopped) {
      const value: unknown = this.stream.destroyed ? null : this.stream.read();
      if (value !== null) return { done: false, value };
      if (this.outcome !== undefined) break;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    if (!this.stopped) this.detach();
    if (this.outcome instanceof Error) throw this.outcome;
    return { done: true, value: undefined };
  }

  /**
   * What is left of a body is dropped while it is little, so that the next request on the connection is not held up behind
   * it; what is more waits in the client until the owner reads on or hangs up.
   */
  stop(): void {
    const stream = this.stream;
    givenUp.add(stream);
    this.stopped = true;
    this.wake(); // of a `next()` that waits
    this.wake = this.drain;
    if (this.resumed) this.handBack();
    else this.drain();
  }

  private readonly onReadable = (): void => {
    this.wake();
  };

  private readonly drain = (): void => {
    while (this.outcome === undefined && this.drained < mostDrained) {
      const piece = this.stream.read() as Uint8Array | null;
      if (piece === null) return;
      this.drained += piece.length;
    }
    this.detach();
  };

  private readonly onResume = (): void => {
    this.resumed = true;
    if (this.stopped) this.handBack();
  };

  /** node:stream lets nothing flow while somebody listens for 'readable', so the owner's call is made again. */
  private handBack(): void {
    this.detach();
    nextTick(() => this.stream.resume());
  }

  private detach(): void {
    this.forgetEnd();
    this.stream.off('readable', this.onReadable).off('resume', this.onResume);
  }
}
