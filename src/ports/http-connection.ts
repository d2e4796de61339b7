import type { BufferBudget, OpenInit } from '../protocol/index.js';

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

/** Lends a body what a read brought, until the next read. */
export interface ReadLender {
  /** The body has been lent its first piece of this read. */
  lent(body: Borrower): void;
}

/** A body that holds what it was lent. */
export interface Borrower {
  /** Makes what is still lent its own; true where there was something. */
  keep(): boolean;
}

/** One request's place on its carrier: a stream of HTTP/2, or a turn of an HTTP/1.1 connection. */
export interface CarriedStream {
  /** Odd, from 1, as RFC 9113 section 5.1.1 counts them. */
  readonly id: number;
  /** It failed since its connection, kept from a request before, closed with no byte of an answer (HTTP/1.1). */
  readonly metClosed?: boolean;
  /** The reason phrase of its response (HTTP/1.1), '' where the server sent none. */
  readonly statusText?: string;
}

/** What a carrier may want to know of a request that its stream does not need. */
export interface Outgoing {
  readonly method: string;
  /** Of an extended CONNECT (RFC 8441): what is spoken once the server accepts. */
  readonly protocol: string | undefined;
  /** The header list as HTTP/2 sends it. */
  readonly fields: readonly string[];
  /** Its connection is to carry no other after it: HTTP/1.1's `connection: close` (RFC 9112 section 9.6). */
  readonly closes: boolean;
  /** Undefined: none will be sent. */
  readonly trailers: unknown;
}

/** What sends the body of a request. */
export interface Outlet {
  /** Takes one piece; `onHungry` of the stream's sink asks for the next one. */
  send(stream: CarriedStream, bytes: Uint8Array, last: boolean): void;
  sendTrailers(stream: CarriedStream, fields: readonly string[]): void;
  /** What was not sent yet never is. */
  dropUnsent(stream: CarriedStream): void;
}

/** What a request needs of the connection that carries it, whichever version of HTTP that speaks. */
export interface Carrier {
  readonly httpVersion: '2.0' | '1.1';
  readonly core: Outlet;
  /** The time of the step under way. */
  readonly now: number;
  /** What is passed on of a body is overwritten by the next read. */
  readonly transientReads: boolean;
  /** There where what is passed on of a body can be lent until the next read. */
  readonly lending?: ReadLender | undefined;
  /** What unread responses may hold, and the size of a header list, and of all interim responses that nobody listens to. */
  readonly config: { readonly budget: BufferBudget; readonly maxHeaderListSize: number };
  /** Told whether anybody waits for more of a response that is under way. */
  readonly use: { attend(attended: boolean): void };
  /** The peer takes extended CONNECT (RFC 8441 section 3). */
  readonly extendedConnect: boolean;
  /** The peer's GOAWAY spared requests, so it ended for no fault of theirs. */
  readonly drainedInOrder: boolean;
  /** Begins to send a request, or throws what keeps it from being sent. */
  openStream(init: OpenInit, request: Outgoing): CarriedStream;
  /** So many bytes of the body have been read. */
  consume(stream: CarriedStream, bytes: number): void;
  /** Gives the request up; nothing where it is over. */
  resetStream(stream: CarriedStream, errorCode: number): void;
  /** Runs `task` when the step under way is over. */
  later(task: () => void): void;
  /** The body's response was made in this read; if it is incomplete afterwards, it is watched for being dropped. */
  watch(body: object, watcher: Watcher): void;
  describeFor(streamId: number): ResponseConnection;
}
