import type { Duplex } from 'node:stream';
import type { TransportError } from '../errors.js';
import {
  buildTrailerFields,
  fieldListSize,
  setDeadline,
  type Clock,
  type Http1Config,
  type HttpConnection,
  type OutgoingRequest,
  type RequestHandle,
  type ResponseConnection,
  type StreamSink,
  type TimerHandle,
} from '../ports/index.js';
import { listValue } from '../field-list.js';
import { nextTick } from '../timers.js';
import {
  behindResponse,
  bytesBeforeRequest,
  hungUp,
  requestFailed,
  tooManyInterim,
  wrongUpgrade,
  writeTimedOut,
} from './failures.js';
import { MalformedResponse } from './malformed.js';
import { requestHead, writeFields, writeHead } from './request-head.js';
import { Framing, type ResponseHead } from './response-head.js';
import { ResponseParser, type ResponseListener } from './response-parser.js';

/** A response that nobody reads is read up to here, in bytes; then its connection waits for the reader. */
const highWaterMark = 65_536;

/** A body goes out in pieces of this size, in bytes, so that progress shows. */
const pieceSize = 65_536;

/** What the status of an interim response counts for, as its field does in HTTP/2: without any it would be nothing. */
const statusSize = fieldListSize([':status', '100']);

/** What an exchange needs of its connection. */
export interface Http1ExchangeHost extends HttpConnection {
  readonly config: Http1Config;
  readonly clock: Clock;
  readonly origin: string;
  readonly writeTimeout: number;
  /** Its 'data', 'end', 'error' and 'close' come by way of the connection. */
  readonly socket: Duplex & { readonly bytesRead?: number };
  /** The server says how long it keeps an idle connection. */
  onKeepAlive(field: string): void;
  /** The connection is the tunnel of this exchange from here on. */
  onUpgraded(): void;
  /** Request and response are through. */
  onComplete(exchange: Http1Exchange): void;
  /** The connection is of no more use. */
  onBroken(error: TransportError): void;
  /** There were more bytes than the response has. */
  onUnasked(): void;
  /** What the socket holds and has not handed out, now that it is given up. */
  unread(): Buffer | null;
}

/** One request and its response on an HTTP/1.1 connection. */
export class Http1Exchange implements RequestHandle, ResponseListener {
  readonly connection: Http1ExchangeHost;
  readonly description: ResponseConnection;
  readonly streamId = undefined;
  /** Its head was handed to the socket. */
  written = false;
  metClosed = false;
  statusText = '';
  /** The last request of its connection. */
  closes: boolean;
  private readonly outgoing: OutgoingRequest;
  private readonly sink: StreamSink;
  private readonly parser: ResponseParser;
  /** Until it is written. */
  private head: string | undefined;
  private readonly chunked: boolean;
  /** It asks for an upgrade, and has no body unless that is granted. */
  private readonly asksUpgrade: boolean;
  /** The socket carries what was asked for (RFC 9110 section 7.8). */
  private tunnel = false;
  /** What was read last, as bodies have it. */
  private bytes: Uint8Array | undefined = undefined;
  /** The sink has had the final headers, and then the end. */
  private begun = false;
  private told = false;
  /** What went wrong once the response was whole: an upload that goes on ends with it. */
  private late: TransportError | undefined = undefined;
  /** All of the request is handed to the socket, and then the socket is done with it. */
  private handedOver: boolean;
  private sent: boolean;
  /** The response is whole. */
  private ended = false;
  /** The sink hears nothing more. */
  private over = false;
  /** The rest of the body is not sent. */
  private stopped = false;
  /** Bytes of the body that wait to be read. */
  private buffered = 0;
  /** The socket waits for the reader. */
  private paused = false;
  private draining = false;
  private interim = 0;
  private readonly receivedBefore: number | undefined;
  private writeTimer: TimerHandle | undefined = undefined;

  constructor(
    connection: Http1ExchangeHost,
    description: ResponseConnection,
    request: OutgoingRequest,
    sink: StreamSink,
  ) {
    this.connection = connection;
    this.description = description;
    this.outgoing = request;
    this.sink = sink;
    this.closes = request.closes;
    this.asksUpgrade = request.protocol !== undefined;
    const { socket, origin, config, clock } = connection;
    this.receivedBefore = socket.bytesRead;
    this.parser = new ResponseParser(this, request.bodyless, config.maxHeaderListSize);
    const head = requestHead(request);
    this.head = writeHead(head, origin);
    this.chunked = head.chunked;
    this.handedOver = this.sent = request.endStream || this.asksUpgrade;
    // Not within the call: a stream may answer before it has taken all, and the caller has no handle yet. The first piece of
    // a body that is there already comes a tick later, and goes out with the head.
    if (this.sent) clock.defer(() => this.flushHead());
    else clock.defer(() => clock.defer(() => this.flushHead()));
  }

