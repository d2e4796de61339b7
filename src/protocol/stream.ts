import type { TransportError } from '../errors.js';
import { StreamState } from './stream-state.js';

/**
 * What happens on a stream, told to whoever opened it. Called from within a step of the connection: an implementation
 * stores and schedules, and runs no user code.
 */
export interface StreamSink {
  /** A 1xx header block (RFC 9110 section 15.2). */
  onInformational(status: number, fields: readonly string[]): void;
  /** The final header block. `endStream`: no body follows it. `size`: of the block as a header list (RFC 9113 section 6.5.2). */
  onHeaders(status: number, fields: readonly string[], endStream: boolean, size: number): void;
  /** Body bytes [start, end), valid during the call. Their credit returns through `Connection.consume`. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  /** The peer has ended the stream; the body is whole. */
  onEnd(trailers: readonly string[] | undefined): void;
  /** END_STREAM of our side has been sealed: the request is written. */
  onSent(): void;
  /** The piece given to `Connection.send` has been sealed. Called outside steps, by whoever drives the connection. */
  onDrain(): void;
  /** A window of the peer's holds its body back (RFC 9113 section 5.2), or does no longer. */
  onWindow?(waits: boolean): void;
  /** The stream is over before its end. Called at most once, and last. */
  onFailed(error: TransportError): void;
}

export interface StreamInit {
  /** 0 (most urgent) to 7; 3 is the default (RFC 9218 section 4.1). Orders our own uploads. */
  readonly urgency: number;
  /** Nothing follows the header block. */
  readonly endStream: boolean;
  /** The response has no body whatever it declares: HEAD. */
  readonly bodyless: boolean;
  /** What all 1xx blocks together may take, by header list size; Infinity: no limit. Undefined: as each header list. */
  readonly informationalLimit?: number | undefined;
}

/** One stream: its state, its two windows, and what it receives. Owned by the connection. */
export class Stream {
  readonly id: number;
  readonly sink: StreamSink;
  state: StreamState = StreamState.Idle;

  /** May go below zero when SETTINGS lowers the initial window (RFC 9113 section 6.9.2). */
  sendWindow: number;
  /** Undefined where the HEADERS end the request, as nearly all do. */
  readonly outgoing: Outgoing | undefined;
  /** The output position behind the HEADERS block: until so much was handed out, the peer cannot have read it. */
  sealedAt = 0;

  recvWindow: number;
  recvTarget: number;
  /** Received and not yet given back; announced in batches. */
  owed = 0;
  lastCreditAt: number;
  /** Delivered to the sink and not yet consumed. */
  unread = 0;

  headersReceived = false;
  /** What 1xx blocks may still take, by header list size; Infinity when the caller listens to them. */
  informationalLeft: number;
  /** No body may follow: HEAD, 204, 304 (RFC 9110 section 6.4.1). */
  bodyless: boolean;
  expectedLength = -1;
  receivedLength = 0;
  /** More of a body has come, or gone, than a short one has. */
  bulk = false;

  /** The error code of a RST_STREAM that waits to be sealed; -1: none. */
  resetCode = -1;
  /** True while the stream stands in the list of those with a RST_STREAM or WINDOW_UPDATE to seal. */
  listed = false;
  /** The connection's count of stream-related frames when this stream was opened. */
  framesAtOpen: number;

  constructor(
    id: number,
    init: StreamInit,
    sink: StreamSink,
    informationalLimit: number,
    sendWindow: number,
    recvWindow: number,
    frames: number,
    now: number,
  ) {
    this.id = id;
    this.sink = sink;
    this.outgoing = init.endStream ? undefined : new Outgoing(this, init.urgency);
    this.bodyless = init.bodyless;
    this.informationalLeft = informationalLimit;
    this.sendWindow = sendWindow;
    this.recvWindow = recvWindow;
    this.recvTarget = recvWindow;
    this.framesAtOpen = frames;
    this.lastCreditAt = now;
  }
}

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
  /** When more was sealed first since something came on the stream, and how much had been before; Infinity: nothing was. */
  asksSince = Infinity;
  sentBefore = 0;
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
