import { Duplex } from 'node:stream';
import type { ClientResponse, ResponseConnection } from './client-response.js';
import { chunksOf, type ChunkReader } from './response-body.js';

type Written = (error?: Error | null) => void;

/** The writable side of a {@link TunnelStream} as the body of a request: one piece at a time, asked for when it can be sent. */
export class TunnelBody implements AsyncIterableIterator<Uint8Array> {
  private piece: { readonly bytes: Uint8Array; readonly written: Written } | undefined = undefined;
  private sending: Written | undefined = undefined;
  private asked: ((result: IteratorResult<Uint8Array, undefined>) => void) | undefined = undefined;
  private ended = false;

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Called again once the piece before has been handed to the connection. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { sending } = this;
    this.sending = undefined;
    sending?.();
    return new Promise((resolve) => {
      this.asked = resolve;
      this.answer();
    });
  }

  /** The transport wants no more of it. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.ended = true;
    const error = new Error('The server takes no more data');
    const { piece, sending } = this;
    this.piece = undefined;
    this.sending = undefined;
    sending?.();
    piece?.written(error);
    this.answer();
    return Promise.resolve({ done: true, value: undefined });
  }

  write(bytes: Uint8Array, written: Written): void {
    if (this.ended) return written(new Error('The server takes no more data'));
    this.piece = { bytes, written };
    this.answer();
  }

  end(): void {
    this.ended = true;
    this.answer();
  }

  private answer(): void {
    const { asked, piece } = this;
    if (asked === undefined || (piece === undefined && !this.ended)) return;
    this.asked = undefined;
    this.piece = undefined;
    this.sending = piece?.written;
    asked(piece === undefined ? { done: true, value: undefined } : { done: false, value: piece.bytes });
  }
}

/** The two directions of a CONNECT (RFC 9113 section 8.5, RFC 8441) as one stream. */
export class TunnelStream extends Duplex {
  /** What the request sends. */
  readonly body: AsyncIterable<Uint8Array>;
  private readonly source: TunnelBody;
  private readonly toError: (error: unknown) => Error;
  private request: { abort(reason: unknown): void } | undefined = undefined;
  private response: ClientResponse | undefined = undefined;
  private chunks: ChunkReader | undefined = undefined;
  private waiting = false;

  /**
   * @param allowHalfOpen as of a socket: whether it can still be written to when the server has ended
   * @param toError makes of a failure what the stream's user knows
   * @param source what is the body of the request already
   */
  constructor(allowHalfOpen: boolean, toError: (error: unknown) => Error, source = new TunnelBody()) {
    super({ allowHalfOpen, highWaterMark: 65_536 });
    this.toError = toError;
    this.source = source;
    this.body = source;
  }

  /** The server has accepted: from now on it carries data. */
  open(response: ClientResponse, request: { abort(reason: unknown): void } | undefined): void {
    this.response = response;
    this.request = request;
    this.chunks = chunksOf(response.body);
    if (this.wanted) this.pull();
    else this.read(0); // as a socket does, which so hears of its end though nobody reads
  }

  get connection(): ResponseConnection | undefined {
    return this.response?.connection;
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

  private wanted = false;

  override _read(): void {
    this.wanted = true;
    if (!this.waiting) this.pull();
  }

  private pull(): void {
    const { chunks } = this;
    if (chunks === undefined) return;
    try {
      while (this.wanted && !this.destroyed) {
        const chunk = chunks.take();
        if (chunk === undefined) return this.ended(chunks);
        this.wanted = this.push(chunk);
      }
    } catch (error) {
      this.destroy(this.toError(error));
    }
  }

  private ended(chunks: ChunkReader): void {
    if (chunks.finished) {
      this.wanted = false;
      this.push(null);
      return;
    }
    this.waiting = true;
    void chunks.wait().then(() => {
      this.waiting = false;
      this.pull();
    });
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, written: Written): void {
    this.source.write(chunk, written);
  }

  override _final(done: Written): void {
    this.source.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const reason = error ?? new Error('The stream was destroyed');
    this.request?.abort(reason);
    this.response?.body.cancel(reason);
    done(error);
  }
}