  // --- the request ---

  private flushHead(): void {
    const { head } = this;
    const { socket } = this.connection;
    this.head = undefined;
    if (head === undefined || this.over) return;
    if (!socket.writable) return this.onError(socket.errored ?? hungUp());
    this.written = true;
    socket.write(head, 'latin1');
  }

  /** Writes a piece of the body; the sink hears when the socket has taken it. */
  send(bytes: Uint8Array, last: boolean): void {
    if (this.asksUpgrade && !this.tunnel) {
      if (last) this.sink.onSent(); // no upgrade, and so nothing to be sent
      return;
    }
    if (bytes.length === 0) {
      if (last) this.sendEnd('');
      return;
    }
    const piece = bytes.subarray(0, pieceSize);
    const rest = bytes.subarray(pieceSize);
    const final = last && rest.length === 0;
    this.startWriteTimer();
    this.write(piece, final, (error) => {
      this.stopWriteTimer();
      if (error || this.stopped || this.connection.socket.destroyed) return;
      if (rest.length > 0) this.send(rest, last);
      else if (final) this.onSent();
      else this.sink.onDrain();
    });
  }

  private write(piece: Uint8Array, final: boolean, done: (error?: Error | null) => void): void {
    const { socket } = this.connection;
    if (this.tunnel) {
      socket.write(piece, done);
      if (final) socket.end();
      return;
    }
    socket.cork();
    this.flushHead();
    if (this.chunked) {
      socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
      socket.write(piece);
      socket.write(final ? '\r\n0\r\n\r\n' : '\r\n', 'latin1', done);
    } else socket.write(piece, done);
    socket.uncork();
    if (final) this.handedOver = true;
  }

  sendTrailers(fields: readonly string[]): void {
    this.sendEnd(writeFields(buildTrailerFields(fields, false), this.connection.origin));
  }

  /** @param trailers their lines */
  private sendEnd(trailers: string): void {
    const { socket } = this.connection;
    this.handedOver = true;
    if (this.tunnel) socket.end();
    else {
      this.flushHead();
      if (!this.chunked) return this.onSent();
      socket.write(`0\r\n${trailers}\r\n`, 'latin1', (error) => {
        if (!error) this.onSent();
      });
    }
  }

  dropUnsent(): void {
    this.stopped = true;
  }

  private onSent(): void {
    if (this.tunnel || this.sent) return;
    this.sent = true;
    this.sink.onSent();
    if (this.told) this.connection.onComplete(this);
  }

  /** All of the request and of the response are through. */
  get complete(): boolean {
    return this.ended && (this.tunnel ? this.connection.socket.writableFinished : this.sent);
  }

  // --- the response ---

  /** The socket has read these. */
  onRead(chunk: Buffer): void {
    if (this.over) return;
    if (!this.written) return this.onEarly();
    this.bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    const used = this.tunnel ? 0 : this.parse(chunk);
    if (this.over || used === undefined) return;
    if (this.tunnel) {
      if (used < chunk.length) this.onBody(used, chunk.length);
      return;
    }
    if (this.told && used < chunk.length) return this.onError(behindResponse());
    if (!this.parser.whole) return;
    if (used < chunk.length) this.connection.onUnasked();
    this.onWhole();
  }

  /** No answer to what has not gone out: on a connection that was kept it may be meant for the request before. */
  private onEarly(): void {
    const { connection, description } = this;
    if (description.reused) connection.onUnasked();
    else this.fail(bytesBeforeRequest(connection.origin));
  }

  private parse(chunk: Buffer): number | undefined {
    try {
      return this.parser.execute(chunk);
    } catch (error) {
      if (!(error instanceof MalformedResponse)) throw error;
      this.onError(error);
      return undefined;
    }
  }

  onHead(head: ResponseHead): void {
    const { status, fields } = head;
    this.statusText = head.statusText;
    if (status === 101) return this.onSwitch(head);
    if (status < 200) return this.onInformational(status, fields);
    const keepAlive = listValue(fields, 'keep-alive');
    if (keepAlive !== undefined) this.connection.onKeepAlive(keepAlive);
    if (!head.persistent) this.closes = true;
    this.begun = true;
    this.sink.onHeaders(status, fields, head.framing === Framing.None, fieldListSize(fields));
  }

  private onInformational(status: number, fields: readonly string[]): void {
    const { informationalLimit = this.connection.config.maxHeaderListSize } = this.outgoing;
    this.interim += statusSize + fieldListSize(fields);
    if (this.interim > informationalLimit) return this.fail(tooManyInterim(this.connection.origin, informationalLimit));
    this.sink.onInformational(status, fields);
  }

