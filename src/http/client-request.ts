import { AsyncResource } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { STATUS_CODES, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';
import { Writable } from 'node:stream';
import type { Origin } from '../ports/index.js';
import type { ClientResponse, RequestOptions } from '../index.js';
import { basicCredentials } from '../request/index.js';
import { HeaderStore } from './header-store.js';
import { aborted, signalAborted, socketHangUp, toHttpError } from './http-errors.js';
import { IncomingMessage } from './incoming-message.js';
import { joinFields, rawFields } from './incoming-fields.js';
import { OutgoingBody } from './outgoing-body.js';
import { send, type Requester } from './send.js';
import { SocketView } from './socket-view.js';
import type { Target } from './target.js';
import { setTimeout, clearTimeout, nextTick } from '../timers.js';

/**
 * A request as node:http gives it. It goes out with its first piece of body, with `end`, or with `flushHeaders`. It
 * emits `socket`, `response`, `information`, `continue`, `timeout`, `abort`, `error`, `finish` and `close`, in
 * node:http's order.
 */
export class ClientRequest extends Writable {
  readonly method: string;
  readonly protocol: string;
  readonly host: string;
  readonly path: string;
  /** The response, once it is there. */
  res: IncomingMessage | undefined = undefined;
  /** Its connection had carried a request before. Known with the response. */
  reusedSocket = false;
  aborted = false;
  headersSent = false;
  readonly socket: SocketView;
  readonly #requester: Requester;
  readonly #origin: Origin;
  readonly #headers = new HeaderStore();
  readonly #abort = new AbortController();
  readonly #body = new OutgoingBody();
  readonly #context = new AsyncResource('passinglane');
  #trailers: Record<string, string> | undefined = undefined;
  #timeout: NodeJS.Timeout | undefined = undefined;
  #responseOver = false;

  constructor(requester: Requester, target: Target, onResponse?: (response: IncomingMessage) => void) {
    // Destroyed, and so closed, when the response has ended too.
    super({ autoDestroy: false, decodeStrings: true });
    this.method = target.method;
    this.protocol = target.origin.scheme;
    this.host = target.host;
    this.path = target.path;
    this.#origin = target.origin;
    this.#requester = requester;
    this.socket = SocketView.make(this.protocol === 'https:', (error) => this.destroy(error));
    this.#headers.addAll(target.headers);
    if (target.auth !== undefined && !this.#headers.has('authorization'))
      this.#headers.set('authorization', basicCredentials(target.auth));
    if (onResponse !== undefined) this.once('response', onResponse);
    if (target.timeout !== undefined) this.setTimeout(target.timeout);
    if (target.signal !== undefined) this.#follow(target.signal);
    nextTick(() => {
      if (!this.destroyed) this.emit('socket', this.socket);
      // Whoever expects 100 waits for it before the first piece.
      if (this.#headers.has('expect')) this.flushHeaders();
    });
  }

  get connection(): SocketView {
    return this.socket;
  }

  /** Deprecated in node:http too: `writableEnded`. */
  get finished(): boolean {
    return this.writableEnded;
  }

  setHeader(name: string, value: OutgoingHttpHeader): this {
    this.#checkNotSent();
    this.#headers.set(name, value);
    return this;
  }

  appendHeader(name: string, value: string | readonly string[]): this {
    this.#checkNotSent();
    this.#headers.append(name, value);
    return this;
  }

  setHeaders(headers: Headers | Map<string, OutgoingHttpHeader>): this {
    for (const [name, value] of headers) this.setHeader(name, value);
    return this;
  }

  removeHeader(name: string): void {
    this.#checkNotSent();
    this.#headers.delete(name);
  }

  getHeader(name: string): OutgoingHttpHeader | undefined {
    return this.#headers.get(name);
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name);
  }

  getHeaders(): OutgoingHttpHeaders {
    return this.#headers.toObject();
  }

  getHeaderNames(): string[] {
    return this.#headers.names();
  }

  getRawHeaderNames(): string[] {
    return this.#headers.rawNames();
  }

  /** Fields to send after the body. */
  addTrailers(trailers: Record<string, string>): void {
    this.#trailers = { ...this.#trailers, ...trailers };
  }

  /** Sends the headers now, and the body as it is written. */
  flushHeaders(): void {
    if (!this.headersSent && !this.destroyed) this.#send(() => this.#body.stream());
  }

  /** Emits `timeout` after so many milliseconds in which nothing came or went; it ends nothing. 0: never. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (listener !== undefined) this.once('timeout', listener);
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
    if (milliseconds > 0 && !this.destroyed) {
      this.#timeout = setTimeout(() => {
        this.emit('timeout');
        this.res?.emit('timeout');
      }, milliseconds).unref();
    }
    return this;
  }

  /** Something came or went: the time-out counts from now. */
  touch(): void {
    this.#timeout?.refresh();
  }

  setNoDelay(): void {}

  setSocketKeepAlive(): void {}

  /** Deprecated in node:http too: `destroy`. */
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    nextTick(() => this.emit('abort'));
    this.destroy();
  }

  /** Until it is closed: node:stream's addAbortSignal would listen no longer than there is a body to write. */
  #follow(signal: AbortSignal): void {
    const onAbort = (): void => void this.destroy(signalAborted(signal.reason));
    if (signal.aborted) {
      onAbort();
      return;
    }
    setMaxListeners(0, signal); // as Node's own fetch does: many requests may share it, and each stops listening
    signal.addEventListener('abort', onAbort, { once: true });
    this.once('close', () => {
      signal.removeEventListener('abort', onAbort);
    });
  }

  override _write(piece: Buffer, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#body.write(piece, () => {
      this.touch();
      callback();
    });
    if (this.headersSent) return;
    nextTick(() => {
      if (this.headersSent || this.destroyed) return;
      // All that there is to say, known before it is sent: it has a length, and can be sent again.
      const whole = this.writableEnded && this.writableLength === piece.byteLength;
      if (!whole || this.#trailers !== undefined) {
        this.flushHeaders();
        return;
      }
      if (!this.#headers.has('content-length') && !this.#headers.has('transfer-encoding'))
        this.#headers.set('content-length', piece.byteLength);
      this.#send(() => this.#body.again(piece));
    });
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#body.end(callback);
    if (this.headersSent || this.destroyed) return;
    // Nothing was written, so there is no body to ask for: it has ended when the request is on its way.
    this.#send(null);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
    const { res } = this;
    this.#responseOver ||= res?.complete === true;
    // As in node:http: an error of its own is emitted here even when there is a response.
    const reason = error ?? (res === undefined && !this.#responseOver ? socketHangUp() : null);
    this.#responseOver = true;
    // After a whole response it is kept for others, as node:http's agent keeps it.
    this.socket.destroyed = error !== null || res?.complete !== true;
    this.#abort.abort(reason ?? aborted());
    this.#body.close();
    callback(reason);
    if (res !== undefined && !res.complete) {
      nextTick(() => {
        if (!res.destroyed) res.destroy(error ?? aborted());
      });
    }
  }

  /** The response was destroyed, or has ended. */
  responseDestroyed(): void {
    this.#responseOver = true;
    if (!this.destroyed) this.destroy();
  }

  #checkNotSent(): void {
    if (!this.headersSent) return;
    const error = new Error('Headers cannot be changed after they were sent');
    throw Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' });
  }

  /** Headers do not change from here on. What happens next can still be listened for in the same turn. */
  #send(body: RequestOptions['body']): void {
    this.headersSent = true;
    nextTick(() => {
      // Its answer is told of where it was made, whoever ended it: the stream that was piped into it may be of another context.
      if (!this.destroyed) this.#context.runInAsyncScope(() => this.#dispatch(body));
    });
  }

  #dispatch(body: RequestOptions['body']): void {
    this.touch();
    const watched = this.listenerCount('information') + this.listenerCount('continue') > 0;
    const expect = this.#headers.get('expect');
    const expectContinue = expect !== undefined && /^100-continue$/i.test(String(expect));
    const trailers = body === null ? undefined : () => this.#trailers ?? {};
    const options: RequestOptions = {
      method: this.method,
      body,
      trailers: this.#trailers === undefined ? undefined : trailers,
      signal: this.#abort.signal,
      decompress: false,
      expectContinue,
      onInformational: watched ? this.#onInformational : undefined,
    };
    const sent = (): void => {
      if (body === null) this.#body.close();
    };
    const target = { origin: this.#origin, path: this.path };
    // Out of the promise: what a listener throws is an uncaught exception, as with node:http.
    const answered = (response: ClientResponse): void => {
      nextTick(this.#onResponse, response);
    };
    send(this.#requester, target, this.#headers.toPairs(), options, sent).then(answered, (reason: unknown) => {
      this.#responseOver = true;
      if (!this.destroyed) this.destroy(toHttpError(reason));
    });
  }

  /** `statusText`: none in HTTP/2, where node:http's users get the usual one. */
  readonly #onInformational = (statusCode: number, headers: Headers, statusText = ''): void => {
    this.touch();
    nextTick(() => {
      if (statusCode === 100) this.emit('continue');
      this.emit('information', {
        httpVersion: '2.0',
        httpVersionMajor: 2,
        httpVersionMinor: 0,
        statusCode,
        statusMessage: statusText === '' ? (STATUS_CODES[statusCode] ?? '') : statusText,
        headers: joinFields(headers),
        rawHeaders: rawFields(headers),
      });
    });
  };

  readonly #onResponse = (response: ClientResponse): void => {
    this.touch();
    if (this.destroyed) {
      response.body.cancel();
      return;
    }
    this.socket.describe(response.connection);
    this.reusedSocket = response.connection.reused;
    const res = new IncomingMessage(response, this);
    this.res = res;
    res.once('end', () => {
      if (this.writableFinished) this.responseDestroyed();
      else this.once('finish', () => this.responseDestroyed());
    });
    // As in node:http: a response that nobody asked for is read and dropped.
    if (!this.emit('response', res)) res.resume();
  };
}
