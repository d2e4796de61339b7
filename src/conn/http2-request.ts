import type { Connection, Stream } from '../protocol/index.js';
import type { HttpConnection, RequestHandle, ResponseConnection } from '../ports/index.js';

/** What a request needs of its connection, and what its stream does. */
interface Http2RequestHost extends HttpConnection {
  readonly core: Connection;
  /** What responses say of it: the first, and all others. */
  readonly described: readonly [ResponseConnection, ResponseConnection];
  resetStream(stream: Stream, errorCode: number): void;
}

/** One request on an HTTP/2 connection: its stream, and the core that the stream is of. */
export class Http2Request implements RequestHandle {
  readonly connection: Http2RequestHost;
  private readonly stream: Stream;

  constructor(connection: Http2RequestHost, stream: Stream) {
    this.connection = connection;
    this.stream = stream;
  }

  get description(): ResponseConnection {
    // Stream IDs begin with 1 (RFC 9113 section 5.1.1).
    return this.connection.described[this.stream.id === 1 ? 0 : 1];
  }

  get streamId(): number {
    return this.stream.id;
  }

  /** Where it was processed is known from the peer's GOAWAY and RST_STREAM (RFC 9113 section 8.7). */
  get metClosed(): boolean {
    return false;
  }

  /** There is none to receive (RFC 9113 section 8.3.2). */
  get statusText(): string {
    return '';
  }

  send(bytes: Uint8Array, last: boolean): void {
    this.connection.core.send(this.stream, bytes, last);
  }

  sendTrailers(fields: readonly string[]): void {
    this.connection.core.sendTrailers(this.stream, fields);
  }

  dropUnsent(): void {
    this.connection.core.dropUnsent(this.stream);
  }

  reset(errorCode: number): void {
    this.connection.resetStream(this.stream, errorCode);
  }

  consume(bytes: number): void {
    this.connection.core.consume(this.stream, bytes);
  }
}
