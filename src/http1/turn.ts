import { request as startRequest, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TransportError } from '../errors.js';
import {
  fieldListSize,
  isFieldValue,
  isToken,
  type BufferBudget,
  type CarriedStream,
  type Clock,
  type OpenInit,
  type Outgoing,
  type TimerHandle,
} from '../conn/index.js';
import { malformedField, requestFailed, tooManyInterim, unaskedUpgrade, writeTimedOut } from './failures.js';
import { lowerCased, requestHead } from './request-head.js';

/** A response that nobody reads is read up to here, in bytes; then its connection waits for the reader. */
const highWaterMark = 65_536;

/** A body goes out in pieces of this size, in bytes, so that progress shows. */
const pieceSize = 65_536;

/** What a turn needs of its connection. */
export interface TurnHost {
  readonly clock: Clock;
  readonly origin: string;
  readonly budget: BufferBudget;
  readonly maxHeaderListSize: number;
  readonly writeTimeout: number;
  /** Puts the request on the connection's socket. */
  readonly agent: Agent;
  readonly socket: Duplex;
  /** The server says how long it keeps an idle connection. */
  onKeepAlive(field: string): void;
  /** The connection is of no more use. */
  onBroken(error: TransportError): void;
}

/** One request and its response on an HTTP/1.1 connection: node:http's events as the calls that a stream makes. */
export class Turn implements CarriedStream {
  readonly id: number;
  /** Its head was handed to the socket. */
  written = false;
  private readonly host: TurnHost;
  private readonly init: OpenInit;
  private readonly request: ClientRequest;
  private response: IncomingMessage | undefined = undefined;
  /** The response is whole. */
  private ended = false;
  /** The sink hears nothing more. */
  private over = false;
  /** The rest of the body is not sent. */
  private stopped = false;
  /** Bytes of the body that wait to be read. */
  private buffered = 0;
  private interim = 0;
  private writeTimer: TimerHandle | undefined = undefined;

  constructor(id: number, host: TurnHost, init: OpenInit, request: Outgoing) {
    this.id = id;
    this.host = host;
    this.init = init;
    const options = {
      ...requestHead(request, init.endStream),
      agent: host.agent,
      setHost: false,
      setDefaultHeaders: false,
      insecureHTTPParser: false,
      maxHeaderSize: host.maxHeaderListSize,
    };
    this.request = startRequest(options);
    this.request.maxHeadersCount = 0; // no limit but the size: beyond one Node leaves headers out without a word
    this.listen();
    if (init.endStream) this.request.end();
    else this.request.flushHeaders();
  }

  private listen(): void {
    const { request } = this;
    request.once('socket', () => {
      this.written = this.host.socket.writable;
    });
    request.on('information', ({ statusCode, rawHeaders }) => {
      this.onInformational(statusCode, rawHeaders);
    });
    request.once('response', (response) => {
      this.onResponse(response);
    });
    request.once('upgrade', () => {
      this.fail(unaskedUpgrade(this.host.origin));
    });
    request.once('finish', () => {
      this.stopWriteTimer();
      if (!this.init.endStream) this.init.sink.onSent();
    });
    request.on('error', (error) => {
      this.onError(error);
    });
    request.once('close', () => {
      this.onClose();
    });
  }

  // --- the request ---

  /** Writes a piece of the body; the sink hears when the socket has taken it. */
  send(bytes: Uint8Array, last: boolean): void {
    if (bytes.length === 0) {
      if (last) this.request.end();
      return;
    }
    const piece = bytes.subarray(0, pieceSize);
    const rest = bytes.subarray(pieceSize);
    this.startWriteTimer();
    this.request.write(piece, (error) => {
      this.stopWriteTimer();
      if (error || this.stopped || this.request.destroyed) return;
      if (rest.length > 0 || last) this.send(rest, last);
      else this.init.sink.onHungry();
    });
  }