  /** The socket carries what was asked for, beginning with what came behind the head, and ends with it. */
  private onSwitch({ upgrade, fields }: ResponseHead): void {
    const { socket, origin } = this.connection;
    if (!this.asksUpgrade || !upgrade) return this.fail(wrongUpgrade(origin, this.asksUpgrade));
    this.tunnel = true;
    this.connection.onUpgraded();
    socket.once('finish', () => {
      if (!this.over) this.sink.onSent();
    });
    this.sink.onHeaders(101, fields, false, fieldListSize(fields));
  }

  onBody(start: number, end: number): void {
    if (this.over) return;
    const { config, socket } = this.connection;
    config.budget.take(end - start);
    this.buffered += end - start;
    if (this.buffered >= highWaterMark && !this.paused) {
      this.paused = true;
      socket.pause();
    }
    this.sink.onData(this.bytes!, start, end);
  }

  private onWhole(): void {
    this.ended = true;
    this.bytes = undefined;
    this.resume();
    // Over TLS the word that the request's last bytes are written comes a turn later than the bytes go, and the answer
    // may be faster.
    if (this.handedOver && !this.sent) this.connection.clock.afterPoll(() => this.tellEnd());
    else this.tellEnd();
  }

  private tellEnd(): void {
    if (this.over || this.told) return;
    this.told = true;
    // First, so that what the caller does next finds the connection free.
    if (this.sent) this.connection.onComplete(this);
    this.sink.onEnd(this.parser.trailers);
    if (this.late !== undefined) this.fail(this.late);
  }

  consume(bytes: number): void {
    this.connection.config.budget.give(bytes);
    this.buffered -= bytes;
    if (this.buffered < highWaterMark) this.resume();
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.connection.socket.resume();
  }

  // --- failures ---

  /** The server sends nothing more. */
  onPeerEnd(): void {
    this.closes = true;
    if (this.tunnel) {
      this.ended = true;
      nextTick(() => {
        if (!this.over) this.sink.onEnd(undefined);
      });
    } else if (!this.ended && !this.over) {
      if (this.parser.finish()) this.onWhole();
      else this.onError(hungUp());
    }
  }

  /** The socket is closed. */
  onClosed(): void {
    this.stopWriteTimer();
    this.onError(this.connection.socket.errored ?? hungUp());
  }

  onError(error: Error): void {
    if (this.over || this.complete) return;
    const { origin, socket } = this.connection;
    const responseBegun = this.begun || this.tunnel;
    const { written } = this;
    const unheard = !this.description.reused && socket.bytesRead === 0;
    const spoken = responseBegun || this.interim > 0 || this.description.reused;
    const failure = requestFailed(error, { origin, written, responseBegun, unheard, spoken });
    this.metClosed = this.unanswered && failure.code === 'ERR_PASSINGLANE_CONNECTION_LOST';
    // A whole response stands, and what comes behind it is for nobody, be it in the same read or in the next.
    if (this.tunnel || this.told || !this.ended) return this.fail(failure);
    this.late ??= failure;
    this.connection.onUnasked();
  }

  /** On a connection kept from a request before no byte of an answer has come; false where none can be counted. */
  private get unanswered(): boolean {
    return (
      this.description.reused &&
      this.receivedBefore !== undefined &&
      this.connection.socket.bytesRead === this.receivedBefore
    );
  }

  /** Ends the request, and with it the connection: where it stands in the bytes of either side is not known any more. */
  fail(error: TransportError): void {
    if (this.over || this.complete) return;
    this.drain();
    if (this.over || this.complete) return;
    this.over = true;
    this.abandon();
    this.sink.onFailed(error);
    this.connection.onBroken(error);
  }

  /** What has come goes before the error, though the socket still holds it. */
  private drain(): void {
    if (!this.paused || this.draining) return;
    this.draining = true;
    for (let chunk = this.connection.unread(); chunk !== null && !this.over; chunk = this.connection.unread())
      this.onRead(chunk);
  }

  reset(): void {
    if (this.complete) return;
    this.over = true;
    this.abandon();
  }

  private abandon(): void {
    this.stopped = true;
    this.parser.stop();
    this.stopWriteTimer();
    this.connection.socket.destroy();
  }

  private startWriteTimer(): void {
    const { clock, writeTimeout, origin } = this.connection;
    this.stopWriteTimer();
    if (writeTimeout === 0) return;
    const expire = (): void => {
      if (this.writeTimer === timer) this.fail(writeTimedOut(origin, writeTimeout));
    };
    const timer = setDeadline(clock, writeTimeout, expire, false);
    this.writeTimer = timer;
  }

  private stopWriteTimer(): void {
    if (this.writeTimer !== undefined) this.connection.clock.clearTimer(this.writeTimer);
    this.writeTimer = undefined;
  }
}
