import { TransportError } from '../errors.js';
import { nameRequest, type RequestLine } from '../request-line.js';
import type { ChunkReader } from './body-source.js';
import type { ChunkSource } from './decompress.js';

export interface ResponseBodyOptions {
  /** Of the request, for errors to name it. Default: they do not. */
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** In bytes, after decoding; 0, the default: no limit. */
  readonly maxResponseSize?: number | undefined;
  /** How many bytes decoding may make of each that came. Default: 500 for who reads all at once, else no limit. */
  readonly maxDecompressionRatio?: number | undefined;
}

/** Whose response it is, where that is known. @param attempts how many times the request was sent */
export function lineOf(of: Pick<ResponseBodyOptions, 'method' | 'url'>, attempts?: number): RequestLine | undefined {
  const { method, url } = of;
  return method === undefined || url === undefined ? undefined : { method, url, attempts };
}

/** Where the one reader of a body stands: what all ways of reading are made of. */
export class Reading implements ChunkReader {
  /** What is taken is valid only until more is taken. */
  borrowing = false;
  private readonly source: ChunkSource;
  private readonly limit: number;
  /** Not the request itself, which may hold a body. */
  private readonly method: string | undefined;
  private readonly url: string | undefined;
  private readonly attempts: number | undefined;
  private size = 0;
  /** In bytes, what holds all of it can hold, where there is such a thing. */
  private most: number | undefined = undefined;
  /** Why there is no more to read, other than what the source says: cancelled, or too large. */
  private refusal: TransportError | undefined = undefined;

  constructor(source: ChunkSource, options: ResponseBodyOptions, attempts?: number) {
    this.source = source;
    this.limit = options.maxResponseSize ?? 0;
    this.method = options.method;
    this.url = options.url;
    this.attempts = attempts;
  }

  /** The error, saying whose response it concerns. */
  about(error: TransportError): TransportError {
    const { request } = this;
    if (request !== undefined) nameRequest(error, request);
    return error;
  }

  /** Whose response it is, where that is known. */
  get request(): RequestLine | undefined {
    return lineOf({ method: this.method, url: this.url }, this.attempts);
  }

  /** Everything was read. */
  get finished(): boolean {
    return this.source.ended && this.source.buffered === 0 && this.refusal === undefined;
  }

  /** Nothing more will arrive. */
  get complete(): boolean {
    return this.source.ended;
  }

  /** Reads on, without looking at it. What counts towards a limit has to be looked at. */
  discard(): void {
    this.borrowing = true;
    if (this.limit === 0) this.source.discard?.();
  }

  /** All of it will be held at once, in what can hold so many bytes. */
  gathers(most?: number): void {
    this.most = most;
    this.source.gathers?.();
  }

  check(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }

  /** The next chunk; undefined where none is at hand or `finished`. Throws once what had arrived of a cut body is read. */
  take(): Uint8Array | undefined {
    this.check();
    const source = this.source;
    const chunk = this.borrowing && source.borrow !== undefined ? source.borrow() : source.read();
    if (chunk === undefined) {
      if (source.failed) throw source.error;
      return undefined;
    }
    this.size += chunk.byteLength;
    if (this.limit > 0 && this.size > this.limit)
      throw this.tooLarge(`exceeds ${this.limit} bytes; raise maxResponseSize if that is expected`);
    if (this.most !== undefined && this.size > this.most)
      throw this.tooLarge(`exceeds the ${this.most} bytes that can be read at once; read it in pieces`);
    return chunk;
  }

  /** The next chunk; undefined where `finished`. One call at a time. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.take();
      if (chunk !== undefined || this.finished) return chunk;
      await this.source.wait();
    }
  }

  /** Takes all that is at hand; true where that was the rest. */
  gather(into: Uint8Array[]): boolean {
    for (;;) {
      const chunk = this.take();
      if (chunk === undefined) return this.finished;
      into.push(chunk);
    }
  }

  wait(): Promise<void> {
    return this.source.wait();
  }

  cancel(reason: unknown): void {
    const source = this.source;
    if (this.refusal !== undefined || (source.buffered === 0 && (source.ended || source.failed))) return;
    const init = { scope: 'request', initiator: 'user', cause: reason } as const;
    this.refusal = this.about(
      new TransportError('ERR_PASSINGLANE_BODY_CANCELLED', 'The response body was cancelled', init),
    );
    source.cancel(reason);
  }

  private tooLarge(how: string): TransportError {
    const error = new TransportError('ERR_PASSINGLANE_RESPONSE_TOO_LARGE', `The response body ${how}`, {
      scope: 'request',
      initiator: 'local',
    });
    this.refusal = this.about(error);
    this.source.cancel(error);
    return error;
  }
}
