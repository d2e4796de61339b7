import { channel } from 'node:diagnostics_channel';
import type { ResponseConnection } from '../ports/index.js';
import { addHeader, toRaw } from './fields.js';
import { fieldPairs } from '../field-list.js';

/** Undici's channels. Others subscribe to them by name, so they hear of our requests as they do of undici's. */
const channels = {
  create: channel('undici:request:create'),
  sendHeaders: channel('undici:client:sendHeaders'),
  bodyChunkSent: channel('undici:request:bodyChunkSent'),
  bodySent: channel('undici:request:bodySent'),
  headers: channel('undici:request:headers'),
  bodyChunkReceived: channel('undici:request:bodyChunkReceived'),
  trailers: channel('undici:request:trailers'),
  error: channel('undici:request:error'),
};
const all = Object.values(channels);

/** Somebody listens, so the request needs a {@link PublishedRequest}. */
export function observed(): boolean {
  for (const one of all) if (one.hasSubscribers) return true;
  return false;
}

/** Somebody wants to know when requests go out. */
export function sendingObserved(): boolean {
  return (
    channels.sendHeaders.hasSubscribers || channels.bodySent.hasSubscribers || channels.bodyChunkSent.hasSubscribers
  );
}

/** What a request shows of itself on the channels: those properties of undici's Request that its documentation names. */
export class PublishedRequest {
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  /** Names and values in turn; what is added while `undici:request:create` is published goes out. */
  readonly headers: string[];
  readonly body: unknown;
  readonly upgrade: string | null;
  readonly idempotent: boolean;
  completed = false;
  aborted = false;

  constructor(
    init: Pick<PublishedRequest, 'origin' | 'method' | 'path' | 'headers' | 'body' | 'upgrade' | 'idempotent'>,
  ) {
    this.origin = init.origin;
    this.method = init.method;
    this.path = init.path;
    this.headers = init.headers;
    this.body = init.body;
    this.upgrade = init.upgrade;
    this.idempotent = init.idempotent;
    channels.create.publish({ request: this });
  }

  get protocol(): string {
    return this.origin.slice(0, this.origin.indexOf(':') + 1);
  }

  get host(): string | null {
    return this.#header('host');
  }

  get contentType(): string | null {
    return this.#header('content-type');
  }

  get contentLength(): number | null {
    const length = this.#header('content-length');
    return length === null ? null : Number(length);
  }

  #header(name: string): string | null {
    const at = this.headers.findIndex((one, i) => i % 2 === 0 && one.toLowerCase() === name);
    return at < 0 ? null : this.headers[at + 1]!;
  }

  /** Sent with the request, as long as it has not gone out. */
  addHeader(name: string, value: unknown): this {
    addHeader(this.headers, name, value);
    return this;
  }

  publishSendHeaders(connection: ResponseConnection): void {
    if (!channels.sendHeaders.hasSubscribers) return;
    const { remoteAddress, remotePort } = connection;
    const headers = fieldPairs(this.headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    channels.sendHeaders.publish({ request: this, headers, socket: { remoteAddress, remotePort } });
  }

  publishChunkSent(chunk: Uint8Array): void {
    channels.bodyChunkSent.publish({ request: this, chunk });
  }

  publishBodySent(): void {
    channels.bodySent.publish({ request: this });
  }

  publishHeaders(statusCode: number, fields: readonly string[], statusText: string): void {
    if (!channels.headers.hasSubscribers) return;
    channels.headers.publish({ request: this, response: { statusCode, headers: toRaw(fields), statusText } });
  }

  publishChunkReceived(chunk: Buffer): void {
    channels.bodyChunkReceived.publish({ request: this, chunk });
  }

  publishTrailers(fields: readonly string[]): void {
    this.completed = true;
    channels.trailers.publish({ request: this, trailers: toRaw(fields) });
  }

  publishError(error: Error): void {
    this.aborted = true;
    channels.error.publish({ request: this, error });
  }
}
