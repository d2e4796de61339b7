import type { BufferBudget, OpenInit } from '../protocol/index.js';
import type { ClientResponse, ResponseConnection } from './client-response.js';
import type { ConnectionUse } from './connection-use.js';
import type { ReadLending } from './read-lending.js';

/** Wants to know of responses that are dropped unread. */
export interface Watcher {
  registerUnread(response: ClientResponse): void;
}

/** One request's place on its carrier: a stream of HTTP/2, or a turn of an HTTP/1.1 connection. */
export interface CarriedStream {
  /** Odd, from 1, as RFC 9113 section 5.1.1 counts them. */
  readonly id: number;
  /** It failed since its connection, kept from a request before, closed with no byte of an answer (HTTP/1.1). */
  readonly metClosed?: boolean;
}

/** What a carrier may want to know of a request that its stream does not need. */
export interface Outgoing {
  readonly method: string;
  /** Of an extended CONNECT (RFC 8441): what is spoken once the server accepts. */
  readonly protocol: string | undefined;
  /** The header list as HTTP/2 sends it. */
  readonly fields: readonly string[];
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
  readonly lending?: ReadLending | undefined;
  /** What unread responses may hold, and the size of a header list, and of all interim responses that nobody listens to. */
  readonly config: { readonly budget: BufferBudget; readonly maxHeaderListSize: number };
  /** Told whether anybody waits for more of a response that is under way. */
  readonly use: Pick<ConnectionUse, 'attend'>;
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
  /** The response was made in this read; if it is still incomplete afterwards, it is watched for being dropped. */
  watch(response: ClientResponse, watcher: Watcher): void;
  describeFor(streamId: number): ResponseConnection;
}
