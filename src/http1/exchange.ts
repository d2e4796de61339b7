import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { TransportError } from '../errors.js';
import {
  buildTrailerFields,
  fieldListSize,
  isFieldValue,
  isToken,
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
import { malformedField, requestFailed, tooManyInterim, wrongUpgrade, writeTimedOut } from './failures.js';
import { lowerCased, requestHead } from './request-head.js';
import { nextTick } from '../timers.js';
import { fieldPairs } from '../field-list.js';

/** A response that nobody reads is read up to here, in bytes; then its connection waits for the reader. */
const highWaterMark = 65_536;

/** A body goes out in pieces of this size, in bytes, so that progress shows. */
const pieceSize = 65_536;

/** What an exchange needs of its connection. */
export interface Http1ExchangeHost extends HttpConnection {
  readonly config: Http1Config;
  readonly clock: Clock;
  readonly origin: string;
  readonly writeTimeout: number;
  /** Puts the request on the connection's socket. */
  readonly agent: Agent;
  readonly socket: Duplex & { readonly bytesRead?: number };
  /** The server says how long it keeps an idle connection. */
  onKeepAlive(field: string): void;
  /** The connection is the tunnel of this exchange from here on. */
  onUpgraded(): void;
  /** The connection is of no more use. */
  onBroken(error: TransportError): void;
  /** There were more bytes than the response has. */
  onUnasked(): void;
}

/** One request and its response on an HTTP/1.1 connection: node:http's events as the calls that a stream makes. */
export class Http1Exchange implements RequestHandle {
  readonly connection: Http1ExchangeHost;
  readonly description: ResponseConnection;
  readonly streamId = undefined;
  /** Its head was handed to the socket. */
  written = false;
  metClosed = false;
  statusText = '';
  /** The last request of its connection. */
  readonly closes: boolean;
  private readonly outgoing: OutgoingRequest;
  private readonly sink: StreamSink;
  private readonly request: ClientRequest;
  private response: IncomingMessage | undefined = undefined;
  /** It asks for an upgrade, and has no body unless that is granted. */
  private readonly asksUpgrade: boolean;
  /** The socket, once it is a tunnel (RFC 9110 section 7.8). */
  private tunnel: Duplex | undefined = undefined;
  /** The sink has had the final headers, and then the end. */
  private begun = false;
  private told = false;
  /** What went wrong once the response was whole: an upload that goes on ends with it. */
  private late: TransportError | undefined = undefined;
  /** The response is whole. */
  private ended = false;
  /** The sink hears nothing more. */
  private over = false;
  /** The rest of the body is not sent. */
  private stopped = false;
  /** Bytes of the body that wait to be read. */
  private buffered = 0;
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
    this.receivedBefore = connection.socket.bytesRead;
    const options = {
      ...requestHead(request),
      agent: connection.agent,
      setHost: false,
      setDefaultHeaders: false,
      insecureHTTPParser: false,
      maxHeaderSize: connection.config.maxHeaderListSize,
    };
    this.request = process.getBuiltinModule('node:http').request(options);
    this.request.maxHeadersCount = 0; // no limit but the size: beyond one Node leaves headers out without a word
    this.listen();
    if (request.endStream || this.asksUpgrade) this.request.end();
    else this.request.flushHeaders();
  }

  private listen(): void {
    const { request } = this;
    request.once('socket', () => {
      this.written = this.connection.socket.writable;
    });
    request.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
      this.statusText = statusMessage;
      this.onInformational(statusCode, rawHeaders);
    });
    request.once('response', (response) => {
      this.onResponse(response);
    });
    request.once('upgrade', (response, _socket, early) => {
      if (this.asksUpgrade) this.onUpgraded(response, early);
      else this.fail(wrongUpgrade(this.connection.origin, false));
    });
    request.once('finish', () => {
      this.stopWriteTimer();
      if (!this.outgoing.endStream && !this.asksUpgrade) this.sink.onSent();
    });
    request.on('error', (error) => {
      this.onError(error);
    });
    request.once('close', () => {
      this.onClose();
    });
  }

  // --- the request ---

  /** What takes the body. */
  private get out(): Writable {
    return this.tunnel ?? this.request;
  }

  /** Writes a piece of the body; the sink hears when the socket has taken it. */
  send(bytes: Uint8Array, last: boolean): void {
    if (this.asksUpgrade && this.tunnel === undefined) {
      if (last) this.sink.onSent(); // no upgrade, and so nothing to be sent
      return;
    }
    if (bytes.length === 0) {
      if (last) this.out.end();
      return;
    }
    const piece = bytes.subarray(0, pieceSize);
    const rest = bytes.subarray(pieceSize);
    this.startWriteTimer();
    this.out.write(piece, (error) => {
      this.stopWriteTimer();
      if (error || this.stopped || this.out.destroyed) return;
      if (rest.length > 0 || last) this.send(rest, last);
      else this.sink.onDrain();
    });
  }

  sendTrailers(fields: readonly string[]): void {
    this.request.addTrailers(fieldPairs(buildTrailerFields(fields, false)));
    this.request.end();
  }

  dropUnsent(): void {
    this.stopped = true;
  }

  /** All of the request and of the response are through. */
  get complete(): boolean {
    return this.ended && this.out.writableFinished;
  }

  // --- the response ---

  /** The fields in lower case; undefined, and the request failed, where one is none: some Nodes' parsers let it pass. */
  private received(raw: readonly string[]): string[] | undefined {
    const fields = lowerCased(raw);
    for (let i = 0; i + 1 < fields.length; i += 2) {
      if (isToken(fields[i]!) && isFieldValue(fields[i + 1]!)) continue;
      this.fail(malformedField(this.connection.origin, fields[i]!));
      return undefined;
    }
    return fields;
  }

  private onInformational(status: number, raw: readonly string[]): void {
    const { informationalLimit = this.connection.config.maxHeaderListSize } = this.outgoing;
    const fields = this.received(raw);
    if (fields === undefined) return;
    this.interim += fieldListSize(fields);
    if (this.interim > informationalLimit) return this.fail(tooManyInterim(this.connection.origin, informationalLimit));
    if (!this.over) this.sink.onInformational(status, fields);
  }

  private onResponse(response: IncomingMessage): void {
    this.response = response;
    response.on('error', (error) => {
      this.onError(error);
    });
    if (this.over) return;
    const { bodyless } = this.outgoing;
    const fields = this.received(response.rawHeaders);
    if (fields === undefined) return;
    const { 'keep-alive': keepAlive, 'content-length': length } = response.headers;
    if (typeof keepAlive === 'string') this.connection.onKeepAlive(keepAlive);
    const status = response.statusCode ?? 0;
    if (status === 101) return this.fail(wrongUpgrade(this.connection.origin, this.asksUpgrade));
    this.begun = true;
    this.statusText = response.statusMessage ?? '';
    this.sink.onHeaders(status, fields, bodyless || status === 204 || status === 304 || length === '0');
    response.on('data', this.onData);
    response.once('end', () => {
      this.onEnd();
    });
  }

  /** The socket carries what was asked for, beginning with what came behind the head, and ends with it. */
  private onUpgraded(response: IncomingMessage, early: Buffer): void {
    if (this.over) return;
    const { socket } = this.connection;
    const fields = this.received(response.rawHeaders);
    if (fields === undefined) return;
    this.tunnel = socket;
    this.connection.onUpgraded();
    this.statusText = response.statusMessage ?? '';
    this.sink.onHeaders(101, fields, false);
    socket.on('data', this.onData);
    socket.once('end', () => {
      this.ended = true;
      nextTick(() => {
        if (!this.over) this.sink.onEnd(undefined);
      });
    });
    socket.once('finish', () => {
      this.stopWriteTimer();
      if (!this.over) this.sink.onSent();
    });
    socket.once('error', (error) => {
      this.onError(error);
    });
    socket.once('close', () => {
      this.onTunnelClose();
    });
    socket.resume();
    if (early.length > 0) this.onData(early);
  }

  private readonly onData = (chunk: Buffer): void => {
    if (this.over) return;
    this.connection.config.budget.take(chunk.length);
    this.buffered += chunk.length;
    if (this.buffered >= highWaterMark) this.source?.pause();
    this.sink.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), 0, chunk.length);
  };

  private onEnd(): void {
    if (this.over) return;
    const trailers = this.received(this.response?.rawTrailers ?? []);
    if (trailers === undefined) return;
    this.ended = true;
    const deliver = (): void => {
      if (this.over) return;
      this.told = true;
      this.sink.onEnd(trailers);
      if (this.late !== undefined) this.fail(this.late);
    };
    // After node:http has left the socket free, so that what the caller does next finds it free too. Over TLS the word
    // that the request's last bytes are written comes a turn later than the bytes go, and the answer may be faster.
    const { writableEnded, writableFinished } = this.request;
    if (writableEnded && !writableFinished) this.connection.clock.afterPoll(deliver);
    else nextTick(deliver);
  }

  /** What the body comes from. */
  private get source(): Readable | undefined {
    return this.tunnel ?? this.response;
  }

  consume(bytes: number): void {
    this.connection.config.budget.give(bytes);
    this.buffered -= bytes;
    if (this.buffered < highWaterMark && this.source?.isPaused() === true) this.source.resume();
  }

  // --- failures ---

  /** The request is through, or its connection is. A response may be whole, and some of it not yet read. */
  private onClose(): void {
    if (this.tunnel !== undefined) return; // node:http is through with it, and it goes on
    this.stopWriteTimer();
    if (!this.complete && this.response?.complete !== true) this.onError(this.connection.socket.errored ?? undefined);
  }

  private onTunnelClose(): void {
    this.stopWriteTimer();
    if (!this.complete) this.onError(this.connection.socket.errored ?? undefined);
  }

  private onError(error: Error | undefined): void {
    const { origin } = this.connection;
    const responseBegun = this.source !== undefined;
    const unheard = !this.description.reused && this.connection.socket.bytesRead === 0;
    const failure = requestFailed(error, { origin, written: this.written, responseBegun, unheard });
    this.metClosed = this.unanswered && failure.code === 'ERR_PASSINGLANE_CONNECTION_LOST';
    // A whole response stands, and what comes behind it is for nobody, be it in the same read or in the next.
    if (this.tunnel !== undefined || this.told || this.response?.complete !== true) return this.fail(failure);
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
    this.over = true;
    this.abandon();
    this.sink.onFailed(error);
    this.connection.onBroken(error);
  }

  /** What has come goes before the error, though node:http still holds it. */
  private drain(): void {
    const { response } = this;
    if (response === undefined || !this.begun) return;
    response.off('data', this.onData);
    for (;;) {
      const chunk = response.read() as Buffer | null;
      if (chunk === null) return;
      this.onData(chunk);
    }
  }

  reset(): void {
    if (this.complete) return;
    this.over = true;
    this.abandon();
  }

  private abandon(): void {
    this.stopped = true;
    this.stopWriteTimer();
    this.request.destroy();
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
