import type { BufferBudget, OpenInit, StreamSink } from '../protocol/index.js';
import type { TransportInfo } from './byte-transport.js';

/** The connection that a response came on. */
export interface ResponseConnection {
  /** Tells the connections of one transport apart. */
  readonly id: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** It had carried a request before. */
  readonly reused: boolean;
}

/** A connection as its first response has it, and as all others have, which share one object. */
export function describeConnection(
  id: number,
  { remoteAddress, remotePort }: Pick<ResponseConnection, 'remoteAddress' | 'remotePort'>,
): readonly [ResponseConnection, ResponseConnection] {
  const first = Object.freeze({ id, remoteAddress, remotePort, reused: false });
  return [first, Object.freeze({ ...first, reused: true })];
}

/** Wants to know when a body is dropped unread. */
export interface Watcher {
  registerUnread(body: object): void;
}

/** Retains what a read brought until the next read, so that bodies need no copy of it. */
export interface ZeroCopyReader {
  /** The body has its first view of this read. */
  retainFor(body: ZeroCopyBody): void;
}

/** A body that may hold views of the last read. */
export interface ZeroCopyBody {
  /** Copies what is unread of them; true where the reader works with one, so that the buffer must be left to it. */
  detach(): boolean;
}

/** What a request is sent with: what its stream needs, and what else a connection may want to know. */
export interface OutgoingRequest extends OpenInit {
  readonly method: string;
  /** Of an extended CONNECT (RFC 8441): what is spoken once the server accepts. */
  readonly protocol: string | undefined;
  /** Its connection is to carry no other after it: HTTP/1.1's `connection: close` (RFC 9112 section 9.6). */
  readonly closes: boolean;
  /** Undefined: none will be sent. */
  readonly trailers: unknown;
}

/** One request on its connection, whichever version of HTTP that speaks: a stream of HTTP/2, or an exchange of HTTP/1.1. */
export interface RequestHandle {
  readonly connection: HttpConnection;
  /** The connection as the response tells of it. */
  readonly description: ResponseConnection;
  /** Undefined on HTTP/1.1, which has no streams. */
  readonly streamId: number | undefined;
  /** It failed since its connection, kept from a request before, closed with no byte of an answer (HTTP/1.1). */
  readonly metClosed: boolean;
  /** The reason phrase of its response (HTTP/1.1), '' where the server sent none, and on HTTP/2, which has none. */
  readonly statusText: string;
  /** Takes one piece of the body; `onDrain` of the request's sink asks for the next one. */
  send(bytes: Uint8Array, last: boolean): void;
  /** Ends the body with trailers, flat fields in any case. Throws what is wrong with them, and then nothing has happened. */
  sendTrailers(fields: readonly string[]): void;
  /** What was not sent yet never is. */
  dropUnsent(): void;
  /** Gives the request up, with an error code of RFC 9113 section 7; nothing where it is over. */
  reset(errorCode: number): void;
  /** So many bytes of the response's body have been read. */
  consume(bytes: number): void;
}

/** What a request needs of its connection, whichever version of HTTP that speaks. */
export interface HttpConnection {
  readonly httpVersion: '2.0' | '1.1';
  /** How long it took to make, where that is known. */
  readonly info: Partial<Pick<TransportInfo, 'dial' | 'localAddress' | 'localPort'>>;
  /** When the peer's first SETTINGS came, in monotonic milliseconds. Absent in HTTP/1.1. */
  readonly greetedAt?: number | undefined;
  /**
   * How much of this time the peer read nothing, in milliseconds, as far as it is known; without stalls that began after
   * `before`. Absent in HTTP/1.1.
   */
  stalledWithin?(from: number, to: number, before: number): number;
  /** The time of the step under way. */
  readonly now: number;
  /** What is passed on of a body is overwritten by the next read. */
  readonly transientReads: boolean;
  /** There where what is passed on of a body can be retained until the next read. */
  readonly zeroCopy?: ZeroCopyReader | undefined;
  /** What unread responses may hold. */
  readonly config: { readonly budget: BufferBudget };
  /** Told whether anybody waits for more of a response that is under way. */
  readonly use: { attend(attended: boolean): void };
  /** The peer takes extended CONNECT (RFC 8441 section 3). */
  readonly extendedConnect: boolean;
  /** The peer's GOAWAY spared requests, so it ended for no fault of theirs. */
  readonly drainedInOrder: boolean;
  /** Begins to send a request, or throws what keeps it from being sent. */
  open(request: OutgoingRequest, sink: StreamSink): RequestHandle;
  /** Runs `task` when the step under way is over. */
  later(task: () => void): void;
  /** The body's response was made in this read; if it is incomplete afterwards, it is watched for being dropped. */
  watch(body: object, watcher: Watcher): void;
}
