import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { handOn } from '../body/index.js';
import type { ClientResponse } from '../index.js';
import { statusTextOf } from '../request/index.js';
import { toHttpError } from './http-errors.js';
import { distinctFields, joinFields, rawFields } from './incoming-fields.js';
import type { SocketView } from './socket-view.js';
import { nextTick } from '../timers.js';

/** What a response needs of its ClientRequest. */
export interface Requested extends Writable {
  readonly socket: SocketView;
  setTimeout(milliseconds: number): void;
  /** Something came, so that its time-out starts anew. */
  touch(): void;
  responseDestroyed(): void;
}

/** A response as node:http gives it. Chunks are Buffers; a body that is cut ends with an error, ECONNRESET. */
export class IncomingMessage extends Readable {
  readonly statusCode: number;
  /** HTTP/2 has none: there it is the status code's usual one. */
  statusMessage: string;
  readonly httpVersion: '2.0' | '1.1';
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly url = '';
  readonly method = null;
  readonly req: Requested;
  /** All of it has arrived, trailers included. */
  complete = false;
  /** It was destroyed before its end. */
  aborted = false;
  trailers: IncomingHttpHeaders = {};
  trailersDistinct: Record<string, string[]> = {};
  rawTrailers: string[] = [];
  readonly #response: ClientResponse;
  readonly #chunks: AsyncIterator<Uint8Array, undefined>;
  #headers: IncomingHttpHeaders | undefined = undefined;

  constructor(response: ClientResponse, req: Requested) {
    super();
    this.statusCode = response.status;
    this.statusMessage =
      response.httpVersion === '1.1' ? statusTextOf(response) : (STATUS_CODES[response.status] ?? '');
    this.httpVersion = response.httpVersion;
    this.httpVersionMajor = Number(response.httpVersion[0]);
    this.httpVersionMinor = Number(response.httpVersion[2]);
    this.req = req;
    this.#response = response;
    this.#chunks = response.body[Symbol.asyncIterator]();
  }

  get headers(): IncomingHttpHeaders {
    this.#headers ??= joinFields(this.#response.headerPairs);
    return this.#headers;
  }

  /** Programs that sit between may replace them, as got's cache does. */
  set headers(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get headersDistinct(): Record<string, string[]> {
    return distinctFields(this.#response.headerPairs);
  }

  get rawHeaders(): string[] {
    return rawFields(this.#response.headerPairs);
  }

  get socket(): SocketView {
    return this.req.socket;
  }

  get connection(): SocketView {
    return this.req.socket;
  }

  /** As on the request: `timeout` is emitted after so many milliseconds in which nothing came or went. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (listener !== undefined) this.on('timeout', listener);
    this.req.setTimeout(milliseconds);
    return this;
  }

  override _read(): void {
    void this.#pull();
  }

  async #pull(): Promise<void> {
    try {
      const step = await this.#chunks.next();
      this.req.touch();
      if (step.done !== true) {
        const { buffer, byteOffset, byteLength } = step.value;
        handOn(this, Buffer.from(buffer, byteOffset, byteLength));
        return;
      }
      const trailers = [...(await this.#response.trailers)];
      this.trailers = joinFields(trailers);
      this.trailersDistinct = distinctFields(trailers);
      this.rawTrailers = rawFields(trailers);
      this.complete = true;
      handOn(this, null);
    } catch (error) {
      if (!this.destroyed) this.destroy(toHttpError(error));
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.complete && error === null) {
      callback(null);
      return;
    }
    this.aborted = true;
    this.#response.body.cancel(error ?? undefined);
    // As in node:http, an error that nobody listens for does not end the process.
    callback(this.listenerCount('error') > 0 ? error : null);
    nextTick(() => {
      this.emit('aborted');
      this.req.responseDestroyed();
    });
  }
}
