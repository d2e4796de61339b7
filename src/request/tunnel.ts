import { Duplex } from 'node:stream';
import type { ResponseConnection } from '../ports/index.js';
import type { ClientResponse } from './client-response.js';
import { chunksOf, handOn, type ChunkReader } from '../body/index.js';
import { setImmediate } from '../timers.js';

type Written = (error?: Error | null) => void;

/**
 * The writable side of a {@link TunnelStream} as the body of a request: one piece at a time, asked for when it can be
 * sent. What it has room for counts as written at once, as by a kernel, so that it is sent even where the stream is destroyed
 * next.
 */
export class TunnelBody implements AsyncIterableIterator<Uint8Array> {
  readonly #room: number;
  readonly #pieces: Uint8Array[] = [];
  /** Of the pieces, and of the one that is being sent. */
  #size = 0;
  #sending = 0;
  /** There was no room for the last piece. */
  #held: Written | undefined = undefined;
  #asked: ((result: IteratorResult<Uint8Array, undefined>) => void) | undefined = undefined;
  #ended = false;

  /** @param room bytes; 1: nothing counts as written before the connection has taken it */
  constructor(room = 65_536) {
    this.#room = room;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Called again once the piece before has been handed to the connection. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#size -= this.#sending;
    this.#sending = 0;
    if (this.#size < this.#room) this.#release();
    return new Promise((resolve) => {
      this.#asked = resolve;
      this.#answer();
    });
  }

  /** The transport wants no more of it. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#ended = true;
    this.#size = 0;
    this.#sending = 0;
    this.#release(this.#pieces.length > 0 ? new Error('The server takes no more data') : null);
    this.#pieces.length = 0;
    this.#answer();
    return Promise.resolve({ done: true, value: undefined });
  }

  write(bytes: Uint8Array, written: Written): void {
    if (this.#ended) return written(new Error('The server takes no more data'));
    this.#size += bytes.byteLength;
    const fits = this.#size < this.#room;
    // A copy: who is told that it is written may write over it.
    this.#pieces.push(fits ? Uint8Array.from(bytes) : bytes);
    if (fits) written();
    else this.#held = written;
    this.#answer();
  }

  end(): void {
    this.#ended = true;
    this.#answer();
  }

  /** Bytes that the connection has not been handed yet. */
  get pending(): number {
    return this.#size;
  }

  #release(error: Error | null = null): void {
    const held = this.#held;
    this.#held = undefined;
    held?.(error);
  }

  #answer(): void {
    const asked = this.#asked;
    if (asked === undefined || (this.#pieces.length === 0 && !this.#ended)) return;
    this.#asked = undefined;
    const piece = this.#pieces.shift();
    this.#sending = piece?.byteLength ?? 0;
    asked(piece === undefined ? { done: true, value: undefined } : { done: false, value: piece });
  }
}

/** The two directions of a CONNECT (RFC 9113 section 8.5, RFC 8441) as one stream. */
export class TunnelStream extends Duplex {
  /** What the request sends. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly #source: TunnelBody;
  readonly #toError: (error: unknown) => Error;
  #request: { abort(reason: unknown): void } | undefined = undefined;
  #response: ClientResponse | undefined = undefined;
  #chunks: ChunkReader | undefined = undefined;
  #waiting = false;

  /**
   * @param allowHalfOpen as of a socket: whether it can still be written to when the server has ended
   * @param toError makes of a failure what the stream's user knows
   * @param source what is the body of the request already
   */
  constructor(allowHalfOpen: boolean, toError: (error: unknown) => Error, source = new TunnelBody()) {
    super({ allowHalfOpen, highWaterMark: 65_536 });
    this.#toError = toError;
    this.#source = source;
    this.body = source;
  }

  /** The server has accepted: from now on it carries data. */
  open(response: ClientResponse, request: { abort(reason: unknown): void } | undefined): void {
    this.#response = response;
    this.#request = request;
    this.#chunks = chunksOf(response.body);
    if (this.#wanted) this.#pull();
    else this.read(0); // as a socket does, which so hears of its end though nobody reads
  }

  get connection(): ResponseConnection | undefined {
    return this.#response?.connection;
  }

  get remoteAddress(): string | undefined {
    return this.connection?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.connection?.remotePort;
  }

  /** As a socket's. */
  address(): { address: string | undefined; port: number | undefined; family: string } {
    const { remoteAddress: address, remotePort: port } = this;
    return { address, port, family: address?.includes(':') === true ? 'IPv6' : 'IPv4' };
  }

  #wanted = false;

  override _read(): void {
    this.#wanted = true;
    if (!this.#waiting) this.#pull();
  }

  #pull(): void {
    const chunks = this.#chunks;
    if (chunks === undefined) return;
    try {
      while (this.#wanted && !this.destroyed) {
        const chunk = chunks.take();
        if (chunk === undefined) return this.#ended(chunks);
        this.#wanted = handOn(this, chunk);
      }
    } catch (error) {
      this.destroy(this.#toError(error));
    }
  }

  #ended(chunks: ChunkReader): void {
    if (chunks.finished) {
      this.#wanted = false;
      this.push(null);
      this.read(0); // as a socket does: with nothing left to read, its end is seen though nobody reads
      return;
    }
    this.#waiting = true;
    void chunks.wait().then(() => {
      this.#waiting = false;
      this.#pull();
    });
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, written: Written): void {
    this.#source.write(chunk, written);
  }

  override _final(done: Written): void {
    this.#source.end();
    done();
  }

  /** What was written before goes out first, as it does over a socket, while the connection takes it. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const give = (before: number): void => {
      const { pending } = this.#source;
      if (this.#response !== undefined && pending > 0 && pending < before) return void setImmediate(give, pending);
      const reason = error ?? new Error('The stream was destroyed');
      this.#request?.abort(reason);
      this.#response?.body.cancel(reason);
      done(error);
    };
    give(Infinity);
  }
}