  sendTrailers(fields: readonly string[]): void {
    const pairs: [string, string][] = [];
    for (let i = 0; i + 1 < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!]);
    this.request.addTrailers(pairs);
    this.request.end();
  }

  /** The rest of the body is not sent. */
  stop(): void {
    this.stopped = true;
  }

  /** All of the request and of the response are through. */
  get complete(): boolean {
    return this.ended && this.request.writableFinished;
  }

  // --- the response ---

  /** The fields in lower case; undefined, and the request failed, where one is none: some Nodes' parsers let it pass. */
  private received(raw: readonly string[]): string[] | undefined {
    const fields = lowerCased(raw);
    for (let i = 0; i + 1 < fields.length; i += 2) {
      if (isToken(fields[i]!) && isFieldValue(fields[i + 1]!)) continue;
      this.fail(malformedField(this.host.origin, fields[i]!));
      return undefined;
    }
    return fields;
  }

  private onInformational(status: number, raw: readonly string[]): void {
    const { informationalLimit, sink } = this.init;
    const fields = this.received(raw);
    if (fields === undefined) return;
    this.interim += fieldListSize(fields);
    if (this.interim > informationalLimit) return this.fail(tooManyInterim(this.host.origin, informationalLimit));
    if (!this.over) sink.onInformational(status, fields);
  }

  private onResponse(response: IncomingMessage): void {
    this.response = response;
    response.on('error', (error) => {
      this.onError(error);
    });
    if (this.over) return;
    const { sink, bodyless } = this.init;
    const fields = this.received(response.rawHeaders);
    if (fields === undefined) return;
    const { 'keep-alive': keepAlive, 'content-length': length } = response.headers;
    if (typeof keepAlive === 'string') this.host.onKeepAlive(keepAlive);
    const status = response.statusCode ?? 0;
    sink.onHeaders(status, fields, bodyless || status === 204 || status === 304 || length === '0');
    response.on('data', (chunk: Buffer) => {
      this.onData(chunk);
    });
    response.once('end', () => {
      this.onEnd();
    });
  }

  private onData(chunk: Buffer): void {
    if (this.over) return;
    this.host.budget.take(chunk.length);
    this.buffered += chunk.length;
    if (this.buffered >= highWaterMark) this.response?.pause();
    this.init.sink.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), 0, chunk.length);
  }

  private onEnd(): void {
    if (this.over) return;
    const trailers = this.received(this.response?.rawTrailers ?? []);
    if (trailers === undefined) return;
    this.ended = true;
    const deliver = (): void => {
      if (!this.over) this.init.sink.onEnd(trailers);
    };
    // After node:http has left the socket free, so that what the caller does next finds it free too. Over TLS the word
    // that the request's last bytes are written comes a turn later than the bytes go, and the answer may be faster.
    const { writableEnded, writableFinished } = this.request;
    if (writableEnded && !writableFinished) this.host.clock.afterPoll(deliver);
    else process.nextTick(deliver);
  }

  consume(bytes: number): void {
    this.host.budget.give(bytes);
    this.buffered -= bytes;
    if (this.buffered < highWaterMark && this.response?.isPaused() === true) this.response.resume();
  }

  // --- failures ---

  /** The request is through, or its connection is. A response may be whole, and some of it not yet read. */
  private onClose(): void {
    this.stopWriteTimer();
    if (!this.complete && this.response?.complete !== true) this.onError(this.host.socket.errored ?? undefined);
  }

  private onError(error: Error | undefined): void {
    const { origin } = this.host;
    this.fail(requestFailed(error, { origin, written: this.written, responseBegun: this.response !== undefined }));
  }

  /** Ends the request, and with it the connection: where it stands in the bytes of either side is not known any more. */
  fail(error: TransportError): void {
    if (this.over || this.complete) return;
    this.over = true;
    this.abandon();
    this.init.sink.onFailed(error);
    this.host.onBroken(error);
  }

  /** Nobody wants the response; the sink hears nothing more. */
  cancel(): void {
    this.over = true;
    this.abandon();
  }

  private abandon(): void {
    this.stopped = true;
    this.stopWriteTimer();
    this.request.destroy();
    this.host.socket.destroy();
  }

  private startWriteTimer(): void {
    const { clock, writeTimeout, origin } = this.host;
    this.stopWriteTimer();
    if (writeTimeout === 0) return;
    const expire = (): void => {
      if (this.writeTimer === timer) this.fail(writeTimedOut(origin, writeTimeout));
    };
    const timer = clock.setTimer(writeTimeout, () => clock.afterPoll(expire), false);
    this.writeTimer = timer;
  }

  private stopWriteTimer(): void {
    if (this.writeTimer !== undefined) this.host.clock.clearTimer(this.writeTimer);
    this.writeTimer = undefined;
  }
}
